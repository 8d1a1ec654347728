//! Limits: what counts, of how many, and what a breach leads to.
//!
//! A limit is judged whenever a host ends, while others are in flight: `count > floor(percent x hosts)`. Hosts of
//! the scope that have not been tried count as good.

use playbooks::{Limit, Limits, OnBreach};

use super::{Effect, Rollout};
use crate::event::EventKind;
use crate::fleet::Reason;
use crate::outcome::{Outcome, StopCause};
use crate::progress::{HostId, IllegalEvent};

impl Rollout {
    /// Judges the limits after a host ended badly. A breach can only get sharper while hosts are in flight.
    pub(super) fn judge(
        &mut self,
        id: HostId,
        (outcome, reason): (Outcome, Option<Reason>),
        effects: &mut Vec<Effect>,
    ) -> Result<(), IllegalEvent> {
        // Also after the operator's word or a tripped guard, so that a resume does not go on past the limit. Nothing
        // goes on after an abort.
        if self.progress.stop == Some(StopCause::Abort) {
            return Ok(());
        }
        let current = self.progress.breach.map(|breach| breach.action);
        let ring = self.progress.hosts[id.index()].ring as usize;
        let unproved = (reason == Some(Reason::UndoNotProved))
            .then(|| self.proof_breach(ring, 1, "taken back, a host was not as it had been"));
        let worst = self
            .breaches(ring, outcome)
            .into_iter()
            .flatten()
            .chain(unproved)
            .max_by_key(|(action, _)| sharpness(*action));
        if let Some((action, event)) = worst
            && current.is_none_or(|current| sharpness(action) > sharpness(current))
        {
            self.record(None, event, effects)?;
            self.drop_waiting();
        }
        Ok(())
    }

    /// The gate `prove_undo` of a ring does not open.
    pub(super) fn proof_breach(&self, ring: usize, count: u32, why: &str) -> (OnBreach, EventKind) {
        let plan = &self.rings[ring];
        let event = EventKind::LimitBreached {
            ring: Some(plan.name.clone()),
            outcome: Outcome::Failed,
            limit: "prove_undo".to_owned(),
            count,
            hosts: plan.hosts,
            allowed: 0,
            action: plan.on_breach,
            text: format!("ring '{}': {why} (prove_undo)", plan.name),
        };
        (plan.on_breach, event)
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
}

fn sharpness(action: OnBreach) -> u8 {
    match action {
        OnBreach::Pause => 0,
        OnBreach::Stop => 1,
        OnBreach::RollbackRing => 2,
        OnBreach::RollbackRun => 3,
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
    let formula = match limit {
        Limit::Count(_) => format!("allows {allowed}"),
        Limit::Percent(_) => format!("allows floor({limit} x {hosts}) = {allowed}"),
    };
    let words = if outcome == Outcome::Failed {
        "failed".to_owned()
    } else {
        format!("are {outcome}")
    };
    let text = format!("{scope}: {count} of {hosts} hosts {words}, {key} {limit} {formula}");
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
