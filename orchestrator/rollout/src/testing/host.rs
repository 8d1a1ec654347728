//! One scripted host: its registry, its misfortunes, and what was asked of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use playbooks::{Facts, KeyPath, Observed, RawValue, Target, Verdict};

use crate::fleet::{HostError, Reason};

/// Keys and values of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    /// Existing keys with their ancestors.
    pub keys: BTreeSet<KeyPath>,
    /// Existing values.
    pub values: BTreeMap<Target, RawValue>,
}

impl Registry {
    /// Creates a key with its ancestors.
    pub fn create_key(&mut self, key: &KeyPath) {
        self.keys.extend(key.self_and_ancestors());
    }

    /// Sets a value and creates its key.
    pub fn set(&mut self, target: &Target, value: RawValue) {
        self.create_key(&target.key);
        self.values.insert(target.clone(), value);
    }

    /// What a read of this target finds.
    pub fn observe(&self, target: &Target) -> Observed {
        if let Some(value) = self.values.get(target) {
            return Observed::Present(value.clone());
        }
        let missing = target.key.self_and_ancestors();
        match missing.take_while(|key| !self.keys.contains(key)).last() {
            Some(first_missing) => Observed::KeyAbsent { first_missing },
            None => Observed::ValueAbsent,
        }
    }

    /// Removes `key` and the keys above it up to `highest`, as long as they are empty.
    pub fn remove_empty(&mut self, key: &KeyPath, highest: &KeyPath) {
        for key in key.self_and_ancestors() {
            let holds_value = self.values.keys().any(|target| target.key == key);
            let holds_key = self
                .keys
                .iter()
                .any(|other| other.parent().as_ref() == Some(&key));
            if holds_value || holds_key {
                return;
            }
            self.keys.remove(&key);
            if key == *highest {
                return;
            }
        }
    }
}

/// A moment in the life of a host, counted from 1 over all connections and controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// The nth attempt to connect.
    Open(u32),
    /// The nth reading request.
    Read(u32),
    /// The nth writing request, undo not counted.
    Write(u32),
    /// The nth request to take something back.
    Undo(u32),
}

/// A misfortune.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is answered with this error and has no effect.
    Refuse(HostError),
    /// Contact is lost; true: after the request took effect. A read or connection that is lost is unreachable.
    Lose(bool),
    /// The request never comes back.
    Hang,
    /// The task that asked panics, before any effect.
    Panic,
    /// A write takes effect, and this error is the answer to reading it back.
    Unread(HostError),
    /// A write takes effect, and when it is read back somebody else has written this.
    Overwritten(RawValue),
    /// The request takes so much longer.
    Slow(Duration),
}

/// What a host is like before a run, and what will happen to it.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// What stands in its registry.
    pub registry: Registry,
    /// What it tells of itself.
    pub facts: Facts,
    /// The machine's own id.
    pub guid: Option<String>,
    /// Every request takes so long.
    pub latency: Duration,
    /// Misfortunes, each at its moment.
    pub faults: BTreeMap<Point, Fault>,
    /// Every attempt to connect fails like this.
    pub closed: Option<HostError>,
    /// Once contact was lost by a [`Fault::Lose`] nobody gets through any more.
    pub stays_away: bool,
    /// Every connection breaks after so many requests.
    pub breaks_after: Option<u32>,
    /// Writing these is refused for ever, whoever tries and however often.
    pub denied: BTreeSet<Target>,
    /// A restore leaves this behind instead of what it should, and says that it is done.
    pub spoiled_undo: Option<RawValue>,
    /// The other store of WinHTTP, shown beside each write by netsh.
    pub advproxy: Option<String>,
    /// What probes find, by name, one after the other; the last one for ever. A probe that is not named is green.
    pub verdicts: BTreeMap<String, Vec<Verdict>>,
}

impl Script {
    /// Puts a value there.
    #[must_use]
    pub fn value(mut self, (target, value): (Target, RawValue)) -> Self {
        self.registry.set(&target, value);
        self
    }

    /// Gives the machine an id.
    #[must_use]
    pub fn guid(mut self, guid: &str) -> Self {
        self.guid = Some(guid.to_owned());
        self
    }

    /// Every request takes so long.
    #[must_use]
    pub fn slow(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Something happens at a moment.
    #[must_use]
    pub fn at(mut self, point: Point, fault: Fault) -> Self {
        self.faults.insert(point, fault);
        self
    }

    /// The first so many connections are refused.
    #[must_use]
    pub fn unreachable_first(self, times: u32) -> Self {
        (1..=times).fold(self, |script, number| {
            script.at(Point::Open(number), Fault::Refuse(port_closed()))
        })
    }

    /// This write is refused.
    #[must_use]
    pub fn denied_at(self, write: u32) -> Self {
        self.at(Point::Write(write), Fault::Refuse(denied()))
    }

    /// Contact is lost at this write; true: after it took effect.
    #[must_use]
    pub fn lost_at(self, write: u32, effective: bool) -> Self {
        self.at(Point::Write(write), Fault::Lose(effective))
    }

    /// No connection lives longer than so many requests. A host with fewer than four never gets through the four of
    /// [`super::PLAYBOOK`] on one connection.
    #[must_use]
    pub fn flapping(mut self, requests: u32) -> Self {
        self.breaks_after = Some(requests);
        self
    }

    /// Every attempt to take something back is refused, as far as anybody will try.
    #[must_use]
    pub fn undo_refused(self) -> Self {
        (1..=64).fold(self, |script, number| {
            script.at(Point::Undo(number), Fault::Refuse(denied()))
        })
    }

    /// Every attempt to connect fails like this.
    #[must_use]
    pub fn closed(mut self, error: HostError) -> Self {
        self.closed = Some(error);
        self
    }
}

/// What was asked of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Attempts to connect.
    pub opens: u32,
    /// Reading requests.
    pub reads: u32,
    /// Writing requests.
    pub writes: u32,
    /// Writing requests after which the registry was another one.
    pub effects: u32,
    /// Requests to take something back.
    pub undos: u32,
    /// Probes asked.
    pub probes: u32,
    /// Of those, before the first write.
    pub probes_before_write: u32,
    /// Tasks made for probes.
    pub tasks: u32,
    /// Connections open at this moment.
    pub connected: u32,
    /// The most connections that were open at once. A controller has one.
    pub most_connected: u32,
}

/// A host under way.
#[derive(Clone, Debug)]
pub struct Host {
    /// What stands on it now.
    pub registry: Registry,
    /// What is still to happen. May be changed between two runs.
    pub script: Script,
    /// What was asked so far.
    pub counters: Counters,
    /// Contact was lost by a [`Fault::Lose`].
    pub lost: bool,
    /// How often each value was given another content by a write, undo not counted.
    pub applied: BTreeMap<Target, u32>,
    /// Names of the scheduled tasks that are on it.
    pub tasks: BTreeSet<String>,
}

impl Host {
    pub(super) fn new(script: Script) -> Self {
        Self {
            registry: script.registry.clone(),
            script,
            counters: Counters::default(),
            lost: false,
            applied: BTreeMap::new(),
            tasks: BTreeSet::new(),
        }
    }

    /// Counts a request and says what happens to it.
    pub(super) fn ask(&mut self, kind: fn(u32) -> Point) -> Option<Fault> {
        let counters = &mut self.counters;
        let count = match kind(0) {
            Point::Open(_) => &mut counters.opens,
            Point::Read(_) => &mut counters.reads,
            Point::Write(_) => &mut counters.writes,
            Point::Undo(_) => &mut counters.undos,
        };
        *count += 1;
        let fault = self.script.faults.get(&kind(*count)).cloned();
        self.lost |= matches!(fault, Some(Fault::Lose(_)));
        fault
    }
}

pub(super) fn port_closed() -> HostError {
    HostError::unreachable(Reason::ConnectRefused, "the port is closed")
}

pub(super) fn denied() -> HostError {
    HostError::failed(Reason::AccessDenied, "access denied")
}
