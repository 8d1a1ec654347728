//! The table of exit codes (product contract, section 5) by the real program. 2 is proved where plans and audits are.

use e2e::{Lab, LabBuilder};
use sim_fleet::{HostHandle, Knobs, Point, PointKind, Reboot, RebootSymptom, Span};

/// What is done to a host before the push.
type Fault = fn(&mut Knobs);

struct Row {
    code: i32,
    what: &'static str,
    /// Behind the steps of the playbook.
    rollout: &'static str,
    /// Of the first hosts, in order.
    faults: &'static [Fault],
    more: &'static [&'static str],
    password: Option<&'static str>,
}

const fn row(
    code: i32,
    what: &'static str,
    rollout: &'static str,
    faults: &'static [Fault],
) -> Row {
    Row {
        code,
        what,
        rollout,
        faults,
        more: &[],
        password: None,
    }
}

const DENIED: Fault = |knobs| knobs.access_denied = true;
const CLOSED: Fault = |knobs| knobs.refuse = true;
const GONE: Fault = |knobs| {
    knobs.reboot = Some(Reboot {
        at: Point {
            kind: PointKind::Write,
            number: 2,
        },
        lasting: Span(std::time::Duration::from_secs(600)),
        symptom: RebootSymptom::Refused,
    });
};
const FINE: Fault = |_| {};

const ONE_BY_ONE: &str = "rings: [ { name: a, select: all, max_parallel: 1, max_failed: 0 } ]";
const TAKE_BACK: &str =
    "rings: [ { name: a, select: all, max_parallel: 1, max_failed: 0, on_breach: rollback_ring } ]";
const NO_LIMIT: &str = "rings: [ { name: a, select: all } ]";

/// After sending, the first that applies of 130, 1, 9, 5, 7, 6, 3, 4, 0.
const TABLE: &[Row] = &[
    row(0, "all is well", NO_LIMIT, &[]),
    row(3, "a host refuses", NO_LIMIT, &[DENIED]),
    row(4, "a host is unreachable", NO_LIMIT, &[CLOSED]),
    row(
        3,
        "failed outranks unreachable",
        NO_LIMIT,
        &[CLOSED, DENIED],
    ),
    row(5, "a host is indeterminate", NO_LIMIT, &[GONE]),
    row(
        5,
        "indeterminate outranks a limit",
        ONE_BY_ONE,
        &[GONE, DENIED],
    ),
    row(6, "a limit stops the run", ONE_BY_ONE, &[FINE, DENIED]),
    row(7, "a limit takes the ring back", TAKE_BACK, &[FINE, DENIED]),
    Row {
        password: Some("wrong"),
        ..row(9, "the guard trips", NO_LIMIT, &[])
    },
    Row {
        more: &["-l", "nobody-*"],
        ..row(10, "nobody is selected", NO_LIMIT, &[])
    },
    Row {
        more: &["-e", "nonsense"],
        ..row(1, "a mistake on the command line", NO_LIMIT, &[])
    },
    Row {
        more: &["-e", "unknown=1"],
        ..row(
            1,
            "a variable that the playbook does not have",
            NO_LIMIT,
            &[],
        )
    },
];

fn lab() -> Lab {
    // More hosts than the guard allows refusals.
    LabBuilder::hosts(5)
        .own_listeners()
        .defaults("transport: http, auth: negotiate, credential: rollout, connect_timeout: 2s, request_timeout: 3s, host_timeout: 6s")
        .start()
}

fn playbook(lab: &Lab, rollout: &str) -> String {
    let text = std::fs::read_to_string(Lab::shipped("edr-only.yaml")).expect("a shipped playbook");
    let steps = text.split("\nrollout:").next().unwrap_or_default();
    let path = lab.write("p.yaml", &format!("{steps}\nrollout: {{ {rollout} }}\n"));
    path.display().to_string()
}

#[test]
fn the_table_of_exit_codes() {
    let mut wrong = Vec::new();
    for row in TABLE {
        let lab = lab();
        for (host, fault) in lab.hosts().iter().zip(row.faults) {
            host.change_knobs(*fault);
        }
        let arguments = lab.push_arguments(&playbook(&lab, row.rollout), row.more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut program = lab.program(&arguments);
        if let Some(password) = row.password {
            program = program.env("LAB_PASSWORD", password);
        }
        let ended = program.run();
        if ended.code() != Some(row.code) {
            let (code, screen) = (ended.code(), ended.screen());
            wrong.push(format!(
                "{}: {code:?}, not {}\n{screen}",
                row.what, row.code
            ));
        }
        let contacted = |host: &HostHandle| host.counters().connections > 0;
        if matches!(row.code, 1 | 10) && lab.hosts().iter().any(contacted) {
            wrong.push(format!("{}: somebody was contacted", row.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn without_a_terminal_and_a_yes_it_is_refused() {
    let lab = lab();
    let all = lab.push_arguments(&playbook(&lab, NO_LIMIT), &[]);
    let unsaid: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|word| *word != "--yes")
        .collect();
    lab.run(&unsaid).exits(8);
    assert!(
        lab.hosts()
            .iter()
            .all(|host| host.counters().connections == 0)
    );
}

/// Elsewhere there is no signal that one process could send another.
#[cfg(unix)]
#[test]
fn an_interrupted_run_says_so_and_can_be_resumed() {
    let lab = lab();
    for host in lab.hosts() {
        host.change_knobs(|knobs| {
            knobs.latency = Some(std::time::Duration::from_millis(200).into())
        });
    }
    let one_by_one = ONE_BY_ONE.replace(", max_failed: 0", "");
    let events = lab.path("events.jsonl");
    let file = events.display().to_string();
    let arguments = lab.push_arguments(&playbook(&lab, &one_by_one), &["--events", &file]);
    let mut running = lab.spawn(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    running.until_lines(&events, 3);
    let id = running.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(sent.expect("kill can be started").success());
    running.finish().exits(130);
    assert_eq!(lab.report()["exit_code"], 130);
    lab.run(&["resume", "last", "--yes"]).succeeds();
    assert_eq!(lab.report()["totals"]["ok"], 5);
}
