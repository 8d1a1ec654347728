//! The candidate test of the shipped playbooks: a proxy that does not work leaves every host as it was, and a push that tries
//! none says so.

use e2e::{Finished, Lab, LabBuilder};
use sim_fleet::{
    AntivirusSpec, HostHandle, HostOptions, ProxyMode, RegistrySnapshot, SeedData, SeedValue,
    SimProxy,
};

const SENSOR: &str = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection";
const STATUS: &str = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection\Status";
const ONBOARDED: &str = r#"{"body":"{\"orgId\":\"TENANT\",\"geoLocationUrl\":\"https://winatp-gw-weu.microsoft.com\",\"vortexGeoLocation\":\"EU\"}"}"#;

/// Desktops that find the proxies of loopback: the first is onboarded, the last has no Antivirus.
fn lab(hosts: usize) -> Lab {
    LabBuilder::hosts(hosts)
        .fleet(|spec| {
            for (index, host) in spec.hosts.iter_mut().enumerate() {
                let mut options = HostOptions {
                    antivirus: (index + 1 < hosts).then(AntivirusSpec::default),
                    ..HostOptions::default()
                };
                // Nobody waits long for what never answers.
                options.network.gives_up_after_ms = Some(400);
                host.options = Some(options);
                if index == 0 {
                    // Contact in the year 2500, which is after any push.
                    let contact = SeedData::Qword(283_700_000_000_000_000);
                    host.registry.extend([
                        SeedValue::new(SENSOR, "OnboardedInfo", SeedData::Sz(ONBOARDED.into())),
                        SeedValue::new(STATUS, "OnboardingState", SeedData::Dword(1)),
                        SeedValue::new(STATUS, "LastConnected", contact),
                    ]);
                }
            }
        })
        .settings(|index, _| {
            let ring = if index == 0 { "canary" } else { "broad" };
            format!("ring: {ring}")
        })
        .start()
}

fn all(lab: &Lab) -> Vec<RegistrySnapshot> {
    lab.hosts().iter().map(HostHandle::registry).collect()
}

fn push(lab: &Lab, playbook: &str, more: &[&str]) -> Finished {
    let playbook = Lab::shipped(playbook);
    let mut words = vec!["push", "-i", "inventory.yaml", "-p", &playbook, "--yes"];
    words.extend(more);
    lab.run(&words)
}

/// The variables that make a shipped playbook try this proxy.
fn variables(playbook: &str, via: &str) -> Vec<String> {
    let mut vars = match playbook {
        "av-pac-bypass.yaml" => vec![
            "pac_url=http://w.example/p.pac".to_owned(),
            "bypass=http://i.example".to_owned(),
            format!("pac_proxy={via}"),
        ],
        _ => vec![format!("proxy={via}")],
    };
    vars.push("prove=true".to_owned());
    vars.into_iter()
        .flat_map(|var| ["-e".to_owned(), var])
        .collect()
}

const THAT_SET_A_PROXY: [&str; 5] = [
    "edr-only.yaml",
    "full-proxy-set.yaml",
    "winhttp-only.yaml",
    "offline-devices.yaml",
    "av-pac-bypass.yaml",
];

#[test]
fn a_shipped_playbook_leaves_hosts_unchanged_where_the_proxy_does_not_work() {
    let proxy = SimProxy::start(ProxyMode::Works).expect("a proxy");
    let via = proxy.address().to_string();
    // A port that nobody listens on any more.
    let gone = SimProxy::start(ProxyMode::Works).expect("a proxy");
    let closed = gone.address().to_string();
    drop(gone);
    let lab = lab(3);
    let before = all(&lab);
    for playbook in THAT_SET_A_PROXY {
        let mut cases = vec![(closed.as_str(), ProxyMode::Works, "proxy_unreachable")];
        // There only the port is asked for.
        if playbook != "offline-devices.yaml" {
            cases.extend([
                (via.as_str(), ProxyMode::Answers(407), "proxy_wants_logon"),
                (via.as_str(), ProxyMode::Answers(502), "proxy_cannot_go_on"),
                (via.as_str(), ProxyMode::Blackholes, "timed_out"),
                (via.as_str(), ProxyMode::Intercepts, "tls_inspected"),
            ]);
        }
        for (via, mode, finding) in cases {
            proxy.set_mode(mode);
            let vars = variables(playbook, via);
            let mut more: Vec<&str> = vars.iter().map(String::as_str).collect();
            more.extend(["-o", "json"]);
            let json = push(&lab, playbook, &more).exits(6).json();
            let host = &json["hosts"][0];
            assert_eq!(
                (&host["outcome"], &host["reason"], &host["changed"]),
                (&"failed".into(), &"probe_red".into(), &false.into()),
                "{playbook} {mode:?}: {json:#}"
            );
            let probes = host["probes"].as_array().expect("probes");
            let red: Vec<_> = probes
                .iter()
                .filter(|probe| probe["grade"] == "fail")
                .collect();
            assert_eq!(red.len(), 1, "{json:#}");
            assert_eq!(red[0]["finding"], finding, "{playbook}: {json:#}");
            // The ring stopped: nobody behind it was begun.
            assert_eq!(json["hosts"][2]["outcome"], "not_started", "{json:#}");
            assert_eq!(all(&lab), before, "{playbook} {mode:?}");
        }
    }
}

const TCP: &str = "The proxy takes connections";
const ADDRESSES: &str = "The addresses of Defender answer through the proxy";
const PASS: &str = "The proxy lets Microsoft's addresses pass";
const WINHTTP: &str = "WinHTTP goes by the proxy";
const ANTIVIRUS: &str = "Antivirus goes by the proxy";
const CONTACT: &str = "The sensor is in contact";

#[test]
fn a_shipped_playbook_proves_a_proxy_that_works_before_and_after() {
    let proxy = SimProxy::start(ProxyMode::Works).expect("a proxy");
    let via = proxy.address().to_string();
    for playbook in THAT_SET_A_PROXY {
        let lab = lab(4);
        let vars = variables(playbook, &via);
        let mut more: Vec<&str> = vars.iter().map(String::as_str).collect();
        more.extend(["-o", "json"]);
        let json = push(&lab, playbook, &more).succeeds().json();
        let mut names = std::collections::BTreeSet::new();
        for host in json["hosts"].as_array().expect("hosts") {
            for probe in host["probes"].as_array().expect("probes") {
                assert_eq!(probe["grade"], "pass", "{playbook}: {json:#}");
                names.insert(probe["name"].as_str().unwrap_or_default().to_owned());
            }
        }
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let expected: &[&str] = match playbook {
            "edr-only.yaml" => &[ADDRESSES, PASS, TCP, CONTACT],
            "full-proxy-set.yaml" => &[ANTIVIRUS, ADDRESSES, PASS, TCP, CONTACT, WINHTTP],
            "winhttp-only.yaml" => &[ADDRESSES, PASS, TCP, WINHTTP],
            "offline-devices.yaml" => &[ANTIVIRUS, TCP, CONTACT],
            _ => &[
                "A proxy of the PAC file lets Microsoft's addresses pass",
                "A proxy of the PAC file takes connections",
                "Antivirus goes by the PAC file",
            ],
        };
        let expected: std::collections::BTreeSet<&str> = expected.iter().copied().collect();
        assert_eq!(all, expected.into_iter().collect::<Vec<_>>(), "{playbook}");
        let untold = json["not_done"].as_array().expect("not_done");
        let kinds = untold.iter().filter_map(|one| one["kind"].as_str());
        assert!(
            !kinds
                .into_iter()
                .any(|kind| kind == "proxy" || kind == "ring"),
            "{playbook}: {untold:?}"
        );
    }
}

#[test]
fn what_tries_no_proxy_says_so_in_one_line_everywhere() {
    const LINE: &str = "no probe asks for this proxy before the first write: 10.0.0.6:8080";
    const REMEDY: &str = "-e prove=true switches such a probe on";
    let lab = lab(3);
    let playbook = Lab::shipped("full-proxy-set.yaml");
    let set = ["-e", "proxy=10.0.0.6:8080"];
    let run = |words: &[&str]| {
        let words: Vec<&str> = words.iter().chain(&set).copied().collect();
        lab.run(&words)
    };
    let once = |finished: Finished, more: &str| {
        let screen = finished.screen();
        let lines: Vec<&str> = screen.lines().filter(|line| line.contains(LINE)).collect();
        assert_eq!(lines.len(), 1, "{screen}");
        assert!(lines[0].contains(REMEDY), "{screen}");
        assert!(lines[0].contains(more), "{screen}");
    };
    once(run(&["check", &playbook]), "warning");
    once(run(&["check", "inventory.yaml", &playbook]), "warning");
    let files = ["-i", "inventory.yaml", "-p", &playbook];
    let with = |verb: &[&str]| run(&verb.iter().chain(&files).copied().collect::<Vec<_>>());
    once(with(&["plan"]), "(3 hosts)");
    let json = with(&["plan", "-o", "json"]).succeeds().json();
    assert!(json["warnings"].to_string().contains(LINE), "{json:#}");
    let asked = lab
        .program(&[
            "push",
            "-i",
            "inventory.yaml",
            "-p",
            &playbook,
            set[0],
            set[1],
        ])
        .at_terminal();
    asked.until_shows("warning: no probe asks for this proxy before the first write");
    asked.until_shows("go on?");
    asked.kill();
    let pushed = with(&["push", "--yes"]).succeeds();
    assert!(
        pushed
            .stdout()
            .contains("no probe asked: not proved on 3 hosts")
    );
    assert!(
        pushed.stdout().contains("ring canary opened the next one"),
        "{}",
        pushed.stdout()
    );
    once(pushed, "proxy written untried on 3 hosts");
    let report = lab.report();
    let told = report["not_done"].to_string();
    assert!(
        told.contains(LINE) && told.contains("\"kind\":\"ring\""),
        "{told}"
    );
    lab.run(&["report", "last", "--format", "html"])
        .succeeds()
        .says(LINE);
    // All of it is right already: nothing is written, so nothing is written untried.
    let again = with(&["push", "--yes"]).succeeds();
    assert!(!again.stdout().contains(LINE), "{}", again.stdout());
    // A rollback sets nothing.
    lab.run(&["rollback", "last", "--yes"]).succeeds();
}
