//! Three-way restore: prior, ours, and what is there now (RB1, RB2, RB6).

use playbooks::{Desired, Observed, RawValue, Target, WinHttpProxy};
use rollout::{Observe, Reason, Restored, Session, Severity, Undo};
use sim_fleet::FleetSpec;

use crate::lab::{Lab, key_path, sz, target, theirs};

const KEY: &str = r"SOFTWARE\Example";

/// Both roads.
const CHANNELS: [&str; 2] = ["cim", "shell"];

fn undo(prior: Observed, ours: Observed) -> Undo {
    Undo {
        target: target(KEY, "Value"),
        prior,
        ours,
        force: false,
        uncertain: None,
    }
}

fn present(text: &str) -> Observed {
    Observed::Present(sz(text))
}

fn forced(undo: &Undo) -> Undo {
    Undo {
        force: true,
        ..undo.clone()
    }
}

/// What stands at the undo's place before the restore.
fn put(lab: &Lab, target: &Target, state: &Observed) {
    let host = lab.host();
    let key = target.key.as_str();
    host.delete_key(key);
    match state {
        Observed::Present(raw) => host.set_value(key, &target.value, theirs(raw)),
        Observed::ValueAbsent => host.create_key(key),
        Observed::Opaque { kind, .. } => {
            let odd = sim_fleet::RawValue::new(*kind, &[1]);
            host.set_value(key, &target.value, odd);
        }
        Observed::KeyAbsent { .. } => {}
    }
}

/// Restores from a current state; gives the result and how many writes arrived.
async fn restore(lab: &Lab, undo: &Undo, current: &Observed) -> (Restored, u64) {
    put(lab, &undo.target, current);
    let before = lab.host().counters().writes;
    let mut session = lab.open().await;
    let restored = session.restore(undo).await.unwrap();
    let writes = lab.host().counters().writes - before;
    if restored == Restored::Done {
        let again = session.restore(undo).await.unwrap();
        assert_eq!(again, Restored::AlreadyPrior, "restoring twice");
        let found = session.observe(std::slice::from_ref(&undo.target)).await;
        assert!(found.unwrap()[0].same_content(&undo.prior));
        assert_eq!(lab.host().counters().writes - before, writes);
    }
    session.close().await;
    (restored, writes)
}

#[tokio::test]
async fn ours_goes_back_prior_stays_and_foreign_is_a_conflict() {
    let opaque = Observed::Opaque {
        kind: 8,
        why: String::new(),
    };
    let gone = Observed::KeyAbsent {
        first_missing: key_path(KEY),
    };
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let undo = undo(present("old"), present("new"));
        let (restored, writes) = restore(&lab, &undo, &present("new")).await;
        assert_eq!((restored, writes), (Restored::Done, 1), "{channel}");
        let (restored, writes) = restore(&lab, &undo, &present("old")).await;
        assert_eq!((restored, writes), (Restored::AlreadyPrior, 0), "{channel}");
        for foreign in [
            present("theirs"),
            Observed::ValueAbsent,
            gone.clone(),
            opaque.clone(),
        ] {
            let (restored, writes) = restore(&lab, &undo, &foreign).await;
            let Restored::Conflict { current } = restored else {
                panic!("{channel}, {foreign:?}: {restored:?}");
            };
            match (&current, &foreign) {
                (Observed::Opaque { kind: 8, .. }, Observed::Opaque { .. }) => {}
                _ => assert_eq!(current, foreign, "{channel}"),
            }
            assert_eq!(writes, 0, "{channel}, {foreign:?}");
            let (restored, _) = restore(&lab, &forced(&undo), &foreign).await;
            assert_eq!(restored, Restored::Done, "{channel}, {foreign:?}");
            let value = lab.host().value(KEY, "Value");
            assert_eq!(value, Some(theirs(&sz("old"))), "{channel}, {foreign:?}");
        }
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_foreign() {
    let ours = Observed::Present(RawValue {
        kind: 4,
        bytes: vec![1, 0, 0, 0],
    });
    let same_bytes = Observed::Present(RawValue {
        kind: 3,
        bytes: vec![1, 0, 0, 0],
    });
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let undo = undo(Observed::ValueAbsent, ours.clone());
        let (restored, writes) = restore(&lab, &undo, &same_bytes).await;
        assert!(matches!(restored, Restored::Conflict { .. }), "{channel}");
        assert_eq!(writes, 0);
    }
}

#[tokio::test]
async fn an_uncertain_write_counts_as_ours_where_it_was_carried_out() {
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let undo = Undo {
            uncertain: Some(Desired::Value(sz("new"))),
            ..undo(present("old"), present("old"))
        };
        for (current, expected) in [("new", Restored::Done), ("old", Restored::AlreadyPrior)] {
            let (restored, _) = restore(&lab, &undo, &present(current)).await;
            assert_eq!(restored, expected, "{channel}, {current}");
        }
        let (restored, _) = restore(&lab, &undo, &present("theirs")).await;
        assert!(matches!(restored, Restored::Conflict { .. }), "{channel}");
    }
}

#[tokio::test]
async fn an_uncertain_netsh_is_recognised_by_what_its_bytes_mean() {
    let place = Target::win_http_settings();
    let proxy = WinHttpProxy {
        server: "10.0.0.6:8080".to_owned(),
        bypass: vec![],
    };
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let undo = Undo {
            target: place.clone(),
            uncertain: Some(Desired::WinHttp(proxy.clone())),
            ..undo(Observed::ValueAbsent, Observed::ValueAbsent)
        };
        for (marker, expected) in [(0x18, true), (0x28, true), (0x01, true)] {
            let mut bytes = vec![marker, 0, 0, 0, 9, 9, 9, 9, 3, 0, 0, 0, 13, 0, 0, 0];
            bytes.extend(b"10.0.0.6:8080\0\0\0\0behind");
            let current = Observed::Present(RawValue { kind: 3, bytes });
            let (restored, _) = restore(&lab, &undo, &current).await;
            assert_eq!(restored == Restored::Done, expected, "{channel} {marker}");
        }
        let current = Observed::Present(RawValue {
            kind: 3,
            bytes: vec![0x18, 0, 0, 0],
        });
        let (restored, _) = restore(&lab, &undo, &current).await;
        assert!(matches!(restored, Restored::Conflict { .. }), "{channel}");
    }
}

/// The run made `Example\A` and all below it, down to the value.
fn made_keys() -> Undo {
    Undo {
        target: target(r"SOFTWARE\Example\A\B\C", "Value"),
        ..undo(
            Observed::KeyAbsent {
                first_missing: key_path(r"SOFTWARE\Example\A"),
            },
            present("new"),
        )
    }
}

#[tokio::test]
async fn keys_that_the_run_made_go_where_they_are_empty() {
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let host = lab.host();
        host.create_key(KEY);
        let undo = made_keys();
        let before = host.registry();

        let (restored, _) = restore(&lab, &undo, &present("new")).await;
        assert_eq!(restored, Restored::Done, "{channel}");
        assert_eq!(before.difference(&host.registry()), [""; 0], "{channel}");

        // Killed between the value and the keys, then restored again.
        let (restored, _) = restore(&lab, &undo, &Observed::ValueAbsent).await;
        assert_eq!(restored, Restored::Done, "{channel}");
        assert_eq!(before.difference(&host.registry()), [""; 0], "{channel}");

        let (restored, writes) = restore(&lab, &undo, &undo.prior.clone()).await;
        assert_eq!((restored, writes), (Restored::AlreadyPrior, 0), "{channel}");
    }
}

#[tokio::test]
async fn keys_that_a_killed_restore_left_go_too() {
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let host = lab.host();
        host.create_key(KEY);
        let undo = made_keys();
        let before = host.registry();
        // Killed after one key, or two: what the target's own key says is that it is not there.
        for left in [r"SOFTWARE\Example\A\B", r"SOFTWARE\Example\A"] {
            host.create_key(left);
            let mut session = lab.open().await;
            let restored = session.restore(&undo).await.unwrap();
            session.close().await;
            assert_eq!(restored, Restored::Done, "{channel}: {left}");
            let left_over = before.difference(&host.registry());
            assert_eq!(left_over, [""; 0], "{channel}: {left}");
        }
    }
}

#[tokio::test]
async fn keys_with_anything_in_them_stay_and_so_does_all_above() {
    for channel in CHANNELS {
        for (foreign_key, foreign_value) in [
            (r"SOFTWARE\Example\A\B", Some("theirs")),
            (r"SOFTWARE\Example\A\B", Some("")),
            (r"SOFTWARE\Example\A\B\D", None),
        ] {
            let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
            let host = lab.host();
            let undo = made_keys();
            host.create_key(foreign_key);
            if let Some(name) = foreign_value {
                host.set_value(foreign_key, name, theirs(&sz("x")));
            }
            let before = host.registry();
            let (restored, _) = restore(&lab, &undo, &present("new")).await;
            assert_eq!(restored, Restored::Done, "{channel}");
            assert_eq!(
                before.difference(&host.registry()),
                [""; 0],
                "{channel}: {foreign_key} {foreign_value:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_key_with_nothing_but_an_unlisted_default_value_is_not_empty() {
    let mut spec = FleetSpec::named(["pc-1.corp.example"]);
    spec.defaults.lists_default_value = false;
    for value in [
        sim_fleet::RawValue::sz("theirs"),
        sim_fleet::RawValue::dword(1),
    ] {
        let lab = Lab::of(spec.clone()).await.defaults("channel: cim");
        let host = lab.host();
        let undo = made_keys();
        let key = undo.target.key.as_str();
        put(&lab, &undo.target, &present("new"));
        host.set_value(key, "", value.clone());
        let mut session = lab.open().await;
        assert_eq!(session.restore(&undo).await, Ok(Restored::Done));
        session.close().await;
        assert_eq!(host.value(key, ""), Some(value));
    }
}

#[tokio::test]
async fn an_empty_key_that_was_there_before_stays() {
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let undo = undo(Observed::ValueAbsent, present("new"));
        let (restored, _) = restore(&lab, &undo, &present("new")).await;
        assert_eq!(restored, Restored::Done, "{channel}");
        assert!(lab.host().key_exists(KEY), "{channel}");
    }
}

#[tokio::test]
async fn a_prior_that_is_not_known_is_not_made_up() {
    for channel in CHANNELS {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let prior = Observed::Opaque {
            kind: 8,
            why: "no channel reads it".to_owned(),
        };
        let undo = undo(prior, present("new"));
        put(&lab, &undo.target, &present("new"));
        let mut session = lab.open().await;
        let error = session.restore(&undo).await.unwrap_err();
        assert_eq!(
            (error.severity, error.reason),
            (Severity::Failed, Reason::PriorNotRestorable),
            "{channel}: {error}"
        );
        assert_eq!(lab.host().counters().writes, 0, "{channel}");
        session.close().await;
    }
}
