//! Hosts that mean harm in one run with good ones: each fails alone with a cause that has a name, the good ones are
//! done, and what the controller needs for it is bounded.
//!
//! With `WINFLEET_LONG=1` there are 500 of each, all at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::{Lab, LabBuilder};
use sim_fleet::{Faults, Knobs};

/// What a host does, and the outcome and reason it ends with.
const HARM: [(&str, &str, &str); 11] = [
    (
        "hostile: { kind: entity_bomb, at: operation 1 }",
        "failed",
        "protocol",
    ),
    (
        "hostile: { kind: nesting, at: operation 1 }",
        "failed",
        "protocol",
    ),
    (
        "hostile: { kind: attributes, at: operation 1 }",
        "failed",
        "protocol",
    ),
    (
        "hostile: { kind: values, count: 200000, at: operation 1 }",
        "failed",
        "protocol",
    ),
    (
        "hostile: { kind: fault, at: operation 1 }",
        "failed",
        "access_denied",
    ),
    (
        "hostile: { kind: timeouts, at: receive 1 }",
        "indeterminate",
        "timeout",
    ),
    (
        "hostile: { kind: headers, count: 200000, at: operation 1 }",
        "failed",
        "protocol",
    ),
    (
        "hostile: { kind: multipart, at: operation 1 }",
        "failed",
        "sealing_refused",
    ),
    (
        "huge_body: { bytes: 1000000000, at: operation 1 }",
        "failed",
        "protocol",
    ),
    ("endless: { at: operation 2 }", "failed", "protocol"),
    ("slow: { interval: 1s, bytes: 1 }", "unreachable", "timeout"),
];

fn knobs(set: &str) -> Knobs {
    let text = format!("faults: [ {{ hosts: '*', set: {{ {set} }} }} ]");
    let mut faults = Faults::from_yaml(&text).expect("the words of the fleet's README");
    faults.faults.remove(0).set
}

/// As many hosts that mean harm as good ones, in turns. Who means harm is given up after these limits; how long a good one
/// takes beside them is the machine's business.
fn lab(pairs: usize, limits: &str) -> (Lab, String) {
    let limits = limits.to_owned();
    let lab = LabBuilder::hosts(2 * pairs)
        .defaults("transport: http, auth: negotiate, credential: rollout")
        .settings(move |number, _| match number % 2 {
            0 => limits.clone(),
            _ => "connect_timeout: 60s, request_timeout: 60s, host_timeout: 150s".to_owned(),
        })
        .start();
    for (pair, hosts) in lab.hosts().chunks(2).enumerate() {
        hosts[0].set_knobs(knobs(HARM[pair % HARM.len()].0));
    }
    let playbook = lab.unlimited("full-proxy-set.yaml");
    let steps = std::fs::read_to_string(&playbook).expect("the playbook");
    let rollout = "rollout:\n  rings:\n    - { name: all, select: rest, max_parallel: 1000, max_failed: '100%', max_unreachable: '100%' }\n";
    let playbook = lab.write("all-at-once.yaml", &format!("{steps}{rollout}"));
    (lab, playbook.display().to_string())
}

/// Highest resident size of a process so far, in MiB; `None` where the system does not tell.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes / 1024)
}

#[test]
fn each_fails_alone_and_the_fleet_goes_on() {
    let long = std::env::var_os("WINFLEET_LONG").is_some();
    // A thousand at once share the machine with their simulation: they get more time.
    let (pairs, limits) = if long {
        (
            500,
            "connect_timeout: 60s, request_timeout: 60s, host_timeout: 150s",
        )
    } else {
        (
            HARM.len(),
            "connect_timeout: 5s, request_timeout: 3s, host_timeout: 8s",
        )
    };
    let (lab, playbook) = lab(pairs, limits);
    let start = Instant::now();
    let arguments = lab.push_arguments(&playbook, &[]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut running = lab.spawn(&arguments);
    let mut most = None;
    while running.lives() {
        most = peak(running.id()).or(most);
        // Nothing is waited for but the program's own end; its size is looked at now and then.
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let finished = running.finish();
    let took = start.elapsed();
    let report = lab.report();
    let hosts = report["hosts"].as_array().expect("hosts");
    let mut found: BTreeMap<(usize, &str, &str), usize> = BTreeMap::new();
    for (number, host) in hosts.iter().enumerate() {
        let outcome = host["outcome"].as_str().unwrap_or("?");
        if number % 2 == 1 {
            assert_eq!(outcome, "ok", "a good host suffers: {host:#}");
            continue;
        }
        let reason = host["reason"].as_str().unwrap_or("-");
        *found
            .entry((number / 2 % HARM.len(), outcome, reason))
            .or_default() += 1;
        let detail = host["detail"].as_str().unwrap_or_default();
        assert!(detail.len() < 5000, "{} bytes of detail", detail.len());
    }
    println!(
        "{pairs} and {pairs} hosts: {took:?}, peak {most:?} MiB, exit {:?}",
        finished.code()
    );
    for ((harm, outcome, reason), count) in &found {
        println!("{count:>5} {:<60} {outcome} {reason}", HARM[*harm].0);
    }
    for (harm, outcome, reason) in found.keys() {
        let (words, expected, cause) = HARM[*harm];
        // On a busy machine the deadline may come before the bound of bytes.
        if words.starts_with("endless") && (*outcome, *reason) == ("unreachable", "timeout") {
            continue;
        }
        assert_eq!((*outcome, *reason), (expected, cause), "{words}");
    }
    if let Some(most) = most {
        assert!(most < if long { 700 } else { 200 }, "{most} MiB");
    }
    for host in lab.hosts() {
        let counters = host.counters();
        assert!(
            counters.most_shells <= 1 && counters.most_connections <= 2,
            "{counters:?}"
        );
    }
}
