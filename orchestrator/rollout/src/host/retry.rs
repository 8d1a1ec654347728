//! What is tried again while nothing has been written, and how long the pauses are.
//!
//! Before the first write a host only got reads, which may be repeated ([MS-WSMV] has no effect of them to lose). A
//! host that is off is not among the causes: it costs one bounded connect here, and `catch-up` is for it. Neither is
//! any explicit refusal. After the first write contact is sought for as long as the host's deadline allows, outside
//! any budget, because the outcome is in the balance (`host.rs`).

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::fleet::{HostError, Reason, Severity};

/// The first pause, doubled each time up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many retries are left in the whole run. Shared by its hosts.
#[derive(Clone, Debug)]
pub(crate) struct RetryBudget(Arc<AtomicU64>);

impl RetryBudget {
    pub(crate) fn new(retries: u64) -> Self {
        Self(Arc::new(AtomicU64::new(retries)))
    }

    /// Takes one; false where none is left.
    pub(super) fn take(&self) -> bool {
        // Relaxed: a count, nothing else is ordered by it.
        let one_less = |left: u64| left.checked_sub(1);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .is_ok()
    }
}

/// Worth another attempt where nothing was written: the cause is likely to pass by itself within seconds. `touched`: a
/// step was begun, so that only what the reason alone tells counts.
pub(super) fn may_pass(error: &HostError, touched: bool) -> bool {
    let tells = match error.reason {
        Reason::ConnectionLost | Reason::ServiceUnavailable => {
            error.severity == Severity::Unreachable
        }
        Reason::Quota => error.severity != Severity::Lost,
        _ => false,
    };
    let known = error.passes
        && !touched
        && matches!(error.severity, Severity::Unreachable | Severity::Failed);
    tells || known
}

/// The pause before attempt `attempt` (2 for the first retry): exponential, and between half and all of it, spread
/// over the hosts by a hash of `who`, so that they do not come back at once and a run can be replayed.
pub(super) fn pause(who: &str, attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(2).min(16);
    let whole = FIRST_PAUSE
        .saturating_mul(1 << doublings)
        .min(LONGEST_PAUSE);
    let mut hasher = DefaultHasher::new();
    (who, attempt).hash(&mut hasher);
    let share =
        f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    whole.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_are_spread_and_bounded() {
        for attempt in 2..40 {
            let all: Vec<Duration> = (0..50)
                .map(|host| pause(&format!("pc-{host}"), attempt))
                .collect();
            let whole = FIRST_PAUSE
                .saturating_mul(1 << (attempt - 2).min(16))
                .min(LONGEST_PAUSE);
            assert!(
                all.iter()
                    .all(|pause| *pause >= whole / 2 && *pause <= whole),
                "{attempt}"
            );
            assert!(all.iter().any(|pause| *pause != all[0]), "spread");
        }
    }

    #[test]
    fn a_budget_is_spent_once() {
        let budget = RetryBudget::new(2);
        assert!(budget.take() && budget.clone().take());
        assert!(!budget.take());
    }
}
