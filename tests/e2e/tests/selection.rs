//! `-l` with tests of facts: who is selected, who is not judged on a guess, and that mistakes reach no host.

use e2e::{Finished, Lab, LabBuilder};
use sim_fleet::HostOptions;

const FIRST: &str = "pc-0001.corp.example";
const SECOND: &str = "pc-0002.corp.example";
const THIRD: &str = "pc-0003.corp.example";

/// Windows 10 1809, a notebook of today, and a desktop of today.
fn three() -> Lab {
    let lab = LabBuilder::hosts(3).own_listeners().fleet(|fleet| {
        fleet.hosts[0].options = HostOptions::profile("windows_10_1809");
        fleet.hosts[1].options = HostOptions::profile("laptop");
    });
    lab.start()
}

fn verb(lab: &Lab, words: &[&str], selector: &str) -> Finished {
    let more = ["-i", "inventory.yaml", "-o", "json", "-l", selector];
    lab.run(&[words, &more].concat())
}

fn names(finished: &Finished) -> Vec<String> {
    let json = finished.json();
    let hosts = json["hosts"].as_array().expect("hosts").iter();
    let name = |host: &serde_json::Value| host["name"].as_str().expect("a name").to_owned();
    hosts.map(name).collect()
}

fn requests(lab: &Lab) -> Vec<u64> {
    let hosts = lab.hosts();
    hosts.iter().map(|host| host.counters().requests).collect()
}

#[test]
fn hosts_are_selected_by_what_they_are() {
    let lab = three();
    for (selector, expected) in [
        ("facts.os.build >= 17763", &[FIRST, SECOND, THIRD][..]),
        ("facts.os.build > 17763", &[SECOND, THIRD]),
        ("facts.os.build > 17763 & !facts.chassis.portable", &[THIRD]),
        ("pc-0001*, facts.chassis.portable", &[FIRST, SECOND]),
        ("all ! (facts.os.build != 17763)", &[FIRST]),
        (
            "facts.os.installation_type in ['Client', 'none'] & pc-0002*",
            &[SECOND],
        ),
    ] {
        for words in [&["facts", "os.build"][..], &["ping"]] {
            let read = verb(&lab, words, selector).exits(0);
            assert_eq!(names(&read), expected, "{words:?} {selector}");
        }
    }
    verb(&lab, &["facts"], "facts.os.build > 99999").exits(10);
    let explained = verb(&lab, &["explain", "all"], "facts.chassis.portable").exits(0);
    assert_eq!(names(&explained), [SECOND]);
}

#[test]
fn only_those_are_read_on_whom_facts_decide() {
    let lab = three();
    verb(&lab, &["ping"], "pc-0001* & facts.os.build < 19000").exits(0);
    let [first, second, third] = requests(&lab)[..] else {
        panic!("three hosts");
    };
    assert!(first > 0);
    assert_eq!((second, third), (0, 0));
    // A name is enough: nobody is asked for the test that is united with it.
    let named = verb(&lab, &["ping"], "pc-0002*, (pc-0002* & facts.os.build > 1)").exits(0);
    let alone = requests(&lab)[1];
    assert!(!named.stderr().contains("reading"), "{}", named.stderr());
    verb(&lab, &["ping"], "pc-0002*").exits(0);
    assert_eq!(requests(&lab)[1], 2 * alone);
}

#[test]
fn a_push_changes_those_that_pass_and_nobody_else() {
    let lab = three();
    let playbook = Lab::shipped("edr-only.yaml");
    let limit = "facts.os.build > 17763 ! facts.chassis.portable";
    let inventory = lab.path("inventory.yaml").display().to_string();
    let files = [
        "-i",
        &inventory,
        "-p",
        &playbook,
        "-e",
        "proxy=10.0.0.6:8080",
    ];
    let planned = lab
        .run(&[&["plan", "-v", "-l", limit], &files[..]].concat())
        .exits(0)
        .stdout();
    assert!(
        planned.contains(THIRD) && !planned.contains(SECOND),
        "{planned}"
    );
    lab.push(&playbook, &["-l", limit]).exits(0);
    let writes: Vec<bool> = lab
        .hosts()
        .iter()
        .map(|host| host.counters().writes > 0)
        .collect();
    assert_eq!(writes, [false, false, true]);
    assert_eq!(names_of_report(&lab), [THIRD]);
}

fn names_of_report(lab: &Lab) -> Vec<String> {
    let report = lab.report();
    let hosts = report["hosts"].as_array().expect("hosts").iter();
    hosts
        .map(|host| host["name"].as_str().expect("a name").to_owned())
        .collect()
}

/// `!` and `!=` must not take a host of which nothing is known.
#[test]
fn a_host_that_cannot_be_read_is_neither_taken_nor_forgotten() {
    let lab = three();
    lab.hosts()[0].change_knobs(|knobs| knobs.refuse = true);
    for selector in [
        "facts.os.build > 1",
        "!facts.os.is_server",
        "facts.os.build != 7",
    ] {
        let read = verb(&lab, &["facts", "os.build"], selector).exits(4);
        assert_eq!(names(&read), [SECOND, THIRD], "{selector}");
        let told = read.stderr();
        assert!(
            told.contains(FIRST) && told.contains("connect_refused"),
            "{told}"
        );
    }
    lab.hosts()[1].change_knobs(|knobs| knobs.access_denied = true);
    let playbook = Lab::shipped("edr-only.yaml");
    let pushed = lab.push(&playbook, &["-l", "!facts.os.is_server"]).exits(3);
    let told = pushed.stderr();
    assert!(
        told.contains(SECOND) && told.contains("access_denied"),
        "{told}"
    );
    assert_eq!(names_of_report(&lab), [THIRD]);
    // The record is about the hosts of the run; the command tells of the others, too (inventory.md).
    assert_eq!(lab.report()["exit_code"], 0);
    assert_eq!(lab.hosts()[1].counters().writes, 0);
    // Who is named anyway is not asked, and fails by himself.
    let named = verb(&lab, &["ping"], "pc-0001*").exits(4);
    assert_eq!(names(&named), [FIRST]);
    let nobody = verb(&lab, &["facts"], "pc-0001* & facts.os.build > 1").exits(4);
    assert!(
        nobody.stderr().contains("could not be read"),
        "{}",
        nobody.stderr()
    );
}

/// The host answers, and the one fact is not to be had.
#[test]
fn a_fact_that_a_host_does_not_give_decides_nothing() {
    let lab = three();
    lab.hosts()[2].change_knobs(|knobs| {
        knobs.wmi_broken = e2e::knobs("{ wmi_broken: { fault: class_not_found } }").wmi_broken;
    });
    let read = verb(&lab, &["ping"], "!facts.chassis.portable").exits(3);
    assert_eq!(names(&read), [FIRST]);
    let told = read.stderr();
    assert!(told.contains(THIRD) && told.contains("chassis"), "{told}");
    // A comparison with what a host does not have is no answer either.
    let lacking = verb(&lab, &["ping"], "facts.winhttp.bypass == 'x' & pc-0001*").exits(10);
    assert!(
        lacking.stderr().contains("no host matches"),
        "{}",
        lacking.stderr()
    );
    let typed = verb(&lab, &["ping"], "facts.os.build & pc-0001*").exits(3);
    assert!(
        typed.stderr().contains("gives a number"),
        "{}",
        typed.stderr()
    );
}

#[test]
fn mistakes_reach_no_host() {
    let lab = three();
    for (selector, said) in [
        ("facts.os.biuld > 1", "did you mean 'facts.os.build'"),
        ("ring:none & facts.os.build > 1", "no host has the ring"),
        ("facts.os.build >", "expected expression"),
        ("facts.os.build > floor", "not declared"),
        ("not facts.os.is_server", "!facts.os.is_server"),
        ("facts.os.edition == 'x", "not closed"),
    ] {
        let wrong = verb(&lab, &["facts"], selector).exits(1).stderr();
        assert!(
            wrong.contains(said) && wrong.contains("--limit"),
            "{selector}: {wrong}"
        );
    }
    let text = std::fs::read_to_string(lab.path("inventory.yaml")).expect("an inventory");
    lab.write("odd.yaml", &text.replace(FIRST, "facts.corp.example"));
    let odd = ["facts", "-i", "odd.yaml", "-l", "facts.corp.example"];
    lab.run(&odd)
        .exits(1)
        .says("'?acts.corp.example' selects it");
    // The hosts that may be selected are judged before they are read: no variable, no ring, no cap is wrong.
    let playbook = Lab::shipped("edr-only.yaml");
    let inventory = lab.path("inventory.yaml").display().to_string();
    let without = [
        "push",
        "-i",
        &inventory,
        "-p",
        &playbook,
        "--yes",
        "-l",
        "facts.os.build > 1",
    ];
    lab.run(&without)
        .exits(1)
        .says("nothing was sent to any host");
    let unread = verb(&lab, &["hosts"], "facts.os.build > 1 & pc-*")
        .exits(1)
        .stderr();
    assert!(unread.contains("before any host is read"), "{unread}");
    let rings = lab.write(
        "rings.yaml",
        "version: 1\nname: rings\nsteps:\n  - { name: a, registry: { key: 'HKLM\\SOFTWARE\\A', value: B, type: dword, data: 1 } }\nrollout:\n  rings:\n    - { name: new, select: 'facts.os.build > 1' }\n",
    );
    let rings = rings.display().to_string();
    for words in [
        vec!["check", &rings],
        vec!["plan", "-i", &inventory, "-p", &rings],
    ] {
        let refused = lab.run(&words).exits(1).stderr();
        assert!(refused.contains("rings.yaml:7:29"), "{refused}");
        assert!(
            refused.contains("cannot be chosen by facts here"),
            "{refused}"
        );
    }
    assert_eq!(requests(&lab), [0, 0, 0]);
}

#[test]
fn a_wrong_password_stops_before_anybody_is_selected() {
    let lab = three();
    for selector in ["!facts.os.is_server", "pc-0001*, facts.os.build > 1"] {
        let ping = ["ping", "-i", "inventory.yaml", "-l", selector];
        let ping = lab
            .program(&ping)
            .env("LAB_PASSWORD", "wrong")
            .run()
            .exits(9);
        let told = ping.stderr();
        assert!(told.contains("nothing was written"), "{told}");
    }
    // The one who is named was not tried with a password that two have refused.
    assert_eq!(lab.hosts()[0].counters().failed_logons, 1);
}
