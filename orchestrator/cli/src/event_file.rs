//! The file of `--events`: a new one for a new run; whoever goes on with a run goes on in it.
//!
//! A controller that was killed leaves a file that ends before its journal does, perhaps within a line. What is missing
//! is taken from the journal, so that `seq` has no gap.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use rollout::{Event, Journal, RunId};
use serde_json::Value;

use crate::args::Global;
use crate::failure::Failure;
use crate::journal;

/// More than any line has.
const TAIL: u64 = 16 << 20;

/// Opened and empty, for a new run.
pub(crate) fn new(global: &Global) -> Result<Option<File>, Failure> {
    let path = global.events.as_deref();
    path.map(|path| File::create(path).map_err(|error| refused(path, &error)))
        .transpose()
}

/// Opened at its end, for the second of two runs of one command.
pub(crate) fn more(global: &Global) -> Result<Option<File>, Failure> {
    let path = global.events.as_deref();
    let open = |path: &Path| File::options().append(true).create(true).open(path);
    path.map(|path| open(path).map_err(|error| refused(path, &error)))
        .transpose()
}

/// Opened at its end, with all that the journal has of the run, where the file is of this run.
pub(crate) fn of_run(
    global: &Global,
    journal: &Journal,
    id: &RunId,
) -> Result<Option<File>, Failure> {
    let Some(path) = global.events.as_deref() else {
        return Ok(None);
    };
    let failed = |error| refused(path, &error);
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    if let Some(last) = last_line(&mut file).map_err(failed)? {
        let missing = after(&last, journal, id)?;
        file.write_all(missing.as_bytes()).map_err(failed)?;
    }
    Ok(Some(file))
}

/// One event as a line.
pub(crate) fn line(event: &Event) -> String {
    report::json::line(&report::event_shown::event(event))
}

/// Leaves the file at its end, behind its last whole line.
fn last_line(file: &mut File) -> io::Result<Option<Value>> {
    let from = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let end = tail.iter().rposition(|byte| *byte == b'\n');
    let (lines, torn) = tail.split_at(end.map_or(0, |end| end + 1));
    if torn.first() == Some(&b'{') && (from == 0 || !lines.is_empty()) {
        file.set_len(from + lines.len() as u64)?;
    }
    file.seek(SeekFrom::End(0))?;
    let last = lines.split(|byte| *byte == b'\n').rev().nth(1);
    Ok(last.and_then(|line| serde_json::from_slice(line).ok()))
}

/// What the journal has of the run after this event; nothing where the event is of another run.
fn after(last: &Value, journal: &Journal, id: &RunId) -> Result<String, Failure> {
    let Some(seq) = last["seq"].as_u64() else {
        return Ok(String::new());
    };
    let (mut same, mut missing) = (false, String::new());
    journal
        .visit_events(id, |event| {
            if event.seq == seq {
                same = report::event_shown::event(&event) == *last;
            } else if same {
                missing.push_str(&line(&event));
            }
        })
        .map_err(|error| journal::failure(&error))?;
    Ok(missing)
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    Failure::caused(
        format!("cannot write the event file {}", path.display()),
        error,
    )
    .hint("--events takes a file in a folder that exists")
}
