//! Everything that only reads: the list of runs, one run as reports show it, events, a run's input.

use inventory::HostName;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::Journal;
use super::disk::{self, parse, text};
use super::disk_shapes::Shapes;
use super::disk_spec::{DiskRun, HostRow};
use super::error::JournalError;
use crate::event::{Event, EventKind};
use crate::history::HostHistory;
use crate::outcome::{RunState, Totals};
use crate::progress::{HostId, IllegalEvent, Progress};
use crate::record::{RunRecord, RunSummary};
use crate::record_fold::Fold;
use crate::spec::{HostSpec, RunId, RunSpec};

/// How a run ended, so that `runs` need not read its events.
#[derive(Serialize, Deserialize)]
pub(super) struct DiskEnd {
    state: RunState,
    exit_code: u8,
    started: Option<Timestamp>,
    finished: Timestamp,
    totals: Totals,
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

impl Journal {
    /// All runs, newest first.
    pub fn runs(&self) -> Result<Vec<RunSummary>, JournalError> {
        let rows: Vec<(String, String, Option<String>)> = {
            let db = self.reader();
            let mut query = db
                .prepare("SELECT id, spec, ended FROM runs ORDER BY rowid DESC")
                .map_err(|error| self.read_error(error))?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            rows.and_then(Iterator::collect)
                .map_err(|error| self.read_error(error))?
        };
        rows.into_iter()
            .map(|(id, spec, ended)| self.summary(RunId::from_text(id), &spec, ended))
            .collect()
    }

    /// One run as reports show it.
    pub fn run(&self, id: &RunId) -> Result<RunRecord, JournalError> {
        let run = self.row_of(id)?;
        let disk = self.disk_run(id, run)?;
        let hosts = self.host_rows(run, |row| {
            Ok((
                HostName::new(row.get::<_, String>(0)?),
                row.get::<_, u32>(1)?,
            ))
        })?;
        let shapes = self.shapes(run)?;
        let mut fold = Fold::new(disk.into_spec(id.clone(), Vec::new()), hosts);
        self.for_each(id, run, &shapes, None, |seq, time, host, event| {
            fold.note(time, host, event)
                .map_err(|source| JournalError::Inconsistent {
                    run: id.to_string(),
                    seq,
                    source,
                })
        })?;
        let head = self.head(run)?.map(|head| head.to_string());
        Ok(fold.finish(self.holder(id).is_some(), head))
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
        let run = self.row_of(id)?;
        let names = self.host_rows(run, |row| Ok(HostName::new(row.get::<_, String>(0)?)))?;
        let shapes = self.shapes(run)?;
        self.for_each(id, run, &shapes, None, |seq, time, host, kind| {
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
        let run = self.row_of(id)?;
        let disk = self.disk_run(id, run)?;
        let shapes = self.shapes(run)?;
        let rows = self.host_rows(run, |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get::<_, u32>(3)?,
                row.get(4)?,
            ))
        })?;
        let mut hosts: Vec<HostSpec> = Vec::with_capacity(rows.len());
        for (name, ring, address, shape, undo) in rows {
            let data = |detail| JournalError::Data {
                run: id.to_string(),
                what: format!("host '{name}'"),
                detail,
            };
            let shape = shapes
                .text(shape)
                .ok_or_else(|| data(format!("there is no shape {shape}")))?
                .to_owned();
            let row = HostRow {
                name: name.clone(),
                address,
                ring,
                shape,
                undo,
            };
            hosts.push(row.into_spec().map_err(data)?);
        }
        Ok(disk.into_spec(id.clone(), hosts))
    }

    /// Histories of all hosts of a run, each with its index, one after the other.
    pub(crate) fn histories(&self, id: &RunId) -> Result<Vec<HostHistory>, JournalError> {
        let run = self.row_of(id)?;
        let count = self.host_rows(run, |_| Ok(()))?.len();
        let shapes = self.shapes(run)?;
        let mut all = vec![HostHistory::default(); count];
        self.for_each(id, run, &shapes, None, |_, _, host, event| {
            if let Some(history) = host.and_then(|host| all.get_mut(host.index())) {
                history.note(&event);
            }
            Ok(())
        })?;
        Ok(all)
    }

    pub(super) fn row_of(&self, id: &RunId) -> Result<i64, JournalError> {
        let db = self.reader();
        let row = db
            .query_row(
                "SELECT rowid FROM runs WHERE id = ?1",
                [id.as_str()],
                |row| row.get(0),
            )
            .optional();
        row.map_err(|error| self.read_error(error))?
            .ok_or_else(|| JournalError::UnknownRun(id.to_string()))
    }

    pub(super) fn shapes(&self, run: i64) -> Result<Shapes, JournalError> {
        let db = self.reader();
        let texts: Vec<String> = db
            .prepare("SELECT data FROM shapes WHERE run = ?1 ORDER BY id")
            .and_then(|mut query| query.query_map([run], |row| row.get(0))?.collect())
            .map_err(|error| self.read_error(error))?;
        let mut shapes = Shapes::default();
        texts.into_iter().for_each(|text| shapes.push(text));
        Ok(shapes)
    }

    pub(super) fn for_each(
        &self,
        id: &RunId,
        run: i64,
        shapes: &Shapes,
        host: Option<HostId>,
        mut visit: impl FnMut(u64, Timestamp, Option<HostId>, EventKind) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let db = self.reader();
        let condition = if host.is_some() {
            "AND host = ?2"
        } else {
            "AND ?2 IS NULL"
        };
        let sql = format!(
            "SELECT seq, time, host, kind, data FROM events WHERE run = ?1 {condition} ORDER BY seq"
        );
        let mut query = db
            .prepare_cached(&sql)
            .map_err(|error| self.read_error(error))?;
        let mut rows = query
            .query(params![run, host.map(|id| id.0)])
            .map_err(|error| self.read_error(error))?;
        while let Some(row) = rows.next().map_err(|error| self.read_error(error))? {
            let read = || {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                ))
            };
            let (seq, time, host, kind, data): (i64, i64, Option<u32>, String, String) =
                read().map_err(|error| self.read_error(error))?;
            let damaged = |detail| JournalError::Data {
                run: id.to_string(),
                what: format!("event {seq} ({kind})"),
                detail,
            };
            let event = disk::decode(&kind, &data, shapes).map_err(damaged)?;
            let time =
                Timestamp::from_microsecond(time).map_err(|error| damaged(error.to_string()))?;
            visit(seq.unsigned_abs(), time, host.map(HostId), event)?;
        }
        Ok(())
    }

    fn summary(
        &self,
        id: RunId,
        spec: &str,
        ended: Option<String>,
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
            None => self.unfinished(&id, disk.rings.len())?,
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
        let run = self.row_of(id)?;
        let hosts = self.host_rows(run, |row| row.get::<_, u32>(1))?;
        let shapes = self.shapes(run)?;
        let mut progress = Progress::of_rings(rings, hosts.into_iter().map(|ring| ring as usize));
        let mut started = None;
        self.for_each(id, run, &shapes, None, |seq, time, host, event| {
            started = started.or(Some(time));
            progress
                .apply(host, &event)
                .map_err(|source| JournalError::Inconsistent {
                    run: id.to_string(),
                    seq,
                    source,
                })
        })?;
        let state = shown_state(progress.state, self.holder(id).is_some());
        Ok((started, None, state, None, progress.totals()))
    }

    fn disk_run(&self, id: &RunId, run: i64) -> Result<DiskRun, JournalError> {
        let db = self.reader();
        let text: String = db
            .query_row("SELECT spec FROM runs WHERE rowid = ?1", [run], |row| {
                row.get(0)
            })
            .map_err(|error| self.read_error(error))?;
        parse(&text).map_err(|detail| JournalError::Data {
            run: id.to_string(),
            what: "its description".to_owned(),
            detail,
        })
    }

    fn host_rows<T>(
        &self,
        run: i64,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, JournalError> {
        let db = self.reader();
        db.prepare("SELECT name, ring, address, shape, undo FROM hosts WHERE run = ?1 ORDER BY id")
            .and_then(|mut query| query.query_map([run], read)?.collect())
            .map_err(|error| self.read_error(error))
    }
}

/// A run that its events call running and that nobody holds was interrupted.
pub(crate) fn shown_state(state: RunState, held: bool) -> RunState {
    match state {
        RunState::Running | RunState::RollingBack if !held => RunState::Interrupted,
        state => state,
    }
}
