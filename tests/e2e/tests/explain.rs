//! `explain` from outside: one screen, data by their schema, and nothing is written.

use e2e::LabBuilder;
use sim_fleet::RawValue;

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

const CONNECTIONS: &str =
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
const CONNECTIONS_32: &str =
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
const AV: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender";

/// `WinHttpSettings` that name a proxy and no bypass list.
fn win_http(proxy: &str) -> RawValue {
    let length = u32::try_from(proxy.len()).expect("a short text");
    let mut bytes = [[0x18u32, 0, 3, length].map(u32::to_le_bytes).concat()].concat();
    bytes.extend(proxy.as_bytes());
    bytes.extend([0; 4]);
    RawValue::new(3, &bytes)
}

/// What stands there in another form than its own is a finding, by either channel: never "direct", and never the number that
/// its digits look like.
#[test]
fn a_malformed_value_is_told_and_not_taken_for_another() {
    for channel in ["cim", "shell"] {
        let lab = LabBuilder::hosts(3)
            .defaults(&format!(
                "transport: http, auth: negotiate, credential: rollout, channel: {channel}"
            ))
            .start();
        let spynet = format!(r"{AV}\Spynet");
        lab.hosts()[0].set_value(&spynet, "SSLOptions", RawValue::sz("0"));
        lab.hosts()[0].set_value(CONNECTIONS, "WinHttpSettings", RawValue::new(3, &[1; 8]));
        lab.hosts()[1].set_value(
            CONNECTIONS,
            "WinHttpSettings",
            RawValue::sz("10.0.0.6:8080"),
        );
        lab.hosts()[2].set_value(CONNECTIONS, "WinHttpSettings", win_http("10.0.0.6:8080"));
        lab.hosts()[2].set_value(CONNECTIONS_32, "WinHttpSettings", win_http("old.example:1"));
        let json = lab
            .run(&["explain", "all", "-i", "inventory.yaml", "-o", "json"])
            .exits(0)
            .json();
        let found = |host: usize, name: &str| {
            let all = json["hosts"][host]["conflicts"].as_array().unwrap().clone();
            let found = all.into_iter().find(|found| found["name"] == name);
            found.map(|found| found["detail"].as_str().unwrap_or_default().to_owned())
        };
        let told = found(0, "value_malformed").expect(channel);
        assert!(told.contains("REG_SZ '0', not REG_DWORD"), "{told}");
        assert_eq!(found(0, "checks_off"), None, "{channel}");
        for host in [0, 1] {
            let told = found(host, "winhttp_malformed");
            assert!(told.is_some(), "{channel}, host {host}: {json:#}");
            let winhttp = &json["hosts"][host]["components"][2];
            assert_eq!(winhttp["uses"]["road"], "unknown", "{channel}");
        }
        let told = found(2, "winhttp_32bit_differs").expect(channel);
        assert!(
            told.contains("old.example:1") && told.contains("10.0.0.6:8080"),
            "{told}"
        );
    }
}

/// People write accounts into addresses of proxies; no form of what is read of a host repeats them.
#[test]
fn an_account_in_front_of_a_proxy_is_shown_nowhere() {
    let lab = LabBuilder::hosts(1).start();
    let host = &lab.hosts()[0];
    let with_account = |scheme: &str| format!("{scheme}svc:Geheim77@proxy.example:8080");
    let collection = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
    host.set_value(
        collection,
        "TelemetryProxyServer",
        RawValue::sz(&with_account("")),
    );
    host.set_value(AV, "ProxyServer", RawValue::sz(&with_account("http://")));
    host.set_value(AV, "ProxyPacUrl", RawValue::sz(&with_account("http://")));
    for place in [CONNECTIONS, CONNECTIONS_32] {
        host.set_value(place, "WinHttpSettings", win_http(&with_account("http=")));
    }
    let internet = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
    host.set_value(internet, "ProxyServer", RawValue::sz(&with_account("")));
    host.set_value(internet, "ProxyEnable", RawValue::dword(1));
    let events = lab.path("events.jsonl").display().to_string();
    let more = ["-e", "proxy=10.0.0.6:8080", "-v", "--events", &events];
    let push = &[&PUSH[..], &more].concat();
    lab.unlimited("full-proxy-set.yaml");
    let mut shown = Vec::new();
    for form in ["table", "json", "jsonl", "csv"] {
        shown.push(lab.run(&["explain", "all", "-i", "inventory.yaml", "-o", form]));
        shown.push(lab.run(&["facts", "-i", "inventory.yaml", "-o", form]));
    }
    shown.push(lab.run(push));
    for form in ["html", "json", "csv", "junit"] {
        shown.push(lab.run(&["report", "last", "--format", form]));
    }
    for form in ["table", "json", "csv"] {
        let words = [
            "report",
            "last",
            "--host",
            "pc-0001.corp.example",
            "-o",
            form,
        ];
        shown.push(lab.run(&words));
    }
    let mut texts: Vec<String> = shown.iter().map(e2e::Finished::screen).collect();
    texts.push(std::fs::read_to_string(&events).expect("the events are readable"));
    let hex =
        |bytes: Vec<u8>| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let wide = "Geheim77"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let forms = ["Geheim77".to_owned(), hex(wide), hex(b"Geheim77".to_vec())];
    for text in texts {
        for form in &forms {
            assert!(!text.contains(form), "{form}: {text}");
        }
    }
}
