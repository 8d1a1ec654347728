//! The JSON Schema of playbooks, for editors: made from the same tables of keys and words as the reader.
//!
//! It is coarser than the reader: what it refuses is wrong, what it takes may still be (`winfleet check` judges
//! templates, data and what excludes what).

use serde_json::{Map, Value, json};

use super::steps::{self, kinds};
use super::{KEYS, gates, preflight, probes, rollout, vars};
use crate::coerce::VarType;
use crate::preflight::CHECKS;
use crate::probe::{CONNECTIVITY, PROBES, REGIONS};
use crate::rules::kind_names;

/// The schema (draft 2020-12) of a playbook file.
pub fn playbook_schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "winfleet playbook",
        "description": "What: typed steps, variables, rings and limits.",
    });
    let keys = object(&KEYS, &["version", "name", "steps"], |key| match key {
        "version" => json!({"const": 1}),
        "vars" => json!({"type": "object", "additionalProperties": variable()}),
        "probes" => json!({"type": "array", "items": probe()}),
        "preflight" => {
            let mut lists = object(&preflight::KEYS, &[], |_| checks());
            lists["type"] = json!("object");
            json!({"anyOf": [{"enum": ["on", "off"]}, {"type": "boolean"}, lists], "default": "on",
                "description": "What is looked at on a host before the first write"})
        }
        "steps" => json!({"type": "array", "minItems": 1, "items": step()}),
        "rollout" => rollout_block(),
        _ => json!({"type": "string"}),
    });
    if let (Value::Object(schema), Value::Object(keys)) = (&mut schema, keys) {
        schema.extend(keys);
    }
    schema
}

fn variable() -> Value {
    object(&vars::KEYS, &["type"], |key| match key {
        "type" => json!({"enum": VarType::ALL.map(VarType::as_str)}),
        "required" => json!({"type": "boolean"}),
        "description" => json!({"type": "string"}),
        // A value of the variable's own type.
        _ => json!(true),
    })
}

fn step() -> Value {
    let keys: Vec<&str> = steps::COMMON.into_iter().chain(steps::KINDS).collect();
    let mut step = object(&keys, &[], |key| match key {
        "registry" => body(&kinds::REGISTRY, &["key", "value"]),
        "edr_proxy" => body(&kinds::EDR, &[]),
        "edr_prefer_static_proxy" => {
            let mut prefer = body(&kinds::PREFER, &[]);
            prefer["type"] = json!(["object", "null"]);
            prefer
        }
        "av_proxy" => body(&kinds::AV, &[]),
        "av_ssl_options" => body(&kinds::SSL, &[]),
        "winhttp_proxy" => body(&kinds::WINHTTP, &[]),
        "when" => {
            json!({"type": ["string", "boolean"], "description": "A condition over vars, host and facts"})
        }
        "allow" => checks(),
        _ => json!({"type": "string", "maxLength": super::LONGEST_NAME}),
    });
    let one = |kind: &str| json!({"required": [kind]});
    step["oneOf"] = json!(steps::KINDS.map(one));
    step
}

fn checks() -> Value {
    let names: Vec<&str> = CHECKS.iter().map(|row| row.name).collect();
    json!({"type": "array", "items": {"enum": names}})
}

fn probe() -> Value {
    let kinds = || PROBES.iter().map(|row| row.kind);
    let keys: Vec<&str> = probes::COMMON.into_iter().chain(kinds()).collect();
    let mut probe = object(&keys, &[], |key| {
        match PROBES.iter().find(|row| row.kind == key) {
            Some(row) => {
                let mut body = object(row.keys, row.needed, probe_field);
                body["description"] = json!(format!("{}: {}", row.rung, row.proves));
                if row.needed.is_empty() {
                    body["type"] = json!(["object", "null"]);
                }
                body
            }
            None if key == "when" => json!({"type": ["string", "boolean"]}),
            None if key == "as" => json!({"enum": ["account", "system"], "default": "account"}),
            None => json!({"type": "string", "maxLength": super::LONGEST_NAME}),
        }
    });
    let one = |kind: &str| json!({"required": [kind]});
    probe["oneOf"] = json!(kinds().map(one).collect::<Vec<_>>());
    probe
}

fn probe_field(key: &str) -> Value {
    match key {
        "within" | "again_after" => json!({"type": "string", "examples": ["2m", "30m"]}),
        "candidate" => json!({"type": "boolean", "default": true}),
        "region" => json!({"enum": REGIONS.map(|(word, _)| word)}),
        "connectivity" => json!({"enum": CONNECTIVITY.map(|(word, _)| word)}),
        "to" => json!({"type": ["string", "array"], "items": {"type": "string"}}),
        "names" => json!({"type": "array", "items": {"type": "string"}}),
        _ => json!({"type": "string"}),
    }
}

fn body(keys: &[&str], required: &[&str]) -> Value {
    object(keys, required, |key| match key {
        "type" => json!({"enum": kind_names()}),
        "ensure" => json!({"enum": ["present", "absent"], "default": "present"}),
        "store" => json!({"enum": kinds::AV_STORES.map(|(word, _)| word), "default": "policy"}),
        "value" if keys != kinds::REGISTRY => json!({"type": ["integer", "string"]}),
        "acknowledge" => json!({"enum": ["lowers_security"]}),
        "bypass" => json!({"type": ["array", "string"], "items": {"type": "string"}}),
        "data" => json!({"type": ["string", "integer", "array"], "items": {"type": "string"}}),
        _ => json!({"type": "string"}),
    })
}

fn rollout_block() -> Value {
    object(&rollout::KEYS, &[], |key| match key {
        "rings" => json!({"type": "array", "minItems": 1, "items": ring()}),
        "groups" => json!({
            "type": "object",
            "additionalProperties": object(&["max_parallel"], &["max_parallel"], setting),
        }),
        "retries" => object(&["per_host", "budget"], &[], setting),
        _ => setting(key),
    })
}

fn ring() -> Value {
    object(&rollout::RING_KEYS, &["name", "select"], setting)
}

/// What a ring and the whole rollout have in common.
fn setting(key: &str) -> Value {
    match key {
        "max_parallel" => json!({"type": "integer", "minimum": 1}),
        "per_host" => json!({"type": "integer", "minimum": 0, "maximum": 10}),
        "max_failed" | "max_unreachable" | "max_indeterminate" | "budget" => json!({
            "description": "A number of hosts, or a share of them",
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^\\s*[0-9]+(\\.[0-9]{0,2})?\\s*%?\\s*$"},
            ],
        }),
        "on_breach" => json!({"enum": rollout::ON_BREACH.map(|(word, _)| word)}),
        "approve" | "prove_undo" => json!({"type": "boolean"}),
        "host_marker" => {
            let words = rollout::HOST_MARKER.map(|(word, _)| word);
            json!({"anyOf": [{"type": "boolean"}, {"enum": words}]})
        }
        "windows" => {
            json!({"anyOf": [window(), {"type": "array", "minItems": 1, "items": window()}]})
        }
        "deadline" | "soak" => json!({"type": "string", "examples": ["30m", "2h", "1h30m"]}),
        _ => json!({"type": "string"}),
    }
}

fn window() -> Value {
    object(
        &gates::WINDOW_KEYS,
        &["from", "to", "tz"],
        |key| match key {
            "days" => {
                json!({"type": ["array", "string"], "items": {"type": "string"}, "minItems": 1})
            }
            _ => json!({"type": "string"}),
        },
    )
}

fn object(keys: &[&str], required: &[&str], of: impl Fn(&str) -> Value) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| ((*key).to_owned(), of(key)))
        .collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

#[cfg(test)]
mod tests {
    /// `WINFLEET_BLESS=1 cargo test -p playbooks schema` writes the file anew.
    #[test]
    fn the_committed_schema_is_that_of_the_tables() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/playbook.schema.json");
        let schema = format!("{:#}\n", super::playbook_schema());
        if std::env::var_os("WINFLEET_BLESS").is_some() {
            std::fs::write(path, &schema).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed.replace("\r\n", "\n") == schema,
            "playbook.schema.json is not what the tables say; run with WINFLEET_BLESS=1 and read the difference"
        );
    }
}
