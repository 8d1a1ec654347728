//! One host's part of a run: a fold over its events. The engine keeps it for the hosts in flight, the journal builds
//! it for resumes, rollbacks and reports, so that all of them judge alike.

use inventory::HostName;
use jiff::Timestamp;
use playbooks::{Check, Desired, Grade, Observed, PreflightFinding};

use crate::event::{EventKind, Intent, PlannedChange, PlannedStep, Trace};
use crate::fleet::{Cost, HostIdentity, Reason, SystemTask, Undo};
use crate::outcome::{Outcome, StepState};
use crate::record::{ChangeRecord, HostRecord, ProbeRecord, StepRecord};
use crate::spec::UndoStep;

/// What is known of one host of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostHistory {
    /// Who answered last.
    pub identity: Option<HostIdentity>,
    /// In the order they are carried out; empty before the prior state is recorded.
    pub steps: Vec<StepHistory>,
    /// What the preflight found.
    pub preflight: Vec<PreflightFinding>,
    /// What has to be green, with what was found so far.
    pub probes: Vec<ProbeRecord>,
    /// The host's clock before the first write.
    pub since: Option<Timestamp>,
    /// The marker that may be on the host.
    pub marker: Option<Trace>,
    /// Tasks of probes that may be on the host.
    pub tasks: Vec<SystemTask>,
    /// How many were ever made: their names are counted.
    pub tasks_made: u32,
    /// Recorded prior state, even where there are no steps.
    pub recorded: bool,
    /// A step was begun.
    pub touched: bool,
    /// The undo was tried out before the steps were carried out for good.
    pub proved: bool,
    /// How it had ended before it was taken back inside its own run.
    pub before_undo: Option<Ended>,
    /// Which steps were begun is known: it has ended since it was last taken up.
    pub settled: bool,
    /// It was left alone once because its plan could not read it: from then on it is worked like any other.
    pub left_to_catch_up: bool,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// The content of [`EventKind::HostFinished`].
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// How.
    pub outcome: Outcome,
    /// The final state differs from the prior one.
    pub changed: bool,
    /// Cause.
    pub reason: Option<Reason>,
    /// Cause for people.
    pub detail: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// Connections tried.
    pub attempts: u32,
    /// What it cost.
    pub cost: Cost,
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct StepHistory {
    /// What is to be done, with the prior states.
    pub plan: PlannedStep,
    /// Begun.
    pub started: bool,
    /// Ended.
    pub finished: Option<(StepState, Option<String>)>,
    /// Read back, per change.
    pub after: Vec<Option<Observed>>,
    /// Whether something may have been written since.
    pub since: Since,
}

/// What may have been written to a host since a step's last end was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// Nothing.
    Settled,
    /// The host was taken up again. The beginning of a step is not waited for: it may have been begun.
    TakenUp,
    /// The step was begun again, or may have been by a controller that died.
    Begun,
}

/// Position of a change: step, change.
pub(crate) type Place = (usize, usize);

impl HostHistory {
    /// Takes note of an event of this host.
    pub(crate) fn note(&mut self, event: &EventKind) {
        match event {
            EventKind::HostStarted => {
                // What was not green is asked again.
                let probes = self.probes.iter_mut();
                probes
                    .filter(|probe| !is_green(probe))
                    .for_each(|probe| probe.verdict = None);
                self.taken_up();
                if !self.touched {
                    // Nothing was written: it is looked at afresh.
                    self.preflight.clear();
                    self.probes.clear();
                }
            }
            EventKind::UndoStarted => {
                if let Some(ended) = self.ended.take() {
                    self.before_undo = Some(ended);
                }
            }
            EventKind::HostIdentified { identity } => self.identity = Some(identity.clone()),
            EventKind::TraceLeft { trace } => match trace {
                Trace::Marker { .. } => self.marker = Some(trace.clone()),
                Trace::SystemTask(task) => {
                    self.tasks_made = self.tasks_made.saturating_add(1);
                    self.tasks.push(task.clone());
                }
            },
            EventKind::TraceGone { trace } => match trace {
                Trace::Marker { .. } => self.marker = None,
                Trace::SystemTask(gone) => self.tasks.retain(|task| task != gone),
            },
            EventKind::PreflightFound { findings } => self.preflight.clone_from(findings),
            EventKind::AdvproxySeen {
                finding: Some(finding),
                ..
            } => self.preflight_also(finding),
            EventKind::ProbesPlanned { probes, since } => {
                let probes = probes.iter().cloned();
                self.probes = probes
                    .map(|probe| ProbeRecord {
                        probe,
                        verdict: None,
                    })
                    .collect();
                self.since = *since;
            }
            EventKind::ProbeFinished { probe, verdict } => {
                if let Some(probe) = self.probes.get_mut(*probe as usize) {
                    probe.verdict = Some(verdict.clone());
                }
            }
            EventKind::PriorRecorded { steps } => {
                self.recorded = true;
                (self.touched, self.proved) = (false, false);
                self.steps = steps.iter().cloned().map(StepHistory::new).collect();
            }
            EventKind::UndoProved => {
                self.proved = true;
                // The host is as it was: what is known of a step now is what comes after this.
                let plans = std::mem::take(&mut self.steps).into_iter();
                self.steps = plans.map(|step| StepHistory::new(step.plan)).collect();
            }
            EventKind::StepStarted { step } => {
                self.touched = true;
                if let Some(step) = self.steps.get_mut(*step as usize) {
                    step.started = true;
                    step.finished = None;
                    step.since = Since::Begun;
                }
            }
            EventKind::StepFinished {
                step,
                state,
                detail,
                after,
            } => {
                if let Some(step) = self.steps.get_mut(*step as usize) {
                    step.finished = Some((*state, detail.clone()));
                    step.since = Since::Settled;
                    step.after.clone_from(after);
                }
            }
            EventKind::HostFinished {
                outcome,
                changed,
                reason,
                detail,
                remedy,
                attempts,
                cost,
            } => {
                // Whatever was begun is in the journal by now.
                self.settled = true;
                let steps = self.steps.iter_mut();
                steps
                    .filter(|step| step.since == Since::TakenUp)
                    .for_each(|step| step.since = Since::Settled);
                self.left_to_catch_up |= *reason == Some(Reason::UnreadAtPlan);
                self.ended = Some(Ended {
                    outcome: *outcome,
                    changed: *changed,
                    reason: *reason,
                    detail: detail.clone(),
                    remedy: remedy.clone(),
                    attempts: *attempts,
                    cost: *cost,
                });
            }
            _ => {}
        }
    }

    /// What a write showed besides: the last word on it.
    fn preflight_also(&mut self, finding: &PreflightFinding) {
        let advproxy = |check| matches!(check, Check::AdvProxyDiffers | Check::AdvProxySeen);
        self.preflight
            .retain(|known| !(advproxy(known.check) && known.step == finding.step));
        self.preflight.push(finding.clone());
    }

    /// Another attempt. Under a controller that died without an end of the host any step may have been begun, although
    /// nothing says so: its beginning is not waited for.
    fn taken_up(&mut self) {
        let ended = self.ended.take().is_some();
        (self.settled, self.before_undo) = (false, None);
        self.touched |= self.recorded && !ended;
        for step in &mut self.steps {
            match (ended, step.since) {
                (true, Since::Settled) => step.since = Since::TakenUp,
                // A beginning whose end is not known stays one.
                (true, _) => {}
                (false, _) => {
                    step.started |= step.finished.is_none();
                    step.since = Since::Begun;
                }
            }
        }
    }

    /// True where a known final state of some change differs from its recorded prior state.
    pub(crate) fn changed(&self) -> bool {
        self.steps.iter().any(|step| {
            let known = step.plan.changes.iter().zip(&step.after);
            known.into_iter().any(|(change, after)| {
                after
                    .as_ref()
                    .is_some_and(|after| !after.same_content(&change.prior))
            })
        })
    }

    /// The state of a step as far as it is known.
    pub(crate) fn step_state(&self, index: usize) -> StepState {
        let step = &self.steps[index];
        let needed = step.plan.changes.iter().any(PlannedChange::needed);
        match &step.finished {
            _ if step.plan.skipped.is_some() => StepState::Skipped,
            Some((state, _)) if step.since == Since::Settled || !needed => *state,
            Some(_) => StepState::Unknown,
            None if !needed => StepState::Already,
            None if step.started => StepState::Unknown,
            // The announcement of a step is not waited for: without an end, it may have been begun.
            None if !self.settled => StepState::Unknown,
            None => StepState::NotRun,
        }
    }

    /// What would take this host back, in the order of execution (RB1, RB4: exact reverse of the writing). Changes
    /// that were never written, or are back already, are left out.
    pub(crate) fn undo_items(&self, force: bool) -> Vec<(Place, Undo)> {
        let mut items = Vec::new();
        for (step_index, step) in self.steps.iter().enumerate().rev() {
            let state = self.step_state(step_index);
            if matches!(
                state,
                StepState::Already | StepState::Skipped | StepState::NotRun
            ) {
                continue;
            }
            for (index, change) in step
                .plan
                .changes
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, change)| change.needed())
            {
                let after = step.after.get(index).cloned().flatten();
                let back = after
                    .as_ref()
                    .is_some_and(|after| after.same_content(&change.prior));
                // What was found there in the end may be somebody else's: that is not ours to overwrite (RB6).
                let after = after.filter(|after| wanted_of(change).satisfied_by(after));
                let undo = match (step.since, back) {
                    (Since::Settled, true) => continue,
                    // It was back, and may have been written again.
                    (_, true) => undo_of(change, None, force),
                    (Since::Settled, false) => undo_of(change, after, force),
                    (_, false) => Undo {
                        uncertain: Some(wanted_of(change)),
                        ..undo_of(change, after, force)
                    },
                };
                items.push(((step_index, index), undo));
            }
        }
        items
    }

    /// What may be left on the host and is nobody's setting.
    pub(crate) fn traces(&self) -> Vec<Trace> {
        let tasks = self.tasks.iter().cloned().map(Trace::SystemTask);
        self.marker.iter().cloned().chain(tasks).collect()
    }

    /// Takes note of what an earlier run may have left, so that it goes where the own traces go.
    pub(crate) fn inherit(&mut self, traces: &[Trace]) {
        for trace in traces {
            match trace {
                // An own marker is only left once the other one is gone.
                Trace::Marker { .. } => {
                    self.marker.get_or_insert_with(|| trace.clone());
                }
                Trace::SystemTask(task) if !self.tasks.contains(task) => {
                    self.tasks.push(task.clone());
                }
                Trace::SystemTask(_) => {}
            }
        }
    }

    /// [`HostHistory::undo_items`] by step.
    pub(crate) fn undo_steps(&self, force: bool) -> Vec<UndoStep> {
        let mut steps: Vec<(usize, UndoStep)> = Vec::new();
        for ((step, _), undo) in self.undo_items(force) {
            match steps.last_mut() {
                Some((last, open)) if *last == step => open.items.push(undo),
                _ => {
                    let name = self.steps[step].plan.name.clone();
                    steps.push((
                        step,
                        UndoStep {
                            name,
                            items: vec![undo],
                        },
                    ));
                }
            }
        }
        steps.into_iter().map(|(_, step)| step).collect()
    }

    /// The host as reports show it; `fallback` is the outcome of a host without an end.
    pub(crate) fn into_record(self, name: HostName, ring: String, fallback: Outcome) -> HostRecord {
        let states: Vec<StepState> = (0..self.steps.len())
            .map(|index| self.step_state(index))
            .collect();
        let known_change = self.changed();
        let settled = self.ended.is_some();
        let ended = self.ended.unwrap_or(Ended {
            outcome: fallback,
            changed: known_change,
            reason: None,
            detail: None,
            remedy: None,
            attempts: 0,
            cost: Cost::default(),
        });
        HostRecord {
            name,
            ring,
            outcome: ended.outcome,
            settled,
            changed: ended.changed,
            reason: ended.reason,
            detail: ended.detail,
            remedy: ended.remedy,
            auth: self.identity.as_ref().map(|identity| identity.auth.clone()),
            machine_guid: self.identity.and_then(|identity| identity.machine_guid),
            attempts: ended.attempts,
            cost: ended.cost,
            undo_proved: self.proved,
            preflight: self.preflight,
            probes: self.probes,
            steps: self
                .steps
                .into_iter()
                .zip(states)
                .map(|(step, state)| step.into_record(state))
                .collect(),
        }
    }
}

impl StepHistory {
    fn new(plan: PlannedStep) -> Self {
        let after = vec![None; plan.changes.len()];
        Self {
            plan,
            started: false,
            finished: None,
            after,
            since: Since::Settled,
        }
    }

    fn into_record(self, state: StepState) -> StepRecord {
        let already = state == StepState::Already;
        let detail = self
            .plan
            .skipped
            .or_else(|| self.finished.and_then(|(_, detail)| detail));
        let changes = self
            .plan
            .changes
            .into_iter()
            .zip(self.after)
            .map(|(change, after)| ChangeRecord {
                target: change.target().clone(),
                wanted: change.wanted(),
                after: after.or_else(|| already.then(|| change.prior.clone())),
                before: change.prior,
            });
        StepRecord {
            name: self.plan.name,
            state,
            detail,
            changes: changes.collect(),
        }
    }
}

/// Whether a probe needs not be asked again.
pub(crate) fn is_green(probe: &ProbeRecord) -> bool {
    let verdict = probe.verdict.as_ref();
    verdict.is_some_and(|verdict| verdict.grade() == Grade::Pass)
}

pub(crate) fn wanted_of(change: &PlannedChange) -> Desired {
    match &change.intent {
        Intent::Apply(apply) => apply.desired.clone(),
        Intent::Undo(undo) => match &undo.prior {
            Observed::Present(value) => Desired::Value(value.clone()),
            _ => Desired::Absent,
        },
    }
}

/// The undo of one written, or possibly written, change.
pub(crate) fn undo_of(change: &PlannedChange, after: Option<Observed>, force: bool) -> Undo {
    let wanted = wanted_of(change);
    let (ours, uncertain) = match after {
        Some(after) => (after, None),
        None => {
            let guess = match &wanted {
                Desired::Value(value) => Observed::Present(value.clone()),
                Desired::Absent => Observed::ValueAbsent,
                // Only netsh knows the bytes; `uncertain` recognises them.
                Desired::WinHttp(_) | Desired::WinHttpDirect => change.prior.clone(),
            };
            (guess, Some(wanted))
        }
    };
    Undo {
        target: change.target().clone(),
        prior: change.prior.clone(),
        ours,
        force,
        uncertain,
    }
}
