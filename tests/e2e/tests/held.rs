//! Two controllers on one run: one works, the other is told who does. And two runs in one journal disturb nobody.

use std::time::Duration;

use e2e::{Finished, Lab, LabBuilder, Running, until};
use sim_fleet::HostHandle;

const PLAYBOOK: &str =
    "version: 1\nname: held\nsteps:\n  - edr_proxy: { server: '10.0.0.6:8080' }\n";
const PUSH: [&str; 6] = ["push", "-i", "inventory.yaml", "-p", "p.yaml", "--yes"];
const RESUME: [&str; 3] = ["resume", "last", "--yes"];

fn lab(hosts: usize) -> Lab {
    let lab = LabBuilder::hosts(hosts).start();
    lab.write("p.yaml", PLAYBOOK);
    slow(&lab, Some(Duration::from_secs(600)));
    lab
}

fn slow(lab: &Lab, latency: Option<Duration>) {
    for host in lab.hosts() {
        host.change_knobs(|knobs| knobs.latency = latency.map(Into::into));
    }
}

fn contacted(lab: &Lab) -> usize {
    let hosts = lab.hosts();
    let contacted = |host: &&HostHandle| host.counters().connections > 0;
    hosts.iter().filter(contacted).count()
}

/// A push whose hosts do not answer: it lives until it is killed.
fn live(lab: &Lab) -> Running {
    let running = lab.spawn(&PUSH);
    until("all are contacted", || contacted(lab) == lab.hosts().len());
    running
}

/// Refused, with everything that is needed to find the holder.
fn names(ended: Finished, holder: u32) {
    let screen = ended.exits(8).screen();
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let year = "since 20";
    for word in [&format!("process {holder} on "), machine.trim(), year] {
        assert!(screen.contains(word), "no '{word}' in {screen}");
    }
    assert!(
        screen.contains("started by ") && screen.contains('@'),
        "{screen}"
    );
    assert!(screen.contains("nothing was sent to any host"), "{screen}");
}

#[test]
fn a_second_controller_is_told_who_the_first_is() {
    let lab = lab(2);
    let mut running = live(&lab);
    let holder = running.id();
    names(lab.run(&RESUME), holder);
    names(
        lab.run(&["resume", "last", "--only", "failed", "--yes"]),
        holder,
    );
    names(lab.run(&["catch-up", "last", "--yes"]), holder);
    names(lab.run(&["rollback", "last", "--yes"]), holder);
    // Nor is it dead because somebody says so.
    let runs = lab.run(&["runs", "-o", "json"]).succeeds().json();
    let id = runs["runs"][0]["id"].as_str().expect("an id").to_owned();
    let void = [&PUSH[..], &["--void-marker", &id]].concat();
    names(lab.run(&void).says("is at work"), holder);
    assert!(running.lives());
    running.kill();
    running.finish();
    // Nobody is named any more, and nothing has to be broken by hand.
    slow(&lab, None);
    lab.run(&RESUME).succeeds();
    assert_eq!(lab.report()["totals"]["ok"], 2);
}

#[test]
fn of_two_that_take_over_a_dead_run_one_wins() {
    let lab = lab(2);
    for _ in 0..4 {
        let mut dead = match contacted(&lab) {
            0 => live(&lab),
            _ => {
                let before = requests(&lab);
                let running = lab.spawn(&RESUME);
                until("a host is asked", || requests(&lab) > before);
                running
            }
        };
        dead.kill();
        dead.finish();
        let mut rivals = [lab.spawn(&RESUME), lab.spawn(&RESUME)];
        // The hosts do not answer, so the winner lives on.
        until("one gives way", || {
            rivals.iter_mut().any(|rival| !rival.lives())
        });
        let [one, other] = rivals;
        let (mut winner, loser) = sorted(one, other);
        let holder = winner.id();
        names(loser.finish(), holder);
        assert!(winner.lives());
        winner.kill();
        winner.finish();
    }
    slow(&lab, None);
    lab.run(&RESUME).succeeds();
    let report = lab.report();
    assert_eq!(report["totals"]["ok"], 2);
    assert_eq!(report["totals"]["changed"], 2);
    for host in lab.hosts() {
        assert_eq!(e2e::written(&host).len(), 2, "{}", host.name());
    }
}

fn requests(lab: &Lab) -> u64 {
    let hosts = lab.hosts();
    hosts.iter().map(|host| host.counters().requests).sum()
}

/// The one that lives first.
fn sorted(mut one: Running, other: Running) -> (Running, Running) {
    if one.lives() {
        (one, other)
    } else {
        (other, one)
    }
}

#[test]
fn two_pushes_share_a_journal_and_both_are_kept() {
    let lab = lab(3);
    slow(&lab, None);
    // On hosts they would keep each other away.
    lab.write(
        "p.yaml",
        &format!("{PLAYBOOK}rollout: {{ host_marker: false }}\n"),
    );
    let one = lab.spawn(&PUSH);
    let other = lab.spawn(&PUSH);
    one.finish().succeeds();
    other.finish().succeeds();
    let runs = lab.run(&["runs", "-o", "json"]).succeeds().json();
    let runs = runs["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 2);
    for run in runs {
        assert_eq!(run["state"], "succeeded");
        assert_eq!(run["totals"]["ok"], 3);
        lab.run(&["verify", run["id"].as_str().expect("an id")])
            .succeeds();
    }
}

/// Two operators with journals of their own and another proxy each come to the same hosts at the same time, without a word
/// about markers in the playbook: no host ends with values of both, and both reports are true.
#[test]
fn two_operators_do_not_interleave_on_a_host() {
    // Whether they really meet is up to the machine.
    let met = (0..10).any(|_| two_at_once() > 0);
    assert!(met, "they never met on a host");
}

/// How many hosts one of the two found held by the other.
fn two_at_once() -> usize {
    const PROXIES: [&str; 2] = ["one.example:1", "two.example:2"];
    let lab = lab(4);
    let steps = "steps:\n  - edr_proxy: { server: '{{ proxy }}' }\n  - av_proxy: { server: 'http://{{ proxy }}' }\n";
    let head = "version: 1\nname: two\nvars: { proxy: { type: host_port, required: true } }\n";
    lab.write("p.yaml", &format!("{head}{steps}"));
    slow(&lab, Some(Duration::from_millis(20)));
    let pushing = PROXIES.map(|proxy| {
        let (journal, var) = (format!("{}.sqlite", &proxy[..3]), format!("proxy={proxy}"));
        let own = ["-o", "json", "--journal", &journal, "-e", &var];
        lab.spawn(&[&PUSH[..], &own[..]].concat())
    });
    let reports = pushing.map(|push| push.finish().json());
    let mut held = 0;
    for (place, host) in lab.hosts().iter().enumerate() {
        let told = [0, 1].map(|run| &reports[run]["hosts"][place]);
        let text = |key: &str, value| {
            let key = format!(r"SOFTWARE\Policies\Microsoft\{key}");
            host.value(&key, value).map(|value| value.as_text())
        };
        let edr = text(r"Windows\DataCollection", "TelemetryProxyServer");
        let av = text("Windows Defender", "ProxyServer");
        let all = format!("{told:?}: {edr:?} {av:?}");
        let bare = av.as_ref().map(|av| av.replace("http://", ""));
        assert_eq!(edr, bare, "values of both: {all}");
        assert!(!host.key_exists(r"SOFTWARE\winfleet-run"), "{all}");
        for host in told {
            let refused = host["reason"] == "held_by_another" && host["changed"] == false;
            assert!(refused || host["outcome"] == "ok", "{all}");
            held += usize::from(refused);
        }
        let last = PROXIES
            .iter()
            .position(|proxy| edr.as_deref() == Some(proxy));
        let Some(last) = last else {
            let none = told.iter().all(|host| host["outcome"] != "ok");
            assert!(none && edr.is_none(), "{all}");
            continue;
        };
        assert_eq!(told[last]["outcome"], "ok", "{all}");
        if told[1 - last]["outcome"] == "ok" {
            // One after the other: what the first one left is what the last one can put back.
            let before = &told[last]["steps"][1]["changes"][0]["before"]["text"];
            assert_eq!(before, &format!("http://{}", PROXIES[1 - last]), "{all}");
        }
    }
    held
}
