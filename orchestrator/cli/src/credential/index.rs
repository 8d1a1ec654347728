//! The names of the keyring entries that `credential set` made: keyrings cannot be enumerated.
//!
//! A text file in the state directory, one name per line. Names only, never a password.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use crate::state_dir;

const FILE: &str = "credential-names";

/// The names, sorted.
pub(crate) fn names() -> io::Result<BTreeSet<String>> {
    match std::fs::read_to_string(path()?) {
        Ok(text) => Ok(text
            .lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// Adds a name.
pub(crate) fn add(name: &str) -> io::Result<()> {
    change(|names| names.insert(name.to_owned()))
}

/// Removes a name.
pub(crate) fn remove(name: &str) -> io::Result<()> {
    change(|names| names.remove(name))
}

fn path() -> io::Result<PathBuf> {
    Ok(state_dir::path()?.join(FILE))
}

/// Written beside and renamed, so that a crash leaves the old list.
fn change(edit: impl FnOnce(&mut BTreeSet<String>) -> bool) -> io::Result<()> {
    let mut names = names()?;
    if !edit(&mut names) {
        return Ok(());
    }
    let path = state_dir::create()?.join(FILE);
    let beside = path.with_extension("new");
    let text: String = names.iter().map(|name| format!("{name}\n")).collect();
    state_dir::write_private(&beside, text.as_bytes())?;
    std::fs::rename(&beside, &path)
}
