//! The policy of a run as a plain function: which host starts when, when to stop, what a breach leads to.
//!
//! No clock, no task, no journal: inputs come in, effects go out, `engine.rs` carries them out. Rings go in order;
//! the limits of the ring and of the run are judged at every host that ends, while others are in flight. This file
//! has the inputs, the effects and the end of a run; `state/start.rs` who starts next, `state/gates.rs` what a ring
//! waits for, `state/limits.rs` breaches, `state/undo.rs` what is taken back, `state/order.rs` the operator's words.

mod gates;
mod limits;
mod order;
mod start;
mod undo;

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use playbooks::{Limits, OnBreach};

pub use order::{Command, Order};

use crate::event::EventKind;
use crate::exit::{Ending, exit_code};
use crate::outcome::{Outcome, RunState, StopCause};
use crate::progress::{HostId, IllegalEvent, Phase, Progress};
use crate::spec::{RingPlan, RunSpec, Verb};
use start::GroupCaps;

/// What the policy is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// The engine is ready. Exactly once, first.
    Begin,
    /// A host ended.
    Host(HostId, HostEnd),
    /// A host's task was cancelled: the host is left without an end, for a resume.
    GivenUp(HostId),
    /// No further host is to be started: the operator's word, or a failure of the controller.
    Stop(StopCause, String),
    /// Somebody steers the run from another terminal.
    Operator(Order),
    /// Time passed; sent when an asked-for [`Effect::Wake`] is due, and now and then besides.
    Tick,
}

/// The present moment on both clocks: one that never jumps for delays, civil time for what a crash must survive.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For the deadline of the run.
    pub instant: Instant,
    /// For soaks and windows.
    pub time: Timestamp,
}

/// How a host ended.
#[derive(Clone, Debug)]
pub struct HostEnd {
    /// Always [`EventKind::HostFinished`].
    pub finished: EventKind,
    /// `Some(account)` where the credential guard let no logon out.
    pub guarded: Option<String>,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write to the journal, then show. All records of one list are one commit.
    Record(Option<HostId>, EventKind),
    /// Begin, or go on with, a host.
    Start(HostId),
    /// Take a host back.
    Undo(HostId),
    /// Send [`Input::Tick`] after so long; replaces an earlier one.
    Wake(Duration),
    /// Answer to [`Input::Operator`]: done, or why not.
    Answer(Result<String, String>),
    /// The run is over, or waits for somebody else to go on with it; nothing is in flight.
    Finish(RunState),
}

/// Who took the run over, and what is done again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Hosts with one of these outcomes; empty for a plain resume.
    pub only: Vec<Outcome>,
    /// Of those, only the hosts with these indices.
    pub hosts: Option<Vec<u32>>,
    /// `user@machine`.
    pub operator: Option<String>,
}

/// The policy and its state.
// INVARIANT: in every returned list, `Start` and `Undo` come after the `Record` that announces them.
// INVARIANT: at most `max_parallel` of the ring are in flight; none is started once `progress.stop` is set.
// INVARIANT: a host that was not in flight before starts only while its ring's window is open and the gates of all
// earlier rings are behind it.
#[derive(Debug)]
pub struct Rollout {
    verb: Verb,
    rings: Vec<RingPlan>,
    limits: Limits,
    on_breach: OnBreach,
    deadline: Option<Duration>,
    deadline_at: Option<Instant>,
    progress: Progress,
    /// `Some` for a run that is taken over.
    resumed: Option<Resumed>,
    /// A paused run waits for a word instead of ending.
    attended: bool,
    /// Per ring: hosts to start; those that were in flight when the controller died come first.
    waiting: Vec<VecDeque<HostId>>,
    /// The ring under way, once its start is recorded.
    announced: Option<usize>,
    in_flight: BTreeSet<HostId>,
    groups: GroupCaps,
    undoing: Option<VecDeque<HostId>>,
    finished: bool,
}

impl Rollout {
    /// A policy that goes on from `progress`; for a new run [`Progress::new`] and nothing resumed. `attended`: a
    /// person is there, so that a pause waits for a word.
    pub fn new(
        spec: &RunSpec,
        progress: Progress,
        resumed: Option<Resumed>,
        attended: bool,
    ) -> Self {
        Self {
            verb: spec.verb,
            rings: spec.rings.clone(),
            limits: spec.limits,
            on_breach: spec.on_breach,
            deadline: spec.deadline,
            deadline_at: None,
            progress,
            resumed,
            attended,
            waiting: Vec::new(),
            announced: None,
            in_flight: BTreeSet::new(),
            groups: GroupCaps::new(spec),
            undoing: None,
            finished: false,
        }
    }

    /// Where the run stands.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Takes note of an event that a host reported on its way.
    pub fn note(&mut self, host: HostId, event: &EventKind) -> Result<(), IllegalEvent> {
        self.progress.apply(Some(host), event)
    }

    /// Decides. An error is a defect of this program; nothing has been decided then.
    pub fn handle(&mut self, input: Input, now: Now) -> Result<Vec<Effect>, IllegalEvent> {
        let mut effects = Vec::new();
        match input {
            Input::Begin => self.begin(now, &mut effects)?,
            Input::Host(id, end) => self.host_ended(id, end, &mut effects)?,
            Input::GivenUp(id) => self.landed(id),
            Input::Stop(cause, detail) => self.stop(cause, detail, &mut effects)?,
            Input::Operator(order) => self.obey(order, &mut effects)?,
            Input::Tick => {}
        }
        self.advance(now, &mut effects)?;
        self.wake(now, &mut effects);
        Ok(effects)
    }

    fn begin(&mut self, now: Now, effects: &mut Vec<Effect>) -> Result<(), IllegalEvent> {
        if self.progress.state == RunState::Pending {
            let hosts = u32::try_from(self.progress.hosts.len()).unwrap_or(u32::MAX);
            self.record(
                None,
                EventKind::RunStarted {
                    verb: self.verb,
                    hosts,
                },
                effects,
            )?;
        }
        if let Some(Resumed {
            only,
            hosts,
            operator,
        }) = self.resumed.take()
        {
            self.record(
                None,
                EventKind::RunResumed {
                    only,
                    hosts,
                    operator,
                },
                effects,
            )?;
        }
        self.deadline_at = self
            .deadline
            .and_then(|after| now.instant.checked_add(after));
        self.fill_waiting();
        if self.progress.stop.is_some() {
            self.drop_waiting();
        }
        if self.progress.state == RunState::RollingBack {
            self.undoing = Some(self.hosts_to_undo(self.progress.rollback.flatten()));
        }
        Ok(())
    }

    fn host_ended(
        &mut self,
        id: HostId,
        end: HostEnd,
        effects: &mut Vec<Effect>,
    ) -> Result<(), IllegalEvent> {
        self.landed(id);
        let (outcome, reason) = match &end.finished {
            EventKind::HostFinished {
                outcome, reason, ..
            } => (*outcome, *reason),
            _ => (Outcome::Indeterminate, None),
        };
        // No logon is left: what the host has to be brought to is owed to it, and left to a resume.
        let phase = self.progress.hosts[id.index()].phase;
        let owed = end.guarded.is_some() && matches!(phase, Phase::Recorded | Phase::Undoing);
        if !owed {
            self.record(Some(id), end.finished, effects)?;
        }
        if let Some(detail) = end.guarded {
            if outranks(StopCause::Guard, self.progress.stop) {
                self.record(None, EventKind::GuardTripped { detail }, effects)?;
                self.drop_waiting();
            }
            if let Some(queue) = &mut self.undoing {
                queue.clear();
            }
        }
        if owed {
            return Ok(());
        }
        if self.undoing.is_none() {
            self.judge(id, (outcome, reason), effects)?;
        }
        Ok(())
    }

    fn landed(&mut self, id: HostId) {
        if self.in_flight.remove(&id) {
            self.groups.leave(id);
        }
    }

    fn stop(
        &mut self,
        cause: StopCause,
        detail: String,
        effects: &mut Vec<Effect>,
    ) -> Result<(), IllegalEvent> {
        if !self.finished && outranks(cause, self.progress.stop) {
            self.record(None, EventKind::StopRequested { cause, detail }, effects)?;
            self.drop_waiting();
            // The operator's word ends a rollback as well; a deadline does not.
            let ends_undo = matches!(cause, StopCause::Operator | StopCause::Abort);
            if let (true, Some(queue)) = (ends_undo, &mut self.undoing) {
                queue.clear();
            }
        }
        Ok(())
    }

    /// Starts what may be started, and ends what is at its end.
    fn advance(&mut self, now: Now, effects: &mut Vec<Effect>) -> Result<(), IllegalEvent> {
        if self.finished {
            return Ok(());
        }
        // A deadline that nobody waits behind any more changes nothing.
        let waits = self.waiting.iter().any(|queue| !queue.is_empty());
        if waits && self.deadline_at.is_some_and(|at| now.instant >= at) {
            self.deadline_at = None;
            let detail = "the deadline of the run passed".to_owned();
            self.stop(StopCause::Deadline, detail, effects)?;
        }
        if self.undoing.is_none() {
            self.start_hosts(now, effects)?;
            if !self.in_flight.is_empty() {
                return Ok(());
            }
            self.begin_rollback(effects)?;
        }
        if self.undoing.is_some() {
            self.undo_hosts(effects)?;
        }
        if self.in_flight.is_empty() && !self.holds(effects)? {
            self.finish(effects)?;
        }
        Ok(())
    }

    fn finish(&mut self, effects: &mut Vec<Effect>) -> Result<(), IllegalEvent> {
        let state = self.end_state();
        let ending = Ending {
            state,
            stopped: self.progress.stop,
            rolled_back: self.progress.rollback.is_some(),
            totals: self.progress.totals(),
        };
        self.record(
            None,
            EventKind::RunFinished {
                state,
                exit_code: exit_code(&ending),
            },
            effects,
        )?;
        effects.push(Effect::Finish(state));
        self.finished = true;
        Ok(())
    }

    fn end_state(&self) -> RunState {
        let undo_failed = self.progress.hosts.iter().any(|host| match host.phase {
            Phase::Undone { outcome, .. } => outcome != Outcome::RolledBack,
            Phase::Ended { outcome, .. } => {
                self.verb == Verb::Rollback
                    && matches!(outcome, Outcome::Failed | Outcome::Indeterminate)
            }
            _ => false,
        });
        let good = |outcome| matches!(outcome, Outcome::Ok | Outcome::RolledBack);
        let all_good = || {
            self.progress
                .hosts
                .iter()
                .all(|host| good(host.outcome().0))
        };
        match (self.progress.stop, self.progress.breach) {
            (Some(StopCause::Abort), _) => RunState::Cancelled,
            (Some(StopCause::Operator), _) => RunState::Interrupted,
            (Some(StopCause::Guard | StopCause::Deadline | StopCause::Pause), _) => {
                RunState::Paused
            }
            (Some(StopCause::Limit), Some(breach)) if breach.action == OnBreach::Pause => {
                RunState::Paused
            }
            (None, _) if self.progress.hold.is_some() => RunState::Paused,
            _ if undo_failed => RunState::Stuck,
            (None, _) if all_good() => RunState::Succeeded,
            _ => RunState::Failed,
        }
    }

    fn record(
        &mut self,
        host: Option<HostId>,
        event: EventKind,
        effects: &mut Vec<Effect>,
    ) -> Result<(), IllegalEvent> {
        self.progress.apply(host, &event)?;
        effects.push(Effect::Record(host, event));
        Ok(())
    }
}

/// A second cause to stop counts only where it says more than the first.
fn outranks(cause: StopCause, current: Option<StopCause>) -> bool {
    let rank = |cause| match cause {
        StopCause::Limit | StopCause::Deadline | StopCause::Pause => 0,
        StopCause::Guard => 1,
        StopCause::Operator => 2,
        StopCause::Abort => 3,
    };
    current.is_none_or(|current| rank(cause) > rank(current))
}

fn index32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
