//! Small run records for the tests of this crate.

use inventory::HostName;
use playbooks::{
    Check, Finding, HostProbe, KeyPath, Limits, Observed, OnBreach, PreflightFinding,
    PreflightGrade, Probe, Target, Typed, Verdict,
};
use rollout::{
    ChangeRecord, Cost, Event, EventKind, HostRecord, Outcome, ProbeRecord, Reason, RingRecord,
    RunId, RunRecord, RunState, StepRecord, StepState, Totals, Verb,
};

pub(crate) fn target() -> Target {
    Target {
        key: KeyPath::parse(r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender").unwrap(),
        value: "ProxyServer".to_owned(),
    }
}

pub(crate) fn host(name: &str, outcome: Outcome, cause: Option<(Reason, &str)>) -> HostRecord {
    let changed = outcome == Outcome::Ok;
    let steps = if changed { vec![step()] } else { Vec::new() };
    HostRecord {
        name: HostName::new(name),
        ring: "canary".to_owned(),
        outcome,
        settled: true,
        changed,
        reason: cause.map(|(reason, _)| reason),
        detail: cause.map(|(_, detail)| detail.to_owned()),
        remedy: cause.map(|_| "look into it".to_owned()),
        auth: changed.then(|| "ntlm (sealed)".to_owned()),
        machine_guid: None,
        attempts: 1,
        cost: Cost {
            requests: 10,
            sent: 1000,
            received: 2000,
            connections: 1,
        },
        undo_proved: false,
        preflight: vec![PreflightFinding {
            check: Check::GpoManaged,
            grade: PreflightGrade::Note,
            allowed: false,
            step: None,
            detail: "=set by <Proxy>".to_owned(),
        }],
        probes: vec![ProbeRecord {
            probe: HostProbe {
                run_as: playbooks::RunAs::Account,
                name: "the services".to_owned(),
                probe: Probe::Services {
                    names: vec!["Sense".to_owned()],
                },
                candidate: false,
            },
            verdict: changed.then(|| Verdict::new(Finding::Running, "=running: <Sense>")),
        }],
        steps,
    }
}

fn step() -> StepRecord {
    StepRecord {
        name: "Defender Antivirus proxy".to_owned(),
        state: StepState::Changed,
        detail: None,
        changes: vec![ChangeRecord {
            target: target(),
            wanted: "http://10.0.0.6:8080".to_owned(),
            before: Observed::KeyAbsent {
                first_missing: target().key,
            },
            after: Some(Observed::Present(Typed::Sz("=evil".to_owned()).to_raw())),
        }],
    }
}

pub(crate) fn run(hosts: Vec<HostRecord>) -> RunRecord {
    let mut totals = Totals::default();
    for host in &hosts {
        totals.add(host.outcome, host.changed);
    }
    let limits = Limits {
        max_failed: Some("2%".parse().unwrap()),
        ..Limits::default()
    };
    RunRecord {
        id: RunId::from_text("0tq4c1n-k7xd"),
        verb: Verb::Push,
        simulated: false,
        operator: "ann@desk".to_owned(),
        reason: Some("CHG-1".to_owned()),
        playbook: "defender-proxy".to_owned(),
        digest: "ab".repeat(32),
        declared_probes: 1,
        candidate_remedy: Some("-e prove=true switches such a probe on".to_owned()),
        source_run: None,
        plan_hash: None,
        started: Some("2026-11-23T10:00:00Z".parse().unwrap()),
        finished: Some("2026-11-23T10:00:12Z".parse().unwrap()),
        state: RunState::Failed,
        stopped: None,
        exit_code: Some(3),
        rolled_back: false,
        stop_text: None,
        hold: None,
        approvals: Vec::new(),
        chain_head: Some("cd".repeat(32)),
        limits,
        rings: vec![RingRecord {
            name: "canary".to_owned(),
            max_parallel: 10,
            limits,
            on_breach: OnBreach::Stop,
            gates: playbooks::Gates::default(),
            started: None,
            finished: None,
            totals,
        }],
        hosts,
        totals,
    }
}

pub(crate) fn event(name: &str, kind: EventKind) -> Event {
    Event {
        seq: 1,
        time: "2026-11-23T10:00:00Z".parse().unwrap(),
        host: Some(HostName::new(name)),
        kind,
    }
}

pub(crate) fn finished(name: &str, outcome: Outcome, reason: Option<Reason>) -> Event {
    let kind = EventKind::HostFinished {
        outcome,
        changed: outcome == Outcome::Ok,
        reason,
        detail: reason.map(|_| "says \u{1b}[2Jno".to_owned()),
        remedy: None,
        attempts: 1,
        cost: Cost::default(),
    };
    event(name, kind)
}
