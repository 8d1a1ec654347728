//! Facts as an explanation reads them: set, not set, or not read.

use crate::facts::{Fact, Facts, GpoSetting};
use crate::registry::Target;

/// What is known of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known<T> {
    /// It is there.
    Set(T),
    /// The host has no such value, or an empty one.
    NotSet,
    /// It was not asked for, or could not be read.
    NotRead,
}

impl<T> Known<T> {
    pub(super) fn set(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::NotSet | Self::NotRead => None,
        }
    }
}

/// The facts of one host.
#[derive(Clone, Copy)]
pub(super) struct Seen<'f>(pub(super) &'f Facts);

impl<'f> Seen<'f> {
    pub(super) fn text(self, fact: Fact) -> Known<&'f str> {
        match (self.0.text(fact), self.0.value(fact)) {
            (Some(text), _) if !text.trim().is_empty() => Known::Set(text),
            (_, Some(_)) => Known::NotSet,
            (_, None) => Known::NotRead,
        }
    }

    pub(super) fn flag(self, fact: Fact) -> Option<bool> {
        self.0.flag(fact)
    }

    pub(super) fn number(self, fact: Fact) -> Option<i64> {
        self.0.number(fact)
    }

    /// Why a fact is not there, in brackets behind "not read".
    pub(super) fn why_not(self, fact: Fact) -> String {
        if let Some(wrong) = self.malformed(fact) {
            return format!("{wrong}, and what its reader does then is not documented");
        }
        match self.0.unread(fact) {
            Some(why) => format!("{} could not be read: {why}", fact.name()),
            None => format!("{} was not read", fact.name()),
        }
    }

    /// The value that a fact is read from, and what is wrong with it.
    pub(super) fn malformed(self, fact: Fact) -> Option<String> {
        let wrong = self.0.malformed(fact)?;
        let name = fact.target().map(|target| target.value);
        let name = name.unwrap_or_else(|| fact.name().to_owned());
        Some(format!("{name} is malformed: {wrong}"))
    }

    /// False only where it is known that the host has no sensor.
    pub(super) fn may_have_sensor(self) -> bool {
        self.flag(Fact::SensorPresent) != Some(false)
    }

    /// Group policy's winning word on the value that a fact is read from.
    pub(super) fn policy(self, fact: Fact) -> Option<&'f GpoSetting> {
        let target = fact.target()?;
        self.winning(&target)
    }

    fn winning(self, target: &Target) -> Option<&'f GpoSetting> {
        let settings = self
            .0
            .gpo
            .iter()
            .filter(|setting| setting.target == *target);
        settings.min_by_key(|setting| setting.precedence)
    }

    /// `by group policy 'Proxy Paris'` or `by policy`: whose the value is, as far as that is known.
    pub(super) fn owner(self, fact: Fact) -> String {
        match self.policy(fact) {
            Some(setting) if setting.value.is_some() => {
                format!("by group policy '{}'", setting.owner())
            }
            _ => "by policy".to_owned(),
        }
    }
}

/// Host and port in lower case, without scheme and slash: for comparing what stands in different stores.
pub(crate) fn address(text: &str) -> String {
    let text = text.trim();
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    bare.trim_end_matches('/').to_ascii_lowercase()
}

/// The proxies of a WinHTTP text: one, or one per protocol.
pub(crate) fn per_scheme(text: &str) -> Vec<(&str, String)> {
    let parts = text.split([';', ' ']).filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once('=') {
            Some((scheme, proxy)) => (scheme, address(proxy)),
            None => ("", address(part)),
        })
        .collect()
}

/// The proxy for HTTPS in a WinHTTP text, as it stands there.
pub(super) fn https_proxy(text: &str) -> Option<&str> {
    let mut parts = text.split([';', ' ']).filter(|part| !part.is_empty());
    let named = parts.clone().find_map(|part| {
        let (scheme, proxy) = part.split_once('=')?;
        scheme.eq_ignore_ascii_case("https").then_some(proxy)
    });
    named.or_else(|| parts.find(|part| !part.contains('=')))
}

/// The same, for comparing.
pub(super) fn for_https(text: &str) -> Option<String> {
    https_proxy(text).map(address)
}
