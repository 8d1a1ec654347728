//! What happens in a run, as the journal keeps it and the reporters receive it.
//!
//! Every event is durable in the journal before a reporter sees it. The serialised form here is that of
//! `--events FILE`; the journal's own form is in `journal/disk.rs`.

use inventory::HostName;
use jiff::Timestamp;
use playbooks::{Change, HostProbe, Observed, OnBreach, PreflightFinding, Target, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fleet::{Cost, HostIdentity, Reason, Standing, SystemTask, Undo};
use crate::outcome::{HoldCause, Outcome, RunState, StepState, StopCause};
use crate::schema::Time;
use crate::spec::Verb;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// From 1, without gaps, in the order of the journal.
    pub seq: u64,
    /// The controller's clock.
    #[schemars(with = "Time")]
    pub time: Timestamp,
    /// The host it is about; `None` for the run itself.
    pub host: Option<HostName>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The run begins.
    RunStarted {
        /// Kind of run.
        verb: Verb,
        /// Hosts in it.
        hosts: u32,
    },
    /// The run goes on after an interruption, a pause or a crash.
    RunResumed {
        /// Hosts with one of these outcomes are done again; empty for a plain resume.
        only: Vec<Outcome>,
        /// Of those, only the hosts with these indices: a catch-up takes up what answers.
        hosts: Option<Vec<u32>>,
        /// Who took it up again (`user@machine`).
        operator: Option<String>,
    },
    /// Nothing is in flight, and the run waits.
    RunHeld {
        /// For what.
        cause: HoldCause,
        /// The ring whose gate it is.
        ring: Option<u32>,
        /// It goes on by itself at this moment.
        #[schemars(with = "Option<Time>")]
        until: Option<Timestamp>,
        /// For people.
        detail: String,
    },
    /// What the run waited for has come.
    RunReleased {
        /// What.
        cause: HoldCause,
    },
    /// A person lets the rings after this one start.
    RingApproved {
        /// Index.
        ring: u32,
        /// Its name.
        name: String,
        /// Who (`user@machine`).
        operator: String,
    },
    /// The first host of a ring is about to start.
    RingStarted {
        /// Index.
        ring: u32,
        /// Its name.
        name: String,
        /// Hosts in it.
        hosts: u32,
        /// How many at once.
        max_parallel: u32,
    },
    /// A host is about to be contacted.
    HostStarted,
    /// The host answered and is who it should be.
    HostIdentified {
        /// Who answered.
        identity: HostIdentity,
    },
    /// Contact was lost and is sought again.
    HostRetry {
        /// 2 for the second connection.
        attempt: u32,
        /// Why the last one ended.
        reason: Reason,
        /// For people.
        detail: String,
    },
    /// What the preflight found on this host. Comes before the first write, and only where there is something to say.
    PreflightFound {
        /// In the order of the steps.
        findings: Vec<PreflightFinding>,
    },
    /// What will have to be green on this host. Comes before the first write, so that whoever takes the run up later
    /// asks the same.
    ProbesPlanned {
        /// In the order of the playbook.
        probes: Vec<HostProbe>,
        /// The host's own clock, for probes that ask what happened since.
        #[schemars(with = "Option<Time>")]
        since: Option<Timestamp>,
    },
    /// A probe came to a verdict.
    ProbeFinished {
        /// Index into the probes of [`EventKind::ProbesPlanned`].
        probe: u32,
        /// What it found.
        verdict: Verdict,
    },
    /// Something is about to be left on the host for a moment. Durable before it is.
    TraceLeft {
        /// What.
        trace: Trace,
    },
    /// It is gone again.
    TraceGone {
        /// What.
        trace: Trace,
    },
    /// A marker of another controller had expired and was taken away.
    MarkerTakenOver {
        /// Whose, and until when it held. Remote text.
        detail: String,
    },
    /// The intent: all that may be written from now on, with what was there before. Durable before the first
    /// write (promise 1).
    PriorRecorded {
        /// In the order of the playbook.
        steps: Vec<PlannedStep>,
    },
    /// The changes of a step are about to be written.
    StepStarted {
        /// Index into the steps of [`EventKind::PriorRecorded`].
        step: u32,
    },
    /// The other store of WinHTTP, as it was right before netsh wrote the one that the step is about. It is not changed.
    /// Comes only from a Windows that has it.
    AdvproxySeen {
        /// Index into the steps of [`EventKind::PriorRecorded`].
        step: u32,
        /// The JSON that `netsh winhttp show advproxy` printed. Remote text.
        document: String,
        /// Whether it disagrees with what is written; `None` where the playbook leaves that check out.
        finding: Option<PreflightFinding>,
    },
    /// A step ended.
    StepFinished {
        /// Index into the steps of [`EventKind::PriorRecorded`].
        step: u32,
        /// How.
        state: StepState,
        /// Cause of a failure or conflict.
        detail: Option<String>,
        /// What was read back, per change of the step; `None` where it was not written or could not be read.
        after: Vec<Option<Observed>>,
    },
    /// What was applied on this host was taken back and compared with the prior state; it is applied again now.
    UndoProved,
    /// A host of this run is taken back because of a breach.
    UndoStarted,
    /// A host is done. May come a second time: after a resume with `--only`, or when it was taken back.
    HostFinished {
        /// How.
        outcome: Outcome,
        /// The final state differs from the recorded prior state.
        changed: bool,
        /// Cause, where the outcome is not good.
        reason: Option<Reason>,
        /// Cause for people. Remote text in it is untrusted.
        detail: Option<String>,
        /// What to do about it.
        remedy: Option<String>,
        /// Connections tried.
        attempts: u32,
        /// What it cost.
        cost: Cost,
    },
    /// A limit was breached. No host is started after this.
    LimitBreached {
        /// Name of the ring; `None` for a run-wide limit.
        ring: Option<String>,
        /// Which outcome was counted.
        outcome: Outcome,
        /// The limit as written, e.g. `2%`.
        limit: String,
        /// Hosts with that outcome.
        count: u32,
        /// Hosts of the scope.
        hosts: u32,
        /// `floor(percent x hosts)`.
        allowed: u64,
        /// What follows from it.
        action: OnBreach,
        /// All of it in a sentence.
        text: String,
    },
    /// No host is started after this.
    StopRequested {
        /// Why (never [`StopCause::Limit`], which is [`EventKind::LimitBreached`]).
        cause: StopCause,
        /// For people.
        detail: String,
    },
    /// The credential guard lets no further logon out. No host is started after this.
    GuardTripped {
        /// The account and why; no secret.
        detail: String,
    },
    /// Hosts are taken back because of a breach.
    RollbackStarted {
        /// Index of the ring; `None` for the whole run.
        ring: Option<u32>,
        /// How many hosts.
        hosts: u32,
    },
    /// Every host of the ring has ended.
    RingFinished {
        /// Index.
        ring: u32,
        /// Its name.
        name: String,
    },
    /// Nothing more happens in this run, unless it is resumed.
    RunFinished {
        /// How.
        state: RunState,
        /// The exit code of the program.
        exit_code: u8,
    },
    /// A kind of event that a newer program wrote. Kept, shown raw, and of no effect on the state.
    Unknown {
        /// Its name.
        kind: String,
        /// Its data as stored.
        data: String,
    },
}

impl EventKind {
    /// The word in the journal and in `--events`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run_started",
            Self::RunResumed { .. } => "run_resumed",
            Self::RunHeld { .. } => "run_held",
            Self::RunReleased { .. } => "run_released",
            Self::RingApproved { .. } => "ring_approved",
            Self::RingStarted { .. } => "ring_started",
            Self::HostStarted => "host_started",
            Self::HostIdentified { .. } => "host_identified",
            Self::HostRetry { .. } => "host_retry",
            Self::PreflightFound { .. } => "preflight_found",
            Self::ProbesPlanned { .. } => "probes_planned",
            Self::ProbeFinished { .. } => "probe_finished",
            Self::TraceLeft { .. } => "trace_left",
            Self::TraceGone { .. } => "trace_gone",
            Self::MarkerTakenOver { .. } => "marker_taken_over",
            Self::PriorRecorded { .. } => "prior_recorded",
            Self::StepStarted { .. } => "step_started",
            Self::AdvproxySeen { .. } => "advproxy_seen",
            Self::StepFinished { .. } => "step_finished",
            Self::UndoProved => "undo_proved",
            Self::UndoStarted => "undo_started",
            Self::HostFinished { .. } => "host_finished",
            Self::LimitBreached { .. } => "limit_breached",
            Self::StopRequested { .. } => "stop_requested",
            Self::GuardTripped { .. } => "guard_tripped",
            Self::RollbackStarted { .. } => "rollback_started",
            Self::RingFinished { .. } => "ring_finished",
            Self::RunFinished { .. } => "run_finished",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// Something that a run leaves on a host for a moment, and removes in every exit path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "trace", rename_all = "snake_case")]
pub enum Trace {
    /// The registry value that keeps other controllers away.
    Marker {
        /// Where.
        target: Target,
        /// What stands in it.
        text: String,
    },
    /// The task of a probe that runs as LocalSystem, and its result.
    SystemTask(SystemTask),
}

/// A step as it will be carried out on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedStep {
    /// The step's name.
    pub name: String,
    /// The reason, where its `when` was false on this host; no changes then.
    pub skipped: Option<String>,
    /// In the order they are written.
    pub changes: Vec<PlannedChange>,
    /// What the preflight found, in a plan; a run keeps it as [`EventKind::PreflightFound`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preflight: Vec<PreflightFinding>,
}

/// One change with what was there before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedChange {
    /// Where, and what is wanted. In a rollback: what is put back.
    #[serde(flatten)]
    pub intent: Intent,
    /// Found before the first write.
    pub prior: Observed,
}

impl PlannedChange {
    /// Where.
    pub fn target(&self) -> &Target {
        match &self.intent {
            Intent::Apply(change) => &change.target,
            Intent::Undo(undo) => &undo.target,
        }
    }

    /// Whether something has to be written where `prior` is what is there. A pure function, so that an undisturbed
    /// run and a resumed one agree.
    pub fn needed(&self) -> bool {
        match &self.intent {
            Intent::Apply(change) => !change.desired.satisfied_at(&change.target, &self.prior),
            // A restore of what is there already may still have empty keys to remove.
            Intent::Undo(undo) => {
                undo.judge(&self.prior) != Standing::Prior || undo.created_from().is_some()
            }
        }
    }

    /// What a rollback would leave alone here, because somebody else changed it since: the three values in words.
    pub fn foreign(&self) -> Option<String> {
        match &self.intent {
            Intent::Undo(undo) if !undo.force && undo.judge(&self.prior) == Standing::Foreign => {
                Some(undo.conflict_text(&self.prior))
            }
            _ => None,
        }
    }

    /// Whether this state is the wanted one.
    pub(crate) fn is_there(&self, found: &Observed) -> bool {
        match &self.intent {
            Intent::Apply(change) => change.desired.satisfied_at(&change.target, found),
            Intent::Undo(undo) => found.same_content(&undo.prior),
        }
    }

    /// What is wanted, for people.
    pub fn wanted(&self) -> String {
        match &self.intent {
            Intent::Apply(change) => change.desired.text(),
            Intent::Undo(undo) => match &undo.prior {
                Observed::Present(value) => value.text(),
                _ => "absent".to_owned(),
            },
        }
    }
}

/// What one write is to achieve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "intent", rename_all = "snake_case")]
pub enum Intent {
    /// Bring the target into the wanted state.
    Apply(Change),
    /// Bring the target back to what it was before another run.
    Undo(Undo),
}
