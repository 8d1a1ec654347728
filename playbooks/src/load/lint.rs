//! What is legal and still deserves a second look: combinations of steps, unused variables, doubled names.

use std::collections::HashMap;

use crate::playbook::{Playbook, Warning};
use crate::rules::{KnownValue, known_value};
use crate::scope::refers_to;
use crate::step::{Action, AvStore, Ensure, Field, Step};

/// Adds what the whole playbook shows, and puts all warnings in the order of the file.
pub(super) fn warnings(playbook: &mut Playbook) {
    let mut found = Vec::new();
    prefer_without_proxy(&playbook.steps, &mut found);
    half_an_edr_proxy(&playbook.steps, &mut found);
    pac_below_server(&playbook.steps, &mut found);
    hidden_preferences(&playbook.steps, &mut found);
    doubled_names(&playbook.steps, &mut found);
    unused_variables(playbook, &mut found);
    playbook.warnings.extend(
        found
            .into_iter()
            .map(|(line, message)| Warning { line, message }),
    );
    playbook.warnings.sort_by_key(|warning| warning.line);
    playbook.warnings.dedup();
}

type Found = Vec<(u32, String)>;

/// The known value a `registry` step is about, and whether it writes or takes away.
fn registry_value(step: &Step) -> Option<(KnownValue, Ensure)> {
    let Action::Registry(registry) = &step.action else {
        return None;
    };
    Some((known_value(&registry.literal_target()?)?, registry.ensure))
}

fn writes(steps: &[Step], wanted: KnownValue) -> Option<&Step> {
    steps
        .iter()
        .find(|step| registry_value(step) == Some((wanted, Ensure::Present)))
}

fn sets_edr_pair(steps: &[Step]) -> bool {
    steps
        .iter()
        .any(|step| matches!(&step.action, Action::EdrProxy(edr) if edr.server.is_some()))
}

/// S22 without S20, and without the gate of S24.
fn prefer_without_proxy(steps: &[Step], found: &mut Found) {
    let typed = steps.iter().find(
        |step| matches!(&step.action, Action::PreferStaticProxy(prefer) if prefer.may_prefer()),
    );
    let by_hand = writes(steps, KnownValue::PreferStaticProxy).filter(|step| {
        !matches!(&step.action, Action::Registry(registry) if registry.data.as_ref().is_some_and(Field::is_literal_zero))
    });
    let Some(prefer) = typed.or(by_hand) else {
        return;
    };
    if !sets_edr_pair(steps) && writes(steps, KnownValue::TelemetryProxyServer).is_none() {
        found.push((
            prefer.line,
            "PreferStaticProxyForHttpRequest prefers an EDR proxy that this playbook does not set"
                .to_owned(),
        ));
    }
    let gated = |step: &Step| {
        step.when()
            .is_some_and(|when| when.contains("prefers_static_proxy"))
    };
    if let Some(by_hand) = by_hand.filter(|step| !gated(step)) {
        found.push((
            by_hand.line,
            "older sensors ignore PreferStaticProxyForHttpRequest; the step edr_prefer_static_proxy leaves them out"
                .to_owned(),
        ));
    }
}

/// S16: one of the two alone is incomplete.
fn half_an_edr_proxy(steps: &[Step], found: &mut Found) {
    if sets_edr_pair(steps) {
        return;
    }
    let half = (
        writes(steps, KnownValue::TelemetryProxyServer),
        writes(steps, KnownValue::DisableEnterpriseAuthProxy),
    );
    if let (Some(step), None) = half {
        found.push((
            step.line,
            "TelemetryProxyServer wants DisableEnterpriseAuthProxy 1 beside it; edr_proxy sets both as one".to_owned(),
        ));
    }
}

/// A `ProxyServer` left on the host wins over the PAC.
fn pac_below_server(steps: &[Step], found: &mut Found) {
    let pac = steps
        .iter()
        .find(|step| matches!(&step.action, Action::AvProxy(av) if av.pac_url.is_some() && av.server.is_none() && av.store == AvStore::Policy));
    let Some(pac) = pac else { return };
    let cleared = steps
        .iter()
        .any(|step| registry_value(step) == Some((KnownValue::AvProxyServer, Ensure::Absent)));
    if !cleared {
        found.push((
            pac.line,
            "a ProxyServer value left on a host wins over the PAC; a registry step with 'ensure: absent' takes it away"
                .to_owned(),
        ));
    }
}

/// A policy hides the preference of the same name, and what is hidden can be neither seen nor put back.
fn hidden_preferences(steps: &[Step], found: &mut Found) {
    let av = |wanted: AvStore| {
        steps.iter().find(move |step| {
            matches!(&step.action, Action::AvProxy(av) if av.store == wanted && av.absent.is_none())
        })
    };
    if let (Some(_), Some(preference)) = (av(AvStore::Policy), av(AvStore::Preference)) {
        found.push((
            preference.line,
            "a policy of the same name hides a preference: hosts that have both are refused"
                .to_owned(),
        ));
    }
}

fn doubled_names(steps: &[Step], found: &mut Found) {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    for step in steps {
        if let Some(first) = seen.insert(&step.name, step.line) {
            found.push((
                step.line,
                format!("the step in line {first} has the same name: reports will show two alike"),
            ));
        }
    }
}

fn unused_variables(playbook: &Playbook, found: &mut Found) {
    let steps = playbook.steps.iter().flat_map(Step::names);
    let probes = playbook.probes.iter().flat_map(|probe| probe.names());
    let names: Vec<String> = steps.chain(probes).collect();
    for variable in &playbook.vars {
        if !names.iter().any(|name| refers_to(name, &variable.name)) {
            found.push((
                variable.line,
                format!("no step uses the variable '{}'", variable.name),
            ));
        }
    }
}
