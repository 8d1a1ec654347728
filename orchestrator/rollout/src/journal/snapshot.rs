//! One moment of the file: all that is read through it agrees, while another process goes on writing.

use std::sync::MutexGuard;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::Journal;
use super::chain::Link;
use super::disk::{self, parse};
use super::disk_shapes::Shapes;
use super::disk_spec::{DiskRun, HostRow};
use super::error::JournalError;
use super::raw;
use super::stored::Stored;
use super::verify::RawEvent;
use crate::event::EventKind;
use crate::progress::HostId;
use crate::spec::{HostSpec, RunId, RunSpec};

/// A read transaction. Others of this process that read wait until it is dropped: keep it short.
// INVARIANT: events name shapes by number, so both have to come from the same moment.
pub(super) struct Snapshot<'a> {
    journal: &'a Journal,
    db: MutexGuard<'a, Connection>,
}

impl Journal {
    /// The file as it is at the first look through the result.
    pub(super) fn snapshot(&self) -> Result<Snapshot<'_>, JournalError> {
        let db = self.reader();
        db.execute_batch("BEGIN DEFERRED")
            .map_err(|error| self.read_error(error))?;
        Ok(Snapshot { journal: self, db })
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // Nothing was written: there is nothing that an error here could lose.
        let _ = self.db.execute_batch("ROLLBACK");
    }
}

impl Snapshot<'_> {
    pub(super) fn row_of(&self, id: &RunId) -> Result<i64, JournalError> {
        let db = &self.db;
        let row = db
            .query_row(
                "SELECT rowid FROM runs WHERE id = ?1",
                [id.as_str()],
                |row| row.get(0),
            )
            .optional();
        row.map_err(|error| self.journal.read_error(error))?
            .ok_or_else(|| JournalError::UnknownRun(id.to_string()))
    }

    pub(super) fn disk_run(&self, id: &RunId, run: i64) -> Result<DiskRun, JournalError> {
        let db = &self.db;
        let text: String = db
            .query_row("SELECT spec FROM runs WHERE rowid = ?1", [run], |row| {
                row.get(0)
            })
            .map_err(|error| self.journal.read_error(error))?;
        parse(&text).map_err(|detail| JournalError::Data {
            run: id.to_string(),
            what: "its description".to_owned(),
            detail,
        })
    }

    /// What a run was asked to do.
    pub(super) fn spec(&self, id: &RunId) -> Result<RunSpec, JournalError> {
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

    pub(super) fn shapes(&self, run: i64) -> Result<Shapes, JournalError> {
        let db = &self.db;
        let texts: Vec<String> = db
            .prepare("SELECT data FROM shapes WHERE run = ?1 ORDER BY id")
            .and_then(|mut query| query.query_map([run], |row| row.get(0))?.collect())
            .map_err(|error| self.journal.read_error(error))?;
        let mut shapes = Shapes::default();
        texts.into_iter().for_each(|text| shapes.push(text));
        Ok(shapes)
    }

    /// As they stand, for the chain: see `raw.rs`.
    pub(super) fn raw_shapes(&self, run: i64) -> Result<Shapes, JournalError> {
        let texts: Vec<String> = self
            .db
            .prepare("SELECT data FROM shapes WHERE run = ?1 ORDER BY id")
            .and_then(|mut query| {
                let rows = query.query_map([run], |row| row.get_ref(0).map(raw::text))?;
                rows.collect()
            })
            .map_err(|error| self.journal.read_error(error))?;
        let mut shapes = Shapes::default();
        texts.into_iter().for_each(|text| shapes.push(text));
        Ok(shapes)
    }

    pub(super) fn host_rows<T>(
        &self,
        run: i64,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, JournalError> {
        let db = &self.db;
        db.prepare("SELECT name, ring, address, shape, undo FROM hosts WHERE run = ?1 ORDER BY id")
            .and_then(|mut query| query.query_map([run], read)?.collect())
            .map_err(|error| self.journal.read_error(error))
    }

    pub(super) fn for_each(
        &self,
        id: &RunId,
        run: i64,
        shapes: &Shapes,
        host: Option<HostId>,
        mut visit: impl FnMut(u64, Timestamp, Option<HostId>, EventKind) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let db = &self.db;
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
            .map_err(|error| self.journal.read_error(error))?;
        let mut rows = query
            .query(params![run, host.map(|id| id.0)])
            .map_err(|error| self.journal.read_error(error))?;
        while let Some(row) = rows
            .next()
            .map_err(|error| self.journal.read_error(error))?
        {
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
                read().map_err(|error| self.journal.read_error(error))?;
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

    /// The last link of a run.
    pub(super) fn head(&self, run: i64) -> Result<Option<Link>, JournalError> {
        let last = |table: &str, order: &str| {
            self.db
                .query_row(
                    &format!(
                        "SELECT hash FROM {table} WHERE run = ?1 ORDER BY {order} DESC LIMIT 1"
                    ),
                    [run],
                    |row| row.get::<_, Option<Vec<u8>>>(0),
                )
                .optional()
                .map_err(|error| self.journal.read_error(error))
        };
        let found = match last("events", "seq")? {
            Some(hash) => hash,
            None => last("hosts", "id")?.flatten(),
        };
        Ok(found.and_then(|hash| Link::from_bytes(&hash)))
    }

    /// A run's description as stored, the links beside it, and whether it is marked as ended.
    #[expect(clippy::type_complexity, reason = "taken apart at its two calls")]
    pub(super) fn stored(
        &self,
        id: &RunId,
        run: i64,
        shapes: &Shapes,
    ) -> Result<(Stored, Vec<Option<Vec<u8>>>, Option<String>), JournalError> {
        let failed = |error| self.journal.read_error(error);
        let db = &self.db;
        let (spec, hash, ended) = db
            .query_row(
                "SELECT spec, hash, ended FROM runs WHERE rowid = ?1",
                [run],
                |row| {
                    let ended = row.get_ref(2).map(raw::optional_text)?;
                    Ok((
                        row.get_ref(0).map(raw::text)?,
                        row.get_ref(1).map(raw::bytes)?,
                        ended,
                    ))
                },
            )
            .map_err(failed)?;
        let mut hashes = vec![hash];
        let mut hosts = Vec::new();
        let mut query = db
            .prepare("SELECT name, address, ring, shape, undo, hash FROM hosts WHERE run = ?1 ORDER BY id")
            .map_err(failed)?;
        let mut rows = query.query(params![run]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let number = |index| row.get_ref(index).map(raw::number);
            let read = || {
                let host = HostRow {
                    name: row.get_ref(0).map(raw::text)?,
                    address: row.get_ref(1).map(raw::optional_text)?,
                    ring: number(2)?,
                    shape: String::new(),
                    undo: row.get_ref(4).map(raw::optional_text)?,
                };
                Ok((number(3)?, host, row.get_ref(5).map(raw::bytes)?))
            };
            let (shape, host, hash) = read().map_err(failed)?;
            hosts.push((shape, host));
            hashes.push(hash);
        }
        let known = hosts.iter().map(|(shape, _)| *shape);
        let last = known.filter(|id| shapes.text(*id).is_some()).max();
        let ids = last.map(|last| 0..=last).into_iter().flatten();
        let texts = ids.map_while(|id| Some((id, shapes.text(id)?.to_owned())));
        let stored = Stored::new(id.to_string(), spec, texts.collect(), hosts);
        Ok((stored, hashes, ended))
    }

    pub(super) fn raw_events(
        &self,
        run: i64,
        mut visit: impl FnMut(RawEvent) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let failed = |error| self.journal.read_error(error);
        let db = &self.db;
        let mut query = db
            .prepare(
                "SELECT seq, time, host, kind, data, hash FROM events WHERE run = ?1 ORDER BY seq",
            )
            .map_err(failed)?;
        let mut rows = query.query(params![run]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let read = || {
                Ok(RawEvent {
                    seq: row.get_ref(0).map(raw::integer)?.unsigned_abs(),
                    time: row.get_ref(1).map(raw::integer)?,
                    host: row.get_ref(2).map(raw::optional_number)?,
                    kind: row.get_ref(3).map(raw::text)?,
                    data: row.get_ref(4).map(raw::text)?,
                    hash: row.get_ref(5).map(raw::bytes)?,
                })
            };
            visit(read().map_err(failed)?)?;
        }
        Ok(())
    }

    /// The newest order of a run, of whatever controller.
    pub(super) fn last_order(&self, run: i64) -> Result<i64, JournalError> {
        self.db
            .query_row(
                "SELECT coalesce(max(id), 0) FROM orders WHERE run = ?1",
                [run],
                |row| row.get(0),
            )
            .map_err(|error| self.journal.read_error(error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::OpenMode;
    use super::*;
    use crate::event::PlannedStep;

    #[test]
    fn what_is_committed_while_somebody_reads_is_of_another_moment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let journal = Journal::open(&path, OpenMode::ReadWrite).unwrap();
        let mut active = journal.create_run(crate::testing::push(1, "")).unwrap();
        let id = active.spec().id.clone();
        let other = Journal::open(&path, OpenMode::ReadOnly).unwrap();

        let events = |file: &Snapshot<'_>, shapes: &Shapes| {
            let run = file.row_of(&id).unwrap();
            let mut count = 0;
            file.for_each(&id, run, shapes, None, |_, _, _, _| {
                count += 1;
                Ok(())
            })
            .unwrap();
            count
        };
        let file = other.snapshot().unwrap();
        let shapes = file.shapes(file.row_of(&id).unwrap()).unwrap();
        let steps = vec![PlannedStep {
            name: "a shape of its own".to_owned(),
            skipped: Some("not here".to_owned()),
            preflight: Vec::new(),
            changes: Vec::new(),
        }];
        let (tell, told) = std::sync::mpsc::channel();
        active.append(
            vec![(Some(HostId(0)), EventKind::PriorRecorded { steps })],
            crate::Totals::default,
            move |result| tell.send(result.is_ok()).unwrap(),
        );
        assert!(told.recv().unwrap());
        assert_eq!(events(&file, &shapes), 0);
        drop(file);
        let file = other.snapshot().unwrap();
        let shapes = file.shapes(file.row_of(&id).unwrap()).unwrap();
        assert_eq!(events(&file, &shapes), 1);
    }
}
