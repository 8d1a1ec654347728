//! Single events as lines for people: what plain progress prints, and what bars print above themselves.

use rollout::{Event, EventKind, RunState};

use crate::preflight;
use crate::text::{counted, neutral};

/// How many lines a run produces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chatter {
    /// Rings, breaches, the first host of each cause.
    #[default]
    Normal,
    /// Every host as well.
    Hosts,
    /// Every step as well.
    Steps,
}

/// The line for an event, or `None` where it is not worth one. `fresh` marks the first host of a cause.
pub fn line(event: &Event, chatter: Chatter, fresh: bool) -> Option<String> {
    let host = event
        .host
        .as_ref()
        .map(|host| neutral(host.as_str()))
        .unwrap_or_default();
    match &event.kind {
        EventKind::RunStarted { verb, hosts } => {
            Some(format!("{verb} of {}", counted(*hosts as usize, "host")))
        }
        EventKind::RunResumed { only, .. } if only.is_empty() => Some("going on".to_owned()),
        EventKind::RunHeld { detail, .. } => Some(format!("WAITING: {}", neutral(detail))),
        EventKind::RunReleased { cause } => {
            Some(format!("going on: no more waiting for {}", cause.as_str()))
        }
        EventKind::RingApproved { name, operator, .. } => {
            let (name, operator) = (neutral(name), neutral(operator));
            Some(format!("ring {name}: approved by {operator}"))
        }
        EventKind::RunResumed { only, hosts, .. } => {
            let only: Vec<&str> = only.iter().map(|outcome| outcome.as_str()).collect();
            let of = hosts.as_ref().map_or_else(String::new, |hosts| {
                format!(" ({} of them)", counted(hosts.len(), "host"))
            });
            Some(format!("doing again: {}{of}", only.join(", ")))
        }
        EventKind::RingStarted {
            name,
            hosts,
            max_parallel,
            ..
        } => Some(format!(
            "ring {}: {}, {max_parallel} at once",
            neutral(name),
            counted(*hosts as usize, "host")
        )),
        EventKind::RingFinished { name, .. } => Some(format!("ring {}: done", neutral(name))),
        EventKind::LimitBreached { text, .. } => Some(format!("LIMIT: {}", neutral(text))),
        EventKind::GuardTripped { detail } => {
            Some(format!("CREDENTIAL GUARD: {}", neutral(detail)))
        }
        EventKind::StopRequested { cause, detail } => {
            let cause = format!("{cause:?}").to_lowercase();
            Some(format!(
                "no further host is started ({cause}): {}",
                neutral(detail)
            ))
        }
        EventKind::RollbackStarted { hosts, .. } => {
            Some(format!("taking back {}", counted(*hosts as usize, "host")))
        }
        EventKind::RunFinished { state, .. } => Some(match state {
            RunState::Interrupted => "interrupted; the run can be resumed".to_owned(),
            state => format!("run {state}"),
        }),
        EventKind::HostFinished {
            outcome,
            changed,
            reason,
            detail,
            ..
        } => {
            if !(fresh || chatter >= Chatter::Hosts) {
                return None;
            }
            let change = if *changed { " (changed)" } else { "" };
            let cause = reason
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            let detail = detail
                .as_deref()
                .map(|text| format!(": {}", neutral(text)))
                .unwrap_or_default();
            Some(format!("{host}: {outcome}{change}{cause}{detail}"))
        }
        EventKind::HostRetry {
            attempt,
            reason,
            detail,
        } if chatter >= Chatter::Hosts => Some(format!(
            "{host}: connection {attempt} ({reason}: {})",
            neutral(detail)
        )),
        EventKind::HostStarted if chatter >= Chatter::Steps => Some(format!("{host}: started")),
        EventKind::HostIdentified { identity } if chatter >= Chatter::Steps => {
            Some(format!("{host}: logged on, {}", neutral(&identity.auth)))
        }
        EventKind::UndoProved if chatter >= Chatter::Steps => Some(format!(
            "{host}: taken back and compared: as it had been; applied again"
        )),
        EventKind::PreflightFound { findings } if chatter >= Chatter::Steps => Some(format!(
            "{host}: preflight: {}",
            neutral(&preflight::cell(findings))
        )),
        EventKind::AdvproxySeen {
            finding: Some(finding),
            ..
        } if chatter >= Chatter::Steps => Some(format!(
            "{host}: {}",
            neutral(&preflight::cell(std::slice::from_ref(finding)))
        )),
        EventKind::ProbeFinished { probe, verdict } if chatter >= Chatter::Steps => Some(format!(
            "{host}: probe {} {}: {}",
            probe + 1,
            verdict.finding.as_str(),
            neutral(&verdict.detail)
        )),
        EventKind::StepFinished {
            step,
            state,
            detail,
            ..
        } if chatter >= Chatter::Steps => {
            let detail = detail
                .as_deref()
                .map(|text| format!(": {}", neutral(text)))
                .unwrap_or_default();
            Some(format!("{host}: step {} {state}{detail}", step + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rollout::{Outcome, Reason};

    use super::*;
    use crate::sample::finished;

    #[test]
    fn hosts_speak_only_when_asked_or_new() {
        let event = finished("pc-1", Outcome::Failed, Some(Reason::Fault));
        assert_eq!(line(&event, Chatter::Normal, false), None);
        let text = "pc-1: failed: fault: says <U+001B>[2Jno";
        assert_eq!(line(&event, Chatter::Normal, true).as_deref(), Some(text));
        assert_eq!(line(&event, Chatter::Hosts, false).as_deref(), Some(text));
    }
}
