//! Hosts that misbehave: the outcome, the exit code, and that nobody else suffers.

use e2e::{Finished, Lab, LabBuilder};
use sim_fleet::{Knobs, OtherMachine, Point, PointKind, Span, StatusKnob};

/// Three hosts, the middle one with faults; returns the end of the push and the lab.
fn push_with(change: impl FnOnce(&mut Knobs), more: &[&str]) -> (Lab, Finished) {
    let lab = LabBuilder::hosts(3)
        .own_listeners()
        .defaults("transport: http, auth: negotiate, credential: rollout, connect_timeout: 2s, request_timeout: 3s, host_timeout: 20s")
        .start();
    lab.hosts()[1].change_knobs(change);
    let finished = lab.push(&lab.unlimited("full-proxy-set.yaml"), more);
    (lab, finished)
}

#[track_caller]
fn expect(change: impl FnOnce(&mut Knobs), code: i32, outcome: &str, reason: &str) {
    let (lab, finished) = push_with(change, &[]);
    let finished = finished.exits(code);
    let report = lab.report();
    let host = &report["hosts"][1];
    let found = (
        host["outcome"].as_str().unwrap_or("?"),
        host["reason"].as_str().unwrap_or("-"),
    );
    assert_eq!(found, (outcome, reason), "{host:#}\n{}", finished.screen());
    assert_eq!(report["exit_code"], code);
    for other in [0, 2] {
        assert_eq!(
            report["hosts"][other]["outcome"], "ok",
            "the others do not suffer"
        );
    }
}

#[test]
fn a_closed_port_is_unreachable() {
    expect(
        |knobs| knobs.refuse = true,
        4,
        "unreachable",
        "connect_refused",
    );
}

#[test]
fn a_host_that_accepts_and_never_answers_is_unreachable() {
    expect(
        |knobs| knobs.hang = Some(sim_fleet::Hang::Accept),
        4,
        "unreachable",
        "timeout",
    );
}

#[test]
fn a_stopped_service_is_unreachable() {
    let stopped = StatusKnob {
        code: 503,
        first: None,
        lasting: None,
        after: 0,
    };
    expect(
        |knobs| knobs.status = Some(stopped),
        4,
        "unreachable",
        "service_unavailable",
    );
}

/// Hosts whose WMI answers 1722, as after a start, and no shell that could take its place.
fn without_wmi(retries: u32) -> (Lab, Vec<String>) {
    let lab = LabBuilder::hosts(3)
        .defaults("transport: http, auth: negotiate, credential: rollout, channel: cim")
        .start();
    let fault = e2e::knobs("{ wmi_broken: { fault: rpc } }");
    lab.hosts()[1].set_knobs(fault);
    let text = std::fs::read_to_string(Lab::shipped("edr-only.yaml")).expect("a shipped playbook");
    let head = text.split("\nrollout:").next().unwrap_or_default();
    let rollout = format!("rollout: {{ retries: {{ per_host: {retries} }} }}\n");
    let playbook = lab.write("p.yaml", &format!("{head}\n{rollout}"));
    let arguments = lab.push_arguments(&playbook.display().to_string(), &[]);
    (lab, arguments)
}

#[test]
fn a_host_whose_wmi_stays_away_is_tried_again_as_often_as_retries_say_and_never_written_to() {
    for retries in [0, 2] {
        let (lab, arguments) = without_wmi(retries);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        lab.run(&arguments).exits(3);
        let report = lab.report();
        let host = &report["hosts"][1];
        assert_eq!(host["outcome"], "failed", "{host:#}");
        assert_eq!(host["reason"], "wmi_broken", "{host:#}");
        assert_eq!(host["attempts"], retries + 1, "{host:#}");
        let counters = lab.hosts()[1].counters();
        let seen = (
            counters.writes,
            counters.connections,
            counters.shells_created,
        );
        assert_eq!(seen, (0, u64::from(retries) + 1, 0));
        for other in [0, 2] {
            assert_eq!(report["hosts"][other]["outcome"], "ok");
            assert_eq!(report["hosts"][other]["attempts"], 1);
        }
    }
}

#[test]
fn a_host_whose_wmi_comes_back_meanwhile_is_done_and_written_to_once() {
    // Enough of them to last until it is seen that the first attempt was made.
    let (lab, arguments) = without_wmi(8);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let running = lab.spawn(&arguments);
    e2e::until("it was tried twice", || {
        lab.hosts()[1].counters().connections > 1
    });
    lab.hosts()[1].set_knobs(Knobs::default());
    running.finish().exits(0);
    let report = lab.report();
    let host = &report["hosts"][1];
    assert_eq!(host["outcome"], "ok", "{host:#}");
    assert!(host["attempts"].as_u64() > Some(1), "{host:#}");
    let writes: Vec<_> = lab
        .hosts()
        .iter()
        .map(|host| host.counters().writes)
        .collect();
    assert_eq!(writes[1], writes[0], "{writes:?}");
}

#[test]
fn access_denied_is_a_failure_with_a_remedy() {
    expect(
        |knobs| knobs.access_denied = true,
        3,
        "failed",
        "access_denied",
    );
}

#[test]
fn another_machine_under_the_name_is_never_written_to() {
    let other = OtherMachine {
        computer_name: "PC-0666".into(),
        machine_guid: None,
    };
    let (lab, finished) = push_with(|knobs| knobs.other_machine = Some(other), &[]);
    finished.exits(3);
    assert_eq!(lab.report()["hosts"][1]["reason"], "wrong_host");
    assert_eq!(lab.hosts()[1].counters().writes, 0);
}

#[test]
fn a_reply_to_another_request_is_a_failure() {
    expect(
        |knobs| knobs.wrong_relates_to = true,
        3,
        "failed",
        "protocol",
    );
}

#[test]
fn netsh_that_lies_is_found_out_by_the_bytes() {
    expect(
        |knobs| knobs.netsh = Some(sim_fleet::NetshKnob::NoEffect),
        3,
        "failed",
        "read_back_differs",
    );
}

#[test]
fn a_connection_that_breaks_after_a_write_is_settled_by_reading() {
    let at = Point {
        kind: PointKind::Write,
        number: 2,
    };
    let drop = sim_fleet::Drop {
        at,
        phase: sim_fleet::DropPhase::After,
        after_bytes: None,
        times: Some(1),
    };
    let (lab, finished) = push_with(|knobs| knobs.drop = Some(drop), &[]);
    finished.succeeds();
    let report = lab.report();
    assert_eq!(report["hosts"][1]["outcome"], "ok");
    assert_eq!(report["hosts"][1]["changed"], true);
    lab.run(&["rollback", "last", "--yes"]).succeeds();
    let key = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";
    assert_eq!(lab.hosts()[1].value(key, "TelemetryProxyServer"), None);
}

#[test]
fn a_host_that_goes_down_in_the_middle_and_stays_down_is_indeterminate() {
    let reboot = sim_fleet::Reboot {
        at: Point {
            kind: PointKind::Write,
            number: 2,
        },
        lasting: Span(std::time::Duration::from_secs(600)),
        symptom: sim_fleet::RebootSymptom::Refused,
    };
    expect(
        |knobs| knobs.reboot = Some(reboot),
        5,
        "indeterminate",
        "connect_refused",
    );
}

#[test]
fn a_breached_limit_stops_the_run_while_sending() {
    let lab = LabBuilder::hosts(40).start();
    for host in &lab.hosts()[..5] {
        host.change_knobs(|knobs| knobs.access_denied = true);
    }
    let text = std::fs::read_to_string(Lab::shipped("edr-only.yaml")).expect("a shipped playbook");
    let head = text
        .split("\nrollout:")
        .next()
        .expect("a text has a first part");
    let playbook = lab.write(
        "limited.yaml",
        &format!("{head}\nrollout:\n  rings:\n    - {{ name: all, select: rest, max_parallel: 1, max_failed: 2 }}\n"),
    );
    lab.push(&playbook.display().to_string(), &[])
        .exits(6)
        .says("max_failed");
    let report = lab.report();
    assert_eq!(report["totals"]["failed"], 3, "more than two is a breach");
    assert_eq!(report["totals"]["not_started"], 37);
    assert!(
        lab.hosts()[3..]
            .iter()
            .all(|host| host.counters().connections == 0)
    );
}

#[test]
fn a_run_resumed_for_its_failed_hosts_finishes_them() {
    let (lab, finished) = push_with(|knobs| knobs.access_denied = true, &[]);
    finished.exits(3);
    lab.hosts()[1].change_knobs(|knobs| knobs.access_denied = false);
    lab.run(&["resume", "last", "--only", "failed", "--yes"])
        .succeeds();
    assert_eq!(lab.report()["totals"]["ok"], 3);
}
