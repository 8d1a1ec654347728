//! A run as the reports show it: a pure function of what the journal holds.

use inventory::HostName;
use jiff::Timestamp;
use playbooks::{Gates, HostProbe, Limits, Observed, OnBreach, PreflightFinding, Target, Verdict};

use crate::fleet::{Cost, Reason};
use crate::outcome::{HoldCause, Outcome, RunState, StepState, StopCause, Totals};
use crate::spec::{RunId, Verb};

/// One run, complete.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// Kind of run.
    pub verb: Verb,
    /// Hosts were simulated.
    pub simulated: bool,
    /// Who asked for it.
    pub operator: String,
    /// `--reason`.
    pub reason: Option<String>,
    /// Name inside the playbook.
    pub playbook: String,
    /// SHA-256 of the playbook's text, lower-case hex.
    pub digest: String,
    /// Probes that the playbook declares, whatever their conditions. 0 also where this version does not read its text.
    pub declared_probes: u32,
    /// What would make a proxy be asked for before the first write, in the words of the playbook.
    pub candidate_remedy: Option<String>,
    /// The run that a rollback takes back.
    pub source_run: Option<RunId>,
    /// SHA-256 of the plan file that was carried out, lower-case hex.
    pub plan_hash: Option<String>,
    /// First start.
    pub started: Option<Timestamp>,
    /// End, if it has ended.
    pub finished: Option<Timestamp>,
    /// Where it stands. [`RunState::Interrupted`] also where it was running and nobody holds it.
    pub state: RunState,
    /// Why it stopped early, if it did.
    pub stopped: Option<StopCause>,
    /// As recorded at its end.
    pub exit_code: Option<u8>,
    /// True where hosts were taken back because of a breach.
    pub rolled_back: bool,
    /// The breach in a sentence (limit formula included), the guard's words, or who stopped it.
    pub stop_text: Option<String>,
    /// What the run waits for.
    pub hold: Option<HoldRecord>,
    /// Who let which ring pass, in order.
    pub approvals: Vec<Approval>,
    /// Last link of the chain over the run's records, lower-case hex (`journal/chain.rs`).
    pub chain_head: Option<String>,
    /// Run-wide limits.
    pub limits: Limits,
    /// In order.
    pub rings: Vec<RingRecord>,
    /// In the order of the inventory.
    pub hosts: Vec<HostRecord>,
    /// Over all hosts.
    pub totals: Totals,
}

/// What a run waits for, with nothing in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRecord {
    /// Why.
    pub cause: HoldCause,
    /// The ring whose gate it is.
    pub ring: Option<String>,
    /// It goes on by itself at this moment.
    pub until: Option<Timestamp>,
    /// For people.
    pub text: String,
}

/// A person let a ring pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The ring.
    pub ring: String,
    /// Who (`user@machine`).
    pub operator: String,
    /// When.
    pub time: Timestamp,
}

/// One ring of a [`RunRecord`].
#[derive(Clone, Debug, PartialEq)]
pub struct RingRecord {
    /// Its name.
    pub name: String,
    /// How many hosts at once.
    pub max_parallel: u32,
    /// Its limits.
    pub limits: Limits,
    /// What a breach does.
    pub on_breach: OnBreach,
    /// What it waits for.
    pub gates: Gates,
    /// First start.
    pub started: Option<Timestamp>,
    /// When its last host ended.
    pub finished: Option<Timestamp>,
    /// Over its hosts.
    pub totals: Totals,
}

/// One host of a [`RunRecord`].
#[derive(Clone, Debug, PartialEq)]
pub struct HostRecord {
    /// Its name.
    pub name: HostName,
    /// Name of its ring.
    pub ring: String,
    /// How it ended. A host without an end is `not_started`, or `indeterminate` once its prior state is recorded.
    pub outcome: Outcome,
    /// True where the host has ended (as opposed to an outcome derived from what is known so far).
    pub settled: bool,
    /// The final state differs from the recorded prior state.
    pub changed: bool,
    /// Cause.
    pub reason: Option<Reason>,
    /// Cause for people. Remote text in it is untrusted.
    pub detail: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// The authentication really used.
    pub auth: Option<String>,
    /// The machine's own id, compared on resume and rollback.
    pub machine_guid: Option<String>,
    /// Connections tried.
    pub attempts: u32,
    /// What it cost.
    pub cost: Cost,
    /// The undo was tried out, and left the host as it had been (gate `prove_undo`).
    pub undo_proved: bool,
    /// What the preflight found.
    pub preflight: Vec<PreflightFinding>,
    /// In the order they were carried out; empty where the host was never read.
    pub steps: Vec<StepRecord>,
    /// In the order they were asked.
    pub probes: Vec<ProbeRecord>,
}

/// One probe of a [`HostRecord`].
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeRecord {
    /// What is asked, under which name.
    pub probe: HostProbe,
    /// What it found; `None` where it was not asked, or not to the end.
    pub verdict: Option<Verdict>,
}

/// One step of a [`HostRecord`].
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub state: StepState,
    /// Cause of a failure or conflict; the reason of a skip.
    pub detail: Option<String>,
    /// Its changes.
    pub changes: Vec<ChangeRecord>,
}

/// One change of a [`StepRecord`].
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeRecord {
    /// Where.
    pub target: Target,
    /// What was wanted there, for people.
    pub wanted: String,
    /// Found before the first write.
    pub before: Observed,
    /// Found at the end; `None` where that is not known.
    pub after: Option<Observed>,
}

/// One line of `runs`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// Its id.
    pub id: RunId,
    /// Kind of run.
    pub verb: Verb,
    /// Hosts were simulated.
    pub simulated: bool,
    /// Who asked for it.
    pub operator: String,
    /// `--reason`.
    pub reason: Option<String>,
    /// Name inside the playbook.
    pub playbook: String,
    /// The run that a rollback takes back.
    pub source_run: Option<RunId>,
    /// First start.
    pub started: Option<Timestamp>,
    /// End, if it has ended.
    pub finished: Option<Timestamp>,
    /// Where it stands.
    pub state: RunState,
    /// As recorded at its end.
    pub exit_code: Option<u8>,
    /// Over all hosts.
    pub totals: Totals,
}
