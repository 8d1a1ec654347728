//! Enumerate, Pull and Release, of instances, queries and shells (reference 4.3).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::envelope::{child, content};
use super::fault::{Fault, NO_ACTION, NOT_FOUND, TIMED_OUT};
use super::instance::{property, typed};
use super::xml::{element, text};
use super::{Body, Call, Request, uri};
use crate::cim::{self, Columns, Instance, Query};
use crate::dialect::{
    CimDialect, Context, EndContext, FirstPage, FirstPull, Namespaces, Pages, XmlDialect,
};
use crate::host::{Enumeration, Host, Tally};

/// Bytes of an envelope that are not items.
const FRAME: usize = 4096;
const NO_CONTEXT: u32 = 2_150_858_779;
const BAD_FILTER: u32 = 2_150_858_778;

/// A verb of enumeration on a WMI resource.
pub(super) fn wmi(
    call: &Call<'_>,
    request: &Request<'_, '_>,
    verb: &str,
    namespace: &str,
    class: &str,
) -> Result<Body, Fault> {
    match verb {
        "Enumerate" => {
            let node = child(&request.body, uri::N, "Enumerate")
                .ok_or_else(|| Fault::new(2_150_858_791))?;
            let filter = child(&node, uri::W, "Filter").or_else(|| child(&node, uri::N, "Filter"));
            let items = match filter {
                Some(filter) => match filter.attribute("Dialect") {
                    Some(uri::WQL) => query(call, namespace, class, &content(&filter))?,
                    Some(uri::SELECTOR_FILTER) => selected(call.host, namespace, class, &filter)?,
                    _ => return Err(Fault::new(2_150_858_777)),
                },
                None if class == "*" => return Err(Fault::new(BAD_FILTER)),
                None => {
                    let found = cim::instances(call.host, namespace, class)
                        .ok_or_else(|| Fault::wmi(NOT_FOUND, 0x8004_1010))?;
                    call.host
                        .record(&call.user.name, "Enumerate", class, "0", false);
                    found
                        .iter()
                        .map(|instance| typed(namespace, instance, call.host.dialect().cim))
                        .collect()
                }
            };
            first(call, request, items)
        }
        _ => later(call, request, verb),
    }
}

/// A verb of enumeration on the shells.
pub(super) fn shells(
    call: &Call<'_>,
    request: &Request<'_, '_>,
    verb: &str,
) -> Result<Body, Fault> {
    if verb != "Enumerate" {
        return later(call, request, verb);
    }
    let items = call
        .host
        .state()
        .shells
        .values()
        .map(|shell| super::shells::description(shell, uri::CMD_SHELL, true))
        .collect();
    first(call, request, items)
}

fn query(
    call: &Call<'_>,
    namespace: &str,
    class: &str,
    wql: &str,
) -> Result<VecDeque<String>, Fault> {
    if class != "*" {
        return Err(Fault::new(2_150_859_003));
    }
    let bad = |status| Fault::wmi(BAD_FILTER, status);
    let query = Query::parse(wql).ok_or_else(|| bad(0x8004_1017))?;
    let all = cim::instances(call.host, namespace, &query.class).ok_or_else(|| bad(0x8004_1010))?;
    let mut items = VecDeque::new();
    for instance in &all {
        if query.selects(instance).ok_or_else(|| bad(0x8004_1017))? {
            items.push_back(match &query.columns {
                Columns::All => typed(namespace, instance, call.host.dialect().cim),
                Columns::Named(names) => fragment(instance, names, call.host.dialect().cim)
                    .ok_or_else(|| bad(0x8004_1017))?,
            });
        }
    }
    call.host.record(
        &call.user.name,
        "Query",
        wql,
        &items.len().to_string(),
        false,
    );
    Ok(items)
}

/// A projection: children in no namespace, sorted by name.
fn fragment(instance: &Instance, names: &[String], dialect: CimDialect) -> Option<String> {
    let mut columns = names
        .iter()
        .map(|name| cim::property(instance, name))
        .collect::<Option<Vec<_>>>()?;
    columns.sort_by_key(|(name, _)| *name);
    let inner: String = columns
        .into_iter()
        .map(|(name, value)| property(name, value, dialect))
        .collect();
    Some(format!(
        "<w:XmlFragment xmlns:xsi=\"{}\" xmlns:cim=\"{}\">{inner}</w:XmlFragment>",
        uri::XSI,
        uri::CIM
    ))
}

fn selected(
    host: &Host,
    namespace: &str,
    class: &str,
    filter: &roxmltree::Node<'_, '_>,
) -> Result<VecDeque<String>, Fault> {
    let set = child(filter, uri::W, "SelectorSet").ok_or_else(|| Fault::new(BAD_FILTER))?;
    let wanted: Vec<(String, String)> = set
        .children()
        .filter(|node| super::envelope::is(node, uri::W, "Selector"))
        .map(|node| {
            (
                node.attribute("Name").unwrap_or_default().to_string(),
                content(&node),
            )
        })
        .collect();
    let all =
        cim::instances(host, namespace, class).ok_or_else(|| Fault::wmi(NOT_FOUND, 0x8004_1010))?;
    let hit = |instance: &&Instance| {
        wanted.iter().all(|(name, text)| {
            cim::property(instance, name)
                .is_some_and(|(_, value)| value.text().to_lowercase() == text.to_lowercase())
        })
    };
    Ok(all
        .iter()
        .filter(hit)
        .map(|instance| typed(namespace, instance, host.dialect().cim))
        .collect())
}

fn number(node: &roxmltree::Node<'_, '_>, namespace: &str) -> Result<Option<usize>, Fault> {
    let Some(node) = child(node, namespace, "MaxElements") else {
        return Ok(None);
    };
    match content(&node).trim().parse() {
        Ok(count) if count > 0 => Ok(Some(count)),
        _ => Err(Fault::new(2_150_858_791)),
    }
}

/// The reply to Enumerate. Optimised, and if nothing else is this host's way: one item first where there are several.
fn first(
    call: &Call<'_>,
    request: &Request<'_, '_>,
    mut items: VecDeque<String>,
) -> Result<Body, Fault> {
    let node =
        child(&request.body, uri::N, "Enumerate").ok_or_else(|| Fault::new(2_150_858_791))?;
    let optimised = child(&node, uri::W, "OptimizeEnumeration").is_some();
    number(&node, uri::W)?;
    let dialect = call.host.dialect().cim;
    let prefix = match dialect.namespaces {
        Namespaces::Usual | Namespaces::Management => "w",
        Namespaces::Enumeration => "n",
    };
    let mut inside = String::new();
    let asked_again = dialect.first_page == FirstPage::Nothing && !items.is_empty();
    if optimised && !asked_again {
        let count = match dialect.first_page {
            FirstPage::Everything => usize::MAX,
            FirstPage::OneItem | FirstPage::Nothing => 1,
        };
        let page = page(&mut items, count, room(call, request));
        inside += &element(&format!("{prefix}:Items"), &page);
    }
    let context = if optimised && items.is_empty() {
        inside += &format!("<{prefix}:EndOfSequence/>");
        match dialect.end_context {
            EndContext::Usual => text("n:EnumerationContext", ""),
            EndContext::Absent => String::new(),
            EndContext::Nil => NIL_CONTEXT.to_owned(),
        }
    } else {
        let used = call.host.state().operations_of(&call.user.name);
        if used >= call.host.max_operations() {
            return Err(super::shells::quota_fault(call, 2_150_859_174));
        }
        Tally::most(&call.host.tally.most_operations, u64::from(used) + 1);
        text(
            "n:EnumerationContext",
            &keep(call, request, items, None, Next::First),
        )
    };
    let xml = element("n:EnumerateResponse", &(context + &inside));
    Ok(Body {
        action: format!("{}Response", request.action),
        xml,
    })
}

const NIL_CONTEXT: &str = "<n:EnumerationContext xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>";

/// What of an envelope is left for items.
fn room(call: &Call<'_>, request: &Request<'_, '_>) -> usize {
    let limit = super::envelope::meta(
        &super::envelope::header_of(&request.body),
        call.host.max_envelope(),
    )
    .max_envelope
        - FRAME;
    match call.host.dialect().xml {
        xml if xml == XmlDialect::default() => limit,
        // Other forms of the same items may take more.
        _ => limit / 4,
    }
}

/// The next items: as many as are wanted and fit, but at least one.
fn page(items: &mut VecDeque<String>, count: usize, room: usize) -> String {
    let mut page = String::new();
    let mut taken = 0;
    while taken < count
        && items
            .front()
            .is_some_and(|item| taken == 0 || page.len() + item.len() <= room)
    {
        page += &items.pop_front().unwrap_or_default();
        taken += 1;
    }
    page
}

/// What the next Pull brings, as far as the host has made up its mind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// It is the first one.
    First,
    Items,
    /// An empty page.
    Nothing,
}

/// Keeps the rest: under a fresh context, or under that of before where this host's contexts stay.
fn keep(
    call: &Call<'_>,
    request: &Request<'_, '_>,
    items: VecDeque<String>,
    before: Option<String>,
    next: Next,
) -> String {
    let dialect = call.host.dialect().cim;
    let stays = dialect.context != Context::Changing;
    let id = before
        .filter(|_| stays)
        .unwrap_or_else(|| format!("uuid:{}", uuid::Uuid::new_v4().to_string().to_uppercase()));
    let rest = Enumeration {
        owner: call.user.name.clone(),
        resource: request.resource.to_lowercase(),
        items,
        used: Instant::now(),
        late: next == Next::First && dialect.first_pull == FirstPull::TimesOut,
        nothing: next == Next::Nothing,
    };
    call.host
        .state()
        .enumerations
        .insert(id.to_uppercase(), rest);
    id
}

fn later(call: &Call<'_>, request: &Request<'_, '_>, verb: &str) -> Result<Body, Fault> {
    if verb != "Pull" && verb != "Release" {
        return Err(Fault::new(NO_ACTION));
    }
    let node = child(&request.body, uri::N, verb).ok_or_else(|| Fault::new(2_150_858_791))?;
    let id = child(&node, uri::N, "EnumerationContext")
        .map(|node| content(&node))
        .unwrap_or_default();
    let idle = Duration::from_secs(if call.host.options.legacy { 60 } else { 240 });
    let taken = call
        .host
        .state()
        .enumerations
        .remove(&id.trim().to_uppercase());
    let mine = |rest: &Enumeration| {
        rest.owner == call.user.name
            && rest.resource == request.resource.to_lowercase()
            && rest.used.elapsed() < idle
    };
    let mut rest = taken.filter(mine).ok_or_else(|| Fault::new(NO_CONTEXT))?;
    let action = format!("{}Response", request.action);
    if verb == "Release" {
        return Ok(Body {
            action,
            xml: String::new(),
        });
    }
    let dialect = call.host.dialect().cim;
    if rest.late {
        rest.late = false;
        let mut state = call.host.state();
        state.enumerations.insert(id.trim().to_uppercase(), rest);
        return Err(Fault::new(TIMED_OUT));
    }
    let count = number(&node, uri::N)?.unwrap_or(1).min(32000);
    let (count, room) = match dialect.pages {
        Pages::EmptyBetween if rest.nothing => (0, room(call, request)),
        Pages::OneItem => (1, room(call, request)),
        Pages::Full | Pages::EmptyBetween => (count, room(call, request)),
    };
    let prefix = match dialect.namespaces {
        Namespaces::Usual | Namespaces::Enumeration => "n",
        Namespaces::Management => "w",
    };
    let items = page(&mut rest.items, count, room);
    let items = element(&format!("{prefix}:Items"), &items);
    let inner = if rest.items.is_empty() {
        let context = match dialect.end_context {
            EndContext::Usual | EndContext::Absent => "",
            EndContext::Nil => NIL_CONTEXT,
        };
        format!("{context}{items}<{prefix}:EndOfSequence/>")
    } else {
        let next = match dialect.pages {
            Pages::EmptyBetween if count > 0 => Next::Nothing,
            _ => Next::Items,
        };
        let next = keep(call, request, rest.items, Some(id.trim().to_owned()), next);
        match dialect.context {
            Context::LeftOut => items,
            Context::Changing | Context::Constant => text("n:EnumerationContext", &next) + &items,
        }
    };
    Ok(Body {
        action,
        xml: element("n:PullResponse", &inner),
    })
}
