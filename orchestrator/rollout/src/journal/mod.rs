//! The journal: what was asked, what was there before, what happened. One SQLite file.
//!
//! An intent log. A run's state is never stored, only derived from its events ([`crate::Progress`]). `open.rs` has
//! file and schema, `orders.rs` what other terminals say to a live run, `writer.rs` the commits, `active.rs` a
//! run being worked on, `read.rs` everything that only reads, through `snapshot.rs`, `disk.rs` the stored form of events with `disk_*.rs` for
//! its parts and for runs, `lock.rs` who works on a run.

mod active;
mod chain;
mod disk;
mod disk_plain;
mod disk_shapes;
mod disk_spec;
mod disk_values;
mod end;
mod error;
mod lock;
mod open;
mod orders;
mod raw;
mod read;
mod snapshot;
mod stored;
mod transfer;
mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

pub use active::{ActiveRun, ResumeOptions};
pub(crate) use disk_spec::{DiskRun, DiskShape, HostRow};
pub use error::{Holder, JournalError};
use open::Access;
pub use orders::OrderId;
pub(crate) use read::shown_state;
pub use transfer::{TransferError, verify_export};
pub use verify::Verdict;
use writer::Writer;

use crate::outcome::Outcome;
use crate::spec::{RunId, RunSpec};

/// What a journal is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Created if missing (mode 0600).
    ReadWrite,
    /// Must exist.
    ReadOnly,
}

/// The controller's clock, as a parameter so that tests have their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// Any other.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// An open journal; clones share it. Reading methods block for the time of a query.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    reader: Mutex<Connection>,
    writer: Option<Writer>,
    clock: Clock,
}

/// What only tests change.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// See [`OpenMode`].
    pub mode: OpenMode,
    /// Name of a registered SQLite VFS instead of the system's.
    pub vfs: Option<String>,
    /// Commit in the caller's thread, one commit per submission: for the paused clock of tokio.
    pub inline: bool,
    /// How long to wait for another process that has the database.
    pub busy_timeout: Duration,
    /// Stamps events.
    pub clock: Clock,
}

impl JournalOptions {
    /// As [`Journal::open`] has them.
    pub fn new(mode: OpenMode) -> Self {
        Self {
            mode,
            vfs: None,
            inline: false,
            busy_timeout: Duration::from_secs(10),
            clock: Clock::system(),
        }
    }
}

impl Journal {
    /// Opens the file, creating it where `mode` allows. A file that is no journal, or one of a newer program, is
    /// refused untouched.
    pub fn open(path: &Path, mode: OpenMode) -> Result<Self, JournalError> {
        Self::open_with(path, &JournalOptions::new(mode))
    }

    /// [`Journal::open`] with everything that can be chosen.
    pub fn open_with(path: &Path, options: &JournalOptions) -> Result<Self, JournalError> {
        let writable = options.mode == OpenMode::ReadWrite;
        open::prepare(path, writable)?;
        let access = |writable| Access {
            writable,
            busy_timeout: options.busy_timeout,
            vfs: options.vfs.clone(),
        };
        let writer = writable
            .then(|| open::connect(path, &access(true)))
            .transpose()?;
        // Opened second: the file has its schema then.
        let reader = match open::connect(path, &access(false)) {
            Err(JournalError::ReadOnly(_)) if !writable => {
                open::undo_half_a_commit(path, &access(true))?;
                open::connect(path, &access(false))?
            }
            opened => opened?,
        };
        let writer = match writer {
            Some(connection) if options.inline => Some(Writer::inline(connection, path.to_owned())),
            Some(connection) => Some(Writer::thread(connection, path.to_owned())?),
            None => None,
        };
        let (path, reader) = (path.to_owned(), Mutex::new(reader));
        Ok(Self {
            inner: Arc::new(Inner {
                path,
                reader,
                writer,
                clock: options.clock.clone(),
            }),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Records a new run and takes its lock. Durable when this returns; blocks until then.
    pub fn create_run(&self, spec: RunSpec) -> Result<ActiveRun, JournalError> {
        ActiveRun::create(self.clone(), spec)
    }

    /// Takes a run over where its last controller left it. Blocks while it reads the run's events. The run is checked
    /// and locked; its first new event is written when the engine begins.
    pub fn resume_run(
        &self,
        id: &RunId,
        options: ResumeOptions<'_>,
    ) -> Result<ActiveRun, JournalError> {
        ActiveRun::resume(self.clone(), id, options)
    }

    /// Who works on a run at this moment.
    pub fn holder(&self, id: &RunId) -> Option<Holder> {
        lock::RunLock::holder(&self.inner.path, id)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        // A reader that panicked leaves no half-done work behind: it only reads.
        self.inner
            .reader
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> Result<&Writer, JournalError> {
        self.inner
            .writer
            .as_ref()
            .ok_or_else(|| JournalError::ReadOnly(self.inner.path.clone()))
    }

    fn read_error(&self, source: rusqlite::Error) -> JournalError {
        JournalError::database("read", self.inner.path.clone(), source)
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

/// The outcomes that `resume --only` may name.
pub const REOPENABLE: [Outcome; 4] = [
    Outcome::Failed,
    Outcome::Unreachable,
    Outcome::Indeterminate,
    Outcome::NotStarted,
];
