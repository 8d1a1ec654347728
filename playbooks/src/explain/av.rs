//! Defender Antivirus (reference 2.4): server, PAC, direct, WinINet, discovery, each only where it is configured; a
//! policy wins over a preference.

use super::seen::{Known, Seen};
use super::winhttp::{machine_wininet, system_wininet, wpad_off};
use super::{Choice, Component, Road, Route};
use crate::facts::Fact;

pub(super) fn route(seen: Seen<'_>) -> Route {
    let mut roads = roads(seen).into_iter();
    let uses = roads
        .next()
        .unwrap_or_else(|| Choice::new(Road::Unknown, "nothing was read"));
    Route {
        component: Component::Antivirus,
        uses,
        then: roads.collect(),
    }
}

/// One of its two settings: what it goes by, and where that comes from.
pub(super) fn setting<'f>(
    seen: Seen<'f>,
    name: &str,
    policy: Fact,
    effective: Fact,
) -> (Known<&'f str>, String) {
    let by_policy = seen.text(policy);
    let goes_by = seen.text(effective);
    match (goes_by, by_policy) {
        (Known::Set(goes), Known::Set(wants)) if goes == wants => {
            (goes_by, format!("{name} {}", seen.owner(policy)))
        }
        (Known::Set(_), _) => (goes_by, format!("{name} by preference (Set-MpPreference)")),
        // Antivirus could not be asked: the policy is all there is.
        (Known::NotRead, Known::Set(_)) => (by_policy, format!("{name} {}", seen.owner(policy))),
        (Known::NotRead, Known::NotRead) => (Known::NotRead, seen.why_not(effective)),
        (Known::NotRead, Known::NotSet) => (
            Known::NotRead,
            format!(
                "{name} is not set by policy, and {}",
                seen.why_not(effective)
            ),
        ),
        (Known::NotSet, _) => (Known::NotSet, String::new()),
    }
}

/// In the order in which they are tried.
fn roads(seen: Seen<'_>) -> Vec<Choice> {
    if seen.flag(Fact::AvPresent) == Some(false) {
        let why = "Antivirus does not answer: not installed, or its service is stopped";
        return vec![Choice::new(Road::NotThere, why)];
    }
    let settings = [
        ("ProxyServer", Fact::ProxyAvServer, Fact::AvEffectiveServer),
        ("ProxyPacUrl", Fact::ProxyAvPacUrl, Fact::AvEffectivePacUrl),
    ];
    let mut roads = Vec::new();
    for (name, policy, effective) in settings {
        let (value, because) = setting(seen, name, policy, effective);
        match value {
            Known::Set(text) if policy == Fact::ProxyAvServer => {
                roads.push(Choice::new(Road::Proxy(text.to_owned()), because));
            }
            Known::Set(text) => roads.push(Choice::new(Road::Pac(text.to_owned()), because)),
            Known::NotSet => {}
            Known::NotRead => roads.push(Choice::new(Road::Unknown, because)),
        }
    }
    if roads
        .first()
        .is_some_and(|first| first.road == Road::Unknown)
    {
        roads.truncate(1);
        return roads;
    }
    roads.retain(|choice| choice.road != Road::Unknown);
    let none = if roads.is_empty() {
        "neither ProxyServer nor ProxyPacUrl is set; direct comes before WinINet and discovery"
    } else {
        "what is not reached otherwise is tried direct"
    };
    if seen.flag(Fact::AvForceProxyOnly) != Some(true) {
        roads.push(Choice::new(Road::Direct, none));
    }
    let fourth = match (system_wininet(seen), machine_wininet(seen)) {
        (Some((road, _)), _) => Some((
            road,
            "LocalSystem's own WinINet, the fourth in Antivirus' order",
        )),
        (None, Some((road, _))) => {
            Some((road, "machine-wide WinINet, the fourth in Antivirus' order"))
        }
        (None, None) => None,
    };
    roads.extend(fourth.map(|(road, because)| Choice::new(road, because)));
    if !wpad_off(seen) {
        roads.push(Choice::new(Road::Discovery, "the last in Antivirus' order"));
    }
    roads
}
