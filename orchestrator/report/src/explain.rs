//! Which proxy each component of a host uses and why, as it is shown: one screen per host, or data.

use playbooks::{Choice, Component, Contradiction, Explanation, Fact, Facts, Road, explain};
use rollout::{HostError, Severity};
use serde_json::{Map, Value, json};

use crate::csv;
use crate::table::Table;
use crate::text::neutral;

/// Name and version of the JSON form.
pub const SCHEMA: &str = "winfleet.explain/1";
/// Longest reason on the screen; the data have all of it.
const SHOWN: usize = 110;

/// What was read of each host, in the order of the inventory.
#[derive(Debug)]
pub struct ExplanationOf<'a> {
    /// Name, and facts or why there are none.
    pub hosts: Vec<(&'a str, Result<&'a Facts, &'a HostError>)>,
}

impl ExplanationOf<'_> {
    /// Whether a host could not be read for that kind of reason.
    pub fn any_unread(&self, severity: Severity) -> bool {
        let mut errors = self.hosts.iter().filter_map(|(_, read)| read.err());
        errors.any(|error| error.severity == severity)
    }

    /// For people: a screen per host.
    pub fn screens(&self) -> String {
        let screens: Vec<String> = self
            .hosts
            .iter()
            .map(|(name, read)| match read {
                Ok(facts) => screen(name, facts),
                Err(error) => format!(
                    "{}  not read: {}\n",
                    neutral(name),
                    neutral(&error.to_string())
                ),
            })
            .collect();
        screens.join("\n")
    }

    /// The whole document.
    pub fn json(&self) -> Value {
        let hosts: Vec<Value> = self.lines().collect();
        json!({ "schema": SCHEMA, "hosts": hosts })
    }

    /// One value per host.
    pub fn lines(&self) -> impl Iterator<Item = Value> {
        self.hosts.iter().map(|(name, read)| match read {
            Ok(facts) => host(name, facts),
            Err(error) => {
                let detail = neutral(&error.detail).into_owned();
                json!({ "name": neutral(name), "reason": error.reason, "detail": detail })
            }
        })
    }

    /// One row per host and component.
    pub fn csv(&self) -> String {
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (name, read) in &self.hosts {
            let row = |cells: [&str; 5]| {
                let cells = cells.iter().map(|cell| (*cell).to_owned());
                std::iter::once((*name).to_owned()).chain(cells).collect()
            };
            match read {
                Err(error) => rows.push(row(["", "", "", &error.to_string(), ""])),
                Ok(facts) => {
                    let explained = explain(facts);
                    let conflicts: Vec<&str> = names(&explained.conflicts).collect();
                    let conflicts = conflicts.join(" ");
                    for route in &explained.routes {
                        let uses = &route.uses;
                        rows.push(row([
                            route.component.as_str(),
                            uses.road.as_str(),
                            uses.road.address().unwrap_or_default(),
                            &uses.because,
                            &conflicts,
                        ]));
                    }
                }
            }
        }
        let head = [
            "host",
            "component",
            "road",
            "address",
            "because",
            "conflicts",
        ];
        csv::document(&head, rows)
    }
}

fn names(conflicts: &[Contradiction]) -> impl Iterator<Item = &'static str> {
    conflicts.iter().map(|found| found.conflict.row().name)
}

fn screen(name: &str, facts: &Facts) -> String {
    let explained = explain(facts);
    let mut out = format!("{}  {}\n\n", neutral(name), about(facts));
    out.push_str(&routes(&explained));
    out.push('\n');
    if explained.conflicts.is_empty() {
        out.push_str("no conflicts\n");
        return out;
    }
    let mut table = Table::new(["FOUND", "", "WHAT"]);
    for found in &explained.conflicts {
        let row = found.conflict.row();
        table.row([row.weight.as_str(), row.name, row.about]);
        table.row(["", "", &shortened(&found.detail, SHOWN)]);
    }
    out.push_str(&table.render());
    out
}

fn routes(explained: &Explanation) -> String {
    let mut table = Table::new(["COMPONENT", "PROXY", "BECAUSE"]);
    for route in &explained.routes {
        let row = |title: &str, choice: &Choice| {
            let because = shortened(&choice.because, SHOWN);
            [title.to_owned(), choice.road.text(), because]
        };
        table.row(row(route.component.title(), &route.uses));
        for choice in &route.then {
            table.row(row("  then", choice));
        }
    }
    table.render()
}

/// The line that says which kind of host it is.
fn about(facts: &Facts) -> String {
    let mut parts = Vec::new();
    if let (Some(build), Some(ubr)) = (facts.number(Fact::OsBuild), facts.number(Fact::OsUbr)) {
        parts.push(format!("build {build}.{ubr}"));
    }
    if let Some(version) = facts.text(Fact::SensorVersion) {
        let onboarded = match facts.flag(Fact::SensorOnboarded) {
            Some(true) => ", onboarded",
            Some(false) => ", not onboarded",
            None => "",
        };
        parts.push(format!("sensor {version}{onboarded}"));
    }
    if let Some(mode) = facts.text(Fact::AvMode) {
        parts.push(format!("Antivirus {mode}"));
    }
    neutral(&parts.join("; ")).into_owned()
}

/// Cut at a character, with a mark that something is missing.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most).collect();
    format!("{head}...")
}

fn host(name: &str, facts: &Facts) -> Value {
    let explained = explain(facts);
    let shown = |text: &str| neutral(text).into_owned();
    let choice = |choice: &Choice| {
        json!({
            "road": choice.road.as_str(),
            "address": choice.road.address().map(shown),
            "because": shown(&choice.because),
        })
    };
    let components: Vec<Value> = explained
        .routes
        .iter()
        .map(|route| {
            let then: Vec<Value> = route.then.iter().map(choice).collect();
            json!({ "component": route.component.as_str(), "uses": choice(&route.uses), "then": then })
        })
        .collect();
    let conflicts: Vec<Value> = explained
        .conflicts
        .iter()
        .map(|found| {
            let row = found.conflict.row();
            json!({
                "name": row.name,
                "weight": row.weight.as_str(),
                "about": row.about,
                "rows": row.rows,
                "detail": shown(&found.detail),
            })
        })
        .collect();
    let unread: Map<String, Value> = facts
        .failures()
        .map(|(fact, why)| (fact.name().to_owned(), shown(why).into()))
        .collect();
    json!({ "name": shown(name), "components": components, "conflicts": conflicts, "unread": unread })
}

/// The JSON Schema (draft 2020-12) of `explain -o json`.
pub fn explain_schema() -> Value {
    let text = json!({ "type": "string" });
    let words = |words: Vec<&str>| json!({ "enum": words });
    let roads = [
        Road::Proxy(String::new()),
        Road::Pac(String::new()),
        Road::Discovery,
        Road::Direct,
        Road::NotSet,
        Road::NotThere,
        Road::Unknown,
    ];
    let choice = json!({
        "type": "object",
        "required": ["road", "address", "because"],
        "additionalProperties": false,
        "properties": {
            "road": words(roads.iter().map(Road::as_str).collect()),
            "address": { "type": ["string", "null"], "description": "as it stands in its store" },
            "because": text,
        },
    });
    let component = json!({
        "type": "object",
        "required": ["component", "uses", "then"],
        "additionalProperties": false,
        "properties": {
            "component": words(Component::ALL.iter().map(|of| of.as_str()).collect()),
            "uses": choice,
            "then": { "type": "array", "items": choice, "description": "what it turns to, in order" },
        },
    });
    let conflict = json!({
        "type": "object",
        "required": ["name", "weight", "about", "rows", "detail"],
        "additionalProperties": false,
        "properties": {
            "name": words(playbooks::CONFLICTS.iter().map(|row| row.name).collect()),
            "weight": words(vec!["conflict", "warning", "note"]),
            "about": text,
            "rows": { "type": "string", "description": "rows of the table of Defender settings" },
            "detail": text,
        },
    });
    let read = json!({
        "type": "object",
        "required": ["name", "components", "conflicts", "unread"],
        "additionalProperties": false,
        "properties": {
            "name": text,
            "components": { "type": "array", "items": component },
            "conflicts": { "type": "array", "items": conflict },
            "unread": { "type": "object", "additionalProperties": text },
        },
    });
    let unread = json!({
        "type": "object",
        "required": ["name", "reason", "detail"],
        "additionalProperties": false,
        "properties": { "name": text, "reason": text, "detail": text },
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "winfleet explain",
        "description": "Which proxy each component of a host will use, and why.",
        "type": "object",
        "required": ["schema", "hosts"],
        "additionalProperties": false,
        "properties": {
            "schema": { "const": SCHEMA },
            "hosts": { "type": "array", "items": { "oneOf": [read, unread] } },
        },
    })
}

#[cfg(test)]
mod tests {
    use playbooks::FactValue;
    use rollout::Reason;

    use super::*;

    /// What a hostile host says of itself is shown as text, in every form.
    #[test]
    fn remote_text_is_neutral_in_every_form() {
        let evil = "=p\u{1b}[2J\u{202e}:1";
        let mut facts = Facts::default();
        facts.set(Fact::WinInetPacUrl, FactValue::Text(evil.to_owned()));
        facts.set(Fact::ProxyEdr, FactValue::Text(evil.to_owned()));
        facts.set_unread(Fact::WinHttpProxy, "no\u{1b}[31m");
        let error = HostError::failed(Reason::AccessDenied, "denied\u{9b}");
        let view = ExplanationOf {
            hosts: vec![("pc-1", Ok(&facts)), ("pc-2", Err(&error))],
        };
        for text in [
            view.screens(),
            view.csv(),
            crate::json::pretty(&view.json()),
        ] {
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{text}");
            assert!(text.contains("pc-1") && text.contains("denied"), "{text}");
        }
        assert!(view.screens().contains("PAC =p<U+001B>[2J<U+202E>:1"));
        assert!(view.any_unread(Severity::Failed) && !view.any_unread(Severity::Unreachable));
        let json = view.json();
        assert_eq!(json["hosts"][0]["components"][0]["uses"]["road"], "unknown");
        assert_eq!(json["hosts"][0]["components"][4]["uses"]["road"], "pac");
        assert_eq!(json["hosts"][1]["reason"], "access_denied");
    }
}
