//! Which proxy each component of a host uses and why, as it is shown: one screen per host, or data.

use playbooks::{
    Choice, Component, Contradiction, Explanation, Fact, Facts, Road, Source, explain,
    finds_malformed,
};
use serde_json::{Value, json};

use crate::csv;
use crate::hosts_read::{self, HostsRead};
use crate::table::Table;
use crate::text::neutral;

/// Name and version of the JSON form.
pub const SCHEMA: &str = "winfleet.explain/1";
/// Longest reason on the screen; the data have all of it.
const SHOWN: usize = 110;

/// What was read of each host.
#[derive(Debug)]
pub struct ExplanationOf<'a> {
    /// The hosts.
    pub hosts: HostsRead<'a>,
}

impl ExplanationOf<'_> {
    /// For people: a screen per host.
    pub fn screens(&self) -> String {
        self.hosts.blocks(screen)
    }

    /// The whole document.
    pub fn json(&self) -> Value {
        hosts_read::document(SCHEMA, self.lines())
    }

    /// One value per host.
    pub fn lines(&self) -> impl Iterator<Item = Value> {
        self.hosts.lines(|_| true, members)
    }

    /// One row per host and component.
    pub fn csv(&self) -> String {
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (name, read) in self.hosts.iter() {
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
                            &uses.road.address().unwrap_or_default(),
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
    let mut out = format!("{name}  {}\n\n", about(facts));
    out.push_str(&routes(&explained));
    out.push('\n');
    let unread = unread(facts);
    if explained.conflicts.is_empty() {
        out.push_str(match unread.is_empty() {
            true => "no conflicts\n",
            false => "no conflicts in what was read\n",
        });
    } else {
        let mut table = Table::new(["FOUND", "", "WHAT"]);
        for found in &explained.conflicts {
            let row = found.conflict.row();
            table.row([row.weight.as_str(), row.name, row.about]);
            table.row(["", "", &shortened(&found.detail, SHOWN)]);
        }
        out.push_str(&table.render());
    }
    out.push_str(&unread);
    out
}

/// What could not be read, a line for each cause: no rule finds anything there. What follows from other facts has their
/// cause, and of some values it is a finding already that they are malformed.
fn unread(facts: &Facts) -> String {
    let mut causes: Vec<(&str, Vec<&str>)> = Vec::new();
    for (fact, why) in facts.failures() {
        let follows = matches!(fact.row().source, Source::Derived(_));
        if follows || facts.malformed(fact).is_some() && finds_malformed(fact) {
            continue;
        }
        match causes.iter_mut().find(|(cause, _)| *cause == why) {
            Some((_, names)) => names.push(fact.name()),
            None => causes.push((why, vec![fact.name()])),
        }
    }
    let line = |(why, names): &(&str, Vec<&str>)| {
        let first = names.first().copied().unwrap_or_default();
        let names = match names.len() - 1 {
            0 => first.to_owned(),
            more => format!("{first} and {more} more"),
        };
        let why = shortened(&neutral(why), SHOWN);
        format!("not read: {names}: {why}\n")
    };
    causes.iter().map(line).collect()
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

/// What is shown of a host that was read.
fn members(facts: &Facts) -> Vec<(&'static str, Value)> {
    let explained = explain(facts);
    let shown = |text: &str| neutral(text).into_owned();
    let choice = |choice: &Choice| {
        json!({
            "road": choice.road.as_str(),
            "address": choice.road.address().as_deref().map(shown),
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
    vec![
        ("components", components.into()),
        ("conflicts", conflicts.into()),
    ]
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
    hosts_read::json_schema(
        SCHEMA,
        (
            "winfleet explain",
            "Which proxy each component of a host will use, and why.",
        ),
        vec![
            ("components", json!({ "type": "array", "items": component })),
            ("conflicts", json!({ "type": "array", "items": conflict })),
        ],
    )
}

#[cfg(test)]
mod tests {
    use playbooks::FactValue;
    use rollout::{HostError, Reason, Severity};

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
            hosts: HostsRead::from_iter([("pc-1", Ok(&facts)), ("pc-2\u{1b}", Err(&error))]),
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
        assert!(view.hosts.any_unread(Severity::Failed));
        assert!(!view.hosts.any_unread(Severity::Unreachable));
        assert!(
            view.screens()
                .contains("not read: winhttp.proxy: no<U+001B>[31m\n")
        );
        let json = view.json();
        assert_eq!(json["hosts"][0]["components"][0]["uses"]["road"], "unknown");
        assert_eq!(json["hosts"][0]["components"][4]["uses"]["road"], "pac");
        assert_eq!(json["hosts"][1]["reason"], "access_denied");
    }

    /// Where something was not read, its rules find nothing, and the screen says so.
    #[test]
    fn what_was_not_read_is_told_by_its_cause() {
        let screen = |facts: &Facts| screen("pc-1", facts);
        let mut facts = Facts::default();
        assert!(screen(&facts).ends_with("no conflicts\n"));
        facts.set_unread(Fact::GpoSettings, "the log is empty");
        facts.set_unread(Fact::AvPresent, "denied");
        facts.set_unread(Fact::AvMode, "denied");
        // Told by what it follows from.
        facts.set_unread(Fact::SensorPresent, "sensor.path: denied");
        let shown = screen(&facts);
        let told = "no conflicts in what was read\nnot read: av.present and 1 more: denied\nnot read: gpo.settings: the log is empty\n";
        assert!(shown.ends_with(told), "{shown}");
        // A finding already.
        facts.set_malformed(Fact::ProxyEdr, "it is REG_DWORD");
        facts.set_malformed(Fact::WinHttpProxy, "cut off");
        assert!(!screen(&facts).contains("not read: proxy.edr"));
        assert!(!screen(&facts).contains("not read: winhttp"));
        // No rule speaks of this one.
        facts.set_malformed(Fact::MdmTelemetryProxy, "it is REG_DWORD");
        let told = format!(
            "not read: {}: it is REG_DWORD\n",
            Fact::MdmTelemetryProxy.name()
        );
        assert!(screen(&facts).contains(&told), "{}", screen(&facts));
    }
}
