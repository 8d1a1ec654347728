//! What `netsh winhttp show advproxy` prints: a localised heading, then a JSON object (reference 2.7).

use serde_json::Value;

use crate::change::Desired;
use crate::preflight::{Check, wanted_proxy};
use crate::registry::without_accounts;

/// Bytes of a document that are kept. Windows prints a few hundred.
const MOST: usize = 16 << 10;

/// The store, as far as it is shown. A text that is empty or a member that is missing counts as not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdvProxy {
    /// Proxy.
    pub server: Option<String>,
    /// Bypass list.
    pub bypass: Option<String>,
    /// Address of a script for automatic configuration.
    pub pac_url: Option<String>,
    /// Looks for a proxy by itself.
    pub auto_detect: bool,
}

impl AdvProxy {
    /// Reads the text from the first brace to the last. `None`: this netsh does not know the command.
    pub fn shown(output: &str) -> Option<Self> {
        Some(Self::of(&json(output)?))
    }

    /// The document alone, on one line. `None` as for [`Self::shown`], and where it is longer
    /// than any that Windows prints.
    pub fn document(output: &str) -> Option<String> {
        let text = json(output)?.to_string();
        (text.len() <= MOST).then_some(text)
    }

    fn of(json: &Value) -> Self {
        let text = |name: &str| {
            let text = json.get(name).and_then(Value::as_str).map(str::trim);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        // Switched off, but still remembered.
        let off = |name: &str| json.get(name).and_then(Value::as_bool) == Some(false);
        let proxy_off = off("ProxyIsEnabled");
        Self {
            server: text("Proxy").filter(|_| !proxy_off),
            bypass: text("ProxyBypass").filter(|_| !proxy_off),
            pac_url: text("AutoconfigUrl").filter(|_| !off("AutoConfigIsEnabled")),
            auto_detect: json.get("AutoDetect").and_then(Value::as_bool) == Some(true),
        }
    }

    /// Nothing is set.
    pub fn is_empty(&self) -> bool {
        self.server.is_none() && self.pac_url.is_none() && !self.auto_detect
    }

    /// What is to be said of this store beside a step that brings `WinHttpSettings` into a state: it names another proxy
    /// (a warning), or it is only shown. `None` where nothing is set in it.
    pub(crate) fn beside(&self, desired: &Desired) -> Option<(Check, String)> {
        if self.is_empty() {
            return None;
        }
        let wanted = wanted_proxy(desired);
        let named = |other: &str| {
            wanted
                .as_ref()
                .is_some_and(|proxy| proxy.server.eq_ignore_ascii_case(other))
        };
        let differs = self.pac_url.is_some() || self.server.as_deref().is_some_and(|it| !named(it));
        let check = if differs {
            Check::AdvProxyDiffers
        } else {
            Check::AdvProxySeen
        };
        let or_none = |text: &Option<String>| text.as_deref().unwrap_or("none").to_owned();
        let words = format!(
            "proxy {}, bypass {}, automatic configuration {}, discovery {}",
            or_none(&self.server),
            or_none(&self.bypass),
            or_none(&self.pac_url),
            if self.auto_detect { "on" } else { "off" }
        );
        Some((check, without_accounts(&words).into_owned()))
    }
}

fn json(output: &str) -> Option<Value> {
    let (from, to) = (output.find('{')?, output.rfind('}')?);
    serde_json::from_str(output.get(from..=to)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_found_below_any_heading() {
        let german = "\r\nAktuelle erweiterte WinHTTP-Proxyeinstellungen:\r\n\r\n{\r\n  \"Proxy\": \"10.0.0.6:8080\",\r\n  \
                      \"ProxyBypass\": \"<local>\",\r\n  \"AutoDetect\": true\r\n}\r\n\r\n";
        let read = AdvProxy::shown(german).unwrap();
        assert_eq!(read.server.as_deref(), Some("10.0.0.6:8080"));
        assert_eq!(read.bypass.as_deref(), Some("<local>"));
        assert!(read.auto_detect && read.pac_url.is_none());
        assert!(AdvProxy::shown("{}").unwrap().is_empty());
        assert!(
            AdvProxy::shown(r#"{"Proxy":"a:1","ProxyIsEnabled":false}"#)
                .unwrap()
                .is_empty()
        );
        assert_eq!(AdvProxy::shown("The following command was not found"), None);
        assert_eq!(AdvProxy::shown("} {"), None);
    }
}
