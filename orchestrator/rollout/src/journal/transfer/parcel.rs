//! A run that was read from a file: its chain is whole, and its records are those of a run.

use std::io::BufRead;

use jiff::Timestamp;
use rusqlite::params;

use super::TransferError;
use super::line::{FORM, Line, Lines, VERSION};
use crate::journal::active::insert_shape;
use crate::journal::disk::{self, parse};
use crate::journal::disk_shapes::Shapes;
use crate::journal::disk_spec::{DiskRun, HostRow};
use crate::journal::end::EndFold;
use crate::journal::stored::Stored;
use crate::journal::verify::{Check, RawEvent, Verdict};
use crate::progress::{HostId, Progress};

/// A run read from a file, checked.
pub(super) struct Parcel {
    pub(super) stored: Stored,
    more_shapes: Vec<(u32, String)>,
    ended: Option<String>,
    pub(super) events: Vec<RawEvent>,
    pub(super) head: Option<String>,
}

impl Parcel {
    /// Reads a file to its end.
    ///
    /// # Errors
    /// It is no exported run, is cut off, or its chain is not whole.
    pub(super) fn read(file: &mut dyn BufRead) -> Result<Self, TransferError> {
        let mut reader = Lines::new(file);
        let (id, spec, run_hash) = head(&mut reader)?;
        let mut records = Records {
            hashes: vec![run_hash],
            ..Records::default()
        };
        let (count, head) = records.read(&mut reader)?;
        let more_shapes = records.shapes_of_events(&reader)?;
        let Records {
            hashes,
            shapes,
            hosts,
            events,
        } = records;
        let stored = Stored::new(id, spec, shapes, hosts);
        let mut all = Shapes::default();
        let texts = stored.shapes.iter().chain(&more_shapes);
        texts.for_each(|(_, text)| all.push(text.clone()));
        let mut parcel = Self {
            stored,
            more_shapes,
            ended: None,
            events,
            head,
        };
        parcel.ended = parcel.replay(&all).map_err(|why| reader.wrong(&why))?;
        parcel.check(&hashes, &all, count)?;
        Ok(parcel)
    }

    /// The chain is whole and ends with the head and the number of events that the last line tells.
    fn check(
        &self,
        hashes: &[Option<Vec<u8>>],
        shapes: &Shapes,
        count: u64,
    ) -> Result<(), TransferError> {
        let mut check = Check::new(&self.stored, hashes);
        for event in &self.events {
            check.event(event, shapes, &self.stored);
        }
        match check.verdict() {
            Verdict::Altered { record } => Err(TransferError::Altered(record)),
            Verdict::Intact { events, head }
                if events != count || self.head.as_ref() != Some(&head) =>
            {
                Err(TransferError::Altered(format!(
                    "event {}: the last records are missing",
                    events + 1
                )))
            }
            Verdict::Intact { .. } | Verdict::Unchained => Ok(()),
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

    pub(super) fn insert(&self, db: &rusqlite::Connection) -> rusqlite::Result<()> {
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

/// The first line: id and description of the run, and its link.
fn head(reader: &mut Lines<'_>) -> Result<(String, String, Option<Vec<u8>>), TransferError> {
    let (id, spec, hash) = match reader.next()? {
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
    Ok((id, spec, reader.link(hash)?))
}

/// What stands between the first line and the last.
#[derive(Default)]
struct Records {
    /// Links of the run and of its hosts.
    hashes: Vec<Option<Vec<u8>>>,
    shapes: Vec<(u32, String)>,
    /// With the shape of each.
    hosts: Vec<(u32, HostRow)>,
    events: Vec<RawEvent>,
}

impl Records {
    /// Up to the last line; returns the number of events and the head that it tells.
    fn read(&mut self, reader: &mut Lines<'_>) -> Result<(u64, Option<String>), TransferError> {
        loop {
            match reader.next()? {
                Some(Line::Shape { id, text }) if id as usize == self.shapes.len() => {
                    self.shapes.push((id, text));
                }
                Some(Line::Host {
                    name,
                    address,
                    ring,
                    shape,
                    undo,
                    hash,
                }) => {
                    self.hashes.push(reader.link(hash)?);
                    let row = HostRow {
                        name,
                        address,
                        ring,
                        shape: String::new(),
                        undo,
                    };
                    self.hosts.push((shape, row));
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
                    self.events.push(RawEvent {
                        seq,
                        time,
                        host,
                        kind,
                        data,
                        hash,
                    });
                }
                Some(Line::End { events, head }) => return Ok((events, head)),
                Some(_) => return Err(reader.wrong("a record stands where it does not belong")),
                None => return Err(reader.wrong("the end of the file is missing")),
            }
        }
    }

    /// Takes out the shapes to which events alone refer: they stand behind those of the hosts.
    fn shapes_of_events(
        &mut self,
        reader: &Lines<'_>,
    ) -> Result<Vec<(u32, String)>, TransferError> {
        let of_hosts = self.hosts.iter().map(|(shape, _)| *shape as usize + 1);
        let count = of_hosts.max().unwrap_or(0);
        if count > self.shapes.len() {
            return Err(reader.wrong("a host refers to a shape that is not there"));
        }
        Ok(self.shapes.split_off(count))
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
