//! What passes between the program and its hosts: shown with `-vvv`, kept with `--trace`, read again with `--replay`;
//! never with anything secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::{Lab, LabBuilder, PASSWORD, canned, knobs};
use sim_fleet::dialect::ClassIn;
use sim_fleet::{Dialect, RawValue};

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
    // It stands beside what is read of the sensor, too.
    let text: Vec<u8> = format!("{ORG}\0")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for name in ["OrgId", "SenseId"] {
        let bytes = text.clone();
        lab.hosts()[0].set_value(&format!(r"{key}\Status"), name, RawValue { kind: 1, bytes });
    }
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

/// A proxy with a password in it, in a text and in the bytes of WinHTTP, read by WMI and by `reg query`.
#[test]
fn a_password_of_a_proxy_is_shown_by_no_channel() {
    const SECRET: &str = "hunter3/x;yz";
    let proxy = format!("http://puser:{SECRET}@old:3128");
    let internet = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
    for channel in ["cim", "shell"] {
        let lab = LabBuilder::hosts(1)
            .defaults(&format!(
                "transport: http, auth: ntlm, credential: rollout, channel: {channel}"
            ))
            .start();
        let host = &lab.hosts()[0];
        let wide = proxy.encode_utf16().chain([0]).flat_map(u16::to_le_bytes);
        let bytes = wide.collect();
        host.set_value(internet, "ProxyServer", RawValue { kind: 1, bytes });
        let mut bytes = vec![0x18, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 31, 0, 0, 0];
        bytes.extend(proxy.bytes().chain([0; 4]));
        let connections = format!(r"{internet}\Connections");
        host.set_value(&connections, "WinHttpSettings", RawValue { kind: 3, bytes });
        let steps = format!(
            "version: 1\nname: p\nsteps:\n  - registry:\n      key: 'HKLM\\{internet}'\n      value: ProxyServer\n      ensure: absent\n  \
             - winhttp_proxy: {{ server: '10.0.0.6:8080' }}\n"
        );
        lab.write("p.yaml", &steps);
        let plan = [
            "plan",
            "-i",
            "inventory.yaml",
            "-p",
            "p.yaml",
            "-vvv",
            "--trace",
            "t.jsonl",
        ];
        let ran = lab.run(&plan);
        assert!(lab.path("t.jsonl").exists(), "{}", ran.screen());
        let kept = std::fs::read_to_string(lab.path("t.jsonl")).expect("a trace");
        let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
        let hidden = |what: &str, text: &str| {
            let lower = text.to_ascii_lowercase();
            assert!(
                !text.contains(SECRET) && !lower.contains(&hex),
                "{channel}: {what}\n{text}"
            );
        };
        hidden("-vvv", &ran.stderr());
        hidden("--trace", &kept);
        let mut seen = false;
        for line in kept.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let envelope = line["envelope"].as_str().unwrap_or_default();
            for stream in envelope.split("</rsp:Stream>") {
                let base64 = stream.rsplit('>').next().unwrap_or_default();
                let output = STANDARD.decode(base64).unwrap_or_default();
                hidden("an output", &String::from_utf8_lossy(&output));
                seen |= String::from_utf8_lossy(&output).contains("@old:3128");
            }
            let bytes: Vec<u8> = envelope
                .split("uValue>")
                .filter_map(|text| text.split('<').next()?.parse().ok())
                .collect();
            hidden("bytes", &String::from_utf8_lossy(&bytes));
            seen |= String::from_utf8_lossy(&bytes).contains("@old:3128");
        }
        assert!(seen, "{channel}: the rest is shown\n{kept}");
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

/// What a host can do without is no failure, now or then.
#[test]
fn a_host_that_can_be_worked_in_part_is_replayed_as_one() {
    let without_shells = |fleet: &mut sim_fleet::FleetSpec| {
        fleet.hosts[0].options = Some(sim_fleet::HostOptions {
            remote_shells: false,
            ..sim_fleet::HostOptions::default()
        });
    };
    let broken = |fault: &str| {
        let lab = LabBuilder::hosts(1).own_listeners().start();
        let set = knobs(&format!("{{ wmi_broken: {{ fault: {fault} }} }}"));
        lab.hosts()[0].set_knobs(set);
        lab
    };
    for (lab, judged_alone) in [
        (broken("class_not_found"), true),
        (broken("rpc"), true),
        // Whether a refused shell leaves enough is a matter of what was asked for.
        (LabBuilder::hosts(1).fleet(without_shells).start(), false),
    ] {
        let live = [&PING[..], &["-o", "json", "--trace", "t.jsonl"]].concat();
        let live = lab.run(&live).succeeds().json()["hosts"][0].clone();
        assert_eq!(live["checks"]["rights"], "partly", "{live:#}");
        let kept = std::fs::read_to_string(lab.path("t.jsonl")).expect("a trace");
        let alone = kept.lines().filter(|line| !line.contains("\"verdict\""));
        lab.write("alone.jsonl", &alone.collect::<Vec<_>>().join("\n"));
        for name in ["t.jsonl", "alone.jsonl"] {
            if name == "alone.jsonl" && !judged_alone {
                continue;
            }
            let replayed = lab.run(&["ping", "--replay", name, "-o", "json"]);
            let replayed = replayed.succeeds().json()["hosts"][0].clone();
            for field in ["ok", "checks", "auth", "partly"] {
                assert_eq!(replayed[field], live[field], "{name}: {replayed:#}");
            }
        }
    }
}

/// Its registry answers in the second namespace only: the fault of the first one is no broken WMI.
#[test]
fn a_host_with_its_registry_elsewhere_is_replayed_as_whole() {
    let elsewhere = |fleet: &mut sim_fleet::FleetSpec| {
        let mut dialect = Dialect::default();
        dialect.registry.class_in = ClassIn::DefaultOnly;
        fleet.hosts[0].dialect = Some(dialect);
    };
    let lab = LabBuilder::hosts(1).fleet(elsewhere).start();
    lab.run(&[&PING[..], &["--trace", "t.jsonl"]].concat())
        .succeeds();
    let replayed = lab.run(&["ping", "--replay", "t.jsonl", "-o", "json"]);
    let replayed = replayed.succeeds().json()["hosts"][0].clone();
    assert_eq!(replayed["messages"][0]["operation"], "GetStringValue");
    let first = replayed["messages"][0]["text"].as_str().unwrap_or_default();
    assert!(first.starts_with("fault"), "{replayed:#}");
    assert_eq!(replayed["checks"]["rights"], "ok", "{replayed:#}");
}

/// A shell that fails after the registry was read says nothing against the logon, offline neither.
#[test]
fn a_shell_that_fails_is_replayed_as_the_last_check() {
    for (faults, settings) in [
        ("{ drop: { at: create 1 } }", ""),
        ("{ hang: { at: receive 1 } }", ", host_timeout: 1s"),
    ] {
        let defaults = format!("transport: http, auth: ntlm, credential: rollout{settings}");
        let lab = LabBuilder::hosts(1)
            .own_listeners()
            .defaults(&defaults)
            .start();
        lab.hosts()[0].set_knobs(knobs(faults));
        let live = [&PING[..], &["-o", "json", "--trace", "t.jsonl"]].concat();
        let live = lab.run(&live).exits(4).json()["hosts"][0].clone();
        assert_eq!(live["checks"]["rights"], "failed", "{live:#}");
        let kept = std::fs::read_to_string(lab.path("t.jsonl")).expect("a trace");
        let alone = kept.lines().filter(|line| !line.contains("\"verdict\""));
        lab.write("alone.jsonl", &alone.collect::<Vec<_>>().join("\n"));
        // What was given up for its time has no answer: that it was is known from the verdict alone.
        let alone = settings.is_empty().then_some("alone.jsonl");
        for name in ["t.jsonl"].into_iter().chain(alone) {
            let replayed = lab.run(&["ping", "--replay", name, "-o", "json"]);
            let replayed = replayed.exits(4).json()["hosts"][0].clone();
            for field in ["checks", "reason", "detail", "remedy"] {
                assert_eq!(
                    replayed[field], live[field],
                    "{name}, {field}: {replayed:#}"
                );
            }
        }
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
    lab.write("newer.jsonl", "{\"at_ms\":0,\"event\":\"trace\",\"schema\":3,\"program\":\"winfleet 9\",\"started\":\"y\"}\n");
    lab.run(&["ping", "--replay", "newer.jsonl"])
        .exits(1)
        .says("a newer winfleet");
    lab.run(&["ping", "--replay", "t.jsonl", "-i", "inventory.yaml"])
        .exits(1);
}

/// What mail programs and editors add on its way to support.
#[test]
fn a_trace_that_was_sent_about_is_read() {
    let lab = LabBuilder::hosts(1).start();
    lab.run(&[&PING[..], &["--trace", "t.jsonl"]].concat())
        .succeeds();
    let kept = std::fs::read_to_string(lab.path("t.jsonl")).expect("a trace");
    let sent = format!("\u{feff}{}\r\n \r\n", kept.replace('\n', "\r\n\r\n"));
    lab.write("sent.jsonl", &sent);
    let json = ["ping", "--replay", "sent.jsonl", "-o", "json"];
    let host = lab.run(&json).succeeds().json()["hosts"][0].clone();
    assert_eq!(host["ok"], true, "{host:#}");
    // The same of one whose last line had broken off before.
    let cut = kept.trim_end();
    lab.write("cut.jsonl", &format!("{}\r\n\r\n", &cut[..cut.len() - 5]));
    lab.run(&["ping", "--replay", "cut.jsonl"]).says("cut off");
    lab.write(
        "torn.jsonl",
        &format!("{}\r\n\r\n{{}}\r\n", &cut[..cut.len() - 5]),
    );
    lab.run(&["ping", "--replay", "torn.jsonl"]).exits(1);
}

/// Wherever a trace ends, the replay says no more than what is in it.
#[test]
fn a_trace_that_ends_early_gives_no_verdict() {
    // Which answer is the last word is counted, so that the host speaks as hosts mostly do.
    let lab = LabBuilder::hosts(1)
        .fleet(|fleet| fleet.hosts[0].dialect = Some(Dialect::default()))
        .start();
    lab.run(&[&PING[..], &["--trace", "t.jsonl"]].concat())
        .succeeds();
    let kept = std::fs::read_to_string(lab.path("t.jsonl")).expect("a trace");
    let lines: Vec<&str> = kept.lines().collect();
    let event = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line["event"].as_str().unwrap_or_default().to_owned()
    };
    let reply = lines.iter().position(|line| event(line) == "reply");
    let reply = reply.expect("an answer");
    let replayed = |text: &str, code: i32| {
        lab.write("cut.jsonl", text);
        let json = ["ping", "--replay", "cut.jsonl", "-o", "json"];
        let ran = lab.run(&json).exits(code);
        let host = ran.json()["hosts"][0].clone();
        (host, ran.stderr())
    };
    for end in 2..=reply {
        let text = lines[..end].join("\n") + "\n";
        let (host, _) = replayed(&text, 1);
        let detail = host["detail"].as_str().unwrap_or_default();
        assert!(
            detail.starts_with("the trace ends here, before"),
            "{end}: {host:#}"
        );
        assert_eq!((&host["ok"], &host["reason"]), (&false.into(), &().into()));
        assert_eq!(host["checks"]["rights"], "not_reached", "{end}: {host:#}");
        if event(lines[end - 1]) == "request" {
            assert!(
                detail.contains("before the answer to GetStringValue"),
                "{detail}"
            );
            assert_eq!(host["checks"]["name"], "ok", "{host:#}");
        }
    }
    let table = lab
        .run(&["ping", "--replay", "cut.jsonl"])
        .exits(1)
        .stdout();
    assert!(table.contains("unknown: the trace ends here"), "{table}");
    assert!(table.contains("0 of 1 answered"), "{table}");

    // A shell is opened for a command: before that has ended, nobody knows whether one can run.
    let ends = |line: &&str| event(line) == "reply" && line.contains("CommandState/Done");
    let done = lines.iter().position(ends);
    let done = done.expect("the end of a command");
    let created = |line: &str| event(line) == "reply" && line.contains("\"operation\":\"Create\"");
    let created = lines.iter().position(|line| created(line));
    for end in created.expect("a shell") + 1..=done {
        let (host, _) = replayed(&(lines[..end].join("\n") + "\n"), 1);
        assert_eq!(host["ok"], false, "{end}: {host:#}");
        assert_eq!(host["checks"]["rights"], "not_reached", "{end}: {host:#}");
    }
    let (host, _) = replayed(&(lines[..=done].join("\n") + "\n"), 0);
    assert_eq!(host["checks"]["rights"], "ok", "{host:#}");

    // With the answer it is known, whoever cut the rest off.
    let whole = lines[..=reply].join("\n");
    assert_eq!(replayed(&whole, 0).0["ok"], true);
    let half = &lines[reply][..lines[reply].len() / 2];
    let (host, said) = replayed(&[&lines[..reply].join("\n"), "\n", half].concat(), 1);
    assert!(
        said.contains(&format!("line {} is cut off", reply + 1)),
        "{said}"
    );
    assert!(
        host["detail"]
            .as_str()
            .unwrap_or_default()
            .starts_with("the trace is cut off here"),
        "{host:#}"
    );
    let (_, said) = replayed(&[&whole, "\n", half].concat(), 0);
    assert!(
        said.contains(&format!("line {} is cut off", reply + 2)),
        "{said}"
    );
    let (host, said) = replayed(
        &[
            &lines[..reply].join("\n"),
            "\n{\"at_ms\":9,\"event\":\"full\"}\n",
        ]
        .concat(),
        1,
    );
    assert!(said.contains("come to its bound of 64 MiB"), "{said}");
    assert!(
        host["detail"]
            .as_str()
            .unwrap_or_default()
            .contains("bound"),
        "{host:#}"
    );
    // In the middle of a file half a line is no accident.
    lab.write(
        "cut.jsonl",
        &[lines[0], "\n", half, "\n", lines[1], "\n"].concat(),
    );
    lab.run(&["ping", "--replay", "cut.jsonl"])
        .exits(1)
        .says("cut.jsonl:2:");
}

/// Only a ping writes what it says in the end: of a run the failures themselves have to be enough.
#[test]
fn a_trace_of_a_run_is_judged_as_the_run_did() {
    let cases = [
        ("kerberos", PASSWORD, "kerberos"),
        ("ntlm", "wrong", "logon_refused"),
    ];
    for (auth, password, reason) in cases {
        let lab = LabBuilder::hosts(1)
            .defaults(&format!(
                "transport: http, auth: {auth}, credential: rollout"
            ))
            .start();
        let run = |arguments: &[&str]| lab.program(arguments).env("LAB_PASSWORD", password).run();
        let playbook = lab.unlimited("edr-only.yaml");
        let push = [
            "push",
            "-i",
            "inventory.yaml",
            "-p",
            &playbook,
            "-e",
            "proxy=10.0.0.6:8080",
        ];
        let ran = run(&[&push[..], &["--yes", "--reason", "t", "--trace", "t.jsonl"]].concat());
        assert!(ran.screen().contains(reason), "{}", ran.screen());
        let live = run(&[&PING[..], &["-o", "json"]].concat()).json()["hosts"][0].clone();
        let replayed = lab.run(&["ping", "--replay", "t.jsonl", "-o", "json"]);
        let replayed = replayed.json()["hosts"][0].clone();
        assert_eq!(replayed["reason"], reason, "{replayed:#}");
        for field in ["reason", "remedy", "checks"] {
            assert_eq!(replayed[field], live[field], "{field}: {replayed:#}");
        }
    }
}
