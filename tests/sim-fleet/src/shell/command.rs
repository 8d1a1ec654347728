//! One running command: its output waiting to be fetched, its input, its end.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Where output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// What one Receive gives.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) pieces: Vec<(Stream, Vec<u8>)>,
    /// The command has ended and everything was given: exit code.
    pub(crate) done: Option<u32>,
    /// The streams are said to have ended.
    pub(crate) ends: bool,
    /// The shell was deleted under the command.
    pub(crate) gone: bool,
}

/// How a host deals out what a command says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Pieces for each Receive; 0: all there are.
    pub(crate) limit: usize,
    /// The end of the command comes in a reply without output.
    pub(crate) done_alone: bool,
    /// The end of the streams comes in a reply before that.
    pub(crate) ends_before: bool,
}

/// A command. Its emulation writes, Receive reads.
pub(crate) struct Command {
    pub(crate) id: String,
    /// Console semantics: the end of the input does not reach the program.
    console: bool,
    state: Mutex<State>,
    changed: Notify,
    input_came: Notify,
    input_taken: Notify,
}

/// What the pipe to a program holds: a Send ends when no more than this waits to be read.
const PIPE: usize = 4096;

#[derive(Default)]
struct State {
    output: VecDeque<(Stream, Vec<u8>)>,
    input: Vec<u8>,
    input_ended: bool,
    exit: Option<u32>,
    /// The end of the streams was told.
    ended: bool,
    receives: u32,
    delivered: bool,
    gone: bool,
    task: Option<AbortHandle>,
}

impl Command {
    pub(crate) fn new(id: String, console: bool) -> Self {
        Self {
            id,
            console,
            state: Mutex::default(),
            changed: Notify::new(),
            input_came: Notify::new(),
            input_taken: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds output, cut into pieces of `chunk` bytes (0: whole).
    pub(crate) fn say(&self, stream: Stream, bytes: &[u8], chunk: usize) {
        if bytes.is_empty() {
            return;
        }
        let size = if chunk == 0 { bytes.len() } else { chunk };
        self.lock()
            .output
            .extend(bytes.chunks(size).map(|piece| (stream, piece.to_vec())));
        self.changed.notify_waiters();
    }

    /// The command has ended.
    pub(crate) fn end(&self, code: u32) {
        self.lock().exit.get_or_insert(code);
        self.changed.notify_waiters();
        self.input_taken.notify_waiters();
    }

    /// Ends a command that still runs, with this exit code.
    pub(crate) fn terminate(&self, code: u32) {
        if let Some(task) = self.lock().task.take() {
            task.abort();
        }
        self.end(code);
    }

    /// The shell goes away.
    pub(crate) fn abandon(&self) {
        self.lock().gone = true;
        self.terminate(0xC000_013A);
    }

    /// Remembers the task of a command that takes time.
    pub(crate) fn runs_in(&self, task: AbortHandle) {
        self.lock().task = Some(task);
    }

    /// True from its end having been delivered on.
    pub(crate) fn delivered(&self) -> bool {
        self.lock().delivered
    }

    /// True while it runs.
    pub(crate) fn running(&self) -> bool {
        self.lock().exit.is_none()
    }

    /// Takes input; false where nobody reads any more.
    pub(crate) fn feed(&self, bytes: &[u8], end: bool) {
        let mut state = self.lock();
        if state.exit.is_none() {
            state.input.extend(bytes);
            state.input_ended |= end && !self.console;
        }
        drop(state);
        self.input_came.notify_waiters();
    }

    /// Reads the input up to its end.
    pub(crate) async fn input(&self) -> Vec<u8> {
        let mut read = Vec::new();
        loop {
            let came = self.input_came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            let ended = {
                let mut state = self.lock();
                read.append(&mut state.input);
                state.input_ended
            };
            self.input_taken.notify_waiters();
            if ended {
                return read;
            }
            came.await;
        }
    }

    /// Waits until the program has read what was fed, but for what the pipe holds; or until it reads no more.
    pub(crate) async fn taken(&self) {
        loop {
            let taken = self.input_taken.notified();
            tokio::pin!(taken);
            taken.as_mut().enable();
            {
                let state = self.lock();
                if state.input.len() <= PIPE || state.exit.is_some() {
                    return;
                }
            }
            taken.await;
        }
    }

    /// Counts a Receive; true for the first one.
    pub(crate) fn first_receive(&self) -> bool {
        let mut state = self.lock();
        state.receives += 1;
        state.receives == 1
    }

    /// What there is now; `None`: nothing yet.
    fn take(&self, manner: Manner) -> Option<Output> {
        let limit = manner.limit;
        let mut state = self.lock();
        if state.gone {
            return Some(Output {
                gone: true,
                ..Output::default()
            });
        }
        let count = if limit == 0 {
            state.output.len()
        } else {
            state.output.len().min(limit)
        };
        let pieces: Vec<_> = state.output.drain(..count).collect();
        let over = state.exit.filter(|_| state.output.is_empty());
        let first_end = over.is_some() && !state.ended;
        state.ended |= over.is_some();
        let done = over
            .filter(|_| !manner.done_alone || pieces.is_empty())
            .filter(|_| !(manner.ends_before && first_end));
        let ends = if manner.ends_before {
            first_end
        } else {
            done.is_some()
        };
        state.delivered |= done.is_some();
        if pieces.is_empty() && done.is_none() && !ends {
            None
        } else {
            Some(Output {
                pieces,
                done,
                ends,
                gone: false,
            })
        }
    }

    /// Waits for output or the end. Cancel safe: nothing is taken before it is returned.
    pub(crate) async fn receive(&self, manner: Manner) -> Output {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(output) = self.take(manner) {
                return output;
            }
            changed.await;
        }
    }
}
