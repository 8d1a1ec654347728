//! Which proxies are set that no probe asks for before the first write, and which facts are asked for.

use playbooks::{Examples, Fact, FactSet, FactValue, Facts, Untried};

use crate::support::{load, scope};

/// The addresses that nobody asks for, each of a PAC file with a word before it.
#[track_caller]
fn check(rest: &str, expected: &[&str]) {
    let playbook = load(rest);
    let vars = playbook.resolve_vars(&[], Examples::Refuse).unwrap();
    let found = playbook.untried(&scope(&vars, &["paris".to_owned()]));
    let shown = found.into_iter().map(|one| match one {
        Untried::Proxy(address) => address,
        Untried::Pac(address) => format!("pac {address}"),
    });
    assert_eq!(shown.collect::<Vec<_>>(), expected, "{rest}");
}

const EDR: &str = "steps: [ { edr_proxy: { server: 'P.example:8080' } } ]\n";

#[test]
fn every_way_to_set_a_proxy_is_seen() {
    check(EDR, &["p.example:8080"]);
    check(
        "steps: [ { av_proxy: { server: 'http://p.example:8080/' } } ]",
        &["p.example:8080"],
    );
    check(
        "steps: [ { av_proxy: { pac_url: 'http://w.example/p.pac', store: preference } } ]",
        &["pac w.example/p.pac"],
    );
    check(
        "steps: [ { winhttp_proxy: { server: 'http=a.example:1;https=b.example:2' } } ]",
        &["a.example:1", "b.example:2"],
    );
    check(
        r"steps: [ { registry: { key: 'HKLM\SOFTWARE\Policies\Microsoft\Windows\DataCollection', value: telemetryproxyserver, type: sz, data: 'a.example:1' } } ]",
        &["a.example:1"],
    );
    check(
        "steps: [ { edr_proxy: { ensure: absent } }, { winhttp_proxy: { ensure: absent } }, { av_proxy: { ensure: absent } } ]",
        &[],
    );
    check(
        "steps: [ { when: false, edr_proxy: { server: 'a.example:1' } }, { when: facts.os.is_server, edr_proxy: { server: 'b.example:1' } } ]",
        &["b.example:1"],
    );
}

#[test]
fn a_probe_counts_only_where_it_asks_for_this_proxy_before_the_first_write() {
    let with =
        |probe: &str, expected: &[&str]| check(&format!("{EDR}probes: [ {probe} ]"), expected);
    let open = &["p.example:8080"];
    with("{ proxy_tcp: { via: 'p.EXAMPLE:8080' } }", &[]);
    with(
        "{ proxy_connect: { via: 'p.example:8080', to: defender_required } }",
        &[],
    );
    with("{ proxy_tcp: { via: 'p.example:8081' } }", open);
    with(
        "{ proxy_tcp: { via: 'p.example:8080', candidate: false } }",
        open,
    );
    with(
        "{ proxy_connect: { via: direct, to: defender_required } }",
        open,
    );
    with(
        "{ when: false, proxy_tcp: { via: 'p.example:8080' } }",
        open,
    );
    with(
        "{ when: \"'rome' in host.groups\", proxy_tcp: { via: 'p.example:8080' } }",
        open,
    );
    // Only the host can tell; a run says afterwards where it was not asked.
    with(
        "{ when: facts.sensor.onboarded, proxy_tcp: { via: 'p.example:8080' } }",
        &[],
    );
    with("{ winhttp_is: { server: 'p.example:8080' } }", open);
    // Which proxies a PAC file names is not known: one that is asked for counts as one of them.
    let pac = "steps: [ { av_proxy: { pac_url: 'http://w.example/p.pac', store: preference } } ]\n";
    check(
        &format!("{pac}probes: [ {{ proxy_tcp: {{ via: 'p.example:1' }} }} ]"),
        &[],
    );
}

#[test]
fn the_remedy_is_the_playbooks_own_where_it_has_one() {
    let remedy = |rest: &str| {
        load(&format!("vars: {{ prove: {{ type: bool, default: false }}, n: {{ type: int, default: 1 }} }}\n{EDR}{rest}")).candidate_remedy()
    };
    let add = "add a probe proxy_tcp or proxy_connect with this proxy as its 'via'";
    assert_eq!(remedy(""), add);
    assert_eq!(remedy("probes: [ { when: prove, services: } ]"), add);
    let tcp = "proxy_tcp: { via: 'p.example:8080' }";
    assert_eq!(
        remedy(&format!("probes: [ {{ when: prove, {tcp} }} ]")),
        "-e prove=true switches such a probe on"
    );
    assert_eq!(
        remedy(&format!("probes: [ {{ name: road, when: n > 1, {tcp} }} ]")),
        "the probe 'road' does where this holds: n > 1"
    );
}

#[test]
fn a_condition_that_variables_settle_asks_for_no_fact() {
    let asked = |prove: bool, rest: &str| {
        let playbook = load(&format!(
            "vars: {{ prove: {{ type: bool, default: {prove} }} }}\n{EDR}probes: [ {{ {rest}, services: }} ]"
        ));
        let vars = playbook.resolve_vars(&[], Examples::Refuse).unwrap();
        playbook.facts_for(&scope(&vars, &[])).all
    };
    let onboarded = FactSet::from_iter([Fact::SensorOnboarded]);
    let when = "when: prove and facts.sensor.onboarded";
    assert_eq!(asked(false, when), FactSet::default());
    assert_eq!(asked(true, when), onboarded);
    let either = "when: prove or facts.sensor.onboarded";
    assert_eq!(asked(true, either), FactSet::default());
    assert_eq!(asked(false, either), onboarded);
    // A fact behind one that short-circuits is still asked for where the first does not decide.
    assert!(!asked(false, "when: not facts.sensor.onboarded and prove").is_empty());
    assert!(!asked(false, "when: \"facts is defined and prove\"").is_empty());
    let step = load("steps: [ { when: false, edr_prefer_static_proxy: } ]");
    let vars = step.resolve_vars(&[], Examples::Refuse).unwrap();
    assert_eq!(step.facts_for(&scope(&vars, &[])).all, FactSet::default());
}

#[test]
fn a_condition_over_what_the_host_does_not_have_does_not_hold() {
    let playbook = load(&format!(
        "{EDR}probes:\n  - when: facts.sensor.onboarded\n    services:\n  - when: not facts.sensor.onboarded\n    updates:\n"
    ));
    let vars = playbook.resolve_vars(&[], Examples::Refuse).unwrap();
    let mut facts = Facts::default();
    let asked = |facts: &Facts| -> Vec<&str> {
        let probes = playbook.compile_probes(&scope(&vars, &[]), Some(facts));
        probes
            .unwrap()
            .iter()
            .map(|probe| probe.probe.kind())
            .collect()
    };
    // No key and no value of the sensor's state: null.
    facts.set(Fact::SensorOnboarded, FactValue::Null);
    assert_eq!(asked(&facts), ["updates"]);
    facts.set(Fact::SensorOnboarded, FactValue::Bool(true));
    assert_eq!(asked(&facts), ["services"]);
}
