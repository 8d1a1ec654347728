//! The policy alone under arbitrary rings, limits, outcomes, stops, orders and deaths of the controller: what holds of
//! every list of effects, and of every end. No journal, no fleet, no time that passes by itself.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use playbooks::{Limit, OnBreach};
use proptest::prelude::*;
use rollout::state::{Command, Effect, HostEnd, Input, Now, Order, Resumed, Rollout};
use rollout::testing::push;
use rollout::{
    Cost, EventKind, HoldCause, HostId, Outcome, Phase, Progress, RunSpec, RunState, StopCause,
};

const MOST_HOSTS: usize = 24;

/// Rings, limits and hosts are put into this one.
static BASE: LazyLock<RunSpec> = LazyLock::new(|| push(MOST_HOSTS, ""));

/// What happens next; numbers choose among the hosts in flight.
#[derive(Clone, Debug)]
enum Step {
    End(usize, Outcome),
    Guarded(usize),
    /// The prior state of a host is recorded and its first step begun.
    Touch(usize),
    GiveUp(usize),
    Stop(StopCause),
    Order(Command),
    Pass(u64),
    /// The controller dies, and another one takes over.
    Die,
}

fn step() -> impl Strategy<Value = Step> {
    let bad = prop_oneof![
        Just(Outcome::Failed),
        Just(Outcome::Unreachable),
        Just(Outcome::Indeterminate),
        Just(Outcome::Conflict),
    ];
    let cause = prop_oneof![Just(StopCause::Operator), Just(StopCause::Abort)];
    let command = prop_oneof![
        Just(Command::Pause),
        Just(Command::Resume),
        Just(Command::Approve(None)),
        Just(Command::Abort),
    ];
    prop_oneof![
        30 => any::<usize>().prop_map(|host| Step::End(host, Outcome::Ok)),
        10 => (any::<usize>(), bad).prop_map(|(host, outcome)| Step::End(host, outcome)),
        15 => any::<usize>().prop_map(Step::Touch),
        1 => any::<usize>().prop_map(Step::Guarded),
        1 => any::<usize>().prop_map(Step::GiveUp),
        1 => cause.prop_map(Step::Stop),
        3 => command.prop_map(Step::Order),
        4 => (0..400_u64).prop_map(Step::Pass),
        1 => Just(Step::Die),
    ]
}

fn on_breach() -> impl Strategy<Value = OnBreach> {
    prop_oneof![
        Just(OnBreach::Stop),
        Just(OnBreach::Pause),
        Just(OnBreach::RollbackRing),
        Just(OnBreach::RollbackRun),
    ]
}

fn limit() -> impl Strategy<Value = Option<Limit>> {
    prop_oneof![
        2 => Just(None),
        1 => (0..4_u32).prop_map(|count| Some(Limit::Count(count))),
        1 => (0..10_000_u32).prop_map(|share| Some(Limit::Percent(share))),
    ]
}

prop_compose! {
    fn ring()(hosts in 0..8_usize, max_parallel in 1..5_u32, failed in limit(), unreachable in limit(),
              indeterminate in limit(), on_breach in on_breach(), soak in prop::option::of(1..300_u64),
              approve in prop::bool::weighted(0.2)) -> rollout::RingPlan {
        let mut ring = BASE.rings[0].clone();
        (ring.hosts, ring.max_parallel) = (u32::try_from(hosts).unwrap(), max_parallel);
        ring.limits.max_failed = failed;
        ring.limits.max_unreachable = unreachable;
        ring.limits.max_indeterminate = indeterminate;
        ring.on_breach = on_breach;
        ring.gates.soak = soak.map(Duration::from_secs);
        ring.gates.approve = approve;
        ring
    }
}

prop_compose! {
    fn spec()(rings in prop::collection::vec(ring(), 1..4), failed in limit(), on_breach in on_breach(),
              deadline in prop::option::of(1..1_000_u64)) -> RunSpec {
        let mut spec = BASE.clone();
        let hosts = rings.iter().enumerate();
        let places: Vec<usize> = hosts.flat_map(|(index, ring)| vec![index; ring.hosts as usize]).collect();
        spec.hosts.truncate(places.len());
        for (host, ring) in spec.hosts.iter_mut().zip(places) {
            host.ring = ring;
        }
        spec.limits.max_failed = failed;
        (spec.rings, spec.on_breach) = (rings, on_breach);
        spec.deadline = deadline.map(Duration::from_secs);
        spec
    }
}

/// The policy, and beside it all that its effects say.
struct Model {
    spec: RunSpec,
    attended: bool,
    policy: Rollout,
    now: Now,
    /// From the recorded events alone.
    told: Progress,
    in_flight: BTreeSet<HostId>,
    undoing: BTreeSet<HostId>,
    /// In flight when their controller died.
    orphans: BTreeSet<HostId>,
    given_up: BTreeSet<HostId>,
    stopped: bool,
    breached: bool,
    finished: bool,
}

impl Model {
    fn new(spec: RunSpec, attended: bool) -> Self {
        let told = Progress::new(&spec);
        let mut model = Self {
            policy: Rollout::new(&spec, told.clone(), None, attended),
            attended,
            now: Now {
                instant: Instant::now(),
                time: "2026-11-24T12:00:00Z".parse().unwrap(),
            },
            spec,
            told,
            in_flight: BTreeSet::new(),
            undoing: BTreeSet::new(),
            orphans: BTreeSet::new(),
            given_up: BTreeSet::new(),
            stopped: false,
            breached: false,
            finished: false,
        };
        model.tell(Input::Begin);
        model
    }

    fn tell(&mut self, input: Input) {
        let effects = self.policy.handle(input, self.now).unwrap();
        let mut announced = BTreeSet::new();
        for effect in effects {
            match effect {
                Effect::Record(host, event) => {
                    assert!(!self.finished, "{event:?} after the end");
                    self.recorded(host, &event);
                    if matches!(event, EventKind::HostStarted | EventKind::UndoStarted) {
                        announced.extend(host);
                    }
                }
                Effect::Start(id) | Effect::Undo(id) => {
                    assert!(announced.remove(&id), "{id:?} begins before its record");
                    assert!(self.in_flight.insert(id), "{id:?} is in flight twice");
                    if matches!(self.told.hosts[id.index()].phase, Phase::Undoing) {
                        self.undoing.insert(id);
                    }
                    self.parallel();
                }
                Effect::Finish(state) => {
                    assert!(self.in_flight.is_empty(), "it ends with hosts in flight");
                    assert_eq!(state, self.told.state);
                    self.finished = true;
                }
                Effect::Wake(_) | Effect::Answer(_) => {}
            }
        }
        assert!(announced.is_empty(), "{announced:?} never begin");
        assert_eq!(&self.told, self.policy.progress(), "told and known");
        self.goes_on();
    }

    fn recorded(&mut self, host: Option<HostId>, event: &EventKind) {
        match event {
            EventKind::HostStarted => {
                let id = host.unwrap();
                let late = self.stopped && !self.orphans.remove(&id);
                assert!(!late, "{id:?} is started after a stop");
            }
            EventKind::LimitBreached { .. } => (self.stopped, self.breached) = (true, true),
            EventKind::StopRequested { .. } | EventKind::GuardTripped { .. } => self.stopped = true,
            EventKind::RunResumed { .. } => {
                let settled = self.told.state.is_final() || self.told.state == RunState::Paused;
                self.breached &= !settled;
                self.stopped = self.breached;
            }
            _ => {}
        }
        self.told.apply(host, event).unwrap();
    }

    fn parallel(&self) {
        for (index, ring) in self.spec.rings.iter().enumerate() {
            let of_ring = |id: &&HostId| self.spec.hosts[id.index()].ring == index;
            let count = self.in_flight.iter().filter(of_ring).count();
            assert!(count <= ring.max_parallel as usize, "{count} in {index}");
        }
    }

    /// With nothing in flight the run has ended, or says what it waits for.
    fn goes_on(&self) {
        if self.finished || !self.in_flight.is_empty() {
            return;
        }
        let hold = self.told.hold.map(|hold| hold.cause);
        assert!(
            hold == Some(HoldCause::Soak) || (hold.is_some() && self.attended),
            "nothing in flight, no end, and held by {hold:?}"
        );
    }

    fn pick(&self, number: usize) -> Option<HostId> {
        let count = self.in_flight.len();
        (count > 0).then(|| *self.in_flight.iter().nth(number % count).unwrap())
    }

    fn note(&mut self, id: HostId, event: EventKind) {
        self.policy.note(id, &event).unwrap();
        self.told.apply(Some(id), &event).unwrap();
    }

    /// The prior state is recorded, and a write may have been sent.
    fn touch(&mut self, id: HostId, written: bool) {
        let host = self.told.hosts[id.index()];
        if self.undoing.contains(&id) {
            return;
        }
        if !host.recorded {
            self.note(id, EventKind::PriorRecorded { steps: Vec::new() });
        }
        if written {
            self.note(id, EventKind::StepStarted { step: 0 });
        }
    }

    fn end(&mut self, id: HostId, outcome: Outcome, guarded: bool) {
        let undone = self.undoing.remove(&id);
        let outcome = match outcome {
            Outcome::Ok if undone => Outcome::RolledBack,
            Outcome::Conflict if !undone => Outcome::Failed,
            other => other,
        };
        if !undone && matches!(outcome, Outcome::Ok | Outcome::Indeterminate) {
            self.touch(id, true);
        }
        let changed = outcome == Outcome::Ok || self.told.hosts[id.index()].touched;
        self.in_flight.remove(&id);
        let phase = self.told.hosts[id.index()].phase;
        if guarded && matches!(phase, Phase::Recorded | Phase::Undoing) {
            // Without a logon it cannot be brought to its end: it is left to a resume.
            self.given_up.insert(id);
        }
        let finished = EventKind::HostFinished {
            outcome,
            changed,
            reason: None,
            detail: None,
            remedy: None,
            attempts: 1,
            cost: Cost::default(),
        };
        let end = HostEnd {
            finished,
            guarded: guarded.then(|| "CORP\\svc".to_owned()),
        };
        self.tell(Input::Host(id, end));
    }

    fn pass(&mut self, seconds: u64) {
        let by = Duration::from_secs(seconds);
        self.now.instant += by;
        self.now.time = self.now.time.checked_add(by).unwrap();
        self.tell(Input::Tick);
    }

    fn die(&mut self) {
        let again = EventKind::RunResumed {
            only: Vec::new(),
            hosts: None,
            operator: None,
        };
        if self.told.clone().next(None, &again).is_err() {
            return;
        }
        let open =
            |host: &rollout::HostProgress| matches!(host.phase, Phase::Started | Phase::Recorded);
        let hosts = self.told.hosts.iter().enumerate();
        self.orphans = hosts
            .filter(|(_, host)| open(host))
            .map(|(index, _)| HostId(u32::try_from(index).unwrap()))
            .collect();
        self.in_flight.clear();
        self.undoing.clear();
        self.given_up.clear();
        self.finished = false;
        let resumed = Some(Resumed::default());
        self.policy = Rollout::new(&self.spec, self.told.clone(), resumed, self.attended);
        self.tell(Input::Begin);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Die => self.die(),
            _ if self.finished => {}
            Step::Pass(seconds) => self.pass(seconds),
            Step::Stop(cause) => self.tell(Input::Stop(cause, String::new())),
            Step::Order(command) => {
                let operator = "bob@desk".to_owned();
                self.tell(Input::Operator(Order { command, operator }));
            }
            Step::End(number, outcome) => {
                if let Some(id) = self.pick(number) {
                    self.end(id, outcome, false);
                }
            }
            Step::Guarded(number) => {
                if let Some(id) = self.pick(number) {
                    self.end(id, Outcome::NotStarted, true);
                    let stop = self.told.stop;
                    assert!(
                        !matches!(stop, None | Some(StopCause::Limit | StopCause::Deadline)),
                        "the guard outranks {stop:?}"
                    );
                }
            }
            Step::Touch(number) => {
                if let Some(id) = self.pick(number) {
                    self.touch(id, number.is_multiple_of(2));
                }
            }
            Step::GiveUp(number) => {
                // Hosts are given up only after the operator said so.
                self.tell(Input::Stop(StopCause::Operator, String::new()));
                if let Some(id) = self.pick(number) {
                    self.in_flight.remove(&id);
                    self.undoing.remove(&id);
                    self.given_up.insert(id);
                    self.tell(Input::GivenUp(id));
                }
            }
        }
    }

    /// Everything that is left goes well.
    fn run_out(&mut self) {
        for _ in 0..1_000 {
            if self.finished {
                break;
            }
            match self.pick(0) {
                Some(id) => self.end(id, Outcome::Ok, false),
                None if self.told.awaiting_approval().is_some() => {
                    self.take(Step::Order(Command::Approve(None)));
                }
                None if self.told.state == RunState::Paused => {
                    self.take(Step::Order(Command::Resume));
                }
                None => self.pass(300),
            }
        }
        assert!(self.finished, "it never ends: {:?}", self.told);
    }

    /// Each host has one end, or none because it was never attempted or was given up.
    fn nobody_is_forgotten(&self) {
        for (index, host) in self.told.hosts.iter().enumerate() {
            let id = HostId(u32::try_from(index).unwrap());
            let settled = match host.phase {
                Phase::Ended { .. } | Phase::Undone { .. } => true,
                Phase::Pending => self.told.state != RunState::Succeeded,
                Phase::Started | Phase::Recorded | Phase::Undoing => self.given_up.contains(&id),
            };
            assert!(settled, "{id:?} is {:?}", host.phase);
        }
        let totals = self.told.totals();
        let sum: u32 = Outcome::ALL.iter().map(|outcome| totals.of(*outcome)).sum();
        assert_eq!(
            (sum, totals.hosts as usize),
            (totals.hosts, self.spec.hosts.len())
        );
    }
}

/// `WINFLEET_LONG=1` looks longer.
fn config() -> ProptestConfig {
    let long = std::env::var_os("WINFLEET_LONG").is_some();
    ProptestConfig {
        cases: if long { 50_000 } else { 500 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_happens(spec in spec(), attended in any::<bool>(), steps in prop::collection::vec(step(), 0..120)) {
        let mut model = Model::new(spec, attended);
        for step in steps {
            model.take(step);
        }
        model.run_out();
        model.nobody_is_forgotten();
    }
}
