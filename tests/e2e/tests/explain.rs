//! `explain` from outside: one screen, data by their schema, and nothing is written.

use e2e::LabBuilder;

const PUSH: [&str; 6] = [
    "push",
    "-i",
    "inventory.yaml",
    "-p",
    "full-proxy-set.yaml",
    "--yes",
];

#[test]
fn explain_tells_each_component_s_proxy_and_writes_nothing() {
    let lab = LabBuilder::hosts(2).start();
    lab.unlimited("full-proxy-set.yaml");
    lab.run(&[&PUSH[..], &["-e", "proxy=10.0.0.6:8080", "-l", "pc-0001*"]].concat())
        .exits(0);
    let writes = || {
        lab.hosts()
            .iter()
            .map(|host| host.counters().writes)
            .sum::<u64>()
    };
    let before = writes();
    let screen = lab
        .run(&["explain", "pc-0001", "-i", "inventory.yaml"])
        .exits(0)
        .stdout();
    for line in [
        "EDR sensor",
        "Defender Antivirus",
        "WinHTTP",
        "WinINet",
        "Environment",
        "TelemetryProxyServer",
    ] {
        assert!(screen.contains(line), "{line}\n{screen}");
    }
    assert!(screen.lines().count() <= 30, "one screen:\n{screen}");
    let of = |host: &str| {
        let json = lab
            .run(&["explain", host, "-i", "inventory.yaml", "-o", "json"])
            .exits(0)
            .json();
        assert_eq!(json["schema"], "winfleet.explain/1");
        assert_eq!(json["hosts"].as_array().map(Vec::len), Some(1));
        json["hosts"][0].clone()
    };
    let pushed = of("pc-0001.corp.example");
    let uses = |host: &serde_json::Value, component: &str| {
        let all = host["components"].as_array().unwrap().clone();
        let route = all
            .into_iter()
            .find(|route| route["component"] == component)
            .unwrap();
        route["uses"].clone()
    };
    assert_eq!(uses(&pushed, "edr")["address"], "10.0.0.6:8080");
    assert_eq!(
        uses(&pushed, "antivirus")["address"],
        "http://10.0.0.6:8080"
    );
    assert_eq!(uses(&pushed, "winhttp")["address"], "10.0.0.6:8080");
    let untouched = of("pc-0002");
    assert_eq!(uses(&untouched, "edr")["address"], serde_json::Value::Null);
    assert_eq!(uses(&untouched, "winhttp")["road"], "direct");
    assert_eq!(writes(), before, "explain writes nothing");
}

#[test]
fn a_host_that_is_not_there_is_refused_before_any_host() {
    let lab = LabBuilder::hosts(1).start();
    let refused = lab.run(&["explain", "pc-9999", "-i", "inventory.yaml"]);
    refused.exits(10);
    assert_eq!(lab.hosts()[0].counters().requests, 0);
}

/// The inventory is read once, so what is doubtful in it is told once.
#[test]
fn warnings_of_the_inventory_are_told_once() {
    let lab = LabBuilder::hosts(1).start();
    lab.write("more.csv", "name,credental\npc-0077.corp.example,x\n");
    let told = lab
        .run(&[
            "explain",
            "pc-0001",
            "-i",
            "inventory.yaml",
            "-i",
            "more.csv",
        ])
        .exits(0)
        .stderr();
    assert_eq!(told.matches("is taken as a variable").count(), 1, "{told}");
}

#[test]
fn a_short_name_of_two_hosts_is_refused() {
    let lab = LabBuilder::hosts(1).start();
    lab.write("more.csv", "name\npc-0001.lab.example\n");
    let told = lab
        .run(&[
            "explain",
            "pc-0001",
            "-i",
            "inventory.yaml",
            "-i",
            "more.csv",
        ])
        .exits(1)
        .stderr();
    assert!(told.contains("is short for"), "{told}");
    assert_eq!(lab.hosts()[0].counters().requests, 0);
}
