//! A journal that cannot be written: full disk, locked, not ours, read-only. Clear words, nothing lost, and the run goes
//! on once the trouble is over.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rollout::testing::{Script, Scripted, old_proxy, push};
use rollout::{
    Control, EngineError, Journal, JournalError, JournalOptions, OpenMode, ResumeOptions, RunResult,
};
use tokio::sync::mpsc;

use crate::files;

fn open(path: &Path) -> Result<Journal, JournalError> {
    let mut options = JournalOptions::new(OpenMode::ReadWrite);
    options.vfs = Some(files::NAME.to_owned());
    options.inline = true;
    options.busy_timeout = Duration::ZERO;
    Journal::open_with(path, &options)
}

fn fleet() -> Scripted {
    let script = Script::default().value(old_proxy()).guid("g");
    Scripted::of(vec![script; 3])
}

async fn carry(active: rollout::ActiveRun, fleet: &Scripted) -> Result<RunResult, EngineError> {
    let (events, _told) = mpsc::unbounded_channel();
    rollout::run(active, Arc::new(fleet.clone()), events, Control::default()).await
}

fn effects(fleet: &Scripted) -> u32 {
    fleet.counters().iter().map(|host| host.effects).sum()
}

/// Carries a push out on a disk with so little room; true where there was enough.
async fn with_room(before: u32, refused: u32) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let (spec, fleet) = (push(3, ""), fleet());
    let id = spec.id.clone();
    let journal = open(&path).unwrap();
    let active = journal.create_run(spec).unwrap();
    files::room(before, refused);
    let ended = carry(active, &fleet).await;
    files::room(u32::MAX, 0);
    let what = format!("room for {before}, then {refused} refused");
    let error = match ended {
        Ok(result) => {
            assert_eq!((result.exit_code, result.totals.ok), (0, 3), "{what}");
            return true;
        }
        Err(error) => error,
    };
    let EngineError::Journal(error @ JournalError::DiskFull(_)) = error else {
        panic!("{what}: {error:?}");
    };
    assert!(error.to_string().contains("no space left"), "{error}");
    drop(journal);
    let journal = open(&path).unwrap();
    // What is kept has no hole, and every write had its prior state in it.
    let kept = journal.run(&id).unwrap();
    for (host, counters) in kept.hosts.iter().zip(fleet.counters()) {
        assert!(
            counters.effects == 0 || !host.steps.is_empty(),
            "{what}: {} was written to without a record",
            host.name
        );
    }
    let active = journal.resume_run(&id, ResumeOptions::default()).unwrap();
    let result = carry(active, &fleet).await.unwrap();
    assert_eq!((result.exit_code, result.totals.ok), (0, 3), "{what}");
    assert_eq!(
        effects(&fleet),
        9,
        "{what}: nothing twice, nobody forgotten"
    );
    false
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_at_any_write_stops_the_run_and_a_resume_ends_it() {
    files::register();
    let mut before = 0;
    while !with_room(before, u32::MAX).await {
        before += 7;
    }
    assert!(before > 30, "the run wrote only {before} pieces");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_is_full_for_one_write_leaves_no_hole() {
    files::register();
    let mut before = 0;
    while !with_room(before, 1).await {
        before += 7;
    }
}

#[test]
fn a_run_that_found_no_room_can_be_created_later() {
    files::register();
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("journal.sqlite")).unwrap();
    files::room(0, u32::MAX);
    let error = journal.create_run(push(3, "")).unwrap_err();
    files::room(u32::MAX, 0);
    assert!(matches!(error, JournalError::DiskFull(_)), "{error:?}");
    assert!(journal.runs().unwrap().is_empty());
    journal.create_run(push(3, "")).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_somebody_else_writes_to_is_said_to_be_locked() {
    files::register();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let journal = open(&path).unwrap();
    let (spec, fleet) = (push(3, ""), fleet());
    let id = spec.id.clone();
    let active = journal.create_run(spec).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = carry(active, &fleet).await.unwrap_err();
    let EngineError::Journal(error @ JournalError::Locked(_)) = error else {
        panic!("{error:?}");
    };
    assert!(error.to_string().contains("locked by another process"));
    assert_eq!(effects(&fleet), 0, "nothing was written to any host");
    other.execute_batch("ROLLBACK").unwrap();
    let active = journal.resume_run(&id, ResumeOptions::default()).unwrap();
    let result = carry(active, &fleet).await.unwrap();
    assert_eq!((result.exit_code, result.totals.ok), (0, 3));
}

#[test]
fn what_is_no_journal_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE t (a)").unwrap();
    drop(other);
    let foreign = std::fs::read(&path).unwrap();
    let cases: [(&[u8], &str); 3] = [
        (b"hello", "not an SQLite database"),
        (&[0; 4096], "not an SQLite database"),
        (&foreign, "of another program"),
    ];
    for (bytes, words) in cases {
        std::fs::write(&path, bytes).unwrap();
        for mode in [OpenMode::ReadWrite, OpenMode::ReadOnly] {
            let error = Journal::open(&path, mode).unwrap_err();
            assert!(matches!(error, JournalError::NotAJournal { .. }));
            assert!(error.to_string().contains(words), "{error}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_journal_that_is_not_there_is_not_created_by_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let error = Journal::open(&path, OpenMode::ReadOnly).unwrap_err();
    assert!(matches!(error, JournalError::Missing(_)));
    assert!(!path.exists());
}

/// A folder in which nothing can be created: below a file, because an administrator may write to a read-only folder.
#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    std::fs::write(&file, "").unwrap();
    let error = Journal::open(&file.join("journal.sqlite"), OpenMode::ReadWrite).unwrap_err();
    assert!(error.to_string().contains("state"), "{error}");
}

#[test]
fn a_journal_open_for_reading_takes_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    drop(Journal::open(&path, OpenMode::ReadWrite).unwrap());
    let journal = Journal::open(&path, OpenMode::ReadOnly).unwrap();
    let error = journal.create_run(push(1, "")).unwrap_err();
    assert!(matches!(error, JournalError::ReadOnly(_)), "{error:?}");
}

/// What a program leaves that was killed while it made the file, or brought it up to date: half a commit in the file,
/// and beside it what undoes that.
#[test]
fn half_a_commit_of_a_killed_program_is_undone_also_by_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    let [path, left] = ["journal.sqlite", "left.sqlite"].map(|name| folder.path().join(name));
    let beside = |path: &Path| path.with_extension("sqlite-journal");
    let journal = Journal::open(&path, OpenMode::ReadWrite).unwrap();
    drop(journal.create_run(push(3, "")).unwrap());
    drop(journal);
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = delete; PRAGMA cache_size = 1; BEGIN; UPDATE runs SET id = 'half';
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO runs (id, spec) SELECT 'half' || i, '' FROM n",
    )
    .unwrap();
    std::fs::copy(&path, &left).unwrap();
    std::fs::copy(beside(&path), beside(&left)).unwrap();
    let journal = Journal::open(&left, OpenMode::ReadOnly).unwrap();
    let runs = journal.runs().unwrap();
    assert_eq!(runs.len(), 1);
    assert_ne!(runs[0].id.as_str(), "half");
    assert!(!beside(&left).exists());
}

#[test]
fn a_file_that_a_killed_program_had_only_begun_is_no_journal_yet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    std::fs::write(&path, "").unwrap();
    let error = Journal::open(&path, OpenMode::ReadOnly).unwrap_err();
    assert!(matches!(error, JournalError::Missing(_)), "{error:?}");
    Journal::open(&path, OpenMode::ReadWrite).unwrap();
    Journal::open(&path, OpenMode::ReadOnly).unwrap();
}
