//! Small builders shared by the tests.

use std::collections::BTreeMap;

use document::{Diagnostic, Document};
use playbooks::{HostScope, Playbook, Vars};
use serde_json::Value;

pub(crate) fn document(text: &str) -> Document {
    Document::from_bytes("p.yaml", text.as_bytes()).unwrap()
}

/// A whole playbook around `steps` (indented by two) and the rest.
pub(crate) fn playbook(rest: &str) -> String {
    format!("version: 1\nname: test\n{rest}")
}

pub(crate) fn load(rest: &str) -> Playbook {
    match Playbook::load(&document(&playbook(rest))) {
        Ok(playbook) => playbook,
        Err(problems) => panic!("{problems}"),
    }
}

pub(crate) fn problems(rest: &str) -> Vec<Diagnostic> {
    match Playbook::load(&document(&playbook(rest))) {
        Ok(_) => panic!("it loads:\n{rest}"),
        Err(problems) => problems.0,
    }
}

pub(crate) fn map(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

pub(crate) fn scope<'a>(vars: &'a Vars, groups: &'a [String]) -> HostScope<'a> {
    HostScope {
        name: "pc-0001.corp.example",
        short: "pc-0001",
        ring: Some("canary"),
        groups,
        vars,
    }
}
