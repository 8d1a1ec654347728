//! Writing results to stdout and messages to stderr: the only place that does.

use std::io::{self, Write};

use crate::failure::Failure;

/// Writes a result. A reader that has gone away (`| head`) is no error.
///
/// # Errors
/// Stdout cannot be written to: a full disk behind a redirection must not look like success.
pub(crate) fn result(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::caused("cannot write the result", &error))
        }
        _ => Ok(()),
    }
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
