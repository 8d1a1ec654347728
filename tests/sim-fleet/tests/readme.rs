//! The README's examples are real ones.

use std::collections::BTreeSet;

use sim_fleet::{Dialect, Faults, FleetSpec};

fn blocks() -> Vec<&'static str> {
    let text = include_str!("../README.md");
    text.split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

#[test]
fn all_examples_load() {
    let [fleet, faults, dialects] = blocks()[..] else {
        panic!("the README has three examples")
    };
    let spec = FleetSpec::from_yaml(fleet).unwrap();
    assert_eq!((spec.hosts.len(), spec.accounts.len()), (12, 3));
    assert_eq!(Faults::from_yaml(faults).unwrap().faults.len(), 24);
    let spec = FleetSpec::from_yaml(dialects).unwrap();
    let spoken = spec.hosts[0].dialect.unwrap().to_string();
    let forms = "logon.ntlm: spnego_only, logon.last_token_body: ignored, registry.empty_list: empty_element, \
                 shell.end_streams: never, shell.done: alone";
    assert_eq!(spoken, forms);
}

/// The table of the README and the forms in the code are the same ones.
#[test]
fn the_table_of_dialects_is_complete() {
    let rows = include_str!("../README.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once("` | "))
        .filter(|(axis, _)| axis.contains('.'));
    let told: BTreeSet<String> = rows
        .flat_map(|(axis, rest)| {
            let forms = rest.split(" | ").next().unwrap().split(", ").skip(1);
            forms.map(move |form| format!("{axis}: {form}"))
        })
        .collect();
    let there: BTreeSet<String> = Dialect::features()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(told, there);
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
        "hosts: [ { name: a, dialect: { shell: { done: sometimes } } } ]",
        "hosts: [ { name: a, dialect: { shell: { dnoe: alone } } } ]",
        "hosts: [ { name: a, dialect: { shall: { done: alone } } } ]",
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
    let builds: BTreeSet<_> = fleet
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
