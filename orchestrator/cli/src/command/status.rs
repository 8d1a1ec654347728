//! `status RUN`: how a run stands.

use crate::args::{Global, Output};
use crate::failure::Outcome;
use crate::{exit_code, journal, out};

/// Prints the summary of one run.
pub(crate) fn run(global: &Global, run: &str) -> Outcome {
    let (_, record) = journal::record(global, run)?;
    let text = match global.output {
        Output::Table => report::summary(
            &record,
            report::Detail {
                verbose: global.verbose > 0,
            },
        ),
        Output::Json => report::json::pretty(&report::json::status(&record)),
        Output::Jsonl => report::json::line(&report::json::status(&record)),
        Output::Csv => report::csv::run(&record),
    };
    out::result(&text)?;
    Ok(exit_code::DONE)
}
