//! A password from a program: the first line it prints. Time and output are bounded.
//!
//! No shell is involved. The program's own messages go to the terminal untouched, because a token or an agent
//! may have something to say to the operator; they are not kept.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use wsman_proto::Secret;

use super::{MAX_LENGTH, PasswordError, one_line};

/// Output beyond this is not read; a password program that prints more is the wrong program.
const MAX_OUTPUT: u64 = 64 * 1024;

/// Runs the program and takes the first line of its output.
pub(super) fn read(line: &[String], deadline: Duration) -> Result<Secret, PasswordError> {
    let (program, arguments) = line
        .split_first()
        .ok_or_else(|| failed("", "is not named"))?;
    let end = Instant::now() + deadline;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(program, format!("cannot be started: {error}")))?;
    let outcome = first_line(&mut child, end).and_then(|bytes| Ok((bytes, wait(&mut child, end)?)));
    if outcome.is_err() {
        // Best effort: the program may be gone by now.
        let _ = child.kill();
        let _ = child.wait();
    }
    let (bytes, status) = outcome.map_err(|what| failed(program, what))?;
    if !status.success() {
        return Err(failed(program, format!("failed ({status})")));
    }
    one_line(bytes, &format!("the program {program}"))
}

fn failed(program: &str, what: impl Into<String>) -> PasswordError {
    PasswordError::Command {
        program: program.to_owned(),
        what: what.into(),
    }
}

/// All output is read, so that the program does not die of a closed pipe; only the first line is kept.
fn first_line(child: &mut Child, end: Instant) -> Result<Vec<u8>, String> {
    let output = child.stdout.take().ok_or("has no output")?;
    // Capacity 1: exactly one message is ever sent, so the reader never blocks on it.
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let result = output
            .take(MAX_OUTPUT + 1)
            .read_to_end(&mut bytes)
            .map(|_| bytes);
        // The receiver is gone after a timeout.
        let _ = sender.send(result);
    });
    let bytes = receiver
        .recv_timeout(end.saturating_duration_since(Instant::now()))
        .map_err(|_| "did not finish in time".to_owned())?
        .map_err(|error| format!("cannot be read from: {error}"))?;
    if bytes.len() as u64 > MAX_OUTPUT {
        return Err("prints far more than a password".to_owned());
    }
    let length = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |index| index + 1);
    Ok(bytes[..length.min(MAX_LENGTH + 1)].to_vec())
}

fn wait(child: &mut Child, end: Instant) -> Result<ExitStatus, String> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() >= end => return Err("did not finish in time".to_owned()),
            // The output has ended, so the program is about to: a few rounds at most.
            Ok(None) => thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str, deadline: Duration) -> Result<Secret, PasswordError> {
        read(&["sh".into(), "-c".into(), script.into()], deadline)
    }

    #[test]
    fn the_first_line_is_the_password() {
        let long = Duration::from_secs(20);
        assert_eq!(
            sh("echo geheim; echo noise", long).unwrap().expose(),
            "geheim"
        );
        assert_eq!(sh("printf 'p w'", long).unwrap().expose(), "p w");
    }

    #[test]
    fn failures_are_told_apart_and_never_quote_the_output() {
        let long = Duration::from_secs(20);
        let text = |result: Result<Secret, PasswordError>| result.unwrap_err().to_string();
        assert!(text(sh("echo geheim; exit 3", long)).contains("exit status: 3"));
        assert!(!text(sh("echo geheim; exit 3", long)).contains("geheim"));
        assert!(text(sh("true", long)).contains("empty"));
        assert!(text(sh("yes geheim | head -c 100000", long)).contains("far more"));
        assert!(text(sh("exec sleep 60", Duration::from_millis(50))).contains("in time"));
        assert!(text(read(&["/no/such/program".into()], long)).contains("cannot be started"));
    }
}
