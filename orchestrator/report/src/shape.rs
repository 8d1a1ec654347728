//! The shape of `report --format json`, as types: what is written and the published schema cannot differ.
//!
//! A contract (product contract, section 5): members are added, never renamed or removed, unless
//! [`crate::json::SCHEMA`] changes. `report.schema.json` beside this crate is generated from here.

use inventory::HostName;
use jiff::Timestamp;
use playbooks::{
    Check, Finding, Limit, Observed, OnBreach, PreflightFinding, PreflightGrade, Target,
    TargetVerdict,
};
use rollout::schema::Time;
use rollout::{
    Approval, ChangeRecord, HoldCause, HoldRecord, HostRecord, Outcome, ProbeRecord, Reason,
    RingRecord, RunId, RunRecord, RunState, StepRecord, StepState, StopCause, Totals, Verb,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::json::SCHEMA;
use crate::not_done::not_done;
use crate::{preflight, value};

/// One run with all its hosts.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Run<'a> {
    /// Version of this shape.
    #[schemars(extend("const" = SCHEMA))]
    schema: u32,
    /// Its id.
    run: &'a RunId,
    /// Kind of run.
    verb: Verb,
    /// Name inside the playbook.
    playbook: &'a str,
    /// SHA-256 of the playbook's text.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    playbook_sha256: &'a str,
    /// The hosts were simulated.
    simulated: bool,
    /// Who asked for it (`user@machine`).
    operator: &'a str,
    /// The ticket, as given.
    reason: Option<&'a str>,
    /// The run that a rollback takes back.
    source_run: Option<&'a RunId>,
    /// SHA-256 of the plan that was carried out.
    plan: Option<&'a str>,
    /// Where it stands.
    state: RunState,
    /// Last link of the hash chain over the run's records.
    chain_head: Option<&'a str>,
    /// Why it stopped early.
    stopped: Option<StopCause>,
    /// The same in a sentence, with the formula of a breached limit.
    stop_text: Option<&'a str>,
    /// What it waits for.
    hold: Option<Hold<'a>>,
    /// Who let which ring pass, in order.
    approvals: Vec<Approved<'a>>,
    /// First start.
    #[schemars(with = "Option<Time>")]
    started: Option<Timestamp>,
    /// End, if it has ended.
    #[schemars(with = "Option<Time>")]
    finished: Option<Timestamp>,
    /// Of the program at the end of the run.
    exit_code: Option<u8>,
    /// Over all hosts.
    totals: Totals,
    /// Hosts that count as wanted and on which a step was left out or a probe proved nothing, rings that proved nothing, and
    /// hosts to which a proxy was written untried; by what and why.
    not_done: Vec<NotDone<'a>>,
    /// In order.
    rings: Vec<Ring<'a>>,
    /// In the order of the inventory.
    hosts: Vec<Host<'a>>,
    /// The run that took this one back at once, or null where there was nothing to take back. Only in the result of
    /// `rehearse --then-rollback`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Box<Run<'a>>>")]
    rollback: Option<Option<Box<Run<'a>>>>,
}

/// What a run waits for.
#[derive(Serialize, JsonSchema)]
struct Hold<'a> {
    /// Why.
    cause: HoldCause,
    /// The ring whose gate it is.
    ring: Option<&'a str>,
    /// It goes on by itself at this moment.
    #[schemars(with = "Option<Time>")]
    until: Option<Timestamp>,
    /// For people.
    text: &'a str,
}

/// A person let a ring pass.
#[derive(Serialize, JsonSchema)]
struct Approved<'a> {
    /// The ring.
    ring: &'a str,
    /// Who (`user@machine`).
    operator: &'a str,
    /// When.
    #[schemars(with = "Time")]
    time: Timestamp,
}

/// What was not done on some hosts that count as wanted.
#[derive(Serialize, JsonSchema)]
struct NotDone<'a> {
    /// `step`: it was left out; `probe`: it proved nothing; `ring`: rings opened the next one with nothing proved on any of
    /// their hosts; `proxy`: it was written and no probe had asked for it before.
    kind: &'static str,
    /// Name of the step or probe; null: no probe was asked, or what the cause names.
    name: Option<&'a str>,
    /// Check of the preflight, condition, or the words of the probe. Remote text in it is untrusted.
    cause: String,
    /// How many hosts.
    hosts: usize,
}

impl<'a> NotDone<'a> {
    fn of(one: crate::not_done::NotDone<'a>) -> Self {
        Self {
            kind: one.what.kind(),
            name: one.what.name(),
            cause: one.cause,
            hosts: one.hosts.len(),
        }
    }
}

/// One ring.
#[derive(Serialize, JsonSchema)]
struct Ring<'a> {
    /// Its name.
    name: &'a str,
    /// How many hosts at once.
    max_parallel: u32,
    /// As written: a count or a percentage; null: no limit.
    #[schemars(with = "Option<String>")]
    max_failed: Option<Limit>,
    /// As `max_failed`.
    #[schemars(with = "Option<String>")]
    max_unreachable: Option<Limit>,
    /// As `max_failed`.
    #[schemars(with = "Option<String>")]
    max_indeterminate: Option<Limit>,
    /// What a breach does.
    on_breach: OnBreach,
    /// What it waits for, in words.
    gates: Vec<String>,
    /// First start.
    #[schemars(with = "Option<Time>")]
    started: Option<Timestamp>,
    /// When its last host ended.
    #[schemars(with = "Option<Time>")]
    finished: Option<Timestamp>,
    /// Over its hosts.
    totals: Totals,
}

/// One host.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Host<'a> {
    /// Its name.
    name: &'a HostName,
    /// Name of its ring.
    ring: &'a str,
    /// How it ended, or what is known so far.
    outcome: Outcome,
    /// The final state differs from the recorded prior state.
    changed: bool,
    /// Cause, as a closed list.
    reason: Option<Reason>,
    /// Cause for people. Remote text in it is untrusted.
    detail: Option<&'a str>,
    /// What to do about it.
    remedy: Option<&'a str>,
    /// The authentication really used.
    auth: Option<&'a str>,
    /// Connections tried.
    attempts: u32,
    /// HTTP requests sent.
    requests: u32,
    /// The gate `prove_undo` took the change back on this host, found it as it had been, and applied it again.
    undo_proved: bool,
    /// What was looked at before the first write, and is worth saying.
    preflight: Vec<Preflight<'a>>,
    /// In the order they were carried out.
    steps: Vec<Step<'a>>,
    /// What had to be green, in the order it was asked.
    probes: Vec<Probe<'a>>,
}

/// One finding of the preflight on one host.
#[derive(Serialize, JsonSchema)]
struct Preflight<'a> {
    /// Name of the check, as a closed list.
    check: Check,
    /// `block`, `warn` or `note`.
    grade: PreflightGrade,
    /// The playbook allows it: it stood in no way.
    allowed: bool,
    /// The step it is about; null: the whole host.
    step: Option<&'a str>,
    /// For people. Remote text in it is untrusted.
    detail: &'a str,
    /// What to do about it.
    remedy: Option<&'a str>,
}

/// One probe on one host.
#[derive(Serialize, JsonSchema)]
struct Probe<'a> {
    /// Its name.
    name: &'a str,
    /// Its kind.
    kind: &'a str,
    /// As whom its programs run: `account` or `system`.
    #[serde(rename = "as")]
    run_as: &'a str,
    /// `pass`, `fail` or `inconclusive`; null where it was not asked, or not to the end.
    grade: Option<&'a str>,
    /// What was found, as a closed list.
    finding: Option<Finding>,
    /// For people. Remote text in it is untrusted.
    detail: Option<&'a str>,
    /// What to do about it.
    remedy: Option<&'a str>,
    /// Each address asked, where the probe asks several.
    targets: &'a [TargetVerdict],
}

/// One step on one host.
#[derive(Serialize, JsonSchema)]
struct Step<'a> {
    /// Its name.
    name: &'a str,
    /// How it ended.
    state: StepState,
    /// Cause of a failure or conflict; the reason of a skip.
    detail: Option<&'a str>,
    /// Its changes.
    changes: Vec<Change<'a>>,
}

/// One value of one step.
#[derive(Serialize, JsonSchema)]
struct Change<'a> {
    /// Key and name, for people.
    target: String,
    /// The key, with its hive.
    key: String,
    /// The name of the value; empty for the default value.
    name: &'a str,
    /// What was wanted there, for people.
    wanted: &'a str,
    /// Found before the first write.
    before: Found,
    /// Found at the end; null where that is not known.
    after: Option<Found>,
}

/// What was found in a place of the registry.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum Found {
    /// The key does not exist.
    KeyAbsent {
        /// For people.
        text: String,
    },
    /// The key exists, the value does not.
    ValueAbsent {
        /// For people.
        text: String,
    },
    /// The value exists.
    Present {
        /// The registry's number of the type.
        #[serde(rename = "type")]
        kind: u32,
        /// Lower-case hex, terminators included; null where no channel can read it exactly.
        #[schemars(regex(pattern = "^([0-9a-f]{2})*$"))]
        bytes: Option<String>,
        /// For people.
        text: String,
    },
}

impl<'a> Run<'a> {
    pub(crate) fn of(record: &'a RunRecord) -> Self {
        Self {
            schema: SCHEMA,
            run: &record.id,
            verb: record.verb,
            playbook: &record.playbook,
            playbook_sha256: &record.digest,
            simulated: record.simulated,
            operator: &record.operator,
            reason: record.reason.as_deref(),
            source_run: record.source_run.as_ref(),
            plan: record.plan_hash.as_deref(),
            state: record.state,
            chain_head: record.chain_head.as_deref(),
            stopped: record.stopped,
            stop_text: record.stop_text.as_deref(),
            hold: record.hold.as_ref().map(Hold::of),
            approvals: record.approvals.iter().map(Approved::of).collect(),
            started: record.started,
            finished: record.finished,
            exit_code: record.exit_code,
            totals: record.totals,
            not_done: not_done(record).into_iter().map(NotDone::of).collect(),
            rings: record.rings.iter().map(Ring::of).collect(),
            hosts: record.hosts.iter().map(Host::of).collect(),
            rollback: None,
        }
    }

    /// With the run that took it back, if there was something to take back.
    pub(crate) fn taken_back_by(mut self, rollback: Option<&'a RunRecord>) -> Self {
        self.rollback = Some(rollback.map(|record| Box::new(Self::of(record))));
        self
    }
}

impl<'a> Hold<'a> {
    fn of(hold: &'a HoldRecord) -> Self {
        Self {
            cause: hold.cause,
            ring: hold.ring.as_deref(),
            until: hold.until,
            text: &hold.text,
        }
    }
}

impl<'a> Approved<'a> {
    fn of(approval: &'a Approval) -> Self {
        Self {
            ring: &approval.ring,
            operator: &approval.operator,
            time: approval.time,
        }
    }
}

impl<'a> Ring<'a> {
    fn of(ring: &'a RingRecord) -> Self {
        Self {
            name: &ring.name,
            max_parallel: ring.max_parallel,
            max_failed: ring.limits.max_failed,
            max_unreachable: ring.limits.max_unreachable,
            max_indeterminate: ring.limits.max_indeterminate,
            on_breach: ring.on_breach,
            gates: ring.gates.words(),
            started: ring.started,
            finished: ring.finished,
            totals: ring.totals,
        }
    }
}

impl<'a> Host<'a> {
    pub(crate) fn of(host: &'a HostRecord) -> Self {
        Self {
            name: &host.name,
            ring: &host.ring,
            outcome: host.outcome,
            changed: host.changed,
            reason: host.reason,
            detail: host.detail.as_deref(),
            remedy: host.remedy.as_deref(),
            auth: host.auth.as_deref(),
            attempts: host.attempts,
            requests: host.cost.requests,
            undo_proved: host.undo_proved,
            preflight: host.preflight.iter().map(Preflight::of).collect(),
            steps: host.steps.iter().map(Step::of).collect(),
            probes: host.probes.iter().map(Probe::of).collect(),
        }
    }
}

impl<'a> Preflight<'a> {
    fn of(finding: &'a PreflightFinding) -> Self {
        Self {
            check: finding.check,
            grade: finding.grade,
            allowed: finding.allowed,
            step: finding.step.as_deref(),
            detail: &finding.detail,
            remedy: preflight::remedy(finding),
        }
    }
}

impl<'a> Probe<'a> {
    fn of(probe: &'a ProbeRecord) -> Self {
        let found = probe.verdict.as_ref();
        Self {
            name: &probe.probe.name,
            kind: probe.probe.probe.kind(),
            run_as: probe.probe.run_as.as_str(),
            grade: found.map(|found| found.grade().as_str()),
            finding: found.map(|found| found.finding),
            detail: found.map(|found| found.detail.as_str()),
            remedy: found.and_then(|found| found.finding.remedy()),
            targets: found.map_or(&[], |found| &found.targets),
        }
    }
}

impl<'a> Step<'a> {
    fn of(step: &'a StepRecord) -> Self {
        Self {
            name: &step.name,
            state: step.state,
            detail: step.detail.as_deref(),
            changes: step.changes.iter().map(Change::of).collect(),
        }
    }
}

impl<'a> Change<'a> {
    fn of(change: &'a ChangeRecord) -> Self {
        let target = &change.target;
        Self {
            target: target.to_string(),
            key: target.key.to_string(),
            name: &target.value,
            wanted: &change.wanted,
            before: Found::of(target, &change.before),
            after: change.after.as_ref().map(|after| Found::of(target, after)),
        }
    }
}

impl Found {
    pub(crate) fn of(target: &Target, observed: &Observed) -> Self {
        let text = value::text(target, observed);
        match observed {
            Observed::KeyAbsent { .. } => Self::KeyAbsent { text },
            Observed::ValueAbsent => Self::ValueAbsent { text },
            Observed::Present(value) => Self::Present {
                kind: value.kind,
                bytes: value.shown_bytes(),
                text,
            },
            Observed::Opaque { kind, .. } => Self::Present {
                kind: *kind,
                bytes: None,
                text,
            },
        }
    }
}
