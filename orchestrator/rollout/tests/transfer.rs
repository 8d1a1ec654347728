//! The chain over a run's records, and runs as files: what is altered is found and named, what is whole arrives.

use std::io::BufReader;

use rollout::testing::{Script, push};
use rollout::{
    Journal, OpenMode, RollbackOptions, RunId, TransferError, Verdict, rollback_spec, verify_export,
};

use crate::engine::{Bench, with_old_proxy};

async fn three_hosts() -> (Bench, RunId) {
    let bench = Bench::new(vec![with_old_proxy(), Script::default(), with_old_proxy()]);
    let record = bench.run(push(3, "")).await;
    (bench, record.id)
}

fn exported(journal: &Journal, id: &RunId) -> Vec<u8> {
    let mut file = Vec::new();
    journal.export(id, &mut file).unwrap();
    file
}

fn sql(bench: &Bench, statement: &str) {
    let db = rusqlite::Connection::open(bench.journal.path()).unwrap();
    assert!(db.execute(statement, []).unwrap() > 0, "{statement}");
}

#[tokio::test]
async fn an_untouched_run_is_intact_and_reports_show_its_head() {
    let (bench, id) = three_hosts().await;
    let Verdict::Intact { events, head } = bench.journal.verify(&id).unwrap() else {
        panic!("altered")
    };
    assert!(events > 10);
    assert_eq!(bench.journal.run(&id).unwrap().chain_head, Some(head));
}

#[tokio::test]
async fn verify_names_the_first_altered_record() {
    for (statement, named) in [
        (
            "UPDATE events SET data = replace(data, 'g', 'h') WHERE kind = 'host_identified' AND host = 0",
            "host_identified of host pc-0000",
        ),
        (
            "UPDATE events SET time = time + 1 WHERE seq = 1",
            "event 1 (run_started)",
        ),
        (
            "UPDATE events SET host = 1 WHERE kind = 'host_finished' AND host = 2",
            "host_finished of host pc-0001",
        ),
        ("DELETE FROM events WHERE seq = 5", "event 5: it is missing"),
        (
            "DELETE FROM events WHERE kind = 'run_finished'",
            "its last events are missing",
        ),
        (
            "UPDATE hosts SET address = '10.9.9.9' WHERE id = 1",
            "the entry of host pc-0001",
        ),
        (
            "UPDATE runs SET spec = replace(spec, 'test', 'boss')",
            "the description of the run",
        ),
        (
            "UPDATE shapes SET data = replace(data, '5985', '5986') WHERE id = 0",
            "the description of the run",
        ),
        (
            "UPDATE runs SET ended = replace(ended, 'succeeded', 'cancelled')",
            "the end of the run",
        ),
        ("UPDATE events SET hash = NULL WHERE seq = 7", "event 7"),
        // No run can be made of these any more.
        (
            "DELETE FROM events WHERE kind = 'host_started' AND host = 0",
            "it is missing",
        ),
        (
            "UPDATE events SET data = '{' WHERE kind = 'step_finished' AND host = 1",
            "step_finished of host pc-0001",
        ),
        (
            "UPDATE events SET kind = 'host_retry' WHERE seq = 4",
            "event 4 (host_retry",
        ),
        (
            "UPDATE events SET data = CAST(X'ff00' AS TEXT) WHERE seq = 6",
            "event 6",
        ),
        ("UPDATE events SET data = X'7b7d' WHERE seq = 6", "event 6"),
        ("UPDATE events SET time = 'noon' WHERE seq = 8", "event 8"),
        (
            "UPDATE hosts SET shape = 'none' WHERE id = 2",
            "host pc-0002",
        ),
        ("DELETE FROM hosts WHERE id = 0", "host pc-0001"),
        ("UPDATE runs SET spec = '{'", "the description of the run"),
    ] {
        let (bench, id) = three_hosts().await;
        sql(&bench, statement);
        match bench.journal.verify(&id).unwrap() {
            Verdict::Altered { record } => assert!(record.contains(named), "{statement}: {record}"),
            other => panic!("{statement}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_resumed_run_goes_on_with_its_chain() {
    let (bench, id) = three_hosts().await;
    let options = rollout::ResumeOptions {
        only: vec![rollout::Outcome::Ok],
        ..Default::default()
    };
    let active = bench.journal.resume_run(&id, options).unwrap();
    bench.carry(active, &id).await;
    assert!(matches!(
        bench.journal.verify(&id).unwrap(),
        Verdict::Intact { .. }
    ));
}

#[tokio::test]
async fn a_colleague_can_report_and_roll_back() {
    let (bench, id) = three_hosts().await;
    let file = exported(&bench.journal, &id);
    let folder = tempfile::tempdir().unwrap();
    let other = Journal::open(&folder.path().join("other.sqlite"), OpenMode::ReadWrite).unwrap();
    let take = |file: &[u8]| other.import(&mut BufReader::new(file));
    assert_eq!(take(&file).unwrap(), (id.clone(), true));
    assert_eq!(
        take(&file).unwrap(),
        (id.clone(), false),
        "a second time changes nothing"
    );
    assert_eq!(other.run(&id).unwrap(), bench.journal.run(&id).unwrap());
    assert_eq!(
        other.verify(&id).unwrap(),
        bench.journal.verify(&id).unwrap()
    );
    let options = |id: &str| RollbackOptions {
        id: RunId::from_text(id),
        operator: "colleague".into(),
        reason: None,
        force: false,
        hosts: None,
        ring: None,
    };
    let (mine, theirs) = (
        rollback_spec(&bench.journal, &id, options("a")).unwrap(),
        rollback_spec(&other, &id, options("a")).unwrap(),
    );
    assert_eq!(mine, theirs);
}

#[tokio::test]
async fn an_altered_file_is_refused_and_nothing_of_it_is_taken() {
    let (bench, id) = three_hosts().await;
    let file = exported(&bench.journal, &id);
    let folder = tempfile::tempdir().unwrap();
    let other = Journal::open(&folder.path().join("other.sqlite"), OpenMode::ReadWrite).unwrap();
    // Every 37th byte, which is in every kind of record.
    for at in (0..file.len()).step_by(37) {
        let mut altered = file.clone();
        altered[at] = if altered[at] == b'1' { b'2' } else { b'1' };
        let result = other.import(&mut BufReader::new(altered.as_slice()));
        assert!(
            matches!(
                result,
                Err(TransferError::Altered(_)
                    | TransferError::NotARun { .. }
                    | TransferError::Newer { .. })
            ),
            "byte {at}: {result:?}"
        );
    }
    for lines in 0..file.iter().filter(|byte| **byte == b'\n').count() {
        let cut: Vec<u8> = file
            .split_inclusive(|byte| *byte == b'\n')
            .take(lines)
            .flatten()
            .copied()
            .collect();
        assert!(
            other.import(&mut BufReader::new(cut.as_slice())).is_err(),
            "{lines} lines"
        );
    }
    assert!(other.runs().unwrap().is_empty());
    let (found, verdict) = verify_export(&mut BufReader::new(file.as_slice())).unwrap();
    assert_eq!(found, id);
    assert!(matches!(verdict, Verdict::Intact { .. }));
}
