//! WinHTTP with its two stores (reference 2.7), machine-wide WinINet (F11), and variables (F12).

use super::seen::{Known, Seen, https_proxy};
use super::{Choice, Component, Road, Route};
use crate::facts::Fact;

/// Users of the default proxy: `WinHttpSettings`, else direct.
pub(super) fn default(seen: Seen<'_>) -> Route {
    let uses = match seen.text(Fact::WinHttpProxy) {
        Known::Set(proxy) => {
            let bypass = seen.text(Fact::WinHttpBypass).set();
            let bypass = bypass.map(|list| format!(", not for {list}"));
            let https = match https_proxy(proxy) {
                Some(_) => "",
                None => "; HTTPS, which Defender uses, goes direct",
            };
            let other = match seen.text(Fact::WinHttpProxy32) {
                Known::NotSet => "; its copy for 32-bit programs names none",
                Known::Set(_) | Known::NotRead => "",
            };
            Choice::new(
                Road::Proxy(proxy.to_owned()),
                format!(
                    "WinHttpSettings{}{https}{other}",
                    bypass.unwrap_or_default()
                ),
            )
        }
        Known::NotSet => Choice::new(Road::Direct, "WinHttpSettings is absent or says direct"),
        Known::NotRead => Choice::new(Road::Unknown, seen.why_not(Fact::WinHttpProxy)),
    };
    Route {
        component: Component::WinHttp,
        uses,
        then: Vec::new(),
    }
}

/// Users of the automatic proxy: `advproxy`, machine-wide WinINet where it counts for all, discovery.
pub(super) fn automatic(seen: Seen<'_>) -> Route {
    let mut roads = Vec::new();
    match seen.flag(Fact::AdvProxyKnown) {
        Some(true) => {
            roads.extend(advproxy(seen).map(|road| Choice::new(road, "advproxy")));
        }
        // This Windows has no such store.
        Some(false) => {}
        None => roads.push(Choice::new(
            Road::Unknown,
            seen.why_not(Fact::AdvProxyKnown),
        )),
    }
    if seen.number(Fact::WinInetPerUser) == Some(0) {
        roads.extend(machine_wininet(seen).map(|(road, _)| {
            Choice::new(
                road,
                "machine-wide WinINet, because ProxySettingsPerUser is 0",
            )
        }));
    }
    let looks = seen.flag(Fact::AdvProxyAutoDetect) == Some(true);
    if roads.is_empty() {
        let why = if looks {
            "advproxy says to look for one"
        } else {
            "nothing is set for automatic configuration"
        };
        roads = discovery(seen, why);
    }
    let mut roads = roads.into_iter();
    Route {
        component: Component::WinHttpAutomatic,
        uses: roads
            .next()
            .unwrap_or_else(|| Choice::new(Road::Unknown, "nothing was read")),
        then: roads.collect(),
    }
}

/// Machine-wide WinINet.
pub(super) fn wininet(seen: Seen<'_>) -> Route {
    let per_user = seen.number(Fact::WinInetPerUser) != Some(0);
    let mut uses = match machine_wininet(seen) {
        Some((road, what)) if per_user => Choice::new(
            road,
            format!(
                "machine-wide {what}; users have their own settings, these count where nothing else does"
            ),
        ),
        Some((road, what)) => Choice::new(
            road,
            format!("machine-wide {what}, for all users, because ProxySettingsPerUser is 0"),
        ),
        None if seen.flag(Fact::WinInetEnabled).is_none()
            && seen.text(Fact::WinInetServer) == Known::NotRead =>
        {
            Choice::new(Road::Unknown, seen.why_not(Fact::WinInetServer))
        }
        None => Choice::new(
            Road::NotSet,
            "nothing machine-wide; users have their own settings",
        ),
    };
    if let Some((road, what)) = system_wininet(seen) {
        let own = format!("; LocalSystem's own {what} is {}", road.text());
        uses.because.push_str(&own);
    }
    Route {
        component: Component::WinInet,
        uses,
        then: Vec::new(),
    }
}

/// Machine variables.
pub(super) fn environment(seen: Seen<'_>) -> Route {
    let names = [
        ("HTTPS_PROXY", Fact::EnvHttpsProxy),
        ("HTTP_PROXY", Fact::EnvHttpProxy),
        ("ALL_PROXY", Fact::EnvAllProxy),
    ];
    let set = names
        .iter()
        .find_map(|(name, fact)| seen.text(*fact).set().map(|value| (*name, value)));
    let uses = match set {
        Some((name, value)) => {
            let except = seen.text(Fact::EnvNoProxy).set();
            let except = except.map(|list| format!(", not for {list}"));
            Choice::new(
                Road::Proxy(value.to_owned()),
                format!("machine variable {name}{}", except.unwrap_or_default()),
            )
        }
        None if seen.text(Fact::EnvHttpsProxy) == Known::NotRead => {
            Choice::new(Road::Unknown, seen.why_not(Fact::EnvHttpsProxy))
        }
        None => Choice::new(Road::NotSet, "no machine variable names a proxy"),
    };
    Route {
        component: Component::Environment,
        uses,
        then: Vec::new(),
    }
}

/// What `advproxy` names; nothing where it only looks for a proxy.
pub(super) fn advproxy(seen: Seen<'_>) -> Option<Road> {
    let server = seen.text(Fact::AdvProxyServer).set();
    let pac = seen.text(Fact::AdvProxyPacUrl).set();
    server
        .map(|server| Road::Proxy(server.to_owned()))
        .or(pac.map(|pac| Road::Pac(pac.to_owned())))
}

/// What `advproxy` holds, where that is not known to count.
pub(super) fn undocumented_advproxy(seen: Seen<'_>) -> Option<String> {
    advproxy(seen).map(|road| road.text())
}

/// Machine-wide WinINet proxy or script, and the value it stands in.
pub(super) fn machine_wininet(seen: Seen<'_>) -> Option<(Road, &'static str)> {
    if let Some(pac) = seen.text(Fact::WinInetPacUrl).set() {
        return Some((Road::Pac(pac.to_owned()), "AutoConfigURL"));
    }
    let server = seen.text(Fact::WinInetServer).set()?;
    let on = seen.flag(Fact::WinInetEnabled) == Some(true);
    on.then(|| (Road::Proxy(server.to_owned()), "ProxyServer"))
}

/// WinINet proxy or script of LocalSystem's own, and the value it stands in. With `ProxySettingsPerUser` 0 it does not
/// count.
pub(super) fn system_wininet(seen: Seen<'_>) -> Option<(Road, &'static str)> {
    if seen.number(Fact::WinInetPerUser) == Some(0) {
        return None;
    }
    if let Some(pac) = seen.text(Fact::WinInetSystemPacUrl).set() {
        return Some((Road::Pac(pac.to_owned()), "AutoConfigURL"));
    }
    let server = seen.text(Fact::WinInetSystemServer).set()?;
    let on = seen.flag(Fact::WinInetSystemEnabled) == Some(true);
    on.then(|| (Road::Proxy(server.to_owned()), "ProxyServer"))
}

/// True where discovery is known to be switched off.
pub(super) fn wpad_off(seen: Seen<'_>) -> bool {
    seen.flag(Fact::WinHttpWpadDisabled) == Some(true)
        || seen.number(Fact::ServicesAutoProxyStart) == Some(SERVICE_DISABLED)
}

/// `Start` of a service that nobody can start.
const SERVICE_DISABLED: i64 = 4;

/// Discovery, then direct; direct alone where discovery is switched off.
pub(super) fn discovery(seen: Seen<'_>, why: &str) -> Vec<Choice> {
    if wpad_off(seen) {
        let because = format!("{why}, but discovery is switched off on this host");
        return vec![Choice::new(Road::Direct, because)];
    }
    vec![
        Choice::new(Road::Discovery, why),
        Choice::new(Road::Direct, "where discovery finds nothing"),
    ]
}
