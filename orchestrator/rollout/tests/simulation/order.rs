//! A second, plainer reading of what may happen when: who may start after which events. It shares no code with the
//! policy, so that a slip there is not repeated here.

use std::collections::BTreeSet;

use inventory::HostName;
use jiff::Timestamp;
use playbooks::Limits;
use rollout::{Event, EventKind, HoldCause, Outcome, RunSpec, RunState};

/// What a reader of the events knows so far.
pub(crate) struct Reader<'a> {
    spec: &'a RunSpec,
    /// Started by the present controller, and not ended.
    in_flight: BTreeSet<usize>,
    /// In flight when an earlier controller died.
    left_open: BTreeSet<usize>,
    /// How each host ended, as far as it counts.
    ended: Vec<Option<Outcome>>,
    ended_at: Vec<Option<Timestamp>>,
    begun_rings: BTreeSet<usize>,
    approved: BTreeSet<usize>,
    /// Why no fresh host may start: a limit, or a word that holds until somebody resumes.
    breach: Option<String>,
    stopped: Option<String>,
    /// Whoever resumes a run that ended or was held knows of its breach, and goes on all the same.
    orderly: bool,
    undoing: bool,
    reopened: bool,
}

/// Asserts over all events of a run.
pub(crate) fn keeps_its_order(events: &[Event], spec: &RunSpec) {
    let mut reader = Reader {
        spec,
        in_flight: BTreeSet::new(),
        left_open: BTreeSet::new(),
        ended: vec![None; spec.hosts.len()],
        ended_at: vec![None; spec.hosts.len()],
        begun_rings: BTreeSet::new(),
        approved: BTreeSet::new(),
        breach: None,
        stopped: None,
        orderly: false,
        undoing: false,
        reopened: false,
    };
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.seq, index as u64 + 1, "the events have gaps");
        reader.read(event);
    }
}

impl Reader<'_> {
    fn place(&self, name: &HostName) -> usize {
        let mut hosts = self.spec.hosts.iter();
        hosts.position(|host| host.host.name == *name).unwrap()
    }

    fn read(&mut self, event: &Event) {
        let host = event.host.as_ref().map(|name| self.place(name));
        match &event.kind {
            EventKind::RunResumed { only, operator, .. } => self.resumed(only, operator.is_some()),
            EventKind::LimitBreached { text, .. } => self.breach = Some(text.clone()),
            EventKind::StopRequested { detail, .. } | EventKind::GuardTripped { detail } => {
                self.stopped = Some(detail.clone());
            }
            EventKind::RollbackStarted { .. } => self.undoing = true,
            EventKind::RunHeld { cause, .. } => self.orderly |= *cause != HoldCause::Soak,
            EventKind::RunFinished { state, .. } => {
                self.orderly |= state.is_final() || *state == RunState::Paused;
            }
            EventKind::RingApproved { ring, .. } => drop(self.approved.insert(*ring as usize)),
            EventKind::HostStarted => self.started(host.unwrap(), event),
            EventKind::UndoStarted => {
                let host = host.unwrap();
                assert!(self.undoing, "event {}: nothing is to be undone", event.seq);
                self.left_open.remove(&host);
                self.ended[host] = None;
                self.flies(host, event.seq);
            }
            EventKind::HostFinished { outcome, .. } => {
                self.finished(host.unwrap(), *outcome, event)
            }
            _ => {}
        }
    }

    fn resumed(&mut self, only: &[Outcome], by_order: bool) {
        if !by_order {
            // Another controller: nobody flies any more.
            self.left_open.append(&mut self.in_flight);
        }
        self.stopped = None;
        if self.orderly {
            self.breach = None;
            self.undoing = false;
        }
        self.reopened |= !only.is_empty();
        for ended in &mut self.ended {
            let again = |outcome: &Outcome| match only {
                [] => *outcome == Outcome::NotStarted,
                _ => only.contains(outcome),
            };
            *ended = ended.filter(|outcome| !again(outcome));
        }
        self.orderly = false;
    }

    /// `count > floor(percent x hosts)`.
    fn exceeds(&self, limits: Limits, outcome: Outcome, scope: impl Fn(usize) -> bool) -> bool {
        let all = (0..self.ended.len()).filter(|host| scope(*host)).count();
        let limit = match outcome {
            Outcome::Failed => limits.max_failed,
            Outcome::Unreachable => limits.max_unreachable,
            Outcome::Indeterminate => limits.max_indeterminate,
            _ => None,
        };
        let counts = |host: &usize| scope(*host) && self.ended[*host] == Some(outcome);
        let count = (0..self.ended.len()).filter(counts).count();
        limit.is_some_and(|limit| count as u64 > limit.allowed(all))
    }

    fn started(&mut self, host: usize, event: &Event) {
        if !self.left_open.remove(&host) {
            if let Some(why) = self.breach.as_ref().or(self.stopped.as_ref()) {
                panic!(
                    "event {}: host {host} is started after a stop ({why})",
                    event.seq
                );
            }
            self.passed_gates(self.spec.hosts[host].ring, event);
        }
        self.begun_rings.insert(self.spec.hosts[host].ring);
        self.ended[host] = None;
        self.flies(host, event.seq);
    }

    fn passed_gates(&self, ring: usize, event: &Event) {
        for earlier in 0..ring {
            let of_ring = |host: &usize| self.spec.hosts[*host].ring == earlier;
            let hosts: Vec<usize> = (0..self.ended.len()).filter(of_ring).collect();
            let gates = &self.spec.rings[earlier].gates;
            if hosts.is_empty() {
                continue;
            }
            let open = !gates.approve || self.approved.contains(&earlier);
            assert!(open, "event {}: ring {earlier} was not approved", event.seq);
            if let (Some(soak), false, false) =
                (gates.soak, self.reopened, self.begun_rings.contains(&ring))
            {
                let last = hosts.iter().filter_map(|host| self.ended_at[*host]).max();
                let soaked = last.is_some_and(|last| event.time >= last + soak);
                assert!(soaked, "event {}: ring {earlier} did not soak", event.seq);
            }
        }
    }

    fn flies(&mut self, host: usize, seq: u64) {
        assert!(
            self.in_flight.insert(host),
            "event {seq}: host {host} is started twice"
        );
        let ring = self.spec.hosts[host].ring;
        let most = self.spec.rings[ring].max_parallel as usize;
        assert!(
            self.in_flight.len() <= most,
            "event {seq}: {:?} of {most} in flight",
            self.in_flight
        );
        for (group, cap) in &self.spec.groups {
            let of = |host: &&usize| self.spec.hosts[**host].host.groups.contains(group);
            let count = self.in_flight.iter().filter(of).count();
            assert!(
                count <= *cap as usize,
                "event {seq}: {count} of group {group}"
            );
        }
    }

    fn finished(&mut self, host: usize, outcome: Outcome, event: &Event) {
        assert!(
            self.in_flight.remove(&host),
            "event {}: host {host} was not started",
            event.seq
        );
        self.ended[host] = Some(outcome);
        self.ended_at[host] = Some(event.time);
        let ring = self.spec.hosts[host].ring;
        let of_ring = |host: usize| self.spec.hosts[host].ring == ring;
        let exceeded = self.exceeds(self.spec.rings[ring].limits, outcome, of_ring)
            || self.exceeds(self.spec.limits, outcome, |_| true);
        if exceeded && !self.undoing {
            self.breach = Some(format!("a limit is exceeded since event {}", event.seq));
        }
    }
}
