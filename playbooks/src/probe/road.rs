//! What the tools of Windows print about one address, and what that means (reference 3.11).
//!
//! A status of the proxy and one of the far end are never mixed up: the first is the answer to CONNECT. For plain
//! HTTP there is no CONNECT, and what may be the proxy's own answer is called unclear.

use super::{Finding, TargetVerdict};

/// What one run of `curl.exe` came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curl {
    /// Its exit code.
    pub exit: i32,
    /// The proxy's answer to CONNECT; 0: none.
    pub connect: u16,
    /// The far end's answer; 0: none.
    pub status: u16,
    /// Its own words, for people.
    pub said: String,
}

impl Curl {
    /// Reads `%{http_connect} %{http_code} %{ssl_verify_result}`; `None` where curl did not print that.
    pub fn printed(exit: i32, out: &str, said: &str) -> Option<Self> {
        let mut words = out.split_whitespace();
        let (connect, status) = (words.next()?, words.next()?);
        Some(Self {
            exit,
            connect: connect.parse().ok()?,
            status: status.parse().ok()?,
            said: said.trim().to_owned(),
        })
    }

    /// It may be the list of revoked certificates that cannot be reached: worth a try without (`--ssl-no-revoke`).
    pub fn may_be_revocation(&self) -> bool {
        matches!(self.exit, 35 | 60)
    }
}

/// What TLS showed behind the proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The proxy's answer to CONNECT.
    pub connect: Option<u16>,
    /// Distinguished name of the issuer of the far end's certificate.
    pub issuer: Option<String>,
    /// The far end's answer.
    pub status: Option<u16>,
    /// What ended it.
    pub error: Option<String>,
}

/// The verdict on one address from curl: first run, and the one without revocation checks, if there was one.
pub fn judged(url: &str, proxied: bool, curl: &Curl, unchecked: Option<&Curl>) -> TargetVerdict {
    let secure = url.starts_with("https://");
    let (finding, detail) = if proxied {
        by_proxy(secure, curl, unchecked)
    } else {
        direct(curl, unchecked)
    };
    TargetVerdict {
        target: name(url).to_owned(),
        finding,
        detail,
    }
}

/// The host name of a URL, as it is shown.
pub fn name(url: &str) -> &str {
    url.split('/').nth(2).unwrap_or(url)
}

fn by_proxy(secure: bool, curl: &Curl, unchecked: Option<&Curl>) -> (Finding, String) {
    match curl.exit {
        5 => {
            return (
                Finding::ProxyNameUnknown,
                "the name of the proxy does not resolve".to_owned(),
            );
        }
        7 => {
            return (
                Finding::ProxyUnreachable,
                "the proxy takes no connection".to_owned(),
            );
        }
        _ => {}
    }
    if secure {
        if let Some(found) = answer(curl.connect, "CONNECT") {
            return found;
        }
        if curl.connect == 0 {
            return match curl.exit {
                28 => (
                    Finding::TimedOut,
                    "no answer to CONNECT within the time: the proxy is silent, or a firewall drops the way to it"
                        .to_owned(),
                ),
                97 => (
                    Finding::ProxyFails,
                    format!("the proxy speaks something else: {}", curl.said),
                ),
                _ => (
                    Finding::ProxyFails,
                    format!("no answer to CONNECT: {}", curl.said),
                ),
            };
        }
        return through(curl, unchecked, Finding::ConnectedThroughProxy);
    }
    match (curl.exit, curl.status) {
        (28, _) => (Finding::TimedOut, "no answer through the proxy".to_owned()),
        (0, 407) => (
            Finding::ProxyWantsLogon,
            "the proxy wants a logon (407)".to_owned(),
        ),
        (0, 403 | 502..=504) => (
            Finding::Unclear,
            format!("status {}, of the proxy or of the far end", curl.status),
        ),
        (0, status) if status > 0 => (Finding::ConnectedThroughProxy, format!("status {status}")),
        _ => (
            Finding::ProxyFails,
            format!("no answer through the proxy: {}", curl.said),
        ),
    }
}

/// What the proxy itself said; `None` where it let the connection through or said nothing.
fn answer(status: u16, to: &str) -> Option<(Finding, String)> {
    let (finding, words) = match status {
        0 | 200..=299 => return None,
        407 => (Finding::ProxyWantsLogon, "wants a logon"),
        403 => (Finding::ProxyRefuses, "refuses the address"),
        502..=504 => (Finding::ProxyCannotGoOn, "cannot go on"),
        _ => (Finding::ProxyFails, "fails"),
    };
    Some((finding, format!("the proxy {words}: {status} to {to}")))
}

fn direct(curl: &Curl, unchecked: Option<&Curl>) -> (Finding, String) {
    match curl.exit {
        6 => (Finding::Unreached, "the name does not resolve".to_owned()),
        7 => (Finding::Unreached, "it takes no connection".to_owned()),
        _ => through(curl, unchecked, Finding::Connected),
    }
}

/// The road is open: what happened at its end.
fn through(curl: &Curl, unchecked: Option<&Curl>, good: Finding) -> (Finding, String) {
    let reached = |curl: &&Curl| curl.exit == 0 && curl.status > 0;
    if reached(&curl) {
        return (good, format!("status {}", curl.status));
    }
    if let Some(unchecked) = unchecked.filter(reached) {
        let detail = format!(
            "status {} once revocation is not checked; with the check: {}",
            unchecked.status, curl.said
        );
        return (Finding::RevocationUnreachable, detail);
    }
    match curl.exit {
        28 => (
            Finding::TimedOut,
            "the connection is open, and no answer came".to_owned(),
        ),
        60 => (
            Finding::TlsInspected,
            format!("the host does not trust the certificate: {}", curl.said),
        ),
        0 => (Finding::Unclear, "no status came".to_owned()),
        _ => (
            Finding::TlsFailed,
            format!("curl ended with {}: {}", curl.exit, curl.said),
        ),
    }
}

/// Organisations that vouch for the service's certificates.
const ISSUERS: [&str; 2] = ["microsoft", "digicert"];
/// Names whose certificates these organisations issue.
const OURS: [&str; 3] = [".microsoft.com", ".windows.net", ".windowsupdate.com"];

/// Whether a certificate of that issuer in front of a Defender address means that somebody opens TLS.
pub fn inspected(host: &str, issuer: &str) -> bool {
    is_ours(host) && !is_public(issuer)
}

fn is_ours(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let host = host.split(':').next().unwrap_or_default();
    OURS.iter().any(|suffix| host.ends_with(suffix))
}

/// Whether the issuer is one of those that vouch for Microsoft's services.
fn is_public(issuer: &str) -> bool {
    let issuer = issuer.to_ascii_lowercase();
    // Only the organisation counts: the common name of an inspecting authority may say anything.
    let mut organisations = issuer
        .split(',')
        .filter_map(|part| part.trim().strip_prefix("o="))
        .map(|name| name.trim_matches('"'));
    organisations.any(|name| ISSUERS.iter().any(|issuer| name.starts_with(issuer)))
}

/// Adds what TLS showed to what curl found: an issuer of another house outweighs an open road, and a certificate of the
/// service's own house that the host refuses is no inspection.
pub fn with_issuer(found: TargetVerdict, shown: Option<&Shown>) -> TargetVerdict {
    let Some(issuer) = shown.and_then(|shown| shown.issuer.as_deref()) else {
        return found;
    };
    if !inspected(&found.target, issuer) {
        if found.finding == Finding::TlsInspected && is_public(issuer) {
            let detail = format!(
                "{}; it is by {issuer}: the host lacks the root certificate (facts.roots.auto_update) or the time has run out",
                found.detail
            );
            return TargetVerdict {
                finding: Finding::TlsFailed,
                detail,
                target: found.target,
            };
        }
        return TargetVerdict {
            detail: format!("{}; certificate by {issuer}", found.detail),
            ..found
        };
    }
    TargetVerdict {
        finding: Finding::TlsInspected,
        detail: format!("TLS is opened on the way: certificate by {issuer}"),
        target: found.target,
    }
}

/// An open road to one of the service's own names, where whose certificate stands there was asked for and not shown (a
/// PowerShell that may not use .NET, for one): a proxy that opens TLS and is trusted looks the same to `curl`.
pub fn without_issuer(found: TargetVerdict, shown: Option<&Shown>) -> TargetVerdict {
    if found.finding != Finding::ConnectedThroughProxy || !is_ours(&found.target) {
        return found;
    }
    let said = shown.and_then(|shown| shown.error.as_deref());
    let said = said.unwrap_or("PowerShell did not answer");
    TargetVerdict {
        finding: Finding::ToolMissing,
        detail: format!(
            "{}, but whose certificate it is was not shown, so that TLS may be opened on the way: {said}",
            found.detail
        ),
        target: found.target,
    }
}

/// The verdict where there is no curl: what .NET showed.
pub fn judged_by_shown(url: &str, shown: &Shown) -> TargetVerdict {
    let error = shown.error.clone().unwrap_or_default();
    let refused = shown.connect.and_then(|status| answer(status, "CONNECT"));
    let (finding, detail) = match (refused, shown.connect, shown.status) {
        (Some(found), _, _) => found,
        (None, None, _) => (
            Finding::ProxyUnreachable,
            format!("no answer to CONNECT: {error}"),
        ),
        (None, Some(_), Some(status)) => {
            (Finding::ConnectedThroughProxy, format!("status {status}"))
        }
        (None, Some(_), None) => (Finding::TlsFailed, error),
    };
    let found = TargetVerdict {
        target: name(url).to_owned(),
        finding,
        detail,
    };
    with_issuer(found, Some(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curl(exit: i32, connect: u16, status: u16) -> Curl {
        let out = format!("{connect:03} {status:03} 0");
        Curl::printed(exit, &out, "curl: (x) said").unwrap()
    }

    #[track_caller]
    fn check(exit: i32, connect: u16, status: u16, finding: Finding) {
        let found = judged(
            "https://a.example/x",
            true,
            &curl(exit, connect, status),
            None,
        );
        assert_eq!(found.finding, finding, "{}", found.detail);
    }

    #[test]
    fn the_answer_of_the_proxy_and_that_of_the_far_end_are_told_apart() {
        check(0, 200, 200, Finding::ConnectedThroughProxy);
        check(0, 200, 404, Finding::ConnectedThroughProxy);
        // Any status of the far end proves the road, also one that a proxy might have given.
        check(0, 200, 403, Finding::ConnectedThroughProxy);
        check(0, 200, 407, Finding::ConnectedThroughProxy);
        check(56, 407, 0, Finding::ProxyWantsLogon);
        check(56, 403, 0, Finding::ProxyRefuses);
        check(56, 502, 0, Finding::ProxyCannotGoOn);
        check(56, 504, 0, Finding::ProxyCannotGoOn);
        check(56, 500, 0, Finding::ProxyFails);
        check(5, 0, 0, Finding::ProxyNameUnknown);
        check(7, 0, 0, Finding::ProxyUnreachable);
        check(28, 0, 0, Finding::TimedOut);
        check(28, 200, 0, Finding::TimedOut);
        check(60, 200, 0, Finding::TlsInspected);
        check(35, 200, 0, Finding::TlsFailed);
    }

    #[test]
    fn revocation_is_named_where_only_its_check_fails() {
        let found = judged(
            "https://a.example/",
            true,
            &curl(35, 200, 0),
            Some(&curl(0, 200, 404)),
        );
        assert_eq!(found.finding, Finding::RevocationUnreachable);
        let found = judged(
            "https://a.example/",
            true,
            &curl(35, 200, 0),
            Some(&curl(35, 200, 0)),
        );
        assert_eq!(found.finding, Finding::TlsFailed);
    }

    #[test]
    fn without_connect_what_may_be_the_proxys_is_unclear() {
        let plain = |status| judged("http://a.example/", true, &curl(0, 0, status), None).finding;
        assert_eq!(plain(200), Finding::ConnectedThroughProxy);
        assert_eq!(plain(407), Finding::ProxyWantsLogon);
        assert_eq!(plain(403), Finding::Unclear);
        let direct = |exit, status| {
            judged("https://a.example/", false, &curl(exit, 0, status), None).finding
        };
        assert_eq!(direct(0, 200), Finding::Connected);
        assert_eq!(direct(6, 0), Finding::Unreached);
    }

    #[test]
    fn the_issuer_shows_inspection() {
        let host = "events.data.microsoft.com";
        for good in [
            "CN=Microsoft Azure RSA TLS Issuing CA 03, O=Microsoft Corporation, C=US",
            "CN=DigiCert G2, O=DigiCert Inc, C=US",
        ] {
            assert!(!inspected(host, good), "{good}");
        }
        for bad in [
            "CN=Microsoft Corporation, O=Contoso, C=US",
            "CN=Contoso Proxy CA",
            "",
        ] {
            assert!(inspected(host, bad), "{bad}");
        }
        assert!(!inspected("intranet.contoso.com", "CN=Contoso CA"));
        let found = judged(&format!("https://{host}/"), true, &curl(0, 200, 400), None);
        let shown = Shown {
            issuer: Some("CN=Box, O=Contoso".to_owned()),
            ..Shown::default()
        };
        assert_eq!(
            with_issuer(found, Some(&shown)).finding,
            Finding::TlsInspected
        );
    }

    #[test]
    fn an_issuer_that_was_not_shown_leaves_an_open_road_unproved() {
        let found = |url: &str, status| judged(url, true, &curl(0, 200, status), None);
        let shown = Shown {
            error: Some("Cannot create type.".to_owned()),
            ..Shown::default()
        };
        let own = "https://events.data.microsoft.com/";
        for shown in [None, Some(&shown)] {
            let unproved = without_issuer(found(own, 200), shown);
            assert_eq!(unproved.finding, Finding::ToolMissing);
            assert!(unproved.detail.contains("status 200"), "{unproved:?}");
        }
        assert!(
            without_issuer(found(own, 200), Some(&shown))
                .detail
                .contains("Cannot create type.")
        );
        // Names whose certificates anybody may issue, and roads that are not open, stay as they are.
        let other = found("https://intranet.contoso.com/", 200);
        assert_eq!(without_issuer(other.clone(), None), other);
        let refused = judged(own, true, &curl(56, 407, 0), None);
        assert_eq!(without_issuer(refused.clone(), None), refused);
    }

    #[test]
    fn a_certificate_of_the_services_own_house_that_the_host_refuses_is_no_inspection() {
        let refused = |issuer: &str| {
            let url = "https://events.data.microsoft.com/";
            let shown = Shown {
                issuer: Some(issuer.to_owned()),
                ..Shown::default()
            };
            with_issuer(judged(url, true, &curl(60, 200, 0), None), Some(&shown))
        };
        let own = refused("CN=DigiCert Global G2 TLS RSA SHA256 2020 CA1, O=DigiCert Inc, C=US");
        assert_eq!(own.finding, Finding::TlsFailed);
        assert!(own.detail.contains("roots.auto_update"), "{}", own.detail);
        let foreign = refused("CN=DigiCert Look-alike, O=Contoso Ltd, C=US");
        assert_eq!(foreign.finding, Finding::TlsInspected);
    }
}
