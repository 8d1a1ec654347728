//! Probes from outside: the real binary, simulated hosts, journal and reports.

use e2e::{Finished, Lab, LabBuilder};

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
