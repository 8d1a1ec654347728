//! What passes between the program and its hosts: shown with `-vvv`, kept with `--trace`, read again with `--replay`;
//! never with anything secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::{Lab, LabBuilder, PASSWORD, canned, knobs};
use sim_fleet::RawValue;

const PING: [&str; 3] = ["ping", "-i", "inventory.yaml"];
const ORG: &str = "7f3a-the-org-id";

/// What must stand in nothing: the password, tokens of NTLM, what the sensor keeps.
#[track_caller]
fn clean(what: &str, text: &str) {
    let tokens = ["TlRMTVNTUA", "YII", "Basic Q09SU"];
    let encoded = STANDARD.encode(PASSWORD);
    for secret in [PASSWORD, "Tr0ub4dor", &encoded, ORG]
        .into_iter()
        .chain(tokens)
    {
        assert!(!text.contains(secret), "{what} holds {secret}:\n{text}");
    }
}

fn onboard(lab: &Lab) {
    let text = format!(r#"{{"body":"{{\"orgId\":\"{ORG}\"}}"}}"#);
    let bytes = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes);
    let key = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection";
    let bytes = bytes.collect();
    lab.hosts()[0].set_value(key, "OnboardedInfo", RawValue { kind: 1, bytes });
}

#[test]
fn messages_are_shown_in_clear_and_without_secrets() {
    let lab = LabBuilder::hosts(1).start();
    let shown = lab
        .run(&[&PING[..], &["-vvv"]].concat())
        .succeeds()
        .stderr();
    for text in [
        "-> pc-0001.corp.example: GetStringValue",
        "<- pc-0001.corp.example: GetStringValue",
        "MachineGuid",
        "with Negotiate (token masked)",
        "this is pc-0001.corp.example, ntlm (sealed",
    ] {
        assert!(shown.contains(text), "no '{text}' in\n{shown}");
    }
    clean("ping -vvv", &shown);

    onboard(&lab);
    for channel in ["auto", "shell"] {
        let inventory = std::fs::read_to_string(lab.path("inventory.yaml")).expect("an inventory");
        let inventory = inventory.replace(
            "transport: http,",
            &format!("transport: http, channel: {channel},"),
        );
        lab.write("i.yaml", &inventory);
        let name = format!("{channel}.trace");
        let facts = lab.run(&["facts", "-i", "i.yaml", "sensor", "-vvv", "--trace", &name]);
        let kept = std::fs::read_to_string(lab.path(&name)).expect("a trace");
        assert!(
            kept.contains("OnboardedInfo"),
            "{channel}: it was read\n{kept}"
        );
        clean(&format!("facts -vvv by {channel}"), &facts.screen());
        clean(&format!("--trace by {channel}"), &kept);
        for line in kept.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert!(line["at_ms"].is_u64(), "{line}");
        }
    }
}

#[test]
fn a_trace_says_offline_what_the_ping_said() {
    let cases: [(&str, &str, i32); 7] = [
        ("", "{}", 0),
        ("", "{ access_denied: true }", 3),
        (
            ", channel: cim",
            "{ wmi_broken: { fault: class_not_found } }",
            3,
        ),
        ("", "{ status: { code: 503 } }", 4),
        ("", "{ other_machine: { computer_name: PC-0666 } }", 3),
        (
            ", verify_name: false",
            "{ other_machine: { computer_name: PC-0666 } }",
            0,
        ),
        (
            ", verify_name: false",
            "{ other_machine: { computer_name: PC-0666 }, access_denied: true }",
            3,
        ),
    ];
    for (settings, faults, code) in cases {
        let lab = LabBuilder::hosts(1)
            .own_listeners()
            .defaults(&format!(
                "transport: http, auth: ntlm, credential: rollout{settings}"
            ))
            .start();
        lab.hosts()[0].change_knobs(|present| *present = knobs(faults));
        let live = [&PING[..], &["-o", "json", "--trace", "t.jsonl"]].concat();
        let live = lab.run(&live).exits(code).json()["hosts"][0].clone();
        let requests = lab.hosts()[0].counters().requests;

        // What was said at the time is taken out: the replay has to judge for itself.
        let kept = std::fs::read_to_string(lab.path("t.jsonl")).expect("a trace");
        let alone: Vec<&str> = kept
            .lines()
            .filter(|line| !line.contains("\"verdict\""))
            .collect();
        assert!(alone.len() < kept.lines().count());
        lab.write("alone.jsonl", &alone.join("\n"));
        let replayed = lab.run(&["ping", "--replay", "alone.jsonl", "-o", "json"]);
        let replayed = replayed.exits(code).json()["hosts"][0].clone();
        for field in [
            "name",
            "ok",
            "checks",
            "reason",
            "detail",
            "remedy",
            "auth",
            "computer_name",
        ] {
            assert_eq!(
                replayed[field], live[field],
                "{field} with {faults}: {replayed:#}"
            );
        }
        assert_eq!(
            lab.hosts()[0].counters().requests,
            requests,
            "nobody was contacted"
        );
        let table = lab
            .run(&["ping", "--replay", "t.jsonl"])
            .exits(code)
            .stdout();
        assert!(table.contains("pc-0001.corp.example"), "{table}");
    }
}

#[test]
fn what_did_not_come_to_a_host_is_replayed_as_well() {
    let lab = LabBuilder::hosts(1).start();
    let gateway = canned(
        "HTTP/1.1 407 Proxy Authentication Required\r\nVia: 1.1 squid\r\nContent-Length: 0\r\n\r\n",
    );
    let text = std::fs::read_to_string(lab.path("inventory.yaml")).expect("an inventory");
    let port = lab.fleet.http_addr().port();
    let text = text.replace(
        &format!("port: {port}"),
        &format!("port: {}", gateway.port()),
    );
    lab.write("inventory.yaml", &text);
    lab.run(&[&PING[..], &["--trace", "t.jsonl"]].concat())
        .exits(3);
    let replayed = lab.run(&["ping", "--replay", "t.jsonl"]).exits(3).stdout();
    assert!(replayed.contains("proxy on the way"), "{replayed}");
}

#[test]
fn a_trace_is_new_private_and_refused_where_it_is_none() {
    let lab = LabBuilder::hosts(1).start();
    let traced = [&PING[..], &["--trace", "t.jsonl"]].concat();
    lab.run(&traced).succeeds();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(lab.path("t.jsonl"))
            .expect("a trace")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let requests = lab.hosts()[0].counters().requests;
    lab.run(&traced).exits(1).says("not overwritten");
    assert_eq!(lab.hosts()[0].counters().requests, requests);
    lab.write(
        "bad.jsonl",
        "{\"at_ms\":0,\"event\":\"trace\",\"schema\":1,\"program\":\"x\",\"started\":\"y\"}\n{}\n",
    );
    lab.run(&["ping", "--replay", "bad.jsonl"])
        .exits(1)
        .says("bad.jsonl:2:");
    lab.write("newer.jsonl", "{\"at_ms\":0,\"event\":\"trace\",\"schema\":2,\"program\":\"winfleet 9\",\"started\":\"y\"}\n");
    lab.run(&["ping", "--replay", "newer.jsonl"])
        .exits(1)
        .says("a newer winfleet");
    lab.run(&["ping", "--replay", "t.jsonl", "-i", "inventory.yaml"])
        .exits(1);
}
