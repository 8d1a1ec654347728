//! What a verb returns when it could not do what was asked: the exit code, the whole chain of causes and a hint.
//!
//! This is the only error type that is printed. Host failures are not here: they are results, shown in the
//! summary. The text of remote machines never enters unneutralised.

use std::error::Error;
use std::fmt::Write as _;

use document::Diagnostics;
use report::text;

use crate::exit_code;

/// What the operator has to know about the hosts after an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// No host was contacted.
    Nothing,
    /// Hosts were read, by a verb that cannot write.
    OnlyRead,
    /// Writes may have been sent; the named run can be resumed.
    Run(String),
    /// The named run did its work and is in the journal.
    Recorded(String),
    /// Not known at the place of the error.
    Perhaps,
}

/// An error on its way to the terminal.
#[derive(Debug)]
pub(crate) struct Failure {
    /// One of [`exit_code`].
    pub code: u8,
    headline: String,
    causes: Vec<String>,
    hint: Option<String>,
    sent: Sent,
    /// Diagnostics carry their own headline, position and hint.
    plain: bool,
}

/// The result of every verb: an exit code, or what went wrong.
pub(crate) type Outcome = Result<u8, Failure>;

impl Failure {
    /// A configuration, usage or internal error (exit 1) before any host was contacted.
    pub(crate) fn new(headline: impl Into<String>) -> Self {
        Self {
            code: exit_code::ERROR,
            headline: headline.into(),
            causes: Vec::new(),
            hint: None,
            sent: Sent::Nothing,
            plain: false,
        }
    }

    /// Messages that carry their own place and hint.
    pub(crate) fn block(text: impl Into<String>) -> Self {
        Self {
            plain: true,
            ..Self::new(text)
        }
    }

    /// `headline`, then the whole chain of `error`.
    pub(crate) fn caused(headline: impl Into<String>, error: &dyn Error) -> Self {
        let mut failure = Self::new(headline);
        failure.causes = chain(error);
        failure
    }

    /// With an exit code of its own.
    pub(crate) fn coded(code: u8, headline: impl Into<String>) -> Self {
        Self {
            code,
            ..Self::new(headline)
        }
    }

    /// A refusal (exit 8).
    pub(crate) fn refused(headline: impl Into<String>) -> Self {
        Self {
            code: exit_code::REFUSED,
            ..Self::new(headline)
        }
    }

    /// An empty selection (exit 10).
    pub(crate) fn no_hosts(headline: impl Into<String>) -> Self {
        Self {
            code: exit_code::NO_HOSTS,
            ..Self::new(headline)
        }
    }

    /// An empty selection whose mistakes have places.
    pub(crate) fn no_hosts_by(diagnostics: Diagnostics) -> Self {
        Self {
            code: exit_code::NO_HOSTS,
            ..diagnostics.into()
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// States what had left the machine by then.
    #[must_use]
    pub(crate) fn sent(mut self, sent: Sent) -> Self {
        self.sent = sent;
        self
    }

    /// Adds a cause that is no error value.
    #[must_use]
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Hosts had been read before.
    #[must_use]
    pub(crate) fn at_least_read(mut self) -> Self {
        if self.sent == Sent::Nothing {
            self.sent = Sent::OnlyRead;
        }
        self
    }

    /// As printed: headline, each cause once, hint, and what was sent.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        if self.plain {
            out.push_str(self.headline.trim_end());
        } else {
            let _ = write!(out, "error: {}", text::neutral(&self.headline));
        }
        for cause in &self.causes {
            let _ = write!(out, "\n  caused by: {}", text::neutral(cause));
        }
        if let Some(hint) = &self.hint {
            let _ = write!(out, "\n  hint: {}", text::neutral(hint));
        }
        match &self.sent {
            Sent::Nothing => out.push_str("\nnothing was sent to any host"),
            Sent::OnlyRead => {
                out.push_str("\nhosts were read; nothing was written to any of them");
            }
            Sent::Run(run) => {
                let run = text::neutral(run);
                let _ = write!(
                    out,
                    "\nhosts may have been changed; go on with: winfleet resume {run}"
                );
            }
            Sent::Recorded(run) => {
                let run = text::neutral(run);
                let _ = write!(
                    out,
                    "\nhosts were contacted; what was done is in the journal: winfleet status {run}"
                );
            }
            Sent::Perhaps => {
                out.push_str(
                    "\nhosts may have been contacted; the journal knows: winfleet status last",
                );
            }
        }
        out.push('\n');
        out
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self {
            plain: true,
            ..Self::new(diagnostics.to_string())
        }
    }
}

/// The error and its sources, each text once: some libraries repeat the source in their own text.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(current) = next {
        let text = current.to_string();
        if !texts.iter().any(|earlier| earlier.contains(&text)) {
            texts.push(text);
        }
        next = current.source();
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the journal")]
    struct Outer(#[source] Inner);
    #[derive(Debug, thiserror::Error)]
    #[error("disk full\u{1b}[31m")]
    struct Inner;

    #[test]
    fn the_chain_is_shown_once_and_neutralised() {
        let failure =
            Failure::caused("cannot start the run", &Outer(Inner)).hint("free some space");
        assert_eq!(
            failure.render(),
            "error: cannot start the run\n  caused by: cannot open the journal\n  \
             caused by: disk full<U+001B>[31m\n  hint: free some space\nnothing was sent to any host\n"
        );
    }

    #[test]
    fn the_message_says_what_was_sent() {
        let failure = Failure::new("the journal is full").sent(Sent::Run("7k2m".into()));
        assert!(failure.render().contains("winfleet resume 7k2m"));
        let failure = failure.sent(Sent::Recorded("7k2m".into()));
        assert!(failure.render().contains("winfleet status 7k2m"));
        assert!(!failure.render().contains("nothing was sent"));
    }
}
