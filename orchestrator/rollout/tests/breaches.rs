//! Limits and the words of an operator in the same moment, and what a reopened run counts. Both were found by the
//! simulation.

use std::time::Instant;

use rollout::state::{Effect, HostEnd, Input, Now, Resumed, Rollout};
use rollout::testing::push;
use rollout::{Cost, EventKind, HostId, Outcome, Progress, RunSpec, RunState, StopCause, Totals};

fn spec() -> RunSpec {
    push(
        3,
        "rollout: { rings: [ { name: a, select: all, max_parallel: 1, max_failed: 0 } ] }\n",
    )
}

fn ended(outcome: Outcome) -> HostEnd {
    HostEnd {
        finished: finished(outcome),
        guarded: None,
    }
}

fn finished(outcome: Outcome) -> EventKind {
    EventKind::HostFinished {
        outcome,
        changed: false,
        reason: None,
        detail: None,
        remedy: None,
        attempts: 1,
        cost: Cost::default(),
    }
}

fn tell(policy: &mut Rollout, input: Input) -> Vec<Effect> {
    let now = Now {
        instant: Instant::now(),
        time: "2026-11-24T12:00:00Z".parse().unwrap(),
    };
    policy.handle(input, now).unwrap()
}

fn start(effect: &Effect) -> bool {
    matches!(effect, Effect::Start(_))
}

#[test]
fn a_limit_that_is_exceeded_after_ctrl_c_holds_for_the_resume() {
    for cause in [StopCause::Operator, StopCause::Guard] {
        let mut policy = Rollout::new(&spec(), Progress::new(&spec()), None, false);
        assert!(tell(&mut policy, Input::Begin).iter().any(start));
        tell(&mut policy, Input::Stop(cause, "a word".into()));
        let effects = tell(&mut policy, Input::Host(HostId(0), ended(Outcome::Failed)));
        let breached =
            |effect: &Effect| matches!(effect, Effect::Record(_, EventKind::LimitBreached { .. }));
        assert!(effects.iter().any(breached), "{cause:?}: {effects:?}");
        let progress = policy.progress().clone();
        assert_eq!(progress.stop, Some(cause), "the stronger word ends the run");

        let mut policy = Rollout::new(&spec(), progress, Some(Resumed::default()), false);
        let effects = tell(&mut policy, Input::Begin);
        assert!(!effects.iter().any(start), "{cause:?}: {effects:?}");
        assert_eq!(policy.progress().state, RunState::Failed);
        assert_eq!(policy.progress().stop, Some(StopCause::Limit));
    }
}

#[test]
fn a_limit_that_is_exceeded_while_paused_takes_over() {
    let mut policy = Rollout::new(&spec(), Progress::new(&spec()), None, true);
    tell(&mut policy, Input::Begin);
    tell(&mut policy, Input::Stop(StopCause::Pause, "paused".into()));
    tell(&mut policy, Input::Host(HostId(0), ended(Outcome::Failed)));
    assert_eq!(policy.progress().stop, Some(StopCause::Limit));
    assert_eq!(policy.progress().state, RunState::Failed);
}

#[test]
fn a_reopened_host_stands_where_it_ended_until_it_starts_again() {
    let mut progress = Progress::new(&spec());
    let mut tell = |host: Option<u32>, event: EventKind| {
        progress.apply(host.map(HostId), &event).unwrap();
        progress.totals()
    };
    tell(
        None,
        EventKind::RunStarted {
            verb: rollout::Verb::Push,
            hosts: 3,
        },
    );
    tell(Some(0), EventKind::HostStarted);
    tell(Some(0), finished(Outcome::Unreachable));
    let state = RunState::Failed;
    tell(
        None,
        EventKind::RunFinished {
            state,
            exit_code: 4,
        },
    );
    let reopened = |only| EventKind::RunResumed {
        only,
        hosts: None,
        operator: None,
    };
    let so_far = Totals {
        hosts: 3,
        unreachable: 1,
        not_started: 2,
        ..Totals::default()
    };
    let totals = tell(None, reopened(vec![Outcome::Unreachable]));
    assert_eq!(totals, so_far, "it was not done again yet");
    // Stopped before its turn, it can be asked for by the same word.
    tell(
        None,
        EventKind::RunFinished {
            state,
            exit_code: 6,
        },
    );
    assert_eq!(tell(None, reopened(vec![Outcome::Unreachable])), so_far);
    let totals = tell(Some(0), EventKind::HostStarted);
    assert_eq!((totals.unreachable, totals.not_started), (0, 3));
}
