//! The exit code of a run: one function of its record (product contract, section 5). An internal error, or one of the
//! journal (1), is no end of a run: the record stays open, and the error itself tells it.

use crate::outcome::{RunState, StopCause, Totals};
use crate::record::RunRecord;

/// All was done and read back, or there was nothing to do.
pub const OK: u8 = 0;
/// Some hosts failed, or a rollback left conflicts.
pub const FAILED: u8 = 3;
/// Some hosts unreachable, none failed.
pub const UNREACHABLE: u8 = 4;
/// Some hosts indeterminate.
pub const INDETERMINATE: u8 = 5;
/// Stopped or paused by a limit or a gate.
pub const STOPPED: u8 = 6;
/// Rolled back, wholly or in part, by a limit.
pub const ROLLED_BACK: u8 = 7;
/// The credential guard tripped.
pub const GUARD: u8 = 9;
/// Interrupted; the run can be resumed.
pub const INTERRUPTED: u8 = 130;

/// What the exit code of a run depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Where the run stands.
    pub state: RunState,
    /// Why it stopped early.
    pub stopped: Option<StopCause>,
    /// Hosts were taken back because of a breach.
    pub rolled_back: bool,
    /// Over all hosts.
    pub totals: Totals,
}

/// The first that applies of 130, 9, 5, 7, 6, 3, 4, 0.
pub fn exit_code(ending: &Ending) -> u8 {
    let Ending {
        state,
        stopped,
        rolled_back,
        totals,
    } = ending;
    let stop = matches!(
        stopped,
        Some(StopCause::Limit | StopCause::Deadline | StopCause::Pause | StopCause::Abort)
    );
    match stopped {
        _ if *state == RunState::Interrupted || *stopped == Some(StopCause::Operator) => {
            INTERRUPTED
        }
        Some(StopCause::Guard) => GUARD,
        _ if totals.indeterminate > 0 => INDETERMINATE,
        _ if *rolled_back => ROLLED_BACK,
        _ if stop || *state == RunState::Paused => STOPPED,
        _ if totals.failed + totals.conflict > 0 => FAILED,
        _ if totals.unreachable > 0 => UNREACHABLE,
        _ => OK,
    }
}

impl RunRecord {
    /// What the exit code depends on.
    pub fn ending(&self) -> Ending {
        Ending {
            state: self.state,
            stopped: self.stopped,
            rolled_back: self.rolled_back,
            totals: self.totals,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDED: Ending = Ending {
        state: RunState::Succeeded,
        stopped: None,
        rolled_back: false,
        totals: NOBODY,
    };
    const NOBODY: Totals = Totals {
        hosts: 0,
        changed: 0,
        ok: 0,
        failed: 0,
        unreachable: 0,
        indeterminate: 0,
        not_started: 0,
        rolled_back: 0,
        conflict: 0,
    };

    fn check(expected: u8, ending: Ending) {
        assert_eq!(exit_code(&ending), expected, "{ending:?}");
    }

    fn totals(failed: u32, unreachable: u32, indeterminate: u32) -> Totals {
        Totals {
            hosts: 10,
            failed,
            unreachable,
            indeterminate,
            ..Totals::default()
        }
    }

    #[test]
    fn the_first_that_applies() {
        let all = Ending {
            state: RunState::Interrupted,
            stopped: Some(StopCause::Guard),
            rolled_back: true,
            totals: totals(1, 1, 1),
        };
        check(130, all);
        check(
            130,
            Ending {
                state: RunState::Failed,
                stopped: Some(StopCause::Operator),
                ..all
            },
        );
        let guard = Ending {
            state: RunState::Failed,
            stopped: Some(StopCause::Guard),
            ..all
        };
        check(9, guard);
        let limit = Ending {
            stopped: Some(StopCause::Limit),
            ..guard
        };
        check(5, limit);
        let settled = Ending {
            totals: totals(1, 1, 0),
            ..limit
        };
        check(7, settled);
        check(
            6,
            Ending {
                rolled_back: false,
                ..settled
            },
        );
        check(
            6,
            Ending {
                rolled_back: false,
                stopped: Some(StopCause::Deadline),
                ..settled
            },
        );
        let through = Ending {
            rolled_back: false,
            stopped: None,
            ..settled
        };
        check(3, through);
        check(
            4,
            Ending {
                totals: totals(0, 1, 0),
                ..through
            },
        );
        check(
            0,
            Ending {
                totals: totals(0, 0, 0),
                ..through
            },
        );
    }

    #[test]
    fn a_rollback_of_an_operator() {
        let restored = Totals {
            hosts: 2,
            rolled_back: 2,
            changed: 2,
            ..Totals::default()
        };
        check(
            0,
            Ending {
                totals: restored,
                ..ENDED
            },
        );
        check(
            3,
            Ending {
                totals: Totals {
                    conflict: 1,
                    ..restored
                },
                ..ENDED
            },
        );
    }

    #[test]
    fn paused_or_aborted_is_stopped() {
        check(
            6,
            Ending {
                state: RunState::Paused,
                ..ENDED
            },
        );
        let aborted = Ending {
            state: RunState::Cancelled,
            stopped: Some(StopCause::Abort),
            ..ENDED
        };
        check(6, aborted);
        check(
            5,
            Ending {
                totals: totals(1, 0, 1),
                ..aborted
            },
        );
    }
}
