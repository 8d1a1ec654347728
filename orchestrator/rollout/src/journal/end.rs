//! How a run ended, kept beside it so that a list of runs need not read their events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::disk::text;
use crate::event::EventKind;
use crate::outcome::{RunState, Totals};
use crate::progress::{HostId, IllegalEvent, Progress};

/// How a run ended, so that `runs` need not read its events.
#[derive(Serialize, Deserialize)]
pub(super) struct DiskEnd {
    pub(super) state: RunState,
    pub(super) exit_code: u8,
    pub(super) started: Option<Timestamp>,
    pub(super) finished: Timestamp,
    pub(super) totals: Totals,
}

impl DiskEnd {
    pub(super) fn new(
        state: RunState,
        exit_code: u8,
        started: Option<Timestamp>,
        finished: Timestamp,
        totals: Totals,
    ) -> Self {
        Self {
            state,
            exit_code,
            started,
            finished,
            totals,
        }
    }
}

/// The end of a run from its events, as `runs.ended` has it: a pure function of the chained records.
pub(super) struct EndFold {
    progress: Progress,
    started: Option<Timestamp>,
    end: Option<(RunState, u8, Timestamp)>,
}

impl EndFold {
    pub(super) fn new(progress: Progress) -> Self {
        Self {
            progress,
            started: None,
            end: None,
        }
    }

    pub(super) fn note(
        &mut self,
        time: Timestamp,
        host: Option<HostId>,
        event: &EventKind,
    ) -> Result<(), IllegalEvent> {
        self.progress.apply(host, event)?;
        self.started = self.started.or(Some(time));
        match event {
            EventKind::RunFinished { state, exit_code } => {
                self.end = Some((*state, *exit_code, time))
            }
            EventKind::RunResumed { .. } => self.end = None,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Option<String> {
        let (state, exit_code, finished) = self.end?;
        let totals = self.progress.totals();
        Some(text(&DiskEnd::new(
            state,
            exit_code,
            self.started,
            finished,
            totals,
        )))
    }
}
