//! The one long-lived writer: a thread that puts everything waiting into one commit (group commit), so that a run of
//! thousands of hosts costs tens of synced commits a second, not thousands.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::error::JournalError;

/// Commits closer together than this are made one. Bounds syncs to 60 a second; what one host waits for it is small
/// against its round trips, and hosts wait side by side.
const GAP: Duration = Duration::from_millis(16);
/// Bounds the memory and the length of one transaction.
const MOST_IN_ONE_COMMIT: usize = 4096;

/// Rows to be written, as a function of an open transaction.
pub(super) type Work = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;
/// Told once, after the commit is durable or has failed; in the order of submission.
pub(super) type Done = Box<dyn FnOnce(Result<(), JournalError>) + Send>;

pub(super) struct Job {
    work: Work,
    done: Done,
}

/// Takes work in, makes it durable in order.
pub(super) enum Writer {
    Thread {
        jobs: Option<Sender<Job>>,
        thread: Option<JoinHandle<()>>,
        path: PathBuf,
    },
    /// Every submission is its own commit, made by the caller: for tests under a paused clock, where waiting for
    /// another thread would let the clock run away, and for cutting the journal after each commit.
    Inline {
        connection: Mutex<Connection>,
        path: PathBuf,
    },
}

impl Writer {
    pub(super) fn thread(connection: Connection, path: PathBuf) -> Result<Self, JournalError> {
        let (jobs, queue) = channel();
        let file = path.clone();
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_all(connection, &queue, &file))
            .map_err(|source| JournalError::file("start the writer of", path.clone(), source))?;
        Ok(Self::Thread {
            jobs: Some(jobs),
            thread: Some(thread),
            path,
        })
    }

    pub(super) fn inline(connection: Connection, path: PathBuf) -> Self {
        Self::Inline {
            connection: Mutex::new(connection),
            path,
        }
    }

    pub(super) fn submit(&self, work: Work, done: Done) {
        match self {
            Self::Thread { jobs, path, .. } => {
                // The queue has no bound of its own: hosts wait for their commits, so it holds at most what the
                // hosts in flight have reported since the last one.
                let sent = match jobs {
                    Some(jobs) => jobs.send(Job { work, done }).map_err(|refused| refused.0),
                    None => Err(Job { work, done }),
                };
                if let Err(job) = sent {
                    let gone = std::io::Error::other("its writer has ended");
                    (job.done)(Err(JournalError::file("write", path.clone(), gone)));
                }
            }
            Self::Inline { connection, path } => {
                let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                commit(&mut connection, path, vec![Job { work, done }]);
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Self::Thread { jobs, thread, .. } = self {
            jobs.take();
            // Waits until everything submitted is durable; a panic of the thread has told its callers already.
            thread.take().map(JoinHandle::join);
        }
    }
}

fn write_all(mut connection: Connection, queue: &Receiver<Job>, path: &Path) {
    let mut last: Option<Instant> = None;
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        let until = last.map(|last| last + GAP);
        while batch.len() < MOST_IN_ONE_COMMIT {
            let wait = until.map_or(Duration::ZERO, |until| {
                until.saturating_duration_since(Instant::now())
            });
            match queue.recv_timeout(wait) {
                Ok(job) => batch.push(job),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        commit(&mut connection, path, batch);
        last = Some(Instant::now());
    }
}

fn commit(connection: &mut Connection, path: &Path, batch: Vec<Job>) {
    let (works, dones): (Vec<Work>, Vec<Done>) =
        batch.into_iter().map(|job| (job.work, job.done)).unzip();
    let result = write(connection, works)
        .map_err(|source| JournalError::database("write", path.to_path_buf(), source));
    for done in dones {
        done(result.clone());
    }
}

fn write(connection: &mut Connection, works: Vec<Work>) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for work in works {
        work(&transaction)?;
    }
    transaction.commit()
}
