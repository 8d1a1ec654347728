//! The CIM classes a fleet manager reads, made from a host's description and registry at the moment they are asked for.
//!
//! `wql` selects among instances; how they look on the wire is the business of `wsman`.

mod around;
mod classes;
mod wql;

use std::collections::BTreeMap;

use crate::host::Host;
pub(crate) use wql::{Columns, Query, property};

/// A property's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Text(String),
    Number(i64),
    Bool(bool),
    /// ISO 8601 with offset.
    Datetime(String),
    Array(Vec<Value>),
}

impl Value {
    /// As text in XML and in comparisons; arrays have none.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Datetime(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Null | Self::Array(_) => String::new(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// An instance; properties sorted by name.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) class: &'static str,
    pub(crate) properties: BTreeMap<&'static str, Value>,
    pub(crate) keys: &'static [&'static str],
}

/// True where the class is there.
pub(crate) fn knows(host: &Host, namespace: &str, class: &str) -> bool {
    instances(host, namespace, class).is_some()
}

/// All instances of a class; `None`: there is no such class. Letter case is ignored in both names.
pub(crate) fn instances(host: &Host, namespace: &str, class: &str) -> Option<Vec<Instance>> {
    if namespace.eq_ignore_ascii_case("root/Microsoft/Windows/Defender") {
        let mut instances = around::antivirus(host, class)?;
        let lacks = host
            .options
            .antivirus
            .iter()
            .flat_map(|antivirus| &antivirus.lacks);
        for name in lacks {
            for instance in &mut instances {
                let lacking = |known: &str| known.eq_ignore_ascii_case(name);
                instance.properties.retain(|known, _| !lacking(known));
            }
        }
        return Some(instances);
    }
    if namespace.eq_ignore_ascii_case("root/rsop/computer") {
        return around::rsop(host, class);
    }
    if !namespace.eq_ignore_ascii_case("root/cimv2") {
        return None;
    }
    let (_, make) = classes::CLASSES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(class))?;
    Some(make(host))
}
