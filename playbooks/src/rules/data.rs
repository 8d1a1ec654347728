//! Registry data as YAML or a rendered template gives it, turned into a typed value.
//!
//! YAML reads `0010` as a number and `yes` as text; where the text could have been altered on the way, the data is
//! refused and the message says how to write it.

use document::Value;

use super::Invalid;
use crate::registry::Typed;

/// Longest value name Windows takes.
const LONGEST_NAME: usize = 16_383;
/// Longest data taken, in bytes; the registry is no place for more, and a request has to carry it.
const LONGEST_DATA: usize = 64 * 1024;

/// The words for `type`.
pub(crate) fn kind_names() -> [&'static str; 6] {
    ["sz", "expand_sz", "multi_sz", "dword", "qword", "binary"]
}

/// Turns data into a value of the type `kind` (one of [`kind_names`]).
pub(crate) fn data(kind: &str, value: &Value) -> Result<Typed, Invalid> {
    let typed = match kind {
        "sz" => Typed::Sz(string(value)?),
        "expand_sz" => Typed::ExpandSz(string(value)?),
        "multi_sz" => Typed::MultiSz(strings(value)?),
        "dword" => {
            let number = number(value, u64::from(u32::MAX))?;
            Typed::Dword(u32::try_from(number).unwrap_or(u32::MAX))
        }
        "qword" => Typed::Qword(number(value, u64::MAX)?),
        _ => Typed::Binary(binary(value)?),
    };
    match typed.to_raw().bytes.len() {
        length if length > LONGEST_DATA => Err(Invalid::new(format!(
            "the data has {length} bytes, at most {LONGEST_DATA} are taken"
        ))),
        _ => Ok(typed),
    }
}

fn string(value: &Value) -> Result<String, Invalid> {
    let Value::Text(text) = value else {
        return Err(wrong(value, "text").hint("put the data in quotes"));
    };
    checked_text(text)?;
    Ok(text.clone())
}

/// A NUL would end the value early; other control characters do not pass through XML unharmed.
fn checked_text(text: &str) -> Result<(), Invalid> {
    match text.chars().find(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')) {
        Some(odd) => Err(Invalid::new(format!("the text holds the control character U+{:04X}", u32::from(odd)))
            .hint("a text over several lines in YAML ends in a line break; several texts are type multi_sz")),
        None => Ok(()),
    }
}

fn strings(value: &Value) -> Result<Vec<String>, Invalid> {
    const EXPECTED: &str = "a list of texts, for example ['a', 'b']";
    let Value::List(items) = value else {
        return Err(wrong(value, EXPECTED));
    };
    let item = |(index, node): (usize, &document::Node)| match &node.value {
        Value::Text(text) if text.is_empty() => Err(Invalid::new(format!(
            "text {} of the list is empty",
            index + 1
        ))
        .hint("an empty text ends a REG_MULTI_SZ: it cannot stand inside one")),
        Value::Text(text) => checked_text(text).map(|()| text.clone()),
        other => Err(wrong(other, EXPECTED).hint("put each text in quotes")),
    };
    items.iter().enumerate().map(item).collect()
}

fn number(value: &Value, largest: u64) -> Result<u64, Invalid> {
    let expected = format!("a whole number from 0 to {largest}, decimal or 0x hexadecimal");
    let out =
        |text: &str| Invalid::new(format!("{text} is out of range")).expected(expected.clone());
    match value {
        Value::Integer(number) => match u64::try_from(*number) {
            Ok(number) if number <= largest => Ok(number),
            _ => Err(out(&number.to_string())),
        },
        Value::Text(text) => {
            let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
            let (digits, radix) = hex.map_or((text.as_str(), 10), |hex| (hex, 16));
            if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
                return Err(Invalid::new(format!("'{text}' is not a number")).expected(expected));
            }
            match u64::from_str_radix(digits, radix) {
                Ok(number) if number <= largest => Ok(number),
                _ => Err(out(text)),
            }
        }
        Value::Bool(value) => {
            let number = u8::from(*value);
            Err(wrong(&Value::Bool(*value), &expected).hint(format!("write {number}")))
        }
        other => Err(wrong(other, &expected)),
    }
}

fn binary(value: &Value) -> Result<Vec<u8>, Invalid> {
    const EXPECTED: &str =
        "bytes as hexadecimal text in quotes, for example '0a00ff' or '0a 00 ff'";
    let Value::Text(text) = value else {
        return Err(wrong(value, EXPECTED).hint("YAML reads digits without quotes as a number"));
    };
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | ',' | ':' | '-'))
        .collect();
    if let Some(odd) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Err(Invalid::new(format!("'{odd}' is not a hexadecimal digit")).expected(EXPECTED));
    }
    hex::decode(&digits).map_err(|_| {
        Invalid::new(format!(
            "{} hexadecimal digits are not whole bytes",
            digits.len()
        ))
        .expected(EXPECTED)
    })
}

/// A complaint about the kind of a value.
fn wrong(value: &Value, expected: &str) -> Invalid {
    let kind = match value {
        Value::Null => "there is no data",
        Value::Bool(_) => "the data is true or false",
        Value::Integer(_) => "the data is a whole number",
        Value::Float(_) => "the data is a number with a fraction",
        Value::Text(_) => "the data is one text",
        Value::List(_) => "the data is a list",
        Value::Map(_) => "the data is a mapping",
    };
    Invalid::new(kind).expected(expected)
}

/// Judges a value's name; empty names the unnamed default value.
pub(crate) fn value_name(text: &str) -> Result<String, Invalid> {
    if text == "*" {
        return Err(Invalid::new("'*' names no value: values are written and removed one by one")
            .hint("a sweep over a policy key would take settings of others with it (onboarding, tags, AllowTelemetry)"));
    }
    if text.eq_ignore_ascii_case("(default)") {
        return Err(
            Invalid::new("'(default)' is a way to show the unnamed value, not its name")
                .hint("write ''"),
        );
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new(
            "the name of the value holds a control character",
        ));
    }
    if text.encode_utf16().count() > LONGEST_NAME {
        return Err(Invalid::new(format!(
            "the name of the value is longer than {LONGEST_NAME} characters"
        )));
    }
    Ok(text.to_owned())
}
