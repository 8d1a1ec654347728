//! From text to a checked playbook, with every mistake reported at its place.
//!
//! The file is read into a tree that knows its places (`document::Node`), then taken apart: `load/vars.rs`,
//! `load/steps.rs`, `load/preflight.rs`,
//! `load/probes.rs`, `load/rollout.rs`, `load/gates.rs`. What is legal and still deserves a second look is `load/lint.rs`.

mod gates;
mod lint;
mod preflight;
mod probes;
mod reader;
mod rollout;
pub(crate) mod schema;
mod steps;
mod vars;

use document::{Diagnostics, Document, Node, Value};

use crate::playbook::Playbook;
use crate::rules::Invalid;
use reader::Reader;

const KEYS: [&str; 8] = [
    "version",
    "name",
    "description",
    "vars",
    "preflight",
    "steps",
    "probes",
    "rollout",
];
/// Longest name of a playbook, step or ring.
const LONGEST_NAME: usize = 200;

/// See [`Playbook::load`].
pub(crate) fn playbook(document: &Document) -> Result<Playbook, Diagnostics> {
    let root: Node = document::from_yaml(document)?;
    let mut reader = Reader::new(document);
    let playbook = read(&mut reader, &root);
    match playbook {
        Some(playbook) if reader.problems.is_empty() => Ok(playbook),
        _ => Err(reader.into_diagnostics()),
    }
}

fn read(reader: &mut Reader<'_>, root: &Node) -> Option<Playbook> {
    reader.mapping(root, "a playbook", &KEYS)?;
    version(reader, root);
    let name = reader
        .required(root, "name", "the playbook")
        .and_then(|node| reader.name(node));
    let description = root.entry("description").and_then(|node| reader.text(node));
    let vars = root
        .entry("vars")
        .map(|node| vars::read(reader, node))
        .unwrap_or_default();
    let steps = match reader.required(root, "steps", "the playbook") {
        Some(node) => steps::read(reader, node, &vars),
        None => Vec::new(),
    };
    let probes = match root.entry("probes") {
        Some(node) => probes::read(reader, node, &vars),
        None => Vec::new(),
    };
    let preflight = preflight::read(reader, root.entry("preflight"));
    let strategy = rollout::read(reader, root.entry("rollout"));
    let mut playbook = Playbook {
        name: name?,
        description,
        file: reader.document.name.clone(),
        text: reader.document.text.clone(),
        strategy: strategy?,
        vars,
        preflight,
        steps,
        probes,
        warnings: Vec::new(),
        defaults: std::mem::take(&mut reader.defaults),
    };
    playbook.warnings = std::mem::take(&mut reader.warnings);
    if reader.problems.is_empty() {
        lint::warnings(&mut playbook);
    }
    Some(playbook)
}

fn version(reader: &mut Reader<'_>, root: &Node) {
    let Some(node) = reader.required(root, "version", "the playbook") else {
        return;
    };
    match node.value {
        Value::Integer(1) => {}
        Value::Integer(other) => {
            let error = Invalid::new(format!("version {other} is not known here")).expected("1");
            reader.refuse(
                node,
                error.hint("the playbook may be written for a newer winfleet"),
            );
        }
        _ => reader.refuse(node, Invalid::new("this is not a version").expected("1")),
    }
}
