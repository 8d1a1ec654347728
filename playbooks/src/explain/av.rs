//! Defender Antivirus (reference 2.4): server, PAC, direct, WinINet, discovery, each only where it is configured; a
//! policy wins over a preference.

use super::seen::{Known, Seen};
use super::winhttp::{machine_wininet, system_wininet, wpad_off};
use super::{Choice, Component, Road, Route};
use crate::facts::Fact;
use crate::rules::{Invalid, Notes, av_pac_url, av_server};

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

/// The server that it goes by, and where that comes from.
pub(super) fn server(seen: Seen<'_>) -> (Known<&str>, String) {
    let (policy, effective) = (Fact::ProxyAvServer, Fact::AvEffectiveServer);
    setting(seen, "ProxyServer", policy, effective)
}

/// The address of its script, and where that comes from.
pub(super) fn pac(seen: Seen<'_>) -> (Known<&str>, String) {
    let (policy, effective) = (Fact::ProxyAvPacUrl, Fact::AvEffectivePacUrl);
    setting(seen, "ProxyPacUrl", policy, effective)
}

/// One of its two settings.
fn setting<'f>(
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
        (Known::Set(_), Known::NotRead) => {
            let whose = format!("{name} by policy or preference: {}", seen.why_not(policy));
            (goes_by, whose)
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
    let mut roads = Vec::new();
    // A server without a scheme is not honoured (S28), so the next in the order counts.
    let mut passed_over = None;
    let (server, because) = server(seen);
    match server {
        Known::Set(text) => match av_server(text, &mut Notes::new()) {
            Ok(_) => roads.push(Choice::new(Road::Proxy(text.to_owned()), because)),
            Err(_) if !text.contains("://") => {
                passed_over = Some(format!(
                    "{because} is {text}: without a scheme it is not honoured"
                ));
            }
            Err(refused) => roads.push(undocumented(&because, &refused)),
        },
        Known::NotSet => {}
        Known::NotRead => roads.push(Choice::new(Road::Unknown, because)),
    }
    let (pac, because) = pac(seen);
    match pac {
        Known::Set(text) => roads.push(match av_pac_url(text, &mut Notes::new()) {
            Ok(_) => Choice::new(Road::Pac(text.to_owned()), because),
            Err(refused) => undocumented(&because, &refused),
        }),
        Known::NotSet => {}
        Known::NotRead => roads.push(Choice::new(Road::Unknown, because)),
    }
    if roads
        .first()
        .is_some_and(|first| first.road == Road::Unknown)
    {
        roads.truncate(1);
    } else {
        roads.retain(|choice| choice.road != Road::Unknown);
        roads.extend(others(seen, roads.is_empty(), passed_over.is_some()));
    }
    if let (Some(passed_over), Some(first)) = (passed_over, roads.first_mut()) {
        first.because = format!("{passed_over}; {}", first.because);
    }
    roads
}

/// A value that Antivirus may or may not take.
fn undocumented(because: &str, refused: &Invalid) -> Choice {
    let why = &refused.message;
    let because = format!("{because}: {why}, and what Antivirus does then is not documented");
    Choice::new(Road::Unknown, because)
}

/// What is tried without a setting of Antivirus' own.
fn others(seen: Seen<'_>, first: bool, passed_over: bool) -> Vec<Choice> {
    let mut roads = Vec::new();
    let none = match (first, passed_over) {
        (true, true) => "nothing else is set; direct comes before WinINet and discovery",
        (true, false) => {
            "neither ProxyServer nor ProxyPacUrl is set; direct comes before WinINet and discovery"
        }
        (false, _) => "what is not reached otherwise is tried direct",
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
