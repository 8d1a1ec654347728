//! The gate `prove_undo`: what was applied is taken back, compared byte for byte, and applied again.
//!
//! Under a new controller, or after a lost connection, a proof that is not durable begins anew with the steps, which
//! write only what is not there.

use playbooks::{Observed, Target};

use super::Flow;
use crate::event::{EventKind, PlannedChange};
use crate::fleet::{Fleet, HostError, Observe, Reason};
use crate::outcome::StepState;
use crate::spec::{HostWork, Verb};

const REMEDY: &str =
    "this host cannot be taken back exactly: look what else writes there, before more hosts follow";

impl<F: Fleet> Flow<F> {
    pub(super) fn must_prove_undo(&self) -> bool {
        let spec = &self.job.spec;
        let asked = spec
            .rings
            .get(self.host().ring)
            .is_some_and(|ring| ring.gates.prove_undo);
        asked
            && spec.verb == Verb::Push
            && matches!(self.host().work, HostWork::Apply)
            && !self.history.proved
            && self.changes().any(PlannedChange::needed)
    }

    /// Leaves the host as it was, with the proof of that durable; returns what is there, in the order of the changes.
    pub(super) async fn prove_undo(
        &mut self,
        session: &mut F::Session,
    ) -> Result<Vec<Observed>, HostError> {
        self.take_back(session).await?;
        let refused = self.history.steps.iter().find_map(|step| {
            let (state, detail) = step.finished.as_ref()?;
            matches!(state, StepState::Failed | StepState::Conflict)
                .then(|| detail.clone().unwrap_or_default())
        });
        if let Some(detail) = refused {
            return Err(HostError::failed(Reason::UndoNotProved, detail).with_remedy(REMEDY));
        }
        let targets: Vec<Target> = self
            .changes()
            .map(|change| change.target().clone())
            .collect();
        let found = session.observe(&targets).await?;
        if found.len() != targets.len() {
            return Err(HostError::failed(
                Reason::Internal,
                "not every value was read",
            ));
        }
        self.compare(&found)?;
        self.note_durably(EventKind::UndoProved).await?;
        Ok(found)
    }

    /// Only what was written has to be as it was: the rest of the machine lives on.
    fn compare(&mut self, found: &[Observed]) -> Result<(), HostError> {
        let mut rest = found;
        for step in 0..self.history.steps.len() {
            let changes = &self.history.steps[step].plan.changes;
            let (now, others) = rest.split_at(changes.len());
            rest = others;
            let differs = |(change, now): &(&PlannedChange, &Observed)| {
                change.needed() && change.prior != **now
            };
            let Some((change, now_there)) = changes.iter().zip(now).find(differs) else {
                continue;
            };
            let detail = format!(
                "{}: taken back, it is {} instead of {}",
                change.target(),
                shown(now_there),
                shown(&change.prior)
            );
            self.note(EventKind::StepFinished {
                step: u32::try_from(step).unwrap_or(u32::MAX),
                state: StepState::Failed,
                detail: Some(detail.clone()),
                after: now.iter().cloned().map(Some).collect(),
            });
            return Err(HostError::failed(Reason::UndoNotProved, detail).with_remedy(REMEDY));
        }
        Ok(())
    }

    fn changes(&self) -> impl Iterator<Item = &PlannedChange> {
        let steps = self.history.steps.iter();
        steps.flat_map(|step| &step.plan.changes)
    }
}

fn shown(state: &Observed) -> String {
    match state {
        Observed::Present(value) => format!("'{}' ({})", value.text(), value.kind),
        Observed::ValueAbsent => "absent".to_owned(),
        Observed::KeyAbsent { first_missing } => format!("absent, like {first_missing}"),
        Observed::Opaque { kind, .. } => format!("of registry type {kind}"),
    }
}
