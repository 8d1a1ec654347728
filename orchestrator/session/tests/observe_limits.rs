//! The documented limits of promise 1: defects that neither `StdRegProv` nor `reg.exe` shows. Each case says what the
//! channels show instead; whoever finds a channel that shows more has to come here.

use playbooks::{Change, Desired, Observed, RawValue};
use rollout::{Observe, Restored, Session, Undo};

use crate::lab::{Lab, sz, target, theirs};

const KEY: &str = r"SOFTWARE\Example";

fn units(kind: u32, units: &[u16]) -> RawValue {
    let bytes = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    RawValue { kind, bytes }
}

#[tokio::test]
async fn a_text_that_reads_like_a_terminated_one() {
    let a = u16::from(b'a');
    let mut odd_length = units(1, &[a, 0]);
    odd_length.bytes.push(0);
    let cases = [
        ("no terminator", units(1, &[a]), sz("a")),
        ("no bytes at all", units(1, &[]), sz("")),
        ("two terminators", units(1, &[a, 0, 0]), sz("a")),
        (
            "text behind the terminator",
            units(1, &[a, 0, a, 0]),
            sz("a"),
        ),
        ("odd length", odd_length, sz("a")),
    ];
    for channel in ["auto", "cim", "shell"] {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        for (what, stored, shown) in &cases {
            lab.host().set_value(KEY, "Value", theirs(stored));
            let found = lab.look(&target(KEY, "Value")).await.unwrap();
            assert_eq!(
                found,
                Observed::Present(shown.clone()),
                "{what} by {channel}"
            );
        }
    }
}

#[tokio::test]
async fn a_list_that_reads_like_a_closed_one() {
    let a = u16::from(b'a');
    let closed = units(7, &[a, 0, 0]);
    for channel in ["auto", "cim", "shell"] {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        lab.host()
            .set_value(KEY, "Value", theirs(&units(7, &[a, 0])));
        let found = lab.look(&target(KEY, "Value")).await.unwrap();
        assert_eq!(found, Observed::Present(closed.clone()), "{channel}");
    }
}

/// The prior state holds no name: the registry compares names without regard to letter case, and a value that the run
/// deleted comes back under the name the playbook gives it.
#[tokio::test]
async fn a_name_comes_back_in_the_letter_case_of_the_playbook() {
    let place = target(KEY, "Value");
    let lab = Lab::one().await;
    let host = lab.host();
    host.set_value(KEY, "VALUE", theirs(&sz("a")));
    let mut session = lab.open().await;
    let prior = session
        .observe(std::slice::from_ref(&place))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(prior, Observed::Present(sz("a")));
    let change = Change {
        target: place.clone(),
        desired: Desired::Absent,
    };
    let ours = session.apply(&change).await.unwrap();
    let undo = Undo {
        target: place,
        prior,
        ours,
        force: false,
        uncertain: None,
    };
    assert_eq!(session.restore(&undo).await, Ok(Restored::Done));
    session.close().await;
    let snapshot = host.registry();
    let names: Vec<&String> = snapshot.key(KEY).unwrap().keys().collect();
    assert_eq!(names, ["Value"]);

    // An overwritten value keeps its name.
    host.delete_key(KEY);
    host.set_value(KEY, "VALUE", theirs(&sz("a")));
    let before = host.registry();
    let mut session = lab.open().await;
    let change = Change {
        target: target(KEY, "Value"),
        desired: Desired::Value(sz("b")),
    };
    let ours = session.apply(&change).await.unwrap();
    let undo = Undo { ours, ..undo };
    assert_eq!(session.restore(&undo).await, Ok(Restored::Done));
    session.close().await;
    assert_eq!(before.difference(&host.registry()), [""; 0]);
}

/// Recorded as prior it could never be put back: the host refuses the envelope.
#[tokio::test]
async fn a_value_that_no_request_can_carry_is_not_taken_for_restorable() {
    let lab = Lab::one().await.defaults("channel: cim");
    let mut found = Vec::new();
    for size in [16_000, 17_000] {
        let stored = RawValue {
            kind: 3,
            bytes: vec![7; size],
        };
        lab.host().set_value(KEY, "Value", theirs(&stored));
        found.push(lab.look(&target(KEY, "Value")).await.unwrap());
    }
    assert!(matches!(&found[0], Observed::Present(raw) if raw.bytes.len() == 16_000));
    assert!(matches!(&found[1], Observed::Opaque { kind: 3, .. }));
}
