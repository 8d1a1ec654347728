//! `facts`: what can be known of each host. Writes to none, by the types it gets (`look.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use playbooks::{FACTS, FactSet, Facts, Limits, OnBreach, Retries};
use report::facts::FactsOf;
use report::hosts_read::HostsRead;
use rollout::{AskFacts, HostSpec, HostWork, PlaybookRecord, Reading, RunId, RunSpec, Verb};

use crate::args::{Facts as Arguments, Global, Output};
use crate::failure::{Failure, Outcome, Sent};
use crate::{drive, exit_code, files, look, out, selection};

/// Reads and shows.
pub(crate) fn run(global: &Global, facts: &Arguments) -> Outcome {
    if facts.list {
        out::result(&match global.output {
            Output::Table => report::facts::list(),
            Output::Json => report::json::pretty(&report::facts::list_json()),
            Output::Jsonl => report::facts::list_lines()
                .map(|line| report::json::line(&line))
                .collect(),
            Output::Csv => report::facts::list_csv(),
        })?;
        return Ok(exit_code::DONE);
    }
    let wanted = wanted(&facts.names)?;
    let inventory = files::inventory(global)?;
    let selected = selection::select(global, &inventory)?;
    let shown = show(global, facts, wanted, spec_of(&inventory, &selected.hosts)?);
    selected.unread.told(shown)
}

fn show(global: &Global, facts: &Arguments, wanted: FactSet, spec: RunSpec) -> Outcome {
    let spec = Arc::new(spec);
    let Some(readings) = look::read(global, &spec, AskFacts(wanted.clone()), facts.max_parallel)?
    else {
        return Ok(exit_code::INTERRUPTED);
    };
    let view = FactsOf {
        hosts: hosts(&spec, &readings),
        wanted,
    };
    let text = match global.output {
        Output::Table => view.table(),
        Output::Json => report::json::pretty(&view.json()),
        Output::Jsonl => view.lines().map(|line| report::json::line(&line)).collect(),
        Output::Csv => view.csv(),
    };
    out::result(&text).map_err(|failure| failure.sent(Sent::OnlyRead))?;
    Ok(look::code(
        |severity| view.hosts.any_unread(severity),
        exit_code::DONE,
    ))
}

/// Each host with what it said.
pub(crate) fn hosts<'a>(spec: &'a RunSpec, readings: &'a [Reading<Facts>]) -> HostsRead<'a> {
    let names = spec.hosts.iter().map(|host| host.host.name.as_str());
    let read = readings.iter().map(|reading| match reading {
        Reading::Read { answer, .. } => Ok(answer),
        Reading::Unread(error) => Err(error),
    });
    names.zip(read).collect()
}

/// These hosts, with nothing to do on them.
///
/// # Errors
/// A host has no credential.
pub(crate) fn spec_of(
    inventory: &inventory::Inventory,
    hosts: &[&inventory::Host],
) -> Result<RunSpec, Failure> {
    let one = |host: &inventory::Host| {
        let credential = host.settings.credential.value.as_ref();
        HostSpec {
            credential: credential
                .and_then(|name| inventory.credentials.get(name))
                .cloned(),
            host: host.clone(),
            ring: 0,
            vars: BTreeMap::new(),
            work: HostWork::Apply,
            planned: None,
        }
    };
    let spec = RunSpec {
        id: RunId::generate(),
        verb: Verb::Push,
        simulated: false,
        operator: drive::operator(),
        reason: None,
        playbook: PlaybookRecord {
            name: String::new(),
            file: String::new(),
            text: String::new(),
            digest: String::new(),
        },
        rings: Vec::new(),
        limits: Limits::default(),
        on_breach: OnBreach::Stop,
        deadline: None,
        groups: BTreeMap::new(),
        retries: Retries::default(),
        hosts: hosts.iter().copied().map(one).collect(),
        source_run: None,
        plan_hash: None,
    };
    drive::credentials_at_hand(&spec)?;
    Ok(spec)
}

/// The facts of these names and groups, with or without `facts.` in front; all where none is named.
fn wanted(names: &[String]) -> Result<FactSet, Failure> {
    if names.is_empty() {
        return Ok(FactSet::all());
    }
    let mut wanted = FactSet::default();
    for name in names {
        let below = name.strip_prefix("facts.").unwrap_or(name);
        let facts = FactSet::below(below);
        if below.is_empty() || facts.is_empty() {
            let failure = Failure::new(format!("there is no fact '{name}'"));
            let near = document::nearest(below, FACTS.iter().map(|row| row.name));
            return Err(failure.hint(match near {
                Some(near) => {
                    format!("did you mean '{near}'? 'winfleet facts --list' names them all")
                }
                None => "'winfleet facts --list' names them all".to_owned(),
            }));
        }
        wanted.extend(facts.iter());
    }
    Ok(wanted)
}
