//! Where a run stands: derived from its events by one total function, [`Progress::next`], which the engine uses
//! while running and the journal while loading.
//!
//! Holds a few bytes per host and no values; decides nothing (that is `state.rs`).

use jiff::Timestamp;
use playbooks::OnBreach;

use crate::event::EventKind;
use crate::outcome::{HoldCause, Outcome, RunState, StopCause, Totals};
use crate::spec::RunSpec;

/// Index into the hosts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u32);

impl HostId {
    /// For slices.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where one host stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not contacted, or to be done again.
    #[default]
    Pending,
    /// Contacted; nothing may have been written.
    Started,
    /// Its prior state is durable: writes may have happened.
    Recorded,
    /// Ended.
    Ended {
        /// How.
        outcome: Outcome,
        /// The final state differs from the prior one.
        changed: bool,
    },
    /// Being taken back after a breach.
    Undoing,
    /// Taken back, or not: see the outcome.
    Undone {
        /// How.
        outcome: Outcome,
        /// The final state differs from the prior one.
        changed: bool,
    },
}

/// One host of a [`Progress`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostProgress {
    /// Where it stands.
    pub phase: Phase,
    /// Its ring.
    pub ring: u32,
    /// A prior state is in the journal.
    pub recorded: bool,
    /// A step was begun after that.
    pub touched: bool,
    /// Its undo was tried out, and left the host as it had been.
    pub proved: bool,
    /// Never attempted, and not among those that the last `resume --only` asked for.
    pub left_out: bool,
    /// How it had ended before it was chosen to be done again; until it starts, that is how it stands.
    pub earlier: Option<(Outcome, bool)>,
}

impl HostProgress {
    /// The outcome as far as it is known: a host without an end is `not_started`, or `indeterminate` once writes
    /// may have happened.
    pub fn outcome(&self) -> (Outcome, bool) {
        match (self.phase, self.earlier) {
            (Phase::Ended { outcome, changed } | Phase::Undone { outcome, changed }, _)
            | (Phase::Pending, Some((outcome, changed))) => (outcome, changed),
            (Phase::Pending, None) if self.touched => (Outcome::Indeterminate, false),
            (Phase::Pending | Phase::Started, _) => (Outcome::NotStarted, false),
            (Phase::Recorded | Phase::Undoing, _) => (Outcome::Indeterminate, false),
        }
    }

    fn in_flight(&self) -> bool {
        matches!(self.phase, Phase::Started | Phase::Recorded)
    }
}

/// A breach and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The ring that was under way.
    pub ring: u32,
    /// What is to be done.
    pub action: OnBreach,
}

/// What the run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub cause: HoldCause,
    /// The ring whose gate it is.
    pub ring: Option<u32>,
    /// It goes on by itself at this moment.
    pub until: Option<Timestamp>,
}

/// How far a ring's gates are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GateProgress {
    /// Set when the soak begins.
    pub soak_until: Option<Timestamp>,
    /// A person has approved.
    pub approved: bool,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// As the events say; never derived from locks.
    pub state: RunState,
    /// Per host.
    pub hosts: Vec<HostProgress>,
    /// Ended hosts per ring, and how many hosts each has.
    pub rings: Vec<Totals>,
    /// The ring that was started last.
    pub ring: u32,
    /// Why no host is started any more.
    pub stop: Option<StopCause>,
    /// The breach behind a [`StopCause::Limit`].
    pub breach: Option<Breach>,
    /// What it waits for, while it waits; of a run that ended paused, what it waited for.
    pub hold: Option<Hold>,
    /// Per ring.
    pub gates: Vec<GateProgress>,
    /// Hosts of this ring (`Some(None)`: of all rings) are being, or were, taken back.
    pub rollback: Option<Option<u32>>,
}

/// An event that cannot happen in the state the run is in: a defect of the program or a damaged journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {event} of host {host:?} cannot happen here: {why}")]
pub struct IllegalEvent {
    /// Kind of event.
    pub event: &'static str,
    /// Index of the host.
    pub host: Option<u32>,
    /// What it conflicts with.
    pub why: String,
}

impl Progress {
    /// A run to which nothing has happened yet.
    pub fn new(spec: &RunSpec) -> Self {
        Self::of_rings(spec.rings.len(), spec.hosts.iter().map(|host| host.ring))
    }

    /// As [`Progress::new`], from the ring index of each host.
    pub fn of_rings(rings: usize, hosts: impl IntoIterator<Item = usize>) -> Self {
        let ring_of = |ring| HostProgress {
            ring: u32::try_from(ring).unwrap_or(u32::MAX),
            ..HostProgress::default()
        };
        Self {
            state: RunState::Pending,
            hosts: hosts.into_iter().map(ring_of).collect(),
            rings: vec![Totals::default(); rings],
            ring: 0,
            stop: None,
            breach: None,
            hold: None,
            gates: vec![GateProgress::default(); rings],
            rollback: None,
        }
    }

    /// The ring that waits for an approval.
    pub fn awaiting_approval(&self) -> Option<u32> {
        self.hold
            .filter(|hold| hold.cause == HoldCause::Approval)
            .and_then(|hold| hold.ring)
            .filter(|ring| {
                self.gates
                    .get(*ring as usize)
                    .is_some_and(|gate| !gate.approved)
            })
    }

    /// The state after an event, or why it cannot happen. Total: defined for every state and event.
    pub fn next(mut self, host: Option<HostId>, event: &EventKind) -> Result<Self, IllegalEvent> {
        self.apply(host, event).map(|()| self)
    }

    /// [`Progress::next`] in place; unchanged where it errs.
    pub fn apply(&mut self, host: Option<HostId>, event: &EventKind) -> Result<(), IllegalEvent> {
        let illegal = |why: String| IllegalEvent {
            event: event.name(),
            host: host.map(|id| id.0),
            why,
        };
        match host {
            None => self.apply_run(event).map_err(illegal),
            Some(id) if id.index() >= self.hosts.len() => {
                Err(illegal("there is no such host".to_owned()))
            }
            Some(id) => self.apply_host(id, event).map_err(illegal),
        }
    }

    /// Hosts by outcome, as far as known.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for host in &self.hosts {
            let (outcome, changed) = host.outcome();
            totals.add(outcome, changed);
        }
        totals
    }

    fn apply_run(&mut self, event: &EventKind) -> Result<(), String> {
        let active = matches!(self.state, RunState::Running | RunState::RollingBack);
        match event {
            EventKind::Unknown { .. } => {}
            EventKind::RunStarted { .. } if self.state == RunState::Pending => {
                self.state = RunState::Running
            }
            EventKind::RunResumed { only, hosts, .. } => {
                return self.resume(only, hosts.as_deref());
            }
            EventKind::RunHeld { .. }
            | EventKind::RunReleased { .. }
            | EventKind::RingApproved { .. } => {
                return self.apply_gate(event);
            }
            EventKind::RingStarted { ring, .. }
                if self.may_start() && (*ring as usize) < self.rings.len() =>
            {
                self.ring = *ring;
            }
            EventKind::RingFinished { .. } if active => {}
            EventKind::LimitBreached { action, .. } if active => {
                // Breached after a stronger word: that word ends the run now, the breach holds for a resume.
                self.stop = match self.stop {
                    None | Some(StopCause::Pause | StopCause::Deadline) => Some(StopCause::Limit),
                    stronger => stronger,
                };
                self.breach = Some(Breach {
                    ring: self.ring,
                    action: *action,
                });
            }
            // Also where nobody works on the run: an abort ends what is merely paused or was interrupted.
            EventKind::StopRequested { cause, .. }
                if active
                    || (*cause == StopCause::Abort && !self.state.is_final())
                    || self.waits() =>
            {
                self.stop = Some(*cause);
                self.hold = None;
            }
            EventKind::GuardTripped { .. } if active => self.stop = Some(StopCause::Guard),
            EventKind::RollbackStarted { ring, .. } if active && self.breach.is_some() => {
                self.state = RunState::RollingBack;
                self.rollback = Some(*ring);
            }
            EventKind::RunFinished { state, .. } if !self.state.is_final() => self.state = *state,
            _ => return Err(self.standing()),
        }
        Ok(())
    }

    fn apply_gate(&mut self, event: &EventKind) -> Result<(), String> {
        let gate = |gates: &mut [GateProgress], ring: u32| match gates.get_mut(ring as usize) {
            Some(gate) => Ok(std::mem::take(gate)),
            None => Err(format!("there is no ring {ring}")),
        };
        match event {
            EventKind::RunHeld {
                cause, ring, until, ..
            } if matches!(self.state, RunState::Running | RunState::Paused) => {
                if let (HoldCause::Soak, Some(ring)) = (cause, ring) {
                    let before = gate(&mut self.gates, *ring)?;
                    self.gates[*ring as usize] = GateProgress {
                        soak_until: *until,
                        ..before
                    };
                }
                self.hold = Some(Hold {
                    cause: *cause,
                    ring: *ring,
                    until: *until,
                });
                self.state = match cause {
                    HoldCause::Soak => RunState::Running,
                    _ => RunState::Paused,
                };
            }
            EventKind::RunReleased { cause }
                if self.hold.is_some_and(|hold| hold.cause == *cause) =>
            {
                self.hold = None;
                self.state = RunState::Running;
            }
            EventKind::RingApproved { ring, .. } if self.awaiting_approval() == Some(*ring) => {
                let before = gate(&mut self.gates, *ring)?;
                self.gates[*ring as usize] = GateProgress {
                    approved: true,
                    ..before
                };
            }
            _ => return Err(self.standing()),
        }
        Ok(())
    }

    fn apply_host(&mut self, id: HostId, event: &EventKind) -> Result<(), String> {
        let may_start = self.may_start();
        let state = self.state;
        let host = &mut self.hosts[id.index()];
        let (phase, open) = (host.phase, host.in_flight());
        match event {
            EventKind::Unknown { .. } => {}
            // INVARIANT: after a stop only hosts that were already in flight when the controller died start again.
            EventKind::HostStarted
                if (may_start && phase == Phase::Pending)
                    || (open && state == RunState::Running) =>
            {
                host.earlier = None;
                // Its controller died: a step may have been begun although nothing says so.
                host.touched |= phase == Phase::Recorded;
                host.phase = if host.recorded {
                    Phase::Recorded
                } else {
                    Phase::Started
                };
            }
            EventKind::HostIdentified { .. } | EventKind::HostRetry { .. }
                if open || phase == Phase::Undoing => {}
            EventKind::TraceLeft { .. }
            | EventKind::TraceGone { .. }
            | EventKind::MarkerTakenOver { .. }
                if open || phase == Phase::Undoing => {}
            EventKind::PreflightFound { .. } | EventKind::ProbesPlanned { .. }
                if open && !host.touched => {}
            EventKind::ProbeFinished { .. } if open => {}
            EventKind::PriorRecorded { .. } if open && !host.touched => {
                host.recorded = true;
                host.proved = false;
                host.phase = Phase::Recorded;
            }
            EventKind::UndoProved if phase == Phase::Recorded && host.touched => host.proved = true,
            EventKind::StepStarted { .. } if phase == Phase::Recorded => host.touched = true,
            EventKind::StepFinished { .. } | EventKind::AdvproxySeen { .. }
                if matches!(phase, Phase::Recorded | Phase::Undoing) => {}
            EventKind::UndoStarted
                if state == RunState::RollingBack
                    && matches!(phase, Phase::Ended { .. } | Phase::Undoing) =>
            {
                if let Phase::Ended { outcome, changed } = phase {
                    self.uncount(id, outcome, changed);
                }
                self.hosts[id.index()].phase = Phase::Undoing;
            }
            EventKind::HostFinished {
                outcome, changed, ..
            } if phase == Phase::Undoing => {
                host.phase = Phase::Undone {
                    outcome: *outcome,
                    changed: *changed,
                };
                self.count(id, *outcome, *changed);
            }
            EventKind::HostFinished {
                outcome, changed, ..
            } if open => {
                let good = matches!(
                    outcome,
                    Outcome::Ok | Outcome::RolledBack | Outcome::Conflict
                );
                if good && !host.recorded {
                    return Err(format!("it ends {outcome} without a recorded prior state"));
                }
                host.phase = Phase::Ended {
                    outcome: *outcome,
                    changed: *changed,
                };
                self.count(id, *outcome, *changed);
            }
            _ => {
                return Err(format!(
                    "the host is {phase:?}, the run is {}",
                    self.standing()
                ));
            }
        }
        Ok(())
    }

    fn resume(&mut self, only: &[Outcome], hosts: Option<&[u32]>) -> Result<(), String> {
        match self.state {
            RunState::Cancelled => return Err("the run was aborted".to_owned()),
            state if state.is_final() && only.is_empty() => {
                return Err(format!(
                    "the run has ended ({state}); only chosen hosts can be done again"
                ));
            }
            // Whoever resumes what a limit stopped knows of the breach, and goes on all the same.
            state
                if state.is_final()
                    || (state == RunState::Paused && self.stop == Some(StopCause::Limit)) =>
            {
                self.breach = None;
                self.rollback = None;
            }
            _ => {}
        }
        self.stop = self.breach.map(|_| StopCause::Limit);
        self.hold = None;
        self.state = if self.rollback.is_some() {
            RunState::RollingBack
        } else {
            RunState::Running
        };
        let mut chosen = vec![hosts.is_none(); self.hosts.len()];
        for host in hosts.unwrap_or_default() {
            if let Some(chosen) = chosen.get_mut(*host as usize) {
                *chosen = true;
            }
        }
        for (index, chosen) in chosen.into_iter().enumerate() {
            self.reopen(index, only, chosen);
        }
        Ok(())
    }

    /// A plain resume takes up what was never attempted; `only` takes up what it names and leaves the rest out.
    fn reopen(&mut self, index: usize, only: &[Outcome], chosen: bool) {
        let host = self.hosts[index];
        match host.phase {
            Phase::Ended { outcome, changed } | Phase::Undone { outcome, changed } => {
                let again = match only {
                    [] => outcome == Outcome::NotStarted,
                    _ => only.contains(&outcome),
                };
                if again && chosen {
                    self.uncount(
                        HostId(u32::try_from(index).unwrap_or(u32::MAX)),
                        outcome,
                        changed,
                    );
                    // A prior state under which nothing was written is worth nothing: the host is read afresh.
                    self.hosts[index].recorded = host.touched;
                    self.hosts[index].phase = Phase::Pending;
                    self.hosts[index].earlier = Some((outcome, changed));
                }
            }
            Phase::Pending if !only.is_empty() => {
                self.hosts[index].left_out = !(chosen && only.contains(&host.outcome().0));
            }
            _ => {}
        }
    }

    fn waits(&self) -> bool {
        self.state == RunState::Paused && self.hold.is_some()
    }

    fn may_start(&self) -> bool {
        self.state == RunState::Running && self.stop.is_none()
    }

    fn standing(&self) -> String {
        match self.stop {
            Some(stop) => format!("{} and stopped ({stop:?})", self.state),
            None => self.state.to_string(),
        }
    }

    fn count(&mut self, id: HostId, outcome: Outcome, changed: bool) {
        if let Some(ring) = self.rings.get_mut(self.hosts[id.index()].ring as usize) {
            ring.add(outcome, changed);
        }
    }

    fn uncount(&mut self, id: HostId, outcome: Outcome, changed: bool) {
        if let Some(ring) = self.rings.get_mut(self.hosts[id.index()].ring as usize) {
            ring.hosts -= 1;
            ring.changed -= u32::from(changed);
            *ring.slot(outcome) -= 1;
        }
    }
}
