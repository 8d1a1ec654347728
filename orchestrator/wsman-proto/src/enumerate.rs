//! Enumerate with WQL, Pull, Release (wsman.md 4.3).

use crate::cim::Instance;
use crate::envelope::Request;
use crate::ns;
use crate::xml::{Element, Writer};

/// Effective batch size is bounded by the envelope; this is Windows' own maximum.
const MAX_ELEMENTS: &str = "32000";

/// `Enumerate` of a WQL query in a namespace like `root/cimv2`, with the first items in the reply.
pub fn wql(namespace: &str, query: &str) -> Request {
    let mut writer = Writer::new();
    writer.element("n:Enumerate", &[("xmlns:n", ns::ENUMERATION)], |writer| {
        writer.empty("w:OptimizeEnumeration", &[]);
        writer.text("w:MaxElements", &[], MAX_ELEMENTS);
        writer.text("w:Filter", &[("Dialect", ns::WQL)], query);
    });
    Request::new(
        "Enumerate",
        ns::ACTION_ENUMERATE,
        all_classes(namespace),
        writer.finish(),
    )
    .reads(true)
}

/// `Enumerate` of the shells of the host that the account may see (wsman.md 3.7).
pub fn shells() -> Request {
    let mut writer = Writer::new();
    writer.element("n:Enumerate", &[("xmlns:n", ns::ENUMERATION)], |writer| {
        writer.empty("w:OptimizeEnumeration", &[]);
        writer.text("w:MaxElements", &[], MAX_ELEMENTS);
    });
    let body = writer.finish();
    Request::new("Enumerate", ns::ACTION_ENUMERATE, ns::SHELL, body).reads(true)
}

/// `Pull`: the next shells.
pub fn pull_shells(context: &str) -> Request {
    pull_from(ns::SHELL.to_owned(), context)
}

/// `Pull`: the next items.
pub fn pull(namespace: &str, context: &str) -> Request {
    pull_from(all_classes(namespace), context)
}

fn pull_from(resource: String, context: &str) -> Request {
    let mut writer = Writer::new();
    writer.element("n:Pull", &[("xmlns:n", ns::ENUMERATION)], |writer| {
        writer.text("n:EnumerationContext", &[], context);
        writer.text("n:MaxElements", &[], MAX_ELEMENTS);
    });
    Request::new("Pull", ns::ACTION_PULL, resource, writer.finish()).reads(true)
}

/// `Release`: the host may forget the context.
pub fn release(namespace: &str, context: &str) -> Request {
    let mut writer = Writer::new();
    writer.element("n:Release", &[("xmlns:n", ns::ENUMERATION)], |writer| {
        writer.text("n:EnumerationContext", &[], context);
    });
    Request::new(
        "Release",
        ns::ACTION_RELEASE,
        all_classes(namespace),
        writer.finish(),
    )
    .reads(true)
}

fn all_classes(namespace: &str) -> String {
    [ns::WMI, namespace.trim_matches('/'), "/*"].concat()
}

/// Sent back with every Pull. Windows' own are GUIDs.
const MAX_CONTEXT: usize = 8192;

/// One page of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Items in the host's order.
    pub items: Vec<Instance>,
    /// Context for the next Pull; `None` when this was the last page.
    pub next: Option<String>,
}

/// Reads an `EnumerateResponse` or a `PullResponse`. `previous` is the context just used, for hosts that leave it
/// out when it did not change. `None` when the body is neither.
pub fn page(body: &Element, previous: Option<&str>) -> Option<Page> {
    let response = body.children().find(|child| {
        child.is(ns::ENUMERATION, "EnumerateResponse") || child.is(ns::ENUMERATION, "PullResponse")
    })?;
    // `Items` and `EndOfSequence` are in w in the first reply and in n in the others. Never look deeper: a WMI
    // property may have the same name.
    let either = |name| {
        response
            .child(ns::WSMAN, name)
            .or_else(|| response.child(ns::ENUMERATION, name))
    };
    let items = either("Items")
        .map(|items| items.children().map(item).collect())
        .unwrap_or_default();
    let context = response
        .child(ns::ENUMERATION, "EnumerationContext")
        .map(|context| context.text().trim().to_owned())
        .filter(|context| !context.is_empty());
    if context
        .as_ref()
        .is_some_and(|context| context.len() > MAX_CONTEXT)
    {
        return None;
    }
    let next = match either("EndOfSequence") {
        Some(_) => None,
        None => context.or_else(|| previous.map(str::to_owned)),
    };
    Some(Page { items, next })
}

/// `w:Item` wraps object and reference when references were asked for; tolerate it.
fn item(element: &Element) -> Instance {
    let inner = if element.is(ns::WSMAN, "Item") {
        element.children().next()
    } else {
        None
    };
    Instance::from_element(inner.unwrap_or(element))
}
