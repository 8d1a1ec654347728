//! The words in which a run, a host and a step end (product contract, section 5).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a host ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every step was read back as wanted.
    Ok,
    /// An explicit refusal, by the host or by us.
    Failed,
    /// No contact before the first write was sent.
    Unreachable,
    /// Contact lost after a write was sent, and not settled by reading the host again.
    Indeterminate,
    /// Never attempted, or given up before the first write because the run stopped.
    NotStarted,
    /// Every value of this host that the run had changed is back as it was.
    RolledBack,
    /// A rollback found values that somebody else changed since, and left them.
    Conflict,
}

impl Outcome {
    /// All outcomes, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::RolledBack,
        Self::Conflict,
        Self::Failed,
        Self::Unreachable,
        Self::Indeterminate,
        Self::NotStarted,
    ];

    /// The word in reports, as serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Indeterminate => "indeterminate",
            Self::NotStarted => "not_started",
            Self::RolledBack => "rolled_back",
            Self::Conflict => "conflict",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a step ended on one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Something differs from the recorded prior state, and was read back as wanted.
    Changed,
    /// Everything was as wanted before the run.
    Already,
    /// Its `when` was false on this host.
    Skipped,
    /// Refused, or read back as something else. Earlier changes of the same step were taken back.
    Failed,
    /// A write was sent, or may have been, and its effect was not read.
    Unknown,
    /// Not reached.
    NotRun,
    /// Taken back.
    Restored,
    /// Not taken back, because somebody else changed a value since.
    Conflict,
}

impl StepState {
    /// The word in reports, as serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Already => "already",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotRun => "not_run",
            Self::Restored => "restored",
            Self::Conflict => "conflict",
        }
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Recorded, not begun.
    Pending,
    /// Under way.
    Running,
    /// Stopped by a limit with `on_breach: pause`; can be resumed.
    Paused,
    /// Interrupted by the operator, or its controller is gone; can be resumed.
    Interrupted,
    /// Taking hosts back after a breach.
    RollingBack,
    /// Ended, every host as wanted.
    Succeeded,
    /// Ended with hosts that are not as wanted.
    Failed,
    /// Ended by an operator for good.
    Cancelled,
    /// An undo did not succeed: a person is needed.
    Stuck,
}

impl RunState {
    /// True where nothing more happens without somebody asking for it.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Stuck
        )
    }

    /// The word in reports, as serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Interrupted => "interrupted",
            Self::RollingBack => "rolling_back",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Stuck => "stuck",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a run stopped starting hosts before all were done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// A limit was breached.
    Limit,
    /// The run's deadline passed.
    Deadline,
    /// The credential guard let no further logon out.
    Guard,
    /// The operator stopped it; it can be resumed.
    Operator,
    /// An operator paused it from another terminal; it goes on at a word.
    Pause,
    /// An operator ended it for good.
    Abort,
}

impl StopCause {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Limit => "a limit was breached",
            Self::Deadline => "the deadline of the run passed",
            Self::Guard => "the credential guard tripped",
            Self::Operator => "the operator stopped it",
            Self::Pause => "paused",
            Self::Abort => "aborted",
        }
    }
}

/// Why a run waits, with nothing in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldCause {
    /// A ring soaks; goes on by itself.
    Soak,
    /// A ring waits for a person to approve.
    Approval,
    /// The window of the next ring is closed.
    Window,
    /// A limit was breached with `on_breach: pause`.
    Limit,
    /// An operator paused it.
    Operator,
}

impl HoldCause {
    /// The word in reports, as serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Soak => "soak",
            Self::Approval => "approval",
            Self::Window => "window",
            Self::Limit => "limit",
            Self::Operator => "operator",
        }
    }
}

/// Number of hosts by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// All hosts of the scope.
    pub hosts: u32,
    /// Hosts whose final state differs from the recorded prior state, whatever the outcome.
    pub changed: u32,
    /// See [`Outcome::Ok`].
    pub ok: u32,
    /// See [`Outcome::Failed`].
    pub failed: u32,
    /// See [`Outcome::Unreachable`].
    pub unreachable: u32,
    /// See [`Outcome::Indeterminate`].
    pub indeterminate: u32,
    /// See [`Outcome::NotStarted`].
    pub not_started: u32,
    /// See [`Outcome::RolledBack`].
    pub rolled_back: u32,
    /// See [`Outcome::Conflict`].
    pub conflict: u32,
}

impl Totals {
    /// The count of one outcome.
    pub fn of(&self, outcome: Outcome) -> u32 {
        match outcome {
            Outcome::Ok => self.ok,
            Outcome::Failed => self.failed,
            Outcome::Unreachable => self.unreachable,
            Outcome::Indeterminate => self.indeterminate,
            Outcome::NotStarted => self.not_started,
            Outcome::RolledBack => self.rolled_back,
            Outcome::Conflict => self.conflict,
        }
    }

    /// Counts one host.
    pub fn add(&mut self, outcome: Outcome, changed: bool) {
        self.hosts += 1;
        self.changed += u32::from(changed);
        *self.slot(outcome) += 1;
    }

    pub(crate) fn slot(&mut self, outcome: Outcome) -> &mut u32 {
        match outcome {
            Outcome::Ok => &mut self.ok,
            Outcome::Failed => &mut self.failed,
            Outcome::Unreachable => &mut self.unreachable,
            Outcome::Indeterminate => &mut self.indeterminate,
            Outcome::NotStarted => &mut self.not_started,
            Outcome::RolledBack => &mut self.rolled_back,
            Outcome::Conflict => &mut self.conflict,
        }
    }
}
