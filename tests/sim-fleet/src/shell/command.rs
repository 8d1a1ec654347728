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
    /// The shell was deleted under the command.
    pub(crate) gone: bool,
}

/// A command. Its emulation writes, Receive reads.
pub(crate) struct Command {
    pub(crate) id: String,
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
    delivered: bool,
    gone: bool,
    task: Option<AbortHandle>,
}

impl Command {
    pub(crate) fn new(id: String) -> Self {
        Self {
            id,
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
            state.input_ended |= end;
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

    /// What there is now; `None`: nothing yet.
    fn take(&self, limit: usize) -> Option<Output> {
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
        let done = state.exit.filter(|_| state.output.is_empty());
        state.delivered |= done.is_some();
        if pieces.is_empty() && done.is_none() {
            None
        } else {
            Some(Output {
                pieces,
                done,
                gone: false,
            })
        }
    }

    /// Waits for output or the end. Cancel safe: nothing is taken before it is returned.
    pub(crate) async fn receive(&self, limit: usize) -> Output {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(output) = self.take(limit) {
                return output;
            }
            changed.await;
        }
    }
}
