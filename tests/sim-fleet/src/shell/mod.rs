//! Shells and commands of a host, as state: what was started, what it said, when it ends.
//!
//! The verbs of WS-Management on them are in `wsman::shells`; what a command does is in `cmd`.

mod codepage;
mod command;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

pub(crate) use codepage::{encode, oem, past_the_console};
pub(crate) use command::{Command, Manner, Output, Stream};

/// One shell.
pub(crate) struct Shell {
    pub(crate) id: String,
    /// `DOMAIN\user`; nobody else may use it.
    pub(crate) owner: String,
    pub(crate) client: String,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) directory: Option<String>,
    pub(crate) codepage: u32,
    pub(crate) created: Instant,
    pub(crate) used: Instant,
    pub(crate) idle: Duration,
    pub(crate) lifetime: Option<Duration>,
    pub(crate) input_streams: String,
    pub(crate) output_streams: String,
    pub(crate) commands: Vec<Arc<Command>>,
    /// Commands ever started: the operation counter never goes down while the shell lives (reference 12, row 13).
    pub(crate) started: u32,
    /// A Send is under way; there is room for one (reference 12, row 24).
    pub(crate) sending: Arc<AtomicBool>,
}

impl Shell {
    /// True where its time is over.
    pub(crate) fn expired(&self) -> bool {
        self.used.elapsed() > self.idle
            || self
                .lifetime
                .is_some_and(|lifetime| self.created.elapsed() > lifetime)
    }

    /// The command of this id.
    pub(crate) fn command(&self, id: &str) -> Option<&Arc<Command>> {
        self.commands
            .iter()
            .find(|command| command.id.eq_ignore_ascii_case(id))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        for command in &self.commands {
            command.abandon();
        }
    }
}
