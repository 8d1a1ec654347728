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
    pub(super) fn read(file: &mut dyn BufRead) -> Result<Self, TransferError> {
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

/// Ids become names of lock files.
fn is_run_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
