//! Who works on a run: an operating-system lock on a file of its own, beside the journal and never the database.
//!
//! The system drops the lock when the process dies, so a lock never has to be broken by hand. The lock files stay:
//! removing one would let two controllers lock two different files of the same name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{Holder, JournalError};
use super::open::create_folder;
use crate::spec::RunId;

/// Held as long as this lives.
#[derive(Debug)]
pub(crate) struct RunLock {
    /// Dropping the file drops the lock.
    _file: File,
    card: PathBuf,
}

impl RunLock {
    pub(super) fn acquire(
        journal: &Path,
        run: &RunId,
        operator: Option<&str>,
    ) -> Result<Self, JournalError> {
        let (path, card) = paths(journal, run);
        let folder = path.parent().unwrap_or(journal);
        create_folder(folder)
            .map_err(|source| JournalError::file("create", folder.to_owned(), source))?;
        let file =
            open(&path).map_err(|source| JournalError::file("open", path.clone(), source))?;
        match lock_patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read_card(&card);
                return Err(JournalError::Held {
                    run: run.to_string(),
                    holder,
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(JournalError::file("lock", path, source));
            }
        }
        let holder = Holder {
            pid: std::process::id(),
            host: machine_name(),
            operator: operator.map(str::to_owned),
            since: Some(jiff::Timestamp::now()),
        };
        // The card stands beside the lock because a locked file cannot be read on Windows.
        let text = serde_json::to_string(&holder).unwrap_or_default();
        fs::write(&card, text)
            .map_err(|source| JournalError::file("write", card.clone(), source))?;
        Ok(Self { _file: file, card })
    }

    /// Who holds the run now.
    pub(super) fn holder(journal: &Path, run: &RunId) -> Option<Holder> {
        let (path, card) = paths(journal, run);
        // A shared lock: many may ask at once, and asking disturbs no other question.
        match File::open(path).ok()?.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(read_card(&card)),
            _ => None,
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // A card without a lock means nothing, so failing to remove it does no harm.
        let _ = fs::remove_file(&self.card);
    }
}

fn paths(journal: &Path, run: &RunId) -> (PathBuf, PathBuf) {
    let mut folder = journal.as_os_str().to_owned();
    folder.push(".locks");
    let folder = PathBuf::from(folder);
    (
        folder.join(format!("{run}.lock")),
        folder.join(format!("{run}.holder")),
    )
}

/// Somebody who only asks who holds the run has a shared lock for a moment. A card says nothing here: one that was
/// killed leaves its own behind, and one that has just got the lock has not written it yet.
fn lock_patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..20 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            other => return other,
        }
    }
    file.try_lock()
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn read_card(card: &Path) -> Holder {
    fs::read_to_string(card)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

fn machine_name() -> String {
    let file = |path: &str| fs::read_to_string(path).ok();
    let variable = |name: &str| std::env::var(name).ok();
    file("/proc/sys/kernel/hostname")
        .or_else(|| file("/etc/hostname"))
        .or_else(|| variable("COMPUTERNAME"))
        .or_else(|| variable("HOSTNAME"))
        .map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_run_whose_holder_was_killed_is_taken_over_while_others_ask_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.sqlite");
        let run = RunId::from_text("0000-0000".to_owned());
        let (_, card) = paths(&journal, &run);
        drop(RunLock::acquire(&journal, &run, None).unwrap());
        let (begun, over) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    RunLock::holder(&journal, &run);
                    begun.store(true, Ordering::Relaxed);
                }
            });
            while !begun.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            for _ in 0..300 {
                fs::write(&card, "{}").unwrap();
                let taken = RunLock::acquire(&journal, &run, None);
                over.store(taken.is_err(), Ordering::Relaxed);
                taken.unwrap();
            }
            over.store(true, Ordering::Relaxed);
        });
    }
}
