//! The published schema of the event stream and its samples, against the types they are made from.
//!
//! `WINFLEET_BLESS=1 cargo test -p rollout schema` writes both files anew. That the samples and the events of real runs
//! keep to the schema is judged by another program's validator, in `tests/interop`.

use std::collections::BTreeSet;
use std::path::Path;

use inventory::HostName;
use playbooks::{
    Change, Check, Desired, Finding, HostProbe, KeyPath, Observed, OnBreach, PreflightFinding,
    PreflightGrade, Probe, RawValue, Target, TargetVerdict, Typed, Verdict, WinHttpProxy,
};
use rollout::{
    Cost, Event, EventKind, HoldCause, HostIdentity, Intent, Outcome, PlannedChange, PlannedStep,
    Reason, RunState, StepState, StopCause, SystemTask, Trace, Undo, Verb,
};
use serde_json::Value;

/// The committed file is what the types say.
fn same(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("WINFLEET_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path)
        .unwrap_or_default()
        .replace("\r\n", "\n");
    assert!(
        committed == text,
        "{file} is not what the types say; run the test with WINFLEET_BLESS=1 and read the difference"
    );
}

fn target() -> Target {
    Target {
        key: KeyPath::parse(r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender").unwrap(),
        value: "ProxyServer".to_owned(),
    }
}

fn text(text: &str) -> RawValue {
    Typed::Sz(text.to_owned()).to_raw()
}

fn absent() -> Observed {
    Observed::KeyAbsent {
        first_missing: target().key,
    }
}

fn opaque() -> Observed {
    Observed::Opaque {
        kind: 2,
        why: "not readable".to_owned(),
    }
}

/// Every kind of intent and of value.
fn steps() -> Vec<PlannedStep> {
    let apply = |desired, prior| PlannedChange {
        intent: Intent::Apply(Change {
            target: target(),
            desired,
        }),
        prior,
    };
    let proxy = WinHttpProxy {
        server: "10.0.0.6:8080".to_owned(),
        bypass: vec!["<local>".to_owned()],
    };
    let undo = |uncertain| PlannedChange {
        intent: Intent::Undo(Undo {
            target: target(),
            prior: absent(),
            ours: Observed::Present(text("ours")),
            force: false,
            uncertain,
        }),
        prior: Observed::Present(text("now")),
    };
    let changes = vec![
        apply(Desired::Value(text("new")), Observed::Present(text("old"))),
        apply(Desired::Absent, Observed::ValueAbsent),
        apply(Desired::WinHttp(proxy), absent()),
        apply(Desired::WinHttpDirect, opaque()),
        undo(None),
        undo(Some(Desired::Absent)),
    ];
    let skipped = PlannedStep {
        name: "Skipped".to_owned(),
        skipped: Some("when: offline".to_owned()),
        preflight: Vec::new(),
        changes: Vec::new(),
    };
    vec![
        PlannedStep {
            name: "Largely".to_owned(),
            skipped: None,
            preflight: Vec::new(),
            changes,
        },
        skipped,
    ]
}

fn of_the_run() -> Vec<EventKind> {
    let text = |text: &str| text.to_owned();
    vec![
        EventKind::RunStarted {
            verb: Verb::RollbackDelete,
            hosts: 2,
        },
        EventKind::RunResumed {
            only: vec![Outcome::Failed, Outcome::NotStarted],
            hosts: Some(vec![0, 2]),
            operator: Some(text("ann@desk")),
        },
        EventKind::RunHeld {
            cause: HoldCause::Soak,
            ring: Some(0),
            until: Some("2026-11-23T11:00:00Z".parse().unwrap()),
            detail: text("ring canary soaks"),
        },
        EventKind::RunReleased {
            cause: HoldCause::Soak,
        },
        EventKind::RingApproved {
            ring: 0,
            name: text("canary"),
            operator: text("bob@desk"),
        },
        EventKind::RingStarted {
            ring: 0,
            name: text("canary"),
            hosts: 2,
            max_parallel: 10,
        },
        EventKind::LimitBreached {
            ring: None,
            outcome: Outcome::Unreachable,
            limit: text("2.5%"),
            count: 2,
            hosts: 2,
            allowed: 0,
            action: OnBreach::RollbackRing,
            text: text("2 of 2"),
        },
        EventKind::StopRequested {
            cause: StopCause::Operator,
            detail: text("Ctrl-C"),
        },
        EventKind::GuardTripped {
            detail: text("rollout was refused three times"),
        },
        EventKind::RollbackStarted {
            ring: Some(0),
            hosts: 1,
        },
        EventKind::RingFinished {
            ring: 0,
            name: text("canary"),
        },
        EventKind::RunFinished {
            state: RunState::Failed,
            exit_code: 6,
        },
        EventKind::Unknown {
            kind: text("from_tomorrow"),
            data: text("{}"),
        },
    ]
}

fn trace() -> Trace {
    Trace::Marker {
        target: target(),
        text: "2026-11-23T10:00:00Z ann@desk".to_owned(),
    }
}

fn task() -> Trace {
    Trace::SystemTask(SystemTask {
        name: "winfleet-run-0tq4c1n-k7xd-1".to_owned(),
        result: target(),
    })
}

fn of_a_host() -> Vec<EventKind> {
    let detail = || Some("\u{1b}[2J said the host".to_owned());
    vec![
        EventKind::HostStarted,
        EventKind::TraceLeft { trace: task() },
        EventKind::TraceGone { trace: task() },
        EventKind::HostIdentified {
            identity: HostIdentity {
                computer_name: Some("PC-1".to_owned()),
                machine_guid: None,
                auth: "ntlm (sealed)".to_owned(),
            },
        },
        EventKind::HostRetry {
            attempt: 2,
            reason: Reason::ConnectionLost,
            detail: "reset".to_owned(),
        },
        EventKind::PreflightFound {
            findings: vec![PreflightFinding {
                check: Check::GpoOwned,
                grade: PreflightGrade::Block,
                allowed: true,
                step: Some("Largely".to_owned()),
                detail: "'Corp Proxy' owns it".to_owned(),
            }],
        },
        EventKind::ProbesPlanned {
            probes: vec![HostProbe {
                run_as: playbooks::RunAs::Account,
                name: "the road".to_owned(),
                probe: Probe::WinhttpIs {
                    server: Some("p:1".to_owned()),
                },
                candidate: true,
            }],
            since: Some("2026-11-23T10:00:00Z".parse().unwrap()),
        },
        EventKind::ProbeFinished {
            probe: 0,
            verdict: Verdict {
                finding: Finding::ProxyWantsLogon,
                detail: "407".to_owned(),
                targets: vec![TargetVerdict {
                    target: "events.data.microsoft.com".to_owned(),
                    finding: Finding::ProxyWantsLogon,
                    detail: "407".to_owned(),
                }],
            },
        },
        EventKind::TraceLeft { trace: trace() },
        EventKind::TraceGone { trace: trace() },
        EventKind::MarkerTakenOver {
            detail: "run 0abc of ann@desk".to_owned(),
        },
        EventKind::PriorRecorded { steps: steps() },
        EventKind::StepStarted { step: 0 },
        EventKind::AdvproxySeen {
            step: 0,
            document: r#"{"Proxy":"10.0.0.9:8080"}"#.to_owned(),
            finding: None,
        },
        EventKind::StepFinished {
            step: 0,
            state: StepState::Unknown,
            detail: detail(),
            after: vec![None, Some(opaque()), Some(Observed::Present(text("new")))],
        },
        EventKind::UndoProved,
        EventKind::UndoStarted,
        EventKind::HostFinished {
            outcome: Outcome::Indeterminate,
            changed: true,
            reason: Some(Reason::PriorNotRestorable),
            detail: detail(),
            remedy: None,
            attempts: 2,
            cost: Cost::default(),
        },
    ]
}

fn samples() -> Vec<Event> {
    let host = Some(HostName::new("pc-1.corp.example"));
    let kinds = of_the_run().into_iter().map(|kind| (None, kind));
    let kinds = kinds.chain(of_a_host().into_iter().map(|kind| (host.clone(), kind)));
    let event = |(number, (host, kind)): (usize, (Option<HostName>, EventKind))| Event {
        seq: number as u64 + 1,
        time: "2026-11-23T10:00:00.123456789Z".parse().unwrap(),
        host,
        kind,
    };
    kinds.enumerate().map(event).collect()
}

/// The words that the schema allows for `event`.
fn kinds(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(word)) = members.get("event").and_then(|of| of.get("const")) {
                found.insert(word.clone());
            }
            members.values().for_each(|value| kinds(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| kinds(value, found)),
        _ => {}
    }
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let schema = rollout::schema::event_schema();
    same("events.schema.json", &format!("{schema:#}\n"));
}

#[test]
fn every_kind_of_event_has_a_sample() {
    let mut wanted = BTreeSet::new();
    kinds(&rollout::schema::event_schema(), &mut wanted);
    let have: BTreeSet<String> = samples()
        .iter()
        .map(|event| event.kind.name().to_owned())
        .collect();
    assert_eq!(have, wanted);
    let lines: String = samples()
        .iter()
        .map(|event| format!("{}\n", serde_json::to_value(event).unwrap()))
        .collect();
    same("events.samples.jsonl", &lines);
}

#[test]
fn an_event_says_all_that_happened() {
    for event in samples() {
        let line = serde_json::to_value(&event).unwrap();
        let back: Event = serde_json::from_value(line.clone()).unwrap();
        assert_eq!(back, event, "{line}");
    }
}
