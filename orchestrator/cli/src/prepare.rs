//! From files and flags to what each host is to do: rings, variables, data. Everything that can be judged without
//! a host is judged here, so that bad input never reaches one.

use std::collections::BTreeMap;

use document::{Diagnostics, Node, Value};
use inventory::{Host, Inventory, VarLayer};
use playbooks::{Examples, HostScope, Playbook, VarScope, Vars};
use report::text::{counted, examples};

use crate::args::Global;
use crate::failure::Failure;
use crate::{files, rings, settings};

/// Hosts named in a message.
const SHOWN_HOSTS: usize = 3;

/// One host with all that is known before it is contacted.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// As the inventory resolved it.
    pub host: Host,
    /// Index into the strategy's rings.
    pub ring: usize,
    /// Resolved against the playbook's declarations.
    pub vars: Vars,
}

impl Prepared {
    /// What templates and conditions see of it, before it is read.
    pub(crate) fn scope<'a>(&'a self, playbook: &'a Playbook) -> HostScope<'a> {
        let ring = playbook.strategy.rings.get(self.ring);
        HostScope {
            name: self.host.name.as_str(),
            short: self.host.name.short(),
            ring: ring.map(|ring| ring.name.as_str()),
            groups: &self.host.groups,
            vars: &self.vars,
        }
    }
}

/// `-e` as a layer of variables. The last of two equal names counts, as everywhere.
pub(crate) fn command_line_vars(global: &Global) -> BTreeMap<String, serde_json::Value> {
    global
        .vars
        .iter()
        .map(|(key, value)| (key.clone(), value.clone().into()))
        .collect()
}

/// The variables for no host in particular: what `-e` says, and the playbook's own.
///
/// # Errors
/// Every variable that is missing or of another type.
pub(crate) fn command_line_only(
    global: &Global,
    playbook: &Playbook,
    missing: Examples,
) -> Result<Vars, Failure> {
    let command_line = command_line_vars(global);
    let vars = playbook.resolve_vars(&[VarScope::command_line(&command_line)], missing);
    vars.map_err(|errors| {
        let texts: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
        Failure::block(texts.join("\n"))
    })
}

/// Resolves rings, variables and data of the hosts.
///
/// # Errors
/// Every mistake once, with the hosts that have it.
pub(crate) fn prepare(
    playbook: &Playbook,
    inventory: &Inventory,
    hosts: &[&Host],
    global: &Global,
    missing: Examples,
) -> Result<Vec<Prepared>, Failure> {
    let rings = rings::assign(playbook, inventory, hosts)?;
    let command_line = command_line_vars(global);
    let mut mistakes = Mistakes::default();
    let mut prepared = Vec::with_capacity(hosts.len());
    for (host, ring) in hosts.iter().zip(rings) {
        let vars = match playbook.resolve_vars(&layers(&host.vars, &command_line), missing) {
            Ok(vars) => vars,
            Err(errors) => {
                errors
                    .0
                    .iter()
                    .for_each(|error| mistakes.add(error.to_string(), host));
                continue;
            }
        };
        let one = Prepared {
            host: (*host).clone(),
            ring,
            vars,
        };
        match playbook.preview(&one.scope(playbook)) {
            Ok(_) => prepared.push(one),
            Err(error) => mistakes.add(error.diagnostic.to_string(), host),
        }
    }
    mistakes.into_result(hosts.len())?;
    Ok(prepared)
}

/// The caps of groups that the inventory and the playbook set; of two for one group the smaller one counts.
///
/// # Errors
/// The playbook caps a group that the inventory does not have.
pub(crate) fn group_caps(
    playbook: &Playbook,
    inventory: &Inventory,
) -> Result<BTreeMap<String, u32>, Failure> {
    let mut caps = inventory.caps.clone();
    for (group, cap) in &playbook.strategy.groups {
        if !inventory.groups.contains(group) {
            return Err(unknown_group(playbook, inventory, group)?.into());
        }
        caps.entry(group.clone())
            .and_modify(|known| *known = (*known).min(*cap))
            .or_insert(*cap);
    }
    Ok(caps)
}

fn unknown_group(
    playbook: &Playbook,
    inventory: &Inventory,
    group: &str,
) -> Result<Diagnostics, Diagnostics> {
    let document = files::text_of(playbook);
    let root: Node = document::from_yaml(&document)?;
    let groups = root
        .entry("rollout")
        .and_then(|rollout| rollout.entry("groups"));
    let key = groups.and_then(|groups| match &groups.value {
        Value::Map(entries) => entries.iter().find(|(key, _)| key.value == group),
        _ => None,
    });
    let (line, column) = key.map_or((1, 1), |(key, _)| (key.line, key.column));
    let names = || inventory.groups.iter().map(String::as_str);
    let known: Vec<&str> = names().take(12).collect();
    let message = format!("the inventory has no group '{group}'");
    let expected = if known.is_empty() {
        "no cap, since the inventory has no groups".to_owned()
    } else {
        format!("a group of the inventory, such as {}", known.join(", "))
    };
    Ok(document
        .diagnostic(line, column, group, message)
        .expect(expected)
        .nearest(group, names())
        .into())
}

/// The layers of a host, weakest first, `-e` last.
fn layers<'a>(
    of_host: &'a [VarLayer],
    command_line: &'a BTreeMap<String, serde_json::Value>,
) -> Vec<VarScope<'a>> {
    let inventory = of_host
        .iter()
        .map(|layer| VarScope::inventory(settings::origin(&layer.from), &layer.vars));
    inventory
        .chain([VarScope::command_line(command_line)])
        .collect()
}

/// The same mistake of many hosts is one message.
#[derive(Default)]
struct Mistakes<'a> {
    order: Vec<String>,
    hosts: BTreeMap<String, Vec<&'a str>>,
}

impl<'a> Mistakes<'a> {
    fn add(&mut self, text: String, host: &'a Host) {
        let hosts = self.hosts.entry(text.clone()).or_default();
        if hosts.is_empty() {
            self.order.push(text);
        }
        hosts.push(host.name.as_str());
    }

    fn into_result(self, of: usize) -> Result<(), Failure> {
        if self.order.is_empty() {
            return Ok(());
        }
        let blocks: Vec<String> = self
            .order
            .iter()
            .take(Diagnostics::SHOWN)
            .map(|text| {
                let hosts = &self.hosts[text];
                let who = if hosts.len() == of && of > 1 {
                    format!("all {}", counted(of, "host"))
                } else {
                    examples(hosts.iter().copied(), SHOWN_HOSTS)
                };
                format!("{text}\n  for: {who}")
            })
            .collect();
        Err(Failure::block(blocks.join("\n")))
    }
}
