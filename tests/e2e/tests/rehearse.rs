//! `rehearse`: the user's own files against simulated hosts; nothing real is touched.

use e2e::LabBuilder;

#[test]
fn a_rehearsal_with_the_users_files_contacts_no_address_and_reads_no_secret() {
    let lab = LabBuilder::hosts(4).start();
    let inventory = std::fs::read_to_string(lab.path("inventory.yaml")).expect("readable");
    lab.write(
        "inventory.yaml",
        &inventory.replace("{ env: LAB_PASSWORD }", "{ command: ['false'] }"),
    );
    lab.run(&[
        "rehearse",
        "-i",
        "inventory.yaml",
        "-p",
        &e2e::Lab::shipped("full-proxy-set.yaml"),
    ])
    .succeeds()
    .says("4");
    assert!(
        lab.hosts()
            .iter()
            .all(|host| host.counters().connections == 0)
    );
}

#[test]
fn a_rehearsal_cannot_be_taken_back_on_real_hosts() {
    let lab = LabBuilder::hosts(1).start();
    let journal = lab.path("rehearsal.sqlite").display().to_string();
    let playbook = e2e::Lab::shipped("edr-only.yaml");
    lab.run(&[
        "rehearse",
        "-p",
        &playbook,
        "--hosts",
        "3",
        "--seed",
        "7",
        "--journal",
        &journal,
    ])
    .succeeds();
    lab.run(&["rollback", "last", "--yes", "--journal", &journal])
        .exits(8);
    lab.run(&["resume", "last", "--yes", "--journal", &journal])
        .exits(8);
    lab.run(&["report", "last", "--format", "json", "--journal", &journal])
        .succeeds();
}

#[test]
fn faults_can_be_rehearsed() {
    let lab = LabBuilder::hosts(1).start();
    let faults = lab.write(
        "faults.yaml",
        "faults:\n  - hosts: '*'\n    every: 5\n    set: { access_denied: true }\n",
    );
    let faults = faults.display().to_string();
    let playbook = e2e::Lab::shipped("winhttp-only.yaml");
    let finished = lab.run(&[
        "rehearse", "-p", &playbook, "--hosts", "20", "--faults", &faults,
    ]);
    assert!(
        matches!(finished.code(), Some(3 | 6)),
        "{}",
        finished.screen()
    );
    finished.says("access_denied");
}

#[test]
fn hosts_of_any_seed_are_written_to_and_taken_back() {
    for seed in ["2", "3", "4"] {
        let lab = LabBuilder::hosts(1).start();
        let finished = lab.run(&[
            "rehearse",
            "--hosts",
            "40",
            "--seed",
            seed,
            "--then-rollback",
        ]);
        finished.succeeds().says("40");
    }
}

#[test]
fn a_rehearsal_waits_for_no_gate_and_says_so() {
    let lab = LabBuilder::hosts(1).start();
    let rings = "rollout:\n  rings:\n    - { name: first, select: 'sim-*1*', soak: 2h, approve: true }\n    - { name: rest, select: rest, windows: { days: [mon], from: '00:00', to: '00:01', tz: UTC } }\n";
    lab.write(
        "p.yaml",
        &format!(
            "version: 1\nname: gated\nsteps:\n  - edr_proxy: {{ server: '10.0.0.6:8080' }}\n{rings}"
        ),
    );
    lab.run(&["rehearse", "--hosts", "12", "-p", "p.yaml"])
        .succeeds()
        .says("not waited for in a rehearsal: ring first: soak 2h, approve");
}

/// The simulated hosts are a program of their own, which Ctrl-C at a terminal must not reach.
#[cfg(unix)]
#[test]
fn ctrl_c_at_a_terminal_lets_the_hosts_in_flight_end() {
    let lab = LabBuilder::hosts(1).start();
    lab.write(
        "faults.yaml",
        "faults:\n  - { hosts: '*', set: { latency: 50ms } }\n",
    );
    lab.write(
        "p.yaml",
        "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: 'a.example:1' }\nrollout:\n  rings:\n    - { name: all, select: all, max_parallel: 2 }\n",
    );
    let words = [
        "rehearse",
        "-p",
        "p.yaml",
        "--hosts",
        "200",
        "--faults",
        "faults.yaml",
    ];
    let mut seated = lab.program(&words).at_terminal();
    seated.until_shows("ring all: 200 hosts");
    seated.interrupt();
    seated.until_shows("stopping: no further host is started");
    seated.until_shows("interrupted, started");
    let screen = seated.exits(130);
    assert!(!screen.contains("unreachable"), "{screen}");
    assert!(!screen.contains("indeterminate"), "{screen}");
}

/// A rehearsal of three hosts, taken back, in a form for programs.
fn taken_back(lab: &e2e::Lab, playbook: &str, more: &[&str]) -> String {
    let usual = ["rehearse", "--hosts", "3", "-p", playbook];
    let words = [&usual[..], &["--then-rollback", "-q"], more].concat();
    lab.run(&words).exits(0).stdout()
}

/// One document, one table: whoever reads the first would otherwise miss the second, or fail at it.
#[test]
fn a_rehearsal_that_is_taken_back_has_one_result() {
    let lab = LabBuilder::hosts(1).start();
    let playbook = e2e::Lab::shipped("edr-only.yaml");
    let said = taken_back(&lab, &playbook, &["-o", "json"]);
    let run: serde_json::Value = serde_json::from_str(&said).expect("one document");
    let back = &run["rollback"];
    assert_eq!(
        (&run["verb"], &run["totals"]["ok"], &back["verb"]),
        (&"push".into(), &3.into(), &"rollback".into()),
        "{said}"
    );
    assert_eq!(back["totals"]["rolled_back"], 3, "{said}");
    assert_eq!(
        (&back["source_run"], &back["rollback"]),
        (&run["run"], &serde_json::Value::Null)
    );

    let table = taken_back(&lab, &playbook, &["-o", "csv"]);
    let heads = table.lines().filter(|line| line.starts_with("run,host,"));
    assert_eq!(heads.count(), 1, "{table}");
    for outcome in [",ok,", ",rolled_back,"] {
        assert!(table.contains(outcome), "{outcome}\n{table}");
    }

    let lines = taken_back(&lab, &playbook, &["-o", "jsonl"]);
    assert_eq!(lines.lines().count(), 6, "a line per host and run: {lines}");

    // What changed nothing has no rollback, and says so.
    lab.write(
        "nothing.yaml",
        "version: 1\nname: n\nsteps:\n  - registry: { key: 'HKLM\\SOFTWARE\\Nowhere', value: v, ensure: absent }\n",
    );
    let said = taken_back(&lab, "nothing.yaml", &["-o", "json"]);
    let run: serde_json::Value = serde_json::from_str(&said).expect("one document");
    assert!(
        run["rollback"].is_null() && run.as_object().unwrap().contains_key("rollback"),
        "{said}"
    );
}

/// The file of events holds the push, too.
#[test]
fn the_events_of_both_runs_are_kept() {
    let lab = LabBuilder::hosts(1).start();
    let playbook = e2e::Lab::shipped("edr-only.yaml");
    lab.write("events.jsonl", "of an earlier run\n");
    taken_back(&lab, &playbook, &["--events", "events.jsonl"]);
    let text = std::fs::read_to_string(lab.path("events.jsonl")).unwrap();
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let of = |kind: &str| -> Vec<serde_json::Value> {
        let events = events.iter().filter(|event| event["event"] == kind);
        events.cloned().collect()
    };
    let verbs: Vec<serde_json::Value> = of("run_started")
        .iter()
        .map(|event| event["verb"].clone())
        .collect();
    assert_eq!(verbs, ["push", "rollback"], "{text}");
    assert_eq!(of("run_finished").len(), 2, "{text}");
}
