//! How a value from YAML, CSV or the command line becomes the type a variable declares.
//!
//! Text is taken for every type, because CSV columns and `-e` know nothing else. The other way round is refused: YAML
//! has turned `007` into 7 before we see it, so a number for a text would silently lose its zeros.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rules::{Invalid, Notes, host_port, url};

/// What the values of a variable have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VarType {
    /// Any text.
    String,
    /// A whole number of 64 bits.
    Int,
    /// `true` or `false`.
    Bool,
    /// `host:port`, as the EDR proxy takes it.
    HostPort,
    /// `http://` or `https://`.
    Url,
    /// A list of texts.
    List,
}

impl VarType {
    /// Every type, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::String,
        Self::Int,
        Self::Bool,
        Self::HostPort,
        Self::Url,
        Self::List,
    ];

    /// The word in a playbook.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::HostPort => "host_port",
            Self::Url => "url",
            Self::List => "list",
        }
    }

    /// What a value has to look like, in the words of a message.
    pub fn expected(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Int => "a whole number",
            Self::Bool => "true or false",
            Self::HostPort => "host:port, for example 10.0.0.6:8080",
            Self::Url => "an http:// or https:// URL",
            Self::List => {
                "a list of texts: ['a', 'b'] in YAML; a,b or a JSON list on the command line and in CSV"
            }
        }
    }

    /// Checks a value and brings it into the form templates see.
    pub(crate) fn coerce(self, value: &Value) -> Result<Value, Invalid> {
        let wrong = || {
            Invalid::new(format!("{} is not {}", shown(value), self.noun()))
                .expected(self.expected())
        };
        match (self, value) {
            (Self::String, Value::String(_)) => Ok(value.clone()),
            (Self::String, Value::Number(_) | Value::Bool(_)) => {
                Err(wrong().hint("put it in quotes"))
            }
            (Self::Int, Value::Number(number)) if number.is_i64() || number.is_u64() => {
                Ok(value.clone())
            }
            (Self::Int, Value::String(text)) => text
                .trim()
                .parse::<i64>()
                .map(Value::from)
                .map_err(|_| wrong()),
            (Self::Bool, Value::Bool(_)) => Ok(value.clone()),
            (Self::Bool, Value::String(text)) => truth(text).map(Value::Bool).ok_or_else(wrong),
            (Self::HostPort, Value::String(text)) => {
                host_port(text, &mut Notes::new()).map(Value::String)
            }
            (Self::Url, Value::String(text)) => url(text, &mut Notes::new())
                .map(Value::String)
                .map_err(|error| Invalid {
                    expected: Some(self.expected().to_owned()),
                    ..error
                }),
            (Self::List, Value::Array(items)) if items.iter().all(Value::is_string) => {
                Ok(value.clone())
            }
            (Self::List, Value::Array(_)) => Err(wrong().hint("put each item in quotes")),
            (Self::List, Value::String(text)) => list(text).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Int => "a whole number",
            Self::Bool => "true or false",
            Self::HostPort => "a host with port",
            Self::Url => "a URL",
            Self::List => "a list of texts",
        }
    }
}

impl fmt::Display for VarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `yes`, `on` and `1` are taken too: spreadsheets and shells write them.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A JSON list where it begins with `[`, else items separated by commas; nothing at all is the empty list.
fn list(text: &str) -> Option<Value> {
    let text = text.trim();
    if text.starts_with('[') {
        let items: Vec<String> = serde_json::from_str(text).ok()?;
        return Some(items.into());
    }
    let items = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    Some(items.map(str::to_owned).collect::<Vec<_>>().into())
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("'{text}'"),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() > 80 {
        text.chars().take(77).chain("...".chars()).collect()
    } else {
        text
    }
}
