//! Preferences of Antivirus over the real protocol: exact prior state, read-back, three-way undo (RB3), and what refuses.

use playbooks::{Change, Desired, Observed, Target, Typed};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rollout::{Observe, Reason, Restored, Session, Undo};
use sim_fleet::{Dialect, FleetSpec, Preferences};

use crate::lab::{Lab, sz, theirs};

const POLICY: &str = r"SOFTWARE\Policies\Microsoft\Windows Defender";

fn server() -> Target {
    Target::av_preference("ProxyServer")
}

fn text(text: &str) -> Desired {
    Desired::Value(sz(text))
}

fn list(items: &[String]) -> Desired {
    Desired::Value(Typed::MultiSz(items.to_vec()).to_raw())
}

fn change(target: Target, desired: Desired) -> Change {
    Change { target, desired }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "http://[a-z]{1,8}:[1-9][0-9]{0,3}",
        Just("http://p.example/proxy.pac?a=<1>&b=\u{e4}".to_owned()),
    ]
}

fn any_list() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-z]{1,5}\\.example", 0..4)
}

fn any_preferences() -> impl Strategy<Value = Preferences> {
    (any_text(), any_text(), any_list()).prop_map(|(server, pac_url, bypass)| Preferences {
        server,
        pac_url,
        bypass,
    })
}

fn any_changes() -> impl Strategy<Value = Vec<Change>> {
    let one = |name: &'static str| {
        prop_oneof![
            Just(Desired::Absent),
            "http://[a-z]{1,6}:[1-9]".prop_map(|new| text(&new)),
        ]
        .prop_map(move |desired| change(Target::av_preference(name), desired))
    };
    let bypass = prop_oneof![
        Just(Desired::Absent),
        proptest::collection::vec("[a-z]{1,4}\\.example", 1..4).prop_map(|items| list(&items)),
    ];
    let bypass = bypass.prop_map(|desired| change(Target::av_preference("ProxyBypass"), desired));
    (one("ProxyServer"), one("ProxyPacUrl"), bypass)
        .prop_map(|(server, pac, bypass)| vec![server, pac, bypass])
        .prop_shuffle()
}

async fn one_case(
    lab: &Lab,
    before: &Preferences,
    changes: &[Change],
) -> Result<u64, TestCaseError> {
    let host = lab.host();
    host.set_preferences(before.clone());
    let registry = host.registry();
    let at_start = host.counters().writes;
    let mut session = lab.open().await;
    let targets: Vec<Target> = changes.iter().map(|change| change.target.clone()).collect();
    let priors = session.observe(&targets).await.unwrap();
    let mut undos = Vec::new();
    for (change, prior) in changes.iter().zip(&priors) {
        prop_assert!(prior.restorable(), "{prior:?}");
        if change.desired.satisfied_by(prior) {
            continue;
        }
        let found = session.apply(change).await.unwrap();
        prop_assert!(change.desired.satisfied_by(&found), "{found:?}");
        undos.push(Undo {
            target: change.target.clone(),
            prior: prior.clone(),
            ours: found,
            force: false,
            uncertain: None,
        });
    }
    session.close().await;
    let mut session = lab.open().await;
    for undo in undos.iter().rev() {
        prop_assert_eq!(session.restore(undo).await, Ok(Restored::Done));
    }
    let writes = host.counters().writes;
    for undo in undos.iter().rev() {
        prop_assert_eq!(session.restore(undo).await, Ok(Restored::AlreadyPrior));
    }
    session.close().await;
    prop_assert_eq!(host.counters().writes, writes, "a second restore wrote");
    prop_assert_eq!(&host.preferences(), before);
    prop_assert!(registry.difference(&host.registry()).is_empty());
    Ok(writes - at_start)
}

#[test]
fn any_preferences_come_back_exactly() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let lab = runtime.block_on(Lab::one());
    let cases = match std::env::var_os("WINFLEET_LONG") {
        Some(_) => 2000,
        None => 48,
    };
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let writes = std::cell::Cell::new(0);
    let states = (any_preferences(), any_changes());
    let result = runner.run(&states, |(before, changes)| {
        let written = runtime.block_on(one_case(&lab, &before, &changes))?;
        writes.set(writes.get() + written);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(
        writes.get() > 0,
        "a property that never writes proves nothing"
    );
}

#[tokio::test]
async fn a_list_is_removed_before_the_old_one_is_set() {
    // Where a Set adds to a list, it takes another Remove and Set.
    let lab = Lab::usual().await;
    let old = vec!["a.example".to_owned(), "b.example".to_owned()];
    lab.host().set_preferences(Preferences {
        bypass: old.clone(),
        ..Preferences::default()
    });
    let target = Target::av_preference("ProxyBypass");
    let mut session = lab.open().await;
    let prior = session
        .observe(std::slice::from_ref(&target))
        .await
        .unwrap()
        .remove(0);
    let new = change(target.clone(), list(&["c.example".to_owned()]));
    let ours = session.apply(&new).await.unwrap();
    let undo = Undo {
        target,
        prior,
        ours,
        force: false,
        uncertain: None,
    };
    assert_eq!(session.restore(&undo).await, Ok(Restored::Done));
    session.close().await;
    let names: Vec<String> = lab
        .host()
        .writes()
        .into_iter()
        .map(|write| write.action)
        .collect();
    let wanted = [
        "MSFT_MpPreference.Set",
        "MSFT_MpPreference.Remove",
        "MSFT_MpPreference.Set",
    ];
    assert_eq!(names, wanted);
    assert_eq!(lab.host().preferences().bypass, old);
}

#[tokio::test]
async fn a_policy_hides_the_preference_and_is_never_overwritten_blindly() {
    let lab = Lab::one().await;
    let host = lab.host();
    host.set_preferences(Preferences {
        server: "http://mine:1".to_owned(),
        ..Preferences::default()
    });
    host.set_value(POLICY, "ProxyServer", theirs(&sz("http://policy:1")));
    let mut session = lab.open().await;
    let found = session.observe(&[server()]).await.unwrap().remove(0);
    assert!(!found.restorable(), "{found:?}");
    host.delete_value(POLICY, "ProxyServer");
    let found = session.observe(&[server()]).await.unwrap().remove(0);
    assert_eq!(found, Observed::Present(sz("http://mine:1")));
    session.close().await;
}

#[tokio::test]
async fn somebody_elses_preference_is_a_conflict() {
    let lab = Lab::one().await;
    let undo = Undo {
        target: server(),
        prior: Observed::ValueAbsent,
        ours: Observed::Present(sz("http://ours:1")),
        force: false,
        uncertain: None,
    };
    lab.host().set_preferences(Preferences {
        server: "http://theirs:1".to_owned(),
        ..Preferences::default()
    });
    let mut session = lab.open().await;
    let current = Observed::Present(sz("http://theirs:1"));
    assert_eq!(
        session.restore(&undo).await,
        Ok(Restored::Conflict { current })
    );
    let forced = Undo {
        force: true,
        ..undo
    };
    assert_eq!(session.restore(&forced).await, Ok(Restored::Done));
    session.close().await;
    assert_eq!(lab.host().preferences(), Preferences::default());
}

#[tokio::test]
async fn values_and_preferences_are_read_in_the_order_asked_for() {
    let lab = Lab::one().await;
    lab.host().set_preferences(Preferences {
        pac_url: "http://pac/1".to_owned(),
        ..Preferences::default()
    });
    lab.host()
        .set_value(POLICY, "ProxyServer", theirs(&sz("http://policy:1")));
    let value = crate::lab::target(POLICY, "ProxyServer");
    let mut session = lab.open().await;
    let wanted = [
        Target::av_preference("ProxyPacUrl"),
        value,
        Target::av_preference("ProxyBypass"),
    ];
    let found = session.observe(&wanted).await.unwrap();
    session.close().await;
    let expected = [
        Observed::Present(sz("http://pac/1")),
        Observed::Present(sz("http://policy:1")),
        Observed::ValueAbsent,
    ];
    assert_eq!(found, expected);
}

/// A host whose Antivirus is like this.
async fn with_antivirus(set: impl FnOnce(&mut sim_fleet::AntivirusSpec)) -> Lab {
    let mut spec = FleetSpec::named(["pc-1.corp.example".to_owned()]);
    let mut options = sim_fleet::HostOptions::default();
    let mut antivirus = sim_fleet::AntivirusSpec::default();
    set(&mut antivirus);
    options.antivirus = Some(antivirus);
    spec.hosts[0].options = Some(options);
    // What is said of a failure is looked at here, and the forms it has elsewhere.
    Lab::of(spec.with_dialect(Dialect::default())).await
}

/// A list that is set is the list, a failure is told, whatever form the methods have (wsman.md 4.6).
#[tokio::test]
async fn every_form_of_the_methods_is_understood() {
    let items =
        |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    let before = Preferences {
        server: "http://old:1".to_owned(),
        pac_url: String::new(),
        bypass: items(&["b.example", "a.example"]),
    };
    let changes = [
        change(server(), text("http://new:1")),
        change(
            Target::av_preference("ProxyPacUrl"),
            text("http://p/new.pac"),
        ),
        change(
            Target::av_preference("ProxyBypass"),
            list(&items(&["c.example", "a.example"])),
        ),
    ];
    let mut forms = 0;
    for (name, dialect) in Dialect::features() {
        if !name.starts_with("preferences.") {
            continue;
        }
        forms += 1;
        let host = FleetSpec::named(["pc-1.corp.example"]).with_dialect(dialect);
        let lab = Lab::of(host).await;
        one_case(&lab, &before, &changes)
            .await
            .unwrap_or_else(|why| panic!("{name}: {why}"));

        let mut stopped = FleetSpec::named(["pc-1.corp.example"]).with_dialect(dialect);
        stopped.hosts[0].options = Some(sim_fleet::HostOptions {
            antivirus: Some(sim_fleet::AntivirusSpec {
                stopped: true,
                ..sim_fleet::AntivirusSpec::default()
            }),
            ..sim_fleet::HostOptions::default()
        });
        let lab = Lab::of(stopped).await;
        let mut session = lab.open().await;
        let error = session.apply(&changes[0]).await.unwrap_err();
        assert_eq!(error.reason, Reason::Fault, "{name}: {error}");
        session.close().await;
        assert_eq!(lab.host().preferences(), Preferences::default(), "{name}");
    }
    assert!(forms >= 3, "{forms}");
}

#[tokio::test]
async fn a_set_without_effect_is_seen_and_a_refusal_is_told() {
    let wanted = change(server(), text("http://new:1"));
    let lab = with_antivirus(|antivirus| antivirus.ignores_preferences = true).await;
    let mut session = lab.open().await;
    let found = session.apply(&wanted).await.unwrap();
    assert_eq!(found, Observed::ValueAbsent, "never taken for success");
    session.close().await;

    let lab = with_antivirus(|antivirus| antivirus.stopped = true).await;
    let mut session = lab.open().await;
    let error = session.apply(&wanted).await.unwrap_err();
    assert_eq!(error.reason, Reason::Fault, "{error}");
    let told = error.detail.contains("Set returned") || error.detail.contains("0x800106ba");
    assert!(told, "{error}");
    let remedy = error.remedy.as_deref().unwrap_or_default();
    assert!(remedy.contains("WinDefend"), "{error:?}");
    session.close().await;
}

#[tokio::test]
async fn without_antivirus_there_is_nothing_to_prefer_and_without_wmi_no_answer() {
    let mut spec = FleetSpec::named(["pc-1.corp.example".to_owned()]);
    spec.hosts[0].options = Some(sim_fleet::HostOptions {
        antivirus: None,
        ..sim_fleet::HostOptions::default()
    });
    let lab = Lab::of(spec).await;
    let mut session = lab.open().await;
    assert_eq!(
        session.observe(&[server()]).await.unwrap(),
        [Observed::ValueAbsent]
    );
    session.close().await;

    let lab = Lab::one().await.defaults("channel: shell");
    let mut session = lab.open().await;
    let error = session.observe(&[server()]).await.unwrap_err();
    assert_eq!(error.reason, Reason::WmiBroken, "{error}");
    session.close().await;
}
