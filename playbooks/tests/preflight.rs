//! The decision table of the preflight, row by row. What it asks for is `preflight_rounds.rs`.

use jiff::Timestamp;
use playbooks::{
    CHECKS, Check, Fact, FactValue, Facts, GpoSetting, HostStep, Observed, Playbook,
    PreflightChange, PreflightGrade, RawValue, Typed, Vars, WinHttpMarker, WinHttpProxy,
    WinHttpSettings,
};

use crate::support::{load, problems, scope};

pub(crate) const EDR: &str = "edr_proxy: { server: '10.0.0.6:8080' }";
pub(crate) const AV: &str = "av_proxy: { server: 'http://10.0.0.6:8080' }";
pub(crate) const WINHTTP: &str = "winhttp_proxy: { server: '10.0.0.6:8080', bypass: ['<local>'] }";
pub(crate) const PREFER: &str = "edr_prefer_static_proxy: { value: 1 }";
pub(crate) const SSL: &str = "av_ssl_options: { value: 2, acknowledge: lowers_security }";

pub(crate) fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

pub(crate) fn text(text: &str) -> FactValue {
    FactValue::Text(text.to_owned())
}

pub(crate) fn steps(steps: &[&str]) -> String {
    let lines: String = steps
        .iter()
        .map(|step| format!("  - {{ {step} }}\n"))
        .collect();
    format!("steps:\n{lines}")
}

pub(crate) fn compiled(playbook: &Playbook, facts: &Facts) -> Vec<HostStep> {
    let vars = Vars::default();
    playbook.compile(&scope(&vars, &[]), Some(facts)).unwrap()
}

/// Findings as `grade check`, with every value absent but those that `prior` gives.
fn found(playbook: &Playbook, facts: &Facts, prior: &dyn Fn(&str) -> Observed) -> Vec<String> {
    let steps = compiled(playbook, facts);
    let priors: Vec<Vec<Observed>> = steps
        .iter()
        .map(|step| {
            step.changes
                .iter()
                .map(|change| prior(&change.target.value))
                .collect()
        })
        .collect();
    let changes: Vec<PreflightChange<'_>> = steps
        .iter()
        .zip(&priors)
        .enumerate()
        .flat_map(|(index, (step, priors))| {
            let changes = step.changes.iter().zip(priors);
            changes.map(move |(change, prior)| PreflightChange {
                step: index,
                target: &change.target,
                desired: &change.desired,
                prior,
            })
        })
        .collect();
    let names: Vec<(&str, bool)> = steps
        .iter()
        .map(|step| (step.name.as_str(), step.below_gate))
        .collect();
    let findings = playbook.preflight_findings(&changes, &names, facts, now());
    let words = findings.into_iter().map(|(_, finding)| {
        assert!(!finding.detail.is_empty());
        format!("{} {}", finding.word(), finding.check.name())
    });
    words.collect()
}

fn absent(_: &str) -> Observed {
    Observed::ValueAbsent
}

/// A machine-wide proxy, which a reset takes away.
fn named(_: &str) -> Observed {
    let proxy = WinHttpProxy {
        server: "old:1".to_owned(),
        bypass: Vec::new(),
    };
    Observed::Present(WinHttpSettings::build(Some(&proxy), WinHttpMarker::Article))
}

/// One row: steps, facts, what is found on a host that has none of the values.
fn row(wanted: &[&str], facts: &[(Fact, FactValue)], expected: &[&str]) {
    row_from(&absent, wanted, facts, expected);
}

fn row_from(
    prior: &dyn Fn(&str) -> Observed,
    wanted: &[&str],
    facts: &[(Fact, FactValue)],
    expected: &[&str],
) {
    let playbook = load(&steps(wanted));
    let gates = [
        (Fact::SensorPrefersStaticProxy, FactValue::Bool(true)),
        (Fact::SensorBranch, text("in_box")),
    ];
    let facts: Facts = {
        let mut all = Facts::default();
        for (fact, value) in gates.into_iter().chain(facts.iter().cloned()) {
            all.set(fact, value);
        }
        all
    };
    let mut found = found(&playbook, &facts, prior);
    let mut expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{wanted:?} {facts:?}");
}

#[test]
fn every_row_of_the_table() {
    let yes = FactValue::Bool(true);
    let no = FactValue::Bool(false);
    let none = FactValue::Null;
    // IPv6 only.
    row(
        &[EDR],
        &[(Fact::NetworkIpv4, no.clone())],
        &["block no_ipv4"],
    );
    row(&[EDR], &[(Fact::NetworkIpv4, yes.clone())], &[]);
    let network = |address: &FactValue, route: &FactValue, expected: &[&str]| {
        let facts = [
            (Fact::NetworkIpv4, address.clone()),
            (Fact::NetworkIpv4Route, route.clone()),
        ];
        row(&[EDR], &facts, expected);
        row(&[AV], &facts, &[]);
    };
    network(&yes, &yes, &[]);
    network(&yes, &no, &["warn no_ipv4"]);
    // One finding for one cause.
    network(&no, &no, &["block no_ipv4"]);
    network(&no, &yes, &["block no_ipv4"]);
    row(&[AV], &[(Fact::NetworkIpv4, no.clone())], &[]);
    // The sensor is missing, or is the Monitoring Agent.
    row(
        &[EDR, AV],
        &[(Fact::ServicesSense, none.clone())],
        &["warn sensor_missing"],
    );
    row(&[EDR], &[(Fact::ServicesSense, text("stopped"))], &[]);
    let mma = [
        (Fact::ServicesSense, none.clone()),
        (Fact::RolesMma, yes.clone()),
    ];
    row(&[EDR], &mma, &["warn mma_host"]);
    row(&[AV, WINHTTP], &mma, &[]);
    // Antivirus.
    row(
        &[AV],
        &[(Fact::AvPresent, no.clone())],
        &["warn av_missing"],
    );
    row(
        &[AV],
        &[(Fact::AvTamperProtected, yes.clone())],
        &["note tamper_protected"],
    );
    row(&[EDR], &[(Fact::AvTamperProtected, yes.clone())], &[]);
    let https = "av_proxy: { server: 'https://p.example:8080' }";
    row(
        &[https],
        &[(Fact::AvPlatform, text("4.18.1.1"))],
        &["warn https_av_proxy"],
    );
    row(&[AV], &[(Fact::AvPlatform, text("4.18.1.1"))], &[]);
    row(&[SSL], &[], &["warn security_lowered"]);
    row(&["av_ssl_options: { value: 3 }"], &[], &[]);
    // WinHTTP: portable, roles and their bypass lists.
    row(
        &[WINHTTP],
        &[(Fact::ChassisPortable, yes.clone())],
        &["warn portable_winhttp"],
    );
    row(&[EDR], &[(Fact::ChassisPortable, yes.clone())], &[]);
    let reset = "winhttp_proxy: { ensure: absent }";
    let portable = [(Fact::ChassisPortable, yes.clone())];
    row_from(&named, &[reset], &portable, &[]);
    row_from(&named, &[WINHTTP], &portable, &["warn portable_winhttp"]);
    for role in [
        Fact::RolesDomainController,
        Fact::RolesCluster,
        Fact::RolesExchange,
    ] {
        let member = [
            (role, yes.clone()),
            (Fact::ComputerDomain, text("corp.example")),
        ];
        row(&[WINHTTP], &member, &["block role_bypass"]);
        for suffix in ["*.corp.example", "*CORP.example"] {
            let right =
                format!("winhttp_proxy: {{ server: 'p:1', bypass: ['<local>', '{suffix}'] }}");
            row(&[&right], &member, &[]);
        }
        let no_local = "winhttp_proxy: { server: 'p:1', bypass: ['*.corp.example'] }";
        row(&[no_local], &member, &["block role_bypass"]);
        row(
            &[WINHTTP],
            &[
                (role, yes.clone()),
                (Fact::ComputerDomain, text("WORKGROUP")),
            ],
            &[],
        );
    }
    // The other stores of WinHTTP.
    let known = (Fact::AdvProxyKnown, yes.clone());
    let adv = |server: &str| [known.clone(), (Fact::AdvProxyServer, text(server))];
    row(
        &[WINHTTP],
        &adv("other.example:1"),
        &["warn advproxy_differs"],
    );
    row(&[WINHTTP], &adv("10.0.0.6:8080"), &["note advproxy_seen"]);
    row_from(&named, &[reset], std::slice::from_ref(&known), &[]);
    let differs = ["warn advproxy_differs"];
    row_from(&named, &[reset], &adv("other.example:1"), &differs);
    let pac = [
        known,
        (Fact::AdvProxyPacUrl, text("http://p.example/proxy.pac")),
    ];
    row(&[WINHTTP], &pac, &["warn advproxy_differs"]);
    row(&[WINHTTP], &[(Fact::AdvProxyKnown, no.clone())], &[]);
    row(
        &[WINHTTP],
        &[(Fact::WinHttpProxy32, text("old:1"))],
        &["warn winhttp_32bit_differs"],
    );
    row(
        &[WINHTTP],
        &[(Fact::WinHttpProxy32, text("10.0.0.6:8080"))],
        &[],
    );
    // Builds.
    for (build, ubr, low) in [
        (17763, 1910, true),
        (17763, 1911, false),
        (18363, 1410, true),
        (18363, 1411, false),
        (19041, 843, true),
        (19041, 844, false),
        (19042, 963, true),
        (19042, 964, false),
        (19045, 1, false),
        (20348, 1, false),
        (22631, 1, false),
    ] {
        let facts = [
            (Fact::OsBuild, FactValue::Number(build)),
            (Fact::OsUbr, FactValue::Number(ubr)),
        ];
        let expected: &[&str] = if low {
            &["warn build_below_floor"]
        } else {
            &[]
        };
        row(&[EDR], &facts, expected);
    }
    // Already connected without a static proxy.
    let contact = |at: &str| [(Fact::SensorLastConnected, text(at))];
    row(
        &[EDR],
        &contact("2026-11-26T00:00:00Z"),
        &["warn already_connected"],
    );
    row(&[EDR], &contact("2026-11-20T00:00:00Z"), &[]);
    // The preference.
    row(
        &[PREFER],
        &[(Fact::ProxyEdr, none.clone())],
        &["block prefer_without_proxy"],
    );
    row(&[PREFER], &[(Fact::ProxyEdr, text("p:1"))], &[]);
    row(&[EDR, PREFER], &[(Fact::ProxyEdr, none)], &[]);
    row(&["edr_prefer_static_proxy: { value: 0 }"], &[], &[]);
    // Not offline.
    let online = [(Fact::NetworkLists, yes)];
    row(&[EDR, PREFER], &online, &["warn not_offline"]);
    row(
        &[SSL],
        &online,
        &["warn not_offline", "warn security_lowered"],
    );
    row(&[EDR], &online, &[]);
    row(&[EDR, PREFER], &[(Fact::NetworkLists, no)], &[]);
}

#[test]
fn below_the_gate_nothing_is_written_and_the_rest_goes_on() {
    let playbook = load(&steps(&[EDR, PREFER]));
    let mut facts = Facts::default();
    facts.set(Fact::SensorPrefersStaticProxy, FactValue::Bool(false));
    facts.set(Fact::SensorBranch, text("in_box"));
    facts.set(Fact::SensorVersion, text("10.8209.17763.1910"));
    let compiled = compiled(&playbook, &facts);
    assert_eq!(compiled[0].changes.len(), 2);
    assert!(compiled[1].changes.is_empty());
    let why = compiled[1].skipped.as_deref().unwrap();
    assert!(
        why.contains("10.8209.17763.1910") && why.contains("10.8210"),
        "{why}"
    );
    assert_eq!(
        found(&playbook, &facts, &absent),
        ["warn sensor_below_gate"]
    );
    // Taking it away does no harm anywhere.
    let removal = load(&steps(&["edr_prefer_static_proxy: { ensure: absent }"]));
    assert_eq!(self::compiled(&removal, &facts)[0].changes.len(), 1);
    assert!(removal.facts().is_empty());
}

#[test]
fn a_playbook_carries_the_step_out_below_the_gate_where_it_allows_it() {
    let mut facts = Facts::default();
    facts.set(Fact::SensorPrefersStaticProxy, FactValue::Bool(false));
    facts.set(Fact::SensorBranch, text("in_box"));
    facts.set(Fact::SensorVersion, text("10.8209.17763.1910"));
    let whole = format!(
        "preflight: {{ allow: [sensor_below_gate] }}\n{}",
        steps(&[EDR, PREFER])
    );
    let of_step = steps(&[EDR, &format!("{PREFER}, allow: [sensor_below_gate]")]);
    for text in [whole, of_step] {
        let playbook = load(&text);
        let compiled = compiled(&playbook, &facts);
        assert_eq!(compiled[1].changes.len(), 1, "{text}");
        assert_eq!(compiled[1].skipped, None);
        let found = found(&playbook, &facts, &absent);
        assert_eq!(found, ["warn (allowed) sensor_below_gate"]);
    }
}

/// Left out means left out: nothing is asked for it, and the step is carried out like any other.
#[test]
fn a_version_gate_that_is_left_out_asks_for_nothing_and_holds_nothing_back() {
    let text = |head: &str| format!("{head}{}", steps(&[EDR, PREFER]));
    let playbook = load(&text("preflight: { leave_out: [sensor_below_gate] }\n"));
    assert!(playbook.facts().is_empty());
    let mut facts = Facts::default();
    facts.set(Fact::SensorPrefersStaticProxy, FactValue::Bool(false));
    for facts in [Facts::default(), facts] {
        let compiled = compiled(&playbook, &facts);
        assert_eq!(
            (compiled[1].changes.len(), &compiled[1].skipped),
            (1, &None)
        );
        let none: [&str; 0] = [];
        assert_eq!(found(&playbook, &facts, &absent), none);
    }
    // The gate is the step's own: without any preflight it stays.
    let off = load(&text("preflight: off\n"));
    assert!(off.facts().contains(Fact::SensorPrefersStaticProxy));
}

#[test]
fn why_the_sensor_does_not_honour_the_preference_is_told_as_it_is() {
    let why = |facts: &[(Fact, FactValue)], unread: Option<Fact>| {
        let mut all = Facts::default();
        for (fact, value) in facts {
            all.set(*fact, value.clone());
        }
        if let Some(fact) = unread {
            all.set_unread(fact, "WMI does not work");
            all.set_unread(Fact::SensorPrefersStaticProxy, "WMI does not work");
        }
        let compiled = compiled(&load(&steps(&[PREFER])), &all);
        compiled[0].skipped.clone().unwrap()
    };
    let no = (Fact::SensorPrefersStaticProxy, FactValue::Bool(false));
    let missing = (Fact::SensorPresent, FactValue::Bool(false));
    assert_eq!(why(&[no.clone(), missing], None), "there is no EDR sensor");
    let other = (Fact::SensorBranch, text("other"));
    assert!(why(&[no, other], None).contains("in any version"));
    let in_box = (Fact::SensorBranch, text("in_box"));
    let unread = why(&[in_box], Some(Fact::SensorVersion));
    assert!(
        unread.ends_with("is not known: WMI does not work"),
        "{unread}"
    );
}

#[test]
fn a_host_name_in_other_letters_is_the_same_proxy() {
    let playbook = load(&steps(&["edr_proxy: { server: 'proxy.CORP:8080' }"]));
    let sz = |text: &str| Typed::Sz(text.to_owned()).to_raw();
    let right = |name: &str| match name {
        "TelemetryProxyServer" => Observed::Present(sz("PROXY.corp:8080")),
        _ => Observed::Present(Typed::Dword(1).to_raw()),
    };
    // Nothing would be written, so that nothing is looked at.
    let mut facts = Facts::default();
    facts.set(Fact::NetworkIpv4, FactValue::Bool(false));
    assert_eq!(found(&playbook, &facts, &right), [] as [&str; 0]);
    assert_eq!(found(&playbook, &facts, &absent), ["block no_ipv4"]);
    let same = policy(Some(sz("Proxy.Corp:8080")), 1);
    assert_eq!(found(&playbook, &same, &absent), ["note gpo_managed"]);
    let other = policy(Some(sz("Proxy.Corp:8081")), 1);
    assert_eq!(found(&playbook, &other, &absent), ["block gpo_owned"]);
}

/// Facts in which group policy sets `TelemetryProxyServer` so.
fn policy(value: Option<RawValue>, precedence: u32) -> Facts {
    let playbook = load(&steps(&[EDR]));
    let target = compiled(&playbook, &Facts::default())[0].changes[1]
        .target
        .clone();
    let mut facts = Facts::default();
    facts.set(Fact::GpoSettings, FactValue::Texts(Vec::new()));
    facts.gpo = vec![GpoSetting {
        target,
        value,
        precedence,
        gpo: "cn={1}".to_owned(),
        gpo_name: Some("Corp Proxy".to_owned()),
    }];
    facts
}

#[test]
fn what_a_group_policy_owns() {
    let playbook = load(&steps(&[EDR]));
    let sz = |text: &str| Typed::Sz(text.to_owned()).to_raw();
    let other = policy(Some(sz("old.corp.example:1")), 1);
    assert_eq!(found(&playbook, &other, &absent), ["block gpo_owned"]);
    assert_eq!(
        found(&playbook, &policy(None, 1), &absent),
        ["block gpo_owned"]
    );
    let same = policy(Some(sz("10.0.0.6:8080")), 1);
    assert_eq!(found(&playbook, &same, &absent), ["note gpo_managed"]);
    // The log may leave the terminator out.
    let mut bare = sz("10.0.0.6:8080");
    bare.bytes.truncate(bare.bytes.len() - 2);
    assert_eq!(
        found(&playbook, &policy(Some(bare), 1), &absent),
        ["note gpo_managed"]
    );
    // Right already by hand: nothing is written, so nothing is blocked.
    let right = |name: &str| match name {
        "TelemetryProxyServer" => Observed::Present(sz("10.0.0.6:8080")),
        _ => Observed::Present(Typed::Dword(1).to_raw()),
    };
    assert_eq!(found(&playbook, &other, &right), ["warn gpo_owned"]);
    // Of two policies the first in precedence counts.
    let mut two = policy(Some(sz("loses.example:1")), 2);
    two.gpo.extend(policy(Some(sz("10.0.0.6:8080")), 1).gpo);
    assert_eq!(found(&playbook, &two, &absent), ["note gpo_managed"]);
    let removal = load(&steps(&["edr_proxy: { ensure: absent }"]));
    let there = |_: &str| Observed::Present(sz("10.0.0.6:8080"));
    assert_eq!(found(&removal, &same, &there), ["block gpo_owned"]);
    assert_eq!(
        found(&removal, &policy(None, 1), &there),
        ["note gpo_managed"]
    );
    let mut unread = Facts::default();
    unread.set_unread(Fact::GpoSettings, "no log");
    assert_eq!(
        found(&playbook, &unread, &absent),
        ["note ownership_unknown"]
    );
}

#[test]
fn what_cannot_be_looked_at_decides_nothing() {
    let playbook = load(&steps(&[EDR, WINHTTP]));
    let mut facts = Facts::default();
    for fact in [
        Fact::NetworkIpv4,
        Fact::ChassisPortable,
        Fact::ServicesSense,
    ] {
        facts.set_unread(fact, "WMI does not work");
    }
    let found = found(&playbook, &facts, &absent);
    assert_eq!(found, ["warn not_looked"; 3]);
}

#[test]
fn the_playbook_overrides_by_name() {
    let portable = [(Fact::ChassisPortable, FactValue::Bool(true))];
    let mut facts = Facts::default();
    facts.set(portable[0].0, portable[0].1.clone());
    let words = |head: &str, step: &str| {
        let playbook = load(&format!("{head}\nsteps:\n  - {{ {step} }}\n"));
        found(&playbook, &facts, &absent)
    };
    assert_eq!(words("", WINHTTP), ["warn portable_winhttp"]);
    let allowed = ["warn (allowed) portable_winhttp"];
    assert_eq!(
        words("preflight: { allow: [portable_winhttp] }", WINHTTP),
        allowed
    );
    let step = format!("{WINHTTP}, allow: [portable_winhttp]");
    assert_eq!(words("", &step), allowed);
    let none: [&str; 0] = [];
    assert_eq!(
        words("preflight: { leave_out: [portable_winhttp] }", WINHTTP),
        none
    );
    assert_eq!(words("preflight: off", WINHTTP), none);
    assert!(
        load("preflight: off\nsteps: [ { edr_proxy: { server: 'a:1' } } ]")
            .preflight
            .off
    );
    assert!(
        !load("preflight: on\nsteps: [ { edr_proxy: { server: 'a:1' } } ]")
            .preflight
            .off
    );
}

/// Where a missing component leaves no step out, everything else about the step is judged: it is written.
#[test]
fn what_is_allowed_or_not_looked_at_hides_no_other_finding() {
    let mut facts = Facts::default();
    facts.set(Fact::SensorPrefersStaticProxy, FactValue::Bool(true));
    facts.set(Fact::ServicesSense, FactValue::Null);
    facts.set(Fact::NetworkIpv4, FactValue::Bool(false));
    facts.set(Fact::ProxyEdr, FactValue::Null);
    facts.set(Fact::AvPresent, FactValue::Bool(false));
    let words = |facts: &Facts, head: &str, step: &str| {
        let playbook = load(&format!("{head}\nsteps:\n  - {{ {step} }}\n"));
        found(&playbook, facts, &absent)
    };
    assert_eq!(words(&facts, "", PREFER), ["warn sensor_missing"]);
    let others = ["block no_ipv4", "block prefer_without_proxy"];
    let shown = [&["warn (allowed) sensor_missing"], &others[..]].concat();
    let allow = "preflight: { allow: [sensor_missing] }";
    assert_eq!(words(&facts, allow, PREFER), shown);
    let step = format!("{PREFER}, allow: [sensor_missing]");
    assert_eq!(words(&facts, "", &step), shown);
    let leave_out = "preflight: { leave_out: [sensor_missing] }";
    assert_eq!(words(&facts, leave_out, PREFER), others);
    // The agent is another check: one that is not made hides nothing of the other.
    let mut agent = facts.clone();
    agent.set(Fact::RolesMma, FactValue::Bool(true));
    assert_eq!(words(&agent, "", PREFER), ["warn mma_host"]);
    assert_eq!(words(&agent, leave_out, PREFER), ["warn mma_host"]);
    let leave_out = "preflight: { leave_out: [mma_host] }";
    assert_eq!(words(&agent, leave_out, PREFER), ["warn sensor_missing"]);
    assert_eq!(words(&facts, "", SSL), ["warn av_missing"]);
    let allow = "preflight: { allow: [av_missing] }";
    assert_eq!(
        words(&facts, allow, SSL),
        ["warn (allowed) av_missing", "warn security_lowered"]
    );
    let leave_out = "preflight: { leave_out: [av_missing] }";
    assert_eq!(words(&facts, leave_out, SSL), ["warn security_lowered"]);
}

/// A class that does not answer is told once, by whichever of its checks is made.
#[test]
fn antivirus_that_does_not_answer_is_told_whichever_check_asks() {
    let mut facts = Facts::default();
    facts.set_unread(Fact::AvTamperProtected, "provider failure");
    let told = |head: &str, facts: &Facts| {
        let playbook = load(&format!("{head}\nsteps:\n  - {{ {AV} }}\n"));
        found(&playbook, facts, &absent)
    };
    let leave_out = "preflight: { leave_out: [av_missing] }";
    assert_eq!(told(leave_out, &facts), ["warn not_looked"]);
    facts.set_unread(Fact::AvPresent, "provider failure");
    assert_eq!(told("", &facts), ["warn not_looked"]);
}

#[test]
fn mistakes_in_the_block_are_named() {
    let edr = "steps: [ { edr_proxy: { server: 'a:1' } } ]";
    let first = |block: &str| problems(&format!("{block}\n{edr}"))[0].clone();
    let unknown = first("preflight: { allow: [gpo_ownd] }");
    assert!(
        unknown.message.contains("'gpo_ownd' is not taken here"),
        "{unknown}"
    );
    assert_eq!(unknown.hint.as_deref(), Some("did you mean 'gpo_owned'?"));
    assert!(first("preflight: maybe").to_string().contains("off, on"));
    assert!(
        first("preflight: { alow: [] }")
            .message
            .contains("unknown key 'alow'")
    );
    let step = problems("steps: [ { edr_proxy: { server: 'a:1' }, allow: no_ipv4 } ]");
    assert!(step[0].to_string().contains("a list"), "{}", step[0]);
}

#[test]
fn every_check_is_documented_and_found_by_its_name() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../orchestrator/docs/preflight.md"
    );
    let page = std::fs::read_to_string(path).unwrap();
    for row in CHECKS {
        assert_eq!(Check::named(row.name), Some(row.check));
        let line = format!("| `{}` | {} |", row.name, row.grade.as_str());
        assert!(page.contains(&line), "{line}");
        assert!(!row.about.is_empty());
        assert!(
            row.grade == PreflightGrade::Note || !row.remedy.is_empty(),
            "{}",
            row.name
        );
    }
}
