//! `OnboardedInfo` (F7, reference 3.9): what may be shown of it. Region, kind of connectivity and host names leave this
//! module; signatures, tenant and the text itself do not.

use serde_json::Value;

/// What may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Onboarded {
    /// Region, e.g. `EU`.
    pub region: Option<String>,
    /// Streamlined connectivity.
    pub streamlined: bool,
    /// Names of the service, in the order of the text, each once.
    pub hosts: Vec<String>,
}

/// Longest name of a region and of a host that is taken over.
const LONGEST: usize = 253;

impl Onboarded {
    /// Reads the registry value: JSON whose member `body` is JSON again.
    pub fn parse(text: &str) -> Option<Self> {
        let outer: Value = serde_json::from_str(text).ok()?;
        let body: Value = serde_json::from_str(outer.get("body")?.as_str()?).ok()?;
        let member = |name: &str| body.get(name).and_then(Value::as_str);
        let plain = |text: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            (!text.is_empty() && text.len() <= LONGEST && text.chars().all(fits))
                .then(|| text.to_owned())
        };
        let mut hosts: Vec<String> = Vec::new();
        for name in ["geoLocationUrl", "vortexServerUrl", "vortexTicketUrl"] {
            let host = member(name).and_then(host_of).and_then(plain);
            hosts.extend(host.filter(|host| !hosts.contains(host)));
        }
        Some(Self {
            region: member("vortexGeoLocation").and_then(plain),
            streamlined: member("partnerGeoLocation").is_some_and(|geo| geo.starts_with("GW_")),
            hosts,
        })
    }
}

/// The host name of a URL.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    host.split(':').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_region_kind_and_names_leave() {
        let body = r#"{"orgId":"secret-org","geoLocationUrl":"https://edr-weu.eu.endpoint.security.microsoft.com/edr/",
            "vortexServerUrl":"https://eu-v20.events.endpoint.security.microsoft.com/OneCollector/1.0","vortexGeoLocation":"EU",
            "vortexTicketUrl":"https://events.data.microsoft.com","partnerGeoLocation":"GW_EU"}"#;
        let text = serde_json::json!({"body": body, "signature": "secret"}).to_string();
        let read = Onboarded::parse(&text).unwrap();
        assert_eq!(read.region.as_deref(), Some("EU"));
        assert!(read.streamlined);
        assert_eq!(read.hosts.len(), 3);
        assert_eq!(read.hosts[0], "edr-weu.eu.endpoint.security.microsoft.com");
        assert!(!format!("{read:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_such_json_is_nothing() {
        for text in ["", "{}", r#"{"body":5}"#, r#"{"body":"not json"}"#] {
            assert_eq!(Onboarded::parse(text), None, "{text}");
        }
        let odd = serde_json::json!({"body": r#"{"geoLocationUrl":"https://a\u001b[31m/","vortexGeoLocation":"<b>"}"#});
        assert_eq!(
            Onboarded::parse(&odd.to_string()),
            Some(Onboarded::default())
        );
    }
}
