//! Plans and audits as they are shown.

use std::collections::BTreeMap;

use inventory::{Auth, Channel, Host, HostName, Origin, Settings, Sourced, Transport};
use playbooks::{
    Change, Desired, Gates, KeyPath, Limit, Limits, Observed, OnBreach, RawValue, Target, Typed,
};
use rollout::{
    HostError, HostSpec, HostWork, Intent, LeftValue, PlannedChange, PlannedStep, PlaybookRecord,
    Reason, RingPlan, RunId, RunSpec, Verb,
};

use crate::audit::{self, Audit};
use crate::groups::Stand;
use crate::plan::Plan;

type Found = Result<Vec<PlannedStep>, HostError>;

fn sourced<T>(value: T) -> Sourced<T> {
    Sourced {
        value,
        from: Origin::BuiltIn,
    }
}

fn host(number: usize, ring: usize) -> HostSpec {
    let name = format!("pc-{number:04}.x");
    let seconds = |count| sourced(std::time::Duration::from_secs(count));
    let settings = Settings {
        address: sourced(name.clone()),
        port: sourced(5985),
        transport: sourced(Transport::Http),
        auth: sourced(Auth::Negotiate),
        allow_ntlm: sourced(true),
        spn_class: sourced(inventory::SpnClass::default()),
        spn_name: sourced(None),
        credential: sourced(None),
        verify_name: sourced(true),
        ca_file: sourced(None),
        cert_sha256: sourced(None),
        tls_verify: sourced(true),
        channel: sourced(Channel::Auto),
        connect_timeout: seconds(10),
        request_timeout: seconds(90),
        host_timeout: seconds(600),
    };
    HostSpec {
        host: Host {
            name: HostName::new(name),
            ring: None,
            ring_from: Origin::BuiltIn,
            groups: Vec::new(),
            settings,
            vars: Vec::new(),
            origin: Origin::BuiltIn,
        },
        ring,
        vars: BTreeMap::new(),
        credential: None,
        work: HostWork::Apply,
        planned: None,
    }
}

/// Three rings, the first without hosts.
fn spec(hosts: usize) -> RunSpec {
    let ring = |name: &str, limits, gates| RingPlan {
        name: name.to_owned(),
        max_parallel: 100,
        limits,
        on_breach: OnBreach::Stop,
        gates,
        hosts: 0,
    };
    let soak = Gates {
        soak: Some(std::time::Duration::from_secs(1800)),
        approve: true,
        ..Gates::default()
    };
    let two_percent = Limits {
        max_failed: Some(Limit::Percent(200)),
        max_unreachable: Some(Limit::Count(0)),
        max_indeterminate: None,
    };
    RunSpec {
        id: RunId::from_text("r"),
        verb: Verb::Push,
        simulated: false,
        operator: "ops@desk".to_owned(),
        reason: None,
        playbook: PlaybookRecord {
            name: "proxy\u{1b}[2J".to_owned(),
            file: "p.yaml".to_owned(),
            text: String::new(),
            digest: "d".to_owned(),
        },
        rings: vec![
            ring("canary", Limits::default(), soak.clone()),
            ring("pilot", two_percent, Gates::default()),
            ring("broad", Limits::default(), soak),
        ],
        limits: Limits {
            max_failed: Some(Limit::Percent(100)),
            ..Limits::default()
        },
        on_breach: OnBreach::RollbackRun,
        deadline: None,
        groups: BTreeMap::from([("paris".to_owned(), 20)]),
        retries: playbooks::Retries::default(),
        hosts: (0..hosts)
            .map(|number| host(number, 1 + number % 2))
            .collect(),
        source_run: None,
        plan_hash: None,
    }
}

fn target() -> Target {
    Target {
        key: KeyPath::parse(r"HKLM\SOFTWARE\X").unwrap(),
        value: "Proxy".to_owned(),
    }
}

fn sz(text: &str) -> RawValue {
    Typed::Sz(text.to_owned()).to_raw()
}

fn read(prior: Observed) -> Found {
    let intent = Intent::Apply(Change {
        target: target(),
        desired: Desired::Value(sz("new:1")),
    });
    Ok(vec![PlannedStep {
        name: "edr".to_owned(),
        skipped: None,
        preflight: Vec::new(),
        changes: vec![PlannedChange { intent, prior }],
    }])
}

/// Of a hundred hosts most want the same; some are right, some odd, some silent.
fn found(number: usize) -> Found {
    match number {
        0..80 => read(Observed::ValueAbsent),
        80..90 => read(Observed::Present(sz("new:1"))),
        90..93 => read(Observed::Present(sz("=old\u{202e}"))),
        // Reads like text, and is none that could be put back.
        93 => read(Observed::Present(RawValue {
            kind: 1,
            bytes: vec![0x61, 0, 0x62],
        })),
        94 => read(Observed::Present(
            Typed::ExpandSz("new:1".to_owned()).to_raw(),
        )),
        _ => Err(
            HostError::unreachable(Reason::Dns, format!("pc-{number:04}.x does not resolve"))
                .with_remedy("check DNS"),
        ),
    }
}

fn plan<'a>(spec: &'a RunSpec, found: &[Found]) -> Plan<'a> {
    Plan::new(
        spec,
        found.iter().map(|found| found.as_ref().map(Vec::as_slice)),
    )
}

#[test]
fn a_plan_for_people() {
    let (spec, found) = (spec(100), (0..100).map(found).collect::<Vec<_>>());
    insta::assert_snapshot!(plan(&spec, &found).table());
}

#[test]
fn a_plan_for_programs_and_spreadsheets() {
    let (spec, found) = (spec(4), [0, 90, 93, 95].map(found));
    let plan = plan(&spec, &found);
    insta::assert_snapshot!(crate::json::pretty(&plan.json()));
    let lines: Vec<_> = plan.lines().collect();
    let states: Vec<&str> = lines
        .iter()
        .map(|line| line["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["change", "change", "will_be_refused", "unread"]);
    let csv = plan.csv();
    assert!(!csv.contains("\r\n=") && !csv.contains('\u{202e}'), "{csv}");
}

#[test]
fn nothing_to_do_is_said() {
    let (spec, found) = (spec(2), [80, 81].map(found));
    let plan = plan(&spec, &found);
    let text = plan.table();
    assert!(text.contains("2 hosts already right\n"), "{text}");
    assert!(
        text.contains("warning: every host is already right: a push would change nothing"),
        "{text}"
    );
    assert!(!plan.pending());
}

#[test]
fn twenty_thousand_hosts_are_one_screen() {
    let count = 20_000;
    let found: Vec<Found> = (0..count).map(|number| found(number % 95)).collect();
    let spec = spec(count);
    let text = plan(&spec, &found).table();
    assert!(text.lines().count() < 60, "{text}");
    assert!(text.contains("hosts: this exact change; 2,"), "{text}");
}

#[test]
fn an_audit_for_people() {
    let moved = |now: Observed| -> Vec<(LeftValue, Observed)> {
        vec![(
            LeftValue {
                step: "edr".to_owned(),
                target: target(),
                left: Observed::Present(sz("new:1")),
            },
            now,
        )]
    };
    let away = HostError::unreachable(Reason::Dns, "does not resolve");
    let same_text = RawValue {
        kind: 2,
        ..sz("new:1")
    };
    let stands = [
        ("a.x", Ok(moved(Observed::Present(sz("theirs\u{9b}31m"))))),
        ("b.x", Ok(moved(Observed::Present(sz("theirs\u{9b}31m"))))),
        ("c.x", Ok(moved(Observed::ValueAbsent))),
        ("d.x", Ok(moved(Observed::Present(sz("new:1"))))),
        ("e.x", Ok(moved(Observed::Present(same_text)))),
        ("f.x", Ok(Vec::new())),
        ("g.x", Err(away)),
    ];
    let hosts = stands.iter().map(|(host, found)| Stand {
        host,
        ring: "all",
        standing: audit::against_run(found.as_ref().map(Vec::as_slice)),
    });
    let audit = Audit {
        sought: audit::Sought::Drift,
        against: "run 7k".to_owned(),
        hosts: hosts.collect(),
        verbose: false,
    };
    assert!(audit.drifted());
    insta::assert_snapshot!(audit.table());
    assert_eq!(audit.json()["totals"]["nothing_to_compare"], 1);
}
