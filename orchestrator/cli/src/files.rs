//! The user's files: inventories, playbooks, and the selector of `-l`. Errors come with file, line and column.

use std::path::{Path, PathBuf};

use document::{Document, Node};
use inventory::{Host, Inventory, PasswordSource, Selector, SelectorError};
use playbooks::Playbook;

use crate::args::Global;
use crate::failure::Failure;
use crate::out;

/// Keys that only playbooks have.
const PLAYBOOK_KEYS: [&str; 3] = ["steps", "rollout", "probes"];
/// Keys that only inventories have.
const INVENTORY_KEYS: [&str; 4] = ["hosts", "groups", "credentials", "defaults"];

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Hosts.
    Inventory,
    /// Steps.
    Playbook,
}

/// The inventories of `-i`, united. `-i` is required.
pub(crate) fn inventory(global: &Global) -> Result<Inventory, Failure> {
    if global.inventory.is_empty() {
        return Err(
            Failure::new("no inventory is given").hint("-i FILE names one; several are united")
        );
    }
    let documents = read(&global.inventory)?;
    let mut inventory = Inventory::load(&documents).map_err(|mistakes| {
        let swapped = documents
            .iter()
            .find_map(|document| other_kind(document, Kind::Inventory));
        swapped.unwrap_or(mistakes)
    })?;
    anchor(&mut inventory)?;
    if !global.quiet {
        for doubt in &inventory.doubts {
            out::note(&format!("warning: {doubt}"));
        }
    }
    Ok(inventory)
}

/// Makes the paths that an inventory names absolute. The journal keeps them, and a run may be resumed or taken back
/// from another folder.
fn anchor(inventory: &mut Inventory) -> Result<(), Failure> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|error| {
            Failure::caused(format!("cannot tell where {} is", path.display()), &error)
        })
    };
    for host in &mut inventory.hosts {
        if let Some(path) = &mut host.settings.ca_file.value {
            *path = absolute(path)?;
        }
    }
    for credential in inventory.credentials.values_mut() {
        match &mut credential.password {
            PasswordSource::File(path) | PasswordSource::Keytab(path) => *path = absolute(path)?,
            PasswordSource::Certificate { certificate, key } => {
                *certificate = absolute(certificate)?;
                *key = absolute(key)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The playbook of `-p`. `-p` is required.
pub(crate) fn playbook(global: &Global) -> Result<Playbook, Failure> {
    let path = global
        .playbook
        .as_deref()
        .ok_or_else(|| Failure::new("no playbook is given").hint("-p FILE names it"))?;
    let document = Document::read(path)?;
    Playbook::load(&document).map_err(|mistakes| {
        let swapped = other_kind(&document, Kind::Playbook);
        swapped.unwrap_or(mistakes).into()
    })
}

/// A playbook behind `-i`, or an inventory behind `-p`: one message instead of one for every key of it.
fn other_kind(document: &Document, wanted: Kind) -> Option<document::Diagnostics> {
    if !is_yaml(Path::new(&document.name)) {
        return None;
    }
    let tree: Node = document::from_yaml(document).ok()?;
    let (message, hint) = match (wanted, kind(&tree)?) {
        (Kind::Inventory, Kind::Playbook) => (
            "this is a playbook, not an inventory",
            "playbooks are named with -p",
        ),
        (Kind::Playbook, Kind::Inventory) => (
            "this is an inventory, not a playbook",
            "inventories are named with -i",
        ),
        _ => return None,
    };
    Some(tree.diagnostic(document, message).hint(hint).into())
}

fn is_yaml(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    extension == "yaml" || extension == "yml"
}

/// What the keys say; `None` where they say nothing, or both.
fn kind(tree: &Node) -> Option<Kind> {
    let has = |keys: &[&str]| keys.iter().any(|key| tree.entry(key).is_some());
    match (has(&PLAYBOOK_KEYS), has(&INVENTORY_KEYS)) {
        (true, false) => Some(Kind::Playbook),
        (false, true) => Some(Kind::Inventory),
        _ => None,
    }
}

/// The hosts of `-l`, or all, in the order of the inventory.
///
/// # Errors
/// A mistake in the selector, an undefined ring or group (1), or no host at all (10).
pub(crate) fn select<'a>(
    inventory: &'a Inventory,
    limit: Option<&str>,
) -> Result<Vec<&'a Host>, Failure> {
    let hosts: Vec<&Host> = match limit {
        None => inventory.hosts.iter().collect(),
        Some(text) => {
            let selector = parse_selector(text, "--limit")?;
            let unknown = selector.names_unknown(inventory);
            if !unknown.is_empty() {
                let diagnostics = unknown
                    .into_iter()
                    .map(|error| diagnostic(text, "--limit", error));
                return Err(document::Diagnostics(diagnostics.collect()).into());
            }
            let hosts = inventory.select(&selector);
            let missing = selector.hosts_unknown(inventory).into_iter();
            let missing = missing.map(|error| diagnostic(text, "--limit", error));
            let missing: Vec<_> = missing.collect();
            if hosts.is_empty() && !missing.is_empty() {
                return Err(Failure::no_hosts_by(document::Diagnostics(missing)));
            }
            for missing in missing {
                out::note(&format!("warning: {missing}"));
            }
            hosts
        }
    };
    some(hosts, inventory, limit)
}

/// Refuses an empty selection.
///
/// # Errors
/// It is empty (10).
pub(crate) fn some<'a>(
    hosts: Vec<&'a Host>,
    inventory: &Inventory,
    limit: Option<&str>,
) -> Result<Vec<&'a Host>, Failure> {
    if hosts.is_empty() {
        let of = inventory.hosts.len();
        let of = report::text::counted(of, "host");
        return Err(match limit {
            Some(text) => {
                Failure::no_hosts(format!("no host matches '{text}' (the inventory has {of})"))
                    .hint("winfleet hosts shows every host with its ring and groups")
            }
            None => Failure::no_hosts("the inventory has no hosts"),
        });
    }
    Ok(hosts)
}

/// Parses a selector; `place` stands for the file in messages.
pub(crate) fn parse_selector(text: &str, place: &str) -> Result<Selector, Failure> {
    Selector::parse(text, &read_list)
        .map_err(|error| document::Diagnostics::from(diagnostic(text, place, error)).into())
}

/// The lines of the file behind `@FILE`: blanks and `#` comments are left out.
pub(crate) fn read_list(path: &str) -> Result<Vec<String>, String> {
    let document = Document::read(Path::new(path)).map_err(|error| match error.0.as_slice() {
        // The file is named by the complaint that this becomes a part of.
        [only] if only.line == 0 => only.message.clone(),
        _ => error.to_string(),
    })?;
    let lines = document
        .text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Whether a file is an inventory or a playbook: by extension, and for YAML by its keys.
///
/// # Errors
/// It cannot be read, is no YAML although its name says so, or has keys of neither.
pub(crate) fn recognise(path: &Path) -> Result<(Document, Kind), document::Diagnostics> {
    let document = Document::read(path)?;
    if !is_yaml(path) {
        return Ok((document, Kind::Inventory));
    }
    let tree: Node = document::from_yaml(&document)?;
    match kind(&tree) {
        Some(kind) => Ok((document, kind)),
        None => {
            let both = PLAYBOOK_KEYS.iter().any(|key| tree.entry(key).is_some());
            let what = if both {
                "has the keys of an inventory and of a playbook"
            } else {
                "is neither an inventory nor a playbook"
            };
            Err(tree
                .diagnostic(&document, format!("the file {what}"))
                .expect("'hosts' (inventory) or 'steps' (playbook)")
                .into())
        }
    }
}

/// Reads documents, all mistakes at once.
fn read(paths: &[PathBuf]) -> Result<Vec<Document>, document::Diagnostics> {
    let mut documents = Vec::new();
    let mut mistakes = Vec::new();
    for path in paths {
        match Document::read(path) {
            Ok(document) => documents.push(document),
            Err(diagnostics) => mistakes.extend(diagnostics.0),
        }
    }
    if mistakes.is_empty() {
        Ok(documents)
    } else {
        Err(document::Diagnostics(mistakes))
    }
}

pub(crate) fn diagnostic(text: &str, place: &str, error: SelectorError) -> document::Diagnostic {
    let document = Document {
        name: place.to_owned(),
        text: text.to_owned(),
    };
    let mut diagnostic = document.diagnostic(1, error.column, &error.found, error.message);
    diagnostic.expected = error.expected;
    diagnostic.hint = error.hint;
    diagnostic
}

/// The text of a playbook, for complaints about places in it.
pub(crate) fn text_of(playbook: &Playbook) -> Document {
    Document {
        name: playbook.file.clone(),
        text: playbook.text.clone(),
    }
}
