//! What a change is about: which of this project's values, and whether a proxy is put there.

use super::PreflightChange;
use crate::change::Desired;
use crate::registry::{Target, Typed};
use crate::rules::{KnownValue, known_value};
use crate::winhttp::WinHttpSettings;

/// What a value is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// S19, S20.
    Edr,
    /// S22.
    Prefer,
    /// S30, as policy.
    AvServer,
    /// Other proxy settings of Antivirus, preferences too.
    Av,
    /// S32.
    Ssl,
    /// S41.
    WinHttp,
    /// None of this project's.
    Other,
}

pub(super) fn kind_of(target: &Target) -> Kind {
    if target.is_av_preference() {
        return Kind::Av;
    }
    match known_value(target) {
        Some(KnownValue::TelemetryProxyServer | KnownValue::DisableEnterpriseAuthProxy) => {
            Kind::Edr
        }
        Some(KnownValue::PreferStaticProxy) => Kind::Prefer,
        Some(KnownValue::AvProxyServer) => Kind::AvServer,
        Some(KnownValue::AvProxyPacUrl | KnownValue::AvProxyBypass) => Kind::Av,
        Some(KnownValue::SslOptions) => Kind::Ssl,
        Some(KnownValue::WinHttpSettings) => Kind::WinHttp,
        // Windows' own tools set it apart from the machine-wide one.
        Some(KnownValue::WinHttpSettings32) | None => Kind::Other,
    }
}

/// Something is put there, rather than taken away.
pub(super) fn sets_proxy(change: &PreflightChange<'_>) -> bool {
    match change.desired {
        Desired::Absent | Desired::WinHttpDirect => false,
        Desired::WinHttp(_) => true,
        Desired::Value(raw) if kind_of(change.target) == Kind::WinHttp => {
            !WinHttpSettings::decode_value(raw).is_ok_and(|settings| settings.is_direct())
        }
        Desired::Value(_) => true,
    }
}

pub(super) fn names_edr_proxy(change: &PreflightChange<'_>) -> bool {
    known_value(change.target) == Some(KnownValue::TelemetryProxyServer) && sets_proxy(change)
}

pub(crate) fn text(desired: &Desired) -> Option<String> {
    let Desired::Value(raw) = desired else {
        return None;
    };
    match raw.to_typed()? {
        Typed::Sz(text) => Some(text),
        Typed::Dword(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An https:// address of the proxy itself (S29).
pub(super) fn is_https(change: &PreflightChange<'_>) -> bool {
    let server = change.target.value.eq_ignore_ascii_case("ProxyServer")
        && matches!(kind_of(change.target), Kind::AvServer | Kind::Av);
    let text = text(change.desired);
    server && text.is_some_and(|text| text.to_ascii_lowercase().starts_with("https://"))
}

/// A setting that only devices without access to lists of certificates need (S22, S32).
pub(super) fn is_for_offline(change: &PreflightChange<'_>) -> bool {
    match kind_of(change.target) {
        Kind::Prefer => text(change.desired).as_deref() == Some("1"),
        Kind::Ssl => text(change.desired).is_some_and(|text| text != "3"),
        _ => false,
    }
}
