//! Hosts that are taken back inside their own run, after a breach: what is theirs to give back and what is not, and
//! what the reports say of it.

use playbooks::{Observed, RawValue, Typed};
use rollout::testing::{Fault, Point, Script, Scripted, host_name, old_proxy, push};
use rollout::{
    Clock, HostError, Journal, JournalOptions, OpenMode, Outcome, Reason, ResumeOptions, RunRecord,
    RunSpec, RunState, Severity, StepState,
};

use crate::cuts::{carry, open};

/// A third step behind the two of the playbook, and limits under which nobody may fail.
const THREE_STEPS: &str = "  - name: third
    registry: { key: 'HKLM\\SOFTWARE\\Example', value: v, type: sz, data: '1' }
preflight: off
rollout: { rings: [ { name: all, select: all, max_parallel: 1, max_failed: 0, on_breach: rollback_run } ] }
";

struct Bench {
    _folder: tempfile::TempDir,
    journal: Journal,
    fleet: Scripted,
}

impl Bench {
    fn new(fleet: Scripted) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            journal: open(&folder.path().join("journal.sqlite"), Clock::system()),
            _folder: folder,
            fleet,
        }
    }

    async fn run(&self, spec: RunSpec) -> RunRecord {
        let id = spec.id.clone();
        carry(self.journal.create_run(spec).unwrap(), &self.fleet).await;
        self.journal.run(&id).unwrap()
    }

    async fn resume(&self, of: &RunRecord, only: Vec<Outcome>) -> RunRecord {
        let id = rollout::RunId::from_text(of.id.as_str());
        let options = ResumeOptions {
            only,
            ..ResumeOptions::default()
        };
        carry(self.journal.resume_run(&id, options).unwrap(), &self.fleet).await;
        self.journal.run(&id).unwrap()
    }
}

fn script() -> Script {
    Script::default().value(old_proxy()).guid("g")
}

fn theirs() -> RawValue {
    Typed::Sz("somebody else's".to_owned()).to_raw()
}

fn states(record: &RunRecord, host: usize) -> Vec<StepState> {
    let steps = record.hosts[host].steps.iter();
    steps.map(|step| step.state).collect()
}

/// The host that causes the breach: its first step is taken back, its second had failed and was left as it had been, its
/// third was not reached. With the writer on a thread of its own, too.
#[tokio::test]
async fn the_host_that_failed_is_rolled_back_and_says_why() {
    for inline in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mut options = JournalOptions::new(OpenMode::ReadWrite);
        options.inline = inline;
        let path = folder.path().join("journal.sqlite");
        let bench = Bench {
            journal: Journal::open_with(&path, &options).unwrap(),
            _folder: folder,
            fleet: Scripted::of([script().denied_at(3)]),
        };
        let before = bench.fleet.registries();
        let record = bench.run(push(1, THREE_STEPS)).await;
        assert_eq!(bench.fleet.registries(), before);
        assert_eq!(
            (record.exit_code, record.state),
            (Some(7), RunState::Failed),
            "{record:?}"
        );
        let host = &record.hosts[0];
        assert_eq!(
            (host.outcome, host.changed, host.reason),
            (Outcome::RolledBack, false, Some(Reason::AccessDenied)),
            "{host:?}"
        );
        assert!(host.detail.is_some(), "{host:?}");
        let expected = [StepState::Restored, StepState::Failed, StepState::NotRun];
        assert_eq!(states(&record, 0), expected);
        assert_eq!(host.steps[2].changes[0].after, None);
        assert_eq!(
            bench.fleet.counters()[0].undos,
            3,
            "the refused write at once, the two of the first step later: what was not reached is not asked for"
        );
    }
}

/// What the run wants there, somebody else has put there meanwhile: the run had not come that far.
#[tokio::test(start_paused = true)]
async fn a_value_that_the_run_never_wrote_is_not_taken_away() {
    let spec = push(2, THREE_STEPS);
    let refused = HostError::failed(Reason::Fault, "no");
    let fleet = Scripted::of([script().denied_at(3), Script::default().closed(refused)]);
    let probe = Scripted::of([Script::default()]);
    let target = {
        let bench = Bench::new(probe);
        let record = bench.run(push(1, THREE_STEPS)).await;
        record.hosts[0].steps[2].changes[0].target.clone()
    };
    let wanted = Typed::Sz("1".to_owned()).to_raw();
    let (hosts, value, place) = (fleet.clone(), wanted.clone(), target.clone());
    let opens = std::sync::atomic::AtomicU32::new(0);
    // Before the connection that takes the host back.
    let fleet = fleet.guarded(move |name| {
        let first = opens.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        if *name == host_name(0) && !first {
            hosts.with(name, |host| host.registry.set(&place, value.clone()));
        }
    });
    let bench = Bench::new(fleet);
    let record = bench.run(spec).await;
    assert_eq!(record.hosts[0].outcome, Outcome::RolledBack, "{record:?}");
    let now = bench.fleet.registries()[0].observe(&target);
    assert_eq!(now, Observed::Present(wanted));
}

/// Read back as somebody else's value, a write is not taken back over it.
#[tokio::test(start_paused = true)]
async fn what_somebody_wrote_over_a_write_stays() {
    let script = script().at(Point::Write(2), Fault::Overwritten(theirs()));
    let bench = Bench::new(Scripted::of([script]));
    let record = bench.run(push(1, "")).await;
    let host = &record.hosts[0];
    assert_eq!(
        (host.outcome, host.reason),
        (Outcome::Failed, Some(Reason::ReadBackDiffers))
    );
    assert!(host.changed, "it is not as it was: {host:?}");
    let registry = &bench.fleet.registries()[0];
    let changes = &host.steps[0].changes;
    let theirs_now = changes
        .iter()
        .filter(|change| registry.observe(&change.target) == Observed::Present(theirs()));
    assert_eq!(theirs_now.count(), 1, "{host:?}");
    // The other value of the step is back.
    for change in changes {
        let now = registry.observe(&change.target);
        assert_eq!(change.after.as_ref(), Some(&now), "{}", change.target);
        let expected = now == Observed::Present(theirs()) || now == change.before;
        assert!(expected, "{}: {now:?}", change.target);
    }
}

/// The account is refused while hosts are taken back: nobody else is tried, nobody is given up, and a resume with the
/// right password brings all of them back.
#[tokio::test(start_paused = true)]
async fn a_guard_that_trips_while_hosts_are_taken_back_leaves_them_to_the_resume() {
    let guarded = || {
        Fault::Refuse(HostError {
            severity: Severity::Guarded,
            ..HostError::failed(Reason::CredentialGuard, "refused three times")
        })
    };
    let good = || script().at(Point::Open(2), guarded());
    let bench = Bench::new(Scripted::of([good(), good(), script().denied_at(1)]));
    let before = bench.fleet.registries();
    let block = "rollout: { rings: [ { name: all, select: all, max_parallel: 1, max_failed: 0, on_breach: rollback_run } ] }\n";
    let stopped = bench.run(push(3, block)).await;
    assert_eq!(
        (stopped.exit_code, stopped.state),
        (Some(9), RunState::Paused)
    );
    let outcome = |record: &RunRecord, host: usize| record.hosts[host].outcome;
    assert_eq!(
        (outcome(&stopped, 0), outcome(&stopped, 1)),
        (Outcome::Ok, Outcome::Indeterminate),
        "one was being taken back, the other not yet"
    );
    let opens: Vec<u32> = bench.fleet.counters().iter().map(|of| of.opens).collect();
    assert_eq!(opens, [1, 2, 1], "nobody else was tried");

    bench.fleet.with(&host_name(0), |host| {
        host.script.faults.clear();
    });
    let record = bench.resume(&stopped, Vec::new()).await;
    assert_eq!(bench.fleet.registries(), before);
    assert_eq!(
        (outcome(&record, 0), outcome(&record, 1)),
        (Outcome::RolledBack, Outcome::RolledBack)
    );
    assert_eq!(record.exit_code, Some(7), "{record:?}");
    assert_eq!(record.state, RunState::Failed);
}

/// The same in the middle of the way forward, under a second controller: what is owed to a host is not forgotten.
#[tokio::test(start_paused = true)]
async fn a_guard_that_trips_over_a_host_in_the_middle_leaves_it_to_the_resume() {
    let guarded = Fault::Refuse(HostError {
        severity: Severity::Guarded,
        ..HostError::failed(Reason::CredentialGuard, "refused three times")
    });
    let script = script().lost_at(2, true).at(Point::Open(2), guarded);
    let bench = Bench::new(Scripted::of([script]));
    let stopped = bench.run(push(1, "")).await;
    assert_eq!(
        (stopped.exit_code, stopped.hosts[0].outcome),
        (Some(9), Outcome::Indeterminate)
    );
    let record = bench.resume(&stopped, Vec::new()).await;
    assert_eq!(
        (record.exit_code, record.hosts[0].outcome),
        (Some(0), Outcome::Ok),
        "{record:?}"
    );
}
