//! A push, a catch-up and a rollback of one made-up fleet, with or without somebody who kills the controller.

use std::time::{Duration, Instant};

use e2e::{Finished, Lab, LabBuilder};
use serde_json::{Value, json};
use sim_fleet::{FleetSpec, HostHandle, Operation, RegistrySnapshot};

const HOSTS: usize = 5;
/// This one is off during the push.
const AWAY: usize = 4;
/// No kill after so many in one act: every story ends.
const MOST_KILLS: u64 = 6;

const PLAYBOOK: &str = r"version: 1
name: story
steps:
  - av_proxy: { server: 'http://10.0.0.6:8080' }
  - winhttp_proxy: { server: '10.0.0.6:8080', bypass: ['<local>'] }
  - registry: { key: 'HKLM\SOFTWARE\Example\Deep\Deeper', value: Mark, type: qword, data: 7 }
rollout:
  rings:
    - { name: first, select: 'pc-000[12]*', max_parallel: 2 }
    - { name: rest, select: rest, max_parallel: 3 }
";

/// What an operator does, each a command that may be killed.
const ACTS: [&[&str]; 3] = [
    &["push", "-i", "inventory.yaml", "-p", "p.yaml", "--yes"],
    &["catch-up", "last", "--yes"],
    &["rollback", "last", "--yes"],
];

/// How each of them ends: one host is off during the push.
const CODES: [i32; 3] = [4, 0, 0];

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// What is left of an act: the report of its run, and of each host the registry and all that was written to it so far.
pub(crate) struct Act {
    report: Value,
    hosts: Vec<(RegistrySnapshot, Vec<String>)>,
}

/// A made-up fleet and what becomes of it when nobody disturbs.
pub(crate) struct Fleet {
    pub(crate) seed: u64,
    undisturbed: Vec<Act>,
    lasted: Vec<Duration>,
}

/// Decides whether a command lives.
pub(crate) struct Killer {
    dice: Dice,
    lasted: Vec<Duration>,
    left: u64,
    killed: usize,
}

impl Killer {
    pub(crate) fn new(dice: Dice, fleet: &Fleet) -> Self {
        Self {
            dice,
            lasted: fleet.lasted.clone(),
            left: 0,
            killed: 0,
        }
    }

    /// Kills nobody.
    fn asleep() -> Self {
        Self {
            dice: Dice::of(0),
            lasted: Vec::new(),
            left: 0,
            killed: 0,
        }
    }

    /// How many commands died of it.
    pub(crate) fn killed(&self) -> usize {
        self.killed
    }

    fn next_act(&mut self) {
        if !self.lasted.is_empty() {
            self.left = self.dice.roll(MOST_KILLS + 1);
        }
    }

    /// The instant at which the next command dies, counted from its start. A little beyond its usual end, so that the
    /// very end is met as well.
    fn instant(&mut self, act: usize) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let usual = u64::try_from(self.lasted[act].as_micros()).expect("not that long");
        Some(Duration::from_micros(self.dice.roll(usual + usual / 20)))
    }
}

impl Fleet {
    /// Makes it up, and tells its story undisturbed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut fleet = Self {
            seed,
            undisturbed: Vec::new(),
            lasted: Vec::new(),
        };
        let lab = fleet.lab();
        let mut asleep = Killer::asleep();
        for act in 0..ACTS.len() {
            let since = Instant::now();
            perform(&lab, act, &mut asleep);
            fleet.lasted.push(since.elapsed());
            fleet.undisturbed.push(left_by(&lab));
        }
        fleet
    }

    fn lab(&self) -> Lab {
        let lab = LabBuilder::of(FleetSpec::made_up(HOSTS, self.seed))
            .own_listeners()
            .start();
        lab.write("p.yaml", PLAYBOOK);
        for host in lab.hosts() {
            host.change_knobs(|knobs| knobs.latency = Some(Duration::from_millis(1).into()));
        }
        lab
    }

    /// The whole story with a killer at work.
    pub(crate) fn story(&self, killer: &mut Killer) -> Vec<Act> {
        let lab = self.lab();
        let mut acts = Vec::new();
        for act in 0..ACTS.len() {
            killer.next_act();
            perform(&lab, act, killer);
            acts.push(left_by(&lab));
        }
        for run in runs(&lab) {
            let id = run["id"].as_str().expect("an id");
            lab.run(&["verify", id]).succeeds();
        }
        acts
    }

    /// A push that is killed and never resumed, but taken back as it is: every host is as it was.
    pub(crate) fn given_up(&self, killer: &mut Killer) {
        let lab = self.lab();
        let before: Vec<_> = lab.hosts().iter().map(HostHandle::registry).collect();
        killer.next_act();
        lab.hosts()[AWAY].change_knobs(|knobs| knobs.refuse = true);
        run(&lab, ACTS[0], 0, killer);
        if runs(&lab).is_empty() {
            assert_eq!(sent(&lab), [0; HOSTS], "sent without a record");
            return;
        }
        killer.next_act();
        perform(&lab, 2, killer);
        for (host, before) in lab.hosts().iter().zip(before) {
            let left = before.difference(&host.registry());
            assert_eq!(left, [""; 0], "{}", host.name());
        }
    }

    /// Asserts that a story went as the undisturbed one.
    pub(crate) fn compare(&self, story: &[Act]) {
        for ((act, found), wanted) in ACTS.iter().zip(story).zip(&self.undisturbed) {
            let name = act[0];
            assert_eq!(found.report, wanted.report, "the report after the {name}");
            for (place, wanted) in wanted.hosts.iter().enumerate() {
                let (found, host) = (&found.hosts[place], place + 1);
                assert_eq!(found.1, wanted.1, "writes to host {host} by the {name}");
                assert!(found.0 == wanted.0, "registry of host {host}, {name}");
            }
        }
    }
}

/// One act to its end, with all commands that it takes.
fn perform(lab: &Lab, act: usize, killer: &mut Killer) {
    let away = act == 0;
    lab.hosts()[AWAY].change_knobs(|knobs| knobs.refuse = away);
    let runs_before = runs(lab).len();
    let sent_before = sent(lab);
    let mut command = ACTS[act];
    loop {
        if let Some(ended) = run(lab, command, act, killer) {
            ended.exits(CODES[act]);
            return;
        }
        let runs = runs(lab);
        let begun = act == 1 || runs.len() > runs_before;
        if !begun {
            assert_eq!(sent(lab), sent_before, "sent without a record");
            continue;
        }
        let newest = &runs[0];
        command = match newest["state"].as_str().expect("a state") {
            "succeeded" | "failed" if act == 1 => ACTS[act],
            "succeeded" | "failed" => return,
            _ => &["resume", "last", "--yes"],
        };
    }
}

/// `None` where it was killed.
fn run(lab: &Lab, command: &[&str], act: usize, killer: &mut Killer) -> Option<Finished> {
    let Some(instant) = killer.instant(act) else {
        return Some(lab.run(command));
    };
    let mut running = lab.spawn(command);
    if running.kill_after(instant) {
        killer.killed += 1;
        running.finish();
        return None;
    }
    Some(running.finish())
}

fn runs(lab: &Lab) -> Vec<Value> {
    let listed = lab.run(&["runs", "-o", "json"]).succeeds().json();
    listed["runs"].as_array().expect("runs").clone()
}

/// Requests of each host so far.
fn sent(lab: &Lab) -> Vec<u64> {
    let hosts = lab.hosts();
    hosts.iter().map(|host| host.counters().requests).collect()
}

fn left_by(lab: &Lab) -> Act {
    let hosts = lab.hosts();
    lab.run(&["verify", "last"]).succeeds();
    let line = |write: &Operation| format!("{} {}: {}", write.action, write.target, write.outcome);
    // How many markers there were depends on the deaths. That none stays shows the registry.
    let left = |host: &HostHandle| {
        let writes = e2e::written(host);
        (host.registry(), writes.iter().map(line).collect())
    };
    Act {
        report: essence(&lab.report()),
        hosts: hosts.iter().map(left).collect(),
    }
}

/// What of a report does not depend on when, and in how many attempts.
fn essence(report: &Value) -> Value {
    let hosts = report["hosts"].as_array().expect("hosts");
    let hosts: Vec<Value> = hosts
        .iter()
        .map(|host| {
            let steps = host["steps"].as_array().expect("steps");
            let steps: Vec<Value> = steps
                .iter()
                .map(|step| json!([step["name"], step["state"], step["changes"]]))
                .collect();
            json!({
                "name": host["name"], "ring": host["ring"], "outcome": host["outcome"],
                "changed": host["changed"], "reason": host["reason"], "steps": steps,
            })
        })
        .collect();
    json!({ "exit_code": report["exit_code"], "state": report["state"], "totals": report["totals"], "hosts": hosts })
}
