//! One run after another against scripted hosts: outcomes, limits, undo, resume.

use std::sync::Arc;
use std::time::Duration;

use rollout::testing::{
    Fault, Host, Point, Registry, Script, Scripted, host_name, old_proxy, push,
};
use rollout::{
    Control, HostError, Journal, JournalOptions, OpenMode, Outcome, Reason, ResumeOptions,
    RollbackOptions, RunId, RunRecord, RunSpec, RunState, Severity, StepState, rollback_spec,
};
use tokio::sync::mpsc;

pub(crate) struct Bench {
    folder: tempfile::TempDir,
    pub(crate) journal: Journal,
    fleet: Arc<Scripted>,
}

impl Bench {
    pub(crate) fn new(scripts: Vec<Script>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = JournalOptions::new(OpenMode::ReadWrite);
        options.inline = true;
        let journal = Journal::open_with(&folder.path().join("journal.sqlite"), &options).unwrap();
        Self {
            folder,
            journal,
            fleet: Arc::new(Scripted::of(scripts)),
        }
    }

    pub(crate) async fn run(&self, spec: RunSpec) -> RunRecord {
        let id = spec.id.clone();
        self.carry(self.journal.create_run(spec).unwrap(), &id)
            .await
    }

    pub(crate) async fn carry(&self, active: rollout::ActiveRun, id: &RunId) -> RunRecord {
        let (events, _told) = mpsc::unbounded_channel();
        let result = rollout::run(active, Arc::clone(&self.fleet), events, Control::default())
            .await
            .unwrap();
        let record = self.journal.run(id).unwrap();
        assert_eq!(
            record.exit_code,
            Some(result.exit_code),
            "the journal knows the exit code"
        );
        assert_eq!(record.totals, result.totals);
        record
    }

    pub(crate) fn counters(&self) -> Vec<rollout::testing::Counters> {
        self.fleet.counters()
    }

    fn values(&self) -> Vec<Registry> {
        self.fleet.registries()
    }

    fn rollback(&self, of: &RunRecord) -> RunSpec {
        let options = RollbackOptions {
            id: RunId::generate(),
            operator: "test".into(),
            reason: None,
            force: false,
            hosts: None,
            ring: None,
        };
        rollback_spec(&self.journal, &of.id, options).unwrap()
    }
}

pub(crate) fn with_old_proxy() -> Script {
    Script::default().value(old_proxy()).guid("g")
}

#[tokio::test(start_paused = true)]
async fn push_and_rollback_leave_every_value_as_it_was() {
    let bench = Bench::new(vec![with_old_proxy(), Script::default(), with_old_proxy()]);
    let before = bench.values();
    let pushed = bench.run(push(3, "")).await;
    assert_eq!(
        (pushed.exit_code, pushed.totals.ok, pushed.totals.changed),
        (Some(0), 3, 3)
    );
    assert_ne!(bench.values(), before);
    let back = bench.run(bench.rollback(&pushed)).await;
    assert_eq!((back.exit_code, back.totals.rolled_back), (Some(0), 3));
    assert_eq!(bench.values(), before);
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_settled_by_reading_whether_the_write_arrived_or_not() {
    for arrived in [true, false] {
        for at in [1, 2, 3] {
            let script = with_old_proxy().lost_at(at, arrived);
            let bench = Bench::new(vec![script]);
            let record = bench.run(push(1, "")).await;
            assert_eq!(
                (record.exit_code, record.totals.ok),
                (Some(0), 1),
                "write {at}, arrived {arrived}"
            );
            assert!(record.hosts[0].changed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_loss_that_cannot_be_settled_is_indeterminate_and_resume_settles_it() {
    let script = Script {
        stays_away: true,
        ..with_old_proxy().lost_at(2, true)
    };
    let bench = Bench::new(vec![script]);
    let record = bench.run(push(1, "")).await;
    assert_eq!(
        (record.exit_code, record.hosts[0].outcome),
        (Some(5), Outcome::Indeterminate)
    );
    let comes_back = |host: &mut Host| host.script.stays_away = false;
    bench.fleet.with(&host_name(0), comes_back);
    let options = ResumeOptions {
        hosts: None,
        only: vec![Outcome::Indeterminate],
        operator: None,
        adjust: None,
    };
    let active = bench.journal.resume_run(&record.id, options).unwrap();
    let record = bench.carry(active, &record.id).await;
    assert_eq!(
        (
            record.exit_code,
            record.hosts[0].outcome,
            record.hosts[0].changed
        ),
        (Some(0), Outcome::Ok, true)
    );
}

#[tokio::test(start_paused = true)]
async fn the_changes_of_a_step_stand_or_fall_together() {
    let bench = Bench::new(vec![with_old_proxy().denied_at(2)]);
    let before = bench.values();
    let record = bench.run(push(1, "")).await;
    assert_eq!(
        (record.exit_code, record.hosts[0].reason),
        (Some(3), Some(Reason::AccessDenied))
    );
    assert_eq!(record.hosts[0].steps[0].state, StepState::Failed);
    assert_eq!(record.hosts[0].steps[1].state, StepState::NotRun);
    assert_eq!(
        bench.values(),
        before,
        "the first value of the pair was taken back"
    );
}

#[tokio::test(start_paused = true)]
async fn a_breach_starts_nobody_new() {
    let refused = || Script::default().closed(HostError::failed(Reason::Fault, "no"));
    let mut scripts: Vec<Script> = (0..3).map(|_| refused()).collect();
    scripts.extend((0..20).map(|_| Script::default()));
    let bench = Bench::new(scripts);
    let block =
        "rollout:\n  rings:\n    - { name: all, select: rest, max_parallel: 2, max_failed: 1 }\n";
    let record = bench.run(push(23, block)).await;
    assert_eq!(record.exit_code, Some(6));
    assert!(
        record.totals.ok <= 2,
        "at most those in flight: {:?}",
        record.totals
    );
    let counters = bench.fleet.counters();
    let opened = counters.iter().filter(|host| host.opens > 0).count();
    assert!(opened <= 4, "{opened} hosts were contacted");
}

#[tokio::test(start_paused = true)]
async fn a_breach_can_take_the_ring_back() {
    let mut scripts: Vec<Script> = (0..4).map(|_| with_old_proxy()).collect();
    scripts.push(Script::default().closed(HostError::failed(Reason::Fault, "no")));
    let bench = Bench::new(scripts);
    let before = bench.values();
    let block = "rollout:\n  rings:\n    - { name: all, select: rest, max_parallel: 1, max_failed: 0, on_breach: rollback_ring }\n";
    let record = bench.run(push(5, block)).await;
    assert_eq!(
        (record.exit_code, record.totals.rolled_back),
        (Some(7), 4),
        "{:?}",
        record.totals
    );
    assert_eq!(bench.values(), before);
}

#[tokio::test(start_paused = true)]
async fn a_tripped_guard_ends_the_run_and_forgets_nobody() {
    let error = HostError {
        severity: Severity::Guarded,
        ..HostError::failed(Reason::CredentialGuard, "no")
    };
    let scripts = (0..50).map(|_| Script::default().closed(error.clone()));
    let bench = Bench::new(scripts.collect());
    let record = bench.run(push(50, "")).await;
    assert_eq!(
        (
            record.exit_code,
            record.totals.not_started,
            record.totals.hosts
        ),
        (Some(9), 50, 50)
    );
}

#[tokio::test(start_paused = true)]
async fn another_machine_under_the_name_is_not_rolled_back() {
    let bench = Bench::new(vec![with_old_proxy()]);
    let pushed = bench.run(push(1, "")).await;
    let reinstalled = |host: &mut Host| host.script.guid = Some("another".into());
    bench.fleet.with(&host_name(0), reinstalled);
    let after = bench.values();
    let record = bench.run(bench.rollback(&pushed)).await;
    assert_eq!(
        (record.exit_code, record.hosts[0].reason),
        (Some(3), Some(Reason::WrongHost))
    );
    assert_eq!(bench.values(), after);
}

#[tokio::test(start_paused = true)]
async fn a_second_controller_is_told_who_holds_the_run() {
    let bench = Bench::new(vec![Script::default()]);
    let spec = push(1, "");
    let id = spec.id.clone();
    let _held = bench.journal.create_run(spec).unwrap();
    let path = bench.folder.path().join("journal.sqlite");
    let other = Journal::open(&path, OpenMode::ReadWrite).unwrap();
    let error = other
        .resume_run(&id, ResumeOptions::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains(&std::process::id().to_string()), "{error}");
}

#[test]
fn a_newer_journal_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    drop(Journal::open(&path, OpenMode::ReadWrite).unwrap());
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 9999).unwrap();
    drop(database);
    let before = std::fs::read(&path).unwrap();
    let error = Journal::open(&path, OpenMode::ReadWrite)
        .unwrap_err()
        .to_string();
    assert!(error.contains("9999"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn after_its_deadline_a_run_starts_nobody_and_a_resume_has_a_new_one() {
    let slow = || Script::default().slow(Duration::from_millis(200));
    let bench = Bench::new((0..6).map(|_| slow()).collect());
    let block = "rollout:\n  rings:\n    - { name: all, select: rest, max_parallel: 1 }\n";
    // A host takes five requests: one second.
    let deadline = Some(Duration::from_millis(2_500));
    let began = tokio::time::Instant::now();
    let spec = RunSpec {
        deadline,
        ..push(6, block)
    };
    let record = bench.run(spec).await;
    let took = began.elapsed();
    assert_eq!(took.as_secs(), 3, "the host in flight ends");
    let seen = (
        record.exit_code,
        record.totals.ok,
        record.totals.not_started,
    );
    assert_eq!((seen, record.state), ((Some(6), 3, 3), RunState::Paused));
    let options = ResumeOptions::default();
    let active = bench.journal.resume_run(&record.id, options).unwrap();
    // It passes once more, but nobody is left to be started then.
    let record = bench.carry(active, &record.id).await;
    assert_eq!((record.exit_code, record.totals.ok), (Some(0), 6));
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_hang_cost_one_host_each() {
    let at_second = |fault| with_old_proxy().at(Point::Write(2), fault);
    let bench = Bench::new(vec![
        at_second(Fault::Panic),
        at_second(Fault::Hang),
        with_old_proxy(),
    ]);
    let record = bench.run(push(3, "")).await;
    let of = |number: usize| (record.hosts[number].outcome, record.hosts[number].reason);
    assert_eq!(of(0), (Outcome::Indeterminate, Some(Reason::Internal)));
    assert_eq!(of(1), (Outcome::Indeterminate, Some(Reason::Timeout)));
    assert_eq!(of(2), (Outcome::Ok, None));
    assert_eq!((record.exit_code, bench.fleet.connected()), (Some(5), 0));
}
