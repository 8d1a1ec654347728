//! The events that are rare in a run, stored under their full field names.

use jiff::Timestamp;
use playbooks::{OnBreach, PreflightFinding};
use serde::{Deserialize, Serialize};

use crate::event::{EventKind, Trace};
use crate::fleet::Reason;
use crate::outcome::{HoldCause, Outcome, RunState, StopCause};
use crate::spec::Verb;

#[derive(Serialize, Deserialize)]
#[serde(tag = "k", rename_all = "snake_case")]
pub(super) enum DiskPlain {
    RunStarted {
        verb: Verb,
        hosts: u32,
    },
    RunResumed {
        only: Vec<Outcome>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hosts: Option<Vec<u32>>,
        #[serde(default)]
        operator: Option<String>,
    },
    RunHeld {
        cause: HoldCause,
        ring: Option<u32>,
        /// Microseconds since 1970.
        until: Option<i64>,
        detail: String,
    },
    RunReleased {
        cause: HoldCause,
    },
    RingApproved {
        ring: u32,
        name: String,
        operator: String,
    },
    RingStarted {
        ring: u32,
        name: String,
        hosts: u32,
        max_parallel: u32,
    },
    HostRetry {
        attempt: u32,
        reason: Reason,
        detail: String,
    },
    StepStarted {
        step: u32,
    },
    /// Stored as it is shown.
    AdvproxySeen {
        step: u32,
        document: String,
        finding: Option<PreflightFinding>,
    },
    /// Stored as it is shown: key, name and text.
    TraceLeft {
        trace: Trace,
    },
    TraceGone {
        trace: Trace,
    },
    MarkerTakenOver {
        detail: String,
    },
    LimitBreached {
        ring: Option<String>,
        outcome: Outcome,
        limit: String,
        count: u32,
        hosts: u32,
        allowed: u64,
        action: OnBreach,
        text: String,
    },
    StopRequested {
        cause: StopCause,
        detail: String,
    },
    GuardTripped {
        detail: String,
    },
    RollbackStarted {
        ring: Option<u32>,
        hosts: u32,
    },
    RingFinished {
        ring: u32,
        name: String,
    },
    RunFinished {
        state: RunState,
        exit_code: u8,
    },
    /// Never stored: these kinds have forms of their own in `disk.rs`.
    Elsewhere,
}

impl DiskPlain {
    pub(super) const KINDS: [&str; 18] = [
        "run_started",
        "run_resumed",
        "run_held",
        "run_released",
        "ring_approved",
        "ring_started",
        "host_retry",
        "step_started",
        "advproxy_seen",
        "trace_left",
        "trace_gone",
        "marker_taken_over",
        "limit_breached",
        "stop_requested",
        "guard_tripped",
        "rollback_started",
        "ring_finished",
        "run_finished",
    ];
}

impl From<&EventKind> for DiskPlain {
    fn from(event: &EventKind) -> Self {
        match event.clone() {
            EventKind::RunStarted { verb, hosts } => Self::RunStarted { verb, hosts },
            EventKind::RunResumed {
                only,
                hosts,
                operator,
            } => Self::RunResumed {
                only,
                hosts,
                operator,
            },
            EventKind::RunHeld {
                cause,
                ring,
                until,
                detail,
            } => Self::RunHeld {
                cause,
                ring,
                until: until.map(Timestamp::as_microsecond),
                detail,
            },
            EventKind::RunReleased { cause } => Self::RunReleased { cause },
            EventKind::RingApproved {
                ring,
                name,
                operator,
            } => Self::RingApproved {
                ring,
                name,
                operator,
            },
            EventKind::RingStarted {
                ring,
                name,
                hosts,
                max_parallel,
            } => Self::RingStarted {
                ring,
                name,
                hosts,
                max_parallel,
            },
            EventKind::HostRetry {
                attempt,
                reason,
                detail,
            } => Self::HostRetry {
                attempt,
                reason,
                detail,
            },
            EventKind::StepStarted { step } => Self::StepStarted { step },
            EventKind::AdvproxySeen {
                step,
                document,
                finding,
            } => Self::AdvproxySeen {
                step,
                document,
                finding,
            },
            EventKind::TraceLeft { trace } => Self::TraceLeft { trace },
            EventKind::TraceGone { trace } => Self::TraceGone { trace },
            EventKind::MarkerTakenOver { detail } => Self::MarkerTakenOver { detail },
            EventKind::LimitBreached {
                ring,
                outcome,
                limit,
                count,
                hosts,
                allowed,
                action,
                text,
            } => Self::LimitBreached {
                ring,
                outcome,
                limit,
                count,
                hosts,
                allowed,
                action,
                text,
            },
            EventKind::StopRequested { cause, detail } => Self::StopRequested { cause, detail },
            EventKind::GuardTripped { detail } => Self::GuardTripped { detail },
            EventKind::RollbackStarted { ring, hosts } => Self::RollbackStarted { ring, hosts },
            EventKind::RingFinished { ring, name } => Self::RingFinished { ring, name },
            EventKind::RunFinished { state, exit_code } => Self::RunFinished { state, exit_code },
            _ => Self::Elsewhere,
        }
    }
}

impl From<DiskPlain> for EventKind {
    fn from(disk: DiskPlain) -> Self {
        match disk {
            DiskPlain::RunStarted { verb, hosts } => Self::RunStarted { verb, hosts },
            DiskPlain::RunResumed {
                only,
                hosts,
                operator,
            } => Self::RunResumed {
                only,
                hosts,
                operator,
            },
            DiskPlain::RunHeld {
                cause,
                ring,
                until,
                detail,
            } => Self::RunHeld {
                cause,
                ring,
                until: until.and_then(|time| Timestamp::from_microsecond(time).ok()),
                detail,
            },
            DiskPlain::RunReleased { cause } => Self::RunReleased { cause },
            DiskPlain::RingApproved {
                ring,
                name,
                operator,
            } => Self::RingApproved {
                ring,
                name,
                operator,
            },
            DiskPlain::RingStarted {
                ring,
                name,
                hosts,
                max_parallel,
            } => Self::RingStarted {
                ring,
                name,
                hosts,
                max_parallel,
            },
            DiskPlain::HostRetry {
                attempt,
                reason,
                detail,
            } => Self::HostRetry {
                attempt,
                reason,
                detail,
            },
            DiskPlain::StepStarted { step } => Self::StepStarted { step },
            DiskPlain::AdvproxySeen {
                step,
                document,
                finding,
            } => Self::AdvproxySeen {
                step,
                document,
                finding,
            },
            DiskPlain::TraceLeft { trace } => Self::TraceLeft { trace },
            DiskPlain::TraceGone { trace } => Self::TraceGone { trace },
            DiskPlain::MarkerTakenOver { detail } => Self::MarkerTakenOver { detail },
            DiskPlain::LimitBreached {
                ring,
                outcome,
                limit,
                count,
                hosts,
                allowed,
                action,
                text,
            } => Self::LimitBreached {
                ring,
                outcome,
                limit,
                count,
                hosts,
                allowed,
                action,
                text,
            },
            DiskPlain::StopRequested { cause, detail } => Self::StopRequested { cause, detail },
            DiskPlain::GuardTripped { detail } => Self::GuardTripped { detail },
            DiskPlain::RollbackStarted { ring, hosts } => Self::RollbackStarted { ring, hosts },
            DiskPlain::RingFinished { ring, name } => Self::RingFinished { ring, name },
            DiskPlain::RunFinished { state, exit_code } => Self::RunFinished { state, exit_code },
            DiskPlain::Elsewhere => Self::Unknown {
                kind: "elsewhere".to_owned(),
                data: String::new(),
            },
        }
    }
}
