//! `report RUN`: what a run did, host by host, or everything that happened with one host.

use document::nearest;
use inventory::HostName;
use report::html::Evidence;
use report::trail::Trail;
use report::{Timeline, json};
use rollout::{Journal, RunRecord};

use crate::args::{Global, Output, Report, ReportFormat};
use crate::failure::{Failure, Outcome};
use crate::{exit_code, host_name, journal, out};

/// Writes the report.
pub(crate) fn run(global: &Global, wanted: &Report) -> Outcome {
    let (journal, record) = journal::record(global, &wanted.run)?;
    let text = match &wanted.host {
        Some(host) => trail(global, wanted.format, &journal, &record, host)?,
        None => whole(global, wanted.format, &journal, &record)?,
    };
    match &wanted.out {
        None => out::result(&text)?,
        Some(path) => {
            out::file(path, &text)?;
            if !global.quiet {
                out::note(&format!("report written to {}", path.display()));
            }
        }
    }
    Ok(exit_code::DONE)
}

fn whole(
    global: &Global,
    format: Option<ReportFormat>,
    journal: &Journal,
    record: &RunRecord,
) -> Result<String, Failure> {
    let format = format.unwrap_or(match global.output {
        Output::Csv => ReportFormat::Csv,
        Output::Jsonl => {
            return Ok(json::host_lines(record)
                .map(|line| json::line(&line))
                .collect());
        }
        Output::Table | Output::Json => ReportFormat::Json,
    });
    Ok(match format {
        ReportFormat::Json => json::pretty(&json::run(record)),
        ReportFormat::Csv => report::csv::run(record),
        ReportFormat::Junit => report::junit::run(record, &timeline(journal, record)?),
        ReportFormat::Html => {
            let evidence = Evidence {
                exit_meaning: record
                    .exit_code
                    .and_then(exit_code::meaning)
                    .map(str::to_owned),
            };
            report::html::page(record, &timeline(journal, record)?, &evidence)
        }
    })
}

fn timeline(journal: &Journal, record: &RunRecord) -> Result<Timeline, Failure> {
    let mut timeline = Timeline::default();
    journal
        .visit_events(&record.id, |event| timeline.take(&event))
        .map_err(|error| journal::failure(&error))?;
    Ok(timeline)
}

fn trail(
    global: &Global,
    format: Option<ReportFormat>,
    journal: &Journal,
    record: &RunRecord,
    host: &str,
) -> Result<String, Failure> {
    let output = match format {
        None => global.output,
        Some(ReportFormat::Json) => Output::Json,
        Some(ReportFormat::Csv) => Output::Csv,
        Some(ReportFormat::Html | ReportFormat::Junit) => {
            return Err(Failure::new("html and junit are forms of whole runs")
                .hint("with --host: -o table, json, jsonl or csv"));
        }
    };
    let name = known(record, host)?;
    let mut trail = Trail::new(name);
    journal
        .visit_events(&record.id, |event| trail.take(event))
        .map_err(|error| journal::failure(&error))?;
    Ok(match output {
        Output::Table => trail.table(record),
        Output::Json => json::pretty(&trail.json(record)),
        Output::Jsonl => trail.lines(record).iter().map(json::line).collect(),
        Output::Csv => trail.csv(record),
    })
}

/// The host as the run spells it; its short name will do where no other host has it.
fn known(record: &RunRecord, wanted: &str) -> Result<HostName, Failure> {
    let names = || record.hosts.iter().map(|host| &host.name);
    if let Some(name) = host_name::named(wanted, names())? {
        return Ok(name.clone());
    }
    let failure = Failure::new(format!("host '{wanted}' is not in run {}", record.id));
    Err(match nearest(wanted, names().map(HostName::as_str)) {
        Some(near) => failure.hint(format!("did you mean '{near}'?")),
        None => failure.hint("winfleet report RUN -o csv lists its hosts"),
    })
}
