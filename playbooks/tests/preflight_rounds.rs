//! What the preflight asks a host, in which order, how much that costs at most, and what it tells of the rest.

use std::collections::BTreeSet;

use playbooks::{
    BUDGET, Fact, FactSet, FactValue, Facts, Observed, Playbook, PreflightChange, Rounds,
};

use crate::preflight::{AV, EDR, PREFER, SSL, WINHTTP, compiled, now, steps, text};
use crate::support::load;

/// A question session with one host.
struct Asked {
    facts: BTreeSet<Fact>,
    spent: u32,
    left_out: Vec<Fact>,
    /// `grade detail` of what was not looked at.
    told: Vec<String>,
}

/// A client with everything: it has sensor, proxy and Antivirus, and is not portable.
fn usual(fact: Fact) -> FactValue {
    match fact {
        Fact::ServicesSense => text("running"),
        Fact::ProxyEdr => text("p:1"),
        Fact::AvPresent => FactValue::Bool(true),
        _ => FactValue::Null,
    }
}

/// A policy names the values, which proves that there is a log of them.
fn owned(set: &FactSet) -> Option<u32> {
    set.contains(Fact::GpoSettings).then_some(1)
}

/// All facts that the rounds ask for, each answered as `answer` says, and what that costs.
fn asked(wanted: &[&str], writes: bool, answer: &dyn Fn(Fact) -> FactValue) -> Asked {
    asked_of(&load(&steps(wanted)), writes, answer, &|_| None)
}

/// `took`: what the host makes of one question; `None`: as estimated.
fn asked_of(
    playbook: &Playbook,
    writes: bool,
    answer: &dyn Fn(Fact) -> FactValue,
    took: &dyn Fn(&FactSet) -> Option<u32>,
) -> Asked {
    let mut facts = Facts::default();
    facts.set(Fact::SensorPrefersStaticProxy, FactValue::Bool(true));
    let steps = compiled(playbook, &facts);
    let prior = Observed::ValueAbsent;
    let changes: Vec<PreflightChange<'_>> = steps
        .iter()
        .enumerate()
        .flat_map(|(step, compiled)| {
            let prior = &prior;
            compiled.changes.iter().map(move |change| PreflightChange {
                step,
                target: &change.target,
                desired: &change.desired,
                prior,
            })
        })
        .collect();
    let names: Vec<(&str, bool)> = steps.iter().map(|step| (&*step.name, false)).collect();
    let mut rounds = Rounds::new(&playbook.preflight, &changes, writes);
    let mut all = BTreeSet::new();
    while let Some(set) = {
        let found = playbook.preflight_findings(&changes, &names, &facts, now());
        rounds.next(&facts, &found)
    } {
        for fact in set.iter() {
            assert!(all.insert(fact), "{} is asked twice", fact.name());
            facts.set(fact, answer(fact));
        }
        if let Some(requests) = took(&set) {
            rounds.took(requests);
        }
    }
    let told = rounds.not_looked().into_iter();
    Asked {
        facts: all,
        spent: rounds.spent(),
        left_out: rounds.left_out().collect(),
        told: told
            .map(|finding| format!("{} {}", finding.word(), finding.detail))
            .collect(),
    }
}

/// Hosts that answer every query in two or three pieces: less is asked, and it is told.
#[test]
fn a_host_whose_answers_take_more_requests_is_asked_less() {
    let all = load(&steps(&[EDR, PREFER, AV, SSL, WINHTTP]));
    for pieces in [2, 3] {
        let dear = |set: &FactSet| set.in_one_command.is_none().then_some(pieces);
        for writes in [true, false] {
            let of = asked_of(&all, writes, &usual, &dear);
            assert!(of.spent <= BUDGET, "{pieces}: {}, {:?}", of.spent, of.facts);
            for fact in [Fact::GpoSettings, Fact::ServicesSense] {
                assert!(of.facts.contains(&fact), "{}", fact.name());
            }
            for fact in [Fact::NetworkIpv4, Fact::ChassisPortable, Fact::AvPresent] {
                assert!(
                    of.facts.contains(&fact) || of.left_out.contains(&fact),
                    "{} is forgotten",
                    fact.name()
                );
            }
            assert!(of.left_out.contains(&Fact::AvPresent), "{:?}", of.left_out);
            assert!(
                of.told[0].starts_with("warn ") && of.told[0].contains("facts.av.present"),
                "{:?}",
                of.told
            );
        }
    }
    let few = |_: &FactSet| Some(1);
    let of = asked_of(&all, true, &usual, &few);
    assert!(
        of.left_out.is_empty() && of.told.is_empty(),
        "{:?}",
        of.left_out
    );
}

/// Every fact that bears on a decision is asked for or told, whatever a playbook writes and whatever a host is.
#[test]
fn no_host_is_asked_for_more_than_the_budget_and_nothing_is_passed_over() {
    let all = [
        EDR,
        PREFER,
        AV,
        WINHTTP,
        "av_proxy: { store: preference, server: 'https://p:1' }",
    ];
    let old_server = |fact: Fact| match fact {
        Fact::OsBuild => FactValue::Number(17763),
        Fact::RolesCluster => FactValue::Bool(true),
        _ => usual(fact),
    };
    let client = |fact: Fact| match fact {
        Fact::OsBuild => FactValue::Number(19041),
        _ => usual(fact),
    };
    let laptop = |fact: Fact| match fact {
        Fact::ChassisPortable => FactValue::Bool(true),
        _ => client(fact),
    };
    let hosts = [&old_server as &dyn Fn(Fact) -> FactValue, &client, &laptop];
    for mask in 1_u32..1 << all.len() {
        let wanted: Vec<&str> = all
            .iter()
            .enumerate()
            .filter(|(index, _)| mask & (1 << index) != 0)
            .map(|(_, step)| *step)
            .collect();
        let playbook = load(&steps(&wanted));
        for writes in [true, false] {
            for (index, host) in hosts.iter().enumerate() {
                let pieces = if index == 0 {
                    &[None, Some(2)][..]
                } else {
                    &[None]
                };
                for pieces in pieces.iter().copied() {
                    let took = |set: &FactSet| match set.in_one_command {
                        None => pieces,
                        Some(_) => None,
                    };
                    let of = asked_of(&playbook, writes, *host, &took);
                    assert!(of.spent <= BUDGET, "{} for {wanted:?}", of.spent);
                    let has = |step: &str| wanted.contains(&step);
                    let moot = index == 2 && of.facts.contains(&Fact::ChassisPortable);
                    let needed = [
                        (Fact::NetworkIpv4, has(EDR) || has(PREFER)),
                        (Fact::ServicesSense, has(EDR) || has(PREFER)),
                        (
                            Fact::AvPresent,
                            wanted.iter().any(|step| step.starts_with("av_")),
                        ),
                        (Fact::ProxyEdr, has(PREFER) && !has(EDR)),
                        (Fact::OsBuild, has(EDR)),
                        (Fact::SensorLastConnected, has(EDR)),
                        (Fact::NetworkLists, has(PREFER)),
                        // The command that writes shows it as well.
                        (Fact::AdvProxyKnown, has(WINHTTP) && !moot && !writes),
                        (Fact::WinHttpProxy32, has(WINHTTP) && !moot),
                    ];
                    for (fact, needed) in needed {
                        let name = format!("facts.{}", fact.name());
                        let told = of.told.iter().any(|told| told.contains(&name));
                        assert_eq!(
                            of.facts.contains(&fact) || told,
                            needed,
                            "{name}, {wanted:?}, host {index}, {writes}, {pieces:?}: {:?}",
                            of.told
                        );
                        assert!(!(of.facts.contains(&fact) && told), "{name} was asked for");
                    }
                    assert!(
                        !of.facts.contains(&Fact::OsBuild)
                            || of.facts.contains(&Fact::OsUbr)
                            || of
                                .told
                                .iter()
                                .any(|told| told.contains("build_below_floor")),
                        "a build alone is no decision: {wanted:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_blocks_is_asked_first_and_warnings_as_far_as_they_fit() {
    let client = |fact: Fact| match fact {
        Fact::OsBuild => FactValue::Number(17763),
        _ => usual(fact),
    };
    let all = load(&steps(&[EDR, AV, WINHTTP]));
    let pushed = asked_of(&all, true, &client, &owned);
    for fact in [
        Fact::GpoSettings,
        Fact::ServicesSense,
        Fact::AvPresent,
        Fact::NetworkIpv4,
        Fact::RolesDomainController,
        Fact::ChassisPortable,
        Fact::AvTamperProtected,
        Fact::OsBuild,
        Fact::OsUbr,
        Fact::SensorLastConnected,
        Fact::WinHttpProxy32,
    ] {
        assert!(pushed.facts.contains(&fact), "{}", fact.name());
    }
    assert!(pushed.told.is_empty(), "{:?}", pushed.told);
    // Whether there is a log of group policy comes before what only warns.
    let unowned = asked(&[EDR, AV, WINHTTP], true, &client);
    assert!(unowned.facts.contains(&Fact::OsUbr));
    let [told] = &unowned.told[..] else {
        panic!("{:?}", unowned.told);
    };
    assert!(
        told.starts_with("note ")
            && told.contains("already_connected")
            && told.contains("winhttp_32bit_differs"),
        "{told}"
    );
    assert!(
        !pushed.facts.contains(&Fact::AdvProxyKnown),
        "the command that writes shows it"
    );
    let planned = asked(&[WINHTTP], false, &client).facts;
    assert!(planned.contains(&Fact::AdvProxyKnown) && !planned.contains(&Fact::GpoSettings));
    let edr = asked(&[EDR], true, &client).facts;
    assert!(
        edr.contains(&Fact::OsUbr),
        "builds with a floor are asked for their revision"
    );
    assert!(!edr.contains(&Fact::ChassisPortable) && !edr.contains(&Fact::AvTamperProtected));
}

/// A plan opens no shell for a step, so the warnings that need one do not fit where all three stores are written. The build
/// does, with its revision; the rest is told.
#[test]
fn a_plan_of_all_three_stores_judges_the_build_and_tells_the_rest() {
    let all = load(&steps(&[EDR, AV, WINHTTP]));
    for (build, ubr) in [(17763, true), (22631, false)] {
        let client = |fact: Fact| match fact {
            Fact::OsBuild => FactValue::Number(build),
            _ => usual(fact),
        };
        let of = asked_of(&all, false, &client, &owned);
        assert!(of.facts.contains(&Fact::OsBuild));
        assert_eq!(of.facts.contains(&Fact::OsUbr), ubr, "{build}");
        assert_eq!(of.facts.contains(&Fact::SensorLastConnected), !ubr);
        assert_eq!(of.facts.contains(&Fact::WinHttpProxy32), ubr);
        let [told] = &of.told[..] else {
            panic!("{:?}", of.told);
        };
        assert!(
            told.starts_with("note ") && told.contains("advproxy_differs"),
            "{told}"
        );
        assert_eq!(told.contains("already_connected"), ubr, "{told}");
        assert_eq!(told.contains("winhttp_32bit_differs"), !ubr, "{told}");
        assert_eq!(of.spent, BUDGET);
    }
}

/// The preference without a proxy blocks, so it comes before what only warns; where it cannot be asked for, it is a warning.
#[test]
fn whether_there_is_a_proxy_to_prefer_is_asked_before_what_warns() {
    let all = [PREFER, AV, WINHTTP];
    let playbook = load(&steps(&all));
    for writes in [true, false] {
        let of = asked(&all, writes, &usual);
        assert!(
            of.facts.contains(&Fact::ProxyEdr),
            "{writes}: {:?}",
            of.told
        );
        assert!(
            of.facts.contains(&Fact::AvPresent),
            "{writes}: {:?}",
            of.told
        );
        let dear = |set: &FactSet| set.in_one_command.is_none().then_some(2);
        let of = asked_of(&playbook, writes, &usual, &dear);
        assert!(!of.facts.contains(&Fact::ProxyEdr));
        assert!(
            of.told[0].starts_with("warn ") && of.told[0].contains("prefer_without_proxy"),
            "{writes}: {:?}",
            of.told
        );
    }
}

/// Of a step that is left out nothing more is asked.
#[test]
fn a_portable_host_is_not_asked_for_the_other_stores_of_winhttp() {
    let laptop = |fact: Fact| match fact {
        Fact::ChassisPortable => FactValue::Bool(true),
        _ => usual(fact),
    };
    let of = asked(&[EDR, AV, WINHTTP], true, &laptop);
    assert!(!of.facts.contains(&Fact::AdvProxyKnown) && !of.facts.contains(&Fact::WinHttpProxy32));
    assert!(of.facts.contains(&Fact::OsBuild), "{:?}", of.told);
}

/// Group policy keeps settings below two keys; `export --to gpo` takes both.
#[test]
fn the_owner_is_asked_for_below_every_key_of_policies() {
    let asks = |key: &str| {
        let step = format!("registry: {{ key: 'HKLM\\{key}', value: V, type: dword, data: 1 }}");
        asked(&[&step], true, &usual)
            .facts
            .contains(&Fact::GpoSettings)
    };
    assert!(asks(r"SOFTWARE\Policies\A"));
    assert!(asks(
        r"Software\Microsoft\Windows\CurrentVersion\policies\System"
    ));
    assert!(!asks(r"SOFTWARE\Microsoft\Windows\CurrentVersion\Run"));
    assert!(!asks(r"SOFTWARE\PoliciesOfOurs\A"));
}
