//! `plan`, `push --plan`, `push --dry-run`: what is shown is what is done, and looking writes nothing.

use e2e::{Lab, LabBuilder};
use serde_json::Value;
use sim_fleet::{Hang, RawValue};

const DATA_COLLECTION: &str = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";
const PROXY: &str = "TelemetryProxyServer";

fn lab(hosts: usize) -> Lab {
    LabBuilder::hosts(hosts)
        .own_listeners()
        .defaults("transport: http, auth: negotiate, credential: rollout, connect_timeout: 2s, request_timeout: 3s, host_timeout: 20s")
        .start()
}

/// The arguments that say what is wanted on which hosts.
fn wanted<'a>(lab: &Lab, verb: &'a [&'a str], playbook: &str, more: &[&str]) -> Vec<String> {
    let inventory = lab.path("inventory.yaml").display().to_string();
    let middle = [
        "-i",
        &inventory,
        "-p",
        playbook,
        "-e",
        "proxy=10.0.0.6:8080",
    ];
    let words = verb
        .iter()
        .copied()
        .chain(middle)
        .chain(more.iter().copied());
    words.map(str::to_owned).collect()
}

fn run(lab: &Lab, verb: &[&str], playbook: &str, more: &[&str]) -> e2e::Finished {
    let words = wanted(lab, verb, playbook, more);
    lab.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn writes(lab: &Lab) -> u64 {
    lab.hosts().iter().map(|host| host.counters().writes).sum()
}

fn plan_to(lab: &Lab, playbook: &str, file: &str) -> e2e::Finished {
    run(lab, &["plan", "--out", file], playbook, &[])
}

fn outcomes(report: &Value) -> Vec<(&str, &str)> {
    let hosts = report["hosts"].as_array().expect("hosts");
    hosts
        .iter()
        .map(|host| {
            (
                host["outcome"].as_str().unwrap_or("?"),
                host["reason"].as_str().unwrap_or("-"),
            )
        })
        .collect()
}

#[test]
fn a_plan_shows_the_difference_in_groups_and_writes_nothing() {
    let lab = lab(5);
    let playbook = lab.unlimited("edr-only.yaml");
    let old = RawValue::text(1, "old\u{202e}.corp.example:1");
    lab.hosts()[3].set_value(DATA_COLLECTION, PROXY, old);
    lab.hosts()[4].change_knobs(|knobs| knobs.refuse = true);
    // One host is right already.
    lab.push(&playbook, &["-l", "pc-0001*"]).succeeds();
    let before = writes(&lab);
    let shown = run(&lab, &["plan"], &playbook, &[]).exits(4);
    let text = shown.stdout();
    assert!(
        text.contains(
            "2 hosts: this exact change; 1 already right; 1 in 1 group differs; 1 could not be read"
        ),
        "{text}"
    );
    assert!(
        text.contains("REG_SZ 'old<U+202E>.corp.example:1' -> REG_SZ '10.0.0.6:8080'"),
        "{text}"
    );
    assert!(text.contains("absent -> REG_SZ '10.0.0.6:8080'"), "{text}");
    assert!(
        text.contains("connect_refused") && text.contains("remedy:"),
        "{text}"
    );
    assert!(!text.contains('\u{202e}'), "{text}");
    let json = run(&lab, &["plan", "-o", "json"], &playbook, &[])
        .exits(4)
        .json();
    assert_eq!(json["schema"], "winfleet.plan/1");
    assert_eq!(json["totals"]["change"], 3);
    assert_eq!(json["groups"][0]["count"], 2);
    assert_eq!(
        json["groups"][1]["changes"][1]["before"]["type"], 1,
        "{json:#}"
    );
    let lines = run(&lab, &["plan", "-o", "jsonl"], &playbook, &[])
        .exits(4)
        .stdout();
    assert_eq!(lines.lines().count(), 5);
    run(&lab, &["plan", "-o", "csv"], &playbook, &[])
        .exits(4)
        .says("pc-0004.corp.example");
    run(&lab, &["push", "--dry-run"], &playbook, &[])
        .exits(4)
        .says("this exact change");
    assert_eq!(writes(&lab), before, "looking writes nothing");
    let runs = lab.run(&["runs", "-o", "json"]).succeeds().json();
    assert_eq!(
        runs["runs"].as_array().map(Vec::len),
        Some(1),
        "and leaves no run"
    );
}

#[test]
fn the_exit_code_tells_of_changes_only_when_asked() {
    let lab = lab(2);
    let playbook = lab.unlimited("edr-only.yaml");
    run(&lab, &["plan"], &playbook, &[]).succeeds();
    run(&lab, &["plan", "--detailed-exitcode"], &playbook, &[]).exits(2);
    lab.push(&playbook, &[]).succeeds();
    run(&lab, &["plan", "--detailed-exitcode"], &playbook, &[])
        .succeeds()
        .says("2 hosts already right")
        .says("a push would change nothing");
    lab.hosts()[0].change_knobs(|knobs| knobs.access_denied = true);
    lab.hosts()[1].change_knobs(|knobs| knobs.refuse = true);
    run(&lab, &["plan", "--detailed-exitcode"], &playbook, &[]).exits(3);
}

#[test]
fn a_plan_is_carried_out_exactly() {
    let lab = lab(4);
    let playbook = lab.unlimited("edr-only.yaml");
    lab.hosts()[3].change_knobs(|knobs| knobs.refuse = true);
    plan_to(&lab, &playbook, "plan.json")
        .exits(4)
        .says("push --plan plan.json");
    assert_eq!(writes(&lab), 0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(lab.path("plan.json"))
            .expect("the plan")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let file: Value =
        serde_json::from_slice(&std::fs::read(lab.path("plan.json")).expect("the plan"))
            .expect("JSON");
    assert!(
        !file.to_string().contains(e2e::PASSWORD),
        "no secret is in a plan"
    );
    // Neither the playbook nor the inventory is looked at again.
    std::fs::write(&playbook, "version: 1\nname: other\nsteps: []\n").expect("writable");
    std::fs::remove_file(lab.path("inventory.yaml")).expect("there");
    // One host moved since, and the one that was away is back.
    let theirs = RawValue::text(1, "theirs.corp.example:1");
    lab.hosts()[1].set_value(DATA_COLLECTION, PROXY, theirs.clone());
    lab.hosts()[3].change_knobs(|knobs| knobs.refuse = false);
    let (moved, unread) = (
        lab.hosts()[1].counters().writes,
        lab.hosts()[3].counters().connections,
    );
    lab.run(&["push", "--plan", "plan.json", "--yes"]).exits(3);
    let report = lab.report();
    assert_eq!(
        outcomes(&report),
        [
            ("ok", "-"),
            ("failed", "moved_since_plan"),
            ("ok", "-"),
            ("unreachable", "unread_at_plan")
        ]
    );
    let detail = report["hosts"][1]["detail"].as_str().expect("a detail");
    assert!(
        detail.contains(PROXY)
            && detail.contains("theirs.corp.example:1")
            && detail.contains("absent"),
        "{detail}"
    );
    assert_eq!(report["plan"], file["sha256"]);
    assert_eq!(lab.hosts()[1].counters().writes, moved, "not written to");
    assert_eq!(lab.hosts()[1].value(DATA_COLLECTION, PROXY), Some(theirs));
    assert_eq!(
        lab.hosts()[3].counters().connections,
        unread,
        "not contacted"
    );
    // Taken up again, the host that was not read is worked like any other; the one that moved is refused again.
    lab.run(&["resume", "last", "--only", "unreachable", "--yes"])
        .exits(3);
    assert_eq!(outcomes(&lab.report())[3], ("ok", "-"));
    lab.run(&["resume", "last", "--only", "failed", "--yes"])
        .exits(3);
    assert_eq!(outcomes(&lab.report())[1], ("failed", "moved_since_plan"));
    assert_eq!(lab.hosts()[1].counters().writes, moved);
}

#[test]
fn a_plan_is_taken_alone() {
    let lab = lab(1);
    let playbook = lab.unlimited("edr-only.yaml");
    plan_to(&lab, &playbook, "plan.json").succeeds();
    let inventory = lab.path("inventory.yaml").display().to_string();
    for more in [
        ["-i", inventory.as_str()],
        ["-p", &playbook],
        ["-e", "proxy=x:1"],
        ["-l", "all"],
    ] {
        let words = [&["push", "--plan", "plan.json", "--yes"][..], &more].concat();
        lab.run(&words)
            .exits(1)
            .says("nothing was sent to any host");
    }
    lab.run(&["push", "--plan", "plan.json"])
        .exits(8)
        .says("no terminal");
    lab.run(&["push", "--plan", "plan.json", "--dry-run"])
        .succeeds()
        .says("1 host: this exact change");
    lab.run(&["push", "--plan", "missing.json", "--yes"])
        .exits(1);
    assert_eq!(writes(&lab), 0);
}

#[test]
fn any_changed_byte_of_a_plan_is_refused() {
    let lab = lab(2);
    let playbook = lab.unlimited("edr-only.yaml");
    lab.hosts()[1].change_knobs(|knobs| knobs.refuse = true);
    plan_to(&lab, &playbook, "plan.json").exits(4);
    let bytes = std::fs::read(lab.path("plan.json")).expect("the plan");
    // A small generator with a seed of its own: every run changes the same bytes.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..40 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(state >> 33).expect("31 bits") % bytes.len();
        let mut altered = bytes.clone();
        altered[place] ^= 1 << (state >> 29 & 7);
        std::fs::write(lab.path("altered.json"), &altered).expect("writable");
        lab.run(&["push", "--plan", "altered.json", "--yes"])
            .exits(8)
            .says("altered")
            .says("nothing was sent to any host");
    }
    let newer = String::from_utf8_lossy(&bytes).replace("plan-file/1", "plan-file/7");
    std::fs::write(lab.path("newer.json"), newer).expect("writable");
    lab.run(&["push", "--plan", "newer.json", "--yes"])
        .exits(8)
        .says("newer winfleet");
    assert_eq!(writes(&lab), 0);
    assert_eq!(
        lab.run(&["runs"])
            .succeeds()
            .stdout()
            .matches("push")
            .count(),
        0
    );
}

#[test]
fn one_bad_host_stops_nobody_and_no_host_takes_for_ever() {
    let lab = LabBuilder::hosts(3)
        .own_listeners()
        .defaults("transport: http, auth: negotiate, credential: rollout, connect_timeout: 1s, request_timeout: 60s, host_timeout: 2s")
        .start();
    lab.hosts()[0].change_knobs(|knobs| knobs.hang = Some(Hang::Accept));
    let playbook = lab.unlimited("edr-only.yaml");
    run(&lab, &["plan"], &playbook, &[])
        .exits(4)
        .says("2 hosts: this exact change")
        .says("timeout");
}

#[test]
fn a_wrong_password_stops_a_plan_after_the_budget_and_leaves_no_file() {
    let lab = LabBuilder::hosts(50).start();
    let words = wanted(
        &lab,
        &["plan", "--out", "plan.json"],
        &lab.unlimited("edr-only.yaml"),
        &[],
    );
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    lab.program(&words)
        .env("LAB_PASSWORD", "wrong")
        .run()
        .exits(9);
    let attempts = lab.fleet.logon_attempts(e2e::USER);
    assert!(
        (1..=3).contains(&attempts),
        "{attempts} attempts left the machine"
    );
    assert!(!lab.path("plan.json").exists());
}

#[test]
fn limits_are_shown_with_their_numbers_and_what_they_lead_to() {
    let lab = lab(3);
    let steps = std::fs::read_to_string(lab.unlimited("edr-only.yaml")).expect("steps");
    let rollout = "rollout:\n  max_failed: '40%'\n  rings:\n    - { name: canary, select: 'pc-0009*', soak: 30m, approve: true }\n    - { name: broad, select: rest, max_unreachable: '2%', on_breach: pause }\n";
    let playbook = lab
        .write("limits.yaml", &format!("{steps}{rollout}"))
        .display()
        .to_string();
    lab.hosts()[2].change_knobs(|knobs| knobs.refuse = true);
    run(&lab, &["plan"], &playbook, &[])
        .exits(4)
        .says("limit of run: max_failed 40% of 3 hosts = 1, on_breach stop")
        .says("limit of ring broad: max_unreachable 2% of 3 hosts = 0, on_breach pause")
        .says(
            "warning: ring canary has no host, so its gates are not waited for (soak 30m, approve)",
        )
        .says("(rounded down)")
        .says("max_unreachable 2% of 3 hosts = 0 will be breached");
}

#[test]
fn a_value_that_could_not_be_put_back_is_announced() {
    let lab = lab(2);
    let playbook = lab.unlimited("edr-only.yaml");
    let odd = RawValue {
        kind: 1,
        bytes: vec![0x61, 0, 0x62],
    };
    lab.hosts()[0].set_value(DATA_COLLECTION, PROXY, odd);
    lab.hosts()[0].set_value(
        DATA_COLLECTION,
        "DisableEnterpriseAuthProxy",
        RawValue {
            kind: 8,
            bytes: vec![1, 2, 3],
        },
    );
    run(&lab, &["plan", "--out", "plan.json"], &playbook, &[])
        .succeeds()
        .says("will be refused: prior_not_restorable")
        .says("1 of these will be refused");
    lab.run(&["push", "--plan", "plan.json", "--yes"]).exits(3);
    assert_eq!(
        outcomes(&lab.report()),
        [("failed", "prior_not_restorable"), ("ok", "-")]
    );
    assert_eq!(lab.hosts()[0].counters().writes, 0);
}

#[test]
fn a_thousand_hosts_are_a_few_groups() {
    let lab = LabBuilder::hosts(1000).start();
    for (number, host) in lab
        .hosts()
        .iter()
        .enumerate()
        .filter(|(number, _)| number % 20 == 0)
    {
        let old = format!("old-{}.corp.example:1", number % 3);
        host.set_value(DATA_COLLECTION, PROXY, RawValue::text(1, &old));
    }
    let playbook = lab.unlimited("edr-only.yaml");
    let shown = run(&lab, &["plan", "--out", "plan.json"], &playbook, &[]).succeeds();
    let text = shown.stdout();
    assert!(
        text.contains("950 hosts: this exact change; 50 in 3 groups differ"),
        "{text}"
    );
    assert!(text.lines().count() < 50, "{text}");
    let size = std::fs::metadata(lab.path("plan.json"))
        .expect("the plan")
        .len();
    assert!(
        size < 300_000,
        "{size} bytes for hosts that are mostly alike"
    );
    assert_eq!(writes(&lab), 0);
}

#[cfg(unix)]
#[test]
fn an_interrupted_plan_exits_130_and_leaves_nothing() {
    let lab = lab(2);
    lab.hosts()[0].change_knobs(|knobs| knobs.hang = Some(Hang::Accept));
    let words = wanted(
        &lab,
        &["plan", "--out", "plan.json"],
        &lab.unlimited("edr-only.yaml"),
        &[],
    );
    let running = lab.spawn(&words.iter().map(String::as_str).collect::<Vec<_>>());
    // The other host was read, so the program listens to Ctrl-C by now.
    while lab.hosts()[1].counters().requests == 0 {
        std::thread::yield_now();
    }
    running.interrupt();
    running
        .finish()
        .exits(130)
        .says("nothing was written to any of them");
    assert!(!lab.path("plan.json").exists());
}

/// A plan is handed on for review. An account in front of a proxy that stands on a host is not in it, and yet what is found
/// has to be the same to the byte, and comes back to the byte.
#[test]
fn an_account_that_stands_on_a_host_is_not_in_the_plan_and_comes_back_exactly() {
    const AV: &str = r"SOFTWARE\Policies\Microsoft\Windows Defender";
    const CONNECTIONS: &str =
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
    let lab = lab(3);
    let playbook = lab.unlimited("full-proxy-set.yaml");
    let with = |password: &str| RawValue::sz(&format!("http://svc:{password}@old.example:8080"));
    let proxy = b"svc:Geheim77@old:80";
    let mut blob = [0x18u32, 0, 3, proxy.len() as u32]
        .map(u32::to_le_bytes)
        .concat();
    blob.extend(proxy);
    blob.extend([0; 4]);
    let blob = RawValue::new(3, &blob);
    for (host, password) in lab.hosts().iter().zip(["Geheim77", "Geheim78", "Geheim77"]) {
        host.set_value(AV, "ProxyServer", with(password));
        host.set_value(CONNECTIONS, "WinHttpSettings", blob.clone());
    }
    let file = lab.path("change.plan").display().to_string();
    plan_to(&lab, &playbook, &file).exits(0);
    let text = std::fs::read_to_string(&file).expect("the plan is readable");
    let wide: String = "Geheim7"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let narrow: String = b"Geheim7"
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for form in ["Geheim7", &wide, &narrow] {
        assert!(!text.contains(form), "{form}");
    }
    lab.run(&["push", "--plan", &file, "--dry-run"])
        .exits(0)
        .says("http://***@old.example:8080");
    // Nothing but the password changes on the last host.
    lab.hosts()[2].set_value(AV, "ProxyServer", with("Geheim79"));
    let pushed = lab
        .run(&["push", "--plan", &file, "--yes", "-o", "json"])
        .exits(3);
    assert_eq!(
        outcomes(&pushed.json()),
        [("ok", "-"), ("ok", "-"), ("failed", "moved_since_plan")]
    );
    let detail = pushed.json()["hosts"][2]["detail"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(detail.contains("another user or password"), "{detail}");
    assert!(!pushed.screen().contains("Geheim7"), "{}", pushed.screen());
    lab.run(&["rollback", "last", "--yes"]).succeeds();
    for (host, password) in lab.hosts().iter().zip(["Geheim77", "Geheim78", "Geheim79"]) {
        assert_eq!(host.value(AV, "ProxyServer"), Some(with(password)));
        assert_eq!(
            host.value(CONNECTIONS, "WinHttpSettings"),
            Some(blob.clone())
        );
    }
}
