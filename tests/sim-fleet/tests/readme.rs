//! The README's examples are real ones.

use sim_fleet::{Faults, FleetSpec};

fn blocks() -> Vec<&'static str> {
    let text = include_str!("../README.md");
    text.split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

#[test]
fn both_examples_load() {
    let [fleet, faults] = blocks()[..] else {
        panic!("the README has two examples")
    };
    let spec = FleetSpec::from_yaml(fleet).unwrap();
    assert_eq!((spec.hosts.len(), spec.accounts.len()), (12, 3));
    assert_eq!(Faults::from_yaml(faults).unwrap().faults.len(), 24);
}

#[test]
fn unknown_and_duplicate_keys_are_refused() {
    for text in [
        "hosts: [ { name: a, nmae: b } ]",
        "hosts: [ { name: a, name: b } ]",
        "hosts: [ { name: a, knobs: { refuze: true } } ]",
        "faults: [ { hosts: a, set: { drop: { at: 'sometimes' } } } ]",
        "faults: [ { hosts: a, set: { latency: 5 } } ]",
        "accounts: [ { username: a } ]",
    ] {
        let error = FleetSpec::from_yaml(text).expect_err(text).to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}

#[test]
fn made_up_hosts_differ_and_are_the_same_for_the_same_seed() {
    let fleet = FleetSpec::made_up(50, 3);
    assert_eq!(fleet, FleetSpec::made_up(50, 3));
    assert_ne!(fleet, FleetSpec::made_up(50, 4));
    assert_eq!(fleet.hosts[0].name, "pc-0001.corp.example");
    let builds: std::collections::BTreeSet<_> = fleet
        .hosts
        .iter()
        .filter_map(|host| Some(host.options.as_ref()?.os.build))
        .collect();
    assert!(
        builds.len() >= 4
            && fleet.hosts.iter().any(|host| !host.registry.is_empty())
            && fleet.hosts.iter().any(|host| host.registry.is_empty())
    );
}
