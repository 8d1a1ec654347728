//! `runs`: past and live runs, newest first; `runs export` and `runs import`.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use rollout::TransferError;

use crate::args::{Global, Output, Runs, RunsAction};
use crate::failure::{Failure, Outcome};
use crate::{exit_code, journal, out};

/// Lists the journal's runs, or moves one.
pub(crate) fn run(global: &Global, runs: &Runs) -> Outcome {
    match &runs.action {
        None => list(global),
        Some(RunsAction::Export { run, file }) => export(global, run, file),
        Some(RunsAction::Import { file }) => import(global, file),
    }
}

fn export(global: &Global, run: &str, path: &Path) -> Outcome {
    let (journal, record) = journal::record(global, run)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // It names hosts and says what is on them.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| {
        Failure::caused(format!("cannot create {}", path.display()), &error)
            .hint("export does not overwrite a file")
    })?;
    let mut file = BufWriter::new(file);
    let exported = journal.export(&record.id, &mut file).and_then(|events| {
        Ok(file
            .flush()
            .and_then(|()| file.get_ref().sync_all())
            .map(|()| events)?)
    });
    let events = exported.map_err(|error| {
        // Half a run is of no use to anybody; what cannot be removed is refused at import.
        let _ = fs::remove_file(path);
        failure(&error, path)
    })?;
    let words = format!(
        "run {} is in {}: {events} events, no secret",
        record.id,
        path.display()
    );
    out::result(&format!("{words}\n"))?;
    Ok(exit_code::DONE)
}

fn import(global: &Global, path: &Path) -> Outcome {
    let file = open(path)?;
    let journal = journal::writable(global)?;
    let (id, new) = journal
        .import(&mut BufReader::new(file))
        .map_err(|error| failure(&error, path))?;
    let words = if new {
        "is in the journal now"
    } else {
        "was in the journal already"
    };
    out::result(&format!(
        "run {id} {words}: winfleet report {id}, winfleet rollback {id}\n"
    ))?;
    Ok(exit_code::DONE)
}

pub(super) fn open(path: &Path) -> Result<File, Failure> {
    File::open(path)
        .map_err(|error| Failure::caused(format!("cannot read {}", path.display()), &error))
}

/// Altered, or not ours to take: refused (8); all else is an error (1).
pub(super) fn failure(error: &TransferError, path: &Path) -> Failure {
    let headline = format!("{} cannot be used", path.display());
    match error {
        TransferError::Journal(error) => journal::failure(error),
        TransferError::Altered(_) | TransferError::Conflict(_) | TransferError::UnderWay(_) => {
            Failure::refused(format!("{headline}: {error}"))
        }
        _ => Failure::caused(headline, error),
    }
}

fn list(global: &Global) -> Outcome {
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
