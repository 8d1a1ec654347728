//! A run being worked on: its lock, its input, where it stands, and the way its events get into the file.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};

use rusqlite::{Connection, params};

use super::chain::Link;
use super::disk::{self, text};
use super::disk_shapes::Shapes;
use super::disk_spec::{DiskRun, HostRow};
use super::end::DiskEnd;
use super::error::JournalError;
use super::lock::RunLock;
use super::orders::OrderId;
use super::stored::Stored;
use super::writer::Done;
use super::{Clock, Journal};
use crate::event::{Event, EventKind};
use crate::history::HostHistory;
use crate::outcome::Outcome;
use crate::progress::{HostId, Progress};
use crate::spec::{HostSpec, RunId, RunSpec};
use crate::state::{Order, Resumed};

/// How a run is taken over.
#[derive(Default)]
pub struct ResumeOptions<'a> {
    /// Hosts with one of these outcomes are done again. Empty: only what was not brought to an end.
    pub only: Vec<Outcome>,
    /// Of those, only these hosts.
    pub hosts: Option<Vec<HostId>>,
    /// Who takes it over (`user@machine`).
    pub operator: Option<String>,
    /// Overrides a host's recorded settings (address, credential) for this process; not recorded.
    pub adjust: Option<&'a dyn Fn(&mut HostSpec)>,
}

/// A run that this process holds. Dropping it lets go of the run.
#[derive(Debug)]
pub struct ActiveRun {
    journal: Journal,
    spec: Arc<RunSpec>,
    run: i64,
    seq: u64,
    /// Hash of the last record; `None` in a run of a program that had no chain.
    head: Option<Link>,
    shapes: Shapes,
    progress: Progress,
    resumed: Option<Resumed>,
    /// The newest order that was heard; earlier ones were for an earlier controller.
    heard: i64,
    started: Option<jiff::Timestamp>,
    /// Why a commit of this run failed. Nothing is written after it: the file would have a hole.
    broken: Arc<OnceLock<JournalError>>,
    _lock: RunLock,
}

impl ActiveRun {
    pub(super) fn create(journal: Journal, spec: RunSpec) -> Result<Self, JournalError> {
        let writer = journal.writer()?;
        let lock = RunLock::acquire(journal.path(), &spec.id, Some(&spec.operator))?;
        if journal.snapshot()?.row_of(&spec.id).is_ok() {
            return Err(JournalError::RunExists(spec.id.to_string()));
        }
        let mut shapes = Shapes::default();
        let hosts: Vec<HostRow> = spec.hosts.iter().map(HostRow::from).collect();
        let (id, disk) = (spec.id.to_string(), text(&DiskRun::from(&spec)));
        let mut rows = Vec::with_capacity(hosts.len());
        let mut new_shapes = Vec::new();
        for host in hosts {
            let shape = match shapes.intern(&host.shape) {
                Some((id, false)) => id,
                Some((id, true)) => {
                    new_shapes.push((id, host.shape.clone()));
                    id
                }
                None => {
                    let id = u32::try_from(new_shapes.len()).unwrap_or(u32::MAX);
                    shapes.push(host.shape.clone());
                    new_shapes.push((id, host.shape.clone()));
                    id
                }
            };
            rows.push((shape, host));
        }
        let new = Stored::new(id, disk, new_shapes, rows);
        let head = Some(new.head());
        let (tell, told) = sync_channel(1);
        let (tell_row, told_row) = sync_channel(1);
        writer.submit(
            Box::new(move |db| {
                let run = new.insert(db)?;
                // The receiver is kept until the answer is there.
                let _ = tell_row.send(run);
                Ok(())
            }),
            Box::new(move |result| {
                let _ = tell.send(result);
            }),
        );
        told.recv()
            .unwrap_or_else(|_| Err(JournalError::ReadOnly(journal.path().to_owned())))?;
        let run = told_row.recv().unwrap_or_default();
        let progress = Progress::new(&spec);
        let spec = Arc::new(spec);
        Ok(Self {
            journal,
            spec,
            run,
            seq: 0,
            head,
            shapes,
            progress,
            resumed: None,
            heard: 0,
            started: None,
            broken: Arc::default(),
            _lock: lock,
        })
    }

    pub(super) fn resume(
        journal: Journal,
        id: &RunId,
        options: ResumeOptions<'_>,
    ) -> Result<Self, JournalError> {
        let mut active = Self::take_over(journal, id, options.operator.as_deref(), options.adjust)?;
        // A run that never began starts as a new one.
        active.resumed = (active.seq > 0).then_some(Resumed {
            only: options.only,
            hosts: options
                .hosts
                .map(|hosts| hosts.iter().map(|id| id.0).collect()),
            operator: options.operator,
        });
        if let Some(Resumed {
            only,
            hosts,
            operator,
        }) = active.resumed.clone()
        {
            let again = EventKind::RunResumed {
                only,
                hosts,
                operator,
            };
            let next = active.progress.clone().next(None, &again);
            next.map_err(|source| JournalError::NotResumable {
                run: id.to_string(),
                why: source.why,
            })?;
        }
        Ok(active)
    }

    /// Locks a run and reads where it stands.
    pub(super) fn take_over(
        journal: Journal,
        id: &RunId,
        operator: Option<&str>,
        adjust: Option<&dyn Fn(&mut HostSpec)>,
    ) -> Result<Self, JournalError> {
        journal.writer()?;
        let file = journal.snapshot()?;
        // Before the lock: whoever sees that the run is held, and gives an order, is heard from the first moment on.
        let heard = file.last_order(file.row_of(id)?)?;
        drop(file);
        let lock = RunLock::acquire(journal.path(), id, operator)?;
        let file = journal.snapshot()?;
        let run = file.row_of(id)?;
        let mut spec = file.spec(id)?;
        if let Some(adjust) = adjust {
            spec.hosts.iter_mut().for_each(adjust);
        }
        let shapes = file.shapes(run)?;
        let head = file.head(run)?;
        let mut progress = Progress::new(&spec);
        let (mut seq, mut started) = (0, None);
        file.for_each(id, run, &shapes, None, |row, time, host, event| {
            seq = row;
            started = started.or(Some(time));
            progress
                .apply(host, &event)
                .map_err(|source| JournalError::Inconsistent {
                    run: id.to_string(),
                    seq,
                    source,
                })
        })?;
        drop(file);
        let spec = Arc::new(spec);
        Ok(Self {
            journal,
            spec,
            run,
            seq,
            head,
            shapes,
            progress,
            resumed: None,
            heard,
            started,
            broken: Arc::default(),
            _lock: lock,
        })
    }

    /// What the run is asked to do.
    pub fn spec(&self) -> &Arc<RunSpec> {
        &self.spec
    }

    /// Where it stands, before the engine goes on with it.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// `Some` where the run is taken over: by whom, and the outcomes to be done again.
    pub fn resumed(&self) -> Option<&Resumed> {
        self.resumed.as_ref()
    }

    /// The clock that stamps events.
    pub fn clock(&self) -> &Clock {
        &self.journal.inner.clock
    }

    /// What the journal knows of one host of this run.
    pub(crate) fn history(&self, host: HostId) -> Result<HostHistory, JournalError> {
        let mut history = HostHistory::default();
        self.journal.snapshot()?.for_each(
            &self.spec.id,
            self.run,
            &self.shapes,
            Some(host),
            |_, _, _, event| {
                history.note(&event);
                Ok(())
            },
        )?;
        Ok(history)
    }

    /// Waits until all that was appended so far is in the file.
    pub(crate) fn settle(&self) -> Result<(), JournalError> {
        let (tell, told) = sync_channel(1);
        self.journal.writer()?.submit(
            Box::new(|_| Ok(())),
            Box::new(move |result| {
                let _ = tell.send(result);
            }),
        );
        told.recv()
            .unwrap_or_else(|_| Err(JournalError::ReadOnly(self.journal.path().to_owned())))
    }

    /// Orders that came since the last call, oldest first.
    pub(crate) fn orders(&mut self) -> Result<Vec<(OrderId, Order)>, JournalError> {
        let orders = self.journal.orders_after(self.run, self.heard)?;
        if let Some((last, _)) = orders.last() {
            self.heard = last.0;
        }
        Ok(orders)
    }

    /// Answers an order. Best effort: the order has been carried out, and is an event of its own.
    pub(crate) fn answer(&self, id: OrderId, answer: Result<String, String>) {
        self.journal.answer(id, answer);
    }

    /// Puts events into one commit and calls `done` when it is durable, or has failed. The events come back as the
    /// reporters get them. After a failure every later commit of this run fails with the same error: a resume goes on
    /// where the file ends.
    pub(crate) fn append(
        &mut self,
        events: Vec<(Option<HostId>, EventKind)>,
        totals: impl FnOnce() -> crate::Totals,
        done: impl FnOnce(Result<Vec<Event>, JournalError>) + Send + 'static,
    ) {
        let now = self.clock().now();
        // As precise as the file: what is told now and what is read later are the same.
        let now = jiff::Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        self.started = self.started.or(Some(now));
        let mut end = None;
        let mut rows = Vec::with_capacity(events.len());
        let mut told = Vec::with_capacity(events.len());
        for (host, kind) in events {
            self.seq += 1;
            match &kind {
                EventKind::RunFinished { state, exit_code } => {
                    end = Some(Some((*state, *exit_code)));
                }
                EventKind::RunResumed { .. } => end = Some(None),
                _ => {}
            }
            let row = disk::encode(&kind, &mut self.shapes);
            let (time, id) = (now.as_microsecond(), host.map(|id| id.0));
            self.head = self
                .head
                .map(|head| head.event(self.seq, time, id, (&row.kind, &row.data), &self.shapes));
            rows.push((self.seq, host, row, self.head));
            let host = host
                .and_then(|id| self.spec.hosts.get(id.index()))
                .map(|spec| spec.host.name.clone());
            told.push(Event {
                seq: self.seq,
                time: now,
                host,
                kind,
            });
        }
        let end = end.map(|end| {
            end.map(|(state, exit)| text(&DiskEnd::new(state, exit, self.started, now, totals())))
        });
        let run = self.run;
        // A full disk may have room for a later, smaller commit: what builds on the lost one must not get in.
        let (broken, breaks) = (Arc::clone(&self.broken), Arc::clone(&self.broken));
        let finished: Done = Box::new(move |result| {
            let result = result.map_err(|error| breaks.get_or_init(|| error).clone());
            done(result.map(|()| told));
        });
        match self.journal.writer() {
            Ok(writer) => writer.submit(
                Box::new(move |db| match broken.get() {
                    // Only the first cause is told.
                    Some(_) => Err(rusqlite::Error::InvalidQuery),
                    None => insert_events(db, run, now, &rows, &end),
                }),
                finished,
            ),
            Err(error) => finished(Err(error)),
        }
    }
}

pub(super) fn insert_shape(db: &Connection, run: i64, id: u32, data: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO shapes (run, id, data) VALUES (?1, ?2, ?3)")?
        .execute(params![run, id, data])
        .map(|_| ())
}

fn insert_events(
    db: &Connection,
    run: i64,
    now: jiff::Timestamp,
    rows: &[(u64, Option<HostId>, disk::Row, Option<Link>)],
    end: &Option<Option<String>>,
) -> rusqlite::Result<()> {
    let time = now.as_microsecond();
    let mut insert = db.prepare_cached(
        "INSERT INTO events (run, seq, time, host, kind, data, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (seq, host, row, link) in rows {
        if let Some((id, data)) = &row.shape {
            insert_shape(db, run, *id, data)?;
        }
        let seq = i64::try_from(*seq).unwrap_or(i64::MAX);
        insert.execute(params![
            run,
            seq,
            time,
            host.map(|id| id.0),
            row.kind,
            row.data,
            link.as_ref().map(Link::bytes)
        ])?;
    }
    if let Some(end) = end {
        db.execute(
            "UPDATE runs SET ended = ?2 WHERE rowid = ?1",
            params![run, end],
        )?;
    }
    Ok(())
}
