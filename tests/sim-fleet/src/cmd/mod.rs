//! What commands do: an emulation of cmd.exe, and of the few programs a fleet manager starts.
//!
//! `line` takes a command line apart, `run` walks through its chain, the programs are in `reg`, `netsh` and `programs`.

mod line;
mod netsh;
mod policy_file;
mod programs;
mod reg;
mod run;
mod task;
mod texts;
mod web;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

use crate::host::Host;
use crate::shell::{Command, Stream, encode};

/// What a command runs with.
pub(crate) struct Context {
    pub(crate) host: Arc<Host>,
    pub(crate) user: String,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) directory: Option<String>,
    pub(crate) codepage: u32,
    pub(crate) command: Arc<Command>,
}

/// cmd refuses longer lines after expansion.
const LONGEST: usize = 8191;

impl Context {
    /// Text to one of the streams, in the shell's code page.
    fn say(&self, stream: Stream, text: &str) {
        let bytes = encode(text, self.codepage, self.host.options.language);
        self.command.say(stream, &bytes, self.host.options.chunk);
    }

    /// A variable of the shell or of the system.
    fn variable(&self, name: &str) -> Option<String> {
        let own = self
            .environment
            .iter()
            .rev()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.clone())
            .or_else(|| self.host.variable(name))
    }
}

pub(crate) use netsh::ADVPROXY;
pub(crate) use task::run_task;

/// Starts a command. What needs no waiting is over when this returns.
pub(crate) fn start(mut context: Context, text: String) {
    let command = Arc::clone(&context.command);
    let mut work: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
        let code = run::text(&mut context, &text).await;
        context.command.end(code);
    });
    let mut now = std::task::Context::from_waker(Waker::noop());
    if work.as_mut().poll(&mut now).is_pending() {
        command.runs_in(tokio::spawn(work).abort_handle());
    }
}
