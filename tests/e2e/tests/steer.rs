//! Words from another terminal, Ctrl-C at the holder's own, and signals: with the real program and slow hosts.

use std::time::Duration;

use e2e::{Lab, LabBuilder, Running, until};
use serde_json::Value;
use sim_fleet::HostHandle;

const STEPS: &str = "version: 1\nname: steered\nsteps:\n  - edr_proxy: { server: '10.0.0.6:8080' }\n  - winhttp_proxy: { server: '10.0.0.6:8080' }\n";
const ALL: &str = "rollout: { rings: [ { name: all, select: rest, max_parallel: 2 } ] }\n";
const GATED: &str = "rollout: { rings: [ { name: first, select: 'pc-000[12]*', approve: true }, { name: second, select: rest } ] }\n";

/// Eight hosts whose every answer takes a while.
fn slow() -> Lab {
    let lab = LabBuilder::hosts(8).start();
    set_latency(&lab, Some(Duration::from_millis(120)));
    lab
}

fn set_latency(lab: &Lab, latency: Option<Duration>) {
    for host in lab.hosts() {
        host.change_knobs(|knobs| knobs.latency = latency.map(Into::into));
    }
}

fn arguments(lab: &Lab, rollout: &str) -> [&'static str; 6] {
    lab.write("p.yaml", &format!("{STEPS}{rollout}"));
    ["push", "-i", "inventory.yaml", "-p", "p.yaml", "--yes"]
}

/// A push of which some hosts are at work.
fn live(lab: &Lab) -> Running {
    let running = lab.spawn(&arguments(lab, ALL));
    until("a host is written to", || {
        lab.hosts()[0].counters().writes > 0
    });
    running
}

fn status(lab: &Lab) -> Value {
    lab.run(&["status", "last", "-o", "json"]).succeeds().json()
}

fn contacted(lab: &Lab) -> usize {
    let contacted = |host: &&HostHandle| host.counters().connections > 0;
    lab.hosts().iter().filter(contacted).count()
}

fn no_shell_stays(lab: &Lab) {
    for host in lab.hosts() {
        assert_eq!(host.counters().shells_open, 0, "{}", host.name());
    }
}

/// The rest of the way: everything is done, once, and can be taken back.
fn goes_on_to_the_end(lab: &Lab) {
    set_latency(lab, None);
    lab.run(&["resume", "last", "--yes"]).succeeds();
    let report = lab.report();
    assert_eq!(report["state"], "succeeded");
    assert_eq!(report["totals"]["ok"], lab.hosts().len());
    assert_eq!(report["totals"]["changed"], lab.hosts().len());
    lab.run(&["rollback", "last", "--yes"]).succeeds();
    no_shell_stays(lab);
}

#[test]
fn a_pause_ends_an_unattended_holder_and_resume_goes_on() {
    let lab = slow();
    let running = live(&lab);
    lab.run(&["pause", "last"]).succeeds();
    running.finish().exits(6);
    let status = status(&lab);
    assert_eq!(status["state"], "paused");
    let ended = status["totals"]["ok"].as_u64().expect("a number") as usize;
    assert_eq!(ended, contacted(&lab), "those in flight end");
    assert!((1..8).contains(&ended), "{ended}");
    no_shell_stays(&lab);
    goes_on_to_the_end(&lab);
}

#[test]
fn an_approval_after_the_holder_ended_lets_resume_go_on() {
    let lab = LabBuilder::hosts(4).start();
    lab.run(&arguments(&lab, GATED)).exits(6).says("approve");
    assert_eq!(contacted(&lab), 2);
    lab.run(&["resume", "last", "--yes"]).exits(6);
    assert_eq!(contacted(&lab), 2, "nobody has approved");
    lab.run(&["approve", "last", "--ring", "second"]).exits(8);
    lab.run(&["approve", "last", "--ring", "first"]).succeeds();
    goes_on_to_the_end(&lab);
}

#[test]
fn an_aborted_run_is_never_resumed() {
    let lab = slow();
    let running = live(&lab);
    lab.run(&["abort", "last"]).succeeds();
    running.finish().exits(6);
    let after = contacted(&lab);
    assert!(after < 8);
    assert_eq!(status(&lab)["state"], "cancelled");
    lab.run(&["resume", "last", "--yes"]).exits(8);
    lab.run(&["resume", "last", "--only", "not_started", "--yes"])
        .exits(8);
    assert_eq!(contacted(&lab), after);
    no_shell_stays(&lab);

    let lab = LabBuilder::hosts(4).start();
    lab.run(&arguments(&lab, GATED)).exits(6);
    lab.run(&["abort", "last"]).succeeds();
    assert_eq!(status(&lab)["state"], "cancelled");
    lab.run(&["approve", "last"]).exits(8);
    lab.run(&["resume", "last", "--yes"]).exits(8);
    assert_eq!(contacted(&lab), 2);
}

#[test]
fn a_watcher_follows_a_run_to_its_end() {
    let lab = slow();
    let running = live(&lab);
    let watcher = lab.spawn(&["status", "last", "--watch", "-o", "jsonl"]);
    running.finish().succeeds();
    let seen = watcher.finish().succeeds().stdout();
    let states: Vec<Value> = seen
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(states.first().expect("a line")["state"], "running");
    let last = states.last().expect("a line");
    assert_eq!(last["state"], "succeeded");
    assert_eq!(last["totals"]["ok"], 8);
}

#[test]
fn a_closed_window_contacts_nobody() {
    let lab = LabBuilder::hosts(2).start();
    lab.run(&arguments(&lab, &crate::exit_codes::shut()))
        .exits(8)
        .says("window");
    assert_eq!(contacted(&lab), 0);
}

#[test]
fn an_attended_holder_waits_at_the_gate_until_somebody_approves() {
    let lab = LabBuilder::hosts(4).start();
    let seated = lab.program(&arguments(&lab, GATED)).at_terminal();
    until("the gate", || {
        let runs = lab.run(&["runs", "-o", "json"]).succeeds().json();
        !runs["runs"][0].is_null() && status(&lab)["hold"]["cause"] == "approval"
    });
    assert_eq!(contacted(&lab), 2);
    lab.run(&["approve", "last"]).succeeds();
    seated.exits(0);
    assert_eq!(lab.report()["totals"]["ok"], 4);
}

#[cfg(unix)]
#[test]
fn a_holder_that_is_killed_at_the_gate_leaves_an_interrupted_run() {
    let lab = LabBuilder::hosts(4).start();
    let seated = lab.program(&arguments(&lab, GATED)).at_terminal();
    until("the gate", || {
        let runs = lab.run(&["runs", "-o", "json"]).succeeds().json();
        !runs["runs"][0].is_null() && status(&lab)["hold"]["cause"] == "approval"
    });
    assert_eq!(status(&lab)["state"], "paused");
    seated.kill();
    let runs = lab.run(&["runs", "-o", "json"]).succeeds().json();
    assert_eq!(runs["runs"][0]["state"], "interrupted");
    assert_eq!(status(&lab)["state"], "interrupted");
    lab.run(&["approve", "last"]).succeeds();
    goes_on_to_the_end(&lab);
}

#[test]
fn an_attended_holder_that_is_paused_goes_on_at_a_word() {
    let lab = slow();
    let seated = lab.program(&arguments(&lab, ALL)).at_terminal();
    until("a host is written to", || {
        lab.hosts()[0].counters().writes > 0
    });
    lab.run(&["pause", "last"]).succeeds();
    until("it waits", || status(&lab)["state"] == "paused");
    let held = contacted(&lab);
    assert!(held < 8);
    set_latency(&lab, None);
    lab.run(&["resume", "last"]).succeeds();
    seated.exits(0);
    assert_eq!(lab.report()["totals"]["ok"], 8);
}

#[cfg(unix)]
#[test]
fn the_first_ctrl_c_starts_nobody_and_lets_those_in_flight_end() {
    let lab = slow();
    let running = live(&lab);
    running.interrupt();
    running.finish().exits(130);
    let report = lab.report();
    assert_eq!(report["state"], "interrupted");
    assert_eq!(report["totals"]["ok"], contacted(&lab));
    assert!(contacted(&lab) < 8);
    no_shell_stays(&lab);
    goes_on_to_the_end(&lab);
}

#[cfg(unix)]
#[test]
fn the_second_ctrl_c_gives_up_those_in_flight() {
    let lab = LabBuilder::hosts(8).start();
    // Two with a shell open whose command never ends, and more that are not reached.
    for host in &lab.hosts()[..2] {
        host.change_knobs(|knobs| knobs.latency = Some(Duration::from_secs(600).into()));
    }
    let running = lab.spawn(&arguments(&lab, ALL));
    until("two hosts are at work", || contacted(&lab) == 2);
    running.interrupt();
    running.until_says("Ctrl-C again");
    running.interrupt();
    running.finish().exits(130);
    let report = lab.report();
    assert_eq!(report["state"], "interrupted");
    assert_eq!(report["totals"]["ok"], 0);
    assert_eq!(contacted(&lab), 2);
    goes_on_to_the_end(&lab);
}

#[cfg(unix)]
#[test]
fn giving_up_in_the_middle_of_a_command_leaves_no_shell() {
    let lab = slow();
    let running = lab.spawn(&arguments(&lab, ALL));
    until("a shell is open", || {
        lab.hosts()[0].counters().shells_open > 0
    });
    running.interrupt();
    running.until_says("Ctrl-C again");
    running.interrupt();
    running.finish().exits(130);
    no_shell_stays(&lab);
    let hosts = lab.report()["hosts"].clone();
    for (host, simulated) in hosts.as_array().expect("hosts").iter().zip(lab.hosts()) {
        let written = simulated.counters().writes > 0;
        let outcome = host["outcome"].as_str().unwrap_or("none");
        let known = if written {
            &["ok", "indeterminate"][..]
        } else {
            // A write that was on its way when it was given up: nobody here can know that it did not arrive.
            &["unreachable", "not_started", "none", "indeterminate"][..]
        };
        assert!(known.contains(&outcome), "{host:#}");
    }
    goes_on_to_the_end(&lab);
}

/// Whether these tests run under `nohup`, which the program inherits.
#[cfg(unix)]
fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) & 1 == 1
}

/// What a service manager, a job scheduler or a closed terminal sends.
#[cfg(unix)]
#[test]
fn a_signal_to_end_stops_like_ctrl_c_and_leaves_no_shell() {
    for signal in ["TERM", "HUP"] {
        let lab = LabBuilder::hosts(8)
            .defaults("transport: http, auth: negotiate, credential: rollout, channel: shell")
            .start();
        set_latency(&lab, Some(Duration::from_millis(120)));
        let running = lab.spawn(&arguments(&lab, ALL));
        until("a shell is open", || {
            lab.hosts()[0].counters().shells_open > 0
        });
        running.signal(signal);
        if signal == "HUP" && hangups_are_ignored() {
            // Under `nohup` a run outlives its terminal.
            running.finish().exits(0);
            continue;
        }
        if signal == "HUP" {
            // The system tells of a closed terminal, and so does the shell: that is one word.
            running.until_says("stopping");
            running.signal(signal);
        }
        running.finish().exits(130);
        let report = lab.report();
        assert_eq!(report["state"], "interrupted", "{signal}");
        assert_eq!(report["totals"]["ok"], contacted(&lab), "{signal}");
        assert!((1..8).contains(&contacted(&lab)), "{signal}");
        no_shell_stays(&lab);
        goes_on_to_the_end(&lab);
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_to_end_leaves_now_and_takes_the_shells_away() {
    let lab = LabBuilder::hosts(30)
        .defaults("transport: http, auth: negotiate, credential: rollout, channel: shell")
        .start();
    set_latency(&lab, Some(Duration::from_millis(150)));
    lab.write("p.yaml", STEPS);
    let running = lab.spawn(&["push", "-i", "inventory.yaml", "-p", "p.yaml", "--yes"]);
    until("shells are open", || {
        lab.hosts()
            .iter()
            .any(|host| host.counters().shells_open > 0)
    });
    running.signal("TERM");
    running.until_says("stopping");
    running.signal("TERM");
    running.finish().exits(130);
    assert_eq!(lab.report()["state"], "interrupted");
    no_shell_stays(&lab);
    goes_on_to_the_end(&lab);
}

#[cfg(unix)]
#[test]
fn a_verb_that_only_reads_leaves_no_shell_when_it_is_ended() {
    let lab = LabBuilder::hosts(8)
        .defaults("transport: http, auth: negotiate, credential: rollout, channel: shell")
        .start();
    set_latency(&lab, Some(Duration::from_millis(150)));
    let running = lab.spawn(&["ping", "-i", "inventory.yaml"]);
    until("a shell is open", || {
        lab.hosts()
            .iter()
            .any(|host| host.counters().shells_open > 0)
    });
    running.signal("TERM");
    running.finish().exits(130).says("interrupted");
    no_shell_stays(&lab);
}

#[cfg(unix)]
#[test]
fn a_run_started_to_outlive_its_terminal_does() {
    let lab = slow();
    let running = lab.program(&arguments(&lab, ALL)).without_hang_up().spawn();
    until("a host is written to", || {
        lab.hosts()[0].counters().writes > 0
    });
    running.signal("HUP");
    running.finish().exits(0);
    assert_eq!(lab.report()["totals"]["ok"], 8);
}

/// A terminal that is gone, or a full disk behind a redirection.
#[cfg(target_os = "linux")]
#[test]
fn messages_that_nobody_takes_break_nothing() {
    let lab = LabBuilder::hosts(1).start();
    let full = || {
        let full = std::fs::File::options().write(true).open("/dev/full");
        full.expect("Linux has it")
    };
    let ping = lab.program(&["ping", "-i", "inventory.yaml", "-vvv"]);
    ping.messages_to(full()).run().exits(0);
    let push = lab.program(&arguments(&lab, ALL));
    push.messages_to(full()).run().exits(0);
}
