//! `hosts`: who is meant, and where each setting came from.

use report::table::Table;
use serde_json::{Map, Value, json};

use crate::args::{Global, Output};
use crate::failure::Outcome;
use crate::{exit_code, files, out, settings};

/// Prints the resolved hosts.
pub(crate) fn run(global: &Global) -> Outcome {
    let inventory = files::inventory(global)?;
    let hosts = files::select(&inventory, global.limit.as_deref())?;
    let text = match global.output {
        Output::Table => hosts
            .iter()
            .map(|host| block(host))
            .collect::<Vec<_>>()
            .join("\n"),
        Output::Json => {
            let all: Vec<Value> = hosts.iter().map(|host| value(host)).collect();
            report::json::pretty(&json!({ "schema": 1, "hosts": all }))
        }
        Output::Jsonl => hosts
            .iter()
            .map(|host| report::json::line(&value(host)))
            .collect(),
        Output::Csv => {
            let rows = hosts.iter().flat_map(|host| {
                let ring = vec![
                    host.name.to_string(),
                    "ring".to_owned(),
                    host.ring.clone().unwrap_or_else(|| "none".to_owned()),
                    settings::origin(&host.ring_from),
                ];
                let groups = vec![
                    host.name.to_string(),
                    "groups".to_owned(),
                    host.groups.join("|"),
                    String::new(),
                ];
                let settings = settings::rows(&host.settings).into_iter().map(|row| {
                    vec![
                        host.name.to_string(),
                        row.name.to_owned(),
                        row.value,
                        row.from,
                    ]
                });
                let vars = vars(host).into_iter().map(|(name, (value, from))| {
                    vec![
                        host.name.to_string(),
                        format!("vars.{name}"),
                        plain(&value),
                        from,
                    ]
                });
                [ring, groups].into_iter().chain(settings).chain(vars)
            });
            report::csv::document(&["host", "setting", "value", "from"], rows)
        }
    };
    out::result(&text)?;
    Ok(exit_code::DONE)
}

fn block(host: &inventory::Host) -> String {
    let ring = host.ring.as_deref().unwrap_or("none");
    let groups = if host.groups.is_empty() {
        "none".to_owned()
    } else {
        host.groups.join(", ")
    };
    let mut table = Table::new(["SETTING", "VALUE", "FROM"]);
    let from = settings::origin(&host.ring_from);
    table.row(["ring".to_owned(), ring.to_owned(), from]);
    for row in settings::rows(&host.settings) {
        table.row([row.name.to_owned(), row.value, row.from]);
    }
    for (name, (value, from)) in vars(host) {
        table.row([format!("vars.{name}"), plain(&value), from]);
    }
    format!(
        "{}  ring {}  groups {}\n{}",
        report::text::neutral(host.name.as_str()),
        report::text::neutral(ring),
        report::text::neutral(&groups),
        table.render()
    )
}

fn value(host: &inventory::Host) -> Value {
    let of = |value: Value, from: String| json!({ "value": value, "from": from });
    let rows: Map<String, Value> = settings::rows(&host.settings)
        .into_iter()
        .map(|row| (row.name.to_owned(), of(row.value.into(), row.from)))
        .collect();
    let vars: Map<String, Value> = vars(host)
        .into_iter()
        .map(|(name, (value, from))| (name, of(value, from)))
        .collect();
    json!({ "name": host.name, "ring": host.ring, "ring_from": settings::origin(&host.ring_from), "groups": host.groups, "settings": rows, "vars": vars })
}

fn vars(host: &inventory::Host) -> std::collections::BTreeMap<String, (Value, String)> {
    let layers = host.vars.iter().flat_map(|layer| {
        layer
            .vars
            .iter()
            .map(|(name, value)| (name.clone(), (value.clone(), settings::origin(&layer.from))))
    });
    layers.collect()
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
