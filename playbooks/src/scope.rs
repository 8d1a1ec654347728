//! What templates and conditions can see: variables, the host, its facts. Nothing else.
//!
//! The list of names stands here once and serves three ends: the value the engine gets, the check of every name while
//! a playbook is loaded, and the set of facts a playbook needs.

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::value::Serde;

use crate::facts::{FactSet, Facts, SensorBranch};
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
const FACTS: [&str; 14] = [
    "facts.os",
    "facts.os.build",
    "facts.os.ubr",
    "facts.os.edition",
    "facts.os.installation_type",
    "facts.os.is_server",
    "facts.sensor",
    "facts.sensor.present",
    "facts.sensor.branch",
    "facts.sensor.version",
    "facts.sensor.prefers_static_proxy",
    "facts.chassis",
    "facts.chassis.types",
    "facts.chassis.portable",
];

/// The value the engine gets. Facts that were not read are not there, so a use of them is an error.
pub(crate) fn value(scope: &HostScope<'_>, facts: Option<&Facts>) -> Value {
    let vars = Value::from(Serde(&scope.vars.0));
    let mut names: BTreeMap<&str, Value> = BTreeMap::new();
    for (name, value) in &scope.vars.0 {
        names.insert(name, Value::from(Serde(value)));
    }
    names.insert("vars", vars);
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

fn fact_values(facts: &Facts) -> Value {
    let mut values: BTreeMap<&str, Value> = BTreeMap::new();
    if let Some(os) = &facts.os {
        let os: BTreeMap<&str, Value> = BTreeMap::from([
            ("build", os.build.into()),
            ("ubr", os.ubr.into()),
            ("edition", os.edition.as_str().into()),
            ("installation_type", os.installation_type.as_str().into()),
            ("is_server", os.is_server().into()),
        ]);
        values.insert("os", os.into());
    }
    if let Some(sensor) = &facts.sensor {
        let branch = match sensor.branch {
            SensorBranch::InBox => "in_box",
            SensorBranch::UnifiedAgent => "unified_agent",
            SensorBranch::Other => "other",
        };
        let sensor: BTreeMap<&str, Value> = BTreeMap::from([
            ("present", sensor.present.into()),
            ("branch", branch.into()),
            (
                "version",
                sensor.version.map(|version| version.to_string()).into(),
            ),
            ("prefers_static_proxy", sensor.prefers_static_proxy().into()),
        ]);
        values.insert("sensor", sensor.into());
    }
    if let Some(chassis) = &facts.chassis {
        let chassis: BTreeMap<&str, Value> = BTreeMap::from([
            ("types", Value::from(Serde(&chassis.types))),
            ("portable", chassis.portable().into()),
        ]);
        values.insert("chassis", chassis.into());
    }
    values.into()
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
        "facts" => known(name, &FACTS),
        "vars" => {
            let first = rest.split('.').next().unwrap_or(rest);
            variable(first, variables().collect())
        }
        _ => variable(root, variables().collect()),
    }
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
        let mut parts = name.split('.');
        if parts.next() != Some("facts") {
            continue;
        }
        match parts.next() {
            Some("os") => set.os = true,
            Some("sensor") => set.sensor = true,
            Some("chassis") => set.chassis = true,
            _ => {
                set = FactSet {
                    os: true,
                    sensor: true,
                    chassis: true,
                }
            }
        }
    }
    set
}
