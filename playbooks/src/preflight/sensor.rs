//! What is judged where the EDR sensor's values are written.

use jiff::{SignedDuration, Timestamp};

use super::judge::Found;
use super::subject::{Kind, kind_of, names_edr_proxy, text};
use super::{Check, PreflightChange, PreflightGrade};
use crate::facts::{Fact, FactValue, Facts, floor_of};

/// A contact is fresh up to this age: sensors report far more often.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn sensor(
    change: &PreflightChange<'_>,
    changes: &[PreflightChange<'_>],
    facts: &Facts,
    now: Timestamp,
    found: &mut Found<'_>,
) {
    let step = change.step;
    if facts.value(Fact::ServicesSense) == Some(&FactValue::Null) {
        let agent = facts.flag(Fact::RolesMma) == Some(true) && found.makes(Check::MmaHost, step);
        let left_out = match agent {
            true => found.missing(
                Check::MmaHost,
                step,
                "there is no service Sense, and the service HealthService is there",
            ),
            false => found.missing(Check::SensorMissing, step, "there is no service Sense"),
        };
        if left_out {
            return;
        }
    }
    if facts.flag(Fact::NetworkIpv4) == Some(false) {
        let addresses = facts.texts(Fact::NetworkAddresses).join(", ");
        let detail = match addresses.is_empty() {
            true => "no adapter has an address".to_owned(),
            false => format!("its addresses are {addresses}"),
        };
        found.add(Check::NoIpv4, step, detail);
    } else if facts.flag(Fact::NetworkIpv4) == Some(true)
        && facts.flag(Fact::NetworkIpv4Route) == Some(false)
    {
        // A proxy on the host's own network, or behind a static route, needs no default gateway.
        let detail = "it has an IPv4 address and no IPv4 default gateway";
        found.graded(Check::NoIpv4, PreflightGrade::Warn, step, detail.to_owned());
    }
    let one = text(change.desired).as_deref() == Some("1");
    if kind_of(change.target) == Kind::Prefer && one {
        let set = changes.iter().any(names_edr_proxy);
        if !set && facts.value(Fact::ProxyEdr) == Some(&FactValue::Null) {
            let detail = "TelemetryProxyServer is neither in the playbook nor on the host";
            found.add(Check::PreferWithoutProxy, step, detail.to_owned());
        }
    }
    if let Some((build, least, kb)) = facts.number(Fact::OsBuild).and_then(floor_of)
        && let Some(ubr) = facts.number(Fact::OsUbr).filter(|ubr| *ubr < least)
    {
        let detail = format!("build {build}.{ubr} is below {build}.{least} ({kb})");
        found.add(Check::BuildBelowFloor, step, detail);
    }
    let first = names_edr_proxy(change) && change.prior.value().is_none();
    let last: Option<Timestamp> = facts
        .text(Fact::SensorLastConnected)
        .and_then(|text| text.parse().ok());
    if first && last.is_some_and(|last| now.duration_since(last) <= FRESH) {
        let detail = "the sensor was in contact within the last day, and no static proxy is set";
        found.add(Check::AlreadyConnected, step, detail.to_owned());
    }
}
