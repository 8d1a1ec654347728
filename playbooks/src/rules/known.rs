//! The values whose meaning is known: whatever step writes them, their data has to make sense.
//!
//! A `registry` step is free to write any value; these it may write only with data that the Defender components
//! honour, so a typed step and a hand-written one are judged alike.

use super::{Invalid, Notes, av_bypass, av_pac_url, av_server, edr_server};
use crate::registry::{RawValue, Target, Typed};
use crate::winhttp::WinHttpSettings;

/// A value this project knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownValue {
    /// S20.
    TelemetryProxyServer,
    /// S19.
    DisableEnterpriseAuthProxy,
    /// S22.
    PreferStaticProxy,
    /// S30.
    AvProxyServer,
    /// S37.
    AvProxyPacUrl,
    /// S38.
    AvProxyBypass,
    /// S32.
    SslOptions,
    /// S41.
    WinHttpSettings,
    /// S41, the copy that 32-bit programs read.
    WinHttpSettings32,
}

/// What a step says about data that lowers security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acknowledge {
    /// Nothing.
    No,
    /// `acknowledge: lowers_security`.
    LowersSecurity,
}

/// Which known value a target is.
pub(crate) fn known_value(target: &Target) -> Option<KnownValue> {
    const POLICIES: &str = r"SOFTWARE\Policies\Microsoft\";
    if *target == Target::win_http_settings() {
        return Some(KnownValue::WinHttpSettings);
    }
    if *target == Target::win_http_settings_32() {
        return Some(KnownValue::WinHttpSettings32);
    }
    let head = target.key.as_str().get(..POLICIES.len())?;
    let below = target.key.as_str().get(POLICIES.len()..)?;
    if !head.eq_ignore_ascii_case(POLICIES) {
        return None;
    }
    match (
        below.to_ascii_lowercase().as_str(),
        target.value.to_ascii_lowercase().as_str(),
    ) {
        (r"windows\datacollection", "telemetryproxyserver") => {
            Some(KnownValue::TelemetryProxyServer)
        }
        (r"windows\datacollection", "disableenterpriseauthproxy") => {
            Some(KnownValue::DisableEnterpriseAuthProxy)
        }
        ("windows advanced threat protection", "preferstaticproxyforhttprequest") => {
            Some(KnownValue::PreferStaticProxy)
        }
        ("windows defender", "proxyserver") => Some(KnownValue::AvProxyServer),
        ("windows defender", "proxypacurl") => Some(KnownValue::AvProxyPacUrl),
        ("windows defender", "proxybypass") => Some(KnownValue::AvProxyBypass),
        (r"windows defender\spynet", "ssloptions") => Some(KnownValue::SslOptions),
        _ => None,
    }
}

/// Whether two values of a known proxy setting differ in nothing but the letter case of host names and schemes. Both have to
/// be texts of the type that is read; paths and what stands before an `@` count as they are.
pub(crate) fn same_proxy_value(target: &Target, one: &RawValue, other: &RawValue) -> bool {
    let list = match known_value(target) {
        Some(
            KnownValue::TelemetryProxyServer
            | KnownValue::AvProxyServer
            | KnownValue::AvProxyPacUrl,
        ) => false,
        Some(KnownValue::AvProxyBypass) => true,
        None if target.is_av_preference() => match target.value.to_ascii_lowercase().as_str() {
            "proxyserver" | "proxypacurl" => false,
            "proxybypass" => true,
            _ => return false,
        },
        _ => return false,
    };
    let (Some(Typed::Sz(one)), Some(Typed::Sz(other))) = (one.to_typed(), other.to_typed()) else {
        return false;
    };
    if list {
        let (one, other) = (one.split(';'), other.split(';'));
        return one.map(bare_case).eq(other.map(bare_case));
    }
    bare_case(&one) == bare_case(&other)
}

/// Whether two addresses of proxies or scripts are the same: a slash at the end and the letter case of hosts are of no effect,
/// that of a path is.
pub(crate) fn same_address(one: &str, other: &str) -> bool {
    bare_case(one.trim_end_matches('/')) == bare_case(other.trim_end_matches('/'))
}

/// An address with its scheme and host in lower case.
fn bare_case(address: &str) -> String {
    let start = address.find("://").map_or(0, |at| at + "://".len());
    let rest = &address[start..];
    let end = start + rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = address[start..end]
        .rfind('@')
        .map_or(start, |at| start + at + 1);
    [
        address[..start].to_ascii_lowercase(),
        address[start..host].to_owned(),
        address[host..end].to_ascii_lowercase(),
        address[end..].to_owned(),
    ]
    .concat()
}

impl KnownValue {
    /// Judges what is to be written.
    pub(crate) fn judge(
        self,
        data: &Typed,
        acknowledge: Acknowledge,
        notes: &mut Notes,
    ) -> Result<(), Invalid> {
        match self {
            Self::TelemetryProxyServer => edr_server(self.text(data)?, notes).map(drop),
            Self::AvProxyServer => av_server(self.text(data)?, notes).map(drop),
            Self::AvProxyPacUrl => av_pac_url(self.text(data)?, notes).map(drop),
            Self::AvProxyBypass => av_bypass(self.text(data)?, notes).map(drop),
            Self::DisableEnterpriseAuthProxy | Self::PreferStaticProxy => {
                self.number(data, 1).map(drop)
            }
            Self::SslOptions => ssl_options(self.number(data, 3)?, acknowledge, notes),
            Self::WinHttpSettings => win_http_bytes(data, BY_NETSH, notes),
            Self::WinHttpSettings32 => win_http_bytes(data, BY_NETSH_32, notes),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::TelemetryProxyServer => "TelemetryProxyServer",
            Self::DisableEnterpriseAuthProxy => "DisableEnterpriseAuthProxy",
            Self::PreferStaticProxy => "PreferStaticProxyForHttpRequest",
            Self::AvProxyServer => "ProxyServer",
            Self::AvProxyPacUrl => "ProxyPacUrl",
            Self::AvProxyBypass => "ProxyBypass",
            Self::SslOptions => "SSLOptions",
            Self::WinHttpSettings | Self::WinHttpSettings32 => "WinHttpSettings",
        }
    }

    fn text(self, data: &Typed) -> Result<&str, Invalid> {
        match data {
            Typed::Sz(text) => Ok(text),
            _ => Err(
                Invalid::new(format!("{} is read as REG_SZ only", self.name()))
                    .expected("type: sz"),
            ),
        }
    }

    fn number(self, data: &Typed, largest: u32) -> Result<u32, Invalid> {
        match data {
            Typed::Dword(number) if *number <= largest => Ok(*number),
            Typed::Dword(number) => {
                Err(Invalid::new(format!("{} cannot be {number}", self.name()))
                    .expected(format!("a number from 0 to {largest}")))
            }
            _ => Err(
                Invalid::new(format!("{} is read as REG_DWORD only", self.name()))
                    .expected("type: dword"),
            ),
        }
    }
}

/// S32: what Antivirus no longer checks with these options; nothing with 3.
pub(crate) fn lost_checks(options: u32) -> Option<&'static str> {
    match options {
        0 => Some("certificate pinning and revocation checks"),
        1 => Some("certificate pinning"),
        2 => Some("revocation checks"),
        _ => None,
    }
}

/// In words, what a value switches off, where it lowers security.
pub(crate) fn lowers_security(target: &Target, value: &RawValue) -> Option<String> {
    match (known_value(target)?, value.to_typed()?) {
        (KnownValue::SslOptions, Typed::Dword(options)) => {
            let lost = lost_checks(options)?;
            Some(format!("turns off {lost} of Defender Antivirus"))
        }
        _ => None,
    }
}

/// S32: anything but 3 switches checks off and wants the operator's word.
fn ssl_options(number: u32, acknowledge: Acknowledge, notes: &mut Notes) -> Result<(), Invalid> {
    let Some(lost) = lost_checks(number) else {
        return Ok(());
    };
    if acknowledge == Acknowledge::No {
        return Err(Invalid::new(format!(
            "SSLOptions {number} turns off {lost} of Defender Antivirus"
        ))
        .hint("to say that this is meant, add 'acknowledge: lowers_security' to the step"));
    }
    notes.push(format!(
        "SSLOptions {number} turns off {lost}; better cures are a system-wide proxy that lets Windows fetch revocation \
         lists, or internal distribution of them"
    ));
    Ok(())
}

/// Who builds the bytes of the 64-bit view.
const BY_NETSH: &str = "use the step winhttp_proxy: Windows then builds the bytes itself";
/// Who builds those of the 32-bit view.
const BY_NETSH_32: &str = "the netsh of SysWOW64 builds the bytes of 32-bit programs itself";

/// S41: a hand-made blob is possible, but it has to be one.
fn win_http_bytes(data: &Typed, hint: &str, notes: &mut Notes) -> Result<(), Invalid> {
    let Typed::Binary(bytes) = data else {
        return Err(Invalid::new("WinHttpSettings is read as REG_BINARY only")
            .expected("type: binary")
            .hint(hint));
    };
    match WinHttpSettings::decode(bytes) {
        Ok(_) => notes.push(format!("WinHttpSettings is written as raw bytes; {hint}")),
        Err(error) => {
            return Err(
                Invalid::new(format!("these bytes are no WinHttpSettings: {error}")).hint(hint),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::KeyPath;

    #[test]
    fn the_letter_case_of_hosts_is_no_difference_and_that_of_the_rest_is() {
        let same = |key: &str, value: &str, one: &str, other: &str| {
            let target = Target {
                key: KeyPath::below_local_machine(key).unwrap(),
                value: value.to_owned(),
            };
            let raw = |text: &str| Typed::Sz(text.to_owned()).to_raw();
            same_proxy_value(&target, &raw(one), &raw(other))
        };
        let edr = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";
        let av = r"SOFTWARE\Policies\Microsoft\Windows Defender";
        assert!(same(
            edr,
            "TelemetryProxyServer",
            "PROXY.corp:8080",
            "proxy.CORP:8080"
        ));
        assert!(!same(
            edr,
            "TelemetryProxyServer",
            "PROXY.corp:8080",
            "proxy.corp:8081"
        ));
        assert!(same(
            av,
            "ProxyServer",
            "HTTP://Proxy.corp:8080",
            "http://proxy.corp:8080"
        ));
        assert!(same(
            av,
            "ProxyPacUrl",
            "http://WPAD.corp/p.pac",
            "http://wpad.corp/p.pac"
        ));
        assert!(!same(
            av,
            "ProxyPacUrl",
            "http://wpad.corp/P.pac",
            "http://wpad.corp/p.pac"
        ));
        assert!(!same(
            av,
            "ProxyServer",
            "http://U:P@proxy:1",
            "http://u:p@proxy:1"
        ));
        assert!(same(
            av,
            "ProxyBypass",
            "*.CORP.example;10.0.0.1",
            "*.corp.example;10.0.0.1"
        ));
        assert!(!same(av, "ProxyBypass", "*.a;*.b", "*.b;*.a"));
        // Nobody knows what another value means.
        assert!(!same(r"SOFTWARE\X", "ProxyServer", "A:1", "a:1"));
        assert!(!same(edr, "Other", "A:1", "a:1"));
    }
}
