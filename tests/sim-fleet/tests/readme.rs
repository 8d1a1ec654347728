//! The README's examples are real ones.

use std::collections::BTreeSet;

use sim_fleet::{Dialect, Faults, FleetSpec, HostOptions, ProxyMode, Role, SimFleet};

fn blocks() -> Vec<&'static str> {
    let text = include_str!("../README.md");
    text.split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

#[test]
fn all_examples_load() {
    let [fleet, _, faults, dialects] = blocks()[..] else {
        panic!("the README has four examples")
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

/// What the example shows for its first host is what a host is by default, and every part of it is shown.
#[tokio::test]
async fn what_stands_around_a_host_is_shown_whole_and_as_it_is() {
    let text = blocks()[1];
    let spec = FleetSpec::from_yaml(text).unwrap();
    let shown = spec.hosts[0].options.clone().unwrap();
    let mut default = HostOptions::default();
    // Absent, it is the same.
    default.network.gives_up_after_ms = Some(20_000);
    assert_eq!(shown, default);
    let other = spec.hosts[1].options.clone().unwrap();
    assert_eq!(other.roles, [Role::DomainController]);
    assert_eq!(other.group_policy[0].gpo, "Proxy Paris");
    assert_eq!(other.sensor_log.len(), 2);
    assert!(spec.hosts[2].options.as_ref().unwrap().antivirus.is_none());
    for (name, mode) in [
        ("10.0.0.6:8080", ProxyMode::Works),
        ("10.0.0.7:8080", ProxyMode::Answers(407)),
        ("10.0.0.8:8080", ProxyMode::Intercepts),
        ("10.0.0.9:8080", ProxyMode::Blackholes),
        ("proxy.corp.example:3128", ProxyMode::Cuts),
    ] {
        assert_eq!(spec.proxies[name], mode, "{name}");
    }
    let fleet = SimFleet::start(spec).await.unwrap();
    assert_eq!(fleet.proxies().count(), 5);
    for (name, proxy) in fleet.proxies() {
        assert!(proxy.address().ip().is_loopback(), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_proxy_is_refused_when_the_fleet_starts() {
    for (proxy, words) in [
        ("'10.0.0.6': works", "expected host:port"),
        ("'a:b': works", "expected host:port"),
        ("'a:1': { answers: 42 }", "200 to 599"),
    ] {
        let spec =
            FleetSpec::from_yaml(&format!("proxies: {{ {proxy} }}\nhosts: [ {{ name: a }} ]"));
        let Err(error) = SimFleet::start(spec.unwrap()).await else {
            panic!("it starts with {proxy}")
        };
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(words), "{cause}");
    }
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
        "proxies: { 'a:1': wroks }",
        "proxies: { 'a:1': { answers: often } }",
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
