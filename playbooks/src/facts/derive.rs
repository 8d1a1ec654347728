//! What follows from facts that were read. Pure; each answer is a few lines.

use std::net::Ipv4Addr;

use super::{Fact, FactValue, Facts, SensorBranch, honours_prefer_static, sensor_branch};

/// The update levels below which a sensor behind a proxy fails on revocation checks (S14, reference 2.2): build, the
/// level, the update that brings it.
const FLOORS: [(i64, i64, &str); 4] = [
    (17763, 1911, "KB5001384"),
    (18363, 1411, "KB4601380"),
    (19041, 844, "KB4601382"),
    (19042, 964, "KB4601382"),
];

/// The answer for a fact that follows from others, all of which are there.
pub(super) fn derived(fact: Fact, facts: &Facts) -> FactValue {
    let flag = |fact| facts.flag(fact).unwrap_or(false);
    match fact {
        Fact::OsIsServer => {
            let kind = facts.text(Fact::OsInstallationType).unwrap_or_default();
            FactValue::Bool(kind.to_ascii_lowercase().starts_with("server"))
        }
        Fact::OsBelowFloor => match (floor(facts), facts.number(Fact::OsUbr)) {
            (None, _) => FactValue::Bool(false),
            (Some((_, least, _)), Some(ubr)) => FactValue::Bool(ubr < least),
            (Some(_), None) => FactValue::Null,
        },
        Fact::OsFloorUpdate => {
            floor(facts).map_or(FactValue::Null, |(.., kb)| FactValue::Text(kb.to_owned()))
        }
        Fact::OsSupport => FactValue::Text(support(facts).to_owned()),
        Fact::SensorPresent => FactValue::Bool(facts.text(Fact::SensorPath).is_some()),
        Fact::SensorBranch => {
            let branch = sensor_branch(
                build(facts),
                flag(Fact::OsIsServer),
                flag(Fact::SensorUnifiedAgent),
            );
            FactValue::Text(branch.as_str().to_owned())
        }
        Fact::SensorPrefersStaticProxy => {
            let branch = facts.sensor_branch().unwrap_or(SensorBranch::Other);
            let honours = honours_prefer_static(branch, facts.version(Fact::SensorVersion));
            FactValue::Bool(flag(Fact::SensorPresent) && honours)
        }
        Fact::ChassisPortable => FactValue::Bool(match facts.value(Fact::ChassisTypes) {
            Some(FactValue::Numbers(types)) => types.iter().any(|kind| portable(*kind)),
            _ => false,
        }),
        Fact::NetworkIpv4 => {
            let addresses = facts.texts(Fact::NetworkAddresses);
            FactValue::Bool(addresses.iter().any(|text| usable_ipv4(text)))
        }
        Fact::NetworkIpv4Route => {
            let gateways = facts.texts(Fact::NetworkGateways);
            FactValue::Bool(gateways.iter().any(|text| usable_ipv4(text)))
        }
        Fact::RootsAutoUpdate => {
            FactValue::Bool(!flag(Fact::RootsDisabledByPolicy) && !flag(Fact::RootsDisabled))
        }
        _ => FactValue::Null,
    }
}

fn build(facts: &Facts) -> u32 {
    let build = facts.number(Fact::OsBuild).unwrap_or(0);
    u32::try_from(build).unwrap_or(0)
}

fn floor(facts: &Facts) -> Option<(i64, i64, &'static str)> {
    facts.number(Fact::OsBuild).and_then(floor_of)
}

/// Build, lowest revision and update, where the build has a floor at all.
pub(crate) fn floor_of(build: i64) -> Option<(i64, i64, &'static str)> {
    FLOORS.into_iter().find(|(of, ..)| *of == build)
}

/// F2: which road Defender for Endpoint takes on this Windows.
fn support(facts: &Facts) -> &'static str {
    let server = facts.flag(Fact::OsIsServer).unwrap_or(false);
    let agent = facts.flag(Fact::SensorUnifiedAgent).unwrap_or(false);
    match build(facts) {
        9600 | 14393 if server && agent => "unified_agent",
        7601 | 9600 => "mma",
        // In the box from Windows 10 1607 on; Server 2016 has it neither in the box nor by default.
        14393 if server => "mma",
        14393.. => "modern",
        _ => "unsupported",
    }
}

/// F8: portable forms of `ChassisTypes`.
fn portable(kind: i64) -> bool {
    matches!(kind, 8 | 9 | 10 | 11 | 14 | 30 | 31 | 32)
}

/// F9: an address that reaches further than the host and its link.
fn usable_ipv4(text: &str) -> bool {
    text.trim().parse::<Ipv4Addr>().is_ok_and(|address| {
        !address.is_loopback() && !address.is_link_local() && !address.is_unspecified()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_is_judged_by_the_revision_or_not_at_all() {
        let below = |build: i64, ubr: Option<i64>| {
            let ubr = ubr.map_or(FactValue::Null, FactValue::Number);
            let facts = Facts::from_iter([
                (Fact::OsBuild, FactValue::Number(build)),
                (Fact::OsUbr, ubr),
            ]);
            facts.value(Fact::OsBelowFloor).cloned()
        };
        for (build, ubr, wanted) in [
            (17763, Some(1910), FactValue::Bool(true)),
            (17763, Some(1911), FactValue::Bool(false)),
            (18363, Some(1410), FactValue::Bool(true)),
            (19041, Some(844), FactValue::Bool(false)),
            (19042, Some(963), FactValue::Bool(true)),
            (20348, Some(1), FactValue::Bool(false)),
            (20348, None, FactValue::Bool(false)),
            (17763, None, FactValue::Null),
        ] {
            assert_eq!(below(build, ubr), Some(wanted), "{build}.{ubr:?}");
        }
    }
}
