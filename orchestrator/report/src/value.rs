//! A registry value in the two forms of a report: for people, and as JSON (product contract, section 5).

use playbooks::registry::{REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_QWORD, REG_SZ};
use playbooks::{Observed, RawValue, Target, WinHttpSettings};
use serde_json::Value;

use crate::shape::Found;

/// For people: `absent`, `REG_SZ "text"`, `REG_DWORD 1`; the WinHTTP blob is decoded.
pub fn text(target: &Target, observed: &Observed) -> String {
    match observed {
        Observed::KeyAbsent { .. } => "absent (no key)".to_owned(),
        Observed::ValueAbsent => "absent".to_owned(),
        Observed::Present(value) => present(target, value),
        Observed::Opaque { kind, why } => {
            format!("{} (not readable exactly: {why})", type_name(*kind))
        }
    }
}

fn present(target: &Target, value: &RawValue) -> String {
    if *target == Target::win_http_settings()
        && let Ok(settings) = WinHttpSettings::decode_value(value)
    {
        return settings.to_string();
    }
    value.text()
}

/// `{state, type, bytes, text}`; a value that could not be read exactly has no `bytes`.
pub fn json(target: &Target, observed: &Observed) -> Value {
    // Our own types serialised to memory: cannot fail.
    serde_json::to_value(Found::of(target, observed)).unwrap_or_default()
}

/// The documented name of a registry type, or its number.
pub fn type_name(kind: u32) -> String {
    match kind {
        0 => "REG_NONE".to_owned(),
        REG_SZ => "REG_SZ".to_owned(),
        REG_EXPAND_SZ => "REG_EXPAND_SZ".to_owned(),
        REG_BINARY => "REG_BINARY".to_owned(),
        REG_DWORD => "REG_DWORD".to_owned(),
        REG_MULTI_SZ => "REG_MULTI_SZ".to_owned(),
        REG_QWORD => "REG_QWORD".to_owned(),
        other => format!("type {other}"),
    }
}
