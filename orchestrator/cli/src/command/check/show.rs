//! What `check` found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use report::text::{counted, neutral};
use serde_json::{Value, json};

use super::{Checked, OfInventory, OfPlaybook, Warning};
use crate::args::Output;

const HEAD: [&str; 4] = ["file", "what", "name", "value"];

/// In the form asked for.
pub(super) fn text(checked: &Checked, form: Output) -> String {
    match form {
        Output::Table => table(checked),
        Output::Json => {
            let mut document = json!({ "schema": 1 });
            document["inventory"] = json!(checked.inventory);
            document["playbooks"] = json!(checked.playbooks);
            report::json::pretty(&document)
        }
        Output::Jsonl => lines(checked)
            .map(|line| report::json::line(&line))
            .collect(),
        Output::Csv => report::csv::document(&HEAD, rows(checked)),
    }
}

/// One object for the inventories, one for each playbook.
fn lines(checked: &Checked) -> impl Iterator<Item = Value> {
    let inventory = checked.inventory.iter();
    let inventory = inventory.map(|inventory| json!({ "inventory": inventory }));
    let playbooks = checked.playbooks.iter();
    inventory.chain(playbooks.map(|playbook| json!({ "playbook": playbook })))
}

fn table(checked: &Checked) -> String {
    let mut text = String::new();
    if let Some(inventory) = &checked.inventory {
        of_inventory(&mut text, inventory);
        if checked.playbooks.is_empty() {
            caps(&mut text, &inventory.groups);
        }
    }
    for playbook in &checked.playbooks {
        of_playbook(&mut text, playbook);
    }
    text
}

fn of_inventory(text: &mut String, inventory: &OfInventory) {
    let hosts = counted(inventory.hosts, "host");
    let _ = writeln!(text, "inventory: {hosts}; defaults in force:");
    for (name, value) in &inventory.defaults {
        let _ = writeln!(text, "  {name}: {value}");
    }
    for Warning {
        file,
        line,
        message,
    } in &inventory.warnings
    {
        let (file, message) = (neutral(file), neutral(message));
        let _ = writeln!(text, "  warning, {file}:{line}: {message}");
    }
}

fn of_playbook(text: &mut String, playbook: &OfPlaybook) {
    let (name, steps) = (neutral(&playbook.name), counted(playbook.steps, "step"));
    let _ = writeln!(text, "playbook {name}: {steps}; defaults in force:");
    for default in &playbook.defaults {
        let _ = writeln!(text, "  {}: {}", default.setting, neutral(&default.value));
    }
    for warning in &playbook.warnings {
        let message = neutral(&warning.message);
        let _ = writeln!(text, "  warning, line {}: {message}", warning.line);
    }
    for ring in &playbook.rings {
        let _ = writeln!(
            text,
            "  ring {}: {}",
            neutral(&ring.name),
            counted(ring.hosts, "host")
        );
    }
    caps(text, &playbook.groups);
}

/// The groups of which only some hosts may be at work at once.
fn caps(text: &mut String, caps: &BTreeMap<String, u32>) {
    for (group, cap) in caps {
        let _ = writeln!(text, "  group {}: {cap} at once", neutral(group));
    }
}

fn rows(checked: &Checked) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = |file: &str, what: &str, name: &str, value: String| {
        rows.push(vec![
            file.to_owned(),
            what.to_owned(),
            name.to_owned(),
            value,
        ]);
    };
    if let Some(inventory) = &checked.inventory {
        row("", "hosts", "", inventory.hosts.to_string());
        for (name, value) in &inventory.defaults {
            row("", "default", name, value.clone());
        }
        for (group, cap) in &inventory.groups {
            row("", "group", group, cap.to_string());
        }
        for warning in &inventory.warnings {
            let line = warning.line.to_string();
            row(&warning.file, "warning", &line, warning.message.clone());
        }
    }
    for playbook in &checked.playbooks {
        let file = playbook.file.as_str();
        row(file, "playbook", &playbook.name, String::new());
        row(file, "steps", "", playbook.steps.to_string());
        for default in &playbook.defaults {
            row(file, "default", &default.setting, default.value.clone());
        }
        for ring in &playbook.rings {
            row(file, "ring", &ring.name, ring.hosts.to_string());
        }
        for (group, cap) in &playbook.groups {
            row(file, "group", group, cap.to_string());
        }
        for warning in &playbook.warnings {
            let line = warning.line.to_string();
            row(file, "warning", &line, warning.message.clone());
        }
    }
    rows
}
