//! Which facts a playbook asks of a host. What variables, name, ring and groups of the host settle is not asked for: a probe that
//! a variable switches off costs nothing.

use crate::facts::{Fact, FactSet};
use crate::playbook::Playbook;
use crate::probe::ProbeStep;
use crate::scope::{self, HostScope};
use crate::step::{Condition, Step};
use crate::template;

/// Facts that one host is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedFacts {
    /// Without these a condition or template cannot be decided.
    pub needed: FactSet,
    /// Those, and what gates go by as far as it can be read.
    pub all: FactSet,
}

impl Playbook {
    /// The facts that conditions, templates and gates ask for, whatever the host.
    pub fn facts(&self) -> FactSet {
        let steps = self.steps.iter().flat_map(Step::names);
        let probes = self.probes.iter().flat_map(ProbeStep::names);
        let names: Vec<String> = steps.chain(probes).collect();
        let needed = scope::facts_of(names.iter().map(String::as_str));
        self.with_gates(needed, self.steps.iter())
    }

    /// The facts that this host has to be asked for.
    pub fn facts_for(&self, host: &HostScope<'_>) -> AskedFacts {
        let value = scope::value(host, None);
        let settled = |condition: Option<&Condition>| condition.map(|one| settled(one, &value));
        let (mut names, mut open) = (Vec::new(), Vec::new());
        for step in &self.steps {
            match settled(step.when.as_ref()) {
                Some(Some(false)) => continue,
                None | Some(Some(true)) => names.extend(step.field_names()),
                Some(None) => names.extend(step.names()),
            }
            open.push(step);
        }
        for probe in &self.probes {
            match settled(probe.when.as_ref()) {
                Some(Some(false)) => {}
                None | Some(Some(true)) => names.extend(probe.field_names()),
                Some(None) => names.extend(probe.names()),
            }
        }
        let needed = scope::facts_of(names.iter().map(String::as_str));
        let all = self.with_gates(needed.clone(), open.into_iter());
        AskedFacts { needed, all }
    }

    /// What a gate goes by is told where it keeps a step back.
    fn with_gates<'s>(&self, mut facts: FactSet, steps: impl Iterator<Item = &'s Step>) -> FactSet {
        let gates: Vec<Fact> = steps.filter_map(|step| self.gate(step)).collect();
        if !gates.is_empty() {
            facts.extend(gates.into_iter().chain([
                Fact::SensorPresent,
                Fact::SensorBranch,
                Fact::SensorVersion,
            ]));
        }
        facts
    }
}

/// How a condition comes out, whatever the host's facts are; `None`: they decide.
fn settled(condition: &Condition, value: &minijinja::Value) -> Option<bool> {
    let names = template::names(&condition.text, true).unwrap_or_default();
    // A bare name may be asked whether it is there.
    if names.iter().any(|name| name == "facts") {
        return None;
    }
    template::holds(&condition.text, value).ok()
}
