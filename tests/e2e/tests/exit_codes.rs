//! The exit codes as scripts see them: the whole table, by the real program.
//!
//! 130 belongs to the terminal at which somebody sits: `steer.rs`.

use e2e::{Finished, Lab, LabBuilder};
use sim_fleet::{Knobs, Point, PointKind, Reboot, RebootSymptom, Span};

use Host::{Closed, Denies, Fails, GoesDown, Sound};

/// What happens to a host.
#[derive(Clone, Copy, PartialEq)]
enum Host {
    /// Does what it is told.
    Sound,
    /// Logs on and denies everything else.
    Denies,
    /// Nobody listens.
    Closed,
    /// Goes down after its first write and stays down.
    GoesDown,
    /// Takes the first values and then lets `netsh` fail.
    Fails,
}

impl Host {
    fn set(self, knobs: &mut Knobs) {
        match self {
            Sound => {}
            Denies => knobs.access_denied = true,
            Closed => knobs.refuse = true,
            Fails => knobs.netsh = Some(sim_fleet::NetshKnob::NoEffect),
            GoesDown => {
                knobs.reboot = Some(Reboot {
                    at: Point {
                        kind: PointKind::Write,
                        number: 2,
                    },
                    lasting: Span(std::time::Duration::from_secs(600)),
                    symptom: RebootSymptom::Refused,
                });
            }
        }
    }
}

/// Three hosts, one at a time, and what stands in the playbook's one ring or in `rollout`.
struct Push {
    code: i32,
    when: &'static str,
    hosts: [Host; 3],
    ring: &'static str,
    run: &'static str,
}

const fn push(code: i32, when: &'static str, hosts: [Host; 3], ring: &'static str) -> Push {
    Push {
        code,
        when,
        hosts,
        ring,
        run: "",
    }
}

const PUSHES: &[Push] = &[
    push(0, "all is done", [Sound, Sound, Sound], ""),
    push(3, "some failed", [Sound, Denies, Sound], ""),
    push(
        3,
        "some failed, no limit breached",
        [Sound, Denies, Sound],
        "max_failed: 1",
    ),
    push(4, "some unreachable", [Sound, Closed, Sound], ""),
    push(3, "failed before unreachable", [Denies, Closed, Sound], ""),
    push(5, "some indeterminate", [Sound, GoesDown, Sound], ""),
    push(
        5,
        "indeterminate before failed",
        [Denies, GoesDown, Sound],
        "",
    ),
    push(6, "stopped", [Sound, Denies, Sound], "max_failed: 0"),
    push(
        6,
        "stopped before failed and unreachable",
        [Denies, Closed, Sound],
        "max_unreachable: 0",
    ),
    push(
        6,
        "paused",
        [Sound, Denies, Sound],
        "max_failed: 0, on_breach: pause",
    ),
    push(
        5,
        "indeterminate before stopped",
        [GoesDown, Denies, Sound],
        "max_failed: 0",
    ),
    push(
        7,
        "ring taken back",
        [Sound, Fails, Sound],
        "max_failed: 0, on_breach: rollback_ring",
    ),
    Push {
        code: 7,
        when: "run taken back",
        hosts: [Sound, Denies, Sound],
        ring: "",
        run: "max_failed: '1%', on_breach: rollback_run, ",
    },
    push(
        5,
        "indeterminate before taken back",
        [GoesDown, Denies, Sound],
        "max_failed: 0, on_breach: rollback_ring",
    ),
];

impl Push {
    fn go(&self) -> (Lab, Finished) {
        let lab = LabBuilder::hosts(3)
            .own_listeners()
            .defaults("transport: http, auth: negotiate, credential: rollout, connect_timeout: 5s, request_timeout: 5s, host_timeout: 8s")
            .start();
        for (host, fate) in lab.hosts().iter().zip(self.hosts) {
            host.change_knobs(|knobs| fate.set(knobs));
        }
        let steps = std::fs::read_to_string(lab.unlimited("full-proxy-set.yaml")).expect("steps");
        let ring = format!("name: all, select: rest, max_parallel: 1, {}", self.ring);
        let rollout = format!("rollout: {{ {}rings: [ {{ {ring} }} ] }}\n", self.run);
        let playbook = lab.write("p.yaml", &format!("{steps}{rollout}"));
        let finished = lab.push(&playbook.display().to_string(), &[]);
        (lab, finished)
    }
}

#[test]
fn the_codes_of_runs() {
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        let runs: Vec<_> = PUSHES
            .iter()
            .map(|row| (row, scope.spawn(|| row.go())))
            .collect();
        for (row, run) in runs {
            let (lab, finished) = run.join().expect("a push ends");
            let recorded = lab.report()["exit_code"].clone();
            if finished.code() != Some(row.code) || recorded != row.code {
                wrong.push(format!(
                    "{}: wanted {}, got {:?}, recorded {recorded}\n{}",
                    row.when,
                    row.code,
                    finished.code(),
                    finished.screen()
                ));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A command line in a laboratory where one push of two hosts has succeeded and one rehearsal has been recorded.
#[rustfmt::skip]
const COMMANDS: &[(i32, &str, &str)] = &[
    (0, "nothing to do", "push -i inventory.yaml -p p.yaml --yes"),
    (0, "a report of what was", "report last"),
    (0, "files are right", "check inventory.yaml p.yaml"),
    (0, "everybody answers", "ping -i inventory.yaml"),
    (0, "all restored", "rollback last --yes"),
    (0, "nothing left to restore", "rollback {push} --yes -l pc-0001*"),
    (1, "an unknown verb", "pusch"),
    (1, "a missing file", "push -i nowhere.yaml -p p.yaml --yes"),
    (1, "an unknown run", "resume nope --yes"),
    (1, "a playbook for what has one", "resume last -p p.yaml --yes"),
    (1, "a variable that nobody declares", "push -i inventory.yaml -p p.yaml -e nope=1 --yes"),
    (2, "changes are pending", "plan -i inventory.yaml -p other.yaml --detailed-exitcode"),
    (0, "changes are pending, not asked for", "plan -i inventory.yaml -p other.yaml"),
    (2, "drift", "audit -i inventory.yaml -p other.yaml"),
    (8, "nobody to ask", "push -i inventory.yaml -p p.yaml"),
    (8, "nobody to ask, on the way back", "rollback {push}"),
    (8, "ended, not to be resumed", "resume {push} --yes"),
    (8, "a word for nobody", "pause {push}"),
    (8, "a rehearsal on real hosts", "rollback last --journal rehearsals.sqlite --yes"),
    (8, "a closed window", "push -i inventory.yaml -p shut.yaml --yes"),
    (10, "no such host", "push -i inventory.yaml -p p.yaml -l nobody-* --yes"),
    (10, "no such host to ping", "ping -i inventory.yaml -l nobody-*"),
    (1, "no such ring to take back", "rollback {push} --ring nowhere --yes"),
    (10, "no such host to take back", "rollback {push} -l nobody-* --yes"),
];

const P: &str = "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: '10.0.0.6:8080' }\n";

#[test]
fn the_codes_of_commands() {
    let lab = LabBuilder::hosts(2).start();
    lab.write("p.yaml", P);
    lab.write("other.yaml", &P.replace("10.0.0.6", "10.0.0.7"));
    lab.write("shut.yaml", &format!("{P}{}", shut()));
    let push = ["push", "-i", "inventory.yaml", "-p", "p.yaml", "--yes"];
    lab.run(&push).succeeds();
    let id = lab.report()["run"].as_str().map(str::to_owned);
    let id = id.expect("an id");
    let rehearsals = ["--journal", "rehearsals.sqlite"];
    lab.run(&[&["rehearse", "--hosts", "2"][..], &rehearsals].concat())
        .succeeds();
    let mut wrong = Vec::new();
    for (code, when, line) in COMMANDS {
        let line = line.replace("{push}", &id);
        let before = requests(&lab);
        let finished = lab.run(&line.split(' ').collect::<Vec<_>>());
        if [1, 8, 10].contains(code) && requests(&lab) != before {
            wrong.push(format!("{when}: {line}: somebody was contacted"));
        }
        if finished.code() != Some(*code) {
            wrong.push(format!(
                "{when}: {line}: wanted {code}, got {:?}\n{}",
                finished.code(),
                finished.screen()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn requests(lab: &Lab) -> u64 {
    let hosts = lab.hosts();
    hosts.iter().map(|host| host.counters().requests).sum()
}

/// A ring whose window is never open today: it opens three days from now, for an hour.
pub(crate) fn shut() -> String {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    // The first of January 1970 was a Thursday.
    let since = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("after 1970");
    let day = days[(since.as_secs() / 86_400 + 3 + 3) as usize % 7];
    format!(
        "rollout: {{ rings: [ {{ name: all, select: rest, windows: [ {{ days: [{day}], from: '10:00', to: '11:00', tz: UTC }} ] }} ] }}\n"
    )
}

#[test]
fn a_wrong_password_is_9_whatever_else_happens() {
    let lab = LabBuilder::hosts(5).own_listeners().start();
    lab.hosts()[0].change_knobs(|knobs| knobs.refuse = true);
    let arguments = lab.push_arguments(&lab.unlimited("edr-only.yaml"), &[]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    lab.program(&arguments)
        .env("LAB_PASSWORD", "wrong")
        .run()
        .exits(9);
    assert_eq!(lab.report()["exit_code"], 9);
}
