//! Asking the operator: a password without echo, or yes and no. Only at a terminal, and never with `--no-input`.

use std::io::{self, BufRead, IsTerminal, Write};

use wsman_proto::Secret;

use super::{PasswordError, one_line};

/// Whether and how the operator can be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prompter {
    interactive: bool,
}

impl Prompter {
    /// Asks where stdin and stderr are a terminal, unless forbidden.
    pub(crate) fn new(no_input: bool) -> Self {
        Self {
            interactive: !no_input && io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// True where somebody can be asked.
    pub(crate) fn interactive(self) -> bool {
        self.interactive
    }

    /// Asks for the password of a credential.
    pub(super) fn password(self, name: &str, username: &str) -> Result<Secret, PasswordError> {
        if !self.interactive {
            return Err(PasswordError::NoTerminal {
                name: name.to_owned(),
            });
        }
        let username = report::text::neutral(username);
        let text = rpassword::prompt_password(format!("password of {username}: "));
        one_line(
            text.map_err(PasswordError::Terminal)?.into_bytes(),
            "the terminal",
        )
    }

    /// Asks for a new password twice, or takes the first line of stdin where that is no terminal.
    pub(crate) fn new_password(self, name: &str) -> Result<Secret, PasswordError> {
        if !io::stdin().is_terminal() {
            let mut line = Vec::new();
            let mut stdin = io::stdin().lock();
            io::Read::take(&mut stdin, super::MAX_LENGTH as u64 + 1)
                .read_until(b'\n', &mut line)
                .map_err(PasswordError::Terminal)?;
            return one_line(line, "stdin");
        }
        if !self.interactive {
            return Err(PasswordError::NoTerminal {
                name: name.to_owned(),
            });
        }
        let shown = report::text::neutral(name);
        let ask = |text: String| rpassword::prompt_password(text).map_err(PasswordError::Terminal);
        let first = one_line(
            ask(format!("password for '{shown}': "))?.into_bytes(),
            "the terminal",
        )?;
        let again = one_line(ask("once more: ".to_owned())?.into_bytes(), "the terminal")?;
        if first.expose() == again.expose() {
            Ok(first)
        } else {
            Err(PasswordError::NotAPassword {
                source_name: "the terminal".to_owned(),
                what: "the two entries differ",
            })
        }
    }

    /// Asks yes or no; anything but `y` or `yes` is no. `None` where nobody can be asked.
    pub(crate) fn confirm(self, question: &str) -> Option<bool> {
        if !self.interactive {
            return None;
        }
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "{question} [y/N] ");
        let _ = stderr.flush();
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).ok()?;
        Some(matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "y" | "yes"
        ))
    }
}
