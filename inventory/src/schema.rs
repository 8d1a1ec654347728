//! The JSON Schema of YAML inventories, for editors: made from the same tables of keys as the reader.
//!
//! It is coarser than the reader: what it refuses is wrong, what it takes may still be (`winfleet check` judges).

use serde_json::{Map, Value, json};

use crate::layer::Layer;

/// The schema (draft 2020-12) of an inventory file.
pub fn inventory_schema() -> Value {
    let cap = json!({"type": "integer", "minimum": 1, "maximum": 100_000, "description": "Hosts of the group at work at once"});
    let group = with(block(), [("max_parallel", cap)]);
    let empty_or = |schema: Value| json!({"anyOf": [schema, {"type": "null"}]});
    let host = with(
        block(),
        [
            (
                "name",
                json!({"type": "string", "minLength": 1, "description": "Fully qualified: SPN, TLS name and the name checked before the first write"}),
            ),
            (
                "groups",
                json!({"type": ["array", "null"], "items": {"type": ["string", "integer"]}, "description": "In the order in which they win: later ones over earlier ones"}),
            ),
        ],
    );
    let password = json!({
        "description": "Where the password is, never what it is",
        "oneOf": [
            {"const": "prompt"},
            one_key("keyring", json!({"type": "string"})),
            one_key("env", json!({"type": "string"})),
            one_key("file", json!({"type": "string"})),
            one_key("command", json!({"type": "array", "items": {"type": "string"}, "minItems": 1})),
        ],
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "winfleet inventory",
        "description": "Who: hosts, groups, settings, references to credentials.",
        "type": "object",
        "additionalProperties": false,
        "required": ["version"],
        "properties": {
            "version": {"const": 1},
            "defaults": empty_or(object(block())),
            "credentials": empty_or(json!({
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": false,
                    "oneOf": [
                        {"required": ["username", "password"]},
                        {"required": ["username", "keytab"]},
                        {"required": ["logged_on"]},
                        {"required": ["ccache"]},
                        {"required": ["certificate", "key"]},
                    ],
                    "properties": {
                        "logged_on": {"const": true, "description": "Whoever is logged on to this machine, by Kerberos"},
                        "ccache": {"type": "string", "description": "Kerberos tickets that are already there: default, or the name of a cache"},
                        "keytab": {"type": "string", "description": "File with the account's Kerberos keys"},
                        "certificate": {"type": "string", "description": "PEM file of a client certificate, for auth: certificate"},
                        "key": {"type": "string", "description": "PEM file of its private key"},
                        "username": {"type": "string", "description": "DOMAIN\\user, user@REALM or .\\user"},
                        "password": password,
                    },
                },
            })),
            "groups": empty_or(json!({"type": "object", "additionalProperties": empty_or(object(group))})),
            "hosts": empty_or(json!({"type": "array", "items": with_required(object(host), "name")})),
        },
    })
}

/// Settings and variables, as defaults, groups and hosts have them.
fn block() -> Map<String, Value> {
    let mut keys: Map<String, Value> = Layer::KEYS
        .iter()
        .map(|key| ((*key).to_owned(), setting(key)))
        .collect();
    let vars = json!({"type": ["object", "null"], "description": "Variables of the playbook"});
    keys.insert("vars".to_owned(), vars);
    keys
}

fn setting(key: &str) -> Value {
    let duration = || json!({"type": "string", "pattern": "^\\s*([0-9]+\\s*(ms|s|m|h|d)\\s*)+$", "examples": ["10s", "2m", "1h30m"]});
    match key {
        "port" => json!({"type": "integer", "minimum": 1, "maximum": 65535}),
        "transport" => json!({"enum": ["http", "https"]}),
        "auth" => json!({"enum": ["negotiate", "kerberos", "ntlm", "basic", "certificate"]}),
        "spn_class" => json!({"enum": ["HTTP", "WSMAN", "HOST"]}),
        "spn_name" => {
            json!({"type": "string", "description": "The name under which the host's service is registered in the directory, where it is not 'name'; NAME@REALM where the realm has to be said"})
        }
        "channel" => json!({"enum": ["auto", "cim", "shell"]}),
        "verify_name" | "tls_verify" | "allow_ntlm" => json!({"type": "boolean"}),
        "connect_timeout" | "request_timeout" | "host_timeout" => duration(),
        "ring" => json!({"type": ["string", "integer"]}),
        // A setting that is new here is text until it is described.
        _ => json!({"type": "string"}),
    }
}

fn with<const N: usize>(
    mut keys: Map<String, Value>,
    more: [(&str, Value); N],
) -> Map<String, Value> {
    keys.extend(more.map(|(key, schema)| (key.to_owned(), schema)));
    keys
}

fn object(keys: Map<String, Value>) -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": keys})
}

fn with_required(mut object: Value, key: &str) -> Value {
    object["required"] = json!([key]);
    object
}

fn one_key(key: &str, schema: Value) -> Value {
    let keys = with(Map::new(), [(key, schema)]);
    with_required(object(keys), key)
}

#[cfg(test)]
mod tests {
    /// `WINFLEET_BLESS=1 cargo test -p inventory schema` writes the file anew.
    #[test]
    fn the_committed_schema_is_that_of_the_tables() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/inventory.schema.json");
        let schema = format!("{:#}\n", super::inventory_schema());
        if std::env::var_os("WINFLEET_BLESS").is_some() {
            std::fs::write(path, &schema).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed.replace("\r\n", "\n") == schema,
            "inventory.schema.json is not what the tables say; run with WINFLEET_BLESS=1 and read the difference"
        );
    }
}
