//! V3 and V4 against a real proxy on loopback that works, refuses, opens TLS, or swallows.

use playbooks::{Finding, HostProbe, KeyPath, Probe, Target, To, Verdict};
use rollout::{Observe, Session, SystemTask};
use sim_fleet::{FleetSpec, HostOptions, HostSpec, ProxyMode, RawValue, SimProxy};

use crate::lab::Lab;

const URL: &str = "https://events.data.microsoft.com/";
const VIA: &str = "proxy.corp.example:8080";

async fn lab(proxy: &SimProxy, change: impl FnOnce(&mut HostOptions)) -> Lab {
    let mut options = HostOptions::default();
    options
        .network
        .proxies
        .insert(VIA.to_owned(), proxy.address());
    options.network.gives_up_after_ms = Some(300);
    change(&mut options);
    let mut spec = FleetSpec::named(Vec::<&str>::new());
    spec.hosts.push(HostSpec {
        name: "pc-1.corp.example".into(),
        options: Some(options),
        ..HostSpec::default()
    });
    Lab::of(spec).await
}

async fn ask(lab: &Lab, probe: Probe) -> Verdict {
    let mut session = lab.open().await;
    let probe = HostProbe {
        run_as: playbooks::RunAs::Account,
        name: "p".to_owned(),
        probe,
        candidate: false,
    };
    let verdict = session.probe(&probe, None).await.unwrap();
    session.close().await;
    verdict
}

fn connect(urls: &[&str]) -> Probe {
    Probe::ProxyConnect {
        via: Some(VIA.to_owned()),
        to: To::Urls(urls.iter().map(|url| (*url).to_owned()).collect()),
    }
}

#[track_caller]
fn found(verdict: &Verdict, finding: Finding, says: &str) {
    assert_eq!(verdict.finding, finding, "{verdict:?}");
    assert!(verdict.detail.contains(says), "{verdict:?}");
}

#[tokio::test]
async fn every_misfortune_of_a_proxy_has_its_name() {
    let proxy = SimProxy::start(ProxyMode::Works).unwrap();
    for no_curl in [false, true] {
        let lab = lab(&proxy, |options| options.network.no_curl = no_curl).await;
        let cases = [
            (
                ProxyMode::Works,
                Finding::ConnectedThroughProxy,
                "Microsoft Corporation",
            ),
            (ProxyMode::Answers(407), Finding::ProxyWantsLogon, "407"),
            (ProxyMode::Answers(403), Finding::ProxyRefuses, "403"),
            (ProxyMode::Answers(502), Finding::ProxyCannotGoOn, "502"),
            (ProxyMode::Answers(504), Finding::ProxyCannotGoOn, "504"),
            (ProxyMode::Intercepts, Finding::TlsInspected, "Contoso"),
            (ProxyMode::Cuts, Finding::TlsFailed, ""),
        ];
        for (mode, finding, says) in cases {
            proxy.set_mode(mode);
            found(&ask(&lab, connect(&[URL])).await, finding, says);
        }
        proxy.set_mode(ProxyMode::Blackholes);
        let silent = ask(&lab, connect(&[URL])).await;
        let expected = if no_curl {
            Finding::ProxyUnreachable
        } else {
            Finding::TimedOut
        };
        found(&silent, expected, "CONNECT");
        assert_eq!(lab.host().counters().writes, 0);
    }
}

#[tokio::test]
async fn a_byte_flows_through_the_proxy_and_only_through_it() {
    let proxy = SimProxy::start(ProxyMode::Works).unwrap();
    let lab = lab(&proxy, |_| {}).await;
    let before = proxy.counters();
    ask(
        &lab,
        connect(&[URL, "http://ctldl.windowsupdate.com/x.cab"]),
    )
    .await;
    let after = proxy.counters();
    assert!(
        after.bytes > before.bytes && after.connects > before.connects,
        "{after:?}"
    );
    let direct = Probe::ProxyConnect {
        via: None,
        to: To::Urls(vec![URL.to_owned()]),
    };
    found(&ask(&lab, direct).await, Finding::Unreached, "");
    assert_eq!(proxy.counters().connections, after.connections);
}

#[tokio::test]
async fn inspection_is_seen_where_the_host_trusts_the_company() {
    let proxy = SimProxy::start(ProxyMode::Intercepts).unwrap();
    let lab = lab(&proxy, |options| options.network.trusts_company = true).await;
    found(
        &ask(&lab, connect(&[URL])).await,
        Finding::TlsInspected,
        "Contoso Ltd",
    );
}

#[tokio::test]
async fn where_no_issuer_is_shown_inspection_is_not_ruled_out() {
    for mode in [ProxyMode::Works, ProxyMode::Intercepts] {
        let proxy = SimProxy::start(mode).unwrap();
        let lab = lab(&proxy, |options| {
            options.network.trusts_company = true;
            options.network.constrained_language = true;
        })
        .await;
        let verdict = ask(&lab, connect(&[URL])).await;
        found(&verdict, Finding::ToolMissing, "language mode");
        // Anybody may issue certificates for other names.
        let other = ask(&lab, connect(&["https://intranet.corp.example/"])).await;
        found(&other, Finding::ConnectedThroughProxy, "status");
    }
}

/// More addresses than one line of command takes: whose certificate each of them shows is looked at all the same.
#[tokio::test]
async fn the_issuer_of_many_addresses_is_shown() {
    let proxy = SimProxy::start(ProxyMode::Works).unwrap();
    let lab = lab(&proxy, |_| {}).await;
    let urls: Vec<String> = (0..110)
        .map(|n| format!("{URL}{n}/{}", "x".repeat(60)))
        .collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let verdict = ask(&lab, connect(&urls)).await;
    found(&verdict, Finding::ConnectedThroughProxy, "110 of 110");
    let shown = |target: &playbooks::TargetVerdict| target.detail.contains("certificate by");
    assert!(verdict.targets.iter().all(shown), "{verdict:?}");
}

#[tokio::test]
async fn a_port_of_an_ipv6_literal_is_asked_for_without_its_brackets() {
    let proxy = SimProxy::start(ProxyMode::Works).unwrap();
    let via = "[2001:db8::6]:8080";
    let lab = lab(&proxy, |options| {
        let proxies = &mut options.network.proxies;
        proxies.insert(via.to_owned(), proxy.address());
    })
    .await;
    let probe = Probe::ProxyTcp {
        via: via.to_owned(),
    };
    found(&ask(&lab, probe).await, Finding::PortOpen, via);
}

#[tokio::test]
async fn an_unreachable_list_of_revoked_certificates_is_named() {
    let proxy = SimProxy::start(ProxyMode::Works).unwrap();
    let lab = lab(&proxy, |options| {
        options.network.revocation_unreachable = true
    })
    .await;
    found(
        &ask(&lab, connect(&[URL])).await,
        Finding::RevocationUnreachable,
        "REVOCATION_OFFLINE",
    );
}

#[tokio::test]
async fn inspection_is_seen_where_its_certificates_name_no_reachable_list() {
    let proxy = SimProxy::start(ProxyMode::Intercepts).unwrap();
    let lab = lab(&proxy, |options| {
        options.network.trusts_company = true;
        options.network.revocation_unreachable = true;
    })
    .await;
    found(
        &ask(&lab, connect(&[URL])).await,
        Finding::TlsInspected,
        "Contoso Ltd",
    );
}

#[tokio::test]
async fn the_hosts_own_addresses_are_asked() {
    let proxy = SimProxy::start(ProxyMode::Works).unwrap();
    let lab = lab(&proxy, |_| {}).await;
    let body = r#"{"geoLocationUrl":"https://edr-weu.eu.endpoint.security.microsoft.com/edr/","vortexGeoLocation":"EU","partnerGeoLocation":"GW_EU","orgId":"secret-org"}"#;
    let text = format!(
        r#"{{"body":"{}","signature":"secret"}}"#,
        body.replace('"', r#"\""#)
    );
    let bytes = text
        .encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect();
    let key = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection";
    let probe = Probe::ProxyConnect {
        via: Some(VIA.to_owned()),
        to: To::Defender { all: false },
    };
    // Nobody was onboarded: there is nothing to ask for, and that proves nothing.
    let nothing = ask(&lab, probe.clone()).await;
    found(&nothing, Finding::NotApplicable, "name a region");
    lab.host()
        .set_value(key, "OnboardedInfo", RawValue { kind: 1, bytes });
    let verdict = ask(&lab, probe).await;
    found(&verdict, Finding::ConnectedThroughProxy, "addresses");
    assert!(!format!("{verdict:?}").contains("secret"));
    assert_eq!(
        verdict.targets[0].target,
        "edr-weu.eu.endpoint.security.microsoft.com"
    );
    assert!(verdict.targets.len() >= 5, "{verdict:?}");
    assert!(
        verdict
            .targets
            .iter()
            .any(|target| target.target.starts_with("ctldl."))
    );
}

#[tokio::test]
async fn a_port_is_open_or_not() {
    let proxy = SimProxy::start(ProxyMode::Works).unwrap();
    let lab = lab(&proxy, |_| {}).await;
    let tcp = |via: &str| Probe::ProxyTcp {
        via: via.to_owned(),
    };
    found(&ask(&lab, tcp(VIA)).await, Finding::PortOpen, "");
    found(
        &ask(&lab, tcp("10.9.9.9:1")).await,
        Finding::ProxyUnreachable,
        "",
    );
    found(
        &ask(&lab, connect_by("10.9.9.9:1")).await,
        Finding::ProxyUnreachable,
        "",
    );
    found(
        &ask(&lab, connect_by("nobody.corp.example:1")).await,
        Finding::ProxyNameUnknown,
        "",
    );
}

fn connect_by(via: &str) -> Probe {
    Probe::ProxyConnect {
        via: Some(via.to_owned()),
        to: To::Urls(vec![URL.to_owned()]),
    }
}

#[tokio::test]
async fn antivirus_tests_its_cloud_and_the_sensors_log_is_read() {
    let proxy = SimProxy::start(ProxyMode::Works).unwrap();
    let maps = Probe::Maps {
        again_after: std::time::Duration::ZERO,
    };
    let good = lab(&proxy, |options| {
        options.sensor_log = vec!["4|1|https://x".into(), "39|300|False|True|True|True".into()];
    })
    .await;
    found(&ask(&good, maps.clone()).await, Finding::Connected, "");
    let bad = lab(&proxy, |options| {
        let antivirus = options.antivirus.as_mut().unwrap();
        antivirus.maps_error = Some("0x80072F8F".into());
        options.sensor_log = vec!["5|3|https://x|407".into()];
    })
    .await;
    found(
        &ask(&bad, maps).await,
        Finding::MapsFailed,
        "0x80072F8F: certificate",
    );
    let events = HostProbe {
        run_as: playbooks::RunAs::Account,
        name: "p".to_owned(),
        probe: Probe::SensorEvents {
            within: std::time::Duration::ZERO,
        },
        candidate: false,
    };
    let since = Some("2026-01-01T00:00:00Z".parse().unwrap());
    let refused = lab(&proxy, |options| options.sensor_log_refused = true).await;
    for (lab, finding, says) in [
        (&good, Finding::ConnectedThroughProxy, ""),
        (&bad, Finding::SensorFails, "logon"),
        (&refused, Finding::Unreadable, "unauthorized operation"),
    ] {
        let mut session = lab.open().await;
        let verdict = session.probe(&events, since).await.unwrap();
        session.close().await;
        found(&verdict, finding, says);
    }
}

#[tokio::test]
async fn as_local_system_a_task_asks_and_nothing_stays() {
    let proxy = SimProxy::start(ProxyMode::Answers(407)).unwrap();
    // The task starts by the host's clock, not by ours.
    let lab = lab(&proxy, |options| options.clock_ahead = 5000).await;
    let before = lab.host().registry();
    let name = "winfleet-run-test-1".to_owned();
    let task = SystemTask {
        result: Target {
            key: KeyPath::below_local_machine(r"SOFTWARE\winfleet-run").unwrap(),
            value: name.clone(),
        },
        name,
    };
    let probe = HostProbe {
        name: "p".to_owned(),
        run_as: playbooks::RunAs::System,
        probe: connect(&[URL]),
        candidate: false,
    };
    let mut session = lab.open().await;
    let verdict = session.probe_as_system(&probe, None, &task).await.unwrap();
    found(&verdict, Finding::ProxyWantsLogon, "407");
    assert_eq!(lab.host().tasks(), std::slice::from_ref(&task.name));
    let ran = lab.host().operations();
    let ran = ran.iter().find(|operation| operation.action == "task");
    assert_eq!(
        ran.map(|operation| operation.user.as_str()),
        Some(r"NT AUTHORITY\SYSTEM")
    );
    // Twice, because a resume may do it once more.
    for _ in 0..2 {
        session.remove_task(&task).await.unwrap();
        assert_eq!(lab.host().tasks(), Vec::<String>::new());
        assert_eq!(lab.host().registry(), before);
    }
    session.close().await;
}

#[tokio::test]
async fn antivirus_tests_its_cloud_as_local_system() {
    let proxy = SimProxy::start(ProxyMode::Works).unwrap();
    for (error, finding, said) in [
        (None, Finding::Connected, "reaches its cloud"),
        (Some("0x80072EFE"), Finding::MapsFailed, "0x80072EFE"),
    ] {
        let lab = lab(&proxy, |options| {
            let antivirus = options.antivirus.get_or_insert_default();
            antivirus.maps_error = error.map(str::to_owned);
        })
        .await;
        let name = "winfleet-run-test-3".to_owned();
        let task = SystemTask {
            result: Target {
                key: KeyPath::below_local_machine(r"SOFTWARE\winfleet-run").unwrap(),
                value: name.clone(),
            },
            name,
        };
        let probe = HostProbe {
            name: "p".to_owned(),
            run_as: playbooks::RunAs::System,
            probe: Probe::Maps {
                again_after: std::time::Duration::ZERO,
            },
            candidate: false,
        };
        let mut session = lab.open().await;
        let verdict = session.probe_as_system(&probe, None, &task).await.unwrap();
        found(&verdict, finding, said);
        let ran = lab.host().operations();
        let ran = ran.iter().find(|operation| operation.action == "task");
        let user = ran.map(|operation| operation.user.as_str());
        assert_eq!(user, Some(r"NT AUTHORITY\SYSTEM"));
        session.remove_task(&task).await.unwrap();
        session.close().await;
    }
}

#[tokio::test]
async fn without_wmi_or_shell_no_task_is_made() {
    let proxy = SimProxy::start(ProxyMode::Works).unwrap();
    for channel in ["cim", "shell"] {
        let lab = lab(&proxy, |_| {})
            .await
            .defaults(&format!("channel: {channel}"));
        let task = SystemTask {
            name: "winfleet-run-test-2".to_owned(),
            result: Target {
                key: KeyPath::below_local_machine(r"SOFTWARE\winfleet-run").unwrap(),
                value: "winfleet-run-test-2".to_owned(),
            },
        };
        let probe = HostProbe {
            name: "p".to_owned(),
            run_as: playbooks::RunAs::System,
            probe: Probe::ProxyTcp {
                via: VIA.to_owned(),
            },
            candidate: false,
        };
        let mut session = lab.open().await;
        let verdict = session.probe_as_system(&probe, None, &task).await.unwrap();
        found(
            &verdict,
            Finding::ToolMissing,
            if channel == "cim" {
                "channel cim"
            } else {
                "WMI"
            },
        );
        assert_eq!(lab.host().tasks(), Vec::<String>::new());
        session.close().await;
    }
}
