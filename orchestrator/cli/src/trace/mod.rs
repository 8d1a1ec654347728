//! What passes between here and the hosts, for people: on the screen with `-vvv`, in a file with `--trace`.
//!
//! Both get it masked (`wsman_proto::shown`). The file's lines are in `record.rs`; `ping --replay` reads them again.

mod file;
mod kind;
mod problem;
pub(crate) mod record;
mod screen;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rollout::HostError;
use wsman::{Seen, Trace};

use crate::args::Global;
use crate::failure::Failure;
use file::TraceFile;
pub(crate) use file::{End, read};
use record::Event;
use screen::Screen;

/// From so many `-v` on, messages are shown.
const MESSAGES: u8 = 3;

/// The file of this process: verbs that read before they write make a fleet twice.
static FILE: OnceLock<Arc<TraceFile>> = OnceLock::new();

/// Both.
#[derive(Debug)]
struct Sinks {
    file: Option<Arc<TraceFile>>,
    screen: Option<Screen>,
}

impl Trace for Sinks {
    fn saw(&self, host: &str, seen: &Seen<'_>) {
        if let Some(file) = &self.file {
            file.write(host, Event::of(seen));
        }
        if let Some(screen) = &self.screen {
            screen.show(host, seen);
        }
    }
}

/// What the flags ask for, if they ask for anything.
///
/// # Errors
/// The file is there already, or cannot be made.
pub(crate) fn of(global: &Global) -> Result<Option<Arc<dyn Trace>>, Failure> {
    let file = global.trace.as_deref().map(open).transpose()?;
    let screen = (global.verbose >= MESSAGES).then(Screen::default);
    if file.is_none() && screen.is_none() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Sinks { file, screen })))
}

fn open(path: &Path) -> Result<Arc<TraceFile>, Failure> {
    if let Some(file) = FILE.get() {
        return Ok(Arc::clone(file));
    }
    let file = Arc::new(TraceFile::create(path)?);
    Ok(Arc::clone(FILE.get_or_init(|| file)))
}

/// Adds what was said of a host in the end: what stands in the way, or what it does without.
pub(crate) fn verdict(host: &str, error: Option<&HostError>, partly: Option<&HostError>) {
    if let Some(file) = FILE.get() {
        let (error, partly) = (error.cloned(), partly.cloned());
        file.write(host, Event::Verdict { error, partly });
    }
}
