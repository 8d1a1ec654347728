//! The `preflight` block, and `allow` of a step: names of checks.

use std::collections::BTreeSet;

use document::{Node, Value};

use super::reader::Reader;
use crate::preflight::{CHECKS, Check, PreflightSettings};

pub(super) const KEYS: [&str; 2] = ["allow", "leave_out"];

pub(super) fn read(reader: &mut Reader<'_>, node: Option<&Node>) -> PreflightSettings {
    let Some(node) = node else {
        reader.default("preflight", "on");
        return PreflightSettings::default();
    };
    match &node.value {
        // YAML 1.1 reads these words as truth values.
        Value::Bool(false) => return PreflightSettings::off(),
        Value::Bool(true) => return PreflightSettings::default(),
        Value::Text(word) => match word.as_str() {
            "off" => return PreflightSettings::off(),
            "on" => return PreflightSettings::default(),
            _ => {}
        },
        Value::Map(_) => {
            reader.mapping(node, "preflight", &KEYS);
            let of = |reader: &mut Reader<'_>, key| {
                let given = node.entry(key);
                given.map(|node| checks(reader, node)).unwrap_or_default()
            };
            return PreflightSettings {
                off: false,
                allow: of(reader, "allow"),
                leave_out: of(reader, "leave_out"),
            };
        }
        _ => {}
    }
    reader.wrong(node, "off, on, or { allow: [CHECK], leave_out: [CHECK] }");
    PreflightSettings::default()
}

/// Names of checks; each has to be known.
pub(super) fn checks(reader: &mut Reader<'_>, node: &Node) -> BTreeSet<Check> {
    let Some(items) = reader.list(node, "names of preflight checks") else {
        return BTreeSet::new();
    };
    let words: Vec<(&'static str, Check)> =
        CHECKS.iter().map(|row| (row.name, row.check)).collect();
    let named = items.iter().filter_map(|item| reader.word(item, &words));
    named.map(|(_, check)| check).collect()
}
