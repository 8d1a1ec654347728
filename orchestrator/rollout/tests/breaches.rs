//! Limits and the words of an operator in the same moment.

use std::time::Instant;

use rollout::state::{Effect, HostEnd, Input, Now, Resumed, Rollout};
use rollout::testing::push;
use rollout::{Cost, EventKind, HostId, Outcome, Progress, RunSpec, RunState, StopCause};

fn spec() -> RunSpec {
    push(
        3,
        "rollout: { rings: [ { name: a, select: all, max_parallel: 1, max_failed: 0 } ] }\n",
    )
}

fn ended(outcome: Outcome) -> HostEnd {
    HostEnd {
        finished: finished(outcome),
        before: Vec::new(),
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
