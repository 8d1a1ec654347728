//! Plan files on disk: written whole and for the user alone, read with a bound. What is in them is `rollout`'s.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rollout::{MAX_PLAN_BYTES, PlanFile, PlanFileError, read_plan};

use crate::failure::Failure;

/// Refuses a place that cannot take a file, before any host is read for it.
pub(crate) fn writable(path: &Path) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if path.is_dir() || !folder.is_dir() {
        return Err(Failure::new(format!(
            "a plan cannot be written to {}: {}",
            path.display(),
            if path.is_dir() {
                "it is a folder"
            } else {
                "its folder does not exist"
            }
        )));
    }
    Ok(())
}

/// Writes it whole or not at all. It names hosts, accounts and settings, so it is for the user alone.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.part", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = private(&draft)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        // The draft may not even exist.
        let _ = fs::remove_file(&draft);
        Failure::caused(format!("cannot write the plan {}", path.display()), &error)
    })
}

/// A new file that only the user can read. On Windows it has the rights of its folder, as everything there.
fn private(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Reads a plan that is to be carried out.
///
/// # Errors
/// It cannot be read (1); it was altered, is none, or a newer program's (8).
pub(crate) fn read(path: &Path) -> Result<PlanFile, Failure> {
    let name = path.display();
    let cannot = |error: io::Error| Failure::caused(format!("cannot read the plan {name}"), &error);
    let file = File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    // One byte more than the bound tells a file that is too large.
    let bound = MAX_PLAN_BYTES as u64 + 1;
    file.take(bound).read_to_end(&mut bytes).map_err(cannot)?;
    read_plan(&bytes).map_err(|error| {
        let hint = match error {
            PlanFileError::Newer(_) => "use the winfleet that made it, or plan again with this one",
            _ => "plan again: winfleet plan --out FILE",
        };
        Failure::refused(format!("the plan {name} is refused: {error}")).hint(hint)
    })
}
