//! Facts of hosts as they are shown: one block per host, or data. Remote text is neutralised in every form.

use playbooks::{FACTS, FactKind, FactSet, Facts};
use serde_json::{Map, Value, json};

use crate::csv;
use crate::hosts_read::{self, HostsRead};
use crate::table::Table;

/// Name and version of the JSON form.
pub const SCHEMA: &str = "winfleet.facts/1";

/// What was read of each host.
#[derive(Debug)]
pub struct FactsOf<'a> {
    /// The hosts.
    pub hosts: HostsRead<'a>,
    /// Which facts are shown; others were read because these follow from them.
    pub wanted: FactSet,
}

impl FactsOf<'_> {
    /// For people.
    pub fn table(&self) -> String {
        self.hosts.blocks(|name, facts| self.block(name, facts))
    }

    fn block(&self, name: &str, facts: &Facts) -> String {
        let mut table = Table::new(["FACT", "VALUE"]);
        for (fact, value) in facts
            .values()
            .filter(|(fact, _)| self.wanted.contains(*fact))
        {
            table.row([fact.name().to_owned(), value.text()]);
        }
        for (fact, why) in facts
            .failures()
            .filter(|(fact, _)| self.wanted.contains(*fact))
        {
            table.row([fact.name().to_owned(), format!("not read: {why}")]);
        }
        format!("{name}\n{}", table.render())
    }

    /// The whole document.
    pub fn json(&self) -> Value {
        hosts_read::document(SCHEMA, self.lines())
    }

    /// One value per host.
    pub fn lines(&self) -> impl Iterator<Item = Value> {
        let wanted = |fact| self.wanted.contains(fact);
        self.hosts.lines(wanted, |facts| self.members(facts))
    }

    fn members(&self, facts: &Facts) -> Vec<(&'static str, Value)> {
        let mut groups: Map<String, Value> = Map::new();
        for (fact, value) in facts
            .values()
            .filter(|(fact, _)| self.wanted.contains(*fact))
        {
            let (group, name) = fact.name().split_once('.').unwrap_or((fact.name(), ""));
            let group = groups.entry(group.to_owned()).or_insert_with(|| json!({}));
            if let Value::Object(group) = group {
                group.insert(name.to_owned(), json!(value.shown()));
            }
        }
        vec![("facts", groups.into())]
    }

    /// One row per host and fact.
    pub fn csv(&self) -> String {
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (name, read) in self.hosts.iter() {
            let row = |fact: &str, value: String, unread: String| {
                vec![(*name).to_owned(), fact.to_owned(), value, unread]
            };
            match read {
                Err(error) => rows.push(row("", String::new(), error.to_string())),
                Ok(facts) => {
                    let shown = facts
                        .values()
                        .filter(|(fact, _)| self.wanted.contains(*fact));
                    rows.extend(
                        shown.map(|(fact, value)| row(fact.name(), value.text(), String::new())),
                    );
                    let unread = facts
                        .failures()
                        .filter(|(fact, _)| self.wanted.contains(*fact));
                    rows.extend(
                        unread.map(|(fact, why)| row(fact.name(), String::new(), why.to_owned())),
                    );
                }
            }
        }
        csv::document(&["host", "fact", "value", "unread"], rows)
    }
}

/// The table of facts itself, for people: what there is, of what type, from which row of the reference.
pub fn list() -> String {
    let mut table = Table::new(["FACT", "TYPE", "ROW", "WHAT"]);
    for row in FACTS {
        table.row([row.name, word(row.kind), row.row, row.about]);
    }
    table.render()
}

/// The same, one value per fact.
pub fn list_lines() -> impl Iterator<Item = Value> {
    FACTS.iter().map(|row| {
        json!({ "name": row.name, "type": word(row.kind), "row": row.row, "about": row.about })
    })
}

/// The same as one document.
pub fn list_json() -> Value {
    json!({ "schema": 1, "facts": list_lines().collect::<Vec<_>>() })
}

/// The same for spreadsheets.
pub fn list_csv() -> String {
    let rows = FACTS.iter().map(|row| {
        [row.name, word(row.kind), row.row, row.about]
            .map(str::to_owned)
            .to_vec()
    });
    csv::document(&["fact", "type", "row", "about"], rows)
}

fn word(kind: FactKind) -> &'static str {
    match kind {
        FactKind::Bool => "bool",
        FactKind::Number => "number",
        FactKind::Text => "text",
        FactKind::Version => "version",
        FactKind::Time => "time",
        FactKind::Texts => "texts",
        FactKind::Numbers => "numbers",
    }
}

/// The JSON Schema (draft 2020-12) of `facts -o json`, from the same table as the reader.
pub fn facts_schema() -> Value {
    let mut groups: Map<String, Value> = Map::new();
    for row in FACTS {
        let (group, name) = row.name.split_once('.').unwrap_or((row.name, ""));
        let group = groups.entry(group.to_owned()).or_insert_with(
            || json!({ "type": "object", "additionalProperties": false, "properties": {} }),
        );
        let mut of = match row.kind {
            FactKind::Bool => json!({ "type": ["boolean", "null"] }),
            FactKind::Number => json!({ "type": ["integer", "null"] }),
            FactKind::Text | FactKind::Version => json!({ "type": ["string", "null"] }),
            FactKind::Time => json!({ "type": ["string", "null"], "format": "date-time" }),
            FactKind::Texts => json!({ "type": ["array", "null"], "items": { "type": "string" } }),
            FactKind::Numbers => {
                json!({ "type": ["array", "null"], "items": { "type": "integer" } })
            }
        };
        of["description"] = format!("{} ({})", row.about, row.row).into();
        group["properties"][name] = of;
    }
    hosts_read::json_schema(
        SCHEMA,
        (
            "winfleet facts",
            "What was read of each host; a fact that is null is not there, one below 'unread' could not be read.",
        ),
        vec![(
            "facts",
            json!({ "type": "object", "additionalProperties": false, "properties": groups }),
        )],
    )
}

#[cfg(test)]
mod tests {
    use playbooks::{Fact, FactValue};
    use rollout::{HostError, Reason};

    use super::*;

    /// What a hostile host says of itself, and an odd name in an inventory, are shown as text, in every form.
    #[test]
    fn remote_text_is_neutral_in_every_form() {
        let evil = || "=p\u{1b}[2J\u{202e}".to_owned();
        let mut facts = Facts::default();
        facts.set(Fact::OsCaption, FactValue::Text(evil()));
        facts.set(Fact::NetworkAddresses, FactValue::Texts(vec![evil()]));
        facts.set_unread(Fact::ProxyEdr, evil());
        let error = HostError::failed(Reason::AccessDenied, "denied\u{9b}");
        let view = FactsOf {
            hosts: HostsRead::from_iter([
                ("pc-1\u{1b}", Ok(&facts)),
                ("pc-2\u{202e}", Err(&error)),
            ]),
            wanted: FactSet::all(),
        };
        let lines: Vec<String> = view.lines().map(|line| crate::json::line(&line)).collect();
        for text in [
            view.table(),
            view.csv(),
            crate::json::pretty(&view.json()),
            lines.concat(),
        ] {
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{text}");
            assert!(text.contains("pc-1") && text.contains("denied"), "{text}");
        }
    }
}
