//! Is what the journal says of a run what was written when it happened?

use rusqlite::{OptionalExtension, params};

use super::Journal;
use super::chain::Link;
use super::disk_shapes::Shapes;
use super::disk_spec::HostRow;
use super::error::JournalError;
use super::read::EndFold;
use super::stored::Stored;
use crate::progress::Progress;
use crate::spec::RunId;

/// What a check of the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every record is as it was written.
    Intact {
        /// How many events.
        events: u64,
        /// The last link, lower-case hex: compare it with the one in a report.
        head: String,
    },
    /// The run was recorded by a program that had no chain.
    Unchained,
    /// The first record that is not as it was written.
    Altered {
        /// Which, for people.
        record: String,
    },
}

/// One event as stored.
pub(super) struct RawEvent {
    pub(super) seq: u64,
    pub(super) time: i64,
    pub(super) host: Option<u32>,
    pub(super) kind: String,
    pub(super) data: String,
    pub(super) hash: Option<Vec<u8>>,
}

impl Journal {
    /// Checks every record of a run against the chain.
    pub fn verify(&self, id: &RunId) -> Result<Verdict, JournalError> {
        let run = self.row_of(id)?;
        let shapes = self.shapes(run)?;
        let (stored, hashes, ended) = self.stored(id, run, &shapes)?;
        let mut check = Check::new(&stored, &hashes);
        self.raw_events(run, |event| {
            check.event(&event, &shapes, &stored);
            Ok(())
        })?;
        let verdict = check.verdict();
        if !matches!(verdict, Verdict::Intact { .. }) {
            return Ok(verdict);
        }
        let rings = self.spec(id)?.rings.len();
        let of_hosts = stored.hosts.iter().map(|(_, host)| host.ring as usize);
        let mut end = EndFold::new(Progress::of_rings(rings, of_hosts));
        self.for_each(id, run, &shapes, None, |seq, time, host, event| {
            let inconsistent = |source| JournalError::Inconsistent {
                run: id.to_string(),
                seq,
                source,
            };
            end.note(time, host, &event).map_err(inconsistent)
        })?;
        // The list of runs shows this without reading events.
        if end.finish() != ended {
            let record = "the end of the run, or its last events are missing".to_owned();
            return Ok(Verdict::Altered { record });
        }
        Ok(verdict)
    }

    /// The last link of a run.
    pub(super) fn head(&self, run: i64) -> Result<Option<Link>, JournalError> {
        let last = |table: &str, order: &str| {
            self.reader()
                .query_row(
                    &format!(
                        "SELECT hash FROM {table} WHERE run = ?1 ORDER BY {order} DESC LIMIT 1"
                    ),
                    [run],
                    |row| row.get::<_, Option<Vec<u8>>>(0),
                )
                .optional()
                .map_err(|error| self.read_error(error))
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
        let failed = |error| self.read_error(error);
        let db = self.reader();
        let (spec, hash, ended): (String, Option<Vec<u8>>, Option<String>) = db
            .query_row(
                "SELECT spec, hash, ended FROM runs WHERE rowid = ?1",
                [run],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .map_err(failed)?;
        let mut hashes = vec![hash];
        let mut hosts = Vec::new();
        let mut query = db
            .prepare("SELECT name, address, ring, shape, undo, hash FROM hosts WHERE run = ?1 ORDER BY id")
            .map_err(failed)?;
        let mut rows = query.query(params![run]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let read = || {
                let host = HostRow {
                    name: row.get(0)?,
                    address: row.get(1)?,
                    ring: row.get(2)?,
                    shape: String::new(),
                    undo: row.get(4)?,
                };
                Ok((row.get::<_, u32>(3)?, host, row.get(5)?))
            };
            let (shape, host, hash) = read().map_err(failed)?;
            hosts.push((shape, host));
            hashes.push(hash);
        }
        let count = hosts.iter().map(|(shape, _)| shape + 1).max().unwrap_or(0);
        let texts = (0..count).filter_map(|id| Some((id, shapes.text(id)?.to_owned())));
        let stored = Stored::new(id.to_string(), spec, texts.collect(), hosts);
        Ok((stored, hashes, ended))
    }

    pub(super) fn raw_events(
        &self,
        run: i64,
        mut visit: impl FnMut(RawEvent) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let failed = |error| self.read_error(error);
        let db = self.reader();
        let mut query = db
            .prepare(
                "SELECT seq, time, host, kind, data, hash FROM events WHERE run = ?1 ORDER BY seq",
            )
            .map_err(failed)?;
        let mut rows = query.query(params![run]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let read = || {
                Ok(RawEvent {
                    seq: row.get::<_, i64>(0)?.unsigned_abs(),
                    time: row.get(1)?,
                    host: row.get(2)?,
                    kind: row.get(3)?,
                    data: row.get(4)?,
                    hash: row.get(5)?,
                })
            };
            visit(read().map_err(failed)?)?;
        }
        Ok(())
    }
}

/// A walk along the chain.
pub(super) struct Check {
    head: Option<Link>,
    events: u64,
    altered: Option<String>,
}

impl Check {
    pub(super) fn new(stored: &Stored, hashes: &[Option<Vec<u8>>]) -> Self {
        let unchained = hashes.iter().all(Option::is_none);
        let mut altered = None;
        for (place, (link, hash)) in stored.links().iter().zip(hashes).enumerate() {
            if hash.as_deref() != Some(link.bytes()) && !unchained {
                altered = Some(
                    match place.checked_sub(1).and_then(|host| stored.hosts.get(host)) {
                        Some((_, host)) => format!("the entry of host {}", host.name),
                        None => "the description of the run".to_owned(),
                    },
                );
                break;
            }
        }
        Self {
            head: (!unchained).then(|| stored.head()),
            events: 0,
            altered,
        }
    }

    pub(super) fn event(&mut self, event: &RawEvent, shapes: &Shapes, stored: &Stored) {
        let Some(head) = self.head.filter(|_| self.altered.is_none()) else {
            return;
        };
        self.events += 1;
        if event.seq != self.events {
            self.altered = Some(format!("event {}: it is missing", self.events));
            return;
        }
        let fields = (event.kind.as_str(), event.data.as_str());
        let link = head.event(event.seq, event.time, event.host, fields, shapes);
        if event.hash.as_deref() != Some(link.bytes()) {
            let host = event.host.and_then(|host| stored.hosts.get(host as usize));
            let of = host.map_or_else(String::new, |(_, host)| format!(" of host {}", host.name));
            self.altered = Some(format!("event {} ({}{of})", event.seq, event.kind));
        }
        self.head = Some(link);
    }

    pub(super) fn verdict(self) -> Verdict {
        match (self.altered, self.head) {
            (Some(record), _) => Verdict::Altered { record },
            (None, None) => Verdict::Unchained,
            (None, Some(head)) => Verdict::Intact {
                events: self.events,
                head: head.to_string(),
            },
        }
    }
}
