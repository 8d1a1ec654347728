//! Who starts next: rings in order, within a ring the order of the inventory, as far as `max_parallel`, the caps of
//! groups and the gates allow.

use std::collections::VecDeque;

use super::{Effect, Now, Rollout, index32};
use crate::event::EventKind;
use crate::outcome::HoldCause;
use crate::progress::{HostId, IllegalEvent, Phase};
use crate::spec::{RingPlan, RunSpec};

impl Rollout {
    pub(super) fn start_hosts(
        &mut self,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), IllegalEvent> {
        loop {
            let next = || self.waiting.iter().position(|queue| !queue.is_empty());
            let Some(ring) = self.announced.or_else(next) else {
                return Ok(());
            };
            if self.announced.is_none() {
                if !self.may_begin(ring, now, effects)? {
                    return Ok(());
                }
                self.announced = Some(ring);
                if self.progress.stop.is_none() {
                    self.record(None, ring_started(ring, &self.rings[ring]), effects)?;
                }
            }
            if self.window_is_open(ring, now) {
                self.release(HoldCause::Window, effects)?;
            }
            while let Some(id) = self.next_of(ring, now) {
                self.record(Some(id), EventKind::HostStarted, effects)?;
                effects.push(Effect::Start(id));
                self.groups.enter(id);
                self.in_flight.insert(id);
            }
            if !self.in_flight.is_empty() {
                return Ok(());
            }
            if !self.waiting[ring].is_empty() {
                // Nothing is in flight, so every group has room: the window has closed.
                return self.hold_for_window(ring, now, effects);
            }
            self.announced = None;
            if self.progress.stop.is_none() {
                let (index, name) = (index32(ring), self.rings[ring].name.clone());
                self.record(None, EventKind::RingFinished { ring: index, name }, effects)?;
            }
        }
    }

    /// The next host of a ring that may start now. Hosts that were in flight when their controller died need no
    /// open window: they have to be brought to an end.
    fn next_of(&mut self, ring: usize, now: Now) -> Option<HostId> {
        if self.full(ring) {
            return None;
        }
        let open = self.window_is_open(ring, now);
        let hosts = &self.progress.hosts;
        let may = |id: &HostId| {
            (open || hosts[id.index()].phase != Phase::Pending) && self.groups.room(*id)
        };
        let place = self.waiting[ring].iter().position(may)?;
        self.waiting[ring].remove(place)
    }

    pub(super) fn full(&self, ring: usize) -> bool {
        self.in_flight.len() >= self.rings[ring].max_parallel.max(1) as usize
    }

    /// Queues what is to be done, from where the run stands.
    pub(super) fn fill_waiting(&mut self) {
        self.waiting = vec![VecDeque::new(); self.rings.len()];
        for wanted in [true, false] {
            for (index, host) in self.progress.hosts.iter().enumerate() {
                let id = HostId(index32(index));
                let open = matches!(host.phase, Phase::Started | Phase::Recorded);
                let pending = host.phase == Phase::Pending && !host.left_out;
                if ((open && wanted) || (pending && !wanted)) && !self.in_flight.contains(&id) {
                    self.waiting[host.ring as usize].push_back(id);
                }
            }
        }
    }

    /// Keeps only hosts that were in flight when the controller died: they have to be brought to an end.
    pub(super) fn drop_waiting(&mut self) {
        let hosts = &self.progress.hosts;
        for queue in &mut self.waiting {
            queue.retain(|id| hosts[id.index()].phase != Phase::Pending);
        }
    }
}

fn ring_started(index: usize, ring: &RingPlan) -> EventKind {
    EventKind::RingStarted {
        ring: index32(index),
        name: ring.name.clone(),
        hosts: ring.hosts,
        max_parallel: ring.max_parallel,
    }
}

/// How many hosts of a group may be in flight, and are.
#[derive(Debug)]
pub(super) struct GroupCaps {
    /// Cap and count per capped group.
    groups: Vec<(u32, u32)>,
    /// Per host, the capped groups it is in; empty where nothing is capped.
    of_host: Vec<Vec<u16>>,
}

impl GroupCaps {
    pub(super) fn new(spec: &RunSpec) -> Self {
        let groups: Vec<(u32, u32)> = spec.groups.values().map(|cap| ((*cap).max(1), 0)).collect();
        let place = |name: &String| {
            let found = spec.groups.keys().position(|group| group == name)?;
            u16::try_from(found).ok()
        };
        let of_host = if groups.is_empty() {
            Vec::new()
        } else {
            let hosts = spec.hosts.iter();
            hosts
                .map(|host| host.host.groups.iter().filter_map(place).collect())
                .collect()
        };
        Self { groups, of_host }
    }

    fn of(&self, id: HostId) -> &[u16] {
        self.of_host.get(id.index()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn room(&self, id: HostId) -> bool {
        let has_room = |group: &u16| {
            self.groups
                .get(usize::from(*group))
                .is_none_or(|(cap, count)| count < cap)
        };
        self.of(id).iter().all(has_room)
    }

    pub(super) fn enter(&mut self, id: HostId) {
        for group in self.of(id).to_vec() {
            self.groups[usize::from(group)].1 += 1;
        }
    }

    pub(super) fn leave(&mut self, id: HostId) {
        for group in self.of(id).to_vec() {
            self.groups[usize::from(group)].1 -= 1;
        }
    }
}
