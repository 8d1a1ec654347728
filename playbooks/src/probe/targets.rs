//! Which addresses a Defender host has to reach: what the host names itself (reference 3.9), or the regional tables
//! (3.10). US Government tenants use other names and are not covered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::{Fact, Facts};

/// A region of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// United States.
    Us,
    /// European Union.
    Eu,
    /// United Kingdom.
    Uk,
    /// Australia.
    Au,
    /// United Arab Emirates: only the names of command and control (standard) are published.
    Uae,
}

/// A whole wildcard (streamlined) or the older separate names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Connectivity {
    /// Below `endpoint.security.microsoft.com`.
    Streamlined,
    /// Separate names for each channel.
    Standard,
}

/// The words of regions.
pub(crate) const REGIONS: [(&str, Region); 5] = [
    ("us", Region::Us),
    ("eu", Region::Eu),
    ("uk", Region::Uk),
    ("au", Region::Au),
    ("uae", Region::Uae),
];
/// The words of connectivity.
pub(crate) const CONNECTIVITY: [(&str, Connectivity); 2] = [
    ("streamlined", Connectivity::Streamlined),
    ("standard", Connectivity::Standard),
];

/// Data centres of command and control, by region.
fn centres(region: Region) -> &'static [&'static str] {
    match region {
        Region::Us => &["cus", "eus", "cus3", "eus3"],
        Region::Eu => &["neu", "weu", "neu3", "weu3"],
        Region::Uk => &["uks", "ukw"],
        Region::Au => &["aus", "aue"],
        Region::Uae => &["aec0a", "aen0a"],
    }
}

/// Accounts of sample storage, by region.
fn samples(region: Region) -> &'static [&'static str] {
    match region {
        Region::Us => &[
            "ussus1eastprod",
            "ussus2eastprod",
            "ussus3eastprod",
            "ussus4eastprod",
            "ussus1westprod",
            "ussus2westprod",
            "ussus3westprod",
            "ussus4westprod",
            "wsus1eastprod",
            "wsus2eastprod",
            "wsus1westprod",
            "wsus2westprod",
        ],
        Region::Eu => &[
            "usseu1northprod",
            "usseu1westprod",
            "wseu1northprod",
            "wseu1westprod",
        ],
        Region::Uk => &[
            "ussuk1southprod",
            "ussuk1westprod",
            "wsuk1southprod",
            "wsuk1westprod",
        ],
        Region::Au => &["ussau1southeastprod", "ussau1eastprod"],
        Region::Uae => &[],
    }
}

/// The list of trusted roots, fetched by Windows and not by Defender; plain HTTP by design.
pub(crate) const TRUST_LIST: &str =
    "http://ctldl.windowsupdate.com/msdownload/update/v3/static/trustedr/en/pinrulesstl.cab";

/// Names of a region in the words of its addresses; `None` where only those of command and control are known.
fn words(region: Region) -> Option<(&'static str, &'static str)> {
    match region {
        Region::Us => Some(("us", "unitedstates")),
        Region::Eu => Some(("eu", "europe")),
        Region::Uk => Some(("uk", "unitedkingdom")),
        Region::Au => Some(("au", "australia")),
        Region::Uae => None,
    }
}

/// The addresses of a region; one of each channel that is known there, or with `all` every one. `None`: no names are
/// published for such hosts.
pub fn regional(region: Region, connectivity: Connectivity, all: bool) -> Option<Vec<String>> {
    let some = |names: &'static [&'static str]| if all { names } else { &names[..1] };
    let mut urls = Vec::new();
    let gateways = || some(centres(region)).iter();
    match (connectivity, words(region)) {
        (Connectivity::Streamlined, None) => return None,
        (Connectivity::Standard, None) => urls.extend(gateways().map(gateway)),
        (Connectivity::Streamlined, Some((geo, _))) => {
            let suffix = "endpoint.security.microsoft.com";
            for centre in some(centres(region)) {
                urls.push(format!(
                    "https://edr-{centre}.{geo}.{suffix}/edr/commands/test"
                ));
            }
            urls.push(format!(
                "https://{geo}-v20.events.{suffix}/OneCollector/1.0"
            ));
            urls.push(format!("https://mdav.{geo}.{suffix}/mdav/test"));
            for centre in some(centres(region)) {
                urls.push(format!(
                    "https://edr-{centre}.{geo}.{suffix}/storage/automatedirstrprd{centre}/"
                ));
            }
            for account in some(samples(region)) {
                urls.push(format!("https://mdav.{geo}.{suffix}/storage/{account}/"));
            }
        }
        (Connectivity::Standard, Some((geo, long))) => {
            urls.extend(gateways().map(gateway));
            urls.push(format!("https://{geo}-v20.events.data.microsoft.com/ping"));
            urls.push(format!(
                "https://{long}.cp.wd.microsoft.com/wdcp.svc/bond/submitReport/test"
            ));
            for centre in some(centres(region)) {
                urls.push(format!(
                    "https://automatedirstrprd{centre}.blob.core.windows.net/"
                ));
            }
            for account in some(samples(region)) {
                urls.push(format!("https://{account}.blob.core.windows.net/"));
            }
        }
    }
    urls.push(TRUST_LIST.to_owned());
    Some(urls)
}

/// Command and control of a data centre, standard connectivity.
fn gateway(centre: &&str) -> String {
    format!("https://winatp-gw-{centre}.microsoft.com/commands/test")
}

/// The facts by which a host names its own addresses.
pub(crate) const FACTS: [Fact; 3] = [
    Fact::SensorHosts,
    Fact::SensorRegion,
    Fact::SensorConnectivity,
];

/// The addresses that an onboarded host names, with those of its region that it does not name. `None`: it names none.
pub fn named_by_host(facts: &Facts, all: bool) -> Option<Vec<String>> {
    let hosts = facts.texts(Fact::SensorHosts);
    if hosts.is_empty() {
        return None;
    }
    let mut urls: Vec<String> = hosts
        .iter()
        .map(|host| format!("https://{host}{}", path(host)))
        .collect();
    let region = facts.text(Fact::SensorRegion).unwrap_or_default();
    let region = REGIONS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(region));
    let connectivity = match facts.text(Fact::SensorConnectivity) {
        Some("streamlined") => Connectivity::Streamlined,
        _ => Connectivity::Standard,
    };
    let of_region = region.and_then(|(_, region)| regional(*region, connectivity, all));
    if let Some(of_region) = of_region {
        let host_of = |url: &str| url.split('/').nth(2).map(str::to_ascii_lowercase);
        let own = |kind: &str| urls.iter().any(|url| url.contains(kind));
        // The host's own centre and collector stand for those of the region.
        let covered = ["/commands/test", "-v20.events."]
            .into_iter()
            .filter(|kind| own(kind) && !all)
            .collect::<Vec<_>>();
        let more: Vec<String> = of_region
            .into_iter()
            .filter(|url| !covered.iter().any(|kind| url.contains(kind)))
            .filter(|url| {
                url.contains("/storage/") || !urls.iter().any(|own| host_of(own) == host_of(url))
            })
            .collect();
        urls.extend(more);
    } else {
        urls.push(TRUST_LIST.to_owned());
    }
    Some(urls)
}

/// The path on which a service of that name answers to a test (reference 3.10).
fn path(host: &str) -> &'static str {
    let host = host.to_ascii_lowercase();
    if host.starts_with("winatp-gw-") {
        "/commands/test"
    } else if host.starts_with("edr-") {
        "/edr/commands/test"
    } else if host.contains("-v20.events.data.") {
        "/ping"
    } else if host.contains("-v20.events.") {
        "/OneCollector/1.0"
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FactValue;

    #[test]
    fn every_region_has_every_channel() {
        for (_, region) in REGIONS
            .into_iter()
            .filter(|(_, region)| *region != Region::Uae)
        {
            for (_, connectivity) in CONNECTIVITY {
                let few = regional(region, connectivity, false).unwrap();
                let all = regional(region, connectivity, true).unwrap();
                assert_eq!(few.len(), 6, "{few:?}");
                assert!(few.iter().all(|url| all.contains(url)));
                let once: std::collections::BTreeSet<_> = all.iter().collect();
                assert_eq!(once.len(), all.len());
            }
        }
        assert_eq!(
            regional(Region::Us, Connectivity::Standard, true).map(|urls| urls.len()),
            Some(4 + 1 + 1 + 4 + 12 + 1)
        );
    }

    #[test]
    fn of_the_emirates_only_what_is_published_is_asked() {
        let published = [
            "https://winatp-gw-aec0a.microsoft.com/commands/test",
            "https://winatp-gw-aen0a.microsoft.com/commands/test",
            TRUST_LIST,
        ];
        let all = regional(Region::Uae, Connectivity::Standard, true);
        assert_eq!(all.unwrap(), published);
        let few = regional(Region::Uae, Connectivity::Standard, false);
        assert_eq!(few.unwrap(), [published[0], published[2]]);
        assert_eq!(regional(Region::Uae, Connectivity::Streamlined, true), None);
    }

    #[test]
    fn the_hosts_own_names_come_first() {
        let mut facts = Facts::default();
        assert_eq!(named_by_host(&facts, false), None);
        let host = "edr-weu.eu.endpoint.security.microsoft.com";
        facts.set(Fact::SensorHosts, FactValue::Texts(vec![host.to_owned()]));
        facts.set(Fact::SensorRegion, FactValue::Text("EU".to_owned()));
        facts.set(
            Fact::SensorConnectivity,
            FactValue::Text("streamlined".to_owned()),
        );
        let urls = named_by_host(&facts, false).unwrap();
        assert_eq!(urls[0], format!("https://{host}/edr/commands/test"));
        assert!(
            !urls
                .iter()
                .any(|url| url.contains("edr-neu") && url.contains("commands")),
            "{urls:?}"
        );
        assert!(urls.iter().any(|url| url.contains("/mdav/test")));
        assert!(urls.iter().any(|url| url == TRUST_LIST));
    }
}
