//! Hosts that were off come back: `catch-up`, once and again and again; and the rollback's own flags.

use e2e::{Lab, LabBuilder};
use sim_fleet::HostHandle;

const PLAYBOOK: &str =
    "version: 1\nname: late\nsteps:\n  - edr_proxy: { server: '10.0.0.6:8080' }\n";

fn away(host: &HostHandle, away: bool) {
    host.change_knobs(|knobs| knobs.refuse = away);
}

fn lab(hosts: usize) -> Lab {
    let lab = LabBuilder::hosts(hosts).own_listeners().start();
    lab.write("p.yaml", PLAYBOOK);
    lab
}

fn push(lab: &Lab) -> e2e::Finished {
    lab.run(&["push", "-i", "inventory.yaml", "-p", "p.yaml", "--yes"])
}

#[test]
fn hosts_that_were_off_are_taken_up_when_they_answer() {
    let lab = lab(4);
    away(&lab.hosts()[1], true);
    away(&lab.hosts()[2], true);
    push(&lab).exits(4);
    // Nobody answers: nothing is recorded, the run stays as it is.
    lab.run(&["catch-up", "last", "--yes"])
        .exits(4)
        .says("0 of 2 unreachable hosts answer");
    let writes = lab.hosts()[0].counters().writes;
    away(&lab.hosts()[1], false);
    lab.run(&["catch-up", "last", "--yes"])
        .exits(4)
        .says("1 of 2 unreachable hosts answer");
    let report = lab.report();
    assert_eq!(
        (&report["totals"]["ok"], &report["totals"]["unreachable"]),
        (&3.into(), &1.into())
    );
    away(&lab.hosts()[2], false);
    lab.run(&["catch-up", "last", "--yes"]).succeeds();
    assert_eq!(lab.report()["totals"]["ok"], 4);
    assert_eq!(
        lab.hosts()[0].counters().writes,
        writes,
        "who was done is left alone"
    );
    lab.run(&["catch-up", "last", "--yes"])
        .succeeds()
        .says("no selected host is unreachable");
}

#[test]
fn a_run_that_was_taken_back_or_aborted_is_never_caught_up() {
    let lab = lab(3);
    away(&lab.hosts()[1], true);
    push(&lab).exits(4);
    let id = lab.report()["run"].as_str().unwrap().to_owned();
    lab.run(&["rollback", &id, "--yes"]).succeeds();
    away(&lab.hosts()[1], false);
    let connections = lab.hosts()[1].counters().connections;
    lab.run(&["catch-up", &id, "--yes"])
        .exits(8)
        .says("it was taken back");
    assert_eq!(
        lab.hosts()[1].counters().connections,
        connections,
        "nobody is contacted"
    );
    // A person may still go on with it, and is told.
    lab.run(&["resume", &id, "--only", "unreachable", "--yes"])
        .succeeds()
        .says("took hosts of this run back");
}

#[test]
fn a_catch_up_keeps_looking_until_everybody_is_done() {
    let lab = lab(2);
    away(&lab.hosts()[1], true);
    push(&lab).exits(4);
    let running = lab.spawn(&["catch-up", "last", "--yes", "--every", "1s", "--for", "1d"]);
    running.until_says("looking again");
    away(&lab.hosts()[1], false);
    running.finish().exits(0);
    assert_eq!(lab.report()["totals"]["ok"], 2);
}

#[test]
fn a_rollback_shows_first_what_it_would_put_back_and_what_conflicts() {
    let lab = lab(3);
    let steps = format!("{PLAYBOOK}  - av_proxy: {{ server: 'http://10.0.0.6:8080' }}\n");
    lab.write("p.yaml", &steps);
    push(&lab).succeeds();
    let key = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";
    let foreign = sim_fleet::RawValue::sz("xy:8");
    lab.hosts()[2].set_value(key, "TelemetryProxyServer", foreign);
    lab.hosts()[2].set_value(
        key,
        "DisableEnterpriseAuthProxy",
        sim_fleet::RawValue::dword(7),
    );
    let writes: Vec<_> = lab
        .hosts()
        .iter()
        .map(|host| host.counters().writes)
        .collect();
    lab.run(&["rollback", "last", "--dry-run"])
        .exits(3)
        .says("2 hosts")
        .says("before the run absent")
        .says("will be left alone: conflict")
        .says("now 'xy:8'")
        // All that conflicts, not the first alone, and what is put back all the same.
        .says("now '7'")
        .says("'http://10.0.0.6:8080' -> absent");
    assert_eq!(
        writes,
        lab.hosts()
            .iter()
            .map(|host| host.counters().writes)
            .collect::<Vec<_>>()
    );
    let conflict = lab
        .run(&["rollback", "last", "--yes", "-o", "json"])
        .exits(3)
        .json();
    assert_eq!(
        (
            &conflict["totals"]["rolled_back"],
            &conflict["totals"]["conflict"]
        ),
        (&2.into(), &1.into())
    );
    let detail = conflict.to_string();
    assert!(
        detail.contains("the run left '10.0.0.6:8080' (registry type 1), now 'xy:8'"),
        "{detail}"
    );
}

#[test]
fn a_rollback_has_limits_of_its_own() {
    let lab = lab(6);
    push(&lab).succeeds();
    for host in lab.hosts() {
        host.change_knobs(|knobs| knobs.access_denied = true);
    }
    lab.run(&[
        "rollback",
        "last",
        "--yes",
        "--max-failed",
        "1",
        "--max-parallel",
        "1",
    ])
    .exits(6);
    let report = lab.report();
    assert_eq!(
        (
            &report["totals"]["failed"],
            &report["totals"]["not_started"]
        ),
        (&2.into(), &4.into())
    );
}

#[test]
fn a_deletion_takes_the_limits_of_the_command_line() {
    let lab = lab(3);
    push(&lab).succeeds();
    away(&lab.hosts()[0], true);
    let delete = [
        "rollback",
        "--mode",
        "delete",
        "-i",
        "inventory.yaml",
        "-p",
        "p.yaml",
        "--yes",
    ];
    let limits = ["--max-unreachable", "0", "--max-parallel", "1"];
    lab.run(&[&delete[..], &limits[..]].concat()).exits(6);
    let report = lab.report();
    assert_eq!(report["totals"]["not_started"], 2, "{report}");
}
