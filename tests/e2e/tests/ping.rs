//! `ping` and `credential test --on`: how far a connection comes, and what to do where it comes no further.

use std::time::Duration;

use e2e::{Finished, Lab, LabBuilder};
use serde_json::Value;
use sim_fleet::{Hang, Knobs, OtherMachine, Point, PointKind, Span};

const PING: [&str; 3] = ["ping", "-i", "inventory.yaml"];

/// The checks of the ping of one host, in one word each, and its remedy.
fn ping(lab: &Lab, code: i32) -> (String, Value) {
    let finished = lab.run(&[&PING[..], &["-o", "json"]].concat()).exits(code);
    let host = finished.json()["hosts"][0].clone();
    let checks = host["checks"].as_object().expect("checks");
    let words: Vec<String> = checks
        .iter()
        .filter(|(_, state)| *state != "ok")
        .map(|(name, state)| format!("{name}={}", state.as_str().unwrap_or("?")))
        .collect();
    (words.join(" "), host)
}

fn lab(change: impl FnOnce(&mut Knobs)) -> Lab {
    let lab = LabBuilder::hosts(1).own_listeners().start();
    lab.hosts()[0].change_knobs(change);
    lab
}

#[track_caller]
fn expect(change: impl FnOnce(&mut Knobs), code: i32, checks: &str, remedy: &str) {
    let (found, host) = ping(&lab(change), code);
    assert_eq!(found, checks, "{host:#}");
    let text = host["remedy"].as_str().unwrap_or_default();
    assert!(text.contains(remedy), "no '{remedy}' in {host:#}");
}

#[test]
fn each_failure_is_named_with_its_remedy() {
    // The laboratory's addresses are numbers, and there is no TLS: neither is asked for.
    expect(|_| {}, 0, "dns=not_used tls=not_used", "");
    expect(
        |knobs| knobs.refuse = true,
        4,
        "dns=not_used port=failed tls=not_used service=not_reached name=not_reached logon=not_reached sealing=not_reached rights=not_reached",
        "winrm quickconfig",
    );
    let other = OtherMachine {
        computer_name: "PC-0666".into(),
        machine_guid: None,
    };
    expect(
        |knobs| knobs.other_machine = Some(other),
        3,
        "dns=not_used tls=not_used name=failed logon=not_reached sealing=not_reached rights=not_reached",
        "DNS",
    );
    expect(
        |knobs| knobs.access_denied = true,
        3,
        "dns=not_used tls=not_used rights=failed",
        "administrator",
    );
}

#[test]
fn a_name_that_does_not_resolve_and_a_certificate_nobody_knows() {
    let lab = LabBuilder::hosts(1).start();
    let text = std::fs::read_to_string(lab.path("inventory.yaml")).expect("an inventory");
    let text = text.replace("address: 127.0.0.1", "address: nobody.invalid");
    lab.write("inventory.yaml", &text);
    let (checks, host) = ping(&lab, 4);
    assert!(
        checks.starts_with("dns=failed port=not_reached"),
        "{host:#}"
    );

    let lab = LabBuilder::hosts(1)
        .defaults("transport: https, auth: ntlm, credential: rollout")
        .start();
    let (checks, host) = ping(&lab, 3);
    assert!(checks.contains("tls=failed"), "{host:#}");
    assert!(checks.contains("logon=not_reached"), "{host:#}");
    assert!(
        host["remedy"]
            .as_str()
            .unwrap_or_default()
            .contains("ca_file"),
        "{host:#}"
    );
}

#[test]
fn every_form_of_output_says_the_same() {
    let lab = LabBuilder::hosts(2).own_listeners().start();
    lab.hosts()[1].change_knobs(|knobs| knobs.refuse = true);
    let table = lab.run(&PING).exits(4);
    for text in ["FAILED", "ntlm (sealed", "remedy: ", "1 of 2 answered"] {
        assert!(table.stdout().contains(text), "{}", table.screen());
    }
    let lines = lab.run(&[&PING[..], &["-o", "jsonl"]].concat()).exits(4);
    assert_eq!(lines.stdout().lines().count(), 2);
    let csv = lab.run(&[&PING[..], &["-o", "csv"]].concat()).exits(4);
    for text in [
        "pc-0001.corp.example,ok,",
        "connect_refused",
        "winrm quickconfig",
    ] {
        assert!(csv.stdout().contains(text), "{}", csv.screen());
    }
    assert!(lab.hosts().iter().all(|host| host.counters().writes == 0));
}

/// Neither a host that takes ever longer nor a command that does not end holds the others' answers up.
#[test]
fn a_host_that_takes_longer_than_it_may_is_given_up() {
    let hung = Knobs {
        hang: Some(Hang::At(Point {
            kind: PointKind::Receive,
            number: 1,
        })),
        ..Knobs::default()
    };
    let slow = Knobs {
        latency: Some(Span(Duration::from_millis(700))),
        ..Knobs::default()
    };
    for (knobs, failed, word) in [
        (hung, "rights", "rights=failed"),
        (
            slow,
            "service",
            "service=failed name=not_reached logon=not_reached sealing=not_reached rights=not_reached",
        ),
    ] {
        let lab = LabBuilder::hosts(2)
            .own_listeners()
            .settings(|number, _| match number {
                0 => "host_timeout: 1s".to_owned(),
                _ => String::new(),
            })
            .start();
        lab.hosts()[0].set_knobs(knobs);
        let (found, host) = ping(&lab, 4);
        assert_eq!(
            found,
            format!("dns=not_used tls=not_used {word}"),
            "{host:#}"
        );
        assert_eq!(host["reason"], "timeout", "{failed}: {host:#}");
        for (field, text) in [("detail", "host_timeout (1s)"), ("remedy", "host_timeout")] {
            let said = host[field].as_str().unwrap_or_default();
            assert!(said.contains(text), "no '{text}' in {host:#}");
        }
    }
}

/// The registry was read: that the shell fails says nothing against the logon.
#[test]
fn a_connection_that_breaks_in_the_shell_is_no_logon_that_was_not_reached() {
    let (found, host) = ping(
        &lab(|knobs| {
            *knobs = e2e::knobs("{ drop: { at: create 1 } }");
        }),
        4,
    );
    assert_eq!(found, "dns=not_used tls=not_used rights=failed", "{host:#}");
    assert_eq!(host["reason"], "connection_lost", "{host:#}");
}

fn credential_test(lab: &Lab, password: &str, host: &str) -> Finished {
    let arguments = [
        "credential",
        "test",
        "rollout",
        "-i",
        "inventory.yaml",
        "--on",
        host,
    ];
    lab.program(&arguments).env("LAB_PASSWORD", password).run()
}

#[test]
fn a_credential_is_tested_by_one_logon_on_one_host() {
    let lab = LabBuilder::hosts(3).start();
    let name = "PC-0002.corp.example";
    credential_test(&lab, e2e::PASSWORD, name)
        .succeeds()
        .says("ntlm (sealed");
    assert_eq!(lab.fleet.logon_attempts(e2e::USER), 1);
    credential_test(&lab, "wrong", name)
        .exits(3)
        .says("logon_refused")
        .says("remedy: check user name and password");
    assert_eq!(lab.fleet.logon_attempts(e2e::USER), 2);
    credential_test(&lab, e2e::PASSWORD, "pc-0022.corp.example")
        .exits(10)
        .says("did you mean 'pc-0002.corp.example'?");
    let hosts = lab.hosts();
    assert_eq!(hosts[0].counters().connections, 0);
    assert_eq!(hosts[1].counters().writes, 0);
    assert_eq!(hosts[2].counters().connections, 0);
}

#[test]
fn hosts_tells_where_each_setting_came_from_the_ring_too() {
    let lab = LabBuilder::hosts(1)
        .settings(|_, _| "ring: canary".to_owned())
        .start();
    let hosts = ["hosts", "-i", "inventory.yaml"];
    let table = lab.run(&hosts).succeeds();
    let line = |name: &str| {
        let text = table.stdout();
        let line = text.lines().find(|line| line.starts_with(name));
        line.expect("a line")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert!(
        line("ring ").starts_with("ring canary host ("),
        "{}",
        table.screen()
    );
    assert!(line("transport").starts_with("transport http defaults ("));
    assert_eq!(line("channel"), "channel auto built in");
    let csv = lab.run(&[&hosts[..], &["-o", "csv"]].concat()).succeeds();
    assert!(
        csv.stdout().contains(",ring,canary,host ("),
        "{}",
        csv.screen()
    );
}
