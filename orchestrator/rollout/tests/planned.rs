//! Reading a fleet, and carrying out what was planned from it: moved hosts, unread hosts, deaths in between.

use std::sync::Arc;
use std::time::Duration;

use playbooks::Playbook;
use rollout::testing::{Fault, Point, Script, Scripted, old_proxy, push};
use rollout::{
    HostError, Outcome, PlannedStep, Reading, Reason, ResumeOptions, RunId, RunSpec, Severity,
    WouldWrite, read_plan, render_plan, survey,
};
use tokio::time::Instant;

use crate::engine::Bench;

type Readings = Vec<Reading<Vec<PlannedStep>>>;

fn question(spec: &RunSpec) -> WouldWrite {
    let bytes = spec.playbook.text.as_bytes();
    let document = document::Document::from_bytes("p.yaml", bytes).unwrap();
    WouldWrite::new(Playbook::load(&document).unwrap(), spec)
}

async fn look(spec: &RunSpec, scripts: Vec<Script>, parallel: u32) -> (Readings, Scripted) {
    let fleet = Scripted::of(scripts);
    let (ask, spec) = (question(spec), Arc::new(spec.clone()));
    let readings = survey(Arc::new(fleet.clone()), spec, ask, parallel, |_, _| ()).await;
    (readings, fleet)
}

/// The run that a plan made over `then` asks for.
async fn planned(then: Vec<Script>, rollout: &str) -> RunSpec {
    let spec = push(then.len(), rollout);
    let (readings, _) = look(&spec, then, 10).await;
    let (text, _) = render_plan(&spec, &readings, jiff::Timestamp::UNIX_EPOCH).unwrap();
    RunSpec {
        id: RunId::from_text("planned"),
        ..read_plan(text.as_bytes()).unwrap().spec
    }
}

fn away() -> Script {
    Script::default().closed(HostError::unreachable(Reason::Dns, "no such name"))
}

fn only(outcome: Outcome) -> ResumeOptions<'static> {
    ResumeOptions {
        hosts: None,
        only: vec![outcome],
        operator: None,
        adjust: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_moved_is_refused_and_one_that_was_not_read_is_left_alone() {
    let spec = planned(vec![Script::default(), Script::default(), away()], "").await;
    let now = vec![
        Script::default(),
        Script::default().value(old_proxy()),
        Script::default(),
    ];
    let bench = Bench::new(now);
    let id = spec.id.clone();
    let record = bench.run(spec.clone()).await;
    assert_eq!(record.plan_hash, spec.plan_hash);
    let ends: Vec<_> = record
        .hosts
        .iter()
        .map(|host| (host.outcome, host.reason))
        .collect();
    assert_eq!(
        ends,
        [
            (Outcome::Ok, None),
            (Outcome::Failed, Some(Reason::MovedSincePlan)),
            (Outcome::Unreachable, Some(Reason::UnreadAtPlan)),
        ]
    );
    let detail = record.hosts[1].detail.clone().unwrap();
    assert!(
        detail.contains("absent (no key)") && detail.contains("'old.corp.example:1'"),
        "{detail}"
    );
    let asked = bench.counters();
    assert_eq!((asked[1].writes, asked[1].undos), (0, 0));
    assert_eq!(asked[2].opens, 0, "not contacted");
    let active = bench
        .journal
        .resume_run(&id, only(Outcome::Unreachable))
        .unwrap();
    let record = bench.carry(active, &id).await;
    assert_eq!(
        record.hosts[2].outcome,
        Outcome::Ok,
        "taken up again it is worked"
    );
    let active = bench
        .journal
        .resume_run(&id, only(Outcome::Failed))
        .unwrap();
    let record = bench.carry(active, &id).await;
    assert_eq!(
        record.hosts[1].reason,
        Some(Reason::MovedSincePlan),
        "the plan still stands"
    );
    assert_eq!(bench.counters()[1].writes, 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_run_itself_wrote_is_no_move() {
    let spec = planned(vec![Script::default()], "").await;
    let id = spec.id.clone();
    // The second step is refused, with the first one written.
    let bench = Bench::new(vec![Script::default().denied_at(3)]);
    let record = bench.run(spec).await;
    assert_eq!(record.hosts[0].reason, Some(Reason::AccessDenied));
    assert!(record.hosts[0].changed);
    let active = bench
        .journal
        .resume_run(&id, only(Outcome::Failed))
        .unwrap();
    let record = bench.carry(active, &id).await;
    assert_eq!(
        record.hosts[0].outcome,
        Outcome::Ok,
        "{:?}",
        record.hosts[0].detail
    );
}

#[tokio::test(start_paused = true)]
async fn hosts_that_were_not_read_count_against_the_limit() {
    let rollout = "rollout:\n  rings:\n    - { name: all, select: all, max_parallel: 1, max_unreachable: 0 }\n";
    let spec = planned(vec![away(), Script::default()], rollout).await;
    let bench = Bench::new(vec![Script::default(), Script::default()]);
    let record = bench.run(spec).await;
    assert_eq!(record.exit_code, Some(6));
    assert_eq!(record.hosts[1].outcome, Outcome::NotStarted);
}

#[tokio::test(start_paused = true)]
async fn no_more_are_read_at_once_than_allowed_and_no_more_of_a_group_than_its_cap() {
    let slow = || Script::default().slow(Duration::from_millis(200));
    // Connect and one read: four tenths of a second each.
    for (parallel, cap, tenths) in [(6, None, 4), (2, None, 12), (1, None, 24), (6, Some(1), 12)] {
        let mut spec = push(6, "");
        if let Some(cap) = cap {
            spec.groups.insert("paris".into(), cap);
            spec.hosts[..3]
                .iter_mut()
                .for_each(|host| host.host.groups.push("paris".into()));
        }
        let start = Instant::now();
        let (readings, _) = look(&spec, (0..6).map(|_| slow()).collect(), parallel).await;
        assert!(readings.iter().all(|reading| reading.error().is_none()));
        let took = start.elapsed().as_millis();
        assert_eq!(
            took / 100,
            tenths,
            "{parallel} at once, cap {cap:?}: {took} ms"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn one_bad_host_stops_nobody_and_none_takes_longer_than_it_may() {
    let scripts = vec![
        Script::default().at(Point::Read(1), Fault::Hang),
        Script::default().at(Point::Open(1), Fault::Panic),
        away(),
        Script::default(),
    ];
    let spec = push(4, "");
    let start = Instant::now();
    let (readings, fleet) = look(&spec, scripts, 10).await;
    assert_eq!(start.elapsed().as_secs(), 2, "host_timeout");
    let reasons: Vec<_> = readings
        .iter()
        .map(|one| one.error().map(|error| error.reason))
        .collect();
    let expected = [
        Some(Reason::Timeout),
        Some(Reason::Internal),
        Some(Reason::Dns),
        None,
    ];
    assert_eq!(reasons, expected);
    let asked = fleet.counters();
    assert!(
        asked
            .iter()
            .all(|host| host.writes + host.undos == 0 && host.connected == 0)
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_once_the_guard_tripped() {
    let guarded = HostError {
        severity: Severity::Guarded,
        ..HostError::failed(Reason::CredentialGuard, "no further attempt")
    };
    let mut scripts = vec![Script::default(); 5];
    scripts[1] = Script::default().closed(guarded);
    let (readings, fleet) = look(&push(5, ""), scripts, 1).await;
    let guarded = readings.iter().filter(|one| {
        one.error()
            .is_some_and(|error| error.severity == Severity::Guarded)
    });
    let opens: u32 = fleet.counters().iter().map(|host| host.opens).sum();
    // The order of the tasks is tokio's; whoever came after the second host was not asked.
    assert_eq!(
        guarded.count() as u32,
        6 - opens,
        "the one that tripped it, and those not asked"
    );
    assert!(opens < 5, "somebody was spared");
}
