//! `check`: files only, no network. What is found right is shown by `show.rs`.

mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use document::Document;
use inventory::Inventory;
use playbooks::{Examples, Playbook};
use serde::Serialize;

use crate::args::{Check, Global};
use crate::failure::{Failure, Outcome};
use crate::files::{self, Kind};
use crate::{exit_code, out, prepare, rings, settings};

/// What the files say, all of it right.
#[derive(Debug, Serialize)]
struct Checked {
    /// The inventories, united.
    inventory: Option<OfInventory>,
    /// In the order given.
    playbooks: Vec<OfPlaybook>,
}

#[derive(Debug, Serialize)]
struct OfInventory {
    hosts: usize,
    /// Settings that no file sets.
    defaults: BTreeMap<&'static str, String>,
    /// Hosts of a group that may be at work at once.
    groups: BTreeMap<String, u32>,
    warnings: Vec<Warning>,
}

#[derive(Debug, Serialize)]
struct OfPlaybook {
    name: String,
    file: String,
    steps: usize,
    /// Settings that the playbook leaves alone.
    defaults: Vec<Setting>,
    /// With the hosts that each has; empty without an inventory.
    rings: Vec<RingOf>,
    /// As for the inventory, the smaller of both.
    groups: BTreeMap<String, u32>,
    warnings: Vec<Warning>,
}

#[derive(Debug, Serialize)]
struct Setting {
    setting: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct RingOf {
    name: String,
    hosts: usize,
}

#[derive(Debug, Serialize)]
struct Warning {
    file: String,
    /// From 1.
    line: u32,
    message: String,
}

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
    let inventory = if inventories.is_empty() {
        None
    } else {
        Some(Inventory::load(&inventories)?)
    };
    if inventory.is_none() && global.limit.is_some() {
        return Err(Failure::new("-l selects hosts of an inventory")
            .hint("name one, as a file or with -i, or leave -l out"));
    }
    let of_playbook = |playbook| of_playbook(global, playbook, inventory.as_ref());
    let checked = Checked {
        inventory: inventory.as_ref().map(of_inventory),
        playbooks: playbooks
            .iter()
            .map(of_playbook)
            .collect::<Result<_, _>>()?,
    };
    out::result(&show::text(&checked, global.output))?;
    Ok(exit_code::DONE)
}

fn of_inventory(inventory: &Inventory) -> OfInventory {
    let warnings = inventory.doubts.iter().map(|doubt| {
        let hint = doubt.hint.as_ref().map(|hint| format!("; {hint}"));
        Warning {
            file: doubt.file.clone(),
            line: doubt.line,
            message: format!("{}{}", doubt.message, hint.unwrap_or_default()),
        }
    });
    OfInventory {
        hosts: inventory.hosts.len(),
        defaults: settings::built_in(&inventory.hosts),
        groups: inventory.caps.clone(),
        warnings: warnings.collect(),
    }
}

fn of_playbook(
    global: &Global,
    playbook: &Playbook,
    inventory: Option<&Inventory>,
) -> Result<OfPlaybook, Failure> {
    let examined = playbook.judge_examples()?;
    rings::selectors(playbook)?;
    let defaults = playbook.defaults_in_force().iter().map(|default| Setting {
        setting: default.setting.clone(),
        value: default.value.clone(),
    });
    let told = playbook.warnings().iter().chain(&examined);
    let told = told.map(|warning| (warning.line, warning.message.clone()));
    let mut told: Vec<(u32, String)> = told.collect();
    let (mut of_rings, mut groups) = (Vec::new(), BTreeMap::new());
    let mut untried = BTreeSet::new();
    if inventory.is_none() {
        match prepare::command_line_only(global, playbook, Examples::Fill) {
            Ok(vars) => {
                // Without hosts there is nobody to prepare, and what -e says is judged all the same.
                if !global.vars.is_empty() {
                    let judged = playbook.preview_without_host(&vars);
                    judged.map_err(|error| document::Diagnostics::from(*error.diagnostic))?;
                }
                untried = playbook.untried_without_host(&vars);
            }
            Err(failure) if !global.vars.is_empty() => return Err(failure),
            // A variable without value and example leaves open which proxy it will be.
            Err(_) => {}
        }
    }
    if let Some(inventory) = inventory {
        let hosts = files::select(inventory, global.limit.as_deref())?;
        let prepared = prepare::prepare(playbook, inventory, &hosts, global, Examples::Fill)?;
        groups = prepare::group_caps(playbook, inventory)?;
        told.extend(rings::strangers(playbook, inventory)?);
        for host in &prepared {
            untried.extend(playbook.untried(&host.scope(playbook)));
        }
        let rings = playbook.strategy.rings.iter().enumerate();
        let of = |index| prepared.iter().filter(|host| host.ring == index).count();
        of_rings.extend(rings.map(|(index, ring)| RingOf {
            name: ring.name.clone(),
            hosts: of(index),
        }));
    }
    let untried = report::untried::of_playbook(&untried, playbook);
    let first = playbook.steps.first().map_or(1, |step| step.line);
    told.extend(untried.map(|message| (first, message)));
    let warning = |(line, message)| Warning {
        file: playbook.file.clone(),
        line,
        message,
    };
    Ok(OfPlaybook {
        name: playbook.name.clone(),
        file: playbook.file.clone(),
        steps: playbook.steps.len(),
        defaults: defaults.collect(),
        rings: of_rings,
        groups,
        warnings: told.into_iter().map(warning).collect(),
    })
}
