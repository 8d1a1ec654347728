//! Host settings as text, each with the place it came from.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use inventory::{Host, Origin, Settings, Sourced};
use serde::Serialize;

/// One setting of one host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    /// As inventories call it.
    pub name: &'static str,
    /// The value in force.
    pub value: String,
    /// Where it came from.
    pub from: String,
}

/// All settings in the order of the documentation.
pub(crate) fn rows(settings: &Settings) -> Vec<Row> {
    let s = settings;
    vec![
        row("address", &s.address, String::clone),
        row("port", &s.port, u16::to_string),
        row("transport", &s.transport, word),
        row("auth", &s.auth, word),
        row("allow_ntlm", &s.allow_ntlm, bool::to_string),
        row("spn_class", &s.spn_class, |class| class.as_str().to_owned()),
        row("spn_name", &s.spn_name, optional),
        row("credential", &s.credential, optional),
        row("verify_name", &s.verify_name, bool::to_string),
        row("ca_file", &s.ca_file, path),
        row("cert_sha256", &s.cert_sha256, optional),
        row("tls_verify", &s.tls_verify, bool::to_string),
        row("channel", &s.channel, word),
        row("connect_timeout", &s.connect_timeout, span),
        row("request_timeout", &s.request_timeout, span),
        row("host_timeout", &s.host_timeout, span),
    ]
}

/// The settings that no file sets, with the value the program takes. A value that follows from the host's own
/// name, such as the address, is described instead.
pub(crate) fn built_in(hosts: &[Host]) -> BTreeMap<&'static str, String> {
    let mut found = BTreeMap::new();
    for host in hosts {
        for row in rows(&host.settings)
            .into_iter()
            .filter(|row| row.from == "built in")
        {
            let value = match row.name {
                "address" => "the host's name".to_owned(),
                "spn_name" => "the host's name".to_owned(),
                "port" => "5985 for http, 5986 for https".to_owned(),
                _ => row.value,
            };
            found.insert(row.name, value);
        }
    }
    found
}

/// Where a setting came from, for people.
pub(crate) fn origin(origin: &Origin) -> String {
    match origin {
        Origin::BuiltIn => "built in".to_owned(),
        Origin::Defaults { file, line } => format!("defaults ({file}:{line})"),
        Origin::Group { name, file, line } => format!("group {name} ({file}:{line})"),
        Origin::Host { file, line } => format!("host ({file}:{line})"),
        Origin::CommandLine => "command line".to_owned(),
    }
}

/// The word a setting has in files.
pub(crate) fn word<T: Serialize + Debug>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => format!("{value:?}").to_lowercase(),
    }
}

/// A duration as files write it: `90s`, `10m`, `1h30m`.
pub(crate) fn span(value: &Duration) -> String {
    let seconds = value.as_secs();
    if value.subsec_millis() > 0 {
        return format!("{}ms", value.as_millis());
    }
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let text: String = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

fn row<T>(name: &'static str, setting: &Sourced<T>, show: impl Fn(&T) -> String) -> Row {
    Row {
        name,
        value: show(&setting.value),
        from: origin(&setting.from),
    }
}

fn optional(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "none".to_owned())
}

fn path(value: &Option<PathBuf>) -> String {
    value
        .as_ref()
        .map_or_else(|| "none".to_owned(), |path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_like_files() {
        for (seconds, text) in [
            (10, "10s"),
            (90, "1m30s"),
            (600, "10m"),
            (5400, "1h30m"),
            (0, "0s"),
        ] {
            assert_eq!(span(&Duration::from_secs(seconds)), text);
        }
        assert_eq!(word(&inventory::Transport::Https), "https");
    }
}
