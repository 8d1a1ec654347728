//! The rule of each finding: whether it holds on a host, and in which words.

use jiff::Timestamp;

use super::av;
use super::seen::{Known, Seen, address, for_https, per_scheme};
use super::winhttp::{advproxy, machine_wininet, wpad_off};
use super::{Component, Conflict, Road, Route};
use crate::facts::{Fact, FactValue};
use crate::preflight::FRESH;
use crate::registry::Typed;
use crate::rules::{Invalid, Notes, av_pac_url, av_server, edr_server, lost_checks};

/// `Some` where it holds.
pub(super) fn judged(conflict: Conflict, seen: Seen<'_>, routes: &[Route]) -> Option<String> {
    let mma = seen.text(Fact::OsSupport) == Known::Set("mma");
    // Whether the sensor of this host reads the static proxy at all.
    let reads = !mma && seen.may_have_sensor();
    let edr = seen.text(Fact::ProxyEdr).set();
    let usable = static_proxy(seen);
    let winhttp = seen.text(Fact::WinHttpProxy);
    match conflict {
        Conflict::EdrMalformed => malformed(edr?, |text, notes| edr_server(text, notes).map(drop)),
        Conflict::AvMalformed => av_malformed(seen),
        Conflict::WinHttpMalformed => win_http_malformed(seen),
        Conflict::ValueMalformed => value_malformed(seen),
        Conflict::StoresDiffer => stores_differ(seen, routes),
        Conflict::AdvProxyDiffers => advproxy_differs(seen),
        Conflict::WinHttp32Differs => win_http_32_differs(seen),
        Conflict::PolicyOverwrites => policy_overwrites(seen),
        Conflict::PolicyNotEffective => policy_not_effective(seen),
        Conflict::MmaIgnoresStatic if mma => Some(format!("TelemetryProxyServer is {}", edr?)),
        Conflict::PairIncomplete if reads => pair_incomplete(seen),
        Conflict::FallsBack if reads => usable.map(|server| {
            format!("only the proxy's log, or a closed way out, proves that {server} is used")
        }),
        Conflict::MmaIgnoresStatic | Conflict::PairIncomplete | Conflict::FallsBack => None,
        Conflict::PreferIgnored => prefer_ignored(seen),
        Conflict::WinHttpHttpOnly => {
            let text = winhttp.set()?;
            for_https(text).is_none().then(|| text.to_owned())
        }
        Conflict::LoopbackToken => {
            let bypass = [Fact::WinHttpBypass, Fact::AdvProxyBypass];
            let mut lists = bypass.iter().filter_map(|fact| seen.text(*fact).set());
            let list = lists.find(|list| list.to_ascii_lowercase().contains("<-loopback>"))?;
            Some(list.to_owned())
        }
        Conflict::MdmNotRead => {
            let text = seen.text(Fact::MdmTelemetryProxy).set()?;
            Some(format!("MDM says {text}"))
        }
        Conflict::DiscoveryOff => {
            let direct = of(routes, Component::Edr)?.uses.road == Road::Direct;
            (direct && winhttp == Known::NotSet && wpad_off(seen)).then(|| {
                "DisableWpad is set or WinHttpAutoProxySvc is disabled; the sensor goes direct"
                    .to_owned()
            })
        }
        Conflict::PacHidden => {
            let route = of(routes, Component::Antivirus)?;
            let pac = route.then.iter().find_map(|choice| match &choice.road {
                Road::Pac(pac) if choice.because.starts_with("ProxyPacUrl") => Some(pac),
                _ => None,
            })?;
            matches!(route.uses.road, Road::Proxy(_)).then(|| format!("{pac} is not used"))
        }
        Conflict::PreferenceHidden => preference_hidden(seen),
        Conflict::WinHttpDirect => {
            let fixed = usable.or(antivirus(routes))?;
            (winhttp == Known::NotSet && seen.may_have_sensor()).then(|| {
                format!("{fixed} is for Defender alone: Antivirus does not use its proxy for Windows Update, nor does Windows for revocation lists")
            })
        }
        Conflict::WinInetOnly => {
            let (road, _) = machine_wininet(seen)?;
            (edr.is_none()
                && winhttp == Known::NotSet
                && seen.text(Fact::ProxyEdr) == Known::NotSet)
                .then(|| format!("machine-wide WinINet has {}", road.text()))
        }
        Conflict::WinInetSeen => {
            let (road, _) = machine_wininet(seen)?;
            (seen.number(Fact::WinInetPerUser) == Some(0)).then(|| road.text())
        }
        Conflict::ChecksOff => checks_off(seen.number(Fact::ProxySslOptions)?),
        Conflict::UnneededStatic => {
            let moment = |fact| seen.text(fact).set()?.parse::<Timestamp>().ok();
            let last = moment(Fact::SensorLastConnected)?;
            let fresh = moment(Fact::ClockLocal)?.duration_since(last) <= FRESH;
            (fresh && seen.may_have_sensor() && seen.text(Fact::ProxyEdr) == Known::NotSet)
                .then(|| format!("last contact {last}"))
        }
        Conflict::VariablesNotRead => {
            let Road::Proxy(proxy) = &of(routes, Component::Environment)?.uses.road else {
                return None;
            };
            let agent = seen.text(Fact::SensorBranch) == Known::Set("unified_agent");
            let who = if agent {
                "the unified agent may look at it, WinHTTP does not"
            } else {
                "curl looks at it; neither this sensor nor Antivirus does"
            };
            Some(format!("{proxy}: {who}"))
        }
    }
}

fn of(routes: &[Route], component: Component) -> Option<&Route> {
    routes.iter().find(|route| route.component == component)
}

/// The sensor's static proxy, where it is one and somebody is there to read it.
fn static_proxy(seen: Seen<'_>) -> Option<&str> {
    if !seen.may_have_sensor() {
        return None;
    }
    let text = seen.text(Fact::ProxyEdr).set()?;
    edr_server(text, &mut Notes::new()).is_ok().then_some(text)
}

/// In either of its two places.
fn win_http_malformed(seen: Seen<'_>) -> Option<String> {
    let small = seen.malformed(Fact::WinHttpProxy32);
    let small = small.map(|wrong| format!("for 32-bit programs: {wrong}"));
    let wrong: Vec<String> = seen
        .malformed(Fact::WinHttpProxy)
        .into_iter()
        .chain(small)
        .collect();
    (!wrong.is_empty()).then(|| wrong.join("; "))
}

/// Whether a finding names the fact where its value is malformed ([`win_http_malformed`], [`value_malformed`]). All that is
/// read from one value is malformed with it.
pub fn finds_malformed(fact: Fact) -> bool {
    let settings = [Fact::WinHttpProxy, Fact::WinHttpProxy32].map(Fact::target);
    Fact::POLICY_VALUES.contains(&fact) || settings.contains(&fact.target())
}

/// Values of policies that their readers ask for by type, and of which only some numbers mean something.
fn value_malformed(seen: Seen<'_>) -> Option<String> {
    let beyond = |fact: Fact| {
        let most = match fact {
            Fact::ProxyEdrNoAuth | Fact::ProxyPreferStatic => 1,
            Fact::ProxySslOptions => 3,
            _ => return None,
        };
        let number = seen.number(fact).filter(|number| *number > most)?;
        let name = fact.target()?.value;
        Some(format!("{name} is {number}, none of 0 to {most}"))
    };
    let wrong: Vec<String> = Fact::POLICY_VALUES
        .into_iter()
        .filter_map(|fact| seen.malformed(fact).or_else(|| beyond(fact)))
        .collect();
    (!wrong.is_empty()).then(|| wrong.join("; "))
}

/// What 32-bit programs have, where it is something and something else. That they have nothing is the usual state of hosts
/// that were set by `netsh`, and no contradiction.
fn win_http_32_differs(seen: Seen<'_>) -> Option<String> {
    let other = seen.text(Fact::WinHttpProxy32).set()?;
    let bypass = |fact| {
        seen.text(fact)
            .set()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    let same = match seen.text(Fact::WinHttpProxy) {
        Known::NotRead => return None,
        Known::NotSet => false,
        Known::Set(proxy) => {
            per_scheme(proxy) == per_scheme(other)
                && bypass(Fact::WinHttpBypass) == bypass(Fact::WinHttpBypass32)
        }
    };
    let text = |proxy: &str, except: Fact| match seen.text(except).set() {
        Some(list) => format!("{proxy} (not for {list})"),
        None => proxy.to_owned(),
    };
    let winhttp = seen.text(Fact::WinHttpProxy).set();
    let winhttp = winhttp.map_or("direct".to_owned(), |proxy| {
        text(proxy, Fact::WinHttpBypass)
    });
    let other = text(other, Fact::WinHttpBypass32);
    (!same).then(|| format!("32-bit programs {other}, 64-bit programs {winhttp}"))
}

fn av_malformed(seen: Seen<'_>) -> Option<String> {
    if seen.flag(Fact::AvPresent) == Some(false) {
        return None;
    }
    let refused = |text: Option<&str>, rule: fn(&str, &mut Notes) -> Result<String, Invalid>| {
        malformed(text?, |text, notes| rule(text, notes).map(drop))
    };
    refused(av::server(seen).0.set(), av_server).or(refused(av::pac(seen).0.set(), av_pac_url))
}

/// The fixed proxy that Antivirus goes by.
fn antivirus(routes: &[Route]) -> Option<&str> {
    match &of(routes, Component::Antivirus)?.uses.road {
        Road::Proxy(proxy) => Some(proxy),
        _ => None,
    }
}

fn malformed(text: &str, rule: impl Fn(&str, &mut Notes) -> Result<(), Invalid>) -> Option<String> {
    let refused = rule(text, &mut Notes::new()).err()?;
    Some(refused.message)
}

/// Named proxies only: a store without one is another finding.
fn stores_differ(seen: Seen<'_>, routes: &[Route]) -> Option<String> {
    let edr = static_proxy(seen).map(address);
    let av = antivirus(routes).map(address);
    let winhttp = seen.text(Fact::WinHttpProxy).set().and_then(for_https);
    let named: Vec<(&str, String)> = [("EDR", edr), ("Antivirus", av), ("WinHTTP", winhttp)]
        .into_iter()
        .filter_map(|(name, proxy)| Some((name, proxy?)))
        .collect();
    let first = &named.first()?.1;
    named.iter().any(|(_, proxy)| proxy != first).then(|| {
        let texts: Vec<String> = named
            .iter()
            .map(|(name, proxy)| format!("{name} {proxy}"))
            .collect();
        texts.join(", ")
    })
}

fn advproxy_differs(seen: Seen<'_>) -> Option<String> {
    let held = advproxy(seen)?;
    let same = match (&held, seen.text(Fact::WinHttpProxy)) {
        (_, Known::NotRead) => return None,
        (Road::Proxy(adv), Known::Set(named)) => per_scheme(adv) == per_scheme(named),
        _ => false,
    };
    let winhttp = seen.text(Fact::WinHttpProxy).set().unwrap_or("direct");
    (!same).then(|| format!("advproxy {}, WinHttpSettings {winhttp}", held.text()))
}

/// Values that stand there otherwise than the winning policy wants them.
fn policy_overwrites(seen: Seen<'_>) -> Option<String> {
    let texts: Vec<String> = Fact::POLICY_VALUES
        .into_iter()
        .filter_map(|fact| {
            let setting = seen.policy(fact)?;
            let name = &setting.target.value;
            let have = match seen.0.value(fact)? {
                FactValue::Null => None,
                // Exact: two passwords that are shown alike are still two.
                FactValue::Text(text) => Some(text.clone()),
                other => Some(other.text()),
            };
            let want = match setting.value.as_ref().map(|value| value.to_typed()) {
                None => None,
                Some(Some(Typed::Sz(text) | Typed::ExpandSz(text))) => Some(text),
                Some(Some(Typed::Dword(number))) => Some(number.to_string()),
                Some(_) => return None,
            };
            (have != want).then(|| {
                let wants = want.map_or("deletes it".to_owned(), |want| format!("wants {want}"));
                let have = have.unwrap_or_else(|| "not set".to_owned());
                format!("{name} is {have}, '{}' {wants}", setting.owner())
            })
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

fn policy_not_effective(seen: Seen<'_>) -> Option<String> {
    let pairs = [
        ("ProxyServer", Fact::ProxyAvServer, Fact::AvEffectiveServer),
        ("ProxyPacUrl", Fact::ProxyAvPacUrl, Fact::AvEffectivePacUrl),
    ];
    pairs.into_iter().find_map(|(name, policy, effective)| {
        let wants = seen.text(policy).set()?;
        let goes_by = match seen.text(effective) {
            Known::Set(goes_by) => goes_by,
            Known::NotSet => "nothing",
            Known::NotRead => return None,
        };
        let tamper = seen.flag(Fact::AvTamperProtected) == Some(true);
        let tamper = if tamper {
            "; tamper protection is on"
        } else {
            ""
        };
        (wants != goes_by)
            .then(|| format!("{name} is {wants} by policy, Antivirus goes by {goes_by}{tamper}"))
    })
}

/// Server by policy, and a preference for a script (or the reverse): the preference is in force beside it.
fn preference_hidden(seen: Seen<'_>) -> Option<String> {
    let server_by_policy = seen.text(Fact::ProxyAvServer).set().is_some();
    let pac = seen.text(Fact::AvEffectivePacUrl).set()?;
    let by_preference = seen.text(Fact::ProxyAvPacUrl) == Known::NotSet;
    (server_by_policy && by_preference)
        .then(|| format!("ProxyPacUrl {pac} is a preference behind the policy's ProxyServer"))
}

fn prefer_ignored(seen: Seen<'_>) -> Option<String> {
    if seen.number(Fact::ProxyPreferStatic) != Some(1) {
        return None;
    }
    if !seen.may_have_sensor() {
        return Some("there is no sensor on this host".to_owned());
    }
    if seen.text(Fact::ProxyEdr) == Known::NotSet {
        return Some("there is no TelemetryProxyServer to prefer".to_owned());
    }
    if seen.flag(Fact::SensorPrefersStaticProxy) == Some(false) {
        let version = seen.text(Fact::SensorVersion).set().unwrap_or("unknown");
        return Some(format!("sensor {version} is below the gate of its branch"));
    }
    None
}

fn pair_incomplete(seen: Seen<'_>) -> Option<String> {
    let server = seen.text(Fact::ProxyEdr);
    let no_auth = seen.0.value(Fact::ProxyEdrNoAuth)?;
    let no_auth = no_auth == &FactValue::Number(1);
    (server.set().is_some() && !no_auth)
        .then(|| "TelemetryProxyServer is set and DisableEnterpriseAuthProxy is not 1".to_owned())
}

/// S32: which checks are left out.
fn checks_off(options: i64) -> Option<String> {
    let lost = lost_checks(u32::try_from(options).ok()?)?;
    Some(format!("SSLOptions {options} turns off {lost}"))
}
