//! The trace file: new, for the user alone, bounded; and read again with the same bound.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::record::{Event, Line, SCHEMA};
use crate::failure::Failure;
use crate::out;

/// Bytes of a file. A ping of one host takes some ten thousand.
const MAX_BYTES: u64 = 64 << 20;

/// A trace file that is being written.
#[derive(Debug)]
pub(super) struct TraceFile {
    begun: Instant,
    // A lock: the sessions of all hosts write here, whole lines each.
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    file: File,
    left: u64,
}

impl TraceFile {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let file = private(path).map_err(|error| {
            let cannot = format!("cannot write the trace {}", path.display());
            let hint = if error.kind() == io::ErrorKind::AlreadyExists {
                "--trace takes the name of a new file: an old trace is not overwritten"
            } else {
                "--trace takes a new file in a folder that exists"
            };
            Failure::caused(cannot, &error).hint(hint)
        })?;
        let trace = Self {
            begun: Instant::now(),
            open: Mutex::new(Some(Open {
                file,
                left: MAX_BYTES,
            })),
        };
        let event = Event::Trace {
            schema: SCHEMA,
            program: concat!("winfleet ", env!("CARGO_PKG_VERSION")).to_owned(),
            started: jiff::Timestamp::now().to_string(),
        };
        trace.write("", event);
        Ok(trace)
    }

    /// Adds a line. A disk that is full ends the trace, not the run.
    pub(super) fn write(&self, host: &str, event: Event) {
        let line = |host: &str, event: Event| {
            let at_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let host = host.to_owned();
            let line = Line { at_ms, host, event };
            serde_json::to_string(&line).map(|text| text + "\n")
        };
        let mut guard = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = guard.as_mut() else { return };
        let text = line(host, event);
        let written = text.map_err(io::Error::other).and_then(|text| {
            let size = text.len() as u64;
            // Room for the last line is kept.
            if size + 100 > open.left {
                let last = line("", Event::Full).map_err(io::Error::other)?;
                open.file.write_all(last.as_bytes())?;
                return Ok(false);
            }
            open.left -= size;
            open.file.write_all(text.as_bytes())?;
            Ok(true)
        });
        match written {
            Ok(true) => {}
            Ok(false) => {
                *guard = None;
                out::note("warning: the trace has come to its bound of 64 MiB and ends here");
            }
            Err(error) => {
                *guard = None;
                out::note(&format!(
                    "warning: the trace cannot be written any more: {error}"
                ));
            }
        }
    }
}

/// A new file that only the user can read. On Windows it has the rights of its folder, as everything there.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The byte order mark of UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// How a trace ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a whole line.
    Whole,
    /// The program came to the bound of the file; what happened later is not in it.
    Full,
    /// In the middle of the line with this number, which is left out.
    Cut(usize),
}

/// Reads a trace: its lines but the first, and how it ends.
///
/// # Errors
/// It cannot be read, is no trace, or a newer program's; with the number of the line.
pub(crate) fn read(path: &Path) -> Result<(Vec<Line>, End), Failure> {
    let name = path.display();
    let cannot =
        |error: io::Error| Failure::caused(format!("cannot read the trace {name}"), &error);
    let file = File::open(path).map_err(cannot)?;
    let mut reader = BufReader::new(file.take(MAX_BYTES + 1));
    let mut lines = Vec::new();
    let mut end = End::Whole;
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        if reader.read_until(b'\n', &mut text).map_err(cannot)? == 0 {
            break;
        }
        // Mail programs and editors on the way add these.
        if number == 1 && text.starts_with(BOM) {
            text.drain(..BOM.len());
        }
        if number > 1 && text.trim_ascii().is_empty() {
            continue;
        }
        let line: Line = match serde_json::from_slice(&text) {
            Ok(line) => line,
            // A copy that broke off, or a program that was killed while it wrote.
            Err(error) if number > 1 && cut(&error, &text, &mut reader).map_err(cannot)? => {
                end = End::Cut(number);
                break;
            }
            Err(error) => {
                return Err(Failure::caused(
                    format!("{name}:{number}: this is no line of a trace"),
                    &error,
                )
                .hint("ping --replay takes a file that --trace wrote"));
            }
        };
        match (&line.event, number) {
            (Event::Trace { schema, .. }, 1) if *schema <= SCHEMA => {}
            (Event::Trace { program, .. }, 1) => {
                return Err(Failure::new(format!(
                    "{name}: a newer winfleet wrote this trace ({program})"
                )));
            }
            (_, 1) => return Err(Failure::new(format!("{name}:1: this is no trace"))),
            (Event::Full, _) => end = End::Full,
            _ => lines.push(line),
        }
    }
    Ok((lines, end))
}

/// It is the last line that says something, and breaks off.
fn cut(error: &serde_json::Error, text: &[u8], reader: &mut impl BufRead) -> io::Result<bool> {
    if !error.is_eof() && text.ends_with(b"\n") {
        return Ok(false);
    }
    let mut more = Vec::new();
    while reader.read_until(b'\n', &mut more)? > 0 {
        if !more.trim_ascii().is_empty() {
            return Ok(false);
        }
        more.clear();
    }
    Ok(true)
}
