//! `check`: files only, no network.

use std::collections::BTreeMap;
use std::path::PathBuf;

use document::Document;
use inventory::Inventory;
use playbooks::{Examples, Playbook, Warning};

use crate::args::{Check, Global};
use crate::failure::{Failure, Outcome};
use crate::files::{self, Kind};
use crate::{exit_code, out, prepare, settings};

/// Checks every file by itself, and hosts against playbooks where both are given.
pub(crate) fn run(global: &Global, check: &Check) -> Outcome {
    let paths: Vec<&PathBuf> = check
        .files
        .iter()
        .chain(&global.inventory)
        .chain(&global.playbook)
        .collect();
    if paths.is_empty() {
        return Err(
            Failure::new("no file is given").hint("winfleet check inventory.yaml playbook.yaml")
        );
    }
    let (mut inventories, mut playbooks) = (Vec::<Document>::new(), Vec::new());
    for path in paths {
        let (document, kind) = files::recognise(path)?;
        match kind {
            Kind::Inventory => inventories.push(document),
            Kind::Playbook => playbooks.push(Playbook::load(&document)?),
        }
    }
    let mut text = String::new();
    let inventory = if inventories.is_empty() {
        None
    } else {
        Some(Inventory::load(&inventories)?)
    };
    if let Some(inventory) = &inventory {
        let count = report::text::counted(inventory.hosts.len(), "host");
        text.push_str(&format!("inventory: {count}; defaults in force:\n"));
        for (name, value) in settings::built_in(&inventory.hosts) {
            text.push_str(&format!("  {name}: {value}\n"));
        }
        if playbooks.is_empty() {
            text.push_str(&caps_in_force(&inventory.caps));
        }
    }
    for playbook in &playbooks {
        let examined = playbook.judge_examples()?;
        text.push_str(&describe(playbook, &examined));
        if let Some(inventory) = &inventory {
            let hosts = files::select(inventory, global.limit.as_deref())?;
            let prepared = prepare::prepare(playbook, &hosts, global, Examples::Fill)?;
            let caps = prepare::group_caps(playbook, inventory)?;
            for (index, ring) in playbook.strategy.rings.iter().enumerate() {
                let count = prepared.iter().filter(|host| host.ring == index).count();
                let count = report::text::counted(count, "host");
                text.push_str(&format!(
                    "  ring {}: {count}\n",
                    report::text::neutral(&ring.name)
                ));
            }
            text.push_str(&caps_in_force(&caps));
        }
    }
    out::result(&text)?;
    Ok(exit_code::DONE)
}

/// The groups of which only some hosts may be at work at once.
fn caps_in_force(caps: &BTreeMap<String, u32>) -> String {
    caps.iter()
        .map(|(group, cap)| format!("  group {}: {cap} at once\n", report::text::neutral(group)))
        .collect()
}

/// `examined`: warnings that only show with the values of the examples.
fn describe(playbook: &Playbook, examined: &[Warning]) -> String {
    let name = report::text::neutral(&playbook.name);
    let steps = report::text::counted(playbook.steps.len(), "step");
    let mut text = format!("playbook {name}: {steps}; defaults in force:\n");
    for default in playbook.defaults_in_force() {
        text.push_str(&format!(
            "  {}: {}\n",
            default.setting,
            report::text::neutral(&default.value)
        ));
    }
    for warning in playbook.warnings().iter().chain(examined) {
        text.push_str(&format!(
            "  warning, line {}: {}\n",
            warning.line,
            report::text::neutral(&warning.message)
        ));
    }
    text
}
