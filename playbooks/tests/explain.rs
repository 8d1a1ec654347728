//! Which proxy each component uses: the orders of the reference (2.3, 2.4, 2.7), one case each. A case is what is known of a
//! host, and what has to follow from it. What does not go together is `explain_conflicts.rs`.

use playbooks::{
    Component, Fact, FactValue, Facts, GpoSetting, Road, Typed, explain, explain_facts,
};

/// A host on which everything was read and nothing is set: a modern client with sensor and Antivirus.
pub(crate) fn bare() -> Facts {
    let mut facts = Facts::default();
    for fact in explain_facts().iter() {
        facts.set(fact, FactValue::Null);
    }
    set(
        &mut facts,
        &[
            (Fact::OsSupport, "modern"),
            (Fact::SensorBranch, "in_box"),
            (Fact::SensorVersion, "10.8210.22621.1"),
            (Fact::AvMode, "Normal"),
        ],
    );
    for fact in [
        Fact::SensorPresent,
        Fact::SensorPrefersStaticProxy,
        Fact::AvPresent,
        Fact::AdvProxyKnown,
    ] {
        facts.set(fact, FactValue::Bool(true));
    }
    facts
}

pub(crate) fn set(facts: &mut Facts, texts: &[(Fact, &str)]) {
    for (fact, text) in texts {
        facts.set(*fact, FactValue::Text((*text).to_owned()));
    }
}

pub(crate) fn number(facts: &mut Facts, fact: Fact, number: i64) {
    facts.set(fact, FactValue::Number(number));
}

pub(crate) fn flag(facts: &mut Facts, fact: Fact, flag: bool) {
    facts.set(fact, FactValue::Bool(flag));
}

/// `first > second > ...`, as shown.
fn roads(facts: &Facts, component: Component) -> String {
    let explained = explain(facts);
    let route = explained
        .route(component)
        .expect("every component has a route");
    let all = std::iter::once(&route.uses).chain(&route.then);
    all.map(|choice| choice.road.text())
        .collect::<Vec<_>>()
        .join(" > ")
}

pub(crate) fn conflicts(facts: &Facts) -> Vec<&'static str> {
    let found = explain(facts).conflicts;
    found
        .iter()
        .map(|found| found.conflict.row().name)
        .collect()
}

pub(crate) type Prepare = fn(&mut Facts);

/// Component, what is set, the order that follows.
#[test]
fn every_component_follows_its_order() {
    use Component::{Antivirus, Edr, Environment, WinHttp, WinHttpAutomatic, WinInet};
    let cases: &[(Component, Prepare, &str)] = &[
        // 2.3: the static proxy, then direct; without it WinHTTP: named, discovery, direct.
        (Edr, |_| {}, "discovery (WPAD) > direct"),
        (
            Edr,
            |f| set(f, &[(Fact::ProxyEdr, "10.0.0.6:8080")]),
            "10.0.0.6:8080 > direct",
        ),
        (
            Edr,
            |f| set(f, &[(Fact::WinHttpProxy, "10.0.0.7:80")]),
            "10.0.0.7:80",
        ),
        (
            Edr,
            |f| set(f, &[(Fact::ProxyEdr, "a:1"), (Fact::WinHttpProxy, "b:1")]),
            "a:1 > direct",
        ),
        (Edr, |f| flag(f, Fact::WinHttpWpadDisabled, true), "direct"),
        (
            Edr,
            |f| number(f, Fact::ServicesAutoProxyStart, 4),
            "direct",
        ),
        (
            Edr,
            |f| number(f, Fact::ServicesAutoProxyStart, 3),
            "discovery (WPAD) > direct",
        ),
        (Edr, |f| flag(f, Fact::SensorPresent, false), "not there"),
        // What is not host:port is not the proxy; whether it counts as none or as one that is away is not documented.
        (
            Edr,
            |f| set(f, &[(Fact::ProxyEdr, "http://a:1")]),
            "not known > discovery (WPAD) > direct",
        ),
        (
            Edr,
            |f| set(f, &[(Fact::ProxyEdr, "a :1"), (Fact::WinHttpProxy, "b:1")]),
            "not known > b:1 > direct",
        ),
        // Defender speaks HTTPS: of a list by protocol only that counts.
        (
            Edr,
            |f| set(f, &[(Fact::WinHttpProxy, "http=b:1")]),
            "direct",
        ),
        (
            Edr,
            |f| set(f, &[(Fact::WinHttpProxy, "http=b:1;HTTPS=c:1")]),
            "c:1",
        ),
        // WinINet, variables and MDM are not read by the sensor (S5, S6, S18).
        (
            Edr,
            |f| {
                set(
                    f,
                    &[
                        (Fact::WinInetServer, "c:1"),
                        (Fact::EnvHttpsProxy, "http://d:1"),
                        (Fact::MdmTelemetryProxy, "e:1"),
                    ],
                );
                flag(f, Fact::WinInetEnabled, true);
            },
            "discovery (WPAD) > direct",
        ),
        // The Monitoring Agent does not read the static proxy.
        (
            Edr,
            |f| {
                set(
                    f,
                    &[
                        (Fact::ProxyEdr, "a:1"),
                        (Fact::OsSupport, "mma"),
                        (Fact::WinHttpProxy, "b:1"),
                    ],
                )
            },
            "b:1",
        ),
        // Where that agent reports there is no service Sense; without the agent nothing reports.
        (
            Edr,
            |f| {
                set(f, &[(Fact::OsSupport, "mma"), (Fact::WinHttpProxy, "b:1")]);
                flag(f, Fact::SensorPresent, false);
                flag(f, Fact::RolesMma, true);
            },
            "b:1",
        ),
        (
            Edr,
            |f| {
                set(f, &[(Fact::OsSupport, "mma"), (Fact::WinHttpProxy, "b:1")]);
                flag(f, Fact::SensorPresent, false);
                flag(f, Fact::RolesMma, false);
            },
            "not there",
        ),
        // Whether that agent is there could not be read.
        (
            Edr,
            |f| {
                set(f, &[(Fact::OsSupport, "mma"), (Fact::WinHttpProxy, "b:1")]);
                flag(f, Fact::SensorPresent, false);
                f.set_unread(Fact::RolesMma, "denied");
            },
            "not known",
        ),
        // The same service on a Windows with the sensor in the box is not it.
        (
            Edr,
            |f| {
                flag(f, Fact::SensorPresent, false);
                flag(f, Fact::RolesMma, true);
            },
            "not there",
        ),
        // Which of WinHTTP's stores the sensor reads is not documented: no guess.
        (
            Edr,
            |f| set(f, &[(Fact::AdvProxyServer, "adv:1")]),
            "not known",
        ),
        // 2.4: server, PAC, direct, WinINet, discovery.
        (Antivirus, |_| {}, "direct > discovery (WPAD)"),
        (
            Antivirus,
            |f| {
                set(
                    f,
                    &[
                        (Fact::AvEffectiveServer, "http://a:1"),
                        (Fact::AvEffectivePacUrl, "http://p/x.pac"),
                        (Fact::WinInetServer, "c:1"),
                    ],
                );
                flag(f, Fact::WinInetEnabled, true);
            },
            "http://a:1 > PAC http://p/x.pac > direct > c:1 > discovery (WPAD)",
        ),
        (
            Antivirus,
            |f| set(f, &[(Fact::AvEffectivePacUrl, "http://p/x.pac")]),
            "PAC http://p/x.pac > direct > discovery (WPAD)",
        ),
        (
            Antivirus,
            |f| {
                set(f, &[(Fact::AvEffectiveServer, "http://a:1")]);
                flag(f, Fact::AvForceProxyOnly, true);
                flag(f, Fact::WinHttpWpadDisabled, true);
            },
            "http://a:1",
        ),
        (Antivirus, |f| flag(f, Fact::AvPresent, false), "not there"),
        // S28: without a scheme it is not honoured, and the next in the order counts.
        (
            Antivirus,
            |f| set(f, &[(Fact::AvEffectiveServer, "10.0.0.6:8080")]),
            "direct > discovery (WPAD)",
        ),
        (
            Antivirus,
            |f| {
                set(
                    f,
                    &[
                        (Fact::AvEffectiveServer, "10.0.0.6:8080"),
                        (Fact::AvEffectivePacUrl, "http://p/x.pac"),
                    ],
                )
            },
            "PAC http://p/x.pac > direct > discovery (WPAD)",
        ),
        // What becomes of other malformed values is not documented.
        (
            Antivirus,
            |f| set(f, &[(Fact::AvEffectiveServer, "http://a:1/x")]),
            "not known",
        ),
        (
            Antivirus,
            |f| set(f, &[(Fact::AvEffectivePacUrl, r"\\srv\x.pac")]),
            "not known",
        ),
        // Antivirus cannot be asked: its policy is all there is.
        (
            Antivirus,
            |f| {
                set(f, &[(Fact::ProxyAvServer, "http://a:1")]);
                f.set_unread(Fact::AvEffectiveServer, "access denied");
                f.set_unread(Fact::AvEffectivePacUrl, "access denied");
            },
            "http://a:1 > direct > discovery (WPAD)",
        ),
        (
            Antivirus,
            |f| f.set_unread(Fact::AvEffectiveServer, "access denied"),
            "not known",
        ),
        // 2.7: two stores, two kinds of users.
        (WinHttp, |_| {}, "direct"),
        (
            WinHttp,
            |f| {
                set(
                    f,
                    &[(Fact::WinHttpProxy, "b:1"), (Fact::AdvProxyServer, "adv:1")],
                )
            },
            "b:1",
        ),
        (
            WinHttp,
            |f| f.set_unread(Fact::WinHttpProxy, "20 bytes are needed"),
            "not known",
        ),
        (WinHttpAutomatic, |_| {}, "discovery (WPAD) > direct"),
        (
            WinHttpAutomatic,
            |f| set(f, &[(Fact::AdvProxyServer, "adv:1")]),
            "adv:1",
        ),
        (
            WinHttpAutomatic,
            |f| set(f, &[(Fact::AdvProxyPacUrl, "http://p/a.pac")]),
            "PAC http://p/a.pac",
        ),
        // A21: with ProxySettingsPerUser 0 they see machine-wide WinINet too.
        (
            WinHttpAutomatic,
            |f| {
                set(f, &[(Fact::WinInetServer, "c:1")]);
                flag(f, Fact::WinInetEnabled, true);
                number(f, Fact::WinInetPerUser, 0);
            },
            "c:1",
        ),
        (
            WinHttpAutomatic,
            |f| {
                set(f, &[(Fact::WinInetServer, "c:1")]);
                flag(f, Fact::WinInetEnabled, true);
            },
            "discovery (WPAD) > direct",
        ),
        (WinInet, |_| {}, "not set"),
        // Remembered, but switched off.
        (
            WinInet,
            |f| set(f, &[(Fact::WinInetServer, "c:1")]),
            "not set",
        ),
        (
            WinInet,
            |f| set(f, &[(Fact::WinInetPacUrl, "http://p/i.pac")]),
            "PAC http://p/i.pac",
        ),
        (Environment, |_| {}, "not set"),
        (
            Environment,
            |f| set(f, &[(Fact::EnvHttpProxy, "http://d:1")]),
            "http://d:1",
        ),
        (
            Environment,
            |f| {
                set(
                    f,
                    &[
                        (Fact::EnvHttpProxy, "http://d:1"),
                        (Fact::EnvHttpsProxy, "http://s:1"),
                    ],
                )
            },
            "http://s:1",
        ),
    ];
    for (number, (component, prepare, expected)) in cases.iter().enumerate() {
        let mut facts = bare();
        prepare(&mut facts);
        assert_eq!(
            roads(&facts, *component),
            *expected,
            "case {number}, {component:?}"
        );
    }
}

pub(crate) fn policy(fact: Fact, data: Option<&str>) -> GpoSetting {
    GpoSetting {
        target: fact.target().expect("a registry value"),
        value: data.map(|text| Typed::Sz(text.to_owned()).to_raw()),
        precedence: 1,
        gpo: "{1}".to_owned(),
        gpo_name: Some("Proxy Paris".to_owned()),
    }
}

#[test]
fn the_policy_behind_a_value_is_named() {
    let mut facts = bare();
    set(&mut facts, &[(Fact::ProxyEdr, "a:1")]);
    facts.gpo.push(policy(Fact::ProxyEdr, Some("a:1")));
    let explained = explain(&facts);
    let because = &explained.route(Component::Edr).unwrap().uses.because;
    assert!(
        because.contains("by group policy 'Proxy Paris'"),
        "{because}"
    );
}

/// What is passed over is named with the reason, and not as what is used.
#[test]
fn a_malformed_value_is_never_what_is_used() {
    let of = |fact: Fact, text: &str, component: Component| {
        let mut facts = bare();
        set(&mut facts, &[(fact, text)]);
        let explained = explain(&facts);
        let route = explained.route(component).unwrap();
        let all = std::iter::once(&route.uses).chain(&route.then);
        assert!(
            all.clone()
                .all(|choice| choice.road.address().as_deref() != Some(text)),
            "{text}: {route:?}"
        );
        (route.uses.because.clone(), conflicts(&facts))
    };
    for text in ["a :1", "http://a:1", "a:1/", "a", "a:1;b:1", "http=a:1"] {
        let (because, found) = of(Fact::ProxyEdr, text, Component::Edr);
        assert!(because.contains("is not host:port"), "{text}: {because}");
        assert!(found.contains(&"edr_malformed"), "{text}: {found:?}");
        assert!(!found.contains(&"falls_back"), "{text}: {found:?}");
        assert!(!found.contains(&"winhttp_direct"), "{text}: {found:?}");
    }
    for text in ["a:1", "http://a", "ftp://a:1", "http://a:1/p"] {
        let (because, found) = of(Fact::AvEffectiveServer, text, Component::Antivirus);
        assert!(because.starts_with("ProxyServer"), "{text}: {because}");
        assert!(found.contains(&"av_malformed"), "{text}: {found:?}");
    }
    let file = "file:///c:/x.pac";
    let (_, found) = of(Fact::AvEffectivePacUrl, file, Component::Antivirus);
    assert_eq!(found, ["av_malformed"]);
    // One protocol's proxy is no proxy of the sensor, and is shown as what it is.
    let mut facts = bare();
    set(&mut facts, &[(Fact::WinHttpProxy, "http=b:1")]);
    flag(&mut facts, Fact::WinHttpWpadDisabled, true);
    let explained = explain(&facts);
    let edr = &explained.route(Component::Edr).unwrap().uses;
    assert!(edr.because.contains("http=b:1 is not for HTTPS"), "{edr:?}");
    let winhttp = &explained.route(Component::WinHttp).unwrap().uses;
    assert!(
        winhttp
            .because
            .contains("HTTPS, which Defender uses, goes direct")
    );
    assert_eq!(conflicts(&facts), ["winhttp_http_only"]);
}

/// What nobody read is not known, and no finding is made of it.
#[test]
fn nothing_is_made_up() {
    let explained = explain(&Facts::default());
    assert!(explained.conflicts.is_empty(), "{:?}", explained.conflicts);
    for route in &explained.routes {
        assert_eq!(route.uses.road, Road::Unknown, "{:?}", route.component);
        assert!(route.then.is_empty() || route.component == Component::WinHttpAutomatic);
    }
    assert_eq!(explained.routes.len(), Component::ALL.len());
}

/// Whether a policy or a preference set it cannot be told where the policy could not be read.
#[test]
fn a_setting_whose_policy_was_not_read_is_nobodys_preference() {
    let mut facts = bare();
    set(
        &mut facts,
        &[(Fact::AvEffectiveServer, "http://10.0.0.6:8080")],
    );
    facts.set_unread(Fact::ProxyAvServer, "access denied");
    let explained = explain(&facts);
    let route = explained.route(Component::Antivirus).expect("a route");
    assert_eq!(
        route.uses.road,
        Road::Proxy("http://10.0.0.6:8080".to_owned())
    );
    let because = &route.uses.because;
    assert!(
        because.contains("policy or preference") && because.contains("access denied"),
        "{because}"
    );
}

/// The password that stands in a variable of the host is not shown.
#[test]
fn variables_lose_their_account() {
    let read = playbooks::from_registry(
        Fact::EnvHttpsProxy,
        &Typed::Sz("http://svc:geheim@p.example:3128".to_owned()),
    );
    assert_eq!(
        read,
        Ok(FactValue::Text("http://***@p.example:3128".to_owned()))
    );
    let plain =
        playbooks::from_registry(Fact::EnvHttpProxy, &Typed::Sz("p.example:3128".to_owned()));
    assert_eq!(plain, Ok(FactValue::Text("p.example:3128".to_owned())));
}

/// Antivirus runs as LocalSystem: what that account has set counts before what the machine has.
#[test]
fn what_local_system_has_set_for_itself_is_shown_where_it_counts() {
    let mut facts = bare();
    set(
        &mut facts,
        &[
            (Fact::WinInetSystemServer, "own.example:1"),
            (Fact::WinInetServer, "all.example:2"),
        ],
    );
    flag(&mut facts, Fact::WinInetEnabled, true);
    // Written down and switched off.
    assert!(!roads(&facts, Component::Antivirus).contains("own.example"));
    flag(&mut facts, Fact::WinInetSystemEnabled, true);
    let antivirus = roads(&facts, Component::Antivirus);
    assert_eq!(antivirus, "direct > own.example:1 > discovery (WPAD)");
    let explained = explain(&facts);
    let wininet = explained.route(Component::WinInet).unwrap();
    assert_eq!(wininet.uses.road.text(), "all.example:2");
    assert!(
        wininet
            .uses
            .because
            .contains("LocalSystem's own ProxyServer is own.example:1")
    );
    set(
        &mut facts,
        &[(Fact::WinInetSystemPacUrl, "http://own.example/p.pac")],
    );
    assert!(roads(&facts, Component::Antivirus).contains("PAC http://own.example/p.pac"));
    // One setting for all.
    number(&mut facts, Fact::WinInetPerUser, 0);
    assert!(roads(&facts, Component::Antivirus).contains("all.example:2"));
}
