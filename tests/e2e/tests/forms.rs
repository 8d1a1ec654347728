//! Every verb that has a result gives it as data, too, and in the form that was asked for.

use e2e::{Lab, LabBuilder};
use serde_json::Value;

/// What is asked for without any run: `-o` is added.
const WITHOUT_A_RUN: [&str; 6] = [
    "check inventory.yaml",
    "check inventory.yaml edr-only.yaml",
    "hosts -i inventory.yaml",
    "facts --list",
    "credential list",
    "runs",
];

/// What is asked of the last run, and the hosts.
const AFTER_A_RUN: [&str; 6] = [
    "runs",
    "status last",
    "report last",
    "ping -i inventory.yaml",
    "facts -i inventory.yaml os",
    "audit --against last",
];

fn check(lab: &Lab, line: &str) {
    let run = |form: &str| {
        let words: Vec<&str> = line.split_whitespace().chain(["-o", form]).collect();
        lab.run(&words).succeeds().stdout()
    };
    let json = run("json");
    let document: Value =
        serde_json::from_str(&json).unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(
        document["schema"].is_number() || document["schema"].is_string(),
        "{line}: {json}"
    );
    for one in run("jsonl").lines() {
        let value: Value =
            serde_json::from_str(one).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(value.is_object(), "{line}: {one}");
    }
    let table = run("csv");
    let columns = |row: &str| row.split(',').count();
    let head = table.lines().next().unwrap_or_default();
    assert!(
        head.bytes()
            .all(|byte| byte.is_ascii_lowercase() || b"_,".contains(&byte)),
        "{line}: {head}"
    );
    assert!(
        table.lines().all(|row| columns(row) >= columns(head)),
        "{line}: {table}"
    );
}

#[test]
fn results_are_data_as_well() {
    let lab = LabBuilder::hosts(2).start();
    lab.write(
        "edr-only.yaml",
        &std::fs::read_to_string(Lab::shipped("edr-only.yaml")).expect("shipped"),
    );
    for line in WITHOUT_A_RUN {
        check(&lab, line);
    }
    lab.push(&Lab::shipped("edr-only.yaml"), &["-q"]).succeeds();
    for line in AFTER_A_RUN {
        check(&lab, line);
    }
}

#[test]
fn check_says_rings_and_warnings_as_data() {
    let lab = LabBuilder::hosts(2).start();
    lab.write(
        "p.yaml",
        "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: 'a.example:1' }\nrollout:\n  rings:\n    - { name: one, select: 'ring:canary' }\n    - { name: two, select: rest }\n",
    );
    let found = lab
        .run(&["check", "inventory.yaml", "p.yaml", "-o", "json"])
        .succeeds()
        .json();
    assert_eq!(found["inventory"]["hosts"], 2);
    let playbook = &found["playbooks"][0];
    assert_eq!(
        playbook["rings"],
        serde_json::json!([{ "name": "one", "hosts": 0 }, { "name": "two", "hosts": 2 }])
    );
    let warning = &playbook["warnings"][0];
    assert_eq!(warning["line"], 7);
    let words = warning["message"].as_str().unwrap_or_default();
    assert!(words.contains("no host has the ring 'canary'"), "{words}");
}

/// The table for spreadsheets has all that the document has: groups and variables, too.
#[test]
fn hosts_are_whole_as_a_table() {
    let lab = LabBuilder::hosts(1).start();
    lab.write(
        "g.yaml",
        "version: 1\ngroups: { paris: { vars: { proxy: '10.0.0.6:8080' } }, laptops: {} }\nhosts: [ { name: pc-1.corp.example, groups: [paris, laptops], vars: { n: 7 } } ]\n",
    );
    let said = lab
        .run(&["hosts", "-i", "g.yaml", "-o", "csv"])
        .succeeds()
        .stdout();
    for row in [
        "pc-1.corp.example,groups,paris|laptops,",
        "pc-1.corp.example,vars.n,7,host",
        "pc-1.corp.example,vars.proxy,10.0.0.6:8080,group paris",
    ] {
        assert!(
            said.lines().any(|line| line.starts_with(row)),
            "{row}\n{said}"
        );
    }
}

/// What was done is not denied because it cannot be shown.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_does_not_deny_the_run() {
    let lab = LabBuilder::hosts(2).start();
    let full = || {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        full.expect("Linux has a disk that is always full")
    };
    let check = |line: &[&str], says: &str| {
        let finished = lab
            .program(line)
            .output_to(full())
            .run()
            .exits(1)
            .says(says);
        assert!(
            !finished.stderr().contains("nothing was sent"),
            "{}",
            finished.stderr()
        );
    };
    let playbook = Lab::shipped("edr-only.yaml");
    let push = lab.push_arguments(&playbook, &["-q"]);
    let push: Vec<&str> = push.iter().map(String::as_str).collect();
    check(&push, "what was done is in the journal: winfleet status ");
    assert_eq!(lab.report()["totals"]["changed"], 2);
    check(&["rollback", "last", "--yes", "-q"], "winfleet status ");
    check(
        &["ping", "-i", "inventory.yaml"],
        "nothing was written to any of them",
    );
}
