//! What is judged where the machine-wide WinHTTP proxy is written.

use super::judge::Found;
use super::{Check, PreflightChange};
use crate::change::Desired;
use crate::facts::{AdvProxy, Fact, Facts};
use crate::winhttp::{WinHttpProxy, WinHttpSettings};

/// The role of a server on which WinHTTP needs a bypass list (S42).
pub(super) fn role(facts: &Facts) -> Option<&'static str> {
    let roles = [
        (Fact::RolesDomainController, "a domain controller"),
        (Fact::RolesCluster, "a cluster node"),
        (Fact::RolesExchange, "an Exchange server"),
    ];
    let mut known = roles.into_iter();
    let found = known.find(|(fact, _)| facts.flag(*fact) == Some(true));
    found.map(|(_, words)| words)
}

pub(super) fn win_http(change: &PreflightChange<'_>, facts: &Facts, found: &mut Found<'_>) {
    let step = change.step;
    let wanted = wanted_proxy(change.desired);
    if let Some(wanted) = &wanted {
        if facts.flag(Fact::ChassisPortable) == Some(true) {
            let kinds = match facts.value(Fact::ChassisTypes) {
                Some(kinds) => kinds.text(),
                None => "portable".to_owned(),
            };
            found.add(
                Check::PortableWinHttp,
                step,
                format!("chassis type {kinds}"),
            );
        }
        if let Some(role) = role(facts)
            && let Some(missing) = missing_bypass(&wanted.bypass, facts.text(Fact::ComputerDomain))
        {
            let detail = format!("the host is {role}, and the bypass list lacks {missing}");
            found.add(Check::RoleBypass, step, detail);
        }
    }
    let server = wanted.as_ref().map(|wanted| wanted.server.as_str());
    let same = |other: &str| server.is_some_and(|server| server.eq_ignore_ascii_case(other));
    if facts.flag(Fact::AdvProxyKnown) == Some(true) {
        let text = |fact| facts.text(fact).map(str::to_owned);
        let other = AdvProxy {
            server: text(Fact::AdvProxyServer),
            bypass: text(Fact::AdvProxyBypass),
            pac_url: text(Fact::AdvProxyPacUrl),
            auto_detect: facts.flag(Fact::AdvProxyAutoDetect).unwrap_or(false),
        };
        if let Some((check, detail)) = other.beside(change.desired) {
            found.add(check, step, detail);
        }
    }
    if let Some(other) = facts
        .text(Fact::WinHttpProxy32)
        .filter(|other| !same(other))
    {
        let detail = format!("32-bit programs use {other}");
        found.add(Check::WinHttp32Differs, step, detail);
    }
}

/// The proxy that a step is about, in whichever form it is written.
pub(crate) fn wanted_proxy(desired: &Desired) -> Option<WinHttpProxy> {
    match desired {
        Desired::WinHttp(proxy) => Some(proxy.clone()),
        Desired::Value(raw) => {
            let settings = WinHttpSettings::decode_value(raw).ok()?;
            let bypass = settings.bypass.split(';').filter(|entry| !entry.is_empty());
            (!settings.is_direct()).then(|| WinHttpProxy {
                bypass: bypass.map(str::to_owned).collect(),
                server: settings.proxy.clone(),
            })
        }
        _ => None,
    }
}

/// Whether an entry of a bypass list takes in every host below a domain: `*.corp.example`, `.corp.example`, and wider ones
/// such as `*.example`. Whatever stands before the suffix is unknown, so that the entry has to begin with a star for it.
fn covers_suffix(entry: &str, domain: &str) -> bool {
    let entry = entry.to_ascii_lowercase();
    let pattern = match entry.strip_prefix('.') {
        Some(rest) => format!("*.{rest}"),
        None => entry,
    };
    let suffix = format!(".{}", domain.to_ascii_lowercase());
    pattern.starts_with('*') && is_match(pattern.as_bytes(), suffix.as_bytes())
}

/// Whether a text matches a pattern whose stars stand for any text. Linear in memory, at most the product of both in time.
fn is_match(pattern: &[u8], text: &[u8]) -> bool {
    // Where the last star stood, and up to where it has taken the text.
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < text.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, read));
            at += 1;
        } else if pattern.get(at) == text.get(read) {
            (at, read) = (at + 1, read + 1);
        } else if let Some((place, taken)) = star {
            star = Some((place, taken + 1));
            (at, read) = (place + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// What a bypass list of such a server lacks. A host outside of any domain has no suffix.
fn missing_bypass(bypass: &[String], domain: Option<&str>) -> Option<String> {
    let has = |wanted: &str| {
        bypass
            .iter()
            .any(|entry| entry.eq_ignore_ascii_case(wanted))
    };
    let mut missing = Vec::new();
    let all = |entry: &String| !entry.is_empty() && entry.bytes().all(|byte| byte == b'*');
    if !has("<local>") && !bypass.iter().any(all) {
        missing.push("'<local>'".to_owned());
    }
    if let Some(domain) = domain.filter(|domain| domain.contains('.')) {
        let covers = |entry: &String| covers_suffix(entry, domain);
        if !bypass.iter().any(covers) {
            missing.push(format!("'*.{domain}'"));
        }
    }
    (!missing.is_empty()).then(|| missing.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_is_wider_than_the_suffix_covers_it() {
        let lacks = |bypass: &[&str]| {
            let bypass: Vec<String> = bypass.iter().map(|entry| (*entry).to_owned()).collect();
            missing_bypass(&bypass, Some("Corp.example"))
        };
        for entry in [
            "*.corp.example",
            "*corp.EXAMPLE",
            ".corp.example",
            "*.example",
            "*.corp.*",
            "*example*",
        ] {
            assert_eq!(lacks(&["<local>", entry]), None, "{entry}");
        }
        assert_eq!(lacks(&["*"]), None);
        for entry in [
            "*.a.corp.example",
            "dc*.corp.example",
            "*.corp",
            "corp.example",
            "http://*.corp.example",
            "",
        ] {
            let lacks = lacks(&["<local>", entry]);
            assert_eq!(lacks.as_deref(), Some("'*.Corp.example'"), "{entry}");
        }
        let lacks = lacks(&["*.example"]);
        assert_eq!(lacks.as_deref(), Some("'<local>'"));
        // A host's answer and a long entry cost no more than their product.
        let entry = "*a".repeat(2000);
        assert!(!covers_suffix(&format!("{entry}b"), &"a".repeat(5000)));
    }
}
