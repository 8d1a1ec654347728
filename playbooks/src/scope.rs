//! What templates and conditions can see: variables, the host, its facts. Nothing else.
//!
//! The list of names stands here once and serves three ends: the value the engine gets, the check of every name while
//! a playbook is loaded, and the set of facts a playbook needs.

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::value::Serde;

use crate::facts::{FACTS, FactSet, FactValue, Facts};
use crate::rules::Invalid;
use crate::vars::{Variable, Vars};

/// One host as templates see it.
#[derive(Clone, Copy, Debug)]
pub struct HostScope<'a> {
    /// `host.name`: as in the inventory.
    pub name: &'a str,
    /// `host.short`: the first label.
    pub short: &'a str,
    /// `host.ring`: the ring the host is in.
    pub ring: Option<&'a str>,
    /// `host.groups`, in the host's order.
    pub groups: &'a [String],
    /// The variables, by name and as `vars.NAME`.
    pub vars: &'a Vars,
}

/// Names that variables cannot have.
pub(crate) const RESERVED: [&str; 3] = ["vars", "host", "facts"];

const HOST: [&str; 4] = ["host.name", "host.short", "host.ring", "host.groups"];

/// The value the engine gets. Facts that were not read are not there, so a use of them is an error.
pub(crate) fn value(scope: &HostScope<'_>, facts: Option<&Facts>) -> Value {
    let mut names = variables(scope.vars);
    let host: BTreeMap<&str, Value> = BTreeMap::from([
        ("name", scope.name.into()),
        ("short", scope.short.into()),
        ("ring", scope.ring.into()),
        ("groups", Value::from(Serde(scope.groups))),
    ]);
    names.insert("host", host.into());
    if let Some(facts) = facts {
        names.insert("facts", fact_values(facts));
    }
    names.into()
}

/// A value with nothing but variables in it: there is no host, and a use of one is an error.
pub(crate) fn variables_alone(vars: &Vars) -> Value {
    variables(vars).into()
}

fn variables(vars: &Vars) -> BTreeMap<&str, Value> {
    let each = vars.0.iter();
    each.map(|(name, value)| (name.as_str(), Value::from(Serde(value))))
        .chain([("vars", Value::from(Serde(&vars.0)))])
        .collect()
}

/// A value with nothing but facts in it.
pub(crate) fn facts_alone(facts: &Facts) -> Value {
    BTreeMap::from([("facts", fact_values(facts))]).into()
}

/// Groups of facts by the part of their names before the point.
fn fact_values(facts: &Facts) -> Value {
    let mut groups: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
    for (fact, value) in facts.values() {
        let (group, name) = fact.name().split_once('.').unwrap_or((fact.name(), ""));
        groups
            .entry(group)
            .or_default()
            .insert(name, one_fact(value));
    }
    let groups: BTreeMap<&str, Value> = groups
        .into_iter()
        .map(|(group, facts)| (group, facts.into()))
        .collect();
    groups.into()
}

fn one_fact(value: &FactValue) -> Value {
    match value {
        FactValue::Null => Value::from(()),
        FactValue::Bool(value) => (*value).into(),
        FactValue::Number(value) => (*value).into(),
        FactValue::Text(value) => value.as_str().into(),
        FactValue::Texts(values) => Value::from(Serde(values)),
        FactValue::Numbers(values) => Value::from(Serde(values)),
    }
}

/// Judges one dotted name from a template against what exists.
pub(crate) fn check_name(name: &str, declared: &[Variable]) -> Result<(), Invalid> {
    let (root, rest) = name.split_once('.').unwrap_or((name, ""));
    let variables = || declared.iter().map(|variable| variable.name.as_str());
    match root {
        // A bare `facts` or `facts['os']` cannot be looked into; it then means all of them.
        "host" | "facts" if rest.is_empty() => Ok(()),
        "vars" if rest.is_empty() => Ok(()),
        "host" => known(name, &HOST),
        "facts" => known_fact(name, rest),
        "vars" => {
            let first = rest.split('.').next().unwrap_or(rest);
            variable(first, variables().collect())
        }
        _ => variable(root, variables().collect()),
    }
}

/// A fact, or a group of them.
fn known_fact(name: &str, below: &str) -> Result<(), Invalid> {
    if !FactSet::below(below).is_empty() {
        return Ok(());
    }
    let names: Vec<String> = FACTS
        .iter()
        .map(|row| format!("facts.{}", row.name))
        .collect();
    let error = Invalid::new(format!("'{name}' does not exist"))
        .expected("a fact; 'winfleet facts --list' names them all");
    Err(
        match document::nearest(name, names.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean '{near}'?")),
            None => error,
        },
    )
}

fn known(name: &str, names: &[&str]) -> Result<(), Invalid> {
    if names.contains(&name) {
        return Ok(());
    }
    let error = Invalid::new(format!("'{name}' does not exist"))
        .expected(format!("one of {}", names.join(", ")));
    Err(match document::nearest(name, names.iter().copied()) {
        Some(near) => error.hint(format!("did you mean '{near}'?")),
        None => error,
    })
}

fn variable(name: &str, declared: Vec<&str>) -> Result<(), Invalid> {
    if declared.contains(&name) {
        return Ok(());
    }
    let listed = if declared.is_empty() {
        "none".to_owned()
    } else {
        declared.join(", ")
    };
    let error = Invalid::new(format!(
        "the variable '{name}' is not declared under 'vars'"
    ))
    .expected(format!(
        "a declared variable ({listed}), or host.*, facts.*"
    ));
    Err(
        match document::nearest(name, declared.into_iter().chain(RESERVED)) {
            Some(near) => error.hint(format!("did you mean '{near}'?")),
            None => error.hint(format!(
                "declare it: vars: {{ {name}: {{ type: string, required: true }} }}"
            )),
        },
    )
}

/// Whether a dotted name asks for the host as the inventory has it: its name, ring or groups.
pub(crate) fn asks_for_host(name: &str) -> bool {
    name == "host" || name.starts_with("host.")
}

/// Whether a dotted name is, or may be, a use of the variable.
pub(crate) fn refers_to(name: &str, variable: &str) -> bool {
    let mut parts = name.split('.');
    match parts.next() {
        Some("vars") => parts.next().is_none_or(|next| next == variable),
        root => root == Some(variable),
    }
}

/// The facts that a set of names needs.
pub(crate) fn facts_of<'a>(names: impl IntoIterator<Item = &'a str>) -> FactSet {
    let mut set = FactSet::default();
    for name in names {
        let (root, below) = name.split_once('.').unwrap_or((name, ""));
        if root == "facts" {
            set.extend(FactSet::below(below).iter());
        }
    }
    set
}
