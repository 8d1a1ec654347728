//! Probes gate a host: green is `ok`, red and unclear are `failed` and count, waiting does not eat the host's time.

use std::sync::Arc;

use playbooks::{Fact, FactValue, Finding, Verdict};
use rollout::testing::{Script, Scripted, push};
use rollout::{
    Control, Journal, JournalOptions, OpenMode, Outcome, Reason, ResumeOptions, RunRecord,
    RunState, StepState, StopCause,
};
use tokio::sync::mpsc;

const PROBES: &str = "probes:\n  - { name: state, services: }\n  - { name: contact, sensor_connected: { within: 10m } }\n";

struct Lab {
    _folder: tempfile::TempDir,
    journal: Journal,
    fleet: Scripted,
}

impl Lab {
    fn new(scripts: Vec<Script>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let mut options = JournalOptions::new(OpenMode::ReadWrite);
        // Under a paused clock nothing may happen on another thread.
        options.inline = true;
        Self {
            journal: Journal::open_with(&path, &options).unwrap(),
            fleet: Scripted::of(scripts),
            _folder: folder,
        }
    }

    async fn push(&self, rest: &str) -> RunRecord {
        let count = self.fleet.registries().len();
        let spec = push(count, &format!("{PROBES}{rest}"));
        self.carry(self.journal.create_run(spec).unwrap()).await
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

fn finds(probe: &str, found: &[Finding]) -> Script {
    let verdicts = found
        .iter()
        .map(|finding| Verdict::new(*finding, "said so"));
    let mut script = Script::default();
    script.verdicts.insert(probe.to_owned(), verdicts.collect());
    script
}

fn findings(record: &RunRecord) -> Vec<Vec<Option<Finding>>> {
    let hosts = record.hosts.iter();
    let of = |probe: &rollout::ProbeRecord| probe.verdict.as_ref().map(|found| found.finding);
    hosts
        .map(|host| host.probes.iter().map(of).collect())
        .collect()
}

#[tokio::test]
async fn only_a_host_with_every_probe_green_is_ok() {
    let lab = Lab::new(vec![
        Script::default(),
        finds("state", &[Finding::ServiceStopped]),
        finds("state", &[Finding::Unreadable]),
    ]);
    let record = lab.push("").await;
    let ended: Vec<_> = record
        .hosts
        .iter()
        .map(|host| (host.outcome, host.reason, host.changed))
        .collect();
    assert_eq!(
        ended,
        [
            (Outcome::Ok, None, true),
            (Outcome::Failed, Some(Reason::ProbeRed), true),
            (Outcome::Failed, Some(Reason::ProbeInconclusive), true),
        ]
    );
    assert_eq!(
        findings(&record),
        [
            vec![Some(Finding::AsWanted), Some(Finding::AsWanted)],
            // The ladder ends at the first rung that is not green.
            vec![Some(Finding::ServiceStopped), None],
            vec![Some(Finding::Unreadable), None],
        ]
    );
    assert!(
        record.hosts[1]
            .detail
            .as_ref()
            .unwrap()
            .contains("service_stopped: said so")
    );
    assert!(record.hosts[1].remedy.is_some());
}

/// A ring of hosts on which nothing could be proved does not open the next one; where the sensor is missing and its steps
/// were left out for that, there is nothing to prove.
#[tokio::test(start_paused = true)]
async fn what_proves_nothing_is_not_green_unless_its_steps_were_left_out_with_it() {
    let nothing = || finds("contact", &[Finding::NotApplicable]);
    let mut missing = nothing();
    missing.facts.set(Fact::ServicesSense, FactValue::Null);
    let lab = Lab::new(vec![missing, nothing(), Script::default()]);
    let rings = "preflight: on\nrollout:\n  rings:\n    - { name: all, select: all, max_parallel: 1, max_failed: 0 }\n";
    let record = lab.push(rings).await;
    let ended: Vec<_> = record
        .hosts
        .iter()
        .map(|host| (host.outcome, host.reason))
        .collect();
    assert_eq!(
        ended,
        [
            (Outcome::Ok, None),
            (Outcome::Failed, Some(Reason::ProbeInconclusive)),
            (Outcome::NotStarted, None),
        ]
    );
    assert_eq!(findings(&record)[0][1], Some(Finding::StepsLeftOut));
    assert_eq!(record.hosts[0].steps[0].state, StepState::Skipped);
}

#[tokio::test]
async fn red_probes_count_for_the_limit_of_the_ring() {
    let red = || finds("state", &[Finding::ServiceStopped]);
    let lab = Lab::new(vec![red(), Script::default(), Script::default()]);
    let rings =
        "rollout:\n  rings:\n    - { name: all, select: all, max_parallel: 1, max_failed: 0 }\n";
    let record = lab.push(rings).await;
    assert_eq!(record.stopped, Some(StopCause::Limit));
    let outcomes: Vec<_> = record.hosts.iter().map(|host| host.outcome).collect();
    assert_eq!(outcomes[0], Outcome::Failed);
    assert_eq!(outcomes[2], Outcome::NotStarted);
}

#[tokio::test(start_paused = true)]
async fn what_may_turn_green_is_waited_for_and_the_wait_is_not_the_hosts_time() {
    // The host's own deadline is 2 s, and the pause between two questions is longer.
    let lab = Lab::new(vec![finds(
        "contact",
        &[Finding::NotConnected, Finding::Connected],
    )]);
    let record = lab.push("").await;
    assert_eq!(
        record.state,
        RunState::Succeeded,
        "{:?}",
        record.hosts[0].detail
    );
    assert_eq!(lab.fleet.counters()[0].probes, 3);
}

#[tokio::test(start_paused = true)]
async fn patience_ends() {
    let lab = Lab::new(vec![finds("contact", &[Finding::NotConnected])]);
    let record = lab.push("").await;
    assert_eq!(record.hosts[0].reason, Some(Reason::ProbeRed));
    assert!(record.hosts[0].changed);
    let asked = lab.fleet.counters()[0].probes;
    assert!((40..=43).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn who_does_a_host_again_asks_what_was_not_green_and_no_more() {
    let lab = Lab::new(vec![finds("contact", &[Finding::Unreadable])]);
    let record = lab.push("").await;
    assert_eq!(record.hosts[0].outcome, Outcome::Failed);
    let writes = lab.fleet.counters()[0].writes;
    let name = rollout::testing::host_name(0);
    lab.fleet.with(&name, |host| {
        host.script.verdicts.clear();
        host.counters.probes = 0;
    });
    let options = ResumeOptions {
        only: vec![Outcome::Failed],
        ..ResumeOptions::default()
    };
    let record = lab
        .carry(lab.journal.resume_run(&record.id, options).unwrap())
        .await;
    assert_eq!(
        record.hosts[0].outcome,
        Outcome::Ok,
        "{:?}",
        record.hosts[0].detail
    );
    assert_eq!(
        (
            lab.fleet.counters()[0].probes,
            lab.fleet.counters()[0].writes
        ),
        (1, writes)
    );
    assert!(record.hosts[0].changed);
}

#[tokio::test]
async fn a_candidate_that_does_not_work_leaves_the_host_as_it_was() {
    const CANDIDATE: &str =
        "probes:\n  - { name: road, proxy_tcp: { via: 'p:1' } }\n  - { name: state, services: }\n";
    for (finding, outcome, asked) in [
        (Finding::ProxyUnreachable, Outcome::Failed, (1, 1)),
        (Finding::PortOpen, Outcome::Ok, (2, 1)),
    ] {
        let lab = Lab::new(vec![finds("road", &[finding])]);
        let before = lab.fleet.registries();
        let active = lab.journal.create_run(push(1, CANDIDATE)).unwrap();
        let record = lab.carry(active).await;
        let counters = lab.fleet.counters()[0];
        assert_eq!(record.hosts[0].outcome, outcome);
        assert_eq!((counters.probes, counters.probes_before_write), asked);
        let green = outcome == Outcome::Ok;
        assert_eq!(record.hosts[0].changed, green);
        assert_eq!(lab.fleet.registries() == before, !green);
        assert_eq!(counters.writes > 0, green);
    }
}

#[tokio::test(start_paused = true)]
async fn a_green_answer_that_turns_red_later_is_red() {
    const MAPS: &str = "probes:\n  - { name: cloud, maps: { again_after: 15m } }\n";
    let late = [Finding::Connected, Finding::Connected, Finding::MapsFailed];
    for (found, reason) in [(&late[..], Some(Reason::ProbeRed)), (&late[..1], None)] {
        let lab = Lab::new(vec![finds("cloud", found)]);
        let active = lab.journal.create_run(push(1, MAPS)).unwrap();
        let record = lab.carry(active).await;
        assert_eq!(
            record.hosts[0].reason, reason,
            "{:?}",
            record.hosts[0].detail
        );
        let asked = lab.fleet.counters()[0].probes;
        assert_eq!(asked, if reason.is_some() { 3 } else { 61 });
    }
}
