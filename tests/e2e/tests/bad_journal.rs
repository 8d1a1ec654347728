//! Journals that cannot be used, or not any more: clear words with path and remedy, nothing lost, and a way to go on.

use std::path::Path;

use e2e::{Finished, Lab, LabBuilder};
use rusqlite::Connection;
#[cfg(unix)]
use sim_fleet::HostHandle;

const PLAYBOOK: &str =
    "version: 1\nname: bad\nsteps:\n  - edr_proxy: { server: '10.0.0.6:8080' }\n";
const PUSH: [&str; 6] = ["push", "-i", "inventory.yaml", "-p", "p.yaml", "--yes"];
const VERBS: [&[&str]; 6] = [
    &PUSH,
    &["resume", "last", "--yes"],
    &["rollback", "last", "--yes"],
    &["catch-up", "last", "--yes"],
    &["runs"],
    &["report", "last"],
];

fn lab(hosts: usize) -> Lab {
    let lab = LabBuilder::hosts(hosts).start();
    lab.write("p.yaml", PLAYBOOK);
    lab
}

fn requests(lab: &Lab) -> u64 {
    let hosts = lab.hosts();
    hosts.iter().map(|host| host.counters().requests).sum()
}

/// An error before anything was sent: what, which file, what to do.
#[track_caller]
fn tells(ended: Finished, path: &Path, words: &str) {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a name");
    let ended = ended.exits(1).says(name).says(words).says("hint: ");
    let nothing = "nothing was sent to any host";
    assert!(ended.stderr().contains(nothing), "{}", ended.screen());
}

/// A good journal in one file, as bytes.
fn journal_of(lab: &Lab) -> Vec<u8> {
    lab.run(&PUSH).succeeds();
    let path = lab.path("journal.sqlite");
    assert!(
        !lab.path("journal.sqlite-wal").exists(),
        "all is in one file"
    );
    std::fs::read(path).expect("readable")
}

fn changed(path: &Path, good: &[u8], sql: &str) -> Vec<u8> {
    std::fs::write(path, good).expect("writable");
    let db = Connection::open(path).expect("a database");
    db.execute_batch(&format!("PRAGMA journal_mode = delete; {sql}"))
        .expect("right SQL");
    drop(db);
    std::fs::read(path).expect("readable")
}

#[test]
fn a_file_that_cannot_be_used_is_left_byte_for_byte_by_every_verb() {
    let lab = lab(1);
    let path = lab.path("journal.sqlite");
    let good = journal_of(&lab);
    let mut damaged = good.clone();
    damaged[4096..].fill(0xA5);
    let foreign = "PRAGMA application_id = 7";
    let cases = [
        (
            b"not a database, but my notes".to_vec(),
            "is not a winfleet journal",
        ),
        (changed(&path, &good, foreign), "of another program"),
        (
            changed(&path, &good, "PRAGMA user_version = 99"),
            "version 99",
        ),
        (damaged, "is damaged"),
        (good[..5000].to_vec(), "is damaged"),
    ];
    let before = requests(&lab);
    for (bytes, words) in cases {
        std::fs::write(&path, &bytes).expect("writable");
        for verb in VERBS {
            tells(lab.run(verb), &path, words);
            assert!(
                std::fs::read(&path).expect("readable") == bytes,
                "{words}: {verb:?}"
            );
        }
    }
    assert_eq!(requests(&lab), before);
    std::fs::write(&path, &good).expect("writable");
    lab.run(&["rollback", "last", "--yes"]).succeeds();
}

#[test]
fn a_missing_folder_is_made_and_an_impossible_one_is_named() {
    let lab = lab(1);
    let [deep, wrong] = ["deep/er/j.sqlite", "p.yaml/j.sqlite"].map(|name| lab.path(name));
    let with = |path: &Path| {
        let path = path.display().to_string();
        lab.run(&[&PUSH[..], &["--journal", &path]].concat())
    };
    tells(with(&wrong), &wrong, "p.yaml");
    tells(with(lab.folder()), lab.folder(), "failed to read");
    assert_eq!(requests(&lab), 0);
    with(&deep).succeeds();
    assert!(deep.exists());
}

#[test]
fn a_journal_that_another_program_keeps_locked_is_said_to_be() {
    let lab = lab(1);
    let path = lab.path("journal.sqlite");
    lab.run(&PUSH).succeeds();
    let before = requests(&lab);
    let other = Connection::open(&path).expect("a database");
    other
        .execute_batch("PRAGMA locking_mode = exclusive; BEGIN EXCLUSIVE; CREATE TABLE theirs (a)")
        .expect("nobody else has it");
    // Each waits for its turn, all at the same time.
    let waiting = VERBS.map(|verb| lab.spawn(verb));
    for running in waiting {
        tells(running.finish(), &path, "is locked by another process");
    }
    assert_eq!(requests(&lab), before);
    other.execute_batch("ROLLBACK").expect("begun");
    drop(other);
    lab.run(&["rollback", "last", "--yes"]).succeeds();
}

/// Bounds on the size of the journal's files, as a quota or a full disk would be; in blocks of 512 bytes.
#[cfg(unix)]
#[test]
fn where_the_disk_is_full_the_run_stops_and_goes_on_when_there_is_room() {
    let (mut blocks, mut nothing_sent, mut stopped) = (44, 0, 0);
    loop {
        let lab = lab(3);
        let before: Vec<_> = lab.hosts().iter().map(HostHandle::registry).collect();
        let ended = lab.program(&PUSH).limited_to(blocks).run();
        if ended.code() == Some(0) {
            break;
        }
        let ended = ended
            .exits(1)
            .says("journal.sqlite")
            .says("hint: look at quotas");
        let written: u64 = lab.hosts().iter().map(|host| host.counters().writes).sum();
        let words = "hosts may have been changed; go on with: winfleet resume ";
        if ended.stderr().contains(words) {
            stopped += 1;
            lab.run(&["resume", "last", "--yes"]).succeeds();
        } else {
            nothing_sent += 1;
            assert!(
                ended.stderr().contains("nothing was sent to any host"),
                "{}",
                ended.screen()
            );
            assert_eq!((requests(&lab), written), (0, 0), "{blocks} blocks");
            lab.run(&PUSH).succeeds();
        }
        let report = lab.report();
        assert_eq!(report["totals"]["ok"], 3, "{blocks} blocks");
        assert_eq!(report["totals"]["changed"], 3, "{blocks} blocks");
        for host in lab.hosts() {
            assert_eq!(
                e2e::written(&host).len(),
                2,
                "{blocks} blocks: {}",
                host.name()
            );
        }
        lab.run(&["rollback", "last", "--yes"]).succeeds();
        for (host, before) in lab.hosts().iter().zip(before) {
            let left = before.difference(&host.registry());
            assert_eq!(left, [""; 0], "{blocks} blocks: {}", host.name());
        }
        blocks += 12;
    }
    assert!(
        nothing_sent > 0 && stopped > 0,
        "{nothing_sent} and {stopped}"
    );
}

/// Everybody else's rights: an administrator may write anywhere.
#[cfg(unix)]
#[test]
fn a_journal_that_may_only_be_read_says_so_and_is_used_when_it_may_be_written() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let lab = lab(1);
    let path = lab.path("journal.sqlite");
    lab.run(&PUSH).succeeds();
    let administrator = std::fs::metadata(&path).expect("there").uid() == 0;
    let open = |folder: &Path| std::fs::metadata(folder).is_ok_and(|it| it.mode() & 1 != 0);
    if administrator && !e2e::binary().ancestors().all(open) {
        // Nobody else can start the program here, and to an administrator nothing is read-only.
        return;
    }
    let modes = |folder, file| {
        set_permissions(&path, Permissions::from_mode(file)).expect("own file");
        set_permissions(lab.folder(), Permissions::from_mode(folder)).expect("own folder");
    };
    let run = |verb: &[&str]| match administrator {
        true => lab.program(verb).as_nobody().run(),
        false => lab.run(verb),
    };
    modes(0o555, 0o444);
    let before = requests(&lab);
    for verb in VERBS {
        tells(run(verb), &path, "is read-only");
    }
    assert_eq!(requests(&lab), before);
    modes(0o700, 0o600);
    lab.run(&["rollback", "last", "--yes"]).succeeds();
}
