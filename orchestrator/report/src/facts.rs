//! Facts of hosts as they are shown: one block per host, or data. Remote text is neutralised in every form.

use playbooks::{FACTS, FactKind, FactSet, Facts};
use rollout::{HostError, Severity};
use serde_json::{Map, Value, json};

use crate::csv;
use crate::table::Table;
use crate::text::neutral;

/// Name and version of the JSON form.
pub const SCHEMA: &str = "winfleet.facts/1";

/// What was read of each host, in the order of the inventory.
#[derive(Debug)]
pub struct FactsOf<'a> {
    /// Name, and facts or why there are none.
    pub hosts: Vec<(&'a str, Result<&'a Facts, &'a HostError>)>,
    /// Which facts are shown; others were read because these follow from them.
    pub wanted: FactSet,
}

impl FactsOf<'_> {
    /// Whether a host could not be read for that kind of reason.
    pub fn any_unread(&self, severity: Severity) -> bool {
        let mut errors = self.hosts.iter().filter_map(|(_, read)| read.err());
        errors.any(|error| error.severity == severity)
    }

    /// For people.
    pub fn table(&self) -> String {
        let blocks: Vec<String> = self
            .hosts
            .iter()
            .map(|(name, read)| self.block(name, *read))
            .collect();
        blocks.join("\n")
    }

    fn block(&self, name: &str, read: Result<&Facts, &HostError>) -> String {
        let name = neutral(name);
        let facts = match read {
            Ok(facts) => facts,
            Err(error) => return format!("{name}  not read: {}\n", neutral(&error.to_string())),
        };
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
        let hosts: Vec<Value> = self.lines().collect();
        json!({ "schema": SCHEMA, "hosts": hosts })
    }

    /// One value per host.
    pub fn lines(&self) -> impl Iterator<Item = Value> {
        self.hosts.iter().map(|(name, read)| self.host(name, *read))
    }

    fn host(&self, name: &str, read: Result<&Facts, &HostError>) -> Value {
        let facts = match read {
            Ok(facts) => facts,
            Err(error) => {
                let detail = neutral(&error.detail).into_owned();
                return json!({ "name": name, "reason": error.reason, "detail": detail });
            }
        };
        let mut groups: Map<String, Value> = Map::new();
        for (fact, value) in facts
            .values()
            .filter(|(fact, _)| self.wanted.contains(*fact))
        {
            let (group, name) = fact.name().split_once('.').unwrap_or((fact.name(), ""));
            let group = groups.entry(group.to_owned()).or_insert_with(|| json!({}));
            if let Value::Object(group) = group {
                group.insert(name.to_owned(), json!(value));
            }
        }
        let unread: Map<String, Value> = facts
            .failures()
            .filter(|(fact, _)| self.wanted.contains(*fact))
            .map(|(fact, why)| (fact.name().to_owned(), neutral(why).into_owned().into()))
            .collect();
        json!({ "name": name, "facts": groups, "unread": unread })
    }

    /// One row per host and fact.
    pub fn csv(&self) -> String {
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (name, read) in &self.hosts {
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
    let text = json!({ "type": "string" });
    let read = json!({
        "type": "object",
        "required": ["name", "facts", "unread"],
        "additionalProperties": false,
        "properties": {
            "name": text,
            "facts": { "type": "object", "additionalProperties": false, "properties": groups },
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
        "title": "winfleet facts",
        "description": "What was read of each host; a fact that is null is not there, one below 'unread' could not be read.",
        "type": "object",
        "required": ["schema", "hosts"],
        "additionalProperties": false,
        "properties": {
            "schema": { "const": SCHEMA },
            "hosts": { "type": "array", "items": { "oneOf": [read, unread] } },
        },
    })
}
