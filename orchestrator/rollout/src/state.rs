//! The policy of a run as a plain function: which host starts when, when to stop, what a breach leads to.
//!
//! No clock, no task, no journal: inputs come in, effects go out, `engine.rs` carries them out. Rings go in order;
//! the limits of the ring and of the run are judged at every host that ends, while others are in flight.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use playbooks::{Limits, OnBreach};

use crate::event::EventKind;
use crate::exit::{Ending, exit_code};
use crate::outcome::{Outcome, RunState, StopCause};
use crate::progress::{HostId, IllegalEvent, Phase, Progress};
use crate::spec::{RingPlan, RunSpec, Verb};

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
    /// Time passed; sent when an asked-for [`Effect::Wake`] is due.
    Tick,
}

/// How a host ended.
#[derive(Clone, Debug)]
pub struct HostEnd {
    /// Always [`EventKind::HostFinished`].
    pub finished: EventKind,
    /// Events of the host that belong into the same commit.
    pub before: Vec<EventKind>,
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
    /// Send [`Input::Tick`] after so long.
    Wake(Duration),
    /// The run is over; nothing is in flight.
    Finish(RunState),
}

/// The policy and its state.
// INVARIANT: in every returned list, `Start` and `Undo` come after the `Record` that announces them.
// INVARIANT: at most `max_parallel` of the ring are in flight; none is started once `progress.stop` is set.
#[derive(Debug)]
pub struct Rollout {
    verb: Verb,
    rings: Vec<RingPlan>,
    limits: Limits,
    on_breach: OnBreach,
    deadline: Option<Duration>,
    deadline_at: Option<Instant>,
    progress: Progress,
    /// `Some` for a run that is taken over: outcomes to be done again.
    only: Option<Vec<Outcome>>,
    /// Per ring: hosts to start; those that were in flight when the controller died come first.
    waiting: Vec<VecDeque<HostId>>,
    /// The ring under way, once its start is recorded.
    announced: Option<usize>,
    in_flight: u32,
    undoing: Option<VecDeque<HostId>>,
    finished: bool,
}

impl Rollout {
    /// A policy that goes on from `progress`; for a new run [`Progress::new`] and no `only`.
    pub fn new(spec: &RunSpec, progress: Progress, only: Option<Vec<Outcome>>) -> Self {
        Self {
            verb: spec.verb,
            rings: spec.rings.clone(),
            limits: spec.limits,
            on_breach: spec.on_breach,
            deadline: spec.deadline,
            deadline_at: None,
            progress,
            only,
            waiting: Vec::new(),
            announced: None,
            in_flight: 0,
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
    pub fn handle(&mut self, input: Input, now: Instant) -> Result<Vec<Effect>, IllegalEvent> {
        let mut effects = Vec::new();
        match input {
            Input::Begin => self.begin(now, &mut effects)?,
            Input::Host(id, end) => self.host_ended(id, end, &mut effects)?,
            Input::GivenUp(_) => self.in_flight = self.in_flight.saturating_sub(1),
            Input::Stop(cause, detail) => self.stop(cause, detail, &mut effects)?,
            Input::Tick if self.deadline_at.is_some_and(|at| now >= at) => {
                self.deadline_at = None;
                let detail = "the deadline of the run passed".to_owned();
                self.stop(StopCause::Deadline, detail, &mut effects)?;
            }
            Input::Tick => {}
        }
        self.advance(&mut effects)?;
        Ok(effects)
    }

    fn begin(&mut self, now: Instant, effects: &mut Vec<Effect>) -> Result<(), IllegalEvent> {
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
        if let Some(only) = self.only.take() {
            self.record(None, EventKind::RunResumed { only }, effects)?;
        }
        if let Some(deadline) = self.deadline {
            self.deadline_at = now.checked_add(deadline);
            effects.push(Effect::Wake(deadline));
        }
        self.waiting = vec![VecDeque::new(); self.rings.len()];
        for wanted in [true, false] {
            for (index, host) in self.progress.hosts.iter().enumerate() {
                let open = matches!(host.phase, Phase::Started | Phase::Recorded);
                if (open && wanted) || (host.phase == Phase::Pending && !wanted) {
                    self.waiting[host.ring as usize]
                        .push_back(HostId(u32::try_from(index).unwrap_or(u32::MAX)));
                }
            }
        }
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
        self.in_flight = self.in_flight.saturating_sub(1);
        for event in end.before {
            self.record(Some(id), event, effects)?;
        }
        let outcome = match &end.finished {
            EventKind::HostFinished { outcome, .. } => *outcome,
            _ => Outcome::Indeterminate,
        };
        self.record(Some(id), end.finished, effects)?;
        if let Some(detail) = end.guarded
            && self.progress.stop.is_none()
        {
            self.record(None, EventKind::GuardTripped { detail }, effects)?;
            self.drop_waiting();
        }
        if self.undoing.is_none() {
            self.judge(id, outcome, effects)?;
        }
        Ok(())
    }

    fn stop(
        &mut self,
        cause: StopCause,
        detail: String,
        effects: &mut Vec<Effect>,
    ) -> Result<(), IllegalEvent> {
        // The operator's word ends a rollback as well; a deadline does not.
        let overrides = matches!(cause, StopCause::Operator | StopCause::Internal)
            && !matches!(
                self.progress.stop,
                Some(StopCause::Operator | StopCause::Internal)
            );
        if !self.finished && (self.progress.stop.is_none() || overrides) {
            self.record(None, EventKind::StopRequested { cause, detail }, effects)?;
            self.drop_waiting();
            if let Some(queue) = &mut self.undoing {
                queue.clear();
            }
        }
        Ok(())
    }

    /// Judges the limits after a host ended badly. A breach can only get sharper while hosts are in flight.
    fn judge(
        &mut self,
        id: HostId,
        outcome: Outcome,
        effects: &mut Vec<Effect>,
    ) -> Result<(), IllegalEvent> {
        let current = match (self.progress.stop, self.progress.breach) {
            (None, _) => None,
            (Some(StopCause::Limit), Some(breach)) => Some(breach.action),
            _ => return Ok(()),
        };
        let worst = self
            .breaches(self.progress.hosts[id.index()].ring as usize, outcome)
            .into_iter()
            .flatten()
            .max_by_key(|(action, _)| sharpness(*action));
        if let Some((action, event)) = worst
            && current.is_none_or(|current| sharpness(action) > sharpness(current))
        {
            self.record(None, event, effects)?;
            self.drop_waiting();
        }
        Ok(())
    }

    fn breaches(&self, ring: usize, outcome: Outcome) -> [Option<(OnBreach, EventKind)>; 2] {
        let plan = &self.rings[ring];
        let in_ring = self.progress.rings[ring].of(outcome);
        let in_run = self
            .progress
            .rings
            .iter()
            .map(|totals| totals.of(outcome))
            .sum();
        let all = u32::try_from(self.progress.hosts.len()).unwrap_or(u32::MAX);
        [
            breach(
                Some(&plan.name),
                &plan.limits,
                outcome,
                in_ring,
                plan.hosts,
                plan.on_breach,
            ),
            breach(None, &self.limits, outcome, in_run, all, self.on_breach),
        ]
    }

    /// Starts what may be started, and ends what is at its end.
    fn advance(&mut self, effects: &mut Vec<Effect>) -> Result<(), IllegalEvent> {
        if self.finished {
            return Ok(());
        }
        if self.undoing.is_none() {
            self.start_hosts(effects)?;
            if self.in_flight > 0 {
                return Ok(());
            }
            self.begin_rollback(effects)?;
        }
        if self.undoing.is_some() {
            self.undo_hosts(effects)?;
        }
        if self.in_flight == 0 {
            self.finish(effects)?;
        }
        Ok(())
    }

    fn start_hosts(&mut self, effects: &mut Vec<Effect>) -> Result<(), IllegalEvent> {
        loop {
            let Some(ring) = self
                .announced
                .or_else(|| self.waiting.iter().position(|queue| !queue.is_empty()))
            else {
                return Ok(());
            };
            if self.announced.is_none() {
                self.announced = Some(ring);
                if self.progress.stop.is_none() {
                    self.record(None, ring_started(ring, &self.rings[ring]), effects)?;
                }
            }
            while self.in_flight < self.rings[ring].max_parallel.max(1)
                && let Some(id) = self.waiting[ring].pop_front()
            {
                self.record(Some(id), EventKind::HostStarted, effects)?;
                effects.push(Effect::Start(id));
                self.in_flight += 1;
            }
            if self.in_flight > 0 || !self.waiting[ring].is_empty() {
                return Ok(());
            }
            self.announced = None;
            if self.progress.stop.is_none() {
                let (index, name) = (index32(ring), self.rings[ring].name.clone());
                self.record(None, EventKind::RingFinished { ring: index, name }, effects)?;
            }
        }
    }

    fn begin_rollback(&mut self, effects: &mut Vec<Effect>) -> Result<(), IllegalEvent> {
        let (Some(StopCause::Limit), Some(breach), None) = (
            self.progress.stop,
            self.progress.breach,
            self.progress.rollback,
        ) else {
            return Ok(());
        };
        let ring = match breach.action {
            OnBreach::Stop | OnBreach::Pause => return Ok(()),
            OnBreach::RollbackRing => Some(breach.ring),
            OnBreach::RollbackRun => None,
        };
        let queue = self.hosts_to_undo(ring);
        self.record(
            None,
            EventKind::RollbackStarted {
                ring,
                hosts: index32(queue.len()),
            },
            effects,
        )?;
        self.undoing = Some(queue);
        Ok(())
    }

    fn undo_hosts(&mut self, effects: &mut Vec<Effect>) -> Result<(), IllegalEvent> {
        while let Some(id) = self.undoing.as_ref().and_then(VecDeque::front).copied() {
            let ring = self.progress.hosts[id.index()].ring as usize;
            if self.in_flight >= self.rings[ring].max_parallel.max(1) {
                break;
            }
            self.undoing.as_mut().map(VecDeque::pop_front);
            self.record(Some(id), EventKind::UndoStarted, effects)?;
            effects.push(Effect::Undo(id));
            self.in_flight += 1;
        }
        Ok(())
    }

    fn finish(&mut self, effects: &mut Vec<Effect>) -> Result<(), IllegalEvent> {
        let totals = self.progress.totals();
        let state = self.end_state();
        let ending = Ending {
            interrupted: state == RunState::Interrupted,
            stopped: self.progress.stop,
            rolled_back: self.progress.rollback.is_some(),
            totals,
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
        match (self.progress.stop, self.progress.breach) {
            (Some(StopCause::Operator | StopCause::Internal), _) => RunState::Interrupted,
            (Some(StopCause::Guard | StopCause::Deadline), _) => RunState::Paused,
            (Some(StopCause::Limit), Some(breach)) if breach.action == OnBreach::Pause => {
                RunState::Paused
            }
            _ if undo_failed => RunState::Stuck,
            (None, _)
                if self
                    .progress
                    .hosts
                    .iter()
                    .all(|host| good(host.outcome().0)) =>
            {
                RunState::Succeeded
            }
            _ => RunState::Failed,
        }
    }

    /// Rings last to first, and within a ring the last host first: the reverse of the rollout.
    fn hosts_to_undo(&self, scope: Option<u32>) -> VecDeque<HostId> {
        let mut hosts: Vec<(u32, HostId)> = self
            .progress
            .hosts
            .iter()
            .enumerate()
            .filter(|(_, host)| scope.is_none_or(|ring| host.ring == ring))
            .filter(|(_, host)| match host.phase {
                Phase::Ended { outcome, changed } => {
                    changed || (host.touched && outcome == Outcome::Indeterminate)
                }
                Phase::Undoing => true,
                _ => false,
            })
            .map(|(index, host)| (host.ring, HostId(index32(index))))
            .collect();
        hosts.sort_by(|a, b| b.cmp(a));
        hosts.into_iter().map(|(_, id)| id).collect()
    }

    /// Keeps only hosts that were in flight when the controller died: they have to be brought to an end.
    fn drop_waiting(&mut self) {
        let hosts = &self.progress.hosts;
        for queue in &mut self.waiting {
            queue.retain(|id| hosts[id.index()].phase != Phase::Pending);
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

fn index32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn sharpness(action: OnBreach) -> u8 {
    match action {
        OnBreach::Pause => 0,
        OnBreach::Stop => 1,
        OnBreach::RollbackRing => 2,
        OnBreach::RollbackRun => 3,
    }
}

fn ring_started(index: usize, ring: &RingPlan) -> EventKind {
    EventKind::RingStarted {
        ring: index32(index),
        name: ring.name.clone(),
        hosts: ring.hosts,
        max_parallel: ring.max_parallel,
    }
}

fn breach(
    ring: Option<&str>,
    limits: &Limits,
    outcome: Outcome,
    count: u32,
    hosts: u32,
    action: OnBreach,
) -> Option<(OnBreach, EventKind)> {
    let (key, limit) = match outcome {
        Outcome::Failed => ("max_failed", limits.max_failed?),
        Outcome::Unreachable => ("max_unreachable", limits.max_unreachable?),
        Outcome::Indeterminate => ("max_indeterminate", limits.max_indeterminate?),
        _ => return None,
    };
    if !limit.breached(count as usize, hosts as usize) {
        return None;
    }
    let allowed = limit.allowed(hosts as usize);
    let scope = ring.map_or_else(|| "the run".to_owned(), |name| format!("ring '{name}'"));
    let text = format!(
        "{count} {outcome} of {hosts} hosts in {scope} is more than {key} {limit} allows ({allowed})"
    );
    let ring = ring.map(str::to_owned);
    let limit = limit.to_string();
    Some((
        action,
        EventKind::LimitBreached {
            ring,
            outcome,
            limit,
            count,
            hosts,
            allowed,
            action,
            text,
        },
    ))
}
