//! When a fault strikes: points in the life of a host, and lengths of time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A point in the life of a host: `request 7`, `write 1`, `command 2`... Counted from 1, from when the knobs were set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Point {
    /// What is counted.
    pub kind: PointKind,
    /// Which one.
    pub number: u64,
}

/// What a [`Point`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointKind {
    /// HTTP requests of any kind, logon legs included.
    Request,
    /// WS-Management operations that got past authentication.
    Operation,
    /// Operations that change a value or key, netsh and reg commands included.
    Write,
    /// Shells created.
    Create,
    /// Commands started in a shell.
    Command,
    /// Receive requests.
    Receive,
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is not a point; write it as 'request 7', 'operation 3', 'write 1', 'create 1', 'command 1' or 'receive 1'"
            )
        };
        let (kind, number) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let kind = match kind {
            "request" => PointKind::Request,
            "operation" => PointKind::Operation,
            "write" => PointKind::Write,
            "create" => PointKind::Create,
            "command" => PointKind::Command,
            "receive" => PointKind::Receive,
            _ => return Err(wrong()),
        };
        let number = number.trim().parse().map_err(|_| wrong())?;
        if number == 0 {
            Err(wrong())
        } else {
            Ok(Self { kind, number })
        }
    }
}

impl TryFrom<String> for Point {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// A length of time, in files written as `250ms`, `10s` or `2m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits
            .parse()
            .map_err(|_| format!("'{text}' is not a length of time such as 250ms, 10s or 2m"))?;
        match &text[digits.len()..] {
            "ms" => Ok(Self(Duration::from_millis(number))),
            "s" => Ok(Self(Duration::from_secs(number))),
            "m" => Ok(Self(Duration::from_secs(number * 60))),
            _ => Err(format!("'{text}' needs a unit: 250ms, 10s or 2m")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
