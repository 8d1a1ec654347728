//! `status RUN`: how a run stands, once or as it changes.

use std::io::IsTerminal;
use std::time::Duration;

use rollout::{RunRecord, RunState};

use crate::args::{Global, Output, Status};
use crate::failure::{Failure, Outcome};
use crate::{exit_code, journal, out};

/// How often the journal is looked at.
const POLL: Duration = Duration::from_millis(500);

/// Prints the summary of one run.
pub(crate) fn run(global: &Global, status: &Status) -> Outcome {
    let (journal, mut record) = journal::record(global, &status.run)?;
    if !status.watch {
        out::result(&rendered(global, &record))?;
        return Ok(exit_code::DONE);
    }
    if !matches!(global.output, Output::Table | Output::Jsonl) {
        return Err(Failure::new(
            "--watch prints the run again and again: use -o table or -o jsonl",
        ));
    }
    let redraw = std::io::stdout().is_terminal() && global.output == Output::Table;
    let mut shown = String::new();
    loop {
        let text = rendered(global, &record);
        if text != shown {
            if redraw {
                // A terminal that cannot be cleared shows one screen below the other.
                let _ = console::Term::stdout().clear_screen();
            }
            out::result(&text)?;
            shown = text;
        }
        if !goes_on(&record) {
            return Ok(exit_code::DONE);
        }
        std::thread::sleep(POLL);
        record = journal
            .run(&record.id)
            .map_err(|error| journal::failure(&error))?;
    }
}

/// Somebody works on it. One that is paused may still be held by a terminal that waits for a word.
fn goes_on(record: &RunRecord) -> bool {
    let live = matches!(record.state, RunState::Running | RunState::RollingBack);
    live || (record.state == RunState::Paused && record.exit_code.is_none())
}

fn rendered(global: &Global, record: &RunRecord) -> String {
    match global.output {
        Output::Table => report::summary(
            record,
            report::Detail {
                verbose: global.verbose > 0,
            },
        ),
        Output::Json => report::json::pretty(&report::json::status(record)),
        Output::Jsonl => report::json::line(&report::json::status(record)),
        Output::Csv => report::csv::run(record),
    }
}
