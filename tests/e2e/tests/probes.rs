//! Probes from outside: the real binary, simulated hosts, journal and reports.

use e2e::{Finished, Lab, LabBuilder};
use sim_fleet::{HostHandle, ProxyMode, RawValue, RegistrySnapshot, SimProxy};

const PLAYBOOK: &str =
    "version: 1\nname: probed\nsteps:\n  - winhttp_proxy: { server: 'p.example:8080' }\nprobes:\n";

fn with(probes: &str) -> String {
    format!("{PLAYBOOK}{probes}")
}

fn push(lab: &Lab, playbook: &str) -> Finished {
    let words = [
        "push",
        "-i",
        "inventory.yaml",
        "-p",
        playbook,
        "--yes",
        "-o",
        "json",
    ];
    lab.run(&words)
}

#[test]
fn a_host_is_ok_only_with_its_probes_green_and_every_report_says_so() {
    let lab = LabBuilder::hosts(2).start();
    lab.write(
        "green.yaml",
        &with("  - name: blob\n    winhttp_is: { server: 'p.example:8080' }\n"),
    );
    let json = push(&lab, "green.yaml").succeeds().json();
    let probe = &json["hosts"][0]["probes"][0];
    assert_eq!(probe["grade"], "pass", "{json}");
    assert_eq!(probe["finding"], "as_wanted");

    lab.write(
        "red.yaml",
        &with("  - name: blob\n    winhttp_is: { server: 'other.example:1' }\n  - updates:\n"),
    );
    let json = push(&lab, "red.yaml").exits(3).json();
    let host = &json["hosts"][0];
    assert_eq!(
        (host["outcome"].as_str(), host["reason"].as_str()),
        (Some("failed"), Some("probe_red"))
    );
    assert_eq!(host["probes"][0]["finding"], "differs");
    assert!(host["probes"][1]["grade"].is_null());
    for format in ["html", "csv", "junit"] {
        lab.run(&["report", "last", "--format", format])
            .succeeds()
            .says("blob")
            .says("differs");
    }
}

#[test]
fn a_proxy_that_does_not_work_leaves_the_ring_unchanged_and_one_that_works_lets_it_pass() {
    let proxy = SimProxy::start(ProxyMode::Answers(407)).expect("a proxy");
    let via = proxy.address().to_string();
    let lab = LabBuilder::hosts(3).start();
    let road = format!(
        "version: 1\nname: road\nsteps:\n  - edr_proxy: {{ server: '{via}' }}\nprobes:\n  - name: road\n    proxy_connect: {{ via: '{via}', to: defender_required, region: eu }}\nrollout:\n  rings:\n    - {{ name: all, select: all, max_parallel: 1, max_failed: 0 }}\n"
    );
    lab.write("road.yaml", &road);
    let all =
        || -> Vec<RegistrySnapshot> { lab.hosts().iter().map(HostHandle::registry).collect() };
    let before = all();
    let json = push(&lab, "road.yaml").exits(6).json();
    assert_eq!(all(), before);
    let host = &json["hosts"][0];
    assert_eq!(
        (&host["reason"], &host["changed"]),
        (&"probe_red".into(), &false.into()),
        "{json}"
    );
    assert_eq!(host["probes"][0]["finding"], "proxy_wants_logon");
    assert_eq!(json["hosts"][2]["outcome"], "not_started");

    proxy.set_mode(ProxyMode::Works);
    let json = push(&lab, "road.yaml").succeeds().json();
    assert_eq!(
        json["hosts"][2]["probes"][0]["finding"], "connected_through_proxy",
        "{json}"
    );
    assert!(proxy.counters().bytes > 0);
    assert_ne!(all(), before);
}

#[test]
fn a_rehearsal_meets_a_proxy_that_works() {
    let lab = LabBuilder::hosts(1).start();
    lab.write(
        "road.yaml",
        &with("  - proxy_connect: { via: '10.0.0.6:8080', to: defender_required, region: uk }\n"),
    );
    lab.run(&["rehearse", "-p", "road.yaml", "--hosts", "3"])
        .succeeds();
}

#[test]
fn a_marker_of_another_controller_keeps_this_one_away_until_it_expires() {
    const KEY: &str = r"SOFTWARE\winfleet-run";
    let lab = LabBuilder::hosts(2).start();
    lab.write("marked.yaml", "version: 1\nname: m\nsteps:\n  - winhttp_proxy: { server: 'p.example:8080' }\nrollout:\n  host_marker: true\n");
    let mark = |text: &str| {
        let bytes = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes);
        let value = RawValue {
            kind: 1,
            bytes: bytes.collect(),
        };
        lab.hosts()[0].set_value(KEY, "0other", value);
    };
    mark("2999-01-01T00:00:00Z bob@desk");
    let json = push(&lab, "marked.yaml").exits(3).json();
    assert_eq!(json["hosts"][0]["reason"], "held_by_another", "{json}");
    assert_eq!(
        (&json["hosts"][0]["changed"], &json["hosts"][1]["changed"]),
        (&false.into(), &true.into())
    );
    assert!(!lab.hosts()[1].key_exists(KEY), "gone with its key");
    let words = [
        "audit",
        "--leftovers",
        "-i",
        "inventory.yaml",
        "-p",
        "marked.yaml",
    ];
    lab.run(&words)
        .exits(2)
        .says("traces on 1 host; no traces on 1 host")
        .says("2999-01-01T00:00:00Z bob@desk");
    // Whoever knows that nothing works for that run any more goes on.
    lab.run(&["report", "last", "--host", lab.hosts()[0].name()])
        .succeeds()
        .says("--void-marker 0other");
    let resume = ["resume", "last", "--only", "failed", "--yes"];
    let void = |run| [&resume[..], &["--void-marker", run]].concat();
    lab.run(&void("another")).exits(3).says("0other");
    lab.run(&void("last")).exits(1).says("the whole id");
    lab.run(&void("0other")).succeeds();
    assert!(!lab.hosts()[0].key_exists(KEY));
    lab.run(&["rollback", "last", "--yes"]).succeeds();
    mark("2001-01-01T00:00:00Z|bob@desk");
    push(&lab, "marked.yaml").succeeds();
    assert!(!lab.hosts()[0].key_exists(KEY));
    let name = lab.hosts()[0].name().to_owned();
    lab.run(&["report", "last", "--host", &name])
        .succeeds()
        .says("bob@desk")
        .says("the marker is gone");
    lab.run(&words).succeeds().says("no traces on 2 hosts");
    lab.run(&["audit", "--leftovers", "--against", "last"])
        .succeeds();
    lab.run(&["rollback", "last", "--yes"]).succeeds();
    assert!(!lab.hosts()[0].key_exists(KEY));
}

#[test]
fn a_probe_as_local_system_leaves_nothing_and_leftovers_are_found() {
    const TREE: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree";
    let proxy = SimProxy::start(ProxyMode::Works).expect("a proxy starts");
    let lab = LabBuilder::hosts(1).start();
    let via = proxy.address();
    lab.write(
        "system.yaml",
        &with(&format!(
            "  - proxy_tcp: {{ via: '{via}' }}\n    as: system\n"
        )),
    );
    push(&lab, "system.yaml").succeeds();
    let host = &lab.hosts()[0];
    assert!(host.tasks().is_empty() && !host.key_exists(r"SOFTWARE\winfleet-run"));
    let ran = host.operations();
    assert!(
        ran.iter()
            .any(|operation| operation.action == "task" && operation.user.contains("SYSTEM")),
        "{ran:?}"
    );
    let name = host.name().to_owned();
    lab.run(&["report", "last", "--host", &name])
        .succeeds()
        .says("a task for a probe as LocalSystem")
        .says("the task is gone");
    let words = [
        "audit",
        "--leftovers",
        "-i",
        "inventory.yaml",
        "-p",
        "system.yaml",
    ];
    lab.run(&words).succeeds();
    // What a controller that was killed would have left.
    host.set_value(
        &format!(r"{TREE}\winfleet-run-0dead-1"),
        "Id",
        RawValue {
            kind: 1,
            bytes: vec![b'x', 0, 0, 0],
        },
    );
    host.create_key(&format!(r"{TREE}\OneDrive"));
    lab.run(&words).exits(2).says("winfleet-run-0dead-1");
}
