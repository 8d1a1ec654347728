//! Taking one host back inside its own run, after a breach with `on_breach: rollback_*`.

use playbooks::Observed;

use super::Flow;
use super::work::also;
use crate::event::EventKind;
use crate::fleet::{Fleet, HostError, Restored, Session, Severity};
use crate::outcome::StepState;

impl<F: Fleet> Flow<F> {
    /// With other controllers kept away.
    pub(super) async fn take_back_alone(
        &mut self,
        session: &mut F::Session,
    ) -> Result<(), HostError> {
        if !self.history.undo_items(false).is_empty() {
            self.claim(session, true).await?;
        }
        self.take_back(session).await
    }

    pub(super) async fn take_back(&mut self, session: &mut F::Session) -> Result<(), HostError> {
        // Settled by the restores themselves: each reads the value before and after.
        self.unsettled = false;
        let mut steps: Vec<usize> = Vec::new();
        let items = self.history.undo_items(false);
        for ((step, _), _) in &items {
            if !steps.contains(step) {
                steps.push(*step);
            }
        }
        self.undone.clone_from(&steps);
        for step in steps {
            let (mut state, mut detail) = (StepState::Restored, None);
            let mut after: Vec<Option<Observed>> = self.history.steps[step].after.clone();
            for ((_, place), undo) in items.iter().filter(|((of, _), _)| *of == step) {
                match session.restore(undo).await {
                    Ok(Restored::Done | Restored::AlreadyPrior) => {
                        after[*place] = Some(undo.prior.clone())
                    }
                    Ok(Restored::Conflict { current }) => {
                        also(&mut detail, undo.conflict_text(&current));
                        after[*place] = Some(current);
                        if state == StepState::Restored {
                            state = StepState::Conflict;
                        }
                    }
                    // An undo goes on past its own failures.
                    Err(error) if error.severity == Severity::Failed => {
                        state = StepState::Failed;
                        also(&mut detail, error.to_string());
                    }
                    Err(error) => return Err(error),
                }
            }
            let step = u32::try_from(step).unwrap_or(u32::MAX);
            self.note(EventKind::StepFinished {
                step,
                state,
                detail,
                after,
            });
        }
        Ok(())
    }
}
