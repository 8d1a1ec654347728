//! Is what the journal says of a run what was written when it happened?

use super::Journal;
use super::chain::Link;
use super::disk_shapes::Shapes;
use super::end::EndFold;
use super::error::JournalError;
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
    /// Checks every record of a run against the chain. Whatever was done to the records, the first that is not as it
    /// was written is named; only a file that is no database any more is an error.
    pub fn verify(&self, id: &RunId) -> Result<Verdict, JournalError> {
        let file = self.snapshot()?;
        let run = file.row_of(id)?;
        let shapes = file.raw_shapes(run)?;
        let (stored, hashes, ended) = file.stored(id, run, &shapes)?;
        let mut check = Check::new(&stored, &hashes);
        file.raw_events(run, |event| {
            check.event(&event, &shapes, &stored);
            Ok(())
        })?;
        let verdict = check.verdict();
        if !matches!(verdict, Verdict::Intact { .. }) {
            return Ok(verdict);
        }
        let rings = file.spec(id)?.rings.len();
        let of_hosts = stored.hosts.iter().map(|(_, host)| host.ring as usize);
        let mut end = EndFold::new(Progress::of_rings(rings, of_hosts));
        file.for_each(id, run, &shapes, None, |seq, time, host, event| {
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
