//! The steps of one host: observe, record, write what differs, read back.

use std::sync::Arc;

use playbooks::{Change, Desired, Observed, Target};

use super::{Flow, Mode};
use crate::event::{EventKind, Intent, PlannedChange, PlannedStep};
use crate::fleet::{Fleet, HostError, Observe, Reason, Restored, Session, Severity};
use crate::history::{Since, undo_of, wanted_of};
use crate::outcome::{Outcome, StepState};
use crate::spec::{HostWork, Planned, Verb};
use crate::{preflight, prior};

impl<F: Fleet> Flow<F> {
    pub(super) async fn work(&mut self, session: &mut F::Session) -> Result<(), HostError> {
        let present = if self.history.recorded {
            let plans = self.history.steps.iter().map(|step| &step.plan);
            let changes = Self::changes_what_stands(plans);
            self.claim(session, changes).await?;
            self.look_again(session).await?
        } else {
            self.record_prior(session).await?
        };
        self.steps(session, present).await?;
        if self.must_prove_undo() {
            let prior = self.prove_undo(session).await?;
            self.steps(session, prior).await?;
        }
        // What follows may take long and writes nothing.
        self.release(session).await?;
        self.probes(session, false).await
    }

    /// Carries all steps out on a host on which `present` was found, in the order of the changes.
    async fn steps(
        &mut self,
        session: &mut F::Session,
        present: Vec<Observed>,
    ) -> Result<(), HostError> {
        let mut rest = present.as_slice();
        for step in 0..self.history.steps.len() {
            let count = self.history.steps[step].plan.changes.len();
            let (found, others) = rest.split_at(count.min(rest.len()));
            rest = others;
            let done = self.step(session, step, found.to_vec()).await;
            if let Err(error) = done {
                if error.severity == Severity::Failed {
                    self.leave(step + 1, rest);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// The steps from `first` on are not carried out any more. What an earlier controller or connection had begun of
    /// them ends as it was `found`, so that reports say it and a rollback takes it back.
    fn leave(&mut self, first: usize, found: &[Observed]) {
        let mut rest = found;
        for index in first..self.history.steps.len() {
            let step = &self.history.steps[index];
            let count = step.plan.changes.len().min(rest.len());
            let (found, others) = rest.split_at(count);
            rest = others;
            if step.since == Since::Settled && !step.started {
                continue;
            }
            let needed = step.plan.changes.iter().zip(found);
            let needed: Vec<_> = needed.filter(|(change, _)| change.needed()).collect();
            if needed.is_empty() {
                continue;
            }
            let as_before =
                |(change, found): &(&PlannedChange, &Observed)| found.same_content(&change.prior);
            let as_wanted = |(change, found): &(&PlannedChange, &Observed)| change.is_there(found);
            let (state, detail, after) = match &step.finished {
                // It stands as it ended then.
                Some((state, detail)) if step.after == known(found) => {
                    (*state, detail.clone(), known(found))
                }
                None | Some((StepState::NotRun, _)) if needed.iter().all(as_before) => {
                    (StepState::NotRun, None, vec![None; count])
                }
                _ if needed.iter().all(as_wanted) => (StepState::Changed, None, known(found)),
                _ => (StepState::Unknown, None, known(found)),
            };
            self.note(EventKind::StepFinished {
                step: u32::try_from(index).unwrap_or(u32::MAX),
                state,
                detail,
                after,
            });
        }
    }

    /// Reads every target and makes that durable. Nothing has been written yet.
    async fn record_prior(&mut self, session: &mut F::Session) -> Result<Vec<Observed>, HostError> {
        // Nothing but a marker can have been written so far, and that is journaled.
        self.unsettled = false;
        let mut wanted = match self.host().work.clone() {
            HostWork::Apply => {
                let rings = &self.job.spec.rings;
                prior::wanted(&self.job.playbook, rings, self.host(), session).await?
            }
            HostWork::Undo { steps, .. } => prior::Wanted {
                steps: steps.into_iter().map(prior::undo_step).collect(),
                probes: Vec::new(),
                below_gate: Vec::new(),
                facts: None,
            },
        };
        let mut steps = prior::read(wanted.steps.clone(), session).await?;
        self.preflight(&mut wanted, &mut steps, session).await?;
        // No probe is asked and no marker left where nothing will be written anyway.
        self.writable(&steps)?;
        self.plan_probes(session, wanted.probes).await?;
        self.probes(session, true).await?;
        if Self::will_write(&steps)
            && self
                .claim(session, Self::changes_what_stands(steps.iter()))
                .await?
        {
            // What another controller did until then is part of what was there before.
            steps = prior::read(wanted.steps, session).await?;
        }
        let found = prior::found(&steps).into_iter().map(|(_, state)| state);
        let found = found.collect();
        self.writable(&steps)?;
        self.note_durably(EventKind::PriorRecorded { steps })
            .await?;
        Ok(found)
    }

    /// What stands in the way is found before anything is written; what was found is told in every case.
    async fn preflight(
        &mut self,
        wanted: &mut prior::Wanted,
        steps: &mut [PlannedStep],
        session: &mut F::Session,
    ) -> Result<(), HostError> {
        if !matches!(self.host().work, HostWork::Apply) {
            return Ok(());
        }
        let playbook = Arc::clone(&self.job.playbook);
        let (gates, facts) = (&wanted.below_gate, wanted.facts.take());
        let writes = (true, self.job.clock.now());
        let looked = preflight::look(&playbook, steps, gates, facts, writes, session).await?;
        looked.leave_out(&mut wanted.steps, steps);
        let findings = looked.findings();
        if findings.is_empty() {
            return Ok(());
        }
        self.note(EventKind::PreflightFound {
            findings: findings.clone(),
        });
        // A plan that no longer holds says more than what stands in the way of it.
        self.as_planned(steps)?;
        preflight::preflight_refusal(&findings).map_or(Ok(()), Err)
    }

    fn writable(&self, steps: &[PlannedStep]) -> Result<(), HostError> {
        self.as_planned(steps)?;
        prior::not_restorable(steps).map_or(Ok(()), Err)
    }

    /// Under a plan nothing is written unless the host is as the plan saw it.
    fn as_planned(&self, steps: &[PlannedStep]) -> Result<(), HostError> {
        match (&self.host().work, &self.host().planned) {
            (HostWork::Apply, Some(Planned::Read { digest, found })) => {
                prior::unmoved(digest, found, steps)
            }
            _ => Ok(()),
        }
    }

    /// After a loss or under a new controller: the prior state is known, what is there now is not.
    async fn look_again(&mut self, session: &mut F::Session) -> Result<Vec<Observed>, HostError> {
        let changes: Vec<PlannedChange> = self
            .history
            .steps
            .iter()
            .flat_map(|step| step.plan.changes.clone())
            .collect();
        let targets: Vec<Target> = changes
            .iter()
            .map(|change| change.target().clone())
            .collect();
        let found = if targets.is_empty() {
            Vec::new()
        } else {
            session.observe(&targets).await?
        };
        let all = found;
        for (change, found) in changes.iter().zip(&all) {
            let Intent::Apply(apply) = &change.intent else {
                continue;
            };
            // Also a value that was right before: a host is not `ok` whose value is not as wanted.
            if !change.is_there(found) && !found.same_content(&change.prior) {
                self.unsettled = false;
                self.leave(0, &all);
                let detail = format!(
                    "{} was changed by somebody else while the run was interrupted",
                    apply.target
                );
                return Err(HostError::failed(Reason::ChangedSince, detail)
                    .with_remedy("look at the host, then push again"));
            }
        }
        // Every write has either arrived or not: nothing is in the balance any more.
        self.unsettled = false;
        Ok(all)
    }

    async fn step(
        &mut self,
        session: &mut F::Session,
        index: usize,
        found: Vec<Observed>,
    ) -> Result<(), HostError> {
        let plan = self.history.steps[index].plan.clone();
        if !plan.changes.iter().any(PlannedChange::needed) {
            return Ok(());
        }
        let step = u32::try_from(index).unwrap_or(u32::MAX);
        if !self.history.steps[index].started
            || self.job.mode == Mode::Continue
            || self.attempts > 1
        {
            self.note(EventKind::StepStarted { step });
        }
        let mut after = known(&found);
        let (mut state, mut detail, mut failure) = (done_state(self.job.spec.verb), None, None);
        for (place, change) in plan.changes.iter().enumerate() {
            if !change.needed() {
                continue;
            }
            let carried = carry_out(session, change, &found[place]).await;
            self.beside(session, index, change);
            match carried {
                Ok(Carried::There(now)) => after[place] = Some(now),
                Ok(Carried::Conflict(now)) => {
                    if state != StepState::Failed {
                        state = StepState::Conflict;
                    }
                    if let Intent::Undo(undo) = &change.intent {
                        also(&mut detail, undo.conflict_text(&now));
                    }
                    after[place] = Some(now);
                }
                // The rest of the host is undecided: no end of the step is recorded.
                Err(Failure { error, .. }) if error.severity != Severity::Failed => {
                    return Err(error);
                }
                Err(Failure { error, now }) => {
                    state = StepState::Failed;
                    also(&mut detail, error.to_string());
                    after[place] = now;
                    failure = Some((place, error));
                    // An undo goes on past its own failures.
                    if matches!(change.intent, Intent::Apply(_)) {
                        break;
                    }
                }
            }
        }
        if let Some((place, error)) = &failure
            && matches!(plan.changes[*place].intent, Intent::Apply(_))
        {
            take_back(session, &plan, *place, &mut after).await?;
            if after[*place].is_none() {
                // Nobody could read what became of the write: it is in the balance, and sought like a lost contact.
                return Err(error.unsettled());
            }
        }
        self.note(EventKind::StepFinished {
            step,
            state,
            detail,
            after,
        });
        match failure {
            Some((place, error)) if matches!(plan.changes[place].intent, Intent::Apply(_)) => {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Tells what was seen beside a write, judged as the preflight judges it.
    fn beside(&mut self, session: &mut F::Session, index: usize, change: &PlannedChange) {
        let Some(document) = session.advproxy() else {
            return;
        };
        let name = &self.history.steps[index].plan.name;
        let desired = wanted_of(change);
        let finding = self
            .job
            .playbook
            .beside_winhttp(&document, (index, name), &desired);
        self.note(EventKind::AdvproxySeen {
            step: u32::try_from(index).unwrap_or(u32::MAX),
            document,
            finding,
        });
    }

    /// The ends of steps that count. Where a host is taken back inside its own run, those of the steps that were: how
    /// the others ended before says nothing of it.
    fn ends(&self) -> impl Iterator<Item = &(StepState, Option<String>)> {
        let undo = self.job.mode == Mode::Undo;
        let steps = self.history.steps.iter().enumerate();
        steps
            .filter(move |(index, _)| !undo || self.undone.contains(index))
            .filter_map(|(_, step)| step.finished.as_ref())
    }

    /// How a host ended on which nothing was refused outright.
    pub(super) fn good_outcome(&self) -> Outcome {
        let rolling_back = self.job.spec.verb == Verb::Rollback || self.job.mode == Mode::Undo;
        if !rolling_back {
            return Outcome::Ok;
        }
        let states = || self.ends();
        if states().any(|(state, _)| *state == StepState::Failed) {
            Outcome::Failed
        } else if states().any(|(state, _)| *state == StepState::Conflict) {
            Outcome::Conflict
        } else {
            Outcome::RolledBack
        }
    }

    /// What a rollback could not take back, of all steps.
    pub(super) fn trouble(&self) -> Option<HostError> {
        let find = |wanted| {
            let finished = self.ends();
            let mut all = None;
            finished
                .filter(|(state, _)| *state == wanted)
                .filter_map(|(_, detail)| detail.clone())
                .for_each(|detail| also(&mut all, detail));
            all
        };
        match self.good_outcome() {
            Outcome::Failed => Some(HostError::failed(
                Reason::ReadBackDiffers,
                find(StepState::Failed)?,
            )),
            Outcome::Conflict => Some(
                HostError::failed(Reason::Conflict, find(StepState::Conflict)?)
                    .with_remedy(crate::survey::CONFLICT_REMEDY),
            ),
            _ => None,
        }
    }
}

/// What one write led to.
pub(super) enum Carried {
    There(Observed),
    Conflict(Observed),
}

/// A write that was refused, with what is there now, if known.
pub(super) struct Failure {
    pub(super) error: HostError,
    pub(super) now: Option<Observed>,
}

pub(super) async fn carry_out<S: Session>(
    session: &mut S,
    change: &PlannedChange,
    found: &Observed,
) -> Result<Carried, Failure> {
    let unknown = |error| Failure { error, now: None };
    match &change.intent {
        Intent::Apply(apply) if apply.desired.satisfied_at(&apply.target, found) => {
            Ok(Carried::There(found.clone()))
        }
        Intent::Apply(apply) => {
            let now = session.apply(apply).await.map_err(unknown)?;
            if apply.desired.satisfied_at(&apply.target, &now) {
                return Ok(Carried::There(now));
            }
            let error = unlike(apply, &now);
            Err(Failure {
                error,
                now: Some(now),
            })
        }
        Intent::Undo(undo) => Ok(match session.restore(undo).await.map_err(unknown)? {
            Restored::Done | Restored::AlreadyPrior => Carried::There(undo.prior.clone()),
            Restored::Conflict { current } => Carried::Conflict(current),
        }),
    }
}

/// The changes of one step stand or fall together: the earlier ones are taken back, newest first, and the failed one
/// where its effect was read.
async fn take_back<S: Session>(
    session: &mut S,
    plan: &PlannedStep,
    failed: usize,
    after: &mut [Option<Observed>],
) -> Result<(), HostError> {
    for place in (0..=failed).rev() {
        let change = &plan.changes[place];
        let written = change.needed()
            && !after[place]
                .as_ref()
                .is_some_and(|now| now.same_content(&change.prior));
        if !written {
            continue;
        }
        // Read back as something else, it may be somebody else's by now: only what was wanted is known to be ours (RB6).
        // What netsh wrote is known by its bytes alone.
        let wanted = wanted_of(change);
        let by_bytes = matches!(wanted, Desired::WinHttp(_) | Desired::WinHttpDirect);
        let ours = after[place]
            .clone()
            .filter(|now| by_bytes || wanted.satisfied_by(now));
        let undo = undo_of(change, ours, false);
        match session.restore(&undo).await {
            Ok(Restored::Done | Restored::AlreadyPrior) => {
                after[place] = Some(change.prior.clone())
            }
            Ok(Restored::Conflict { current }) => after[place] = Some(current),
            Err(error) if error.severity == Severity::Failed => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn done_state(verb: Verb) -> StepState {
    match verb {
        Verb::Push | Verb::RollbackDelete => StepState::Changed,
        Verb::Rollback => StepState::Restored,
    }
}

/// One cause after the other: no value that somebody else changed goes unnamed.
pub(super) fn also(detail: &mut Option<String>, more: String) {
    *detail = Some(match detail.take() {
        Some(so_far) => format!("{so_far}; {more}"),
        None => more,
    });
}

fn known(found: &[Observed]) -> Vec<Option<Observed>> {
    found.iter().cloned().map(Some).collect()
}

/// What was read back is not what was written.
fn unlike(apply: &Change, now: &Observed) -> HostError {
    let detail = format!(
        "{}: wanted '{}', read back: {}",
        apply.target,
        apply.desired.text(),
        prior::words_at(&apply.target, now)
    );
    let remedy = match now {
        Observed::Opaque { .. } => {
            "look at the value on the host: it may be right, and is not shown as it is"
        }
        _ => "something else owns this value: look for a policy, tamper protection or an agent",
    };
    HostError::failed(Reason::ReadBackDiffers, detail).with_remedy(remedy)
}

#[cfg(test)]
mod tests {
    use playbooks::{KeyPath, Typed};

    use super::*;

    /// A value that is there and cannot be read is not told as absent, and nobody is accused of it.
    #[test]
    fn what_was_read_back_is_told_as_it_is() {
        let apply = Change {
            target: Target {
                key: KeyPath::parse(r"HKLM\SOFTWARE\Example").unwrap(),
                value: "Number".to_owned(),
            },
            desired: Desired::Value(Typed::Dword(1).to_raw()),
        };
        let told = |now: &Observed| {
            let error = unlike(&apply, now);
            let remedy = error.remedy.unwrap_or_default();
            assert_eq!(error.reason, Reason::ReadBackDiffers);
            (error.detail, remedy)
        };
        let (detail, remedy) = told(&Observed::ValueAbsent);
        assert!(
            detail.ends_with("wanted '1', read back: absent"),
            "{detail}"
        );
        assert!(remedy.contains("owns this value"), "{remedy}");
        let text = Observed::Present(Typed::Sz("1".to_owned()).to_raw());
        let (detail, _) = told(&text);
        assert!(detail.ends_with("'1' (registry type 1)"), "{detail}");
        let why = "line breaks".to_owned();
        let (detail, remedy) = told(&Observed::Opaque { kind: 4, why });
        assert!(detail.contains("cannot be read: line breaks"), "{detail}");
        assert!(!remedy.contains("owns"), "{remedy}");
    }
}
