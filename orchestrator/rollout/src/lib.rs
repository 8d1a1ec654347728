//! The rollout: plan, policy, engine and journal. Knows no network and no terminal.
//!
//! Nothing reaches a host but through [`Fleet`]; nothing reaches a person but through an [`Event`].
//!
//! A run, from the caller's side:
//! 1. build a [`RunSpec`] (rings by `assign_rings`; a rollback by `rollback_spec`),
//! 2. `Journal::open`, then `Journal::create_run(spec)` or `Journal::resume_run(id, ..)`: an `ActiveRun` that holds
//!    the run's lock,
//! 3. `engine::run(active, fleet, events, control)`: a `RunResult` with state and exit code,
//! 4. `Journal::run(id)`: the [`RunRecord`] that reports are made of.
//!
//! Start reading at `spec.rs` and `event.rs`, then `state.rs` (what is decided), `engine.rs` and `host.rs` (what is
//! carried out), `journal/` (what is kept).

mod ask_facts;
mod engine;
pub mod event;
pub mod exit;
mod fleet;
mod history;
mod host;
pub mod journal;
mod outcome;
mod plan;
mod plan_file;
mod preflight;
mod prior;
mod progress;
mod reason;
mod record;
mod record_fold;
pub mod schema;
mod spec;
pub mod state;
mod survey;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod undo;

pub use ask_facts::AskFacts;
pub use engine::{Control, EngineError, RunResult, run};
pub use event::{Event, EventKind, Intent, PlannedChange, PlannedStep, Trace};
pub use exit::{Ending, exit_code};
pub use fleet::{
    Cost, Fleet, HostError, HostIdentity, Observe, Reason, Restored, Session, Severity, Standing,
    Survey, SystemTask, Undo,
};
pub use host::as_system::TASK_TREE;
pub use host::marker::{MARKER_KEY, Mark};
pub use journal::{
    ActiveRun, Clock, Holder, Journal, JournalError, JournalOptions, OpenMode, OrderId,
    ResumeOptions, TransferError, Verdict, verify_export,
};
pub use outcome::{HoldCause, Outcome, RunState, StepState, StopCause, Totals};
pub use plan::{AssignError, assign_rings, ring_plans};
pub use plan_file::{Found, MAX_PLAN_BYTES, PlanFile, PlanFileError, read_plan, render_plan};
pub use preflight::preflight_refusal;
pub use prior::{found, not_restorable, prior_digest};
pub use progress::{GateProgress, Hold, HostId, HostProgress, IllegalEvent, Phase, Progress};
pub use record::{
    Approval, ChangeRecord, HoldRecord, HostRecord, ProbeRecord, RingRecord, RunRecord, RunSummary,
    StepRecord,
};
pub use spec::{
    HostSpec, HostWork, Planned, PlaybookRecord, RingPlan, RunId, RunSpec, UndoStep, Variables,
    Verb,
};
pub use survey::{
    Left, LeftValue, Leftovers, Question, Reading, StillThere, WouldWrite, conflicts, survey,
};
pub use undo::{RollbackError, RollbackOptions, rollback_spec};
