//! The promises, judged by what is left: the record and the hosts.

use playbooks::{KeyPath, Observed};
use rollout::testing::{Registry, Script, host_name};
use rollout::{
    Event, EventKind, HostRecord, MARKER_KEY, Outcome, RunRecord, RunSpec, RunState, Verb, Verdict,
};

use super::order::keeps_its_order;
use super::world::World;

/// Everything that holds of any run.
pub(crate) fn everything(world: &World, spec: &RunSpec, record: &RunRecord) {
    let broken = world.seen.broken();
    assert!(broken.is_empty(), "{broken:#?}");
    let events = world.journal.events(&record.id).unwrap();
    world.coverage.borrow_mut().events(&events);
    world.coverage.borrow_mut().end(record);
    keeps_its_order(&events, spec);
    nobody_forgotten(&events, spec, record);
    let verdict = world.journal.verify(&record.id).unwrap();
    assert!(matches!(verdict, Verdict::Intact { .. }), "{verdict:?}");
    let counters = world.fleet.counters();
    assert!(counters.iter().all(|host| host.most_connected <= 1));
    let before = world.before.iter().enumerate();
    for (number, before) in before {
        let name = host_name(number);
        let Some(host) = record.hosts.iter().find(|host| host.name == name) else {
            continue;
        };
        let now = world.fleet.with(&name, |host| host.registry.clone());
        let (now, marks) = without_markers(now);
        let marked = marks.iter().any(|run| *run == record.id.as_str());
        let well = matches!(host.outcome, Outcome::Ok | Outcome::RolledBack);
        assert!(
            !(well && host.settled && marked),
            "{name}: {:?}, and a marker stands there",
            host.outcome
        );
        match spec.verb {
            Verb::Push => truth_of(host, before, &now),
            _ => restored(host, before, &now),
        }
        if host.outcome == Outcome::Indeterminate && host.settled {
            let asked = counters[number].writes + counters[number].undos > 0;
            let defect = host.reason == Some(rollout::Reason::Internal);
            assert!(
                asked || defect,
                "{name}: indeterminate, and nothing was sent"
            );
        }
    }
}

/// What stands there beside markers, and whose markers there are: one that a lost contact left may stay until it is void.
pub(crate) fn without_markers(mut registry: Registry) -> (Registry, Vec<String>) {
    let key = KeyPath::below_local_machine(MARKER_KEY).unwrap();
    registry.keys.remove(&key);
    let marks = registry
        .values
        .extract_if(.., |target, _| target.key == key);
    let marks = marks.map(|(target, _)| target.value).collect();
    (registry, marks)
}

fn nobody_forgotten(events: &[Event], spec: &RunSpec, record: &RunRecord) {
    let names = |record: &RunRecord| -> Vec<_> {
        record.hosts.iter().map(|host| host.name.clone()).collect()
    };
    let asked: Vec<_> = spec
        .hosts
        .iter()
        .map(|host| host.host.name.clone())
        .collect();
    assert_eq!(names(record), asked, "a host was forgotten");
    let counted: u32 = record.rings.iter().map(|ring| ring.totals.hosts).sum();
    assert_eq!(counted as usize, spec.hosts.len());
    // Left out by name, or never reached because of a stop.
    let reopened = |event: &Event| matches!(&event.kind, EventKind::RunResumed { only, .. } if !only.is_empty());
    let whole = record.stopped.is_none() && !events.iter().any(reopened);
    for host in &record.hosts {
        let left = host.outcome == Outcome::NotStarted && !whole;
        let cancelled = record.state == RunState::Cancelled;
        assert!(
            host.settled || left || cancelled,
            "{} was forgotten",
            host.name
        );
    }
}

/// What the record says of a host is what the host says.
fn truth_of(host: &HostRecord, before: &Registry, now: &Registry) {
    let name = &host.name;
    let changes = || host.steps.iter().flat_map(|step| &step.changes);
    for change in changes() {
        let (prior, found) = (before.observe(&change.target), now.observe(&change.target));
        assert_eq!(
            change.before, prior,
            "{name}: the prior state of {}",
            change.target
        );
        let known = host.settled && host.outcome != Outcome::Indeterminate;
        if let Some(after) = change.after.as_ref().filter(|_| known) {
            assert!(
                after.same_content(&found),
                "{name}: {}: {found:?}",
                change.target
            );
        }
    }
    let untouched = now == before;
    match host.outcome {
        Outcome::NotStarted | Outcome::Unreachable => assert!(untouched, "{name} was written to"),
        Outcome::RolledBack => assert!(untouched, "{name} is not as it was"),
        Outcome::Failed => assert_eq!(host.changed, !untouched, "{name}: changed"),
        Outcome::Ok => {
            for change in changes() {
                let found = now.observe(&change.target);
                let wanted =
                    matches!(&found, Observed::Present(value) if value.text() == change.wanted);
                assert!(wanted, "{name}: ok, but {} is {found:?}", change.target);
            }
            assert!(
                changes().count() > 0,
                "{name}: ok, and nothing was looked at"
            );
            assert_eq!(host.changed, !untouched, "{name}: changed");
        }
        Outcome::Indeterminate => {}
        Outcome::Conflict => panic!("{name}: nobody else changed anything"),
    }
}

/// A host after a rollback.
fn restored(host: &HostRecord, before: &Registry, now: &Registry) {
    match host.outcome {
        Outcome::RolledBack => assert_eq!(now, before, "{}: rolled back", host.name),
        Outcome::Ok => panic!("{}: a rollback does not end ok", host.name),
        _ => {}
    }
}

/// What an undisturbed run and a resumed one have in common.
pub(crate) fn comparable(record: &RunRecord) -> Vec<impl std::fmt::Debug + PartialEq + use<>> {
    let of = |host: &HostRecord| {
        let steps = host.steps.iter();
        let steps: Vec<_> = steps
            .map(|step| (step.state, step.changes.clone()))
            .collect();
        (
            host.name.clone(),
            host.outcome,
            host.changed,
            host.reason,
            steps,
        )
    };
    record.hosts.iter().map(of).collect()
}

/// Nobody took anything back on the way: a value that was given its content once keeps it.
pub(crate) fn nothing_applied_twice(world: &World, scripts: &[Script]) {
    for (number, script) in scripts.iter().enumerate() {
        let name = host_name(number);
        let applied = world.fleet.with(&name, |host| host.applied.clone());
        // The half of a pair that was written is taken back where the other half is refused.
        // A marker is left by everybody who takes the host up.
        let mut values = applied
            .iter()
            .filter(|(target, _)| target.key.as_str() != MARKER_KEY);
        let twice = values.any(|(_, times)| *times > 1);
        assert!(!twice || !script.denied.is_empty(), "{name}: {applied:?}");
    }
}
