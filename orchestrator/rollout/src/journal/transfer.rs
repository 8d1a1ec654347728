//! A run as a file, for a colleague on another workstation: reports and rollbacks need nothing else.
//!
//! JSON lines: a head line, then shapes, hosts and events as the journal stores them with their links, then the last
//! link. Import checks the whole chain before it writes anything. Never holds a secret, because the journal has none.

use std::io::{self, BufRead, Read, Write};
use std::sync::mpsc::sync_channel;

use jiff::Timestamp;
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::Journal;
use super::active::insert_shape;
use super::disk::{self, parse, text};
use super::disk_shapes::Shapes;
use super::disk_spec::{DiskRun, HostRow};
use super::end::EndFold;
use super::error::JournalError;
use super::stored::Stored;
use super::verify::{Check, RawEvent, Verdict};
use crate::progress::{HostId, Progress};
use crate::spec::RunId;

/// Names the form of the file.
const FORM: &str = "winfleet.run";
/// The version this program writes, and the newest it reads.
const VERSION: u32 = 1;
/// Longest line taken: an event of one host, or the description of a run with its playbook.
const LONGEST_LINE: u64 = 64 << 20;
/// Most lines taken: 20,000 hosts have some 300,000 events.
const MOST_LINES: usize = 50_000_000;

/// Why a run could not be exported or imported.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The file.
    #[error("the file cannot be read or written")]
    File(#[from] io::Error),
    /// Somebody works on the run.
    #[error("run {0} is under way: export it when it has ended")]
    UnderWay(String),
    /// The file is something else.
    #[error("line {line}: {why}")]
    NotARun {
        /// From 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// Written by a newer program.
    #[error(
        "the file has version {found}, this program knows versions up to {known}; use a newer winfleet"
    )]
    Newer {
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A record is not as it was written.
    #[error("{0} was altered")]
    Altered(String),
    /// A run of this id with other records is in the journal.
    #[error("run {0} is in the journal already, with other records")]
    Conflict(String),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Run {
        form: String,
        version: u32,
        id: String,
        spec: String,
        hash: Option<String>,
    },
    Shape {
        id: u32,
        text: String,
    },
    Host {
        name: String,
        address: Option<String>,
        ring: u32,
        shape: u32,
        undo: Option<String>,
        hash: Option<String>,
    },
    Event {
        seq: u64,
        time: i64,
        host: Option<u32>,
        kind: String,
        data: String,
        hash: Option<String>,
    },
    End {
        events: u64,
        head: Option<String>,
    },
}

impl Journal {
    /// Writes a run; returns the number of events.
    pub fn export(&self, id: &RunId, out: &mut dyn Write) -> Result<u64, TransferError> {
        if self.holder(id).is_some() {
            return Err(TransferError::UnderWay(id.to_string()));
        }
        let file = self.snapshot()?;
        let run = file.row_of(id)?;
        let shapes = file.shapes(run)?;
        let (stored, mut hashes, _) = file.stored(id, run, &shapes)?;
        let mut hash = hashes.drain(..).map(|hash| hash.map(hex::encode));
        let mut line = |line: &Line| writeln!(out, "{}", text(line));
        line(&Line::Run {
            form: FORM.to_owned(),
            version: VERSION,
            id: stored.id.clone(),
            spec: stored.spec.clone(),
            hash: hash.next().flatten(),
        })?;
        for (id, text) in (0..).map_while(|id| Some((id, shapes.text(id)?.to_owned()))) {
            line(&Line::Shape { id, text })?;
        }
        for ((shape, host), hash) in stored.hosts.into_iter().zip(hash) {
            let HostRow {
                name,
                address,
                ring,
                undo,
                ..
            } = host;
            line(&Line::Host {
                name,
                address,
                ring,
                shape,
                undo,
                hash,
            })?;
        }
        let (mut events, mut head, mut failed) = (0, None, None);
        file.raw_events(run, |event| {
            let RawEvent {
                seq,
                time,
                host,
                kind,
                data,
                hash,
            } = event;
            let hash = hash.map(hex::encode);
            events += 1;
            head.clone_from(&hash);
            if failed.is_none() {
                failed = line(&Line::Event {
                    seq,
                    time,
                    host,
                    kind,
                    data,
                    hash,
                })
                .err();
            }
            Ok(())
        })?;
        match failed {
            Some(error) => return Err(error.into()),
            None => line(&Line::End { events, head })?,
        }
        out.flush()?;
        Ok(events)
    }

    /// Takes a run from a file; nothing is written unless all of it is right. `false` where it was there already.
    pub fn import(&self, file: &mut dyn BufRead) -> Result<(RunId, bool), TransferError> {
        let parcel = Parcel::read(file)?;
        let id = RunId::from_text(parcel.stored.id.clone());
        let file = self.snapshot()?;
        let known = file.row_of(&id);
        let known = known.ok().map(|run| file.head(run)).transpose()?;
        drop(file);
        if let Some(head) = known {
            let head = head.map(|head| head.to_string());
            return if head.is_some() && head == parcel.head {
                Ok((id, false))
            } else {
                Err(TransferError::Conflict(id.to_string()))
            };
        }
        let (tell, told) = sync_channel(1);
        self.writer()?.submit(
            Box::new(move |db| parcel.insert(db)),
            Box::new(move |result| {
                // The receiver is kept until the answer is there.
                let _ = tell.send(result);
            }),
        );
        told.recv()
            .unwrap_or_else(|_| Err(JournalError::ReadOnly(self.path().to_owned())))?;
        Ok((id, true))
    }
}

/// Checks the chain of an exported run without a journal.
pub fn verify_export(file: &mut dyn BufRead) -> Result<(RunId, Verdict), TransferError> {
    let parcel = match Parcel::read(file) {
        Err(TransferError::Altered(record)) => {
            return Ok((RunId::from_text(""), Verdict::Altered { record }));
        }
        other => other?,
    };
    let id = RunId::from_text(parcel.stored.id.clone());
    let events = parcel.events.len() as u64;
    Ok(match parcel.head {
        Some(head) => (id, Verdict::Intact { events, head }),
        None => (id, Verdict::Unchained),
    })
}

/// A run read from a file, checked.
struct Parcel {
    stored: Stored,
    more_shapes: Vec<(u32, String)>,
    ended: Option<String>,
    events: Vec<RawEvent>,
    head: Option<String>,
}

impl Parcel {
    fn read(file: &mut dyn BufRead) -> Result<Self, TransferError> {
        let mut reader = Lines::new(file);
        let (id, spec, run_hash) = match reader.next()? {
            Some(Line::Run {
                form,
                version,
                id,
                spec,
                hash,
            }) if form == FORM => {
                if version > VERSION {
                    return Err(TransferError::Newer {
                        found: version,
                        known: VERSION,
                    });
                }
                (id, spec, hash)
            }
            _ => return Err(reader.wrong("this is not an exported run")),
        };
        if parse::<DiskRun>(&spec).is_err() || !is_run_id(&id) {
            return Err(reader.wrong("the description of the run cannot be read"));
        }
        let mut hashes = vec![reader.link(run_hash)?];
        let (mut shapes, mut hosts, mut events) = (Vec::new(), Vec::new(), Vec::new());
        let end = loop {
            match reader.next()? {
                Some(Line::Shape { id, text }) if id as usize == shapes.len() => {
                    shapes.push((id, text))
                }
                Some(Line::Host {
                    name,
                    address,
                    ring,
                    shape,
                    undo,
                    hash,
                }) => {
                    hashes.push(reader.link(hash)?);
                    hosts.push((
                        shape,
                        HostRow {
                            name,
                            address,
                            ring,
                            shape: String::new(),
                            undo,
                        },
                    ));
                }
                Some(Line::Event {
                    seq,
                    time,
                    host,
                    kind,
                    data,
                    hash,
                }) => {
                    let hash = reader.link(hash)?;
                    events.push(RawEvent {
                        seq,
                        time,
                        host,
                        kind,
                        data,
                        hash,
                    });
                }
                Some(Line::End { events, head }) => break (events, head),
                Some(_) => return Err(reader.wrong("a record stands where it does not belong")),
                None => return Err(reader.wrong("the end of the file is missing")),
            }
        };
        let count = hosts
            .iter()
            .map(|(shape, _)| *shape as usize + 1)
            .max()
            .unwrap_or(0);
        if count > shapes.len() {
            return Err(reader.wrong("a host refers to a shape that is not there"));
        }
        let more_shapes = shapes.split_off(count);
        let stored = Stored::new(id, spec, shapes, hosts);
        let mut all = Shapes::default();
        let texts = stored.shapes.iter().chain(&more_shapes);
        texts.for_each(|(_, text)| all.push(text.clone()));
        let mut check = Check::new(&stored, &hashes);
        events
            .iter()
            .for_each(|event| check.event(event, &all, &stored));
        let mut parcel = Self {
            stored,
            more_shapes,
            ended: None,
            events,
            head: end.1,
        };
        parcel.ended = parcel.replay(&all).map_err(|why| reader.wrong(&why))?;
        match check.verdict() {
            Verdict::Altered { record } => Err(TransferError::Altered(record)),
            Verdict::Intact { events, head }
                if events != end.0 || parcel.head.as_ref() != Some(&head) =>
            {
                Err(TransferError::Altered(format!(
                    "event {}: the last records are missing",
                    events + 1
                )))
            }
            Verdict::Intact { .. } | Verdict::Unchained => Ok(parcel),
        }
    }

    /// The records have to be those of a run, not only to be chained. Returns how it ended.
    fn replay(&self, shapes: &Shapes) -> Result<Option<String>, String> {
        let disk: DiskRun = parse(&self.stored.spec)?;
        let rings = self.stored.hosts.iter().map(|(_, host)| host.ring as usize);
        if rings.clone().any(|ring| ring >= disk.rings.len()) {
            return Err("a host is in a ring that is not there".to_owned());
        }
        for (shape, host) in &self.stored.hosts {
            let shape = shapes.text(*shape).unwrap_or_default().to_owned();
            host.clone().with_shape(shape).into_spec()?;
        }
        let mut end = EndFold::new(Progress::of_rings(disk.rings.len(), rings));
        for event in &self.events {
            let kind = disk::decode(&event.kind, &event.data, shapes)?;
            let time =
                Timestamp::from_microsecond(event.time).map_err(|error| error.to_string())?;
            end.note(time, event.host.map(HostId), &kind)
                .map_err(|error| error.to_string())?;
        }
        Ok(end.finish())
    }

    fn insert(&self, db: &rusqlite::Connection) -> rusqlite::Result<()> {
        let run = self.stored.insert(db)?;
        for (id, text) in &self.more_shapes {
            insert_shape(db, run, *id, text)?;
        }
        let mut insert = db.prepare_cached(
            "INSERT INTO events (run, seq, time, host, kind, data, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for event in &self.events {
            let seq = i64::try_from(event.seq).unwrap_or(i64::MAX);
            insert.execute(params![
                run, seq, event.time, event.host, event.kind, event.data, event.hash
            ])?;
        }
        db.execute(
            "UPDATE runs SET ended = ?2 WHERE rowid = ?1",
            params![run, self.ended],
        )
        .map(|_| ())
    }
}

/// Ids become names of lock files.
fn is_run_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

struct Lines<'a> {
    file: &'a mut dyn BufRead,
    number: usize,
}

impl<'a> Lines<'a> {
    fn new(file: &'a mut dyn BufRead) -> Self {
        Self { file, number: 0 }
    }

    fn next(&mut self) -> Result<Option<Line>, TransferError> {
        self.number += 1;
        let mut line = Vec::new();
        Read::take(&mut *self.file, LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') || self.number > MOST_LINES {
            return Err(self.wrong("the line is cut off or too long"));
        }
        serde_json::from_slice(&line)
            .map(Some)
            .map_err(|error| self.wrong(&error.to_string()))
    }

    fn link(&self, hash: Option<String>) -> Result<Option<Vec<u8>>, TransferError> {
        hash.map(|hash| hex::decode(&hash).map_err(|_| self.wrong("a link is not hexadecimal")))
            .transpose()
    }

    fn wrong(&self, why: &str) -> TransferError {
        TransferError::NotARun {
            line: self.number,
            why: why.to_owned(),
        }
    }
}
