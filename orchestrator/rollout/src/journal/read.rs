//! Everything that only reads: the list of runs, one run as reports show it, events, a run's input.

use inventory::HostName;
use jiff::Timestamp;
use rusqlite::params;

use super::Journal;
use super::disk::parse;
use super::disk_spec::DiskRun;
use super::end::DiskEnd;
use super::error::JournalError;
use crate::event::Event;
use crate::history::HostHistory;
use crate::outcome::{RunState, Totals};
use crate::progress::Progress;
use crate::record::{RunRecord, RunSummary};
use crate::record_fold::Fold;
use crate::spec::{RunId, RunSpec};

impl Journal {
    /// All runs, newest first.
    pub fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        let rows = self.summary_rows()?;
        // Who holds a run is asked before its events are read and after: a run that ends in between is not called
        // interrupted.
        let held: Vec<bool> = rows
            .iter()
            .map(|(id, ..)| self.holder(&RunId::from_text(id.clone())).is_some())
            .collect();
        let rows = rows.into_iter().zip(held);
        rows.map(|((id, spec, ended), held)| self.summary(RunId::from_text(id), &spec, ended, held))
            .collect()
    }

    fn summary_rows(&self) -> Result<Vec<(String, String, Option<String>)>, JournalError> {
        let db = self.reader();
        let mut query = db
            .prepare("SELECT id, spec, ended FROM runs ORDER BY rowid DESC")
            .map_err(|error| self.read_error(error))?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.and_then(Iterator::collect)
            .map_err(|error| self.read_error(error))
    }

    /// One run as reports show it.
    pub fn run(&self, id: &RunId) -> Result<RunRecord, JournalError> {
        let held = self.holder(id).is_some();
        let file = self.snapshot()?;
        let run = file.row_of(id)?;
        let disk = file.disk_run(id, run)?;
        let hosts = file.host_rows(run, |row| {
            Ok((
                HostName::new(row.get::<_, String>(0)?),
                row.get::<_, u32>(1)?,
            ))
        })?;
        let shapes = file.shapes(run)?;
        let mut fold = Fold::new(disk.into_spec(id.clone(), Vec::new()), hosts);
        file.for_each(id, run, &shapes, None, |seq, time, host, event| {
            fold.note(time, host, event)
                .map_err(|source| JournalError::Inconsistent {
                    run: id.to_string(),
                    seq,
                    source,
                })
        })?;
        let head = file.head(run)?.map(|head| head.to_string());
        Ok(fold.finish(held || self.holder(id).is_some(), head))
    }

    /// The events of a run, in order. For long runs prefer [`Journal::visit_events`].
    pub fn events(&self, id: &RunId) -> Result<Vec<Event>, JournalError> {
        let mut events = Vec::new();
        self.visit_events(id, |event| events.push(event))?;
        Ok(events)
    }

    /// Calls `visit` with each event of a run, in order.
    pub fn visit_events(
        &self,
        id: &RunId,
        mut visit: impl FnMut(Event),
    ) -> Result<(), JournalError> {
        let file = self.snapshot()?;
        let run = file.row_of(id)?;
        let names = file.host_rows(run, |row| Ok(HostName::new(row.get::<_, String>(0)?)))?;
        let shapes = file.shapes(run)?;
        file.for_each(id, run, &shapes, None, |seq, time, host, kind| {
            let host = host.and_then(|id| names.get(id.index())).cloned();
            visit(Event {
                seq,
                time,
                host,
                kind,
            });
            Ok(())
        })
    }

    /// The run that `last`, an id or a unique prefix stands for.
    pub fn resolve(&self, text: &str) -> Result<RunId, JournalError> {
        let db = self.reader();
        let pattern = if text == "last" {
            String::new()
        } else {
            text.to_ascii_lowercase()
        };
        let limit = if text == "last" { 1 } else { 5 };
        let found: Vec<String> = db
            .prepare("SELECT id FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY rowid DESC LIMIT ?2")
            .and_then(|mut query| query.query_map(params![pattern, limit], |row| row.get(0))?.collect())
            .map_err(|error| self.read_error(error))?;
        match found.as_slice() {
            _ if text.is_empty() => Err(JournalError::UnknownRun(text.to_owned())),
            [] => Err(JournalError::UnknownRun(text.to_owned())),
            [one] => Ok(RunId::from_text(one.clone())),
            many if many.contains(&pattern) => Ok(RunId::from_text(pattern)),
            _ => Err(JournalError::AmbiguousRun {
                prefix: text.to_owned(),
                candidates: found,
            }),
        }
    }

    /// What a run was asked to do.
    pub fn spec(&self, id: &RunId) -> Result<RunSpec, JournalError> {
        self.snapshot()?.spec(id)
    }

    /// Histories of all hosts of a run, each with its index, one after the other.
    pub(crate) fn histories(&self, id: &RunId) -> Result<Vec<HostHistory>, JournalError> {
        let file = self.snapshot()?;
        let run = file.row_of(id)?;
        let count = file.host_rows(run, |_| Ok(()))?.len();
        let shapes = file.shapes(run)?;
        let mut all = vec![HostHistory::default(); count];
        file.for_each(id, run, &shapes, None, |_, _, host, event| {
            if let Some(history) = host.and_then(|host| all.get_mut(host.index())) {
                history.note(&event);
            }
            Ok(())
        })?;
        Ok(all)
    }

    fn summary(
        &self,
        id: RunId,
        spec: &str,
        ended: Option<String>,
        held: bool,
    ) -> Result<RunSummary, JournalError> {
        let data = |detail| JournalError::Data {
            run: id.to_string(),
            what: "its description".to_owned(),
            detail,
        };
        let disk: DiskRun = parse(spec).map_err(data)?;
        let end = ended
            .map(|end| parse::<DiskEnd>(&end))
            .transpose()
            .map_err(data)?;
        let (started, finished, state, exit_code, totals) = match end {
            Some(end) => (
                end.started,
                Some(end.finished),
                end.state,
                Some(end.exit_code),
                end.totals,
            ),
            None => self.unfinished(&id, disk.rings.len(), held)?,
        };
        Ok(RunSummary {
            id,
            verb: disk.verb,
            simulated: disk.simulated,
            operator: disk.operator,
            reason: disk.reason,
            playbook: disk.playbook.name,
            source_run: disk.source_run.map(RunId::from_text),
            started,
            finished,
            state,
            exit_code,
            totals,
        })
    }

    #[expect(
        clippy::type_complexity,
        reason = "the tuple is taken apart at its only call"
    )]
    fn unfinished(
        &self,
        id: &RunId,
        rings: usize,
        held: bool,
    ) -> Result<
        (
            Option<Timestamp>,
            Option<Timestamp>,
            RunState,
            Option<u8>,
            Totals,
        ),
        JournalError,
    > {
        let file = self.snapshot()?;
        let run = file.row_of(id)?;
        let hosts = file.host_rows(run, |row| row.get::<_, u32>(1))?;
        let shapes = file.shapes(run)?;
        let mut progress = Progress::of_rings(rings, hosts.into_iter().map(|ring| ring as usize));
        let mut started = None;
        file.for_each(id, run, &shapes, None, |seq, time, host, event| {
            started = started.or(Some(time));
            progress
                .apply(host, &event)
                .map_err(|source| JournalError::Inconsistent {
                    run: id.to_string(),
                    seq,
                    source,
                })
        })?;
        let state = shown_state(progress.state, false, held || self.holder(id).is_some());
        Ok((started, None, state, None, progress.totals()))
    }
}

/// A run that its events call running, or waiting without an end, and that nobody holds was interrupted.
pub(crate) fn shown_state(state: RunState, ended: bool, held: bool) -> RunState {
    match state {
        RunState::Running | RunState::RollingBack if !held => RunState::Interrupted,
        RunState::Paused if !ended && !held => RunState::Interrupted,
        state => state,
    }
}
