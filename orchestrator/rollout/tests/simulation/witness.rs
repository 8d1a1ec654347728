//! Those who watch the hosts: each contact and each write is compared with what the journal file holds at that
//! moment, read over a connection of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use inventory::HostName;
use rollout::testing::{Scripted, host_name};
use rollout::{MARKER_KEY, RunSpec};
use rusqlite::Connection;

/// What was seen, and what of it breaks a promise.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    broken: Vec<String>,
    /// The machine that was written to first, by name.
    written: BTreeMap<HostName, String>,
}

impl Seen {
    pub(crate) fn broken(&self) -> Vec<String> {
        self.0.lock().unwrap().broken.clone()
    }

    /// The machine that stands behind a name for this journal, if it was written to.
    pub(crate) fn machine(&self, name: &HostName) -> Option<String> {
        self.0.lock().unwrap().written.get(name).cloned()
    }

    fn tell(&self, words: String) {
        self.0.lock().unwrap().broken.push(words);
    }

    fn same_machine(&self, name: &HostName, guid: &str) {
        let mut notes = self.0.lock().unwrap();
        let first = notes.written.entry(name.clone()).or_insert(guid.to_owned());
        if first != guid {
            notes
                .broken
                .push(format!("{name}: another machine was written to"));
        }
    }
}

/// The fleet, watched.
pub(crate) fn watched(fleet: Scripted, journal: &Path, spec: &RunSpec, seen: &Seen) -> Scripted {
    let (witness, seen_writing) = (Witness::new(journal), seen.clone());
    let (crowd, caps) = (fleet.clone(), Caps::of(spec));
    let fleet = fleet.watched(move |name, target| {
        if let Some(words) = caps.exceeded(&crowd) {
            seen_writing.tell(words);
        }
        let guid = crowd.with(name, |host| host.script.guid.clone());
        seen_writing.same_machine(name, &guid.unwrap());
        if target.key.as_str() == MARKER_KEY {
            if !witness.traced(name.as_str()) {
                seen_writing.tell(format!("{name}: a marker was left, and is not durable"));
            }
        } else if !witness.recorded(name.as_str()) {
            seen_writing.tell(format!(
                "{name}: {target} was written, its prior state is not durable"
            ));
        }
    });
    let (witness, seen_knocking) = (Witness::new(journal), seen.clone());
    fleet.guarded(move |name| {
        if !witness.started(name.as_str()) {
            seen_knocking.tell(format!("{name} was contacted, its start is not durable"));
        }
    })
}

/// How many connections there may be, per ring and per capped group.
struct Caps(Vec<(String, usize, Vec<HostName>)>);

impl Caps {
    fn of(spec: &RunSpec) -> Self {
        let names = |wanted: &dyn Fn(&rollout::HostSpec) -> bool| -> Vec<HostName> {
            let hosts = spec.hosts.iter().enumerate();
            let hosts = hosts.filter(|(_, host)| wanted(host));
            hosts.map(|(number, _)| host_name(number)).collect()
        };
        let rings = spec.rings.iter().enumerate().map(|(index, ring)| {
            let hosts = names(&|host| host.ring == index);
            (
                format!("ring {}", ring.name),
                ring.max_parallel as usize,
                hosts,
            )
        });
        let groups = spec.groups.iter().map(|(group, cap)| {
            let hosts = names(&|host| host.host.groups.contains(group));
            (format!("group {group}"), *cap as usize, hosts)
        });
        Self(rings.chain(groups).collect())
    }

    fn exceeded(&self, crowd: &Scripted) -> Option<String> {
        let open = |name: &&HostName| crowd.with(name, |host| host.counters.connected > 0);
        self.0.iter().find_map(|(who, cap, hosts)| {
            let count = hosts.iter().filter(open).count();
            (count > *cap).then(|| format!("{who}: {count} hosts were connected, {cap} may be"))
        })
    }
}

/// Somebody who reads the journal file from outside.
struct Witness(Mutex<Connection>);

impl Witness {
    fn new(path: &Path) -> Self {
        Self(Mutex::new(Connection::open(path).unwrap()))
    }

    fn ask(&self, sql: &str, host: &str) -> bool {
        let db = self.0.lock().unwrap();
        let mut query = db.prepare_cached(sql).unwrap();
        query.query_row([host], |row| row.get(0)).unwrap()
    }

    /// The prior state of this host is there, in the newest run.
    fn recorded(&self, host: &str) -> bool {
        self.ask(
            "SELECT count(*) > 0 FROM events JOIN hosts ON hosts.run = events.run AND hosts.id = events.host
             WHERE events.run = (SELECT max(rowid) FROM runs) AND name = ?1 AND kind = 'prior_recorded'",
            host,
        )
    }

    /// A marker on this host is announced, in any run: whoever comes later may take it away.
    fn traced(&self, host: &str) -> bool {
        self.ask(
            "SELECT count(*) > 0 FROM events JOIN hosts ON hosts.run = events.run AND hosts.id = events.host
             WHERE name = ?1 AND kind = 'trace_left'",
            host,
        )
    }

    /// The host was announced, and has not ended since.
    fn started(&self, host: &str) -> bool {
        self.ask(
            "SELECT coalesce(max(seq) FILTER (WHERE kind IN ('host_started', 'undo_started')), 0)
                  > coalesce(max(seq) FILTER (WHERE kind = 'host_finished'), 0)
             FROM events JOIN hosts ON hosts.run = events.run AND hosts.id = events.host
             WHERE events.run = (SELECT max(rowid) FROM runs) AND name = ?1",
            host,
        )
    }
}
