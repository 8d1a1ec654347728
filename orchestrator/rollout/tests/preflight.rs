//! The preflight in the engine: what blocks a host is known before the first write and stands in the journal; what has no
//! business on it is left out; a plan keeps what was found.

use std::sync::Arc;

use playbooks::{Check, Fact, FactValue, Facts, Playbook, PreflightGrade};
use rollout::testing::{Script, Scripted, old_proxy, push, push_of};
use rollout::{
    Control, Event, EventKind, Journal, JournalOptions, OpenMode, Outcome, Planned, PlannedChange,
    PlannedStep, Reading, Reason, RunRecord, RunSpec, StepState, WouldWrite, read_plan,
    render_plan, survey,
};
use tokio::sync::mpsc;

const ON: &str = "preflight: on\n";

fn script(facts: &[(Fact, FactValue)]) -> Script {
    let mut all = Facts::default();
    for (fact, value) in facts {
        all.set(*fact, value.clone());
    }
    Script {
        facts: all,
        ..Script::default()
    }
}

fn ipv6_only() -> Script {
    script(&[
        (Fact::ServicesSense, FactValue::Text("running".to_owned())),
        (Fact::NetworkIpv4, FactValue::Bool(false)),
    ])
}

fn without_sensor() -> Script {
    script(&[(Fact::ServicesSense, FactValue::Null)])
}

async fn carry(fleet: &Scripted, spec: RunSpec) -> RunRecord {
    carry_told(fleet, spec).await.0
}

/// As [`carry`], with the events of the journal.
async fn carry_told(fleet: &Scripted, spec: RunSpec) -> (RunRecord, Vec<Event>) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = JournalOptions::new(OpenMode::ReadWrite);
    options.inline = true;
    let journal = Journal::open_with(&folder.path().join("j.sqlite"), &options).unwrap();
    let active = journal.create_run(spec).unwrap();
    let id = active.spec().id.clone();
    let (events, _told) = mpsc::unbounded_channel();
    rollout::run(active, Arc::new(fleet.clone()), events, Control::default())
        .await
        .unwrap();
    // From the journal, not from memory.
    (journal.run(&id).unwrap(), journal.events(&id).unwrap())
}

#[tokio::test]
async fn a_block_comes_before_the_first_write_and_is_in_the_journal() {
    let fleet = Scripted::of(vec![ipv6_only(), Script::default()]);
    let before = fleet.registries();
    let record = carry(&fleet, push(2, ON)).await;
    let host = &record.hosts[0];
    assert_eq!(host.outcome, Outcome::Failed);
    assert_eq!(host.reason, Some(Reason::PreflightBlocked));
    assert!(host.remedy.as_ref().unwrap().contains("allow: [no_ipv4]"));
    assert!(!host.changed && host.steps.is_empty());
    assert_eq!(host.preflight[0].check, Check::NoIpv4);
    assert_eq!(host.preflight[0].grade, PreflightGrade::Block);
    assert_eq!(host.preflight[0].step.as_deref(), Some("edr"));
    assert_eq!(fleet.registries()[0], before[0], "nothing was written");
    assert_eq!(record.hosts[1].outcome, Outcome::Ok);
    assert!(record.hosts[1].preflight.is_empty());
}

#[tokio::test]
async fn what_was_found_before_is_not_told_of_a_host_that_was_mended() {
    let fleet = Scripted::of(vec![ipv6_only()]);
    let folder = tempfile::tempdir().unwrap();
    let mut options = JournalOptions::new(OpenMode::ReadWrite);
    options.inline = true;
    let journal = Journal::open_with(&folder.path().join("j.sqlite"), &options).unwrap();
    let mut active = journal.create_run(push(1, ON)).unwrap();
    let id = active.spec().id.clone();
    for (outcome, findings) in [(Outcome::Failed, 1), (Outcome::Ok, 0)] {
        let (events, _told) = mpsc::unbounded_channel();
        rollout::run(active, Arc::new(fleet.clone()), events, Control::default())
            .await
            .unwrap();
        let host = &journal.run(&id).unwrap().hosts[0];
        assert_eq!(
            (host.outcome, host.preflight.len()),
            (outcome, findings),
            "{host:?}"
        );
        if outcome == Outcome::Ok {
            break;
        }
        fleet.with(&rollout::testing::host_name(0), |host| {
            host.script.facts = Facts::default();
        });
        let again = rollout::ResumeOptions {
            only: vec![Outcome::Failed],
            ..rollout::ResumeOptions::default()
        };
        active = journal.resume_run(&id, again).unwrap();
    }
}

/// The command that writes WinHttpSettings shows the other store: kept, and judged as the preflight would.
#[tokio::test]
async fn the_other_store_of_winhttp_is_kept_as_the_write_showed_it() {
    let playbook =
        "version: 1\nname: p\nsteps: [ { name: w, winhttp_proxy: { server: '10.0.0.6:8080' } } ]\n";
    let held = r#"{"Proxy":"10.0.0.9:8080"}"#;
    for (settings, held, expected) in [
        (ON, held, Some((Check::AdvProxyDiffers, false))),
        (
            ON,
            r#"{"Proxy":"10.0.0.6:8080"}"#,
            Some((Check::AdvProxySeen, false)),
        ),
        (ON, "{}", None),
        (
            "preflight: { allow: [advproxy_differs] }\n",
            held,
            Some((Check::AdvProxyDiffers, true)),
        ),
        ("preflight: { leave_out: [advproxy_differs] }\n", "{}", None),
        ("preflight: off\n", held, None),
    ] {
        let fleet = Scripted::of(vec![Script {
            advproxy: Some(held.to_owned()),
            ..Script::default()
        }]);
        let spec = push_of(1, &format!("{playbook}{settings}"));
        let (record, events) = carry_told(&fleet, spec).await;
        let host = &record.hosts[0];
        assert_eq!(host.outcome, Outcome::Ok, "{host:?}");
        let found = host.preflight.first();
        let found = found.map(|finding| (finding.check, finding.allowed));
        assert_eq!(found, expected, "{settings} {held}");
        let seen = events.iter().filter_map(|event| match &event.kind {
            EventKind::AdvproxySeen { document, .. } => Some(document.as_str()),
            _ => None,
        });
        assert_eq!(seen.collect::<Vec<_>>(), [held], "in every case");
    }
}

#[tokio::test]
async fn what_is_allowed_is_shown_and_stands_in_no_way() {
    let fleet = Scripted::of(vec![ipv6_only()]);
    let record = carry(&fleet, push(1, "preflight: { allow: [no_ipv4] }\n")).await;
    let host = &record.hosts[0];
    assert_eq!((host.outcome, host.changed), (Outcome::Ok, true));
    assert!(host.preflight[0].allowed);
}

#[tokio::test]
async fn a_step_without_business_is_left_out_with_its_reason() {
    let fleet = Scripted::of(vec![without_sensor()]);
    let record = carry(&fleet, push(1, ON)).await;
    let host = &record.hosts[0];
    assert_eq!(host.outcome, Outcome::Ok, "{:?}", host.detail);
    let states: Vec<StepState> = host.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Skipped, StepState::Changed]);
    let why = host.steps[0].detail.as_deref().unwrap();
    assert!(why.starts_with("preflight sensor_missing:"), "{why}");
}

#[tokio::test]
async fn a_plan_keeps_what_was_found_and_a_push_under_it_agrees() {
    let fleet = Scripted::of(vec![ipv6_only(), without_sensor(), Script::default()]);
    let spec = push(3, ON);
    let document = document::Document::from_bytes("p.yaml", spec.playbook.text.as_bytes()).unwrap();
    let question = WouldWrite::new(Playbook::load(&document).unwrap(), &spec);
    let shared = (Arc::new(fleet.clone()), Arc::new(spec.clone()));
    let readings = survey(shared.0, shared.1, question, 10, |_, _| {}).await;
    let (text, _) = render_plan(&spec, &readings, jiff::Timestamp::UNIX_EPOCH).unwrap();
    let plan = read_plan(text.as_bytes()).unwrap();
    let found = |host: usize| -> Vec<Check> {
        let steps = plan.found[host].as_ref().unwrap();
        let found = steps.iter().flat_map(|step| &step.preflight);
        found.map(|finding| finding.check).collect()
    };
    assert_eq!(found(0), [Check::NoIpv4]);
    assert_eq!(found(1), [Check::SensorMissing]);
    assert!(found(2).is_empty());
    assert!(matches!(
        plan.spec.hosts[0].planned,
        Some(Planned::Read { .. })
    ));
    let record = carry(&fleet, plan.spec).await;
    let reasons: Vec<Option<Reason>> = record.hosts.iter().map(|host| host.reason).collect();
    assert_eq!(reasons, [Some(Reason::PreflightBlocked), None, None]);
}

#[tokio::test]
async fn one_cause_at_two_steps_is_said_once() {
    let mut script = ipv6_only();
    let gate = Fact::SensorPrefersStaticProxy;
    script.facts.set(gate, FactValue::Bool(true));
    let fleet = Scripted::of(vec![script]);
    let text = "version: 1\nname: two\nsteps:\n  - edr_proxy: { server: 'p:1' }\n  - edr_prefer_static_proxy: { value: 1 }\n";
    let record = carry(&fleet, push_of(1, text)).await;
    let host = &record.hosts[0];
    assert_eq!(host.reason, Some(Reason::PreflightBlocked));
    let blocking = host.preflight.iter().filter(|finding| finding.blocks());
    assert_eq!(blocking.count(), 2);
    let detail = host.detail.as_deref().unwrap();
    assert_eq!(detail.matches("no_ipv4").count(), 1, "{detail}");
}

#[tokio::test]
async fn an_audit_misses_nothing_that_a_push_would_leave_out() {
    let fleet = Scripted::of(vec![without_sensor(), ipv6_only()]);
    let spec = push(2, ON);
    let document = document::Document::from_bytes("p.yaml", spec.playbook.text.as_bytes()).unwrap();
    let question = WouldWrite::new(Playbook::load(&document).unwrap(), &spec).to_compare();
    let shared = (Arc::new(fleet.clone()), Arc::new(spec.clone()));
    let readings = survey(shared.0, shared.1, question, 10, |_, _| {}).await;
    let open = |host: usize| -> Vec<bool> {
        let Reading::Read { answer, .. } = &readings[host] else {
            panic!("{readings:?}");
        };
        assert!(answer.iter().all(|step| step.preflight.is_empty()));
        let needed = |step: &PlannedStep| step.changes.iter().any(PlannedChange::needed);
        answer.iter().map(needed).collect()
    };
    assert_eq!(open(0), [false, true], "the sensor's step is left out");
    // What only blocks a change is no reason to call its value right.
    assert_eq!(open(1), [true, true]);
}

#[tokio::test]
async fn a_proxy_in_other_letters_is_right_and_is_not_written() {
    let (target, value) = old_proxy();
    let fleet = Scripted::of(vec![
        Script::default().value((target.clone(), value.clone())),
    ]);
    let text = "version: 1\nname: case\npreflight: off\nsteps:\n  - edr_proxy: { server: 'OLD.corp.Example:1' }\n";
    let record = carry(&fleet, push_of(1, text)).await;
    let host = &record.hosts[0];
    assert_eq!(host.outcome, Outcome::Ok, "{:?}", host.detail);
    let there = fleet.registries()[0].observe(&target);
    assert_eq!(there, playbooks::Observed::Present(value));
}
