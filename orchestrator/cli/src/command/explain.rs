//! `explain`: which proxy each component of a host will use, and why. Writes to none, by the types it gets (`look.rs`).

use std::sync::Arc;

use inventory::Inventory;
use playbooks::explain_facts;
use report::explain::ExplanationOf;
use rollout::{AskFacts, RunSpec};

use super::facts;
use crate::args::{Explain, Global, Output};
use crate::failure::{Failure, Outcome, Sent};
use crate::{exit_code, files, look, out, selection};

/// Reads and shows.
pub(crate) fn run(global: &Global, explain: &Explain) -> Outcome {
    let meant = Global {
        limit: Some(selector(global, explain)?),
        ..global.clone()
    };
    let inventory = files::inventory(&meant)?;
    let selected = selection::select(&meant, &inventory)?;
    let shown = show(
        global,
        explain,
        facts::spec_of(&inventory, &selected.hosts)?,
    );
    selected.unread.told(shown)
}

fn show(global: &Global, explain: &Explain, spec: RunSpec) -> Outcome {
    let spec = Arc::new(spec);
    let Some(readings) = look::read(
        global,
        &spec,
        AskFacts(explain_facts()),
        explain.max_parallel,
    )?
    else {
        return Ok(exit_code::INTERRUPTED);
    };
    let view = ExplanationOf {
        hosts: facts::hosts(&spec, &readings),
    };
    let text = match global.output {
        Output::Table => view.screens(),
        Output::Json => report::json::pretty(&view.json()),
        Output::Jsonl => view.lines().map(|line| report::json::line(&line)).collect(),
        Output::Csv => view.csv(),
    };
    out::result(&text).map_err(|failure| failure.sent(Sent::OnlyRead))?;
    Ok(look::code(
        |severity| view.any_unread(severity),
        exit_code::DONE,
    ))
}

/// The host, or hosts, as a selector; a short name will do where it is unique.
fn selector(global: &Global, explain: &Explain) -> Result<String, Failure> {
    let inventory = files::inventory(global)?;
    let named = match short(&inventory, &explain.host)? {
        Some(name) => name,
        None => explain.host.clone(),
    };
    Ok(match &global.limit {
        Some(limit) => format!("({named}) & ({limit})"),
        None => named,
    })
}

/// The one host that this is the short name of.
fn short(inventory: &Inventory, text: &str) -> Result<Option<String>, Failure> {
    let is_name = |name: &str| name.eq_ignore_ascii_case(text);
    if inventory
        .hosts
        .iter()
        .any(|host| is_name(host.name.as_str()))
    {
        return Ok(None);
    }
    let mut found = inventory
        .hosts
        .iter()
        .filter(|host| is_name(host.name.short()));
    let Some(first) = found.next() else {
        return Ok(None);
    };
    match found.next() {
        None => Ok(Some(first.name.as_str().to_owned())),
        Some(second) => Err(Failure::new(format!(
            "'{text}' is short for {} and for {}",
            first.name, second.name
        ))
        .hint("write the whole name")),
    }
}
