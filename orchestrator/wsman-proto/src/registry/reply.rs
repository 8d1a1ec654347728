//! Replies of `StdRegProv`. A failure comes as HTTP 200 with a non-zero `ReturnValue`: never looked over here.

use super::{
    REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_QWORD, REG_SZ, RegistryData, methods,
};
use crate::fault::return_value_name;
use crate::xml::Element;

/// Why a registry call did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Key or value is not there.
    #[error("not found")]
    Absent,
    /// The value has another type than the method's.
    #[error("the value has another type")]
    TypeMismatch,
    /// Another non-zero `ReturnValue`.
    #[error("{method} returned {code} ({name})")]
    Returned {
        /// Method.
        method: &'static str,
        /// Win32 or WMI number.
        code: u32,
        /// Its name.
        name: &'static str,
    },
    /// The reply is not the output of that method.
    #[error("{0}")]
    Protocol(String),
}

const TYPE_MISMATCH: u32 = 0x8004_1005;

/// Output of a method without out parameters.
pub fn nothing(method: &'static str, body: &Element) -> Result<(), RegistryError> {
    output(method, body).map(|_| ())
}

/// Output of `EnumValues`: name and type number of each value, in the host's order.
pub fn value_names(body: &Element) -> Result<Vec<(String, u32)>, RegistryError> {
    let output = output("EnumValues", body)?;
    let mut names = texts(output, "sNames");
    let mut types = texts(output, "Types");
    // A list without items as one empty element each: a type is never empty, the name of the default value is.
    if is_one_empty(&types) && (names.is_empty() || is_one_empty(&names)) {
        names.clear();
        types.clear();
    }
    if names.len() != types.len() {
        return Err(RegistryError::Protocol(
            "EnumValues: names and types differ in number".to_owned(),
        ));
    }
    names
        .into_iter()
        .zip(types)
        .map(|(name, kind)| {
            let number = kind
                .trim()
                .parse::<i64>()
                .ok()
                .and_then(|kind| i32::try_from(kind).ok());
            let number = number.ok_or_else(|| {
                RegistryError::Protocol("EnumValues: a type is no number".to_owned())
            })?;
            Ok((name, number.cast_unsigned()))
        })
        .collect()
}

/// Output of `EnumKey`: names of the subkeys.
pub fn key_names(body: &Element) -> Result<Vec<String>, RegistryError> {
    let names = texts(output("EnumKey", body)?, "sNames");
    // No subkey has an empty name: it is a list without items.
    Ok(if is_one_empty(&names) {
        Vec::new()
    } else {
        names
    })
}

fn is_one_empty(items: &[String]) -> bool {
    matches!(items, [only] if only.trim().is_empty())
}

/// Output of a typed Get.
pub fn value(kind: u32, body: &Element) -> Result<RegistryData, RegistryError> {
    let (method, _) = methods(kind).ok_or_else(|| {
        RegistryError::Protocol("this registry type has no typed method".to_owned())
    })?;
    let output = output(method, body).map_err(|error| match error {
        // Get* says 1 for a value that is not there (wsman.md 4.5).
        RegistryError::Returned { code: 1, .. } => RegistryError::Absent,
        other => other,
    })?;
    let no_number = || RegistryError::Protocol([method, ": the value is no such number"].concat());
    let one = |name| texts(output, name).into_iter().next();
    Ok(match kind {
        // A null out parameter with success is the text or array without content.
        REG_SZ => RegistryData::Sz(one("sValue").unwrap_or_default()),
        REG_EXPAND_SZ => RegistryData::ExpandSz(one("sValue").unwrap_or_default()),
        REG_MULTI_SZ => RegistryData::MultiSz(texts(output, "sValue")),
        REG_BINARY => {
            let bytes = texts(output, "uValue");
            if is_one_empty(&bytes) {
                return Ok(RegistryData::Binary(Vec::new()));
            }
            let bytes = bytes
                .iter()
                .map(|byte| byte.trim().parse())
                .collect::<Result<_, _>>();
            RegistryData::Binary(bytes.map_err(|_| no_number())?)
        }
        REG_DWORD => {
            let text = one("uValue").ok_or_else(no_number)?;
            RegistryData::Dword(text.trim().parse().map_err(|_| no_number())?)
        }
        REG_QWORD => {
            let text = one("uValue").ok_or_else(no_number)?;
            RegistryData::Qword(text.trim().parse().map_err(|_| no_number())?)
        }
        _ => {
            return Err(RegistryError::Protocol(
                "this registry type has no typed method".to_owned(),
            ));
        }
    })
}

/// The OUTPUT element after its `ReturnValue` was found to be zero.
fn output<'a>(method: &'static str, body: &'a Element) -> Result<&'a Element, RegistryError> {
    let broken = |what: &str| RegistryError::Protocol([method, ": ", what].concat());
    let output = body
        .children()
        .next()
        .ok_or_else(|| broken("the reply has no body"))?;
    if output.name().strip_suffix("_OUTPUT") != Some(method) {
        return Err(broken("the reply is of another method"));
    }
    let code = output
        .children()
        .find(|child| child.name() == "ReturnValue" && !child.is_nil())
        .and_then(|value| {
            let text = value.text();
            let text = text.trim();
            text.parse::<u32>()
                .ok()
                .or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
        })
        .ok_or_else(|| broken("the reply has no ReturnValue"))?;
    match code {
        0 => Ok(output),
        2 => Err(RegistryError::Absent),
        TYPE_MISMATCH => Err(RegistryError::TypeMismatch),
        code => Err(RegistryError::Returned {
            method,
            code,
            name: return_value_name(code),
        }),
    }
}

/// Texts of the repeated out parameter; nil items are the null array.
fn texts(output: &Element, name: &str) -> Vec<String> {
    output
        .children()
        .filter(|child| child.name() == name && !child.is_nil())
        .map(Element::text)
        .collect()
}
