//! Probes as LocalSystem: the task is journaled before it is made, and gone in every exit path.

use std::sync::Arc;

use playbooks::{Finding, Verdict};
use rollout::testing::{Fault, Point, Script, Scripted, push};
use rollout::{
    Control, EventKind, Journal, JournalOptions, OpenMode, Outcome, Reason, RunId, RunRecord, Trace,
};
use tokio::sync::mpsc;

const BLOCK: &str = "probes:\n  - name: road\n    as: system\n    proxy_connect: { via: 'p.example:8080', to: 'https://a.example/', candidate: false }\n";

async fn pushed(fleet: &Scripted) -> (RunRecord, Vec<EventKind>) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = JournalOptions::new(OpenMode::ReadWrite);
    options.inline = true;
    let journal = Journal::open_with(&folder.path().join("journal.sqlite"), &options).unwrap();
    let mut spec = push(fleet.registries().len(), BLOCK);
    spec.id = RunId::from_text("a");
    let active = journal.create_run(spec).unwrap();
    let (events, mut told) = mpsc::unbounded_channel();
    rollout::run(active, Arc::new(fleet.clone()), events, Control::default())
        .await
        .unwrap();
    let mut kinds = Vec::new();
    while let Ok(event) = told.try_recv() {
        kinds.push(event.kind);
    }
    (journal.run(&RunId::from_text("a")).unwrap(), kinds)
}

/// Tasks that the journal says are made, and that are gone.
fn traces(kinds: &[EventKind]) -> (Vec<String>, Vec<String>) {
    let (mut left, mut gone) = (Vec::new(), Vec::new());
    for kind in kinds {
        match kind {
            EventKind::TraceLeft {
                trace: Trace::SystemTask(task),
            } => left.push(task.name.clone()),
            EventKind::TraceGone {
                trace: Trace::SystemTask(task),
            } => gone.push(task.name.clone()),
            _ => {}
        }
    }
    (left, gone)
}

fn host(fleet: &Scripted, record: &RunRecord) -> (Vec<String>, u32) {
    fleet.with(&record.hosts[0].name, |host| {
        (host.tasks.iter().cloned().collect(), host.counters.tasks)
    })
}

#[tokio::test(start_paused = true)]
async fn a_task_is_journaled_first_and_gone_afterwards() {
    let fleet = Scripted::of([Script::default()]);
    let (record, kinds) = pushed(&fleet).await;
    assert_eq!(
        record.hosts[0].outcome,
        Outcome::Ok,
        "{:?}",
        record.hosts[0].detail
    );
    assert_eq!(host(&fleet, &record), (Vec::new(), 1));
    let place = |name: &str| kinds.iter().position(|kind| kind.name() == name).unwrap();
    assert!(place("trace_left") < place("trace_gone"));
    assert!(place("trace_gone") < place("probe_finished"));
    let (left, gone) = traces(&kinds);
    assert_eq!(left, ["winfleet-run-a-1"]);
    assert_eq!(left, gone);
}

#[tokio::test(start_paused = true)]
async fn a_red_probe_leaves_none() {
    let mut script = Script::default();
    let red = Verdict::new(Finding::ProxyWantsLogon, "407");
    script.verdicts.insert("road".to_owned(), vec![red]);
    let fleet = Scripted::of([script]);
    let (record, kinds) = pushed(&fleet).await;
    assert_eq!(record.hosts[0].reason, Some(Reason::ProbeRed));
    assert_eq!(host(&fleet, &record).0, Vec::<String>::new());
    let (left, gone) = traces(&kinds);
    assert_eq!(left, gone);
}

/// Contact lost over every request in turn, with effect and without.
#[tokio::test(start_paused = true)]
async fn no_loss_of_contact_leaves_one() {
    for arrived in [true, false] {
        for point in (1..=4)
            .map(Point::Write)
            .chain((1..=2).map(Point::Undo))
            .chain((1..=6).map(Point::Read))
        {
            let mut script = Script::default();
            script.faults.insert(point, Fault::Lose(arrived));
            let fleet = Scripted::of([script]);
            let (record, kinds) = pushed(&fleet).await;
            let told = (&record.hosts[0].outcome, &record.hosts[0].detail);
            assert_eq!(
                host(&fleet, &record).0,
                Vec::<String>::new(),
                "{point:?} {arrived} {told:?}"
            );
            let (mut left, mut gone) = traces(&kinds);
            left.sort();
            gone.sort();
            assert_eq!(left, gone, "{point:?} {arrived}");
        }
    }
}
