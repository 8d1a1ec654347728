//! The `probes` block: what is taken, what is refused, and what becomes of it for a host.

use std::time::Duration;

use playbooks::{
    Check, Examples, Fact, FactValue, Facts, Finding, Grade, HostScope, Playbook, PreflightFinding,
    PreflightGrade, Probe, RunAs, Vars,
};

use crate::support::{load, problems};

fn with(probes: &str) -> String {
    format!(
        "vars: {{ v: {{ type: string, default: 'p:8080' }} }}\nsteps: [ {{ edr_proxy: {{ server: 'a:1' }} }} ]\nprobes:\n{probes}\n"
    )
}

#[track_caller]
fn refused(probe: &str, message: &str, more: &str) {
    let problem = problems(&with(&format!("  - {probe}")))[0].clone();
    let text = problem.to_string();
    assert!(problem.message.contains(message), "{text}");
    assert!(text.contains(more), "{text}");
    assert!(problem.line >= 5, "{text}");
}

fn compiled(probes: &str, facts: Option<&Facts>) -> Vec<playbooks::HostProbe> {
    let playbook: Playbook = load(&with(probes));
    let vars: Vars = playbook.resolve_vars(&[], Examples::Refuse).unwrap();
    let scope = HostScope {
        name: "pc-1",
        short: "pc-1",
        ring: None,
        groups: &[],
        vars: &vars,
    };
    playbook.compile_probes(&scope, facts).unwrap()
}

#[test]
fn what_is_wrong_is_refused_at_its_place() {
    refused("{ name: x }", "does not say what it asks", "winhttp_is");
    refused(
        "{ winhttp_iz: {} }",
        "unknown key 'winhttp_iz'",
        "did you mean 'winhttp_is'",
    );
    refused("{ winhttp_is: {} }", "the key 'server' is missing", "");
    refused(
        "{ winhttp_is: { server: 'http//x' } }",
        "winhttp_is.server",
        "",
    );
    refused(
        "{ av_effective: {} }",
        "compares nothing",
        "server or pac_url",
    );
    refused(
        "{ av_effective: { server: 'a:1' } }",
        "av_effective.server",
        "http",
    );
    refused(
        "{ services: { names: [Sens] } }",
        "not services",
        "did you mean 'Sense'",
    );
    refused(
        "{ services: {}, updates: {} }",
        "a second kind of probe",
        "",
    );
    refused("{ sensor_connected: { within: 5 } }", "", "30m");
    refused("{ sensor_connected: { within: 3d } }", "", "");
    refused("{ updates: {}, when: 'nothing.there' }", "nothing", "");
}

#[test]
fn fields_are_rendered_and_conditions_decide() {
    let probes = compiled(
        "  - winhttp_is: { server: '{{ v }}' }\n  - { name: never, when: 'false', updates: }\n  - sensor_connected: { within: 10m }\n  - services:\n  - winhttp_is: { server: direct }",
        None,
    );
    let names: Vec<&str> = probes.iter().map(|probe| probe.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "probe 1: winhttp_is",
            "probe 3: sensor_connected",
            "probe 4: services",
            "probe 5: winhttp_is"
        ]
    );
    let server = |server: Option<&str>| Probe::WinhttpIs {
        server: server.map(str::to_owned),
    };
    assert_eq!(probes[0].probe, server(Some("p:8080")));
    assert_eq!(probes[3].probe, server(None));
    assert_eq!(probes[1].probe.within(), Duration::from_secs(600));
}

#[track_caller]
fn judged(probe: &str, facts: &[(Fact, FactValue)], finding: Finding) {
    let mut all = Facts::default();
    facts
        .iter()
        .for_each(|(fact, value)| all.set(*fact, value.clone()));
    let probes = compiled(&format!("  - {probe}"), None);
    let since = "2026-01-01T00:00:00Z".parse().unwrap();
    let verdict = probes[0].probe.settled(&all, Some(since)).unwrap();
    assert_eq!(verdict.finding, finding, "{}", verdict.detail);
}

#[test]
fn facts_settle_what_they_can() {
    let text = |text: &str| FactValue::Text(text.to_owned());
    let yes = FactValue::Bool(true);
    judged(
        "winhttp_is: { server: 'p:1' }",
        &[(Fact::WinHttpProxy, text("P:1"))],
        Finding::AsWanted,
    );
    judged(
        "winhttp_is: { server: 'p:1' }",
        &[(Fact::WinHttpProxy, FactValue::Null)],
        Finding::Differs,
    );
    judged(
        "winhttp_is: { server: direct }",
        &[(Fact::WinHttpProxy, FactValue::Null)],
        Finding::AsWanted,
    );
    let av = |found: &str| {
        [
            (Fact::AvPresent, yes.clone()),
            (Fact::AvEffectiveServer, text(found)),
        ]
    };
    judged(
        "av_effective: { server: 'http://p:1' }",
        &av("http://p:1/"),
        Finding::AsWanted,
    );
    judged(
        "av_effective: { server: 'http://p:1' }",
        &av("http://old:1"),
        Finding::Differs,
    );
    judged(
        "av_effective: { server: 'http://p.example:1' }",
        &av("HTTP://P.example:1"),
        Finding::AsWanted,
    );
    // Names of hosts know no letter case; paths do.
    let script = |found: &str| {
        [
            (Fact::AvPresent, yes.clone()),
            (Fact::AvEffectivePacUrl, text(found)),
        ]
    };
    for (found, finding) in [
        ("http://WPAD.example/P.pac", Finding::AsWanted),
        ("http://wpad.example/p.pac", Finding::Differs),
    ] {
        judged(
            "av_effective: { pac_url: 'http://wpad.example/P.pac' }",
            &script(found),
            finding,
        );
    }
    judged(
        "av_effective: { server: 'http://p:1' }",
        &[],
        Finding::NotApplicable,
    );
    let sensor = |last: &str| {
        [
            (Fact::SensorPresent, yes.clone()),
            (Fact::SensorOnboarded, yes.clone()),
            (Fact::SensorLastConnected, text(last)),
        ]
    };
    judged(
        "sensor_connected:",
        &sensor("2026-01-01T00:00:01Z"),
        Finding::Connected,
    );
    judged(
        "sensor_connected:",
        &sensor("2025-12-31T23:59:59Z"),
        Finding::NotConnected,
    );
    judged(
        "services:",
        &[
            (Fact::ServicesSense, text("running")),
            (Fact::ServicesWinDefend, text("stopped")),
        ],
        Finding::ServiceStopped,
    );
    let updates = |order: &str, av: &str, winhttp: &str| {
        [
            (Fact::AvPresent, yes.clone()),
            (Fact::AvUpdateOrder, text(order)),
            (Fact::AvEffectiveServer, text(av)),
            (Fact::WinHttpProxy, text(winhttp)),
        ]
    };
    judged(
        "updates:",
        &updates("MicrosoftUpdateServer|MMPC", "http://p:1", ""),
        Finding::UpdatesHaveNoRoad,
    );
    judged(
        "updates:",
        &updates("InternalDefinitionUpdateServer|MMPC", "http://p:1", ""),
        Finding::UpdatesHaveARoad,
    );
    judged(
        "updates:",
        &updates("{MMPC | MicrosoftUpdateServer}", "http://p:1", ""),
        Finding::UpdatesHaveARoad,
    );
    judged(
        "updates:",
        &updates("MicrosoftUpdateServer", "http://p:1", "p:1"),
        Finding::UpdatesHaveARoad,
    );
    // A script for Antivirus alone is no road of Windows either; without any proxy nothing is proved.
    let mut script = updates("MicrosoftUpdateServer", "", "").to_vec();
    script.push((Fact::AvEffectivePacUrl, text("http://p/a.pac")));
    judged("updates:", &script, Finding::UpdatesHaveNoRoad);
    judged(
        "updates:",
        &updates("MicrosoftUpdateServer", "", ""),
        Finding::NotApplicable,
    );
}

#[test]
fn what_is_not_there_proves_nothing_unless_its_steps_were_left_out_with_it() {
    let text = "  - sensor_connected:\n  - maps:\n  - updates:\n  - services:";
    let probes = compiled(text, None);
    let mut facts = Facts::default();
    facts.set(Fact::SensorPresent, FactValue::Bool(true));
    facts.set(Fact::SensorOnboarded, FactValue::Bool(false));
    facts.set(Fact::AvPresent, FactValue::Bool(false));
    let left_out = |check| PreflightFinding {
        check,
        grade: PreflightGrade::Warn,
        allowed: false,
        step: None,
        detail: String::new(),
    };
    for probe in &probes[..3] {
        let verdict = probe.probe.settled(&facts, None).unwrap();
        assert_eq!(verdict.finding, Finding::NotApplicable);
        assert_eq!(verdict.grade(), Grade::Inconclusive);
        assert!(verdict.finding.remedy().is_some());
    }
    let after = |index: usize, findings: &[PreflightFinding]| {
        let probe: &Probe = &probes[index].probe;
        let verdict = probe.settled(&facts, None).unwrap();
        probe.after_preflight(verdict, findings).finding
    };
    let no_antivirus = [left_out(Check::AvMissing)];
    assert_eq!(after(0, &no_antivirus), Finding::NotApplicable);
    assert_eq!(after(1, &no_antivirus), Finding::StepsLeftOut);
    assert_eq!(after(2, &no_antivirus), Finding::StepsLeftOut);
    assert_eq!(
        after(0, &[left_out(Check::SensorMissing)]),
        Finding::StepsLeftOut
    );
    let allowed = PreflightFinding {
        allowed: true,
        ..left_out(Check::SensorMissing)
    };
    assert_eq!(after(0, &[allowed]), Finding::NotApplicable);
    // A red probe stays red.
    assert_eq!(after(3, &no_antivirus), Finding::ServiceStopped);
}

/// Tamper protection that the preflight found on is named where Antivirus goes by something else, and nowhere else.
#[test]
fn whoever_may_keep_antivirus_from_a_setting_is_named() {
    let probes = compiled("  - av_effective: { server: 'http://10.0.0.6:8080' }", None);
    let probe = &probes[0].probe;
    let mut facts = Facts::default();
    facts.set(Fact::AvPresent, FactValue::Bool(true));
    facts.set(Fact::AvEffectivePacUrl, FactValue::Null);
    let tamper = PreflightFinding {
        check: Check::TamperProtected,
        grade: PreflightGrade::Note,
        allowed: false,
        step: None,
        detail: "switched on by: Intune".to_owned(),
    };
    for (found, named) in [
        (FactValue::Null, true),
        (FactValue::Text("http://10.0.0.6:8080".to_owned()), false),
    ] {
        facts.set(Fact::AvEffectiveServer, found);
        let verdict = probe.settled(&facts, None).unwrap();
        let after = probe.after_preflight(verdict.clone(), std::slice::from_ref(&tamper));
        assert_eq!(after.finding, verdict.finding);
        assert_eq!(
            after.detail.contains("switched on by: Intune"),
            named,
            "{after:?}"
        );
        assert_eq!(probe.after_preflight(verdict.clone(), &[]), verdict);
    }
}

#[test]
fn what_cannot_be_read_is_not_green() {
    let mut facts = Facts::default();
    facts.set_unread(Fact::WinHttpProxy, "access denied");
    let probes = compiled("  - winhttp_is: { server: 'p:1' }", None);
    let verdict = probes[0].probe.settled(&facts, None).unwrap();
    assert_eq!(
        (verdict.finding, verdict.grade()),
        (Finding::Unreadable, Grade::Inconclusive)
    );
}

#[test]
fn a_proxy_is_tried_before_the_first_write_unless_told_otherwise() {
    let probes = compiled(
        "  - proxy_tcp: { via: '{{ v }}' }\n  - proxy_connect: { via: '{{ v }}', to: defender_required, candidate: false }\n  - proxy_connect: { via: direct, to: 'https://a.example/x' }\n  - proxy_connect: { via: 'b:1', to: defender_required, region: uk }",
        None,
    );
    let candidates: Vec<bool> = probes.iter().map(|probe| probe.candidate).collect();
    assert_eq!(candidates, [true, false, false, true]);
    let Probe::ProxyConnect {
        via,
        to: playbooks::To::Urls(urls),
    } = &probes[3].probe
    else {
        panic!("{probes:?}");
    };
    assert_eq!((via.as_deref(), urls.len()), (Some("b:1"), 6));
    assert!(urls[0].contains("edr-uks.uk."), "{urls:?}");
}

/// What would have no effect is refused, in templates for the host that it comes to.
#[test]
fn what_a_probe_would_ignore_is_refused() {
    for to in ["defender_required", "'https://a.example/x'"] {
        refused(
            &format!("proxy_connect: {{ via: 'b:1', to: {to}, connectivity: standard }}"),
            "'connectivity' has no effect without 'region'",
            "add 'region'",
        );
    }
    for to in ["'https://a.example/x'", "['https://a.example/x']"] {
        for more in ["", ", connectivity: standard"] {
            refused(
                &format!("proxy_connect: {{ via: 'b:1', to: {to}, region: eu{more} }}"),
                "'region' has no effect beside URLs",
                "leave 'region'",
            );
        }
    }
    refused(
        "proxy_connect: { via: direct, to: defender_required, candidate: true }",
        "'candidate: true' has no effect with 'via: direct'",
        "leave 'candidate' out",
    );
    // It is not tried before the first write anyway, which is what this asks for.
    compiled(
        "  - proxy_connect: { via: direct, to: defender_required, candidate: false }",
        None,
    );
    for (v, more, said) in [
        ("direct", "candidate: true, to: defender_all", "via: direct"),
        (
            "https://a.example/x",
            "via: 'b:1', region: eu, to: '{{ v }}'",
            "beside URLs",
        ),
    ] {
        let via = if more.contains("via") {
            ""
        } else {
            "via: '{{ v }}', "
        };
        let probe = format!("  - proxy_connect: {{ {via}{more} }}");
        let playbook = load(&with(&probe).replace("'p:8080'", &format!("'{v}'")));
        let vars = playbook.resolve_vars(&[], Examples::Refuse).unwrap();
        let scope = HostScope {
            name: "pc-1",
            short: "pc-1",
            ring: None,
            groups: &[],
            vars: &vars,
        };
        let error = playbook.compile_probes(&scope, None).unwrap_err();
        assert!(format!("{error:?}").contains(said), "{error:?}");
    }
}

#[test]
fn of_the_emirates_no_names_are_made_up() {
    let probes = compiled(
        "  - proxy_connect: { via: 'b:1', to: defender_all, region: uae, connectivity: standard }",
        None,
    );
    let Probe::ProxyConnect {
        to: playbooks::To::Urls(urls),
        ..
    } = &probes[0].probe
    else {
        panic!("{probes:?}");
    };
    assert_eq!(urls.len(), 3, "{urls:?}");
    for connectivity in ["", ", connectivity: streamlined"] {
        refused(
            &format!(
                "proxy_connect: {{ via: 'b:1', to: defender_required, region: uae{connectivity} }}"
            ),
            "no names are published for streamlined connectivity in the region 'uae'",
            "connectivity: standard",
        );
    }
}

#[test]
fn only_probes_that_run_programs_may_run_as_local_system() {
    let probes = compiled(
        "  - proxy_tcp: { via: 'p:1' }\n    as: system\n  - proxy_connect: { via: direct, to: 'https://a.example/x' }\n    as: account\n  - services:",
        None,
    );
    let as_whom: Vec<RunAs> = probes.iter().map(|probe| probe.run_as).collect();
    assert_eq!(as_whom, [RunAs::System, RunAs::Account, RunAs::Account]);
    // In the journal and in reports it stands only where it is not the usual way.
    let json = serde_json::to_value(&probes[0]).unwrap();
    assert_eq!(json["as"], "system");
    assert!(
        serde_json::to_value(&probes[1])
            .unwrap()
            .get("as")
            .is_none()
    );
    refused(
        "services:\n    as: system",
        "services runs no program as LocalSystem",
        "'as: system' is for proxy_tcp, proxy_connect, maps",
    );
    refused("proxy_tcp: { via: 'p:1' }\n    as: root", "", "system");
    let maps = compiled("  - maps:\n    as: system", None);
    assert_eq!(maps[0].run_as, RunAs::System);
    // Each of the many questions on the way would be a task.
    refused(
        "maps: { again_after: 10m }\n    as: system",
        "'again_after' and 'as: system' do not go together",
        "a second probe without 'as'",
    );
}
