//! The marker between controllers: journaled first, gone in every exit path, exclusive, taken over once expired.

use std::sync::Arc;
use std::time::Duration;

use playbooks::{Fact, FactValue, KeyPath, RawValue, Target, Typed};
use rollout::testing::{Fault, Point, Script, Scripted, push};
use rollout::{
    Control, EventKind, Journal, JournalOptions, MARKER_KEY, Mark, OpenMode, Outcome, Reason,
    RunId, RunRecord,
};
use tokio::sync::mpsc;

const BLOCK: &str = "rollout:\n  host_marker: true\n";
const NOW: &str = "2026-11-24T12:00:00Z";

struct Desk {
    _folder: tempfile::TempDir,
    journal: Journal,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = JournalOptions::new(OpenMode::ReadWrite);
        options.inline = true;
        let path = folder.path().join("journal.sqlite");
        Self {
            journal: Journal::open_with(&path, &options).unwrap(),
            _folder: folder,
        }
    }

    async fn push(&self, fleet: &Scripted, id: &str) -> (RunRecord, Vec<EventKind>) {
        let mut spec = push(fleet.registries().len(), BLOCK);
        spec.id = RunId::from_text(id);
        let active = self.journal.create_run(spec).unwrap();
        let (events, mut told) = mpsc::unbounded_channel();
        rollout::run(active, Arc::new(fleet.clone()), events, Control::default())
            .await
            .unwrap();
        let mut kinds = Vec::new();
        while let Ok(event) = told.try_recv() {
            kinds.push(event.kind);
        }
        (self.journal.run(&RunId::from_text(id)).unwrap(), kinds)
    }
}

fn script() -> Script {
    let mut script = Script::default();
    script
        .facts
        .set(Fact::ClockLocal, FactValue::Text(NOW.to_owned()));
    script
}

fn marker(run: &str, until: &str) -> (Target, RawValue) {
    let mark = Mark {
        operator: "bob@desk".to_owned(),
        until: until.parse().unwrap(),
    };
    let target = Target {
        key: KeyPath::below_local_machine(MARKER_KEY).unwrap(),
        value: run.to_owned(),
    };
    (target, Typed::Sz(mark.text()).to_raw())
}

fn marks(fleet: &Scripted) -> Vec<String> {
    let key = KeyPath::below_local_machine(MARKER_KEY).unwrap();
    let registry = &fleet.registries()[0];
    let values = registry.values.keys().filter(|target| target.key == key);
    let values = values.map(|target| target.value.clone());
    values
        .chain(registry.keys.contains(&key).then(|| "(key)".to_owned()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn it_is_journaled_before_it_is_written_and_gone_at_the_end() {
    let fleet = Scripted::of([script()]);
    let (record, kinds) = Desk::new().push(&fleet, "a").await;
    assert_eq!(
        record.hosts[0].outcome,
        Outcome::Ok,
        "{:?}",
        record.hosts[0].detail
    );
    assert_eq!(marks(&fleet), Vec::<String>::new());
    let place = |name: &str| kinds.iter().position(|kind| kind.name() == name).unwrap();
    assert!(place("trace_left") < place("prior_recorded"));
    assert!(place("step_finished") < place("trace_gone"));
    // A host on which nothing is to be written gets none.
    let (_, kinds) = Desk::new().push(&fleet, "b").await;
    assert!(kinds.iter().all(|kind| kind.name() != "trace_left"));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_another_controller_holds_is_left_alone() {
    let fleet = Scripted::of([script().value(marker("other", "2026-11-24T12:01:00Z"))]);
    let before = fleet.registries();
    let (record, _) = Desk::new().push(&fleet, "a").await;
    assert_eq!(record.hosts[0].reason, Some(Reason::HeldByAnother));
    assert!(
        record.hosts[0]
            .detail
            .as_ref()
            .unwrap()
            .contains("bob@desk")
    );
    assert_eq!(fleet.registries(), before);
}

#[tokio::test(start_paused = true)]
async fn an_expired_one_is_taken_over_with_a_word() {
    let fleet = Scripted::of([script().value(marker("other", "2026-11-24T11:59:00Z"))]);
    let (record, kinds) = Desk::new().push(&fleet, "a").await;
    assert_eq!(
        record.hosts[0].outcome,
        Outcome::Ok,
        "{:?}",
        record.hosts[0].detail
    );
    assert!(kinds.iter().any(
        |kind| matches!(kind, EventKind::MarkerTakenOver { detail } if detail.contains("bob@desk"))
    ));
    assert_eq!(marks(&fleet), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn no_loss_of_contact_leaves_it_behind() {
    for arrived in [true, false] {
        for at in 1..=4 {
            let mut script = script();
            script.faults.insert(Point::Write(at), Fault::Lose(arrived));
            let fleet = Scripted::of([script]);
            let (record, _) = Desk::new().push(&fleet, "a").await;
            assert_eq!(
                record.hosts[0].outcome,
                Outcome::Ok,
                "{at} {arrived}: {:?}",
                record.hosts[0].detail
            );
            assert_eq!(marks(&fleet), Vec::<String>::new(), "{at} {arrived}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_controllers_at_once_at_most_one_writes() {
    for delay in 0..24 {
        let fleet = Scripted::of([script().slow(Duration::from_millis(10))]);
        let (one, two) = (Desk::new(), Desk::new());
        let late = async {
            tokio::time::sleep(Duration::from_millis(5 * delay)).await;
            two.push(&fleet, "two").await
        };
        let ((first, _), (second, _)) = tokio::join!(one.push(&fleet, "one"), late);
        let wrote = |record: &RunRecord| record.hosts[0].changed;
        assert!(!(wrote(&first) && wrote(&second)), "delay {delay}");
        for record in [&first, &second] {
            let host = &record.hosts[0];
            let fine = host.outcome == Outcome::Ok || host.reason == Some(Reason::HeldByAnother);
            assert!(fine, "delay {delay}: {:?}", host.detail);
        }
        assert_eq!(marks(&fleet), Vec::<String>::new(), "delay {delay}");
    }
}

/// The machine with the marker is gone, another one has its name: what was left is not looked for there.
#[tokio::test(start_paused = true)]
async fn nothing_is_taken_away_from_another_machine_of_that_name() {
    let mut lost = script().guid("one");
    // The marker is the first write.
    lost.faults.insert(Point::Write(3), Fault::Lose(true));
    lost.stays_away = true;
    let fleet = Scripted::of([lost]);
    let desk = Desk::new();
    let (record, _) = desk.push(&fleet, "a").await;
    assert_eq!(record.hosts[0].outcome, Outcome::Indeterminate);
    assert_eq!(marks(&fleet).len(), 2, "the marker is there, and its key");

    let another = script().guid("two").value(marker("a", NOW));
    let fleet = Scripted::of([another]);
    let before = fleet.registries();
    let id = RunId::from_text("a");
    let options = rollout::ResumeOptions {
        only: vec![Outcome::Indeterminate],
        ..rollout::ResumeOptions::default()
    };
    let active = desk.journal.resume_run(&id, options).unwrap();
    let (events, mut told) = mpsc::unbounded_channel();
    rollout::run(active, Arc::new(fleet.clone()), events, Control::default())
        .await
        .unwrap();
    let record = desk.journal.run(&id).unwrap();
    assert_eq!(record.hosts[0].reason, Some(Reason::WrongHost));
    assert_eq!(fleet.registries(), before);
    let counters = fleet.counters()[0];
    assert_eq!((counters.writes, counters.undos), (0, 0));
    while let Ok(event) = told.try_recv() {
        assert_ne!(event.kind.name(), "trace_gone");
    }
}

/// A host says what time it is: any text, any time.
#[tokio::test(start_paused = true)]
async fn a_clock_at_the_end_of_time_is_a_failure_of_the_host() {
    let mut script = script();
    let last = FactValue::Text("9999-12-30T21:59:00Z".to_owned());
    script.facts.set(Fact::ClockLocal, last);
    let fleet = Scripted::of([script]);
    let (record, _) = Desk::new().push(&fleet, "a").await;
    let host = &record.hosts[0];
    assert_eq!(
        (host.outcome, host.reason, host.changed),
        (Outcome::Failed, Some(Reason::FactUnread), false),
        "{:?}",
        host.detail
    );
}

/// An account that was refused in the middle is not tried again to take the marker away (promise 8).
#[tokio::test(start_paused = true)]
async fn a_refused_account_is_not_tried_again_for_its_sake() {
    let refused = rollout::HostError::failed(Reason::LogonRefused, "401");
    for point in [Point::Read(4), Point::Write(2)] {
        let fleet = Scripted::of([script().at(point, Fault::Refuse(refused.clone()))]);
        let (record, _) = Desk::new().push(&fleet, "a").await;
        assert_ne!(record.hosts[0].outcome, Outcome::Ok, "{point:?}");
        assert_eq!(fleet.counters()[0].opens, 1, "{point:?}");
    }
}
