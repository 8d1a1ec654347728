//! Where the program keeps what outlives a call: the journal and the names of stored credentials.

use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

/// The journal of real runs.
pub(crate) const JOURNAL: &str = "journal.sqlite";
/// The journal of rehearsals, apart so that `last` never means a simulated run by accident.
pub(crate) const REHEARSALS: &str = "rehearsals.sqlite";

/// The folder, whether it exists or not.
///
/// # Errors
/// No home folder is known.
pub(crate) fn path() -> io::Result<PathBuf> {
    let base = etcetera::choose_base_strategy().map_err(io::Error::other)?;
    // Windows: the local, not the roaming folder, because a journal must not lie on a network share.
    let parent = if cfg!(windows) {
        Some(base.cache_dir())
    } else {
        base.state_dir()
    };
    Ok(parent.unwrap_or_else(|| base.data_dir()).join("winfleet"))
}

/// The folder, made if needed, for the user alone.
pub(crate) fn create() -> io::Result<PathBuf> {
    let path = path()?;
    create_private(&path)?;
    Ok(path)
}

/// Makes a folder and those above it; a new one is for the user alone.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes a file that only the user can read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(path)?, bytes)
}
