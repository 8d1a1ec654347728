//! The marker between controllers: journaled first, gone in every exit path, exclusive, taken over once expired.

use std::sync::Arc;
use std::time::Duration;

use playbooks::{Fact, FactValue, KeyPath, RawValue, Target, Typed};
use rollout::testing::{Fault, Point, Script, Scripted, old_proxy, push};
use rollout::{
    Control, EventKind, Journal, JournalOptions, MARKER_KEY, Mark, OpenMode, Outcome, Reason,
    RollbackOptions, RunId, RunRecord, RunSpec, StepState, rollback_spec,
};
use tokio::sync::mpsc;

const BLOCK: &str = "rollout:\n  host_marker: true\n";
const AUTO: &str = "rollout: { host_marker: auto }\n";
const CHANGES: &str = "rollout: { host_marker: changes }\n";
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
        self.push_with(fleet, id, BLOCK).await
    }

    async fn push_with(
        &self,
        fleet: &Scripted,
        id: &str,
        block: &str,
    ) -> (RunRecord, Vec<EventKind>) {
        self.push_void(fleet, id, block, &[]).await
    }

    /// The operator knows that nothing works for these runs any more.
    async fn push_void(
        &self,
        fleet: &Scripted,
        id: &str,
        block: &str,
        void: &[&str],
    ) -> (RunRecord, Vec<EventKind>) {
        let mut spec = push(fleet.registries().len(), block);
        spec.id = RunId::from_text(id);
        self.carry(fleet, spec, void).await
    }

    async fn back(&self, fleet: &Scripted, of: &str, id: &str, void: &[&str]) -> RunRecord {
        let options = RollbackOptions {
            id: RunId::from_text(id),
            operator: "test".to_owned(),
            reason: None,
            force: false,
            hosts: None,
            ring: None,
        };
        let spec = rollback_spec(&self.journal, &RunId::from_text(of), options).unwrap();
        self.carry(fleet, spec, void).await.0
    }

    async fn carry(
        &self,
        fleet: &Scripted,
        spec: RunSpec,
        void: &[&str],
    ) -> (RunRecord, Vec<EventKind>) {
        let id = spec.id.clone();
        let active = self.journal.create_run(spec).unwrap();
        let (events, mut told) = mpsc::unbounded_channel();
        let control = Control {
            void_markers: void.iter().map(|&run| run.to_owned()).collect(),
            ..Control::default()
        };
        rollout::run(active, Arc::new(fleet.clone()), events, control)
            .await
            .unwrap();
        let mut kinds = Vec::new();
        while let Ok(event) = told.try_recv() {
            kinds.push(event.kind);
        }
        (self.journal.run(&id).unwrap(), kinds)
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

/// Whatever the playbook says of markers of its own, a host that another run holds is left alone; `false` asks nobody.
#[tokio::test(start_paused = true)]
async fn a_held_host_is_left_alone_unless_markers_are_off() {
    let held = || Scripted::of([script().value(marker("other", "2026-11-24T12:01:00Z"))]);
    for block in [AUTO, CHANGES] {
        let fleet = held();
        let before = fleet.registries();
        let (record, _) = Desk::new().push_with(&fleet, "a", block).await;
        assert_eq!(record.hosts[0].reason, Some(Reason::HeldByAnother));
        assert_eq!(fleet.registries(), before, "{block}");
    }
    let (record, _) = Desk::new()
        .push_with(&held(), "a", "rollout: { host_marker: false }\n")
        .await;
    assert_eq!(record.hosts[0].outcome, Outcome::Ok);
}

/// `auto` leaves a marker wherever something is written, `changes` where something that stands is changed; it costs one
/// request where nothing does.
#[tokio::test(start_paused = true)]
async fn where_a_marker_stands_is_as_the_playbook_says() {
    let marked = |kinds: &[EventKind]| kinds.iter().any(|kind| kind.name() == "trace_left");
    for (block, over_nothing) in [(AUTO, true), (CHANGES, false)] {
        for old in [false, true] {
            let script = match old {
                true => script().value(old_proxy()),
                false => script(),
            };
            let fleet = Scripted::of([script]);
            let (record, kinds) = Desk::new().push_with(&fleet, "a", block).await;
            assert_eq!(record.hosts[0].outcome, Outcome::Ok);
            assert_eq!(marked(&kinds), old || over_nothing, "{block} {old}");
            assert_eq!(marks(&fleet), Vec::<String>::new());
        }
    }
    let requests = |block| async move {
        let fleet = Scripted::of([script()]);
        Desk::new().push_with(&fleet, "a", block).await;
        fleet.counters()[0].reads
    };
    let without = requests("rollout: { host_marker: false }\n").await;
    assert_eq!(requests(CHANGES).await, without + 1);
}

/// At any distance in time, with something there and with nothing, two runs never both write.
#[tokio::test(start_paused = true)]
async fn two_at_once_do_not_interleave() {
    for (block, old) in [(AUTO, false), (AUTO, true), (CHANGES, true)] {
        for delay in 0..24 {
            let script = match old {
                true => script().value(old_proxy()),
                false => script(),
            };
            let fleet = Scripted::of([script.slow(Duration::from_millis(10))]);
            let (one, two) = (Desk::new(), Desk::new());
            let late = async {
                tokio::time::sleep(Duration::from_millis(5 * delay)).await;
                two.push_with(&fleet, "two", block).await
            };
            let ((first, _), (second, _)) = tokio::join!(one.push_with(&fleet, "one", block), late);
            let wrote = |record: &RunRecord| record.hosts[0].changed;
            assert!(
                !(wrote(&first) && wrote(&second)),
                "{block} {old} delay {delay}"
            );
            assert_eq!(marks(&fleet), Vec::<String>::new(), "delay {delay}");
        }
    }
}

/// A host whose values cannot be listed is worked all the same; where a marker is demanded it is not.
#[tokio::test(start_paused = true)]
async fn a_host_that_cannot_be_asked_is_worked_unless_a_marker_is_demanded() {
    let mute = |read| {
        let no = rollout::HostError::failed(Reason::WmiBroken, "no WMI");
        Scripted::of([script().at(Point::Read(read), Fault::Refuse(no))])
    };
    for block in [AUTO, CHANGES] {
        let (record, _) = Desk::new().push_with(&mute(2), "a", block).await;
        assert_eq!(record.hosts[0].outcome, Outcome::Ok);
    }
    // Nor one that does not tell its clock.
    let (record, _) = Desk::new().push_with(&mute(3), "a", AUTO).await;
    assert_eq!(record.hosts[0].outcome, Outcome::Ok);
    for read in [2, 3] {
        let (record, _) = Desk::new().push_with(&mute(read), "a", BLOCK).await;
        assert_eq!(record.hosts[0].reason, Some(Reason::WmiBroken));
    }
}

/// A refused account is no host that cannot be asked: nothing more is sent over its name (promise 8).
#[tokio::test(start_paused = true)]
async fn a_refused_account_ends_the_host_while_markers_are_looked_for() {
    for block in [AUTO, CHANGES, BLOCK] {
        let refused = rollout::HostError::failed(Reason::LogonRefused, "401");
        let fleet = Scripted::of([script().at(Point::Read(2), Fault::Refuse(refused))]);
        let (record, _) = Desk::new().push_with(&fleet, "a", block).await;
        assert_eq!(record.hosts[0].reason, Some(Reason::LogonRefused));
        let counters = fleet.counters()[0];
        assert_eq!((counters.opens, counters.reads, counters.writes), (1, 2, 0));
    }
}

/// A marker that cannot be written: the host stays as it was, and the message says of what it speaks.
#[tokio::test(start_paused = true)]
async fn a_host_that_takes_no_marker_is_unchanged() {
    for block in [AUTO, BLOCK] {
        let mut script = script();
        script.denied.insert(marker("a", NOW).0);
        let fleet = Scripted::of([script]);
        let before = fleet.registries();
        let (record, _) = Desk::new().push_with(&fleet, "a", block).await;
        let host = &record.hosts[0];
        assert_eq!(
            (host.outcome, host.reason, host.changed),
            (Outcome::Failed, Some(Reason::AccessDenied), false)
        );
        let detail = host.detail.as_deref().unwrap();
        assert!(detail.contains("keeps other controllers away"), "{detail}");
        let remedy = host.remedy.as_deref().unwrap();
        assert!(remedy.contains("host_marker: false"), "{remedy}");
        assert_eq!(fleet.registries(), before);
    }
}

/// A run that can still be taken back is taken back on a host that takes no marker any more.
#[tokio::test(start_paused = true)]
async fn a_rollback_does_without_a_marker_where_the_host_takes_none() {
    let mut script = script();
    script.denied.insert(marker("back", NOW).0);
    let fleet = Scripted::of([script]);
    let desk = Desk::new();
    desk.push_with(&fleet, "a", AUTO).await;
    assert!(!fleet.registries()[0].values.is_empty());
    let record = desk.back(&fleet, "a", "back", &[]).await;
    assert_eq!(
        record.hosts[0].outcome,
        Outcome::RolledBack,
        "{:?}",
        record.hosts[0].detail
    );
    assert!(fleet.registries()[0].values.is_empty());
    assert_eq!(marks(&fleet), Vec::<String>::new());
}

/// The same where an earlier controller's marker of this very run stands and does not go away: everything is taken back, and
/// the end says what stays, here and in the journal.
#[tokio::test(start_paused = true)]
async fn a_marker_that_cannot_be_taken_away_hinders_no_rollback_and_is_told() {
    let own = marker("back", "2026-11-24T12:09:00Z");
    let mut script = script();
    script.denied.insert(own.0.clone());
    let fleet = Scripted::of([script]);
    let desk = Desk::new();
    desk.push_with(&fleet, "a", AUTO).await;
    fleet.plant(0, own.clone());
    let record = desk.back(&fleet, "a", "back", &[]).await;
    let left: Vec<Target> = fleet.registries()[0].values.keys().cloned().collect();
    assert_eq!(left, [own.0], "all but the marker is taken back");
    let host = &record.hosts[0];
    let states: Vec<StepState> = host.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Restored, StepState::Restored]);
    assert_eq!(
        (host.outcome, host.reason),
        (Outcome::Failed, Some(Reason::AccessDenied))
    );
    let detail = host.detail.as_deref().unwrap();
    assert!(detail.contains("could not be taken away"), "{detail}");
    let events = desk.journal.events(&record.id).unwrap();
    let gone = events
        .iter()
        .any(|event| matches!(event.kind, EventKind::TraceGone { .. }));
    assert!(!gone, "the journal still names it");
}

/// What a controller that died left on a host keeps a stranger away, and says how to go on: not the run itself, not its
/// rollback, and nobody who was told that it is over.
#[tokio::test(start_paused = true)]
async fn the_marker_of_a_dead_controller_makes_nothing_impossible() {
    const ALIVE: &str = "2026-11-24T12:09:00Z";
    let died = |run: &str| {
        let fleet = Scripted::of([script()]);
        fleet.plant(0, marker(run, ALIVE));
        fleet
    };
    let fleet = died("dead");
    let (record, _) = Desk::new().push_with(&fleet, "a", AUTO).await;
    let host = &record.hosts[0];
    assert_eq!(host.reason, Some(Reason::HeldByAnother));
    let remedy = host.remedy.as_deref().unwrap();
    assert!(remedy.contains("--void-marker dead"), "{remedy}");

    // Told so: another name is not enough.
    for (void, goes_on) in [("other", false), ("dead", true)] {
        let fleet = died("dead");
        let (record, kinds) = Desk::new().push_void(&fleet, "a", AUTO, &[void]).await;
        assert_eq!(record.hosts[0].outcome == Outcome::Ok, goes_on, "{void}");
        let told = kinds.iter().any(|kind| {
            matches!(kind, EventKind::MarkerTakenOver { detail } if detail.contains("run dead"))
        });
        assert_eq!(told, goes_on, "{void}");
        assert_eq!(marks(&fleet).is_empty(), goes_on, "{void}");
    }

    // The run itself.
    let fleet = died("a");
    let (record, _) = Desk::new().push_with(&fleet, "a", AUTO).await;
    assert_eq!(record.hosts[0].outcome, Outcome::Ok);
    assert_eq!(marks(&fleet), Vec::<String>::new());

    // Its rollback; and another one, after that one died as well.
    let fleet = Scripted::of([script()]);
    let desk = Desk::new();
    desk.push_with(&fleet, "a", AUTO).await;
    fleet.plant(0, marker("a", ALIVE));
    fleet.plant(0, marker("first", ALIVE));
    let record = desk.back(&fleet, "a", "second", &[]).await;
    assert_eq!(record.hosts[0].reason, Some(Reason::HeldByAnother));
    let record = desk.back(&fleet, "a", "third", &["first"]).await;
    assert_eq!(record.hosts[0].outcome, Outcome::RolledBack);
    assert_eq!(marks(&fleet), Vec::<String>::new());
}

/// A controller that died with nothing written but its marker has left a trace that a rollback takes away like a change.
#[tokio::test(start_paused = true)]
async fn a_rollback_takes_away_what_was_left_where_nothing_was_changed() {
    let mut lost = script().guid("one");
    lost.faults.insert(Point::Write(1), Fault::Lose(true));
    lost.stays_away = true;
    let away = Scripted::of([lost]);
    let desk = Desk::new();
    let (record, _) = desk.push_with(&away, "a", AUTO).await;
    assert!(!record.hosts[0].changed, "{:?}", record.hosts[0]);
    assert_eq!(marks(&away).len(), 2, "the marker is there, and its key");

    let fleet = Scripted::of([script().guid("one")]);
    fleet.plant(0, marker("a", "2026-11-24T12:09:00Z"));
    let record = desk.back(&fleet, "a", "b", &[]).await;
    let host = &record.hosts[0];
    assert_eq!(host.outcome, Outcome::RolledBack, "{:?}", host.detail);
    assert_eq!(marks(&fleet), Vec::<String>::new());
    assert!(fleet.registries()[0].values.is_empty());
    // Another machine under that name has nothing of it.
    let another = Scripted::of([script().guid("two").value(marker("a", NOW))]);
    let before = another.registries();
    let record = desk.back(&another, "a", "c", &[]).await;
    assert_eq!(record.hosts[0].reason, Some(Reason::WrongHost));
    assert_eq!(another.registries(), before);
}

/// What another controller did between the first look and the marker is what was there before.
#[tokio::test(start_paused = true)]
async fn what_was_there_before_is_read_under_the_marker() {
    let (target, theirs) = old_proxy();
    let fleet = Scripted::of([script().slow(Duration::from_millis(10))]);
    let desk = Desk::new();
    let other = async {
        // After the values were read, before the marker stands.
        tokio::time::sleep(Duration::from_millis(35)).await;
        fleet.plant(0, (target.clone(), theirs.clone()));
    };
    let ((record, _), ()) = tokio::join!(desk.push_with(&fleet, "a", AUTO), other);
    let changes = record.hosts[0].steps.iter().flat_map(|step| &step.changes);
    let before: Vec<_> = changes
        .filter(|change| change.target == target)
        .map(|change| change.before.value().cloned())
        .collect();
    assert_eq!(before, [Some(theirs)]);
}
