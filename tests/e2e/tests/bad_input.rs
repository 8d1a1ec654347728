//! Promise 11: bad input is refused with place, expectation and hint, and nobody has been contacted.

use e2e::{Lab, LabBuilder};

struct Case {
    what: &'static str,
    inventory: Option<(&'static str, &'static str)>,
    playbook: &'static str,
    more: &'static [&'static str],
    code: i32,
    says: &'static [&'static str],
}

const GOOD: &str = "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: '10.0.0.6:8080' }\n";

const fn case(what: &'static str, playbook: &'static str, says: &'static [&'static str]) -> Case {
    Case {
        what,
        inventory: None,
        playbook,
        more: &[],
        code: 1,
        says,
    }
}

const fn hosts(
    what: &'static str,
    change: (&'static str, &'static str),
    says: &'static [&'static str],
) -> Case {
    Case {
        what,
        inventory: Some(change),
        playbook: GOOD,
        more: &[],
        code: 1,
        says,
    }
}

const CASES: &[Case] = &[
    case(
        "unknown key",
        "version: 1\nname: p\nstepz:\n  - edr_proxy: { server: 'a:1' }\n",
        &["p.yaml:3:1", "stepz", "steps"],
    ),
    case(
        "unknown step",
        "version: 1\nname: p\nsteps:\n  - edr_prox: { server: 'a:1' }\n",
        &["p.yaml:4", "edr_prox", "edr_proxy"],
    ),
    case(
        "wrong type",
        "version: 1\nname: p\nsteps: 7\n",
        &["p.yaml:3"],
    ),
    case(
        "scheme in an EDR proxy",
        "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: 'http://10.0.0.6:8080' }\n",
        &["p.yaml:4", "http://10.0.0.6:8080"],
    ),
    case(
        "no scheme in an AV proxy",
        "version: 1\nname: p\nsteps:\n  - av_proxy: { server: '10.0.0.6:8080' }\n",
        &["p.yaml:4", "http://"],
    ),
    case(
        "port 0",
        "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: '10.0.0.6:0' }\n",
        &["p.yaml:4", "10.0.0.6:0"],
    ),
    case(
        "port 70000",
        "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: '10.0.0.6:70000' }\n",
        &["p.yaml:4", "70000"],
    ),
    case(
        "a key outside HKLM",
        "version: 1\nname: p\nsteps:\n  - registry: { key: 'HKCU\\SOFTWARE\\X', value: a, type: sz, data: b }\n",
        &["p.yaml:4", "HKLM"],
    ),
    case(
        "deleting a whole policy key",
        "version: 1\nname: p\nsteps:\n  - registry: { key: 'HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows Defender', ensure: absent }\n",
        &["p.yaml:4", "value"],
    ),
    case(
        "impossible limit",
        "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: 'a:1' }\nrollout:\n  rings:\n    - { name: a, select: rest, max_failed: '120%' }\n",
        &["p.yaml:7", "120%"],
    ),
    case(
        "a host in no ring",
        "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: 'a:1' }\nrollout:\n  rings:\n    - { name: a, select: 'pc-0001*' }\n",
        &["p.yaml:7:5", "pc-0002.corp.example", "select: rest"],
    ),
    case(
        "a ring that no host has",
        "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: 'a:1' }\nrollout:\n  rings:\n    - { name: a, select: 'ring:canray' }\n    - { name: b, select: 'group:x' }\n",
        &["p.yaml:7:5", "no host has the ring 'canray'", "group 'x'"],
    ),
    case(
        "two bad selectors of rings",
        "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: 'a:1' }\nrollout:\n  rings:\n    - { name: a, select: 'ring:(' }\n    - { name: b, select: \"a&\" }\n",
        &["p.yaml:7:27", "p.yaml:8:29"],
    ),
    case(
        "a soak without a unit",
        "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: 'a:1' }\nrollout:\n  rings:\n    - { name: a, select: rest, soak: 30 }\n",
        &["p.yaml:7:38", "no unit", "30s"],
    ),
    case(
        "probes",
        "version: 1\nname: p\nsteps:\n  - edr_proxy: { server: 'a:1' }\nprobes:\n  - proxy_connect: { via: 'a:1', to: x }\n",
        &["p.yaml:6:38", "proxy_connect.to", "defender_required"],
    ),
    case(
        "a required variable without a value",
        "version: 1\nname: p\nvars:\n  gate: { type: host_port, required: true, example: 'a:1' }\nsteps:\n  - edr_proxy: { server: '{{ gate }}' }\n",
        &["gate"],
    ),
    case(
        "an undefined variable",
        "version: 1\nname: p\nvars:\n  proxy: { type: host_port, default: 'a:1' }\nsteps:\n  - edr_proxy: { server: '{{ prox }}' }\n",
        &["p.yaml:6", "prox", "proxy"],
    ),
    hosts(
        "a duplicate host",
        ("name: pc-0002.corp.example", "name: PC-0001.corp.example"),
        &["inventory.yaml:9:13", "PC-0001.corp.example"],
    ),
    hosts(
        "an undefined group",
        (
            "name: pc-0002.corp.example",
            "name: pc-0002.corp.example, groups: [nowhere]",
        ),
        &["nowhere"],
    ),
    hosts(
        "an undefined credential",
        ("credential: rollout", "credential: rolout"),
        &["rolout", "rollout"],
    ),
    hosts(
        "an unknown setting",
        ("transport: http", "transprot: http"),
        &["inventory.yaml:2", "transprot", "transport"],
    ),
    hosts(
        "port 70000 of a host",
        (
            "name: pc-0002.corp.example,",
            "name: pc-0002.corp.example, connect_timeout: 5,",
        ),
        &["inventory.yaml", "5s"],
    ),
    Case {
        what: "empty selection",
        inventory: None,
        playbook: GOOD,
        more: &["-l", "nobody-*"],
        code: 10,
        says: &["nobody-*"],
    },
    Case {
        what: "a host that is not there",
        inventory: None,
        playbook: GOOD,
        more: &["-l", "pc-0002.corp.exmaple"],
        code: 10,
        says: &["--limit:1:1", "did you mean 'pc-0002.corp.example'?"],
    },
    Case {
        what: "a bad selector",
        inventory: None,
        playbook: GOOD,
        more: &["-l", "(pc-*"],
        code: 1,
        says: &["(pc-*"],
    },
    Case {
        what: "an unknown variable",
        inventory: None,
        playbook: GOOD,
        more: &["-e", "nope=1"],
        code: 1,
        says: &["nope"],
    },
    Case {
        what: "an unknown flag",
        inventory: None,
        playbook: GOOD,
        more: &["--nope"],
        code: 1,
        says: &["--nope"],
    },
];

#[test]
fn bad_input_is_refused_before_anybody_is_contacted() {
    let lab = LabBuilder::hosts(3).start();
    let good = std::fs::read_to_string(lab.path("inventory.yaml")).expect("readable");
    let mut wrong = Vec::new();
    for case in CASES {
        let inventory = match case.inventory {
            Some((from, to)) => {
                assert!(good.contains(from), "{}", case.what);
                good.replacen(from, to, 1)
            }
            None => good.clone(),
        };
        lab.write("inventory.yaml", &inventory);
        lab.write("p.yaml", case.playbook);
        let arguments = [
            &["push", "-i", "inventory.yaml", "-p", "p.yaml", "--yes"][..],
            case.more,
        ]
        .concat();
        let finished = lab.run(&arguments);
        let missing: Vec<_> = case
            .says
            .iter()
            .filter(|text| !finished.screen().contains(**text))
            .collect();
        if finished.code() != Some(case.code) || !missing.is_empty() {
            wrong.push(format!(
                "{}: exit {:?} (wanted {}), missing {missing:?}\n{}",
                case.what,
                finished.code(),
                case.code,
                finished.screen()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        lab.hosts()
            .iter()
            .all(|host| host.counters().connections == 0),
        "somebody was contacted"
    );
    assert!(
        !lab.path("journal.sqlite").exists()
            || lab.run(&["runs", "-o", "json"]).json()["runs"] == serde_json::json!([])
    );
}

#[test]
fn without_a_terminal_and_without_yes_a_push_is_refused() {
    let lab = LabBuilder::hosts(1).start();
    lab.run(&[
        "push",
        "-i",
        "inventory.yaml",
        "-p",
        &Lab::shipped("edr-only.yaml"),
        "-e",
        "proxy=a.example:1",
    ])
    .exits(8)
    .says("--yes");
    assert_eq!(lab.hosts()[0].counters().connections, 0);
}

#[test]
fn a_run_whose_event_file_cannot_be_written_is_not_recorded() {
    let lab = LabBuilder::hosts(1).start();
    std::fs::create_dir(lab.path("folder")).expect("the temporary folder is writable");
    lab.push(&Lab::shipped("edr-only.yaml"), &["--events", "folder"])
        .exits(1)
        .says("cannot write the event file folder");
    let runs = lab.run(&["runs", "-o", "json"]).succeeds().json();
    assert_eq!(runs["runs"], serde_json::json!([]));
    assert_eq!(lab.hosts()[0].counters().connections, 0);
}
