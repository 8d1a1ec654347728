//! What is taken back after a breach, and in which order.

use std::collections::VecDeque;

use playbooks::OnBreach;

use super::{Effect, Rollout, index32};
use crate::event::EventKind;
use crate::outcome::{Outcome, StopCause};
use crate::progress::{HostId, IllegalEvent, Phase};

impl Rollout {
    pub(super) fn begin_rollback(&mut self, effects: &mut Vec<Effect>) -> Result<(), IllegalEvent> {
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

    pub(super) fn undo_hosts(&mut self, effects: &mut Vec<Effect>) -> Result<(), IllegalEvent> {
        while let Some(id) = self.undoing.as_ref().and_then(VecDeque::front).copied() {
            let ring = self.progress.hosts[id.index()].ring as usize;
            if self.full(ring) || !self.groups.room(id) {
                break;
            }
            self.undoing.as_mut().map(VecDeque::pop_front);
            self.record(Some(id), EventKind::UndoStarted, effects)?;
            effects.push(Effect::Undo(id));
            self.groups.enter(id);
            self.in_flight.insert(id);
        }
        Ok(())
    }

    /// Rings last to first, and within a ring the last host first: the reverse of the rollout.
    pub(super) fn hosts_to_undo(&self, scope: Option<u32>) -> VecDeque<HostId> {
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
}
