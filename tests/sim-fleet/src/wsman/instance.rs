//! CIM instances on the wire, and Get by key (reference 4.2).

use super::fault::{Fault, NOT_FOUND};
use super::xml::{element, escape, text};
use super::{Body, Call, Request, uri};
use crate::cim::{self, Instance, Value};
use crate::dialect::{CimDialect, EmptyArray, NullProperty};

/// One property with the given tag.
pub(super) fn property(tag: &str, value: &Value, dialect: CimDialect) -> String {
    let null = || format!("<{tag} xsi:nil=\"true\"/>");
    match value {
        Value::Null => match dialect.null {
            NullProperty::Nil => null(),
            NullProperty::Omitted => String::new(),
        },
        Value::Datetime(at) => element(tag, &text("cim:Datetime", at)),
        Value::Array(items) if items.is_empty() => match dialect.empty_list {
            EmptyArray::Nil => null(),
            EmptyArray::Omitted => String::new(),
            EmptyArray::EmptyElement => format!("<{tag}/>"),
        },
        Value::Array(items) => items
            .iter()
            .map(|item| property(tag, item, dialect))
            .collect(),
        other => text(tag, &other.text()),
    }
}

/// A typed instance element.
pub(super) fn typed(namespace: &str, instance: &Instance, dialect: CimDialect) -> String {
    let class = instance.class;
    let inner: String = instance
        .properties
        .iter()
        .map(|(name, value)| property(&format!("p:{name}"), value, dialect))
        .collect();
    format!(
        "<p:{class} xmlns:xsi=\"{}\" xmlns:p=\"{}{}/{class}\" xmlns:cim=\"{}\" xsi:type=\"p:{class}_Type\">{inner}</p:{class}>",
        uri::XSI,
        uri::WMI,
        escape(namespace),
        uri::CIM
    )
}

/// The instance the selectors name; without selectors the only one of its class.
pub(super) fn get(
    call: &Call<'_>,
    request: &Request<'_, '_>,
    namespace: &str,
    class: &str,
) -> Result<Body, Fault> {
    let absent = |status| Fault::wmi(NOT_FOUND, status);
    let all = cim::instances(call.host, namespace, class).ok_or_else(|| absent(0x8004_1010))?;
    let keys = all.first().map_or(&[][..], |instance| instance.keys);
    for (name, _) in &request.selectors {
        if name != "__cimnamespace"
            && !all.is_empty()
            && !keys.iter().any(|key| key.eq_ignore_ascii_case(name))
        {
            return Err(Fault::new(super::fault::NO_SUCH));
        }
    }
    let matches = |instance: &&Instance| {
        request
            .selectors
            .iter()
            .filter(|(name, _)| name != "__cimnamespace")
            .all(|(name, wanted)| {
                cim::property(instance, name)
                    .is_some_and(|(_, value)| value.text().to_lowercase() == wanted.to_lowercase())
            })
    };
    let mut found = all.iter().filter(matches);
    let instance = found.next().ok_or_else(|| absent(0x8004_1002))?;
    if found.next().is_some() {
        return Err(Fault::new(2_150_858_842));
    }
    call.host
        .record(&call.user.name, "Get", instance.class, "0", false);
    Ok(Body {
        action: format!("{}Response", request.action),
        xml: typed(namespace, instance, call.host.dialect().cim),
    })
}
