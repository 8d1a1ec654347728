//! What the progress displays count, from events alone. Knows no terminal.

use std::collections::{BTreeMap, HashMap};

use inventory::HostName;
use rollout::{Event, EventKind, Outcome, Reason, RunRecord};

/// One ring's progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingTally {
    /// Its name.
    pub name: String,
    /// Hosts in it.
    pub hosts: u32,
    /// Hosts that have ended.
    pub done: u32,
    /// Hosts that have ended otherwise than as wanted.
    pub bad: u32,
}

/// Progress of a run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// In order.
    pub rings: Vec<RingTally>,
    /// Hosts being worked on.
    pub active: u32,
    /// Hosts that differ from before.
    pub changed: u32,
    ring_of: HashMap<HostName, usize>,
    last: HashMap<HostName, (Outcome, bool, Option<Reason>)>,
    /// Of `last`, kept up to date so that an event costs the same in a fleet of any size.
    counts: BTreeMap<(Outcome, Option<Reason>), u32>,
}

impl Tally {
    /// From the journal's record, taken before the engine starts: hosts that have ended count as done, which is
    /// what a resume needs.
    pub fn new(record: &RunRecord) -> Self {
        let rings = record.rings.iter().map(|ring| RingTally {
            name: ring.name.clone(),
            hosts: ring.totals.hosts,
            done: 0,
            bad: 0,
        });
        let mut tally = Self {
            rings: rings.collect(),
            ..Self::default()
        };
        let index: HashMap<&str, usize> = record
            .rings
            .iter()
            .enumerate()
            .map(|(index, ring)| (ring.name.as_str(), index))
            .collect();
        for host in &record.hosts {
            let ring = index.get(host.ring.as_str()).copied().unwrap_or_default();
            tally.ring_of.insert(host.name.clone(), ring);
            if host.settled {
                tally.settle(&host.name, host.outcome, host.changed, host.reason);
            }
        }
        tally
    }

    /// Counts one event. Returns true for the first host of a cause: worth a line of its own.
    pub fn take(&mut self, event: &Event) -> bool {
        let Some(host) = &event.host else {
            return false;
        };
        match &event.kind {
            EventKind::HostStarted => {
                self.unsettle(host);
                self.active += 1;
                false
            }
            EventKind::UndoStarted => {
                self.active += 1;
                false
            }
            EventKind::HostFinished {
                outcome,
                changed,
                reason,
                ..
            } => {
                self.active = self.active.saturating_sub(1);
                self.unsettle(host);
                let known = self
                    .counts
                    .get(&(*outcome, *reason))
                    .is_some_and(|count| *count > 0);
                let fresh = bad(*outcome) && *outcome != Outcome::NotStarted && !known;
                self.settle(host, *outcome, *changed, *reason);
                fresh
            }
            _ => false,
        }
    }

    /// All hosts, and those that have ended.
    pub fn total(&self) -> (u32, u32) {
        self.rings.iter().fold((0, 0), |(hosts, done), ring| {
            (hosts + ring.hosts, done + ring.done)
        })
    }

    /// Failures so far by cause, most frequent first: `access_denied 9, dns 3`.
    pub fn causes(&self) -> Vec<(&'static str, u32)> {
        let mut counts: BTreeMap<&'static str, u32> = BTreeMap::new();
        for ((outcome, reason), count) in &self.counts {
            if bad(*outcome) && *outcome != Outcome::NotStarted && *count > 0 {
                *counts
                    .entry(reason.map_or(outcome.as_str(), Reason::as_str))
                    .or_default() += count;
            }
        }
        let mut causes: Vec<_> = counts.into_iter().collect();
        causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        causes
    }

    /// Number of hosts with this outcome.
    pub fn of(&self, wanted: Outcome) -> u32 {
        let counts = self
            .counts
            .iter()
            .filter(|((outcome, _), _)| *outcome == wanted);
        counts.map(|(_, count)| count).sum()
    }

    /// `12 failed, 3 unreachable (access_denied 9, dns 6)`, or `no failures`.
    pub fn failures(&self) -> String {
        let counted = [
            Outcome::Failed,
            Outcome::Unreachable,
            Outcome::Indeterminate,
            Outcome::Conflict,
        ];
        let parts: Vec<String> = counted
            .into_iter()
            .map(|outcome| (self.of(outcome), outcome))
            .filter(|(count, _)| *count > 0)
            .map(|(count, outcome)| format!("{count} {outcome}"))
            .collect();
        if parts.is_empty() {
            return "no failures".to_owned();
        }
        let causes: Vec<String> = self
            .causes()
            .iter()
            .take(4)
            .map(|(cause, count)| format!("{cause} {count}"))
            .collect();
        format!("{} ({})", parts.join(", "), causes.join(", "))
    }

    fn settle(&mut self, host: &HostName, outcome: Outcome, changed: bool, reason: Option<Reason>) {
        self.last.insert(host.clone(), (outcome, changed, reason));
        self.changed += u32::from(changed);
        *self.counts.entry((outcome, reason)).or_default() += 1;
        if let Some(ring) = self.ring(host) {
            ring.done += 1;
            ring.bad += u32::from(bad(outcome));
        }
    }

    fn unsettle(&mut self, host: &HostName) {
        if let Some((outcome, changed, reason)) = self.last.remove(host) {
            self.changed -= u32::from(changed);
            if let Some(count) = self.counts.get_mut(&(outcome, reason)) {
                *count -= 1;
            }
            if let Some(ring) = self.ring(host) {
                ring.done -= 1;
                ring.bad -= u32::from(bad(outcome));
            }
        }
    }

    fn ring(&mut self, host: &HostName) -> Option<&mut RingTally> {
        let index = *self.ring_of.get(host)?;
        self.rings.get_mut(index)
    }
}

fn bad(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Ok | Outcome::RolledBack)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_host_that_ends_twice_counts_once() {
        let mut fresh = sample::host("pc-1", Outcome::NotStarted, None);
        fresh.settled = false;
        let mut other = sample::host("pc-2", Outcome::NotStarted, None);
        other.settled = false;
        let mut tally = Tally::new(&sample::run(vec![fresh, other]));
        let failed = sample::finished("pc-1", Outcome::Failed, Some(Reason::Fault));
        assert!(tally.take(&failed), "first of its cause");
        assert!(!tally.take(&sample::finished(
            "pc-2",
            Outcome::Failed,
            Some(Reason::Fault)
        )));
        assert_eq!(tally.failures(), "2 failed (fault 2)");
        tally.take(&sample::event("pc-1", EventKind::HostStarted));
        assert_eq!((tally.total(), tally.active), ((2, 1), 1));
        tally.take(&sample::finished("pc-1", Outcome::Ok, None));
        assert_eq!((tally.total(), tally.rings[0].bad), ((2, 2), 1));
    }
}
