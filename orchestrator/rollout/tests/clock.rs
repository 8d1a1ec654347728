//! The engine under a paused clock: the deadline of a run, slow and hanging hosts, panics, and a guard that trips after
//! a limit has stopped the run.

use std::sync::Arc;
use std::time::Duration;

use rollout::testing::{Fault, Point, Script, Scripted, push};
use rollout::{
    Control, EventKind, HostError, Journal, JournalOptions, OpenMode, Outcome, Reason, RunRecord,
    RunSpec, RunState, Severity, StopCause,
};
use tokio::sync::mpsc;

/// Carries a run out with a journal that commits in this thread; the events it told.
async fn carry(spec: RunSpec, scripts: Vec<Script>) -> (RunRecord, Vec<EventKind>) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = JournalOptions::new(OpenMode::ReadWrite);
    options.inline = true;
    let journal = Journal::open_with(&folder.path().join("journal.sqlite"), &options).unwrap();
    let id = spec.id.clone();
    let active = journal.create_run(spec).unwrap();
    let (events, mut told) = mpsc::unbounded_channel();
    let fleet = Arc::new(Scripted::of(scripts));
    rollout::run(active, Arc::clone(&fleet), events, Control::default())
        .await
        .unwrap();
    for counters in fleet.counters() {
        assert_eq!(counters.connected, 0, "every connection was closed");
        assert!(counters.most_connected <= 1, "one connection per host");
    }
    let mut kinds = Vec::new();
    while let Some(event) = told.recv().await {
        kinds.push(event.kind);
    }
    (journal.run(&id).unwrap(), kinds)
}

fn outcomes(record: &RunRecord) -> Vec<Outcome> {
    record.hosts.iter().map(|host| host.outcome).collect()
}

const ONE_BY_ONE: &str =
    "rollout: { rings: [ { name: all, select: all, max_parallel: 1, max_failed: 0 } ] }\n";
const ALL_AT_ONCE: &str =
    "rollout: { rings: [ { name: all, select: all, max_parallel: 9, max_failed: 0 } ] }\n";

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_run_passes_on_the_clock_of_its_hosts() {
    let mut spec = push(3, ONE_BY_ONE);
    spec.deadline = Some(Duration::from_secs(2));
    // Six requests: a second and a half for each host.
    let script = Script::default().slow(Duration::from_millis(250));
    let (record, _) = carry(spec, vec![script; 3]).await;
    assert_eq!(
        (record.exit_code, record.state, record.stopped),
        (Some(6), RunState::Paused, Some(StopCause::Deadline))
    );
    let expected = [Outcome::Ok, Outcome::Ok, Outcome::NotStarted];
    assert_eq!(outcomes(&record), expected);
}

#[tokio::test(start_paused = true)]
async fn each_misfortune_has_its_outcome_and_the_others_do_not_suffer() {
    let script = Script::default;
    let cases = [
        (script(), Outcome::Ok),
        (script().slow(Duration::from_millis(325)), Outcome::Ok),
        (
            script().slow(Duration::from_millis(1500)),
            Outcome::Unreachable,
        ),
        (script().unreachable_first(1), Outcome::Unreachable),
        (script().denied_at(3), Outcome::Failed),
        (script().lost_at(2, true), Outcome::Ok),
        (script().lost_at(2, false), Outcome::Ok),
        (script().flapping(2), Outcome::Ok),
        (
            script().at(Point::Write(2), Fault::Hang),
            Outcome::Indeterminate,
        ),
        (
            script().at(Point::Read(1), Fault::Hang),
            Outcome::Unreachable,
        ),
        (
            script().at(Point::Write(1), Fault::Panic),
            Outcome::Indeterminate,
        ),
    ];
    let unlimited = ALL_AT_ONCE.replace(", max_failed: 0", "");
    let (scripts, expected): (Vec<Script>, Vec<Outcome>) = cases.into_iter().unzip();
    let (record, _) = carry(push(scripts.len(), &unlimited), scripts).await;
    assert_eq!(outcomes(&record), expected);
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_trips_after_a_breach_still_ends_the_run_with_its_code() {
    let no = || Script::default().closed(HostError::failed(Reason::Fault, "no"));
    let error = HostError {
        severity: Severity::Guarded,
        ..HostError::failed(Reason::CredentialGuard, "refused three times")
    };
    let late = Script::default()
        .at(Point::Open(1), Fault::Slow(Duration::from_secs(1)))
        .closed(error);
    for on_breach in ["stop", "pause", "rollback_ring", "rollback_run"] {
        let block =
            ALL_AT_ONCE.replace("max_failed", &format!("on_breach: {on_breach}, max_failed"));
        let scripts = vec![Script::default(), no(), late.clone(), late.clone()];
        let (record, events) = carry(push(4, &block), scripts).await;
        let place = |wanted: fn(&EventKind) -> bool| events.iter().position(wanted);
        let breached = place(|event| matches!(event, EventKind::LimitBreached { .. }));
        let tripped = place(|event| matches!(event, EventKind::GuardTripped { .. }));
        assert!(breached.is_some() && breached < tripped, "{on_breach}");
        let times = events
            .iter()
            .filter(|event| matches!(event, EventKind::GuardTripped { .. }));
        assert_eq!(times.count(), 1, "{on_breach}: told once");
        assert_eq!(
            (record.exit_code, record.stopped),
            (Some(9), Some(StopCause::Guard)),
            "{on_breach}"
        );
    }
}

/// A host whose first `times` connections end so, nothing written.
fn comes_back(times: u32, severity: Severity, reason: Reason) -> Script {
    let error = HostError {
        severity,
        ..HostError::failed(reason, "passes by itself")
    };
    (1..=times).fold(Script::default(), |script, open| {
        script.at(Point::Open(open), Fault::Refuse(error.clone()))
    })
}

fn retries(events: &[EventKind]) -> usize {
    let retry = |event: &&EventKind| matches!(event, EventKind::HostRetry { .. });
    events.iter().filter(retry).count()
}

#[tokio::test(start_paused = true)]
async fn what_passes_by_itself_is_tried_again_before_the_first_write() {
    for (severity, reason) in [
        (Severity::Unreachable, Reason::ConnectionLost),
        (Severity::Unreachable, Reason::ServiceUnavailable),
        (Severity::Failed, Reason::Quota),
    ] {
        let script = comes_back(2, severity, reason);
        let (record, events) = carry(push(1, ""), vec![script]).await;
        assert_eq!(outcomes(&record), [Outcome::Ok], "{reason}");
        assert_eq!(
            (record.hosts[0].attempts, retries(&events)),
            (3, 2),
            "{reason}"
        );
        let script = comes_back(3, severity, reason);
        let (record, _) = carry(push(1, ""), vec![script]).await;
        assert_ne!(
            outcomes(&record),
            [Outcome::Ok],
            "{reason}: two retries and no more"
        );
    }
}

/// What the fault said tells more than the reason: only before the first write.
#[tokio::test(start_paused = true)]
async fn what_is_known_to_pass_is_tried_again_before_the_first_write_and_ends_as_it_was() {
    let error = HostError::failed(Reason::WmiBroken, "RPC_S_SERVER_UNAVAILABLE").that_passes(true);
    let refusing = |times: u32, point: fn(u32) -> Point| {
        (1..=times).fold(Script::default(), |script, count| {
            script.at(point(count), Fault::Refuse(error.clone()))
        })
    };
    for point in [Point::Open, Point::Read] {
        let (record, events) = carry(push(1, ""), vec![refusing(2, point)]).await;
        assert_eq!(outcomes(&record), [Outcome::Ok]);
        assert_eq!((record.hosts[0].attempts, retries(&events)), (3, 2));
        let (record, _) = carry(push(1, ""), vec![refusing(9, point)]).await;
        assert_eq!(outcomes(&record), [Outcome::Failed]);
        let host = &record.hosts[0];
        assert_eq!((host.attempts, host.reason), (3, Some(Reason::WmiBroken)));
    }
    let (record, events) = carry(push(1, ""), vec![refusing(1, Point::Write)]).await;
    assert_eq!(outcomes(&record), [Outcome::Failed], "a step was begun");
    assert_eq!(retries(&events), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_or_is_off_is_not_tried_again() {
    for (severity, reason) in [
        (Severity::Failed, Reason::LogonRefused),
        (Severity::Failed, Reason::AccessDenied),
        (Severity::Failed, Reason::WrongHost),
        (Severity::Failed, Reason::Certificate),
        (Severity::Unreachable, Reason::ConnectRefused),
        (Severity::Unreachable, Reason::Dns),
        (Severity::Unreachable, Reason::ConnectFailed),
    ] {
        let (record, events) = carry(push(1, ""), vec![comes_back(1, severity, reason)]).await;
        assert_eq!(
            (record.hosts[0].attempts, retries(&events)),
            (1, 0),
            "{reason}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_the_run_bounds_all_retries() {
    let block = "rollout: { retries: { per_host: 2, budget: 3 } }\n";
    let script = comes_back(9, Severity::Unreachable, Reason::ConnectionLost);
    let (record, events) = carry(push(6, block), vec![script; 6]).await;
    assert_eq!(retries(&events), 3);
    let spent = |host: &rollout::HostRecord| {
        host.detail
            .as_deref()
            .is_some_and(|text| text.contains("retry budget"))
    };
    assert!(record.hosts.iter().any(spent));
}
