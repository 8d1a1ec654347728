//! Which ring takes which host, and what is wrong where none does: with the places in the playbook.
//!
//! The rule itself is `rollout::assign_rings`; this file explains.

use document::{Diagnostic, Diagnostics, Document, Node, Value};
use inventory::{Host, Inventory, Selector, SelectorError};
use playbooks::{Playbook, Ring};
use rollout::AssignError;

use crate::failure::Failure;
use crate::files;

/// The ring of each host, as an index into the strategy's rings.
///
/// # Errors
/// A ring's selector cannot be read, or no ring selects a host.
pub(crate) fn assign(
    playbook: &Playbook,
    inventory: &Inventory,
    hosts: &[&Host],
) -> Result<Vec<usize>, Failure> {
    let selectors = selectors(playbook)?;
    rollout::assign_rings(&playbook.strategy, hosts, &files::read_list).map_err(|error| {
        match &error {
            AssignError::InNoRing {
                count,
                hosts: examples,
            } => {
                let examples = examples.iter().map(|name| name.as_str());
                left_over(playbook, *count, examples, &unknown(inventory, &selectors))
            }
            // Every selector was read a moment ago; a list behind `@FILE` may have gone since.
            AssignError::Selector { .. } => {
                let headline = format!("the rings of {} cannot be read", playbook.file);
                Failure::caused(headline, &error)
            }
        }
    })
}

/// The selectors of all rings.
///
/// # Errors
/// All that cannot be read, each with its place in the playbook.
pub(crate) fn selectors(playbook: &Playbook) -> Result<Vec<(&Ring, Selector)>, Diagnostics> {
    let mut selectors = Vec::new();
    let mut mistakes = Vec::new();
    for (index, ring) in playbook.strategy.rings.iter().enumerate() {
        match Selector::parse(&ring.select, &files::read_list) {
            Ok(selector) => selectors.push((ring, selector)),
            Err(error) => mistakes.push(unreadable(playbook, index, error)),
        }
    }
    if mistakes.is_empty() {
        Ok(selectors)
    } else {
        Err(Diagnostics(mistakes))
    }
}

/// The mistake at its place within the `select` of the ring.
fn unreadable(playbook: &Playbook, ring: usize, error: SelectorError) -> Diagnostic {
    let document = files::text_of(playbook);
    let rings = rings_node(&document);
    let select = rings.as_ref().and_then(|rings| match &rings.value {
        Value::List(items) => items.get(ring)?.entry("select"),
        _ => None,
    });
    let (line, column) = select.map_or((0, 0), |node| {
        let quote = u32::from(node.source(&document).starts_with(['"', '\'']));
        (node.line, node.column + quote + error.column - 1)
    });
    let mut mistake = document.diagnostic(line, column, &error.found, error.message);
    mistake.expected = error.expected;
    mistake.hint = error.hint;
    mistake
}

/// Rings and groups in the selectors of the playbook's rings that the inventory does not have. No error by itself: a
/// playbook serves more than one inventory.
///
/// # Errors
/// As [`selectors`].
pub(crate) fn strangers(
    playbook: &Playbook,
    inventory: &Inventory,
) -> Result<Vec<(u32, String)>, Diagnostics> {
    Ok(unknown(inventory, &selectors(playbook)?))
}

/// Line of the ring, and what its selector names in vain.
fn unknown(inventory: &Inventory, selectors: &[(&Ring, Selector)]) -> Vec<(u32, String)> {
    let of_ring = |(ring, selector): &(&Ring, Selector)| {
        let (line, name) = (ring.line, ring.name.clone());
        let told = selector.names_unknown(inventory).into_iter();
        told.map(move |error| {
            let hint = error.hint.map(|hint| format!("; {hint}"));
            let words = format!(
                "ring '{name}': {}{}",
                error.message,
                hint.unwrap_or_default()
            );
            (line, words)
        })
        .collect::<Vec<_>>()
    };
    selectors.iter().flat_map(of_ring).collect()
}

fn left_over<'a>(
    playbook: &Playbook,
    count: usize,
    examples: impl Iterator<Item = &'a str>,
    unknown: &[(u32, String)],
) -> Failure {
    let examples: Vec<&str> = examples.collect();
    let more = count.saturating_sub(examples.len());
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    let message = format!(
        "{} in no ring: {}{more}",
        match count {
            1 => "1 selected host is".to_owned(),
            _ => format!("{count} selected hosts are"),
        },
        examples.join(", ")
    );
    let hint = match unknown {
        [] => "give the last ring 'select: rest', or leave these hosts out with --limit".to_owned(),
        unknown => {
            let words: Vec<&str> = unknown.iter().map(|(_, words)| words.as_str()).collect();
            words.join("; ")
        }
    };
    let document = files::text_of(playbook);
    let diagnostic = match rings_node(&document) {
        Some(node) => node.diagnostic(&document, message),
        None => Diagnostic::file(&document.name, message),
    };
    let diagnostic =
        diagnostic.expect("every selected host is in a ring: the first that selects it");
    Diagnostics::from(diagnostic.hint(hint)).into()
}

fn rings_node(document: &Document) -> Option<Node> {
    let root: Node = document::from_yaml(document).ok()?;
    root.entry("rollout")
        .and_then(|rollout| rollout.entry("rings"))
        .cloned()
}
