//! `runs`: past and live runs, newest first.

use crate::args::{Global, Output};
use crate::failure::Outcome;
use crate::{exit_code, journal, out};

/// Lists the journal's runs.
pub(crate) fn run(global: &Global) -> Outcome {
    let runs = match journal::readable(global)? {
        Some(journal) => journal.runs().map_err(|error| journal::failure(&error))?,
        None => Vec::new(),
    };
    let text = match global.output {
        Output::Table if runs.is_empty() => "no runs yet\n".to_owned(),
        Output::Table => report::runs::table(&runs),
        Output::Json => report::json::pretty(&report::json::runs(&runs)),
        Output::Jsonl => runs
            .iter()
            .map(|run| report::json::line(&report::json::summary(run)))
            .collect(),
        Output::Csv => report::csv::runs(&runs),
    };
    out::result(&text)?;
    Ok(exit_code::DONE)
}
