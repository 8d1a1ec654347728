//! A run as a file, for a colleague on another workstation: reports and rollbacks need nothing else.
//!
//! JSON lines: a head line, then shapes, hosts and events as the journal stores them with their links, then the last
//! link. Import checks the whole chain before it writes anything. Never holds a secret, because the journal has none.

mod line;
mod parcel;

use std::io::{self, BufRead, Write};
use std::sync::mpsc::sync_channel;

use line::{FORM, Line, VERSION};
use parcel::Parcel;

use super::Journal;
use super::disk::text;
use super::disk_spec::HostRow;
use super::error::JournalError;
use super::verify::{RawEvent, Verdict};
use crate::spec::RunId;

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
