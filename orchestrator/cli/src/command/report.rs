//! `report RUN`: what a run did, host by host.

use crate::args::{Global, Report, ReportFormat};
use crate::failure::{Failure, Outcome};
use crate::{exit_code, journal, out};

/// Prints the report.
pub(crate) fn run(global: &Global, wanted: &Report) -> Outcome {
    let format = match wanted.format {
        ReportFormat::Html => Some("html"),
        ReportFormat::Junit => Some("junit"),
        ReportFormat::Json | ReportFormat::Csv => None,
    };
    if let Some(format) = format {
        return Err(
            Failure::new(format!("report --format {format} is not built yet"))
                .hint("json and csv are"),
        );
    }
    let (_, record) = journal::record(global, &wanted.run)?;
    let text = match wanted.format {
        ReportFormat::Csv => report::csv::run(&record),
        _ => report::json::pretty(&report::json::run(&record)),
    };
    out::result(&text)?;
    Ok(exit_code::DONE)
}
