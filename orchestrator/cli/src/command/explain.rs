//! `explain`: which proxy each component of a host will use, and why. Writes to none, by the types it gets (`look.rs`).

use std::sync::Arc;

use inventory::Inventory;
use playbooks::explain_facts;
use report::explain::ExplanationOf;
use rollout::{AskFacts, RunSpec};

use super::facts;
use crate::args::{Explain, Global, Output};
use crate::failure::{Failure, Outcome, Sent};
use crate::{exit_code, files, host_name, look, out, selection};

/// Reads and shows.
pub(crate) fn run(global: &Global, explain: &Explain) -> Outcome {
    let inventory = files::inventory(global)?;
    let meant = Global {
        limit: Some(selector(global, explain, &inventory)?),
        ..global.clone()
    };
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
        |severity| view.hosts.any_unread(severity),
        exit_code::DONE,
    ))
}

/// The host, or hosts, as a selector; a short name will do where it is unique.
fn selector(global: &Global, explain: &Explain, inventory: &Inventory) -> Result<String, Failure> {
    let names = inventory.hosts.iter().map(|host| &host.name);
    let named = match host_name::named(&explain.host, names)? {
        Some(name) => name.as_str().to_owned(),
        None => explain.host.clone(),
    };
    Ok(match &global.limit {
        Some(limit) => format!("({named}) & ({limit})"),
        None => named,
    })
}
