//! Promise 8: a wrong password costs a bounded number of attempts.

use e2e::{Lab, LabBuilder};

#[test]
fn a_wrong_password_over_a_thousand_hosts_stops_after_the_budget() {
    let lab = LabBuilder::hosts(1000).start();
    let arguments = lab.push_arguments(&Lab::shipped("edr-only.yaml"), &[]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    lab.program(&arguments)
        .env("LAB_PASSWORD", "wrong")
        .run()
        .exits(9);
    let attempts = lab.fleet.logon_attempts(e2e::USER);
    assert!(
        (1..=3).contains(&attempts),
        "{attempts} attempts left the machine"
    );
    assert!(lab.hosts().iter().all(|host| host.counters().writes == 0));
    let report = lab.report();
    assert_eq!(
        report["hosts"].as_array().map(Vec::len),
        Some(1000),
        "no host is forgotten"
    );
}

#[test]
fn one_host_that_refuses_a_proved_account_fails_alone_and_is_asked_once() {
    let lab = LabBuilder::hosts(3)
        .settings(|position, _| format!("ring: {}", ["canary", "pilot", "pilot"][position]))
        .start();
    lab.hosts()[2].change_knobs(|knobs| {
        knobs.status = Some(sim_fleet::StatusKnob {
            code: 401,
            first: None,
            lasting: None,
            after: 1,
        });
    });
    lab.push(&Lab::shipped("edr-only.yaml"), &[])
        .says("logon_refused");
    let report = lab.report();
    assert_eq!(report["hosts"][2]["reason"], "logon_refused");
    assert_eq!(report["hosts"][0]["outcome"], "ok");
    assert_eq!(report["hosts"][1]["outcome"], "ok");
}
