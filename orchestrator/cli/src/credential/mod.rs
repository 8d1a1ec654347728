//! Passwords: from the keyring, the environment, a file, a program or the terminal into a [`Secret`].
//!
//! The one place of the program that touches a password before the wire does. Nothing here logs a value, and
//! every error names the source, never its content. One file per source; `index.rs` keeps the names of what
//! `credential set` stored, because keyrings cannot be enumerated.

#[cfg(windows)]
mod acl;
mod command;
mod environment;
mod file;
pub(crate) mod index;
pub(crate) mod keyring;
mod prompt;
#[cfg(any(windows, test))]
mod sddl;

use std::time::Duration;

use inventory::{Credential, PasswordSource};
use wsman_proto::Secret;

pub(crate) use prompt::Prompter;

/// The longest password taken from any source; protects against a wrong path or a talkative program.
const MAX_LENGTH: usize = 4096;

/// How long a password program may take; long enough for a person to touch a token.
const COMMAND_DEADLINE: Duration = Duration::from_secs(60);

/// Why a password could not be had. Texts never contain what was read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// The keyring has no such entry.
    #[error("the keyring has no entry '{name}' of winfleet")]
    NotInKeyring {
        /// The entry.
        name: String,
    },
    /// The keyring does not answer.
    #[error("the keyring cannot be used")]
    Keyring(#[source] ::keyring::Error),
    /// The variable is not set, empty or not text.
    #[error("the environment variable {name} {what}")]
    Environment {
        /// The variable.
        name: String,
        /// `is not set`, ...
        what: &'static str,
    },
    /// The file cannot be read.
    #[error("cannot read the password file {path}")]
    FileRead {
        /// As written in the inventory.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others may read the file.
    #[error("the password file {path} can be read by others ({detail})")]
    FileExposed {
        /// As written in the inventory.
        path: String,
        /// Mode or account.
        detail: String,
    },
    /// The program cannot be started, failed or took too long.
    #[error("the password program {program} {what}")]
    Command {
        /// Without its arguments: those may be telling.
        program: String,
        /// What went wrong.
        what: String,
    },
    /// Nobody can be asked.
    #[error("the password of '{name}' has to be typed, and there is no terminal to ask at")]
    NoTerminal {
        /// The credential.
        name: String,
    },
    /// The terminal failed.
    #[error("cannot read from the terminal")]
    Terminal(#[source] std::io::Error),
    /// What was read cannot be a password.
    #[error("what {source_name} gives cannot be a password: {what}")]
    NotAPassword {
        /// The source, for people.
        source_name: String,
        /// The rule that is broken.
        what: &'static str,
    },
    /// The credential is made of tickets, keys or a certificate.
    #[error("'{name}' has no password: tickets, a keytab or a certificate take its place")]
    NoPassword {
        /// The credential.
        name: String,
    },
}

impl PasswordError {
    /// What to do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::NotInKeyring { .. } => "store it with: winfleet credential set NAME",
            Self::Keyring(_) => {
                "is a keyring service running and unlocked in this session? \
                 otherwise use password: { env: NAME }, { file: PATH } or { command: [PROG, ARG] }"
            }
            Self::Environment { .. } => "export the variable before winfleet starts",
            Self::FileRead { .. } => "the path is taken from the working directory of winfleet",
            Self::FileExposed { .. } if cfg!(windows) => {
                "let only your own account read it (icacls)"
            }
            Self::FileExposed { .. } => "let only yourself read it: chmod 600 FILE",
            Self::Command { .. } => {
                "the program has to print the password as its first line and exit with 0"
            }
            Self::NoTerminal { .. } => {
                "use password: { keyring: NAME }, { env: NAME }, { file: PATH } or { command: [PROG, ARG] }"
            }
            Self::Terminal(_) => "use another password source",
            Self::NoPassword { .. } => {
                "winfleet credential test NAME -i FILE --on HOST logs on once with it"
            }
            Self::NotAPassword { .. } => "the source has to hold the password alone, on one line",
        }
    }
}

/// Reads the password of a credential. `Prompt` asks through `prompter`.
pub(crate) fn read(credential: &Credential, prompter: &Prompter) -> Result<Secret, PasswordError> {
    match &credential.password {
        PasswordSource::Keyring(name) => keyring::read(name),
        PasswordSource::Env(name) => environment::read(name),
        PasswordSource::File(path) => file::read(path),
        PasswordSource::Command(line) => command::read(line, COMMAND_DEADLINE),
        PasswordSource::Prompt => prompter.password(&credential.name, &credential.username),
        PasswordSource::Tickets(_)
        | PasswordSource::Keytab(_)
        | PasswordSource::Certificate { .. } => Err(PasswordError::NoPassword {
            name: credential.name.clone(),
        }),
    }
}

/// Takes one line of bytes as a password: the line break is dropped, nothing else is trimmed.
fn one_line(bytes: Vec<u8>, source_name: &str) -> Result<Secret, PasswordError> {
    let refuse = |what| PasswordError::NotAPassword {
        source_name: source_name.to_owned(),
        what,
    };
    if bytes.len() > MAX_LENGTH {
        return Err(refuse("it is longer than 4096 bytes"));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| refuse("it is not UTF-8"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(refuse("it is empty"));
    }
    if text.contains(['\n', '\r', '\0']) {
        return Err(refuse("it has more than one line, or a NUL"));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_taken_as_it_is() {
        let text = |bytes: &[u8]| {
            one_line(bytes.to_vec(), "test").map(|secret| secret.expose().to_owned())
        };
        assert_eq!(text(b" p w \r\n").unwrap(), " p w ");
        assert_eq!(text("pä\n".as_bytes()).unwrap(), "pä");
        for bad in [&b""[..], b"\n", b"a\nb", b"a\0b", b"\xff", &[b'x'; 5000]] {
            let error = text(bad).unwrap_err().to_string();
            assert!(!error.contains("xxxx"), "{error}");
        }
    }
}
