//! What the seeds met, so that a change of the engine or of the schedules cannot quietly empty the simulation.

use std::collections::BTreeMap;
use std::fmt;

use playbooks::OnBreach;
use rollout::{Event, EventKind, Outcome, RunRecord};

/// Counts by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage(BTreeMap<&'static str, u64>);

/// All of these have to be met by the seeds of the gate already.
const MUST: [&str; 41] = [
    "runs",
    "controllers",
    "controllers killed",
    "controllers with a journal that failed",
    "orders: abort",
    "orders: approve",
    "orders: pause",
    "orders: resume",
    "keyboard: stopped",
    "keyboard: given up",
    "compared with an undisturbed run",
    "compared after a crash",
    "reopened with --only",
    "another machine under the name",
    "wrong_host refused",
    "changed by somebody else",
    "forced rollback",
    "rollback without anything to do",
    "rollback disturbed",
    "breach: stop",
    "breach: pause",
    "breach: rollback_ring",
    "breach: rollback_run",
    "undo after a breach",
    "markers left",
    "markers taken over",
    "hold: soak",
    "hold: other",
    "attempts again",
    "tasks that panicked",
    "settled after lost contact",
    "outcome: ok",
    "outcome: failed",
    "outcome: unreachable",
    "outcome: indeterminate",
    "outcome: not_started",
    "outcome: rolled_back",
    "outcome: conflict",
    "state: succeeded",
    "state: cancelled",
    "state: stuck",
];

impl Coverage {
    pub(crate) fn met(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (what, count) in other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let missing = |what: &&&str| !self.0.contains_key(**what);
        MUST.iter().filter(missing).copied().collect()
    }

    /// What happened on the way.
    pub(crate) fn events(&mut self, events: &[Event]) {
        for event in events {
            match &event.kind {
                EventKind::LimitBreached { action, .. } => self.met(match action {
                    OnBreach::Stop => "breach: stop",
                    OnBreach::Pause => "breach: pause",
                    OnBreach::RollbackRing => "breach: rollback_ring",
                    OnBreach::RollbackRun => "breach: rollback_run",
                }),
                EventKind::TraceLeft { .. } => self.met("markers left"),
                EventKind::MarkerTakenOver { .. } => self.met("markers taken over"),
                EventKind::UndoStarted => self.met("undo after a breach"),
                EventKind::RunHeld { cause, .. } => self.met(match cause {
                    rollout::HoldCause::Soak => "hold: soak",
                    _ => "hold: other",
                }),
                EventKind::HostRetry { .. } => self.met("attempts again"),
                EventKind::HostFinished {
                    outcome,
                    reason,
                    attempts,
                    ..
                } => match reason {
                    Some(rollout::Reason::Internal) => self.met("tasks that panicked"),
                    Some(rollout::Reason::WrongHost) => self.met("wrong_host refused"),
                    None if *outcome == Outcome::Ok && *attempts > 1 => {
                        self.met("settled after lost contact");
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }

    /// What was left.
    pub(crate) fn end(&mut self, record: &RunRecord) {
        self.met("runs");
        self.met(match record.state.as_str() {
            "succeeded" => "state: succeeded",
            "cancelled" => "state: cancelled",
            "stuck" => "state: stuck",
            _ => "state: failed",
        });
        for host in &record.hosts {
            self.met(match host.outcome {
                Outcome::Ok => "outcome: ok",
                Outcome::Failed => "outcome: failed",
                Outcome::Unreachable => "outcome: unreachable",
                Outcome::Indeterminate => "outcome: indeterminate",
                Outcome::NotStarted => "outcome: not_started",
                Outcome::RolledBack => "outcome: rolled_back",
                Outcome::Conflict => "outcome: conflict",
            });
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = self.0.iter();
        all.try_for_each(|(what, count)| writeln!(out, "{count:>9}  {what}"))
    }
}
