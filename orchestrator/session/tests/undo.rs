//! Exact undo as a property: from a random prior state, either nothing was written, or a restore in reverse order leaves
//! the host's registry byte for byte as it was, key by key. Hosts speak a dialect drawn for each case.
//!
//! States that no channel shows as they are (`observe_limits.rs`) are left out here. A value that the run deleted comes
//! back under the name the playbook gives it: names differ from the stored ones in letter case at most.

use std::cell::Cell;

use playbooks::{Change, Observed, Target};
use proptest::prelude::{Strategy as _, any};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rollout::{Observe, Restored, Session, Severity, Undo};
use sim_fleet::{Dialect, HostHandle};

use crate::lab::{Lab, knobs, theirs};
use crate::states::{Case, KEYS, ROOTS, any_case, windows_case};

/// Cases of each property: few in the gate, thousands where the long run is asked for.
fn cases(gate: u32) -> u32 {
    match std::env::var_os("WINFLEET_LONG") {
        Some(_) => 2000,
        None => gate,
    }
}

/// How often each thing happened: a property that only ever refuses proves nothing.
#[derive(Default)]
struct Tally {
    refused: Cell<u32>,
    restored: Cell<u32>,
    writes: Cell<u64>,
}

fn up(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

/// Gives the host the case's prior state.
fn prepare(host: &HostHandle, case: &Case) {
    for root in ROOTS {
        host.delete_key(root);
    }
    for (key, there) in KEYS.iter().zip(&case.keys) {
        if *there {
            host.create_key(key);
        }
    }
    for (target, value) in &case.values {
        host.set_value(target.key.as_str(), &target.value, theirs(value));
    }
}

async fn one_case(
    lab: &Lab,
    case: &Case,
    dialect: Dialect,
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let host = lab.host();
    host.set_dialect(dialect);
    prepare(&host, case);
    let before = host.registry();
    let writes = || host.counters().writes;
    let at_start = writes();

    let mut session = lab.open().await;
    let targets: Vec<Target> = case.changes.iter().map(|c| c.target.clone()).collect();
    let priors = session.observe(&targets).await.unwrap();
    let needed: Vec<(&Change, &Observed)> = case
        .changes
        .iter()
        .zip(&priors)
        .filter(|(change, prior)| !change.desired.satisfied_by(prior))
        .collect();
    if needed.iter().any(|(_, prior)| !prior.restorable()) {
        session.close().await;
        proptest::prop_assert_eq!(writes(), at_start, "refused, and yet written");
        up(&tally.refused);
        return Ok(());
    }

    let mut undos = Vec::new();
    for (change, prior) in needed {
        let undo = |ours: Observed, uncertain| Undo {
            target: change.target.clone(),
            prior: prior.clone(),
            ours,
            force: false,
            uncertain,
        };
        match session.apply(change).await {
            Ok(found) => {
                proptest::prop_assert!(
                    change.desired.satisfied_by(&found),
                    "{}: {:?}",
                    change.target,
                    found
                );
                undos.push(undo(found, None));
            }
            // What this channel cannot write is refused before it is sent; the rest is taken back.
            Err(error) => {
                proptest::prop_assert_eq!(error.severity, Severity::Failed, "{}", error);
                undos.push(undo(prior.clone(), Some(change.desired.clone())));
                break;
            }
        }
    }
    if case.reconnect {
        session.close().await;
        session = lab.open().await;
    }
    for undo in undos.iter().rev() {
        let restored = session.restore(undo).await;
        proptest::prop_assert!(
            matches!(restored, Ok(Restored::Done | Restored::AlreadyPrior)),
            "{}: {:?}",
            undo.target,
            restored
        );
    }
    tally.writes.set(tally.writes.get() + writes() - at_start);
    let after_undo = writes();
    for undo in undos.iter().rev() {
        let again = session.restore(undo).await;
        proptest::prop_assert_eq!(again, Ok(Restored::AlreadyPrior), "{}", undo.target);
    }
    session.close().await;
    proptest::prop_assert_eq!(writes(), after_undo, "a second restore wrote");
    let difference = before.difference(&host.registry());
    proptest::prop_assert!(difference.is_empty(), "{:#?}", difference);
    proptest::prop_assert_eq!(host.counters().shells_open, 0);
    up(&tally.restored);
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "the share of refused states is a figure people want to see"
)]
fn run(
    what: &str,
    defaults: &str,
    faults: Option<&str>,
    cases: u32,
    states: impl proptest::strategy::Strategy<Value = Case>,
) -> Tally {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let lab = runtime.block_on(Lab::one()).defaults(defaults);
    if let Some(faults) = faults {
        lab.host().set_knobs(knobs(faults));
    }
    let tally = Tally::default();
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    });
    // Shrinks towards the usual dialect.
    let dialects = any::<u16>().prop_map(|seed| match seed {
        0..0x4000 => Dialect::default(),
        seed => Dialect::drawn(u64::from(seed)),
    });
    let result = runner.run(&(states, dialects), |(case, dialect)| {
        runtime
            .block_on(one_case(&lab, &case, dialect, &tally))
            .map_err(|error| match error {
                TestCaseError::Fail(why) => {
                    TestCaseError::fail(format!("{why}\nin the dialect {dialect}"))
                }
                rejected => rejected,
            })
    });
    let (refused, restored) = (tally.refused.get(), tally.restored.get());
    println!(
        "{what}: {restored} restored, {refused} refused ({:.0} %), {} writes",
        100.0 * f64::from(refused) / f64::from((refused + restored).max(1)),
        tally.writes.get()
    );
    if let Err(error) = result {
        panic!("{what}: {error}");
    }
    tally
}

const BROKEN: &str = "{ wmi_broken: { fault: rpc } }";

#[test]
fn any_state_comes_back_through_wmi() {
    let tally = run(
        "any state, cim",
        "channel: cim",
        None,
        cases(64),
        any_case(),
    );
    assert!(tally.restored.get() > 0 && tally.refused.get() > 0);
}

#[test]
fn any_state_comes_back_through_wmi_and_the_shell() {
    let tally = run(
        "any state, auto",
        "channel: auto",
        None,
        cases(64),
        any_case(),
    );
    assert!(tally.restored.get() > 0 && tally.refused.get() > 0);
}

#[test]
fn any_state_comes_back_through_the_shell() {
    let tally = run(
        "any state, shell",
        "channel: shell",
        None,
        cases(64),
        any_case(),
    );
    assert!(tally.restored.get() > 0 && tally.refused.get() > 0);
}

#[test]
fn any_state_comes_back_where_wmi_is_broken() {
    let tally = run(
        "any state, auto, WMI broken",
        "channel: auto",
        Some(BROKEN),
        cases(64),
        any_case(),
    );
    assert!(tally.restored.get() > 0 && tally.refused.get() > 0);
}

#[test]
fn nothing_that_windows_writes_is_refused() {
    for (what, defaults, faults) in [
        ("Windows' own states, cim", "channel: cim", None),
        ("Windows' own states, auto", "channel: auto", None),
        ("Windows' own states, shell", "channel: shell", None),
        (
            "Windows' own states, auto, WMI broken",
            "channel: auto",
            Some(BROKEN),
        ),
    ] {
        let tally = run(what, defaults, faults, cases(20), windows_case());
        assert_eq!(tally.refused.get(), 0, "{what}");
        assert!(tally.writes.get() > 0, "{what}");
    }
}
