//! What does not go together on a host, or is not what it looks like: the traps of section 7 of the reference, one case each.

use playbooks::{CONFLICTS, Fact, Observed, Typed, explain};

use crate::explain::{Prepare, bare, conflicts, flag, number, policy, set};

#[test]
fn of_two_malformed_settings_of_winhttp_both_are_told() {
    let mut facts = bare();
    facts.set_malformed(Fact::WinHttpProxy, "the value has 4 bytes");
    facts.set_malformed(Fact::WinHttpProxy32, "the value has 8 bytes");
    let told = explain(&facts).conflicts;
    let [found] = told.as_slice() else {
        panic!("{told:?}");
    };
    for wrong in ["has 4 bytes", "32-bit programs", "has 8 bytes"] {
        assert!(found.detail.contains(wrong), "{}", found.detail);
    }
}

/// What is set, and everything that is found.
#[test]
fn every_trap_is_named() {
    let cases: &[(Prepare, &[&str])] = &[
        (|_| {}, &[]),
        // One proxy everywhere is right; the sensor still falls back (A1).
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::ProxyEdr, "Proxy.corp.example:8080"),
                        (Fact::ProxyAvServer, "http://proxy.corp.example:8080/"),
                        (Fact::AvEffectiveServer, "http://proxy.corp.example:8080/"),
                        (Fact::WinHttpProxy, "proxy.corp.example:8080"),
                        (Fact::AdvProxyServer, "proxy.corp.example:8080"),
                    ],
                );
                number(f, Fact::ProxyEdrNoAuth, 1);
            },
            &["falls_back"],
        ),
        // A23: several are set.
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::ProxyEdr, "a:1"),
                        (Fact::WinHttpProxy, "http=a:1;https=b:1"),
                    ],
                );
                number(f, Fact::ProxyEdrNoAuth, 1);
            },
            &["stores_differ", "falls_back"],
        ),
        // A17: reset proxy left advproxy in place.
        (
            |f| set(f, &[(Fact::AdvProxyServer, "adv:1")]),
            &["advproxy_differs"],
        ),
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::AdvProxyPacUrl, "http://p/a.pac"),
                        (Fact::WinHttpProxy, "b:1"),
                    ],
                )
            },
            &["advproxy_differs"],
        ),
        // What stands there is no such value: not direct, and no proxy either.
        (
            |f| f.set_malformed(Fact::WinHttpProxy, "the value has 4 bytes"),
            &["winhttp_malformed"],
        ),
        (
            |f| f.set_malformed(Fact::WinHttpProxy32, "the value has 4 bytes"),
            &["winhttp_malformed"],
        ),
        // A denied read is no finding.
        (|f| f.set_unread(Fact::WinHttpProxy, "denied"), &[]),
        // The digits of a text are no DWORD.
        (
            |f| {
                let zero = Typed::Sz("0".to_owned()).to_raw();
                let target = Fact::ProxySslOptions.target().unwrap();
                f.note(&target, &Observed::Present(zero));
            },
            &["value_malformed"],
        ),
        // 32-bit programs: another proxy, another list, a proxy alone; the same but for letters is none, nor is nothing.
        (
            |f| {
                set(
                    f,
                    &[(Fact::WinHttpProxy, "b:1"), (Fact::WinHttpProxy32, "old:1")],
                )
            },
            &["winhttp_32bit_differs"],
        ),
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::WinHttpProxy, "b:1"),
                        (Fact::WinHttpBypass, "<local>"),
                        (Fact::WinHttpProxy32, "b:1"),
                    ],
                )
            },
            &["winhttp_32bit_differs"],
        ),
        (
            |f| set(f, &[(Fact::WinHttpProxy32, "old:1")]),
            &["winhttp_32bit_differs"],
        ),
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::WinHttpProxy, "b.example:1"),
                        (Fact::WinHttpBypass, "<local>"),
                        (Fact::WinHttpProxy32, "B.example:1"),
                        (Fact::WinHttpBypass32, "<LOCAL>"),
                    ],
                )
            },
            &[],
        ),
        (|f| set(f, &[(Fact::WinHttpProxy, "b:1")]), &[]),
        // Without a sensor nobody falls back, and no pair is incomplete.
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::ProxyEdr, "a:1"),
                        (Fact::WinHttpProxy, "b:1"),
                        (Fact::SensorLastConnected, "2026-01-01T00:00:00Z"),
                    ],
                );
                flag(f, Fact::SensorPresent, false);
            },
            &[],
        ),
        // A8: the browser's proxy, and nothing else.
        (
            |f| {
                set(f, &[(Fact::WinInetServer, "c:1")]);
                flag(f, Fact::WinInetEnabled, true);
            },
            &["wininet_only"],
        ),
        // A21.
        (
            |f| {
                set(
                    f,
                    &[(Fact::WinInetServer, "c:1"), (Fact::WinHttpProxy, "c:1")],
                );
                flag(f, Fact::WinInetEnabled, true);
                number(f, Fact::WinInetPerUser, 0);
            },
            &["wininet_seen"],
        ),
        // A9.
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::WinHttpProxy, "b:1"),
                        (Fact::WinHttpBypass, "<local>;<-loopback>"),
                    ],
                )
            },
            &["loopback_token"],
        ),
        // A24: a blank; S28: no scheme; S16: half of the pair.
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::ProxyEdr, "10.0.0.6 :8080"),
                        (Fact::WinHttpProxy, "10.0.0.7:8080"),
                    ],
                )
            },
            // Nothing is said of a proxy that is none: not that the stores differ, nor that the sensor falls back from it.
            &["edr_malformed", "pair_incomplete"],
        ),
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::AvEffectiveServer, "10.0.0.6:8080"),
                        (Fact::WinHttpProxy, "10.0.0.6:8080"),
                    ],
                )
            },
            &["av_malformed"],
        ),
        // A5, A7: Windows itself has no road.
        (
            |f| {
                set(f, &[(Fact::ProxyEdr, "a:1")]);
                number(f, Fact::ProxyEdrNoAuth, 1);
            },
            &["winhttp_direct", "falls_back"],
        ),
        // S22, S24: below the gate, and without a proxy to prefer.
        (
            |f| {
                set(f, &[(Fact::ProxyEdr, "a:1"), (Fact::WinHttpProxy, "a:1")]);
                number(f, Fact::ProxyEdrNoAuth, 1);
                number(f, Fact::ProxyPreferStatic, 1);
                flag(f, Fact::SensorPrefersStaticProxy, false);
            },
            &["prefer_ignored", "falls_back"],
        ),
        (
            |f| number(f, Fact::ProxyPreferStatic, 1),
            &["prefer_ignored"],
        ),
        (
            |f| set(f, &[(Fact::WinHttpProxy, "http=b:1")]),
            &["winhttp_http_only"],
        ),
        (
            |f| set(f, &[(Fact::MdmTelemetryProxy, "m:1")]),
            &["mdm_not_read"],
        ),
        (
            |f| flag(f, Fact::WinHttpWpadDisabled, true),
            &["discovery_off"],
        ),
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::ProxyAvServer, "http://a:1"),
                        (Fact::WinHttpProxy, "a:1"),
                    ],
                )
            },
            &["policy_not_effective"],
        ),
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::ProxyAvServer, "http://a:1"),
                        (Fact::AvEffectiveServer, "http://a:1"),
                        (Fact::AvEffectivePacUrl, "http://p/x.pac"),
                        (Fact::WinHttpProxy, "a:1"),
                    ],
                );
            },
            &["pac_hidden", "preference_hidden"],
        ),
        (|f| number(f, Fact::ProxySslOptions, 0), &["checks_off"]),
        (|f| number(f, Fact::ProxySslOptions, 3), &[]),
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::SensorLastConnected, "2026-01-01T00:00:00Z"),
                        (Fact::ClockLocal, "2026-01-01T23:00:00Z"),
                    ],
                )
            },
            &["unneeded_static"],
        ),
        // It was in contact long ago, or nobody knows how long.
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::SensorLastConnected, "2026-01-01T00:00:00Z"),
                        (Fact::ClockLocal, "2026-01-03T00:00:00Z"),
                    ],
                )
            },
            &[],
        ),
        (
            |f| set(f, &[(Fact::SensorLastConnected, "2026-01-01T00:00:00Z")]),
            &[],
        ),
        // Numbers that mean nothing.
        (
            |f| number(f, Fact::ProxySslOptions, 7),
            &["value_malformed"],
        ),
        (
            |f| set(f, &[(Fact::EnvAllProxy, "http://d:1")]),
            &["variables_not_read"],
        ),
        (
            |f| {
                set(
                    f,
                    &[
                        (Fact::ProxyEdr, "a:1"),
                        (Fact::OsSupport, "mma"),
                        (Fact::WinHttpProxy, "a:1"),
                    ],
                )
            },
            &["mma_ignores_static"],
        ),
        // A group policy wants another proxy than stands there.
        (
            |f| {
                set(f, &[(Fact::ProxyEdr, "a:1"), (Fact::WinHttpProxy, "a:1")]);
                number(f, Fact::ProxyEdrNoAuth, 1);
                f.gpo.push(policy(Fact::ProxyEdr, Some("b:1")));
            },
            &["policy_overwrites", "falls_back"],
        ),
        (
            |f| {
                set(f, &[(Fact::ProxyEdr, "a:1"), (Fact::WinHttpProxy, "a:1")]);
                number(f, Fact::ProxyEdrNoAuth, 1);
                f.gpo.push(policy(Fact::ProxyEdr, Some("a:1")));
            },
            &["falls_back"],
        ),
        (|f| f.gpo.push(policy(Fact::ProxyAvServer, None)), &[]),
    ];
    for (number, (prepare, expected)) in cases.iter().enumerate() {
        let mut facts = bare();
        prepare(&mut facts);
        assert_eq!(conflicts(&facts), *expected, "case {number}");
    }
    let met: std::collections::BTreeSet<&str> = cases
        .iter()
        .flat_map(|(_, names)| names.iter().copied())
        .collect();
    let all: std::collections::BTreeSet<&str> = CONFLICTS.iter().map(|row| row.name).collect();
    assert_eq!(met, all, "every finding has a case");
}
