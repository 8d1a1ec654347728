//! `audit`: are the hosts still as a playbook wants them, or as a run left them? Writes to none, by the types it gets
//! (`look.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use inventory::HostName;
use playbooks::Playbook;
use report::audit::{self, Audit as View, Sought};
use report::groups::{Stand, Standing};
use rollout::{
    HostRecord, HostSpec, Left, LeftValue, Leftovers, Reading, RunRecord, RunSpec, StillThere,
    Verb, WouldWrite,
};

use crate::args::{Audit, Global, Output};
use crate::failure::{Failure, Outcome, Sent};
use crate::selection::Unread;
use crate::{drive, exit_code, files, journal, look, out};

/// Compares and shows who drifted.
pub(crate) fn run(global: &Global, audit: &Audit) -> Outcome {
    match &audit.against {
        _ if audit.leftovers => leftovers(global, audit),
        Some(run) => against_run(global, run, audit.max_parallel),
        None => against_playbook(global, audit.max_parallel),
    }
}

fn against_playbook(global: &Global, parallel: u32) -> Outcome {
    if global.playbook.is_none() {
        return Err(Failure::new("audit has nothing to compare with")
            .hint("-i FILE -p FILE name hosts and playbook; --against RUN compares with a run"));
    }
    let (inventory, playbook) = (files::inventory(global)?, files::playbook(global)?);
    let (spec, unread) = super::push::spec(global, &inventory, &playbook, Verb::Push)?;
    unread.told(compare(global, playbook, spec, parallel))
}

fn compare(global: &Global, playbook: Playbook, spec: RunSpec, parallel: u32) -> Outcome {
    drive::credentials_at_hand(&spec)?;
    let against = format!("playbook '{}'", playbook.name);
    let question = WouldWrite::new(playbook, &spec).to_compare();
    let spec = Arc::new(spec);
    let Some(readings) = look::read(global, &spec, question, parallel)? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let hosts = spec
        .hosts
        .iter()
        .zip(&readings)
        .map(|(host, reading)| Stand {
            host: host.host.name.as_str(),
            ring: spec
                .rings
                .get(host.ring)
                .map_or("", |ring| ring.name.as_str()),
            standing: audit::against_playbook(answer(reading)),
        });
    show(global, Sought::Drift, against, hosts.collect())
}

fn against_run(global: &Global, run: &str, parallel: u32) -> Outcome {
    let (open, record) = journal::record(global, run)?;
    journal::refuse_simulated(&open, &record.id, "compared with what is")?;
    if open.holder(&record.id).is_some() {
        out::note(&format!(
            "run {} is under way: what it left is still changing",
            record.id
        ));
    }
    let mut spec = open
        .spec(&record.id)
        .map_err(|error| journal::failure(&error))?;
    select(global, &mut spec)?;
    journal::override_settings(global, &mut spec.hosts)?;
    let left = left_by(&record);
    let selected: Vec<HostName> = spec
        .hosts
        .iter()
        .map(|host| host.host.name.clone())
        .collect();
    // Where the run left nothing there is nothing to ask.
    spec.hosts.retain(|host| left.contains_key(&host.host.name));
    drive::credentials_at_hand(&spec)?;
    let spec = Arc::new(spec);
    let Some(readings) = look::read(global, &spec, StillThere::new(left), parallel)? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let names = spec.hosts.iter().map(|host| &host.host.name);
    let readings: BTreeMap<&HostName, _> = names.zip(&readings).collect();
    let records: BTreeMap<&HostName, &HostRecord> =
        record.hosts.iter().map(|host| (&host.name, host)).collect();
    let hosts = selected.iter().map(|name| Stand {
        host: name.as_str(),
        ring: records.get(name).map_or("", |host| host.ring.as_str()),
        standing: readings.get(name).map_or(Standing::Nothing, |reading| {
            audit::against_run(answer(reading))
        }),
    });
    let against = format!("run {}", record.id);
    show(global, Sought::Drift, against, hosts.collect())
}

/// The hosts of a playbook or of a run, and what killed controllers left on them.
fn leftovers(global: &Global, audit: &Audit) -> Outcome {
    let (spec, unread) = match &audit.against {
        Some(run) => {
            let (open, record) = journal::record(global, run)?;
            journal::refuse_simulated(&open, &record.id, "compared with what is")?;
            let spec = open.spec(&record.id);
            let mut spec = spec.map_err(|error| journal::failure(&error))?;
            select(global, &mut spec)?;
            journal::override_settings(global, &mut spec.hosts)?;
            (spec, Unread::default())
        }
        None => {
            let (inventory, playbook) = (files::inventory(global)?, files::playbook(global)?);
            super::push::spec(global, &inventory, &playbook, Verb::Push)?
        }
    };
    unread.told(traces(global, audit, spec))
}

fn traces(global: &Global, audit: &Audit, spec: RunSpec) -> Outcome {
    drive::credentials_at_hand(&spec)?;
    let spec = Arc::new(spec);
    let Some(readings) = look::read(global, &spec, Leftovers, audit.max_parallel)? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let ring = |host: &HostSpec| spec.rings.get(host.ring).map_or("", |ring| &ring.name);
    let hosts = spec
        .hosts
        .iter()
        .zip(&readings)
        .map(|(host, reading)| Stand {
            host: host.host.name.as_str(),
            ring: ring(host),
            standing: audit::for_traces(answer(reading)),
        });
    let whose = "traces of winfleet".to_owned();
    show(global, Sought::Traces, whose, hosts.collect())
}

fn answer<T>(reading: &Reading<Vec<T>>) -> Result<&[T], &rollout::HostError> {
    match reading {
        Reading::Read { answer, .. } => Ok(answer),
        Reading::Unread(error) => Err(error),
    }
}

/// The hosts of `-l`.
fn select(global: &Global, spec: &mut RunSpec) -> Result<(), Failure> {
    let Some(text) = &global.limit else {
        return Ok(());
    };
    let selector = files::parse_selector(text, "--limit")?;
    let matches = |host: &HostSpec| selector.matches(&host.host, true);
    spec.hosts.retain(matches);
    if spec.hosts.is_empty() {
        return Err(Failure::no_hosts(format!(
            "no host of the run matches '{text}'"
        )));
    }
    Ok(())
}

/// What the run read back at its end, by host; hosts without any are not there.
fn left_by(record: &RunRecord) -> BTreeMap<HostName, Left> {
    let mut all = BTreeMap::new();
    for host in &record.hosts {
        let mut values: Vec<LeftValue> = Vec::new();
        for step in &host.steps {
            for change in &step.changes {
                let Some(after) = &change.after else {
                    continue;
                };
                let value = LeftValue {
                    step: step.name.clone(),
                    target: change.target.clone(),
                    left: after.clone(),
                };
                // Of two steps with one target the later one counts.
                values.retain(|earlier| earlier.target != value.target);
                values.push(value);
            }
        }
        if !values.is_empty() {
            let machine_guid = host.machine_guid.clone();
            all.insert(
                host.name.clone(),
                Left {
                    machine_guid,
                    values,
                },
            );
        }
    }
    all
}

fn show(global: &Global, sought: Sought, against: String, hosts: Vec<Stand<'_>>) -> Outcome {
    let view = View {
        sought,
        against,
        hosts,
        verbose: global.verbose > 0,
    };
    let text = match global.output {
        Output::Table => view.table(),
        Output::Json => report::json::pretty(&view.json()),
        Output::Jsonl => view.lines().map(|line| report::json::line(&line)).collect(),
        Output::Csv => view.csv(),
    };
    out::result(&text).map_err(|failure| failure.sent(Sent::OnlyRead))?;
    let otherwise = if view.drifted() {
        exit_code::CHANGES_PENDING
    } else {
        exit_code::DONE
    };
    Ok(look::code(|severity| view.any_unread(severity), otherwise))
}
