//! Writing results to stdout and messages to stderr: the only place that does.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::interrupt;

/// Writes a result. A reader that has gone away (`| head`, a terminal that was closed) is no error.
///
/// # Errors
/// Stdout cannot be written to: a full disk behind a redirection must not look like success.
pub(crate) fn result(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe && !interrupt::hung_up() => {
            Err(Failure::caused("cannot write the result", &error))
        }
        _ => Ok(()),
    }
}

/// Writes a result to a file that the operator named. A half-written one is never left under that name.
///
/// # Errors
/// The folder is missing, the disk is full, or writing is not allowed there.
pub(crate) fn file(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let cannot =
        |error: io::Error| Failure::caused(format!("cannot write {}", path.display()), &error);
    // What is no plain file (a pipe, /dev/stdout) is written to, not replaced.
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return fs::write(path, text).map_err(cannot);
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.part", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        // The draft may not even exist.
        let _ = fs::remove_file(&draft);
        cannot(error)
    })
}

/// Writes a message for the operator. Where stderr does not take it, nobody is there to be told.
pub(crate) fn message(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush());
}

/// A message on a line of its own.
pub(crate) fn note(text: &str) {
    message(&format!("{text}\n"));
}
