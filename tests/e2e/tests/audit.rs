//! `audit`: who drifted, from what to what; against a playbook, and against what a run left. Nothing is written.

use e2e::{Finished, Lab, LabBuilder};
use sim_fleet::{OtherMachine, RawValue};

const DATA_COLLECTION: &str = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";
const PROXY: &str = "TelemetryProxyServer";

/// Hosts after a push, with nothing drifted yet.
fn pushed(hosts: usize) -> (Lab, String) {
    let lab = LabBuilder::hosts(hosts)
        .own_listeners()
        .defaults("transport: http, auth: negotiate, credential: rollout, connect_timeout: 2s, request_timeout: 3s, host_timeout: 20s")
        .start();
    let playbook = lab.unlimited("full-proxy-set.yaml");
    lab.push(&playbook, &[]).succeeds();
    (lab, playbook)
}

fn against_playbook(lab: &Lab, playbook: &str, more: &[&str]) -> Finished {
    let inventory = lab.path("inventory.yaml").display().to_string();
    let words = [
        "audit",
        "-i",
        &inventory,
        "-p",
        playbook,
        "-e",
        "proxy=10.0.0.6:8080",
    ];
    lab.run(&[&words[..], more].concat())
}

fn against_run(lab: &Lab, more: &[&str]) -> Finished {
    lab.run(&[&["audit", "--against", "last"][..], more].concat())
}

fn writes(lab: &Lab) -> u64 {
    lab.hosts().iter().map(|host| host.counters().writes).sum()
}

fn drift(lab: &Lab, host: usize, text: &str) {
    lab.hosts()[host].set_value(DATA_COLLECTION, PROXY, RawValue::text(1, text));
}

#[test]
fn drift_is_shown_in_groups_and_exits_with_2() {
    let (lab, playbook) = pushed(5);
    let before = writes(&lab);
    against_playbook(&lab, &playbook, &[])
        .succeeds()
        .says("no drift; 5 right");
    against_run(&lab, &[]).succeeds().says("no drift; 5 right");
    drift(&lab, 0, "theirs.corp.example:1");
    drift(&lab, 1, "theirs.corp.example:1");
    lab.hosts()[2].delete_value(DATA_COLLECTION, PROXY);
    let words = "drifted: from REG_SZ '10.0.0.6:8080' to REG_SZ 'theirs.corp.example:1'";
    for audit in [
        against_playbook(&lab, &playbook, &[]),
        against_run(&lab, &[]),
    ] {
        let text = audit.exits(2).says(words).stdout();
        assert!(
            text.contains("3 hosts drifted in 2 groups; 2 right"),
            "{text}"
        );
        assert!(
            text.contains("drifted: from REG_SZ '10.0.0.6:8080' to absent"),
            "{text}"
        );
        assert!(
            text.contains("2 hosts: pc-0001.corp.example, pc-0002.corp.example"),
            "{text}"
        );
    }
    let json = against_run(&lab, &["-o", "json"]).exits(2).json();
    assert_eq!(json["schema"], "winfleet.audit/1");
    assert_eq!(json["totals"]["drifted"], 3);
    assert_eq!(
        json["groups"][0]["changes"][0]["found"]["text"],
        "theirs.corp.example:1"
    );
    assert_eq!(json["groups"][0]["changes"][0]["expected"]["type"], 1);
    let lines = against_playbook(&lab, &playbook, &["-o", "jsonl"])
        .exits(2)
        .stdout();
    assert_eq!(lines.matches("\"state\":\"drifted\"").count(), 3, "{lines}");
    against_run(&lab, &["-o", "csv"]).exits(2).says("drifted");
    against_run(&lab, &["-l", "pc-0004*"])
        .succeeds()
        .says("audit of 1 host");
    against_run(&lab, &["-l", "nobody*"]).exits(10);
    assert_eq!(writes(&lab), before, "an audit writes nothing");
    let runs = lab.run(&["runs", "-o", "json"]).succeeds().json();
    assert_eq!(
        runs["runs"].as_array().map(Vec::len),
        Some(1),
        "and leaves no run"
    );
}

#[test]
fn hosts_that_cannot_be_read_come_before_drift() {
    let (lab, playbook) = pushed(8);
    drift(&lab, 0, "theirs.corp.example:1");
    lab.hosts()[1].change_knobs(|knobs| knobs.refuse = true);
    for audit in [
        against_playbook(&lab, &playbook, &[]),
        against_run(&lab, &[]),
    ] {
        audit
            .exits(4)
            .says("1 host drifted in 1 group")
            .says("connect_refused");
    }
    lab.hosts()[2].change_knobs(|knobs| knobs.access_denied = true);
    for audit in [
        against_playbook(&lab, &playbook, &[]),
        against_run(&lab, &[]),
    ] {
        audit.exits(3).says("access_denied");
    }
    let wrong = lab
        .program(&["audit", "--against", "last"])
        .env("LAB_PASSWORD", "wrong");
    wrong.run().exits(9);
}

#[test]
fn another_machine_under_the_name_is_not_compared() {
    let (lab, _) = pushed(1);
    let name = lab.hosts()[0].computer_name();
    lab.hosts()[0].change_knobs(|knobs| {
        knobs.other_machine = Some(OtherMachine {
            computer_name: name,
            machine_guid: Some("11111111-2222-3333-4444-555555555555".into()),
        });
    });
    against_run(&lab, &[]).exits(3).says("wrong_host");
}

#[test]
fn what_a_rollback_left_is_compared_too() {
    let (lab, _) = pushed(2);
    lab.run(&["rollback", "last", "--yes"]).succeeds();
    against_run(&lab, &[]).succeeds().says("no drift; 2 right");
    drift(&lab, 1, "theirs.corp.example:1");
    against_run(&lab, &[])
        .exits(2)
        .says("drifted: from absent to REG_SZ 'theirs.corp.example:1'");
}

#[test]
fn an_audit_needs_one_thing_to_compare_with() {
    let (lab, playbook) = pushed(1);
    let inventory = lab.path("inventory.yaml").display().to_string();
    lab.run(&["audit"]).exits(1);
    lab.run(&["audit", "-i", &inventory])
        .exits(1)
        .says("--against RUN");
    against_run(&lab, &["-p", &playbook])
        .exits(1)
        .says("audit --against takes no -p: ");
    lab.run(&["audit", "--against", "nosuchrun"]).exits(1);
}
