//! The gate `prove_undo`: applied, taken back, compared, applied again, before other rings start.

use std::sync::Arc;

use playbooks::Typed;
use rollout::testing::{Script, Scripted, host_name, old_proxy, push};
use rollout::{Control, Journal, OpenMode, Outcome, Reason, ResumeOptions, RunRecord, RunState};
use tokio::sync::mpsc;

/// The first ring has so many hosts, the second has one.
struct Lab {
    _folder: tempfile::TempDir,
    journal: Journal,
    fleet: Scripted,
}

impl Lab {
    fn new(scripts: Vec<Script>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        Self {
            journal: Journal::open(&path, OpenMode::ReadWrite).unwrap(),
            fleet: Scripted::of(scripts),
            _folder: folder,
        }
    }

    async fn push(&self, rollout: &str) -> RunRecord {
        let count = self.fleet.registries().len();
        let last = host_name(count - 1);
        let block = format!(
            "rollout:\n  {rollout}\n  rings:\n    - {{ name: canary, select: 'all & !{last}' }}\n    - {{ name: rest, select: rest }}\n"
        );
        self.carry(self.journal.create_run(push(count, &block)).unwrap())
            .await
    }

    async fn carry(&self, active: rollout::ActiveRun) -> RunRecord {
        let id = active.spec().id.clone();
        let (events, _told) = mpsc::unbounded_channel();
        let fleet = Arc::new(self.fleet.clone());
        rollout::run(active, fleet, events, Control::default())
            .await
            .unwrap();
        self.journal.run(&id).unwrap()
    }
}

fn outcomes(record: &RunRecord) -> Vec<Outcome> {
    record.hosts.iter().map(|host| host.outcome).collect()
}

#[tokio::test]
async fn each_host_of_the_first_ring_is_taken_back_once_and_left_applied() {
    let scripts = vec![
        Script::default().value(old_proxy()),
        Script::default(),
        Script::default(),
    ];
    let lab = Lab::new(scripts);
    let record = lab.push("prove_undo: true").await;
    assert_eq!(record.exit_code, Some(0), "{record:#?}");
    let proved: Vec<bool> = record.hosts.iter().map(|host| host.undo_proved).collect();
    assert_eq!(proved, [true, true, false]);
    assert!(record.hosts.iter().all(|host| host.changed));
    let counters = lab.fleet.counters();
    let work: Vec<(u32, u32)> = counters
        .iter()
        .map(|host| (host.effects, host.undos))
        .collect();
    assert_eq!(
        work,
        [(6, 3), (6, 3), (3, 0)],
        "writes with effect, and undos"
    );
    let registries = lab.fleet.registries();
    assert_eq!(
        registries[1], registries[2],
        "proved or not, a host ends the same"
    );
}

#[tokio::test]
async fn a_host_that_is_not_as_it_was_stops_the_run_whatever_the_limits_allow() {
    let spoiled = Script {
        spoiled_undo: Some(Typed::Sz("not what was there".into()).to_raw()),
        ..Script::default().value(old_proxy())
    };
    let refused = Script::default().undo_refused();
    for bad in [spoiled, refused] {
        let lab = Lab::new(vec![bad, Script::default()]);
        let record = lab.push("prove_undo: true").await;
        assert_eq!(outcomes(&record), [Outcome::Failed, Outcome::NotStarted]);
        assert_eq!(record.hosts[0].reason, Some(Reason::UndoNotProved));
        assert!(!record.hosts[0].undo_proved);
        assert!(record.hosts[0].changed, "and is said to be changed");
        assert_eq!(
            (record.state, record.exit_code),
            (RunState::Failed, Some(6))
        );
        let text = record.stop_text.unwrap();
        assert!(
            text.contains("ring 'canary'") && text.contains("prove_undo"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_ring_on_which_nobody_could_prove_anything_holds_the_others_back() {
    let lab = Lab::new(vec![
        Script::default().unreachable_first(1),
        Script::default(),
    ]);
    let record = lab.push("prove_undo: true").await;
    assert_eq!(
        outcomes(&record),
        [Outcome::Unreachable, Outcome::NotStarted]
    );
    assert_eq!(record.exit_code, Some(6));
    let again = ResumeOptions {
        only: vec![Outcome::Unreachable, Outcome::NotStarted],
        ..ResumeOptions::default()
    };
    let active = lab.journal.resume_run(&record.id, again).unwrap();
    let record = lab.carry(active).await;
    assert_eq!(outcomes(&record), [Outcome::Ok, Outcome::Ok]);
    assert!(record.hosts[0].undo_proved);
}

#[tokio::test]
async fn where_all_is_right_already_there_is_nothing_to_prove() {
    let lab = Lab::new(vec![Script::default(), Script::default()]);
    lab.push("").await;
    let mut spec = push(
        2,
        "rollout: { prove_undo: true, rings: [ { name: canary, select: 'pc-0000*' }, { name: rest, select: rest } ] }\n",
    );
    spec.id = rollout::RunId::from_text("again");
    let record = lab.carry(lab.journal.create_run(spec).unwrap()).await;
    assert_eq!(record.exit_code, Some(0));
    assert!(
        record
            .hosts
            .iter()
            .all(|host| !host.changed && !host.undo_proved)
    );
}

#[tokio::test]
async fn a_ring_may_ask_for_it_itself() {
    let scripts = (0..2).map(|_| Script::default()).collect();
    let lab = Lab::new(scripts);
    let spec = push(
        2,
        "rollout: { rings: [ { name: a, select: 'pc-0000*' }, { name: b, select: rest, prove_undo: true } ] }\n",
    );
    let record = lab.carry(lab.journal.create_run(spec).unwrap()).await;
    let proved: Vec<bool> = record.hosts.iter().map(|host| host.undo_proved).collect();
    assert_eq!(proved, [false, true]);
}
