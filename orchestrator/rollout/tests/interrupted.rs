//! What a controller that was killed may have left on a host, although its journal does not say so yet: the beginning
//! of a step is not waited for. Whatever becomes of the host afterwards, the prior state stays known and every value
//! that may have been written is taken back.

use playbooks::{Observed, RawValue, Target, Typed};
use rollout::testing::{Fault, Point, Script, Scripted, host_name, old_proxy, push};
use rollout::{
    Clock, HostError, Journal, Outcome, Reason, ResumeOptions, RollbackError, RollbackOptions,
    RunId, RunRecord, StepState, rollback_spec,
};

use crate::cuts::{Recording, carry, essence, open, recording};

/// The run as its dead controller left it, and the fleet of that moment.
struct Left {
    _folder: tempfile::TempDir,
    journal: Journal,
    fleet: Scripted,
    id: RunId,
}

impl Left {
    fn of(run: &Recording, (at, world): (u64, &Scripted)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(&run.cut(at, folder.path()), Clock::system());
        Self {
            _folder: folder,
            journal,
            fleet: world.fork(),
            id: run.spec.id.clone(),
        }
    }

    fn ended(&self) -> bool {
        self.record().exit_code.is_some()
    }

    fn record(&self) -> RunRecord {
        self.journal.run(&self.id).unwrap()
    }

    async fn resume(&self, only: &[Outcome]) {
        let options = ResumeOptions {
            only: only.to_vec(),
            ..ResumeOptions::default()
        };
        let active = self.journal.resume_run(&self.id, options).unwrap();
        carry(active, &self.fleet).await;
    }

    fn off(&self, off: bool) {
        let error = HostError::unreachable(Reason::ConnectRefused, "the port is closed");
        self.fleet.with(&host_name(0), |host| {
            host.script.closed = off.then_some(error)
        });
    }

    fn somebody_writes(&self, target: &Target) {
        self.fleet.with(&host_name(0), |host| {
            host.registry.set(target, theirs());
        });
    }

    async fn take_back(&self) -> Option<RunRecord> {
        let options = RollbackOptions {
            id: RunId::from_text("back"),
            operator: "test".into(),
            reason: None,
            force: false,
            hosts: None,
            ring: None,
        };
        match rollback_spec(&self.journal, &self.id, options) {
            Ok(back) => {
                let id = back.id.clone();
                carry(self.journal.create_run(back).unwrap(), &self.fleet).await;
                Some(self.journal.run(&id).unwrap())
            }
            Err(RollbackError::NothingToDo { .. }) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

fn theirs() -> RawValue {
    Typed::Sz("somebody else's".to_owned()).to_raw()
}

async fn one_host() -> Recording {
    let script = Script::default().value(old_proxy()).guid("g");
    recording(push(1, ""), vec![script]).await
}

/// The values of the run, in the order they are written.
fn targets(record: &RunRecord) -> Vec<Target> {
    let changes = record.hosts[0].steps.iter().flat_map(|step| &step.changes);
    changes.map(|change| change.target.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_off_when_its_run_is_taken_over_keeps_its_prior_state() {
    let run = one_host().await;
    for instant in run.instants() {
        for again in [false, true] {
            let left = Left::of(&run, instant);
            if left.ended() {
                continue;
            }
            left.off(true);
            left.resume(&[]).await;
            left.off(false);
            if again {
                let only = [Outcome::Unreachable, Outcome::Indeterminate];
                left.resume(&only).await;
                let record = left.record();
                assert_eq!(
                    essence(&record),
                    essence(&run.record),
                    "cut at {}",
                    instant.0
                );
            }
            left.take_back().await;
            assert_eq!(left.fleet.registries(), run.before, "cut at {}", instant.0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_written_is_taken_back_although_somebody_changed_another_value_meanwhile() {
    let run = one_host().await;
    let all = targets(&run.record);
    for foreign in &all {
        for instant in run.instants() {
            let left = Left::of(&run, instant);
            left.somebody_writes(foreign);
            if !left.ended() {
                left.resume(&[]).await;
            }
            left.take_back().await;
            let now = &left.fleet.registries()[0];
            for target in &all {
                let expected = match target == foreign {
                    true => Observed::Present(theirs()),
                    false => run.before[0].observe(target),
                };
                // A resume that came before anything was recorded found their value there, and took it back to that.
                assert!(
                    now.observe(target).same_content(&expected),
                    "cut at {}, {foreign} is theirs, {target}: {:?}",
                    instant.0,
                    now.observe(target)
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_was_right_and_is_not_any_more_does_not_make_a_host_ok() {
    // On the second run of the same playbook all values are right.
    let done = one_host().await;
    let right = done.instants().last().unwrap().1.registries()[0].clone();
    let mut script = Script::default().guid("g");
    script.registry = right;
    // But for the last one, so that there is something to write.
    let last = targets(&done.record).pop().unwrap();
    script.registry.values.remove(&last);
    let run = recording(push(1, ""), vec![script]).await;
    assert_eq!(run.record.totals.changed, 1);
    let was_right = targets(&run.record).remove(0);
    for instant in run.instants() {
        let left = Left::of(&run, instant);
        if left.ended() {
            continue;
        }
        left.somebody_writes(&was_right);
        left.resume(&[]).await;
        let record = left.record();
        let host = &record.hosts[0];
        let now = left.fleet.registries()[0].observe(&was_right);
        if host.outcome == Outcome::Ok {
            let changes = host.steps.iter().flat_map(|step| &step.changes);
            let after = changes.map(|change| change.after.clone().unwrap());
            assert_eq!(after.into_iter().next(), Some(now), "cut at {}", instant.0);
        } else {
            assert_eq!(
                host.reason,
                Some(Reason::ChangedSince),
                "cut at {}",
                instant.0
            );
        }
    }
}

/// Two hosts in a ring that is taken back, the second of which refuses everything; before it does, somebody writes to
/// the first one.
#[tokio::test(start_paused = true)]
async fn what_somebody_else_wrote_is_theirs_for_a_second_rollback_too() {
    let run = one_host().await;
    let foreign = targets(&run.record).remove(0);
    let refused = HostError::failed(Reason::Fault, "no");
    let scripts = vec![
        Script::default().value(old_proxy()).guid("g"),
        Script::default().closed(refused),
    ];
    let fleet = Scripted::of(scripts);
    let (theirs_now, target) = (fleet.clone(), foreign.clone());
    let fleet = fleet.guarded(move |host| {
        if *host == host_name(1) {
            theirs_now.with(&host_name(0), |host| {
                host.registry.set(&target, theirs());
                host.registry.set(&old_proxy().0, theirs());
            });
        }
    });
    let block = "rollout: { rings: [ { name: all, select: all, max_parallel: 1, max_failed: 0, on_breach: rollback_ring } ] }\n";
    let folder = tempfile::tempdir().unwrap();
    let left = Left {
        journal: open(&folder.path().join("journal.sqlite"), Clock::system()),
        _folder: folder,
        fleet,
        id: RunId::from_text("push"),
    };
    let active = left.journal.create_run(push(2, block)).unwrap();
    carry(active, &left.fleet).await;
    let record = left.record();
    assert_eq!(record.hosts[0].outcome, Outcome::Conflict, "{record:?}");
    let back = left.take_back().await.unwrap();
    assert_eq!(back.hosts[0].outcome, Outcome::Conflict);
    let detail = back.hosts[0].detail.clone().unwrap_or_default();
    for words in [
        "before the run absent",
        "the run left 1",
        "now 'somebody else's'",
        // Both values of the step, not the last one alone.
        "before the run 'old.corp.example:1'",
    ] {
        assert!(detail.contains(words), "{detail}");
    }
    let now = left.fleet.registries()[0].observe(&foreign);
    assert_eq!(now, Observed::Present(theirs()));
}

/// The write of the first value arrives, reading it back is refused, and so is whatever is asked next.
#[tokio::test(start_paused = true)]
async fn a_write_that_nobody_could_read_back_is_in_the_balance_and_taken_back_with_its_ring() {
    // The first write is that of a value.
    let unmarked = "rollout: { host_marker: false }\n";
    let quota = || HostError::failed(Reason::Quota, "too many operations");
    let script = || {
        let script = Script::default().value(old_proxy()).guid("g");
        script
            .at(Point::Write(1), Fault::Unread(quota()))
            .at(Point::Undo(1), Fault::Refuse(quota()))
    };
    let settled = recording(push(1, unmarked), vec![script()]).await;
    let host = &settled.record.hosts[0];
    assert_eq!(
        (host.outcome, host.changed),
        (Outcome::Ok, true),
        "{host:?}"
    );

    // For ever: nobody knows, and the report says so.
    let for_ever = (2..40).fold(script(), |script, number| {
        script.at(Point::Read(number), Fault::Refuse(quota()))
    });
    let unread = recording(push(1, unmarked), vec![for_ever.clone()]).await;
    let host = &unread.record.hosts[0];
    assert_eq!(host.outcome, Outcome::Indeterminate, "{host:?}");
    assert_eq!(host.steps[0].state, StepState::Unknown);

    let block = "rollout: { host_marker: false, rings: [ { name: all, select: all, max_indeterminate: 0, on_breach: rollback_ring } ] }\n";
    let back = recording(push(1, block), vec![for_ever]).await;
    assert_eq!(back.record.hosts[0].outcome, Outcome::RolledBack);
    let last = back.instants().last().unwrap().1.registries();
    assert_eq!(last, back.before);
}
