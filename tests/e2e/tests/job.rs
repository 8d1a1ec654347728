//! The main job: push, prove, push again, take back.

use e2e::{Lab, LabBuilder};
use serde_json::Value;
use sim_fleet::{HostHandle, RegistrySnapshot, SeedData, SeedValue};

const DATA_COLLECTION: &str = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";
const DEFENDER: &str = r"SOFTWARE\Policies\Microsoft\Windows Defender";
const CONNECTIONS: &str =
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";

fn snapshots(lab: &Lab) -> Vec<RegistrySnapshot> {
    lab.hosts().iter().map(HostHandle::registry).collect()
}

/// Six hosts with six histories.
fn mixed() -> Lab {
    LabBuilder::hosts(6)
        .settings(|position, _| format!("ring: {}", ["canary", "pilot", "broad"][position / 2]))
        .fleet(|fleet| {
            let seed = |key: &str, value: &str, data: SeedData| SeedValue::new(key, value, data);
            let blob = |text: &str| SeedData::Binary(hex(text));
            fleet.hosts[1].registry = vec![
                seed(
                    DATA_COLLECTION,
                    "TelemetryProxyServer",
                    SeedData::Sz("old.corp.example:3128".into()),
                ),
                seed(DATA_COLLECTION, "AllowTelemetry", SeedData::Dword(1)),
            ];
            // The wrong type stands there, and a blob of the other marker with bytes behind its end.
            fleet.hosts[2].registry = vec![
                seed(
                    DATA_COLLECTION,
                    "DisableEnterpriseAuthProxy",
                    SeedData::Sz("1".into()),
                ),
                seed(
                    CONNECTIONS,
                    "WinHttpSettings",
                    blob("180000000000000001000000000000000000000000000000"),
                ),
            ];
            fleet.hosts[3].registry = vec![
                seed(
                    DEFENDER,
                    "ProxyServer",
                    SeedData::MultiSz(vec!["a".into(), "b".into()]),
                ),
                seed(
                    CONNECTIONS,
                    "WinHttpSettings",
                    blob("28000000000000000300000004000000613a3432040000002a2e3432"),
                ),
            ];
            let bare = fleet.defaults.clone();
            fleet.hosts[4].options = Some(sim_fleet::HostOptions {
                policy_keys: false,
                ..bare
            });
            fleet.hosts[5].registry = vec![seed(
                DEFENDER,
                "ProxyServer",
                SeedData::ExpandSz(r"%ProgramFiles%\x".into()),
            )];
        })
        .start()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).expect("hex digits"))
        .collect()
}

fn outcomes(report: &Value) -> Vec<(String, bool)> {
    let hosts = report["hosts"].as_array().expect("hosts");
    hosts
        .iter()
        .map(|host| {
            (
                host["outcome"].as_str().unwrap_or("?").to_owned(),
                host["changed"].as_bool().unwrap_or(false),
            )
        })
        .collect()
}

#[test]
fn push_then_rollback_leaves_every_registry_byte_identical() {
    let lab = mixed();
    let before = snapshots(&lab);
    lab.push(&Lab::shipped("full-proxy-set.yaml"), &[])
        .succeeds();
    for host in lab.hosts() {
        let text = |key: &str, name: &str| {
            host.value(key, name)
                .unwrap_or_else(|| panic!("{} {name}", host.name()))
        };
        assert_eq!(
            text(DATA_COLLECTION, "DisableEnterpriseAuthProxy").bytes,
            [1, 0, 0, 0]
        );
        assert_eq!(
            text(DATA_COLLECTION, "TelemetryProxyServer"),
            sim_fleet::RawValue::text(1, "10.0.0.6:8080")
        );
        assert_eq!(
            text(DEFENDER, "ProxyServer"),
            sim_fleet::RawValue::text(1, "http://10.0.0.6:8080")
        );
        assert_eq!(
            text(CONNECTIONS, "WinHttpSettings").bytes[8],
            3,
            "a named proxy"
        );
        assert_eq!(host.counters().shells_open, 0, "{}", host.name());
    }
    let report = lab.report();
    assert_eq!(outcomes(&report), vec![("ok".to_owned(), true); 6]);
    let change = &report["hosts"][1]["steps"][0]["changes"][1];
    assert_eq!(change["before"]["state"], "present");
    assert_eq!(change["before"]["type"], 1);
    assert_eq!(change["after"]["text"], "10.0.0.6:8080");

    lab.run(&["rollback", "last", "--yes"]).succeeds();
    for (host, (was, is)) in lab.hosts().iter().zip(before.iter().zip(snapshots(&lab))) {
        assert_eq!(*was, is, "{} is not as it was", host.name());
    }
    assert!(
        outcomes(&lab.report())
            .iter()
            .all(|(outcome, _)| outcome == "rolled_back")
    );
}

#[test]
fn a_second_push_changes_nothing_and_writes_nothing() {
    let lab = LabBuilder::hosts(2).start();
    lab.push(&Lab::shipped("full-proxy-set.yaml"), &["-l", "all"])
        .succeeds();
    let writes: u64 = lab.hosts().iter().map(|host| host.counters().writes).sum();
    assert!(writes > 0);
    lab.push(&Lab::shipped("full-proxy-set.yaml"), &[])
        .succeeds();
    assert_eq!(
        lab.hosts()
            .iter()
            .map(|host| host.counters().writes)
            .sum::<u64>(),
        writes
    );
    assert_eq!(outcomes(&lab.report()), vec![("ok".to_owned(), false); 2]);
}

#[test]
fn a_value_that_somebody_changed_since_is_a_conflict_and_stays() {
    let lab = LabBuilder::hosts(1).start();
    lab.push(&Lab::shipped("edr-only.yaml"), &[]).succeeds();
    let theirs = sim_fleet::RawValue::text(1, "other.corp.example:1");
    lab.hosts()[0].set_value(DATA_COLLECTION, "TelemetryProxyServer", theirs.clone());
    lab.run(&["rollback", "last", "--yes"]).exits(3);
    assert_eq!(
        lab.hosts()[0].value(DATA_COLLECTION, "TelemetryProxyServer"),
        Some(theirs)
    );
    assert_eq!(
        lab.hosts()[0].value(DATA_COLLECTION, "DisableEnterpriseAuthProxy"),
        None
    );
    let report = lab.report();
    assert_eq!(report["hosts"][0]["outcome"], "conflict");
    let push = lab.run(&["runs", "-o", "json"]).succeeds().json()["runs"][1]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    lab.run(&["rollback", &push, "--yes", "--on-conflict", "force"])
        .succeeds();
    assert_eq!(
        lab.hosts()[0].value(DATA_COLLECTION, "TelemetryProxyServer"),
        None
    );
}

#[test]
fn delete_mode_removes_the_playbooks_values_and_can_itself_be_taken_back() {
    let lab = mixed();
    let playbook = Lab::shipped("full-proxy-set.yaml");
    let before = snapshots(&lab);
    let inventory = lab.path("inventory.yaml").display().to_string();
    let arguments = [
        "rollback", "--mode", "delete", "-i", &inventory, "-p", &playbook, "--yes",
    ];
    lab.run(&[&arguments[..], &["-e", "proxy=10.0.0.6:8080"]].concat())
        .succeeds();
    for host in lab.hosts() {
        for (key, name) in [
            (DATA_COLLECTION, "TelemetryProxyServer"),
            (DATA_COLLECTION, "DisableEnterpriseAuthProxy"),
            (DEFENDER, "ProxyServer"),
        ] {
            assert_eq!(host.value(key, name), None, "{} {name}", host.name());
        }
    }
    lab.run(&["rollback", "last", "--yes"]).succeeds();
    for (host, (was, is)) in lab.hosts().iter().zip(before.iter().zip(snapshots(&lab))) {
        assert_eq!(*was, is, "{} is not as it was", host.name());
    }
}

#[test]
fn where_wmi_is_broken_the_same_operations_go_through_the_shell() {
    let lab = mixed();
    // reg.exe does not show where the texts of a list end: such a prior value is refused, not guessed.
    lab.hosts()[3].delete_value(DEFENDER, "ProxyServer");
    for host in lab.hosts() {
        host.change_knobs(|knobs| {
            knobs.wmi_broken = Some(sim_fleet::WmiBroken {
                fault: sim_fleet::WmiFault::ClassNotFound,
                registry_only: false,
            });
        });
    }
    let before = snapshots(&lab);
    lab.push(&Lab::shipped("full-proxy-set.yaml"), &[])
        .succeeds();
    for host in lab.hosts() {
        assert_eq!(
            host.value(DATA_COLLECTION, "TelemetryProxyServer"),
            Some(sim_fleet::RawValue::text(1, "10.0.0.6:8080"))
        );
    }
    lab.run(&["rollback", "last", "--yes"]).succeeds();
    for (host, (was, is)) in lab.hosts().iter().zip(before.iter().zip(snapshots(&lab))) {
        assert_eq!(*was, is, "{} is not as it was", host.name());
        assert_eq!(host.counters().shells_open, 0);
    }
}

#[test]
fn every_shipped_playbook_does_its_work_and_can_be_taken_back() {
    for name in [
        "edr-only.yaml",
        "full-proxy-set.yaml",
        "offline-devices.yaml",
        "av-pac-bypass.yaml",
        "winhttp-only.yaml",
        "remove-proxy.yaml",
    ] {
        let lab = mixed();
        let before = snapshots(&lab);
        let inventory = lab.path("inventory.yaml").display().to_string();
        let playbook = Lab::shipped(name);
        let mut arguments = vec!["push", "-i", &inventory, "-p", &playbook, "--yes"];
        let text = std::fs::read_to_string(&playbook).expect("a shipped playbook");
        if text.contains("\n  proxy:") {
            arguments.extend(["-e", "proxy=10.0.0.6:8080"]);
        }
        if name == "av-pac-bypass.yaml" {
            arguments.extend(["-e", "bypass=http://intranet.corp.example"]);
        }
        if text.contains("\n  pac_url:") {
            arguments.extend(["-e", "pac_url=http://proxy.corp.example/proxy.pac"]);
        }
        lab.run(&arguments).succeeds();
        assert!(
            lab.hosts().iter().any(|host| host.counters().writes > 0),
            "{name} wrote nothing"
        );
        lab.run(&["rollback", "last", "--yes"]).succeeds();
        for (host, (was, is)) in lab.hosts().iter().zip(before.iter().zip(snapshots(&lab))) {
            assert_eq!(*was, is, "{name}: {} is not as it was", host.name());
        }
    }
}

#[test]
fn csv_and_json_reports_name_every_host() {
    let lab = LabBuilder::hosts(3).start();
    let pushed = lab
        .push(
            &Lab::shipped("edr-only.yaml"),
            &["-o", "json", "--reason", "CHG-4711"],
        )
        .succeeds()
        .json();
    assert_eq!(pushed["exit_code"], 0);
    assert_eq!(pushed["totals"]["ok"], 3);
    let csv = lab
        .run(&["report", "last", "--format", "csv"])
        .succeeds()
        .stdout();
    for host in lab.hosts() {
        assert!(csv.contains(host.name()), "{csv}");
    }
    lab.run(&["status", "last"]).succeeds();
    let runs = lab.run(&["runs", "-o", "json"]).succeeds().json();
    assert_eq!(runs["runs"][0]["state"], "succeeded");
    lab.run(&["report", "nope"]).exits(1);
}
