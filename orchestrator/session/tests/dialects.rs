//! The whole work on a host in every dialect that hosts may speak: each form alone, and many combinations.
//!
//! A flow reads facts, observes, writes, reads back and takes everything back; the host's registry has to be byte for
//! byte what it was. Refusals keep their meaning. What a form is about is said where it is declared, in the simulated
//! fleet.

use playbooks::{
    Change, Desired, Fact, FactSet, FactValue, Observed, RawValue, Target, Typed, WinHttpProxy,
};
use rollout::{Observe, Reason, Restored, Session, Undo};
use sim_fleet::{Account, Dialect, FleetSpec};

use crate::lab::{Lab, PASSWORD, knobs, sz, target, theirs};

const KEY: &str = r"SOFTWARE\Dialects";
const NEW: &str = r"SOFTWARE\Dialects\New\Below";
const BROKEN: &str = "{ wmi_broken: { fault: rpc } }";

/// Roads that the operations take, with what is wrong with WMI.
const ROADS: [(&str, &str); 4] = [
    ("channel: auto", "{}"),
    ("channel: cim", "{}"),
    ("channel: shell", "{}"),
    ("channel: auto", BROKEN),
];

/// How many combinations: a hundred in the gate, thousands where the long run is asked for.
fn combinations() -> u64 {
    match std::env::var_os("WINFLEET_LONG") {
        Some(_) => 4000,
        None => 100,
    }
}

fn typed(typed: Typed) -> RawValue {
    typed.to_raw()
}

/// What is there before: a value of each type, one that will go, one that will change its type.
fn priors() -> Vec<(Target, RawValue)> {
    let items = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let place = |name| target(KEY, name);
    vec![
        (place(""), sz("of the key itself")),
        (place("text"), sz("old & <odd>")),
        (place("gone"), sz("back again")),
        (place("items"), typed(Typed::MultiSz(items(&["a", "b c"])))),
        (place("bytes"), typed(Typed::Binary(vec![0, 40, 255]))),
        (place("number"), typed(Typed::Dword(u32::MAX))),
        (place("wide"), typed(Typed::Qword(u64::MAX))),
        (place("other type"), typed(Typed::Dword(7))),
    ]
}

fn wanted(by_shell_too: bool) -> Vec<Change> {
    let value = |name, raw| Change {
        target: target(KEY, name),
        desired: Desired::Value(raw),
    };
    let mut changes = vec![
        value("", sz("another")),
        value("text", sz("new")),
        Change {
            target: target(KEY, "gone"),
            desired: Desired::Absent,
        },
        value("items", typed(Typed::MultiSz(vec!["x".to_owned()]))),
        value("bytes", typed(Typed::Binary(vec![1; 9]))),
        value("number", typed(Typed::Dword(0))),
        value("wide", typed(Typed::Qword(1))),
        value("other type", sz("now a text")),
        Change {
            target: target(NEW, "made"),
            desired: Desired::Value(sz("10.0.0.6:8080")),
        },
    ];
    if by_shell_too {
        changes.push(value(
            "expandable",
            typed(Typed::ExpandSz("%A% b".to_owned())),
        ));
        changes.push(value("no bytes", typed(Typed::Binary(Vec::new()))));
        changes.push(Change {
            target: Target::win_http_settings(),
            desired: Desired::WinHttp(WinHttpProxy {
                server: "10.0.0.6:8080".to_owned(),
                bypass: vec!["<local>".to_owned()],
            }),
        });
    }
    changes
}

/// A host that has seen nothing yet, in a new dialect. Values come and go; the dialect stays for one flow.
fn prepare(lab: &Lab, dialect: Dialect, faults: &str) {
    let host = lab.host();
    host.set_dialect(dialect);
    host.delete_key(KEY);
    for (target, raw) in priors() {
        host.set_value(target.key.as_str(), &target.value, theirs(&raw));
    }
    // Without bytes and expandable: only the shell shows and writes these in every dialect.
    let empty = sim_fleet::RawValue::new(3, &[]);
    host.set_value(KEY, "no bytes before", empty);
    host.set_knobs(knobs(faults));
}

/// What went wrong in a dialect: the tests name all of them, not only the first one.
type Told<T = ()> = Result<T, String>;

fn told<T>(what: &str, result: Result<T, impl std::fmt::Debug>) -> Told<T> {
    result.map_err(|error| format!("{what}: {error:?}"))
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Told {
    if holds { Ok(()) } else { Err(otherwise()) }
}

async fn push_and_take_back(lab: &Lab, changes: &[Change]) -> Told {
    let host = lab.host();
    let before = host.registry();
    let mut session = told("open", lab.try_open().await)?;
    let targets: Vec<Target> = changes.iter().map(|change| change.target.clone()).collect();
    let priors = told("observe", session.observe(&targets).await)?;
    let mut undos = Vec::new();
    for (change, prior) in changes.iter().zip(priors) {
        let target = &change.target;
        ensure(prior.restorable(), || format!("{target}: {prior:?}"))?;
        if change.desired.satisfied_by(&prior) {
            continue;
        }
        let found = told(&target.to_string(), session.apply(change).await)?;
        let right = change.desired.satisfied_by(&found);
        ensure(right, || format!("{target}: applied, and {found:?}"))?;
        undos.push(Undo {
            target: target.clone(),
            prior,
            ours: found,
            force: false,
            uncertain: None,
        });
    }
    ensure(undos.len() >= 9, || format!("only {} changes", undos.len()))?;
    session.close().await;

    let mut session = told("open again", lab.try_open().await)?;
    let found = told("observe again", session.observe(&targets).await)?;
    for (change, found) in changes.iter().zip(found) {
        let right = change.desired.satisfied_by(&found);
        ensure(right, || format!("{}: again {found:?}", change.target))?;
    }
    for undo in undos.iter().rev() {
        let restored = session.restore(undo).await;
        ensure(restored == Ok(Restored::Done), || {
            format!("{}: {restored:?}", undo.target)
        })?;
    }
    session.close().await;
    let difference = before.difference(&host.registry());
    ensure(difference.is_empty(), || format!("{difference:?}"))?;
    let left = host.counters().shells_open;
    ensure(left == 0, || format!("{left} shells are left"))
}

/// All facts but those of time: each host has its own.
async fn facts(lab: &Lab) -> Told<Vec<(Fact, FactValue)>> {
    let mut session = told("open", lab.try_open().await)?;
    let facts = told("facts", session.facts(&FactSet::all()).await)?;
    session.close().await;
    let unread: Vec<(Fact, &str)> = facts.failures().collect();
    ensure(unread.is_empty(), || format!("{unread:?}"))?;
    let steady = facts
        .values()
        .filter(|(fact, _)| !matches!(fact, Fact::OsLastBoot | Fact::ClockLocal | Fact::ClockSkew));
    Ok(steady.map(|(fact, value)| (fact, value.clone())).collect())
}

/// The same ones as from a host that speaks as usual.
async fn facts_are_read(lab: &Lab, usual: &[(Fact, FactValue)]) -> Told {
    let found = facts(lab).await?;
    let differing: Vec<_> = usual.iter().zip(&found).filter(|(a, b)| a != b).collect();
    ensure(found.len() == usual.len() && differing.is_empty(), || {
        format!("{differing:?}")
    })
}

/// Refusals mean the same in every dialect.
async fn refusals(lab: &Lab) -> Told {
    let host = lab.host();
    let place = target(KEY, "text");
    for (faults, reason) in [
        ("{ access_denied: true }", Reason::AccessDenied),
        ("{ quota: { kind: user } }", Reason::Quota),
    ] {
        host.set_knobs(knobs(faults));
        let found = lab.look(&place).await;
        let right = found.as_ref().is_err_and(|error| error.reason == reason);
        ensure(right, || format!("{faults}: {found:?}"))?;
    }
    host.set_knobs(knobs(
        "{ wmi_broken: { fault: class_not_found, registry_only: true } }",
    ));
    let found = lab.look(&place).await;
    host.set_knobs(knobs("{}"));
    let expected = Ok(Observed::Present(sz("old & <odd>")));
    ensure(found == expected, || format!("by the shell: {found:?}"))
}

#[track_caller]
fn no_failures(failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn fleet() -> FleetSpec {
    let mut spec = FleetSpec::named(["pc-1.corp.example"])
        .with_dialect(Dialect::default())
        .with_account(Account::domain("CORP", "operator", PASSWORD));
    // Not a divisor of anything: pieces end inside of lines and characters.
    spec.defaults.chunk = 61;
    spec
}

async fn on_each_road(dialects: &[(String, Dialect)], roads: impl Fn(usize) -> Vec<usize>) {
    let mut failures = Vec::new();
    for (road, (channel, faults)) in ROADS.into_iter().enumerate() {
        let lab = Lab::of(fleet()).await.defaults(channel);
        for (number, (name, dialect)) in dialects.iter().enumerate() {
            if !roads(number).contains(&road) {
                continue;
            }
            prepare(&lab, *dialect, faults);
            let changes = wanted(channel != "channel: cim");
            if let Err(why) = push_and_take_back(&lab, &changes).await {
                failures.push(format!("{name}, {channel}, {faults}: {why}"));
            }
        }
        if lab.host().counters().failed_logons != 0 {
            failures.push(format!("{channel}: logons were refused"));
        }
    }
    no_failures(&failures);
}

fn drawn(count: u64) -> Vec<(String, Dialect)> {
    let named = |seed| {
        let dialect = Dialect::drawn(seed);
        (format!("seed {seed} ({dialect})"), dialect)
    };
    (0..count).map(named).collect()
}

/// On every road in the long run; in the gate on the usual one and one other.
#[tokio::test]
async fn every_form_alone() {
    let long = std::env::var_os("WINFLEET_LONG").is_some();
    on_each_road(&Dialect::features(), |number| match long {
        true => vec![0, 1, 2, 3],
        false => vec![0, 1 + number % 3],
    })
    .await;
}

#[tokio::test]
async fn many_combinations_each_on_one_road() {
    on_each_road(&drawn(combinations()), |number| vec![number % ROADS.len()]).await;
}

#[tokio::test]
async fn facts_and_refusals_in_every_form_and_in_combinations() {
    let lab = Lab::of(fleet()).await;
    prepare(&lab, Dialect::default(), "{}");
    let usual = facts(&lab).await.unwrap();
    let mut failures = Vec::new();
    for (name, dialect) in [Dialect::features(), drawn(combinations() / 2)].concat() {
        prepare(&lab, dialect, "{}");
        for result in [facts_are_read(&lab, &usual).await, refusals(&lab).await] {
            failures.extend(result.err().map(|why| format!("{name}: {why}")));
        }
    }
    no_failures(&failures);
    assert_eq!(lab.host().counters().shells_open, 0);
}

#[tokio::test]
async fn the_same_over_tls() {
    let settings = "transport: https, ca_file: '{ca}'";
    let lab = Lab::of(fleet()).await.defaults(settings);
    let mut failures = Vec::new();
    let mut forms = Dialect::features();
    forms.retain(|(name, _)| name.starts_with("logon.") || name.starts_with("http."));
    for (name, dialect) in [forms, drawn(combinations() / 4)].concat() {
        prepare(&lab, dialect, "{}");
        let result = push_and_take_back(&lab, &wanted(true)).await;
        failures.extend(result.err().map(|why| format!("{name}: {why}")));
    }
    no_failures(&failures);
}

/// One refused logon, whatever the forms of the exchange are: an account must not be locked by them.
#[tokio::test]
async fn a_wrong_password_is_sent_once() {
    for (name, dialect) in Dialect::features() {
        if !name.starts_with("logon.") {
            continue;
        }
        let mut spec = fleet();
        spec.hosts[0].dialect = Some(dialect);
        let lab = Lab::of(spec).await.account(crate::lab::OPERATOR, "wrong");
        let error = lab.look(&target(KEY, "text")).await.unwrap_err();
        assert_eq!(error.reason, Reason::LogonRefused, "{name}: {error:?}");
        assert_eq!(lab.host().counters().failed_logons, 1, "{name}");
    }
}
