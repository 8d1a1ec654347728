//! Why the journal could not do what was asked; each case has words a person can act on.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::progress::IllegalEvent;

/// A failure of the journal. Cloned to everybody whose records were in the failed commit; what was committed before
/// stays.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// No file, and it was opened for reading.
    #[error("there is no journal at {0}")]
    Missing(PathBuf),
    /// The file is something else.
    #[error("{path} is not a winfleet journal: {why}")]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// Written by a newer program. The file was not touched.
    #[error(
        "journal {path} has version {found}, this program knows versions up to {known}; use a newer winfleet"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// Ours.
        known: i32,
    },
    /// Another process kept the database locked longer than the busy timeout.
    #[error("journal {0} is locked by another process")]
    Locked(PathBuf),
    /// No room. Nothing of this commit is stored, everything before it is.
    #[error("no space left for journal {0}")]
    DiskFull(PathBuf),
    /// The database is damaged.
    #[error("journal {path} is damaged: {detail}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// Locks are not reliable there.
    #[error(
        "journal {path} is on a network file system ({kind}); choose a local path with --journal"
    )]
    NetworkFileSystem {
        /// The file.
        path: PathBuf,
        /// Type of the file system.
        kind: String,
    },
    /// Opened for reading, asked to write; or the system lets nobody write there.
    #[error("journal {0}, or the folder it is in, is read-only")]
    ReadOnly(PathBuf),
    /// The system could not read or write the file: a quota, a limit, a disk that is failing or gone.
    #[error("the system refused to read or write journal {path} ({detail})")]
    Refused {
        /// The file.
        path: PathBuf,
        /// What the system said, as far as it is known.
        detail: String,
    },
    /// An operation on the file itself.
    #[error("failed to {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: Arc<io::Error>,
    },
    /// An operation of the database.
    #[error("failed to {action} in journal {path}")]
    Database {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: Arc<rusqlite::Error>,
    },
    /// Another controller has the run.
    #[error("run {run} is being worked on by {holder}")]
    Held {
        /// The run.
        run: String,
        /// Who.
        holder: Holder,
    },
    /// No run of that name.
    #[error("no run '{0}' in the journal")]
    UnknownRun(String),
    /// Several runs begin so.
    #[error("'{prefix}' stands for several runs: {}", candidates.join(", "))]
    AmbiguousRun {
        /// As typed.
        prefix: String,
        /// The runs.
        candidates: Vec<String>,
    },
    /// A run of that name exists.
    #[error("run {0} exists already")]
    RunExists(String),
    /// The run cannot be resumed in its state.
    #[error("run {run} cannot be resumed: {why}")]
    NotResumable {
        /// The run.
        run: String,
        /// Why.
        why: String,
    },
    /// The events of the run contradict each other.
    #[error("run {run} is inconsistent at event {seq}")]
    Inconsistent {
        /// The run.
        run: String,
        /// Sequence number.
        seq: u64,
        /// What conflicts.
        source: IllegalEvent,
    },
    /// A row that cannot be read.
    #[error("run {run}: {what} cannot be read ({detail})")]
    Data {
        /// The run.
        run: String,
        /// Which row.
        what: String,
        /// Why.
        detail: String,
    },
}

/// Who works on a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Name of the machine.
    pub host: String,
    /// Who started it (`user@machine`).
    #[serde(default)]
    pub operator: Option<String>,
    /// Since when.
    pub since: Option<jiff::Timestamp>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(since) = self.since else {
            return f.write_str("another process");
        };
        write!(f, "process {} on {}", self.pid, self.host)?;
        if let Some(operator) = &self.operator {
            write!(f, ", started by {operator},")?;
        }
        write!(f, " since {since:.0}")
    }
}

impl JournalError {
    pub(super) fn file(action: &'static str, path: PathBuf, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::StorageFull {
            return Self::DiskFull(path);
        }
        Self::File {
            action,
            path,
            source: Arc::new(source),
        }
    }

    pub(super) fn database(action: &'static str, path: PathBuf, source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked(path),
            Some(ErrorCode::DiskFull) => Self::DiskFull(path),
            Some(ErrorCode::NotADatabase) => Self::NotAJournal {
                path,
                why: source.to_string(),
            },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path,
                detail: source.to_string(),
            },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(path),
            // SQLite calls only "no space on the device" a full disk; a quota or a limit of the process comes here.
            Some(ErrorCode::SystemIoFailure) => Self::Refused {
                path,
                detail: source.to_string(),
            },
            _ => Self::Database {
                action,
                path,
                source: Arc::new(source),
            },
        }
    }
}
