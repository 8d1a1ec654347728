//! The EDR sensor (reference 2.3): the static proxy, else WinHTTP as LocalSystem sees it. Not WinINet, not variables
//! (S6), not MDM (S18).

use super::seen::{Known, Seen, https_proxy};
use super::winhttp::{discovery, undocumented_advproxy};
use super::{Choice, Component, Road, Route};
use crate::facts::Fact;
use crate::rules::{Notes, edr_server};

pub(super) fn route(seen: Seen<'_>) -> Route {
    let mut roads = roads(seen).into_iter();
    let uses = roads
        .next()
        .unwrap_or_else(|| Choice::new(Road::Unknown, "nothing was read"));
    Route {
        component: Component::Edr,
        uses,
        then: roads.collect(),
    }
}

/// In the order in which they are tried.
fn roads(seen: Seen<'_>) -> Vec<Choice> {
    let agent = seen.text(Fact::OsSupport).set() == Some("mma");
    // Such a host reports without a service Sense.
    let reports = if agent {
        seen.flag(Fact::RolesMma)
    } else {
        Some(false)
    };
    if seen.flag(Fact::SensorPresent) == Some(false) && reports != Some(true) {
        if reports.is_none() {
            let why = format!(
                "there is no service Sense, and {}",
                seen.why_not(Fact::RolesMma)
            );
            return vec![Choice::new(Road::Unknown, why)];
        }
        let why = match agent {
            true => "there is neither a service Sense nor the Monitoring Agent (HealthService)",
            false => "there is no service Sense: the sensor is not installed",
        };
        return vec![Choice::new(Road::NotThere, why)];
    }
    match seen.text(Fact::ProxyEdr) {
        _ if agent => by_winhttp(
            seen,
            "the Monitoring Agent of this Windows does not read TelemetryProxyServer",
        ),
        Known::Set(server) => match edr_server(server, &mut Notes::new()) {
            Ok(_) => by_static(seen, server),
            Err(refused) => by_malformed(seen, &refused.message),
        },
        Known::NotSet => by_winhttp(seen, "TelemetryProxyServer is not set"),
        Known::NotRead => vec![Choice::new(Road::Unknown, seen.why_not(Fact::ProxyEdr))],
    }
}

fn by_static(seen: Seen<'_>, server: &str) -> Vec<Choice> {
    let owner = seen.owner(Fact::ProxyEdr);
    let prefers = seen.number(Fact::ProxyPreferStatic) == Some(1)
        && seen.flag(Fact::SensorPrefersStaticProxy) != Some(false);
    let share = if prefers {
        "; preferred for its HTTP requests too"
    } else {
        "; some of its HTTP requests may go by WinHTTP first"
    };
    vec![
        Choice::new(
            Road::Proxy(server.to_owned()),
            format!("TelemetryProxyServer {owner}{share}"),
        ),
        Choice::new(
            Road::Direct,
            "the sensor goes direct where its proxy does not answer",
        ),
    ]
}

/// What the sensor makes of a value that is not `host:port` is not documented: it may count as none, or as a proxy that does
/// not answer.
fn by_malformed(seen: Seen<'_>, refused: &str) -> Vec<Choice> {
    let owner = seen.owner(Fact::ProxyEdr);
    let because = format!(
        "TelemetryProxyServer {owner} is not host:port ({refused}), and what the sensor does then is not documented"
    );
    let mut roads = vec![Choice::new(Road::Unknown, because)];
    roads.extend(by_winhttp(seen, "where it counts as not set"));
    if roads.iter().all(|choice| choice.road != Road::Direct) {
        let because = "where it counts as a proxy that does not answer";
        roads.push(Choice::new(Road::Direct, because));
    }
    roads
}

/// Without a static proxy.
fn by_winhttp(seen: Seen<'_>, why: &str) -> Vec<Choice> {
    match seen.text(Fact::WinHttpProxy) {
        Known::Set(named) => match https_proxy(named) {
            Some(proxy) => {
                let because = format!("{why}, so WinHTTP's named proxy counts");
                vec![Choice::new(Road::Proxy(proxy.to_owned()), because)]
            }
            None => {
                let because = format!("{why}, and WinHTTP's {named} is not for HTTPS");
                vec![Choice::new(Road::Direct, because)]
            }
        },
        Known::NotRead => {
            let because = format!("{why}, and {}", seen.why_not(Fact::WinHttpProxy));
            vec![Choice::new(Road::Unknown, because)]
        }
        Known::NotSet => match undocumented_advproxy(seen) {
            Some(held) => {
                let because = format!(
                    "{why}, nor is WinHttpSettings; advproxy holds {held}, and whether the sensor reads it is not documented"
                );
                vec![Choice::new(Road::Unknown, because)]
            }
            None => discovery(
                seen,
                &format!("{why}, nor is WinHttpSettings: WinHTTP looks for a proxy"),
            ),
        },
    }
}
