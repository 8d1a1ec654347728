//! Events that cannot happen are refused, and leave the state as it was.

use playbooks::OnBreach;
use rollout::testing::push;
use rollout::{Cost, EventKind, HoldCause, HostId, Outcome, Progress, RunState, StopCause, Verb};

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

fn ring(ring: u32) -> EventKind {
    EventKind::RingStarted {
        ring,
        name: "all".into(),
        hosts: 2,
        max_parallel: 1,
    }
}

fn resumed(only: Vec<Outcome>) -> EventKind {
    EventKind::RunResumed {
        only,
        hosts: None,
        operator: None,
    }
}

fn ended(state: RunState) -> EventKind {
    EventKind::RunFinished {
        state,
        exit_code: 0,
    }
}

fn breached() -> EventKind {
    EventKind::LimitBreached {
        ring: None,
        outcome: Outcome::Failed,
        limit: "0".into(),
        count: 1,
        hosts: 2,
        allowed: 0,
        action: OnBreach::Stop,
        text: String::new(),
    }
}

type Happened = (Option<u32>, EventKind);

/// After these events of a run of two hosts, the last one cannot happen.
#[track_caller]
fn refused(after: &[Happened], event: Happened) {
    let mut progress = Progress::new(&push(2, ""));
    let id = |host: Option<u32>| host.map(HostId);
    for (host, event) in after {
        progress.apply(id(*host), event).unwrap();
    }
    let before = progress.clone();
    let error = progress.apply(id(event.0), &event.1).unwrap_err();
    assert_eq!(error.event, event.1.name());
    assert_eq!(progress, before, "what is refused has no effect");
}

#[test]
fn what_cannot_happen_is_refused() {
    use EventKind::{GuardTripped, HostStarted, RollbackStarted, StepStarted, UndoStarted};
    let begun: Happened = (
        None,
        EventKind::RunStarted {
            verb: Verb::Push,
            hosts: 2,
        },
    );
    let begun = || begun.clone();
    let prior = || EventKind::PriorRecorded { steps: Vec::new() };
    let started = || (Some(0), HostStarted);
    let stop = |cause| EventKind::StopRequested {
        cause,
        detail: String::new(),
    };
    let trip = || GuardTripped {
        detail: String::new(),
    };
    // The run.
    refused(&[], (None, ring(0)));
    refused(&[], (None, breached()));
    refused(&[], (None, trip()));
    refused(&[begun()], begun());
    refused(&[begun()], (None, ring(1)));
    refused(&[begun(), (None, breached())], (None, ring(0)));
    refused(
        &[begun()],
        (
            None,
            RollbackStarted {
                ring: None,
                hosts: 1,
            },
        ),
    );
    refused(
        &[begun()],
        (
            None,
            EventKind::RunReleased {
                cause: HoldCause::Soak,
            },
        ),
    );
    let done = (None, ended(RunState::Succeeded));
    refused(&[begun(), done.clone()], (None, ended(RunState::Failed)));
    refused(&[begun(), done.clone()], (None, resumed(Vec::new())));
    refused(&[begun(), done], (None, breached()));
    let aborted = (None, ended(RunState::Cancelled));
    refused(&[begun(), aborted], (None, resumed(vec![Outcome::Failed])));
    // A host.
    refused(&[], started());
    refused(&[begun()], (Some(2), HostStarted));
    refused(&[begun()], (Some(0), prior()));
    refused(&[begun()], (Some(0), finished(Outcome::Failed)));
    refused(&[begun()], (Some(0), UndoStarted));
    refused(&[begun(), started()], (Some(0), StepStarted { step: 0 }));
    refused(&[begun(), started()], (Some(0), finished(Outcome::Ok)));
    refused(&[begun(), started()], (Some(0), UndoStarted));
    for stopped in [breached(), trip(), stop(StopCause::Operator)] {
        refused(&[begun(), (None, stopped)], started());
    }
    let ended = (Some(0), finished(Outcome::Failed));
    refused(&[begun(), started(), ended.clone()], started());
    refused(&[begun(), started(), ended.clone()], ended);
    // A second plan after the first write would forget what was there before.
    let writing = [
        begun(),
        started(),
        (Some(0), prior()),
        (Some(0), StepStarted { step: 0 }),
    ];
    refused(&writing, (Some(0), prior()));
    // Whose event is it?
    refused(&[begun()], (None, HostStarted));
    refused(&[begun(), started()], (Some(0), breached()));
}
