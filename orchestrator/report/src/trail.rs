//! Everything that happened with one host of a run, in order: what was read, written, read back, sought again, and
//! what it cost.
//!
//! Built from the events of the journal; nothing is inferred. A resumed host has all its attempts here.

use std::fmt::Write as _;

use inventory::HostName;
use jiff::Timestamp;
use playbooks::{Observed, Target, without_accounts};
use rollout::{Cost, Event, EventKind, HostRecord, PlannedChange, PlannedStep, RunRecord, Trace};
use serde_json::{Value, json};

use crate::table::Table;
use crate::timeline::millis;
use crate::{csv, event_shown, json, preflight, text, value};

/// The events of one host.
#[derive(Clone, Debug)]
pub struct Trail {
    host: HostName,
    /// First event of the run: offsets count from here.
    origin: Option<Timestamp>,
    steps: Vec<PlannedStep>,
    entries: Vec<Entry>,
}

/// One event of the host, with what it means in words and values.
#[derive(Clone, Debug)]
struct Entry {
    event: Event,
    text: String,
    values: Vec<Seen>,
}

/// A value that an event speaks of.
#[derive(Clone, Debug)]
struct Seen {
    act: Act,
    target: Target,
    /// For people.
    text: String,
    /// `None`: not known, or (for a write) given by `text` alone.
    found: Option<Observed>,
}

/// What was done with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Read,
    Write,
    ReadBack,
}

impl Act {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadBack => "read_back",
        }
    }
}

impl Trail {
    /// An empty trail.
    pub fn new(host: HostName) -> Self {
        Self {
            host,
            origin: None,
            steps: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Takes note of one event; call it with all events of the run, in the order of the journal.
    pub fn take(&mut self, event: Event) {
        self.origin.get_or_insert(event.time);
        if event.host.as_ref() != Some(&self.host) {
            return;
        }
        if let EventKind::PriorRecorded { steps } = &event.kind {
            self.steps.clone_from(steps);
        }
        let entry = Entry {
            text: self.words(&event.kind),
            values: self.values(&event.kind),
            event,
        };
        self.entries.push(entry);
    }

    /// For people: heading, then one line per event and value.
    pub fn table(&self, run: &RunRecord) -> String {
        let mut out = heading(run, &self.host);
        if self.entries.is_empty() {
            out.push_str("\nno event of this host: it was never started\n");
            return out;
        }
        let mut table = Table::new(["SEQ", "TIME (UTC)", "OFFSET", "EVENT", "WHAT"]).right([0, 2]);
        for entry in &self.entries {
            table.row([
                entry.event.seq.to_string(),
                entry
                    .event
                    .time
                    .strftime("%Y-%m-%d %H:%M:%S%.3f")
                    .to_string(),
                offset(self.offset(entry)),
                entry.event.kind.name().to_owned(),
                entry.text.clone(),
            ]);
            for seen in &entry.values {
                let act = seen.act.as_str().replace('_', " ");
                let line = format!("{act} {} = {}", seen.target, seen.text);
                table.row(["", "", "", "", line.as_str()]);
            }
        }
        out.push('\n');
        out.push_str(&table.render());
        if let Some(head) = &run.chain_head {
            let _ = writeln!(out, "\nchain head of the run {head}");
        }
        out
    }

    /// One document: the host as in the report of the run, and its events.
    pub fn json(&self, run: &RunRecord) -> Value {
        let host = run.hosts.iter().find(|host| host.name == self.host);
        json!({
            "schema": json::SCHEMA,
            "run": run.id,
            "started": run.started,
            "chain_head": run.chain_head,
            "host": host.map(json::host),
            "events": self.entries.iter().map(|entry| self.entry(entry)).collect::<Vec<_>>(),
        })
    }

    /// One object per event, each with the id of the run.
    pub fn lines(&self, run: &RunRecord) -> Vec<Value> {
        let line = |entry| {
            let mut line =
                json!({"schema": json::SCHEMA, "run": run.id, "chain_head": run.chain_head});
            if let (Value::Object(line), Value::Object(members)) = (&mut line, self.entry(entry)) {
                line.extend(members);
            }
            line
        };
        self.entries.iter().map(line).collect()
    }

    /// One line per event and value, safe to open in a spreadsheet.
    pub fn csv(&self, run: &RunRecord) -> String {
        let head = [
            "run",
            "host",
            "seq",
            "time",
            "offset_ms",
            "event",
            "what",
            "act",
            "target",
            "value",
            "value_bytes",
            "chain_head",
        ];
        let row = |entry: &Entry, seen: Option<&Seen>| {
            let bytes = seen.and_then(|seen| seen.found.as_ref()?.value());
            vec![
                run.id.to_string(),
                self.host.to_string(),
                entry.event.seq.to_string(),
                entry.event.time.to_string(),
                self.offset(entry).to_string(),
                entry.event.kind.name().to_owned(),
                entry.text.clone(),
                seen.map(|seen| seen.act.as_str().to_owned())
                    .unwrap_or_default(),
                seen.map(|seen| seen.target.to_string()).unwrap_or_default(),
                seen.map(|seen| seen.text.clone()).unwrap_or_default(),
                bytes.map(value::bytes).unwrap_or_default(),
                run.chain_head.clone().unwrap_or_default(),
            ]
        };
        let rows = self.entries.iter().flat_map(|entry| {
            let first = entry.values.is_empty().then(|| row(entry, None));
            first
                .into_iter()
                .chain(entry.values.iter().map(move |seen| row(entry, Some(seen))))
                .collect::<Vec<_>>()
        });
        csv::document(&head, rows)
    }

    /// The event as in `--events`, with its offset, its words and its values.
    fn entry(&self, entry: &Entry) -> Value {
        let mut line = json!({
            "seq": entry.event.seq,
            "time": entry.event.time,
            "offset_ms": self.offset(entry),
            "text": entry.text,
            "values": entry.values.iter().map(seen).collect::<Vec<_>>(),
        });
        let event = event_shown::event(&entry.event);
        if let (Value::Object(line), Value::Object(members)) = (&mut line, event) {
            line.extend(members);
        }
        line
    }

    fn offset(&self, entry: &Entry) -> i64 {
        millis(self.origin.unwrap_or(entry.event.time), entry.event.time)
    }

    fn words(&self, kind: &EventKind) -> String {
        match kind {
            EventKind::HostStarted => "contact is sought".to_owned(),
            EventKind::HostIdentified { identity } => {
                let name = identity.computer_name.as_deref().unwrap_or("no name given");
                let guid = identity
                    .machine_guid
                    .as_deref()
                    .unwrap_or("no machine id read");
                format!(
                    "logged on with {}; answers as {name}; {guid}",
                    identity.auth
                )
            }
            EventKind::HostRetry {
                attempt,
                reason,
                detail,
            } => format!("connection {attempt}, because of {reason}: {detail}"),
            EventKind::PriorRecorded { steps } => {
                let values = steps.iter().map(|step| step.changes.len()).sum();
                format!(
                    "{} read and recorded before the first write",
                    text::counted(values, "value")
                )
            }
            EventKind::PreflightFound { findings } => {
                format!("preflight: {}", preflight::cell(findings))
            }
            EventKind::ProbesPlanned { probes, .. } => {
                let names: Vec<&str> = probes.iter().map(|probe| probe.name.as_str()).collect();
                format!("has to be green: {}", names.join(", "))
            }
            EventKind::ProbeFinished { probe, verdict } => format!(
                "probe {}: {}: {}: {}",
                probe + 1,
                verdict.grade().as_str(),
                verdict.finding.as_str(),
                verdict.detail
            ),
            EventKind::StepStarted { step } => {
                format!("{}: is about to be written", self.step(*step))
            }
            EventKind::AdvproxySeen { step, document, .. } => {
                let shown = without_accounts(document);
                format!("{}: advproxy, not changed: {shown}", self.step(*step))
            }
            EventKind::StepFinished {
                step,
                state,
                detail,
                ..
            } => format!(
                "{}: {state}{}",
                self.step(*step),
                after_colon(detail.as_deref())
            ),
            EventKind::TraceLeft {
                trace: Trace::Marker { target, text },
            } => format!("is marked for other controllers: {target} = {text}"),
            EventKind::TraceGone {
                trace: Trace::Marker { target, .. },
            } => format!("the marker is gone: {target}"),
            EventKind::TraceLeft {
                trace: Trace::SystemTask(task),
            } => format!(
                "a task for a probe as LocalSystem is about to be made: {}",
                task.name
            ),
            EventKind::TraceGone {
                trace: Trace::SystemTask(task),
            } => format!("the task is gone: {}", task.name),
            EventKind::MarkerTakenOver { detail } => format!("took over {detail}"),
            EventKind::UndoProved => {
                "was taken back and compared: as it had been; is applied again".to_owned()
            }
            EventKind::UndoStarted => "is taken back because of a breach".to_owned(),
            EventKind::HostFinished {
                outcome,
                changed,
                reason,
                detail,
                remedy,
                attempts,
                cost,
            } => {
                let reason = reason.map(|reason| reason.to_string());
                let remedy = remedy.as_deref().map(|text| format!("remedy: {text}"));
                format!(
                    "{outcome}, {}{}{}{}; {}, {}",
                    if *changed { "changed" } else { "not changed" },
                    after_colon(reason.as_deref()),
                    after_colon(detail.as_deref()),
                    after_colon(remedy.as_deref()),
                    text::counted(*attempts as usize, "connection"),
                    spent(cost),
                )
            }
            // Everything else, and what a newer program wrote: its members as they are.
            other => serde_json::to_string(other).unwrap_or_default(),
        }
    }

    fn step(&self, index: u32) -> String {
        let step = self.steps.get(index as usize);
        step.map_or_else(|| format!("step {}", index + 1), |step| step.name.clone())
    }

    fn values(&self, kind: &EventKind) -> Vec<Seen> {
        let changes = |step: u32| {
            self.steps
                .get(step as usize)
                .map(|step| step.changes.as_slice())
                .unwrap_or_default()
        };
        match kind {
            EventKind::PriorRecorded { steps } => steps
                .iter()
                .flat_map(|step| &step.changes)
                .map(|change| found(Act::Read, change, Some(&change.prior)))
                .collect(),
            EventKind::StepStarted { step } => changes(*step)
                .iter()
                .filter(|change| change.needed())
                .map(|change| Seen {
                    act: Act::Write,
                    target: change.target().clone(),
                    text: change.wanted(),
                    found: None,
                })
                .collect(),
            EventKind::StepFinished { step, after, .. } => changes(*step)
                .iter()
                .zip(after)
                .map(|(change, after)| found(Act::ReadBack, change, after.as_ref()))
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn found(act: Act, change: &PlannedChange, observed: Option<&Observed>) -> Seen {
    let target = change.target().clone();
    Seen {
        act,
        text: observed.map_or_else(|| "unknown".to_owned(), |found| value::text(&target, found)),
        found: observed.cloned(),
        target,
    }
}

fn seen(seen: &Seen) -> Value {
    json!({
        "act": seen.act.as_str(),
        "target": seen.target.to_string(),
        "text": seen.text,
        "value": seen.found.as_ref().map(|found| value::json(&seen.target, found)),
    })
}

fn after_colon(text: Option<&str>) -> String {
    text.map(|text| format!(": {text}")).unwrap_or_default()
}

fn spent(cost: &Cost) -> String {
    let requests = text::counted(cost.requests as usize, "request");
    let bytes = |bytes: u64| text::thousands(bytes);
    format!(
        "{requests}, {} bytes sent, {} received",
        bytes(cost.sent),
        bytes(cost.received)
    )
}

fn heading(run: &RunRecord, name: &HostName) -> String {
    let mut out = crate::summary::heading(run);
    let host: Option<&HostRecord> = run.hosts.iter().find(|host| host.name == *name);
    let Some(host) = host else { return out };
    let changed = if host.changed { ", changed" } else { "" };
    let line = format!(
        "{}  ring {}  {}{changed}{}",
        host.name,
        host.ring,
        host.outcome,
        after_colon(host.detail.as_deref())
    );
    out.push_str(&text::neutral(&line));
    out.push('\n');
    out
}

/// `+0.012 s`, `+2 h 03 min`.
fn offset(millis: i64) -> String {
    let sign = if millis < 0 { '-' } else { '+' };
    let span = std::time::Duration::from_millis(millis.unsigned_abs());
    match span.as_secs() {
        0..60 => format!("{sign}{:.3} s", span.as_secs_f64()),
        _ => format!("{sign}{}", text::duration(span)),
    }
}

#[cfg(test)]
mod tests {
    use playbooks::{Change, Desired, Typed};
    use rollout::{HostIdentity, Intent, Outcome, Reason, StepState};

    use super::*;
    use crate::sample;

    const EVIL: &str = "\u{1b}[2J\u{202e}=1+1\r\nevil";

    fn told() -> (RunRecord, Trail) {
        let run = sample::run(vec![sample::host("pc-1", Outcome::Ok, None)]);
        let wanted = Typed::Sz("http://10.0.0.6:8080".to_owned()).to_raw();
        let change = PlannedChange {
            intent: Intent::Apply(Change {
                target: sample::target(),
                desired: Desired::Value(wanted.clone()),
            }),
            prior: Observed::Present(Typed::Sz(EVIL.to_owned()).to_raw()),
        };
        let steps = vec![PlannedStep {
            name: EVIL.to_owned(),
            skipped: None,
            preflight: Vec::new(),
            changes: vec![change],
        }];
        let identity = HostIdentity {
            computer_name: Some(EVIL.to_owned()),
            machine_guid: None,
            auth: "ntlm (sealed)".to_owned(),
        };
        let retry = EventKind::HostRetry {
            attempt: 2,
            reason: Reason::ConnectionLost,
            detail: EVIL.to_owned(),
        };
        let read_back = EventKind::StepFinished {
            step: 0,
            state: StepState::Changed,
            detail: Some(EVIL.to_owned()),
            after: vec![Some(Observed::Present(wanted))],
        };
        let kinds = [
            EventKind::HostStarted,
            EventKind::HostIdentified { identity },
            retry,
            EventKind::PriorRecorded { steps },
            EventKind::StepStarted { step: 0 },
            read_back,
        ];
        let mut trail = Trail::new(HostName::new("PC-1"));
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let at = |number: usize, mut event: Event| {
            event.seq = number as u64 + 1;
            event.time = start + jiff::Span::new().milliseconds(number as i64 * 1500);
            event
        };
        for (number, kind) in kinds.into_iter().enumerate() {
            trail.take(at(number, sample::event("pc-1", kind)));
            trail.take(at(number, sample::event("pc-2", EventKind::HostStarted)));
        }
        trail.take(at(50, sample::finished("pc-1", Outcome::Ok, None)));
        (run, trail)
    }

    #[test]
    fn the_table_tells_it_in_order_and_obeys_no_escape() {
        let (run, trail) = told();
        let table = trail.table(&run);
        assert!(!table.chars().any(|c| c.is_control() && c != '\n'));
        insta::assert_snapshot!(table);
    }

    #[test]
    fn the_lines_are_the_events_with_offset_and_values() {
        let (run, trail) = told();
        let lines = trail.lines(&run);
        assert_eq!(lines.len(), 7);
        assert_eq!(lines[3]["offset_ms"], 4500);
        assert_eq!(lines[3]["values"][0]["act"], "read");
        assert_eq!(lines[4]["values"][0]["act"], "write");
        assert_eq!(lines[5]["values"][0]["value"]["type"], 1);
        assert_eq!(lines[6]["outcome"], "ok");
        assert!(lines.iter().all(|line| line["host"] == "pc-1"));
        assert!(
            lines
                .iter()
                .all(|line| line["chain_head"] == "cd".repeat(32))
        );
        let document = trail.json(&run);
        assert_eq!(document["events"][5]["event"], "step_finished");
        assert_eq!(document["chain_head"], "cd".repeat(32));
    }

    #[test]
    fn no_cell_is_a_formula() {
        let (run, trail) = told();
        let text = trail.csv(&run);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        for row in reader.records() {
            for cell in row.unwrap().iter() {
                assert!(!cell.starts_with(['=', '+', '@', '\t', '\r']), "{cell:?}");
            }
        }
    }
}
