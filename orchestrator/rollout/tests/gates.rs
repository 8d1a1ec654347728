//! Gates, limits and orders against the policy alone: no journal, no fleet, no time that passes by itself. The tables
//! of `docs/gates.md` are read from the page itself.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rollout::state::{Command, Effect, HostEnd, Input, Now, Order, Resumed, Rollout};
use rollout::testing::push;
use rollout::{
    Cost, EventKind, HoldCause, HostId, Outcome, Progress, RunSpec, RunState, StopCause,
};

const PAGE: &str = include_str!("../../docs/gates.md");

/// The rows of the table whose head begins with these columns.
fn table(head: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let mut lines = PAGE.lines().skip_while(|line| !line.starts_with(head));
    assert!(lines.next().is_some(), "the page has no table '{head}'");
    lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect()
}

struct Desk {
    policy: Rollout,
    now: Now,
    events: Vec<EventKind>,
    in_flight: Vec<HostId>,
    undoing: Vec<HostId>,
    started: Vec<HostId>,
    answer: Option<Result<String, String>>,
    wake: Option<Duration>,
    finished: Option<RunState>,
}

impl Desk {
    fn new(spec: &RunSpec, attended: bool) -> Self {
        Self::from(
            spec,
            Progress::new(spec),
            None,
            attended,
            "2026-11-24T12:00:00Z",
        )
    }

    fn from(
        spec: &RunSpec,
        progress: Progress,
        resumed: Option<Resumed>,
        attended: bool,
        time: &str,
    ) -> Self {
        let mut desk = Self {
            policy: Rollout::new(spec, progress, resumed, attended),
            now: Now {
                instant: Instant::now(),
                time: time.parse().unwrap(),
            },
            events: Vec::new(),
            in_flight: Vec::new(),
            undoing: Vec::new(),
            started: Vec::new(),
            answer: None,
            wake: None,
            finished: None,
        };
        desk.tell(Input::Begin);
        desk
    }

    fn tell(&mut self, input: Input) {
        for effect in self.policy.handle(input, self.now).unwrap() {
            match effect {
                Effect::Record(_, event) => self.events.push(event),
                Effect::Start(id) => {
                    self.started.push(id);
                    self.in_flight.push(id);
                }
                Effect::Undo(id) => self.undoing.push(id),
                Effect::Wake(after) => self.wake = Some(after),
                Effect::Answer(answer) => self.answer = Some(answer),
                Effect::Finish(state) => self.finished = Some(state),
            }
        }
    }

    /// The oldest host in flight ends.
    fn end(&mut self, outcome: Outcome) {
        let id = self.in_flight.remove(0);
        if outcome == Outcome::Ok {
            let event = EventKind::PriorRecorded { steps: Vec::new() };
            self.policy.note(id, &event).unwrap();
        }
        self.tell(Input::Host(id, ended(outcome, outcome == Outcome::Ok)));
    }

    fn undo_all(&mut self) {
        while !self.undoing.is_empty() {
            let id = self.undoing.remove(0);
            self.tell(Input::Host(id, ended(Outcome::RolledBack, false)));
        }
    }

    fn pass(&mut self, seconds: u64) {
        let by = Duration::from_secs(seconds);
        self.now.instant += by;
        self.now.time = self.now.time.checked_add(by).unwrap();
        self.tell(Input::Tick);
    }

    fn order(&mut self, command: Command) -> Result<String, String> {
        self.tell(Input::Operator(Order {
            command,
            operator: "bob@desk".into(),
        }));
        self.answer.take().expect("an order is answered")
    }

    fn exit_code(&self) -> Option<u8> {
        self.events.iter().rev().find_map(|event| match event {
            EventKind::RunFinished { exit_code, .. } => Some(*exit_code),
            _ => None,
        })
    }

    fn holds(&self) -> Vec<HoldCause> {
        let cause = |event: &EventKind| match event {
            EventKind::RunHeld { cause, .. } => Some(*cause),
            _ => None,
        };
        self.events.iter().filter_map(cause).collect()
    }
}

fn ended(outcome: Outcome, changed: bool) -> HostEnd {
    HostEnd {
        finished: EventKind::HostFinished {
            outcome,
            changed,
            reason: None,
            detail: None,
            remedy: None,
            attempts: 1,
            cost: Cost::default(),
        },
        guarded: None,
    }
}

/// One host in ring `a`, the rest in ring `b`; `a` has these gates.
fn two_rings(gates: &str, gates_of_b: &str) -> RunSpec {
    let name = push(1, "").hosts[0].host.name.clone();
    push(
        4,
        &format!(
            "rollout:\n  rings:\n    - {{ name: a, select: '{name}'{gates} }}\n    - {{ name: b, select: rest, max_parallel: 2{gates_of_b} }}\n"
        ),
    )
}

#[test]
fn the_table_of_limits() {
    let rows = table("| limit | hosts |");
    assert!(rows.len() > 10);
    for row in rows {
        let (key, limit) = row[0].split_once(' ').unwrap();
        let number = |place: usize| row[place].parse::<usize>().unwrap();
        let hosts = number(1);
        let counts = [
            (Outcome::Failed, number(2)),
            (Outcome::Unreachable, number(3)),
            (Outcome::Indeterminate, number(4)),
            (Outcome::Ok, number(5)),
        ];
        for scope in ["ring", "run"] {
            let block = match scope {
                "ring" => format!(
                    "rollout: {{ rings: [ {{ name: a, select: all, max_parallel: 1000, {key}: '{limit}' }} ] }}\n"
                ),
                _ => format!(
                    "rollout: {{ {key}: '{limit}', rings: [ {{ name: a, select: all, max_parallel: 1000 }} ] }}\n"
                ),
            };
            let mut desk = Desk::new(&push(hosts, &block), false);
            for (outcome, count) in counts {
                for _ in 0..count {
                    desk.end(outcome);
                }
            }
            let breached = desk
                .events
                .iter()
                .any(|event| matches!(event, EventKind::LimitBreached { .. }));
            assert_eq!(breached, row[6] == "yes", "{scope}: {row:?}");
        }
    }
}

#[test]
fn the_table_of_breaches() {
    for row in table("| on_breach |") {
        let block = format!(
            "rollout:\n  on_breach: {}\n  max_failed: 0\n  rings:\n    - {{ name: a, select: all, max_parallel: 3 }}\n",
            row[0]
        );
        let mut desk = Desk::new(&push(9, &block), false);
        desk.end(Outcome::Ok);
        let before = desk.started.len();
        desk.end(Outcome::Failed);
        assert_eq!(
            desk.finished, None,
            "{row:?}: those in flight end by themselves"
        );
        desk.end(Outcome::Ok);
        desk.end(Outcome::Ok);
        assert_eq!(desk.started.len(), before, "{row:?}: nobody new is started");
        assert_eq!(desk.undoing.is_empty(), row[2] == "stay", "{row:?}");
        desk.undo_all();
        assert_eq!(
            desk.finished.map(|state| state.to_string()),
            Some(row[3].clone()),
            "{row:?}"
        );
        assert_eq!(
            desk.exit_code().map(|code| code.to_string()),
            Some(row[4].clone()),
            "{row:?}"
        );
    }
}

#[test]
fn the_stop_message_has_the_formula_with_its_numbers() {
    let mut desk = Desk::new(
        &push(
            49,
            "rollout: { rings: [ { name: a, select: all, max_failed: '2.5%' } ] }\n",
        ),
        false,
    );
    desk.end(Outcome::Failed);
    desk.end(Outcome::Failed);
    let text = desk.events.iter().find_map(|event| match event {
        EventKind::LimitBreached { text, .. } => Some(text.clone()),
        _ => None,
    });
    assert_eq!(
        text.as_deref(),
        Some("ring 'a': 2 of 49 hosts failed, max_failed 2.5% allows floor(2.5% x 49) = 1")
    );
}

#[test]
fn the_table_of_gates() {
    for row in table("| gate | attended |") {
        let (gates, gates_of_b) = match row[0].as_str() {
            "soak" => (", soak: 10m", ""),
            "approve" => (", approve: true", ""),
            _ => ("", ", windows: { from: '22:00', to: '05:00', tz: UTC }"),
        };
        let mut desk = Desk::new(&two_rings(gates, gates_of_b), row[1] == "yes");
        desk.end(Outcome::Ok);
        assert_eq!(desk.started.len(), 1, "{row:?}: the next ring waits");
        assert_eq!(desk.policy.progress().state.to_string(), row[3], "{row:?}");
        assert_eq!(desk.finished.is_none(), row[2] == "waits", "{row:?}");
        let exit = desk
            .exit_code()
            .map_or_else(|| "-".to_owned(), |code| code.to_string());
        assert_eq!(exit, row[4], "{row:?}");
    }
}

#[test]
fn a_soak_passes_with_time_and_keeps_its_end_over_a_crash() {
    let spec = two_rings(", soak: 10m", "");
    let mut desk = Desk::new(&spec, false);
    desk.end(Outcome::Ok);
    assert_eq!(desk.holds(), [HoldCause::Soak]);
    assert!(
        desk.wake
            .is_some_and(|wake| wake <= Duration::from_secs(30)),
        "clocks may jump"
    );
    desk.pass(599);
    assert_eq!(desk.started.len(), 1);
    let crashed = desk.policy.progress().clone();
    desk.pass(1);
    assert_eq!(desk.started.len(), 3);
    // Another controller, eleven minutes after the first one died.
    let later = Desk::from(
        &spec,
        crashed,
        Some(Resumed::default()),
        false,
        "2026-11-24T12:10:30Z",
    );
    assert_eq!(later.started.len(), 2, "the soak is over");
}

#[test]
fn an_approval_lets_the_next_ring_start_and_is_recorded_with_its_name() {
    let mut desk = Desk::new(&two_rings(", soak: 1m, approve: true", ""), true);
    assert_eq!(
        desk.order(Command::Approve(None)),
        Err("no ring waits for an approval".into())
    );
    desk.end(Outcome::Ok);
    assert!(
        desk.order(Command::Approve(None)).is_err(),
        "it soaks first"
    );
    desk.pass(60);
    assert_eq!(desk.holds(), [HoldCause::Soak, HoldCause::Approval]);
    assert!(
        desk.order(Command::Resume).is_err(),
        "resume is no approval"
    );
    assert!(
        desk.order(Command::Approve(Some("b".into())))
            .unwrap_err()
            .contains("ring 'a'")
    );
    desk.order(Command::Approve(Some("a".into()))).unwrap();
    assert_eq!(desk.started.len(), 3);
    assert!(desk.events.iter().any(|event| matches!(event,
        EventKind::RingApproved { name, operator, .. } if name == "a" && operator == "bob@desk")));
}

#[test]
fn the_gates_of_the_last_ring_with_hosts_are_not_waited_for() {
    let mut desk = Desk::new(
        &push(
            1,
            "rollout: { rings: [ { name: a, select: all, soak: 1h, approve: true } ] }\n",
        ),
        false,
    );
    desk.end(Outcome::Ok);
    assert_eq!(
        (desk.finished, desk.exit_code()),
        (Some(RunState::Succeeded), Some(0))
    );
}

#[test]
fn a_window_that_closes_stops_new_hosts_and_opens_again() {
    let spec = two_rings("", ", windows: { from: '12:00', to: '13:00', tz: UTC }");
    let mut desk = Desk::new(&spec, true);
    desk.end(Outcome::Ok);
    assert_eq!(desk.started.len(), 3);
    desk.pass(3_600);
    desk.end(Outcome::Ok);
    assert_eq!(desk.started.len(), 3, "closed: nobody new");
    desk.end(Outcome::Ok);
    assert_eq!(desk.policy.progress().state, RunState::Paused);
    desk.pass(23 * 3_600);
    assert_eq!(desk.started.len(), 4, "the next day");
    desk.end(Outcome::Ok);
    assert_eq!(desk.finished, Some(RunState::Succeeded));
}

/// What a catch-up over many nights relies on: a sweep that meets the end of the window ends paused, and what it had not
/// come to is still unreachable, not forgotten, for the next one.
#[test]
fn a_window_that_closes_on_hosts_that_are_done_again_leaves_them_as_they_were() {
    let block = "rollout: { windows: { from: '12:00', to: '13:00', tz: UTC }, rings: [ { name: a, select: all, max_parallel: 1 } ] }\n";
    let spec = push(3, block);
    let mut desk = Desk::new(&spec, false);
    for outcome in [Outcome::Ok, Outcome::Unreachable, Outcome::Unreachable] {
        desk.end(outcome);
    }
    assert_eq!(desk.finished, Some(RunState::Failed));
    let again = || {
        Some(Resumed {
            only: vec![Outcome::Unreachable],
            hosts: Some(vec![1, 2]),
            operator: None,
        })
    };
    let progress = desk.policy.progress().clone();
    let mut sweep = Desk::from(&spec, progress, again(), false, "2026-11-25T12:59:00Z");
    sweep.pass(120);
    sweep.end(Outcome::Ok);
    assert_eq!(
        (sweep.finished, sweep.started.len()),
        (Some(RunState::Paused), 1)
    );
    assert_eq!(sweep.exit_code(), Some(6));
    let progress = sweep.policy.progress().clone();
    let cause = progress.hold.map(|hold| hold.cause);
    assert_eq!((cause, progress.stop), (Some(HoldCause::Window), None));
    let totals = progress.totals();
    assert_eq!((totals.unreachable, totals.not_started), (1, 0));
    let mut next = Desk::from(&spec, progress, again(), false, "2026-11-26T12:30:00Z");
    assert_eq!(next.started, [HostId(2)]);
    next.end(Outcome::Ok);
    assert_eq!(next.exit_code(), Some(0));
}

#[test]
fn pause_and_resume_from_another_terminal() {
    let mut desk = Desk::new(
        &push(
            4,
            "rollout: { rings: [ { name: a, select: all, max_parallel: 2 } ] }\n",
        ),
        true,
    );
    assert!(desk.order(Command::Resume).is_err(), "it is not paused");
    assert!(
        desk.order(Command::Pause)
            .unwrap()
            .contains("2 in flight end first")
    );
    desk.end(Outcome::Ok);
    desk.end(Outcome::Ok);
    assert_eq!(
        (desk.started.len(), desk.policy.progress().state),
        (2, RunState::Paused)
    );
    desk.order(Command::Resume).unwrap();
    assert_eq!(desk.started.len(), 4);
    // A pause that is taken back while hosts are in flight.
    desk.order(Command::Pause).unwrap();
    desk.order(Command::Resume).unwrap();
    desk.end(Outcome::Ok);
    desk.end(Outcome::Ok);
    assert_eq!(desk.finished, Some(RunState::Succeeded));
}

#[test]
fn a_pause_that_nobody_attends_ends_paused() {
    let mut desk = Desk::new(
        &push(
            4,
            "rollout: { rings: [ { name: a, select: all, max_parallel: 2 } ] }\n",
        ),
        false,
    );
    desk.order(Command::Pause).unwrap();
    desk.end(Outcome::Ok);
    desk.end(Outcome::Ok);
    assert_eq!(
        (desk.finished, desk.exit_code()),
        (Some(RunState::Paused), Some(6))
    );
}

#[test]
fn an_abort_is_for_good() {
    let spec = push(
        4,
        "rollout: { rings: [ { name: a, select: all, max_parallel: 2 } ] }\n",
    );
    let mut desk = Desk::new(&spec, true);
    desk.order(Command::Abort).unwrap();
    desk.end(Outcome::Ok);
    desk.end(Outcome::Ok);
    assert_eq!(
        (desk.finished, desk.exit_code()),
        (Some(RunState::Cancelled), Some(6))
    );
    for only in [Vec::new(), vec![Outcome::Failed]] {
        let again = EventKind::RunResumed {
            only,
            hosts: None,
            operator: None,
        };
        assert!(desk.policy.progress().clone().next(None, &again).is_err());
    }
}

#[test]
fn only_takes_up_what_it_names() {
    let spec = push(
        6,
        "rollout: { rings: [ { name: a, select: all, max_parallel: 2, max_failed: 0 } ] }\n",
    );
    let mut desk = Desk::new(&spec, false);
    desk.end(Outcome::Failed);
    desk.end(Outcome::Ok);
    assert_eq!(desk.exit_code(), Some(6));
    let stopped = desk.policy.progress().clone();
    let resumed = |only: &[Outcome]| {
        let resumed = Resumed {
            only: only.to_vec(),
            hosts: None,
            operator: None,
        };
        Desk::from(
            &spec,
            stopped.clone(),
            Some(resumed),
            false,
            "2026-11-24T13:00:00Z",
        )
    };
    let mut failed = resumed(&[Outcome::Failed]);
    assert_eq!(
        failed.started,
        [HostId(0)],
        "those never attempted are left out"
    );
    failed.end(Outcome::Ok);
    assert_eq!(
        failed.finished,
        Some(RunState::Failed),
        "four were never attempted"
    );
    assert_eq!(
        resumed(&[Outcome::NotStarted]).started,
        [HostId(2), HostId(3)]
    );
    assert_eq!(
        resumed(&[Outcome::Failed, Outcome::NotStarted]).started,
        [HostId(0), HostId(2)]
    );
}

#[test]
fn the_guard_outranks_a_limit() {
    let mut desk = Desk::new(
        &push(
            4,
            "rollout: { rings: [ { name: a, select: all, max_parallel: 2, max_failed: 0 } ] }\n",
        ),
        false,
    );
    desk.end(Outcome::Failed);
    let id = desk.in_flight.remove(0);
    let guarded = HostEnd {
        guarded: Some("CORP\\svc".into()),
        ..ended(Outcome::NotStarted, false)
    };
    desk.tell(Input::Host(id, guarded));
    assert_eq!(desk.exit_code(), Some(9));
    assert_eq!(desk.policy.progress().stop, Some(StopCause::Guard));
}

#[test]
fn a_group_has_a_cap_across_rings_and_lets_others_by() {
    let mut spec = push(
        5,
        "rollout: { groups: { paris: { max_parallel: 1 } }, rings: [ { name: a, select: all, max_parallel: 3 } ] }\n",
    );
    for host in [0, 1, 2] {
        spec.hosts[host].host.groups = vec!["paris".into()];
    }
    let mut desk = Desk::new(&spec, false);
    assert_eq!(desk.started, [HostId(0), HostId(3), HostId(4)]);
    desk.end(Outcome::Ok);
    assert_eq!(desk.started.last(), Some(&HostId(1)));
    for _ in 0..4 {
        desk.end(Outcome::Ok);
    }
    assert_eq!(
        (desk.started.len(), desk.finished),
        (5, Some(RunState::Succeeded))
    );
}

#[test]
fn a_clock_that_jumps_back_delays_and_never_skips() {
    let mut desk = Desk::new(&two_rings(", soak: 10m", ""), false);
    desk.end(Outcome::Ok);
    desk.now.time = "2026-11-24T11:00:00Z".parse::<Timestamp>().unwrap();
    desk.tell(Input::Tick);
    assert_eq!(desk.started.len(), 1);
    desk.now.time = "2026-11-24T12:10:00Z".parse::<Timestamp>().unwrap();
    desk.tell(Input::Tick);
    assert_eq!(desk.started.len(), 3);
}
