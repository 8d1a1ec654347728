//! The preflight from outside: what it blocks is not written to, it is shown in plans and reports, it costs what it may,
//! and off it costs nothing.

use e2e::{Lab, LabBuilder};
use serde_json::Value;
use sim_fleet::{
    AdapterSpec, Dialect, HostOptions, PolicySpec, Preferences, Role, SeedData, SeedValue,
};

const COLLECTION: &str = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";
const STATUS: &str = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection\Status";
const STEPS: &str = "steps:
  - name: edr
    edr_proxy: { server: '10.0.0.6:8080' }
  - name: av
    av_proxy: { server: 'http://10.0.0.6:8080' }
  - name: winhttp
    winhttp_proxy: { server: '10.0.0.6:8080', bypass: ['<local>'] }
";

fn owned(data: &str) -> HostOptions {
    HostOptions {
        group_policy: vec![PolicySpec {
            key: COLLECTION.into(),
            value: "TelemetryProxyServer".into(),
            data: Some(SeedData::Sz(data.into())),
            gpo: "Corp Proxy".into(),
            precedence: 1,
        }],
        ..HostOptions::default()
    }
}

/// A host for each of these options, in whatever dialect is asked for: what is asked of it may come in many pieces.
fn any_lab(options: Vec<HostOptions>) -> Lab {
    started(options, None)
}

/// As hosts mostly speak: there is room for what is looked at.
fn lab(options: Vec<HostOptions>) -> Lab {
    started(options, Some(Dialect::default()))
}

fn started(options: Vec<HostOptions>, dialect: Option<Dialect>) -> Lab {
    LabBuilder::hosts(options.len())
        .fleet(|fleet| {
            for (host, options) in fleet.hosts.iter_mut().zip(options) {
                host.options = Some(options);
                host.dialect = dialect;
            }
        })
        .start()
}

fn playbook(lab: &Lab, preflight: &str, steps: &str) -> String {
    let text = format!("version: 1\nname: p\n{preflight}{steps}");
    lab.write("p.yaml", &text).display().to_string()
}

/// The report of a push, and its exit code.
fn push(lab: &Lab, preflight: &str, steps: &str) -> (Value, i32) {
    let playbook = playbook(lab, preflight, steps);
    let inventory = lab.path("inventory.yaml").display().to_string();
    let finished = lab.run(&[
        "push", "-i", &inventory, "-p", &playbook, "--yes", "-o", "json",
    ]);
    let code = finished.code().expect("it ends by itself");
    (finished.json(), code)
}

/// `grade name` of each finding of a host.
fn found(report: &Value, host: usize) -> Vec<String> {
    let findings = report["hosts"][host]["preflight"]
        .as_array()
        .expect("a list");
    let words = findings.iter().map(|finding| {
        let of = |key: &str| finding[key].as_str().expect("a text").to_owned();
        format!("{} {}", of("grade"), of("check"))
    });
    words.collect()
}

fn plan(lab: &Lab, preflight: &str, steps: &str, form: &str) -> String {
    let playbook = playbook(lab, preflight, steps);
    let inventory = lab.path("inventory.yaml").display().to_string();
    let finished = lab.run(&["plan", "-i", &inventory, "-p", &playbook, "-o", form]);
    finished.exits(0).stdout()
}

#[test]
fn a_value_of_a_group_policy_is_not_written_to_unless_it_is_allowed() {
    let lab = lab(vec![
        owned("old.corp.example:1"),
        owned("10.0.0.6:8080"),
        HostOptions::default(),
    ]);
    let (report, code) = push(&lab, "", STEPS);
    assert_eq!(code, 3, "{report:#}");
    let blocked = &report["hosts"][0];
    assert_eq!(blocked["outcome"], "failed");
    assert_eq!(blocked["reason"], "preflight_blocked");
    assert!(
        blocked["detail"].as_str().unwrap().contains("Corp Proxy"),
        "{blocked:#}"
    );
    assert!(
        blocked["remedy"]
            .as_str()
            .unwrap()
            .contains("allow: [gpo_owned]")
    );
    assert!(found(&report, 0).contains(&"block gpo_owned".to_owned()));
    assert_eq!(lab.hosts()[0].counters().writes, 0);
    assert_eq!(report["hosts"][1]["outcome"], "ok");
    assert!(
        found(&report, 1).contains(&"note gpo_managed".to_owned()),
        "{report:#}"
    );
    assert_eq!(report["hosts"][2]["outcome"], "ok");

    let (report, _) = push(&lab, "preflight: { allow: [gpo_owned] }\n", STEPS);
    assert_eq!(report["hosts"][0]["outcome"], "ok", "{report:#}");
    assert_eq!(report["hosts"][0]["preflight"][0]["allowed"], true);
}

#[test]
fn steps_without_business_on_a_host_are_left_out_and_the_rest_goes_on() {
    let laptop = HostOptions {
        chassis: vec![10],
        ..HostOptions::default()
    };
    let bare = HostOptions {
        sensor: None,
        ..HostOptions::default()
    };
    let lab = lab(vec![laptop, bare]);
    let (report, code) = push(&lab, "", STEPS);
    assert_eq!(code, 0, "{report:#}");
    let states = |host: usize| -> Vec<String> {
        let steps = report["hosts"][host]["steps"].as_array().expect("a list");
        steps
            .iter()
            .map(|step| step["state"].as_str().expect("a text").to_owned())
            .collect()
    };
    assert_eq!(states(0), ["changed", "changed", "skipped"]);
    assert_eq!(states(1), ["skipped", "changed", "changed"]);
    assert!(found(&report, 0).contains(&"warn portable_winhttp".to_owned()));
    assert!(found(&report, 1).contains(&"warn sensor_missing".to_owned()));
    let reason = report["hosts"][1]["steps"][0]["detail"].as_str().unwrap();
    assert!(reason.contains("sensor_missing"), "{reason}");
    assert!(
        lab.hosts()[1]
            .value(COLLECTION, "TelemetryProxyServer")
            .is_none()
    );
}

#[test]
fn ipv6_only_hosts_and_servers_without_a_bypass_list_are_blocked() {
    let ipv6 = HostOptions {
        adapters: vec![AdapterSpec::new(&["2001:db8::7"], &["fe80::1"])],
        ..HostOptions::default()
    };
    let controller = HostOptions {
        roles: vec![Role::DomainController],
        ..HostOptions::default()
    };
    let lab = lab(vec![ipv6, controller]);
    let (report, _) = push(&lab, "", STEPS);
    for (host, check) in [(0, "no_ipv4"), (1, "role_bypass")] {
        assert_eq!(
            report["hosts"][host]["reason"], "preflight_blocked",
            "{report:#}"
        );
        assert!(
            found(&report, host).contains(&format!("block {check}")),
            "{report:#}"
        );
        assert_eq!(lab.hosts()[host].counters().writes, 0);
    }
}

#[test]
fn a_plan_groups_what_was_found() {
    let lab = lab(vec![owned("old:1"), owned("old:1"), HostOptions::default()]);
    let text = plan(&lab, "", STEPS, "table");
    assert!(text.contains("block gpo_owned: 2 hosts"), "{text}");
    assert!(text.contains("Corp Proxy"), "{text}");
    let json: Value = serde_json::from_str(&plan(&lab, "", STEPS, "json")).unwrap();
    assert_eq!(json["preflight"][0]["check"], "gpo_owned");
    assert_eq!(json["preflight"][0]["count"], 2);
    assert_eq!(json["totals"]["will_be_refused"], 2, "{json:#}");
    let lines = plan(&lab, "", STEPS, "jsonl");
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["preflight"][0]["grade"], "block");
    assert!(plan(&lab, "", STEPS, "csv").contains("block: gpo_owned"));
    let off: Value = serde_json::from_str(&plan(&lab, "preflight: off\n", STEPS, "json")).unwrap();
    assert_eq!(off["preflight"], Value::Array(Vec::new()));
    assert!(lab.hosts().iter().all(|host| host.counters().writes == 0));
}

/// Addresses are the host's own: one cause is one group, in a plan and in what is told of a run.
#[test]
fn hosts_are_grouped_by_cause_and_not_by_their_values() {
    let of = |addresses: &[&str]| HostOptions {
        adapters: vec![AdapterSpec::new(addresses, &["fe80::1"])],
        ..HostOptions::default()
    };
    let lab = lab(vec![
        of(&["2001:db8::7"]),
        of(&["2001:db8::8", "fe80::2"]),
        of(&["fe80::3", "2001:db8::9", "169.254.7.7"]),
    ]);
    let json: Value = serde_json::from_str(&plan(&lab, "", STEPS, "json")).unwrap();
    let group = &json["preflight"][0];
    assert_eq!(group["check"], "no_ipv4", "{json:#}");
    assert_eq!(group["count"], 3, "{json:#}");
    assert_eq!(group["details_differ"], true, "{json:#}");
    let text = plan(&lab, "", STEPS, "table");
    assert!(
        text.contains("block no_ipv4: 3 hosts: for example"),
        "{text}"
    );
    assert!(text.contains("3 in 1 group differ"), "{text}");
    let playbook = playbook(&lab, "", STEPS);
    let told = lab.run(&["push", "-i", "inventory.yaml", "-p", &playbook, "--yes"]);
    let told = told.exits(3).stdout();
    assert_eq!(told.matches("preflight_blocked:").count(), 1, "{told}");
}

/// Requests of one run on a fresh host.
fn cost(options: &HostOptions, preflight: &str, steps: &str, verb: &str) -> u64 {
    let lab = lab(vec![options.clone()]);
    match verb {
        "plan" => drop(plan(&lab, preflight, steps, "json")),
        _ => drop(push(&lab, preflight, steps)),
    }
    lab.hosts()[0].counters().requests
}

#[test]
fn it_adds_at_most_eight_requests_and_none_when_it_is_off() {
    let old_server = HostOptions {
        roles: vec![Role::Cluster],
        ..HostOptions::profile("server_2019_old").unwrap()
    };
    let steps = [
        "steps: [ { edr_proxy: { server: 'p:1' } } ]\n",
        "steps: [ { av_proxy: { server: 'https://p:1' } } ]\n",
        "steps: [ { winhttp_proxy: { server: 'p:1', bypass: ['<local>', '*.corp.example'] } } ]\n",
        "steps: [ { edr_proxy: { server: 'p:1' } }, { edr_prefer_static_proxy: { value: 1 } }, { av_ssl_options: { value: 2, acknowledge: lowers_security } } ]\n",
        STEPS,
    ];
    let mut asked = 0;
    for options in [HostOptions::default(), old_server, owned("10.0.0.6:8080")] {
        for steps in steps {
            for verb in ["push", "plan"] {
                let with = cost(&options, "", steps, verb);
                let without = cost(&options, "preflight: off\n", steps, verb);
                // A host that is blocked costs less than one that is written to.
                assert!(with <= without + 8, "{verb} {steps}: {with}, {without}");
                asked += u64::from(with > without);
            }
        }
    }
    assert!(asked > 20, "it asks nothing: {asked}");
}

/// What there is no room for is told; and where no program may be run, what would have come along with one is asked for
/// alone, as far as there is room.
#[test]
fn what_a_plan_has_no_room_for_is_told() {
    let old = HostOptions {
        roles: Vec::new(),
        ..HostOptions::profile("server_2019_old").unwrap()
    };
    let planned = |channel: &str, preflight: &str, steps: &str| -> (Value, u64) {
        let lab = LabBuilder::hosts(1)
            .fleet(|fleet| {
                fleet.hosts[0].options = Some(old.clone());
                fleet.hosts[0].dialect = Some(Dialect::default());
                // A moment of 2020.
                let contact = SeedData::Qword(132_223_104_000_000_000);
                fleet.hosts[0].registry = vec![SeedValue::new(STATUS, "LastConnected", contact)];
            })
            .settings({
                let channel = channel.to_owned();
                move |_, _| format!("channel: {channel}")
            })
            .start();
        let text = plan(&lab, preflight, steps, "json");
        let requests = lab.hosts()[0].counters().requests;
        (serde_json::from_str(&text).unwrap(), requests)
    };
    let words = |plan: &Value| -> Vec<String> {
        let groups = plan["preflight"].as_array().expect("a list").iter();
        let of = |group: &Value, key: &str| group[key].as_str().expect("a text").to_owned();
        groups
            .map(|group| {
                ["grade", "check", "detail"]
                    .map(|key| of(group, key))
                    .join(" ")
            })
            .collect()
    };
    let two = "steps: [ { edr_proxy: { server: 'p:1' } }, { winhttp_proxy: { server: 'p:1' } } ]\n";
    let one = "steps: [ { winhttp_proxy: { server: 'p:1' } } ]\n";
    for (channel, steps, grade, told) in [
        ("auto", STEPS, "note", "advproxy_differs"),
        ("cim", two, "note", "advproxy_differs"),
        ("cim", one, "warn", "channel cim"),
    ] {
        let (found, with) = planned(channel, "", steps);
        let (_, without) = planned(channel, "preflight: off\n", steps);
        assert!(with <= without + 8, "{channel}: {with}, {without}");
        let words = words(&found);
        let has = |head: &str, text: &str| {
            let mut words = words.iter();
            words.any(|word| word.starts_with(head) && word.contains(text))
        };
        let sensor = steps.contains("edr_proxy");
        assert_eq!(
            has("warn build_below_floor", "KB"),
            sensor,
            "{channel}: {words:?}"
        );
        let head = format!("{grade} not_looked");
        assert!(has(&head, told), "{channel}: {words:?}");
    }
}

/// A host on which group policy keeps no log, with one instruction in the file of its local policy.
fn in_file(data: Option<&str>) -> HostOptions {
    let mut options = owned("");
    let mut instruction = options.group_policy.remove(0);
    instruction.data = data.map(|data| SeedData::Sz(data.into()));
    HostOptions {
        local_policy: vec![instruction],
        rsop_logging: false,
        ..options
    }
}

#[test]
fn where_group_policy_keeps_no_log_the_file_of_the_local_policy_is_read() {
    let large = HostOptions {
        local_policy: vec![in_file(Some("old.corp.example:1")).local_policy.remove(0); 400],
        ..in_file(None)
    };
    let logged = HostOptions {
        rsop_logging: true,
        ..in_file(Some("old.corp.example:1"))
    };
    let empty = HostOptions {
        rsop_logging: true,
        rsop_empty: true,
        ..in_file(Some("old.corp.example:1"))
    };
    let lab = lab(vec![
        in_file(Some("old.corp.example:1")),
        in_file(None),
        in_file(Some("10.0.0.6:8080")),
        HostOptions {
            local_policy: Vec::new(),
            ..in_file(None)
        },
        large,
        logged,
        empty.clone(),
    ]);
    let (report, code) = push(&lab, "", STEPS);
    assert_eq!(code, 3, "{report:#}");
    for (host, said) in [(0, "wants 'old.corp.example:1'"), (1, "deletes it")] {
        let blocked = &report["hosts"][host];
        assert_eq!(blocked["reason"], "preflight_blocked", "{blocked:#}");
        let detail = blocked["detail"].as_str().expect("a text");
        assert!(
            detail.contains("the local group policy") && detail.contains(said),
            "{detail}"
        );
        assert_eq!(lab.hosts()[host].counters().writes, 0);
    }
    assert_eq!(report["hosts"][2]["outcome"], "ok", "{report:#}");
    assert!(found(&report, 2).contains(&"note gpo_managed".to_owned()));
    // Nothing is known of policies of the domain all the same.
    for host in [0, 1, 2, 3, 4] {
        assert!(
            found(&report, host).contains(&"note ownership_unknown".to_owned()),
            "{host}"
        );
    }
    assert_eq!(report["hosts"][3]["outcome"], "ok");
    assert_eq!(report["hosts"][4]["outcome"], "ok");
    let large = report["hosts"][4]["preflight"].to_string();
    assert!(large.contains("registry.pol is larger"), "{large}");
    // Where there is a log it says it all, and the file is not looked at.
    assert_eq!(report["hosts"][5]["outcome"], "ok");
    // A log that is there and empty says nothing either. That is known by one request more, so that a push of all three stores
    // has no room for the file, and tells it.
    assert!(found(&report, 6).contains(&"note ownership_unknown".to_owned()));
    let told = report["hosts"][6]["preflight"].to_string();
    assert!(told.contains("facts.gpo.local"), "{told}");
    let edr = "steps: [ { edr_proxy: { server: '10.0.0.6:8080' } } ]\n";
    let lab = self::lab(vec![empty]);
    let (report, _) = push(&lab, "", edr);
    let blocked = &report["hosts"][0];
    assert_eq!(blocked["reason"], "preflight_blocked", "{blocked:#}");
    let detail = blocked["detail"].as_str().expect("a text");
    assert!(detail.contains("the local group policy"), "{detail}");
    let with = cost(&in_file(Some("10.0.0.6:8080")), "", edr, "push");
    let without = cost(
        &in_file(Some("10.0.0.6:8080")),
        "preflight: off\n",
        edr,
        "push",
    );
    assert!(with <= without + 8, "{with}, {without}");
}

/// Every kind of step, values that policies may own, and conditions that ask for facts of every source.
const EVERYTHING: &str = r"steps:
  - name: edr
    when: facts.os.build > 1 and facts.sensor.present and facts.network.ipv4
    edr_proxy: { server: '10.0.0.6:8080' }
  - name: prefer
    edr_prefer_static_proxy: { value: 1 }
  - name: av
    av_proxy: { server: 'https://10.0.0.6:8080', pac_url: 'http://pac.corp.example/p.pac', bypass: 'http://intranet.corp.example' }
  - name: ssl
    av_ssl_options: { value: 2, acknowledge: lowers_security }
  - name: own
    when: facts.computer.domain != 'nowhere'
    registry: { key: 'HKLM\SOFTWARE\Policies\Corp', value: One, type: sz, data: 'x' }
  - name: two
    registry: { key: 'HKLM\SOFTWARE\Policies\Corp\Sub', value: Two, type: multi_sz, data: ['x', 'y'] }
  - name: three
    registry: { key: 'HKLM\SOFTWARE\Policies\Corp\Other', value: Three, ensure: absent }
  - name: winhttp
    winhttp_proxy: { server: '10.0.0.6:8080', bypass: ['<local>', '*.corp.example'] }
";

/// Hosts as different as can be, and the requests of a run on each.
fn costs(preflight: &str, steps: &str, verb: &str) -> Vec<(String, u64)> {
    let profiles = [
        "laptop",
        "cluster_node",
        "domain_controller",
        "server_2012_r2",
        "server_2012_r2_mma",
        "server_2019_old",
        "ipv6_only",
    ];
    let mut hosts: Vec<(String, HostOptions)> = profiles
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                HostOptions::profile(name).expect("a profile"),
            )
        })
        .collect();
    let many = |count: usize, data: &str| {
        let owned = owned(data).group_policy.remove(0);
        let one = |number: usize| PolicySpec {
            gpo: format!("Policy {number}"),
            precedence: number as u32 + 1,
            ..owned.clone()
        };
        HostOptions {
            group_policy: (0..count).map(one).collect(),
            ..HostOptions::default()
        }
    };
    let crowded: Vec<AdapterSpec> = (0..90)
        .map(|n| AdapterSpec::new(&[&format!("10.20.{n}.5")], &["10.20.0.1"]))
        .collect();
    let more = [
        ("owned", owned("10.0.0.6:8080")),
        ("owned_otherwise", owned("old.corp.example:1")),
        ("many_policies", many(60, "10.0.0.6:8080")),
        ("many_other_policies", many(60, "old.corp.example:1")),
        ("no_rsop", in_file(Some("10.0.0.6:8080"))),
        (
            "many_adapters",
            HostOptions {
                adapters: crowded,
                chassis: vec![3; 80],
                ..HostOptions::default()
            },
        ),
        (
            "no_antivirus",
            HostOptions {
                antivirus: None,
                ..HostOptions::default()
            },
        ),
        ("wmi_broken", HostOptions::default()),
        ("registry_broken", HostOptions::default()),
    ];
    hosts.extend(more.map(|(name, options)| (name.to_owned(), options)));
    let (names, options): (Vec<String>, Vec<HostOptions>) = hosts.into_iter().unzip();
    let lab = any_lab(options);
    for (name, host) in names.iter().zip(lab.hosts()) {
        let broken =
            |set: &str| host.change_knobs(|knobs| knobs.wmi_broken = e2e::knobs(set).wmi_broken);
        match name.as_str() {
            "wmi_broken" => broken("{ wmi_broken: { fault: class_not_found } }"),
            "registry_broken" => {
                broken("{ wmi_broken: { fault: class_not_found, registry_only: true } }")
            }
            _ => {}
        }
    }
    let playbook = playbook(&lab, preflight, steps);
    let words = [verb, "-i", "inventory.yaml", "-p", &playbook, "--yes"];
    // Some of them are refused, which is right, and costs less.
    let code = lab.run(&words).code();
    assert!(matches!(code, Some(0 | 3)), "{verb}: {code:?}");
    let requests = lab.hosts().into_iter().map(|host| host.counters().requests);
    names.into_iter().zip(requests).collect()
}

#[test]
fn a_playbook_of_everything_is_not_asked_more_than_eight_times() {
    let mut most = 0;
    for verb in ["push", "plan"] {
        for steps in [EVERYTHING, STEPS] {
            let with = costs("", steps, verb);
            let without = costs("preflight: off\n", steps, verb);
            for ((name, with), (_, without)) in with.iter().zip(&without) {
                assert!(
                    *with <= without + 8,
                    "{verb} {name}: {with}, {without}\n{steps}"
                );
                most = most.max(with.saturating_sub(*without));
            }
        }
    }
    assert!(most >= 7, "the playbook does not ask everything: {most}");
}

#[test]
fn preferences_are_pushed_proved_and_taken_back() {
    let lab = lab(vec![HostOptions::default()]);
    let before = Preferences {
        server: "http://old.corp.example:3128".into(),
        pac_url: String::new(),
        bypass: vec!["http://one.example".into()],
    };
    lab.hosts()[0].set_preferences(before.clone());
    let steps = "steps:
  - av_proxy: { store: preference, server: 'http://10.0.0.6:8080', pac_url: 'http://p.example/p.pac', bypass: ['10.0.0.1', 'http://two.example'] }
";
    let (report, code) = push(&lab, "", steps);
    assert_eq!(code, 0, "{report:#}");
    let change = &report["hosts"][0]["steps"][0]["changes"][0];
    assert_eq!(
        change["target"], "MSFT_MpPreference: ProxyServer",
        "{change:#}"
    );
    let now = lab.hosts()[0].preferences();
    assert_eq!(now.server, "http://10.0.0.6:8080");
    assert_eq!(now.bypass, ["10.0.0.1", "http://two.example"]);
    let again = push(&lab, "", steps).0;
    assert_eq!(again["hosts"][0]["changed"], false, "{again:#}");
    let first = report["run"].as_str().unwrap();
    lab.run(&["rollback", first, "--yes"]).exits(0);
    assert_eq!(lab.hosts()[0].preferences(), before);
}

/// The shipped set has no request to spare: the command that writes shows the other store.
#[test]
fn the_shipped_set_keeps_what_the_other_store_of_winhttp_held() {
    let lab = LabBuilder::hosts(2).start();
    lab.hosts()[0].set_advproxy(r#"{"Proxy":"10.0.0.9:8080","AutoDetect":false}"#);
    let set = Lab::shipped("full-proxy-set.yaml");
    let run = |verb: &str| {
        let inventory = lab.path("inventory.yaml").display().to_string();
        let line = [
            verb,
            "-i",
            &inventory,
            "-p",
            &set,
            "-e",
            "proxy=10.0.0.6:8080",
            "--yes",
        ];
        lab.run(&[&line[..], &["-o", "json", "--events", "e.jsonl"]].concat())
            .exits(0)
            .json()
    };
    let report = run("push");
    assert_eq!(found(&report, 0), ["warn advproxy_differs"], "{report:#}");
    assert_eq!(found(&report, 1), [] as [&str; 0], "nothing is set there");
    let events = std::fs::read_to_string(lab.path("e.jsonl")).expect("events");
    let seen: Vec<Value> = events
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|event: &Value| event["event"] == "advproxy_seen")
        .collect();
    assert_eq!(seen.len(), 2);
    let held = seen
        .iter()
        .find(|event| event["host"] == report["hosts"][0]["name"]);
    let document = held.expect("the first host")["document"]
        .as_str()
        .expect("a text")
        .to_owned();
    assert!(
        document.contains(r#""Proxy":"10.0.0.9:8080""#),
        "{document}"
    );
}
