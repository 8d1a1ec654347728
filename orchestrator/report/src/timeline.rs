//! When each host was worked on: what the events know and the run record does not keep.
//!
//! A fold over the events of one run, filled by the caller from the journal (`Journal::visit_events`). The shapes
//! that show it are `html` and `junit`; the events of one host in full are `trail`.

use std::collections::HashMap;

use inventory::HostName;
use jiff::Timestamp;
use rollout::{Event, EventKind};

/// The times of every host of a run.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    hosts: HashMap<HostName, HostTimes>,
}

/// The times of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostTimes {
    /// Start of the last attempt (an undo after a breach counts as one).
    pub started: Option<Timestamp>,
    /// End of the last attempt; `None` while it is under way or where the controller was lost.
    pub ended: Option<Timestamp>,
    /// Connections sought again after one was lost, over all attempts.
    pub retries: u32,
}

impl HostTimes {
    /// How long the last attempt took, in milliseconds.
    pub fn took(&self) -> Option<i64> {
        Some(millis(self.started?, self.ended?))
    }
}

impl Timeline {
    /// Takes note of one event; call it in the order of the journal.
    pub fn take(&mut self, event: &Event) {
        let Some(host) = &event.host else { return };
        match event.kind {
            EventKind::HostStarted | EventKind::UndoStarted => {
                let times = self.hosts.entry(host.clone()).or_default();
                (times.started, times.ended) = (Some(event.time), None);
            }
            EventKind::HostRetry { .. } => {
                self.hosts.entry(host.clone()).or_default().retries += 1;
            }
            EventKind::HostFinished { .. } => {
                self.hosts.entry(host.clone()).or_default().ended = Some(event.time);
            }
            _ => {}
        }
    }

    /// The times of a host; all empty where it was never attempted.
    pub fn of(&self, host: &HostName) -> HostTimes {
        self.hosts.get(host).copied().unwrap_or_default()
    }
}

/// Milliseconds from one time to another; negative where the clock was set back.
pub fn millis(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond() - from.as_millisecond()
}

#[cfg(test)]
mod tests {
    use rollout::{Outcome, Reason};

    use super::*;
    use crate::sample;

    #[test]
    fn the_last_attempt_counts() {
        let at = |text: &str, mut event: Event| {
            event.time = text.parse().unwrap();
            event
        };
        let mut timeline = Timeline::default();
        let retry = EventKind::HostRetry {
            attempt: 2,
            reason: Reason::ConnectionLost,
            detail: "gone".to_owned(),
        };
        for event in [
            at(
                "2026-11-23T10:00:00Z",
                sample::event("pc-1", EventKind::HostStarted),
            ),
            at("2026-11-23T10:00:01Z", sample::event("pc-1", retry)),
            at(
                "2026-11-23T10:00:02Z",
                sample::finished("pc-1", Outcome::Failed, None),
            ),
            at(
                "2026-11-23T11:00:00Z",
                sample::event("pc-1", EventKind::HostStarted),
            ),
        ] {
            timeline.take(&event);
        }
        let under_way = timeline.of(&HostName::new("PC-1"));
        assert_eq!((under_way.retries, under_way.took()), (1, None));
        timeline.take(&at(
            "2026-11-23T11:00:00.250Z",
            sample::finished("pc-1", Outcome::Ok, None),
        ));
        assert_eq!(timeline.of(&HostName::new("pc-1")).took(), Some(250));
        assert_eq!(timeline.of(&HostName::new("pc-2")), HostTimes::default());
    }
}
