//! Opening the file: what it is, whether we may touch it, its schema and its settings.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::JournalError;

/// `wfjl`: tells a journal from any other SQLite file.
const APPLICATION_ID: i32 = 0x7766_6a6c;
/// The version this program writes, and the newest it reads.
pub(super) const VERSION: i32 = 2;

const SCHEMA: &str = "
CREATE TABLE runs (
    rowid INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    ended TEXT
);
CREATE TABLE shapes (
    run INTEGER NOT NULL,
    id INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run, id)
) WITHOUT ROWID;
CREATE TABLE hosts (
    run INTEGER NOT NULL,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    address TEXT,
    ring INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    undo TEXT,
    PRIMARY KEY (run, id)
) WITHOUT ROWID;
CREATE TABLE events (
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    host INTEGER,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE INDEX events_of_host ON events (run, host, seq) WHERE host IS NOT NULL;
";

/// What version 2 has more: orders from other terminals to the holder of a run, and its answers; the chain of
/// hashes over a run's records.
const TO_VERSION_2: &str = "
CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL,
    time INTEGER NOT NULL,
    operator TEXT NOT NULL,
    command TEXT NOT NULL,
    argument TEXT,
    done INTEGER,
    answer TEXT
);
CREATE INDEX orders_of_run ON orders (run, id);
ALTER TABLE runs ADD COLUMN hash BLOB;
ALTER TABLE hosts ADD COLUMN hash BLOB;
ALTER TABLE events ADD COLUMN hash BLOB;
";

/// How a connection is opened.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) writable: bool,
    pub(super) busy_timeout: Duration,
    /// Another file layer than the system's; tests only.
    pub(super) vfs: Option<String>,
}

/// Looks at the file without SQLite, so that a file we refuse is not touched, and creates it with mode 0600.
pub(super) fn prepare(path: &Path, writable: bool) -> Result<(), JournalError> {
    if let Some(kind) = network_file_system(path) {
        return Err(JournalError::NetworkFileSystem {
            path: path.to_owned(),
            kind,
        });
    }
    match read_header(path) {
        Ok(header) => check_header(path, &header),
        Err(source) if source.kind() == ErrorKind::NotFound && writable => create_empty(path),
        Err(source) if source.kind() == ErrorKind::NotFound => {
            Err(JournalError::Missing(path.to_owned()))
        }
        Err(source) => Err(JournalError::file("read", path.to_owned(), source)),
    }
}

/// Opens a connection to a prepared file.
pub(super) fn connect(path: &Path, access: &Access) -> Result<Connection, JournalError> {
    let connection = open(path, access)?;
    set_up(&connection, path, access)?;
    Ok(connection)
}

/// What a program left that was killed while it made the file, or its newer version: only a connection that may write
/// can undo it. Nothing else is changed.
pub(super) fn undo_half_a_commit(path: &Path, access: &Access) -> Result<(), JournalError> {
    let read = open(path, access)?.pragma_query_value(None, "schema_version", |_| Ok(()));
    read.map_err(|source| JournalError::database("undo half a commit", path.to_owned(), source))
}

fn open(path: &Path, access: &Access) -> Result<Connection, JournalError> {
    let mode = if access.writable {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = match &access.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs.as_str()),
        None => Connection::open_with_flags(path, flags),
    };
    opened.map_err(|source| JournalError::database("open", path.to_owned(), source))
}

fn set_up(connection: &Connection, path: &Path, access: &Access) -> Result<(), JournalError> {
    let wrap = |source| JournalError::database("set up the database", path.to_owned(), source);
    connection.busy_timeout(access.busy_timeout).map_err(wrap)?;
    let version = version(connection).map_err(wrap)?;
    if version > VERSION {
        return Err(JournalError::Newer {
            path: path.to_owned(),
            found: version,
            known: VERSION,
        });
    }
    if !access.writable {
        return match version {
            // Killed before anything was in it.
            0 => Err(JournalError::Missing(path.to_owned())),
            _ => Ok(()),
        };
    }
    if version < VERSION {
        bring_up_to_date(connection).map_err(wrap)?;
    }
    // The version stands in the main file before WAL is on: `prepare` reads it there.
    connection
        .pragma_update(None, "journal_mode", "wal")
        .map_err(wrap)?;
    connection
        .pragma_update(None, "synchronous", "full")
        .map_err(wrap)?;
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Creates what is missing, in one transaction: a program that is killed here leaves the old version behind.
fn bring_up_to_date(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    // Another process may have been faster.
    let done = version(connection).and_then(|found| {
        let parts = match found {
            0 => [SCHEMA, TO_VERSION_2],
            1 => ["", TO_VERSION_2],
            _ => ["", ""],
        };
        connection.execute_batch(&parts.concat())?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.pragma_update(None, "user_version", VERSION.max(found))
    });
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.execute_batch(end).and(done)
}

fn create_empty(path: &Path) -> Result<(), JournalError> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        create_folder(folder)
            .map_err(|source| JournalError::file("create", folder.to_owned(), source))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        // Somebody else was faster: SQLite sorts that out.
        Err(source) if source.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(JournalError::file("create", path.to_owned(), source)),
        Ok(_) => Ok(()),
    }
}

/// Creates a folder that only its owner may enter; an existing one is left as it is.
pub(super) fn create_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn read_header(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut header = Vec::with_capacity(100);
    File::open(path)?.take(100).read_to_end(&mut header)?;
    Ok(header)
}

/// SQLite file format, section 1.3: magic at 0, user version at 60, application id at 68, big endian.
fn check_header(path: &Path, header: &[u8]) -> Result<(), JournalError> {
    let not_a_journal = |why: &str| {
        Err(JournalError::NotAJournal {
            path: path.to_owned(),
            why: why.to_owned(),
        })
    };
    if header.is_empty() {
        return Ok(());
    }
    if header.len() < 100 || !header.starts_with(b"SQLite format 3\0") {
        return not_a_journal("it is not an SQLite database");
    }
    let number = |at: usize| {
        i32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    if number(68) != APPLICATION_ID {
        return not_a_journal("it is an SQLite database of another program");
    }
    if number(60) > VERSION {
        return Err(JournalError::Newer {
            path: path.to_owned(),
            found: number(60),
            known: VERSION,
        });
    }
    Ok(())
}

/// Type of the file system where it is a network one. Known on Linux (mount table) and on Windows (paths of shares,
/// drives that stand for one); elsewhere nothing is refused.
fn network_file_system(path: &Path) -> Option<String> {
    let share = |path: &Path| {
        let unc = is_share(&path.as_os_str().to_string_lossy());
        unc.then(|| "unc path".to_owned())
    };
    if cfg!(windows) && share(path).is_some() {
        return share(path);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // The file itself first: it may be a link to another place.
    let real = path.canonicalize().ok().or_else(|| {
        let mut ancestors = folder.ancestors();
        ancestors.find_map(|ancestor| ancestor.canonicalize().ok())
    })?;
    if cfg!(windows) {
        // The real path of a drive that stands for a share is that of the share.
        return share(&real);
    }
    kind_of_mount(&fs::read_to_string("/proc/self/mountinfo").ok()?, &real)
}

/// `\\server\share`, in either of its forms; not `\\?\C:`.
fn is_share(path: &str) -> bool {
    match path.strip_prefix(r"\\?\") {
        Some(verbatim) => verbatim
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case(r"UNC\")),
        None => path.starts_with(r"\\") && !path.starts_with(r"\\.\"),
    }
}

fn kind_of_mount(table: &str, folder: &Path) -> Option<String> {
    const NETWORK: [&str; 17] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "fuse.ceph",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.davfs",
        "davfs",
        "lustre",
        "gpfs",
        "beegfs",
    ];
    let mount = |line: &str| {
        let point = line.split(' ').nth(4)?.replace("\\040", " ");
        let kind = line.split_once(" - ")?.1.split(' ').next()?.to_owned();
        folder.starts_with(&point).then_some((point.len(), kind))
    };
    // Later lines cover earlier ones at the same point; `max_by_key` keeps the last of equals.
    let (_, kind) = table
        .lines()
        .filter_map(mount)
        .max_by_key(|(length, _)| *length)?;
    NETWORK.contains(&kind.as_str()).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_windows_is_told_from_a_local_path_in_every_form() {
        for share in [
            r"\\server\share\j.sqlite",
            r"\\?\UNC\server\share\j",
            r"\\?\unc\s\j",
        ] {
            assert!(is_share(share), "{share}");
        }
        for local in [
            r"C:\Users\kim\j.sqlite",
            r"\\?\C:\Users\j.sqlite",
            r"\\.\C:\j",
            r"\j.sqlite",
            "j.sqlite",
        ] {
            assert!(!is_share(local), "{local}");
        }
    }

    #[test]
    fn the_deepest_mount_decides() {
        let table = "22 1 8:1 / / rw - ext4 /dev/a rw\n\
                     30 22 0:40 / /home rw shared:1 - nfs4 server:/home rw\n\
                     31 30 8:2 / /home/local\\040disk rw - xfs /dev/b rw";
        assert_eq!(kind_of_mount(table, Path::new("/var/lib")), None);
        assert_eq!(
            kind_of_mount(table, Path::new("/home/kim")),
            Some("nfs4".to_owned())
        );
        assert_eq!(kind_of_mount(table, Path::new("/homes/kim")), None);
        assert_eq!(
            kind_of_mount(table, Path::new("/home/local disk/kim")),
            None
        );
    }
}
