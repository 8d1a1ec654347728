//! From what a host answered to the fact's type. What does not fit is said, never guessed.

use super::{Class, Fact, FactKind, FactValue, Source, Version};
use crate::registry::{Typed, type_name};
use crate::winhttp::WinHttpSettings;

/// 100 ns steps between 1601 and 1970.
const EPOCH: i64 = 116_444_736_000_000_000;
const TICKS_PER_SECOND: i64 = 10_000_000;
/// What Antivirus shows instead of a preference to whoever is no administrator for it.
const HIDDEN: &str = "N/A";

/// A Windows FILETIME as RFC 3339; `None` for 0 and for what is no moment.
pub fn moment(ticks: u64) -> Option<String> {
    let since = i64::try_from(ticks).ok()?.checked_sub(EPOCH)?;
    if ticks == 0 {
        return None;
    }
    let second = since.div_euclid(TICKS_PER_SECOND);
    let moment = jiff::Timestamp::from_second(second).ok()?;
    Some(moment.to_string())
}

/// A registry value as the fact it is read for.
///
/// # Errors
/// What is wrong with it, for people.
pub fn from_registry(fact: Fact, typed: &Typed) -> Result<FactValue, String> {
    if matches!(
        fact,
        Fact::WinHttpProxy | Fact::WinHttpBypass | Fact::WinHttpProxy32 | Fact::WinHttpBypass32
    ) {
        return win_http(fact, typed);
    }
    let kind = fact.row().kind;
    let fits = match (kind, typed) {
        (FactKind::Text, Typed::Sz(text) | Typed::ExpandSz(text)) if is_variable(fact) => {
            Some(FactValue::Text(without_account(text)))
        }
        (FactKind::Number, Typed::Dword(number)) => Some(FactValue::Number(i64::from(*number))),
        (FactKind::Number, Typed::Sz(text)) if stands_as_text(fact) => {
            text.trim().parse().ok().map(FactValue::Number)
        }
        (FactKind::Bool, Typed::Dword(number)) => Some(FactValue::Bool(*number != 0)),
        (FactKind::Text, Typed::Sz(text) | Typed::ExpandSz(text)) => {
            Some(FactValue::Text(text.clone()))
        }
        (FactKind::Time, Typed::Qword(ticks)) => Some(time(*ticks)),
        (FactKind::Time, Typed::Binary(bytes)) => {
            let ticks = bytes.as_slice().try_into().ok().map(u64::from_le_bytes);
            ticks.map(time)
        }
        (FactKind::Time, Typed::Sz(text)) => text.trim().parse().ok().map(time),
        _ => None,
    };
    fits.ok_or_else(|| {
        let raw = typed.to_raw();
        let text = raw.text();
        format!("it is {} '{text}', not {}", type_name(raw.kind), form(fact))
    })
}

/// Numbers that Windows itself keeps as a text. Every other number is a DWORD, and a reader that asks for one does not see a
/// text of digits.
fn stands_as_text(fact: Fact) -> bool {
    matches!(fact, Fact::OsBuild | Fact::PowerShellLockdown)
}

/// What the fact's value should be, for people.
fn form(fact: Fact) -> &'static str {
    match fact.row().kind {
        FactKind::Number if stands_as_text(fact) => "a number",
        FactKind::Number | FactKind::Bool => "REG_DWORD",
        FactKind::Text => "REG_SZ",
        FactKind::Time => "a moment",
        FactKind::Version | FactKind::Texts | FactKind::Numbers => "of the form it should have",
    }
}

/// Variables are where people write `http://user:password@proxy`.
fn is_variable(fact: Fact) -> bool {
    matches!(
        fact,
        Fact::EnvHttpsProxy | Fact::EnvHttpProxy | Fact::EnvAllProxy
    )
}

/// An address without what stands before its `@`: a password of the host is nobody's business here.
fn without_account(address: &str) -> String {
    let Some((before, host)) = address.rsplit_once('@') else {
        return address.to_owned();
    };
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://***@{host}"),
        None => format!("***@{host}"),
    }
}

fn time(ticks: u64) -> FactValue {
    moment(ticks).map_or(FactValue::Null, FactValue::Text)
}

fn win_http(fact: Fact, typed: &Typed) -> Result<FactValue, String> {
    let settings =
        WinHttpSettings::decode_value(&typed.to_raw()).map_err(|error| error.to_string())?;
    if !settings.is_direct() && !settings.is_named() {
        return Err(format!("neither direct nor a named proxy: {settings}"));
    }
    let text = if matches!(fact, Fact::WinHttpBypass | Fact::WinHttpBypass32) {
        settings.bypass.clone()
    } else {
        settings.proxy.clone()
    };
    Ok(if settings.is_direct() || text.is_empty() {
        FactValue::Null
    } else {
        FactValue::Text(text)
    })
}

/// The values of a CIM property, of all instances, as the fact they are read for.
///
/// # Errors
/// What is wrong with them, for people.
pub fn from_cim(fact: Fact, texts: &[&str]) -> Result<FactValue, String> {
    let kind = fact.row().kind;
    if matches!(fact.row().source, Source::Cim(Class::AvPreference, _))
        && texts.iter().any(|text| text.starts_with(HIDDEN))
    {
        return Err("it is not shown to this account".to_owned());
    }
    // A list without items may come as one empty item, and no item of any of these lists is ever empty.
    let items = || texts.iter().filter(|text| !text.trim().is_empty());
    let numbers = || -> Option<Vec<i64>> { items().map(|text| text.trim().parse().ok()).collect() };
    let wrong = || format!("'{}' has not the form it should have", texts.join(", "));
    match kind {
        FactKind::Texts => {
            return Ok(FactValue::Texts(
                items().map(|text| (*text).to_owned()).collect(),
            ));
        }
        FactKind::Numbers => return numbers().map(FactValue::Numbers).ok_or_else(wrong),
        _ => {}
    }
    let Some(first) = texts.first().map(|text| text.trim()) else {
        return Ok(FactValue::Null);
    };
    let fits = match kind {
        FactKind::Bool => match first.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(FactValue::Bool(true)),
            "false" | "0" => Some(FactValue::Bool(false)),
            _ => None,
        },
        FactKind::Number => first.parse().ok().map(FactValue::Number),
        FactKind::Version => {
            // A file's version may be followed by the name of the branch it was built from.
            let version = first.split_whitespace().next().unwrap_or_default();
            let version: Option<Version> = version.parse().ok();
            version.map(|version| FactValue::Text(version.to_string()))
        }
        FactKind::Time => {
            let moment: Option<jiff::Timestamp> = first.parse().ok();
            moment.map(|moment| FactValue::Text(moment.to_string()))
        }
        _ if first.is_empty() => Some(FactValue::Null),
        _ => Some(FactValue::Text(first.to_owned())),
    };
    fits.ok_or_else(wrong)
}
