//! Inventories as people write them, rightly and wrongly, and the selectors that pick from them.

#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

mod csv;
mod mistakes;
mod plain;
mod precedence;
mod properties;
mod selectors;
mod shipped;
mod united;

use document::{Diagnostics, Document};
use inventory::{Host, Inventory};

/// Files by name and text.
fn load(files: &[(&str, &str)]) -> Result<Inventory, Diagnostics> {
    let decode = |(name, text): &(&str, &str)| Document::from_bytes(name, text.as_bytes()).unwrap();
    Inventory::load(&files.iter().map(decode).collect::<Vec<_>>())
}

/// A YAML inventory below `version: 1`.
fn yaml(body: &str) -> Inventory {
    match load(&[("i.yaml", &format!("version: 1\n{body}"))]) {
        Ok(inventory) => inventory,
        Err(diagnostics) => panic!("{diagnostics}"),
    }
}

fn complaint(files: &[(&str, &str)]) -> String {
    load(files).unwrap_err().to_string()
}

/// All parts stand in what is said about a YAML inventory; the body begins in line 2.
fn refuses(body: &str, parts: &[&str]) {
    says(
        &complaint(&[("i.yaml", &format!("version: 1\n{body}"))]),
        parts,
    );
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

fn host<'i>(inventory: &'i Inventory, name: &str) -> &'i Host {
    inventory
        .hosts
        .iter()
        .find(|host| host.name.as_str() == name)
        .unwrap()
}
