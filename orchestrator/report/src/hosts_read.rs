//! What was read of each host, as `facts` and `explain` show it: the same frame around what differs. The name of a host and
//! all that it said are neutralised here.

use playbooks::Facts;
use rollout::{HostError, Severity};
use serde_json::{Map, Value, json};

use crate::text::neutral;

/// Hosts in the order of the inventory.
#[derive(Debug)]
pub struct HostsRead<'a> {
    hosts: Vec<(&'a str, Result<&'a Facts, &'a HostError>)>,
}

impl<'a> FromIterator<(&'a str, Result<&'a Facts, &'a HostError>)> for HostsRead<'a> {
    /// Name, and facts or why there are none.
    fn from_iter<I>(hosts: I) -> Self
    where
        I: IntoIterator<Item = (&'a str, Result<&'a Facts, &'a HostError>)>,
    {
        let hosts = hosts.into_iter().collect();
        Self { hosts }
    }
}

impl<'a> HostsRead<'a> {
    /// Whether a host could not be read for that kind of reason.
    pub fn any_unread(&self, severity: Severity) -> bool {
        let mut errors = self.hosts.iter().filter_map(|(_, read)| read.err());
        errors.any(|error| error.severity == severity)
    }

    pub(crate) fn iter(
        &self,
    ) -> impl Iterator<Item = &(&'a str, Result<&'a Facts, &'a HostError>)> {
        self.hosts.iter()
    }

    /// For people: a block for each host; `block` gets the name as it may be shown.
    pub(crate) fn blocks(&self, block: impl Fn(&str, &Facts) -> String) -> String {
        let blocks = self.hosts.iter().map(|(name, read)| {
            let name = neutral(name);
            match read {
                Ok(facts) => block(&name, facts),
                Err(error) => format!("{name}  not read: {}\n", neutral(&error.to_string())),
            }
        });
        blocks.collect::<Vec<_>>().join("\n")
    }

    /// One value per host: its name, the members that `of` makes of its facts, and those of `wanted` that could not be read.
    pub(crate) fn lines(
        &self,
        wanted: impl Fn(playbooks::Fact) -> bool,
        of: impl Fn(&Facts) -> Vec<(&'static str, Value)>,
    ) -> impl Iterator<Item = Value> {
        self.hosts.iter().map(move |(name, read)| {
            let name = neutral(name);
            let facts = match read {
                Ok(facts) => facts,
                Err(error) => {
                    let detail = neutral(&error.detail);
                    return json!({ "name": name, "reason": error.reason, "detail": detail });
                }
            };
            let unread: Map<String, Value> = facts
                .failures()
                .filter(|(fact, _)| wanted(*fact))
                .map(|(fact, why)| (fact.name().to_owned(), neutral(why).into_owned().into()))
                .collect();
            let mut host = json!({ "name": name });
            for (member, value) in of(facts) {
                host[member] = value;
            }
            host["unread"] = unread.into();
            host
        })
    }
}

/// The whole document.
pub(crate) fn document(schema: &str, lines: impl Iterator<Item = Value>) -> Value {
    json!({ "schema": schema, "hosts": lines.collect::<Vec<_>>() })
}

/// The JSON Schema (draft 2020-12) of such a document; `members` are those of a host that was read.
pub(crate) fn json_schema(
    schema: &str,
    (title, description): (&str, &str),
    members: Vec<(&'static str, Value)>,
) -> Value {
    let text = json!({ "type": "string" });
    let required: Vec<&str> = std::iter::once("name")
        .chain(members.iter().map(|(member, _)| *member))
        .chain(["unread"])
        .collect();
    let mut properties = json!({ "name": text });
    for (member, of) in &members {
        properties[*member] = of.clone();
    }
    properties["unread"] = json!({ "type": "object", "additionalProperties": text });
    let read = json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    });
    let unread = json!({
        "type": "object",
        "required": ["name", "reason", "detail"],
        "additionalProperties": false,
        "properties": { "name": text, "reason": text, "detail": text },
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": description,
        "type": "object",
        "required": ["schema", "hosts"],
        "additionalProperties": false,
        "properties": {
            "schema": { "const": schema },
            "hosts": { "type": "array", "items": { "oneOf": [read, unread] } },
        },
    })
}
