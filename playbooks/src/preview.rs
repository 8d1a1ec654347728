//! A playbook resolved before any host is read: for one host of an inventory, or for no host in particular.
//!
//! What facts decide stays open, and without a host also what its name, ring and groups decide: nothing is judged by
//! something that was made up. Everything else is judged, so that bad data are refused before any host is contacted.

use crate::change::Change;
use crate::playbook::{CompileError, Playbook, Wanted};
use crate::scope::{self, HostScope, asks_for_host};
use crate::step::{Condition, Evaluation, Step};
use crate::template;
use crate::vars::Vars;

/// Whether a step will be carried out on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// Its condition holds, or it has none.
    Yes,
    /// Its condition does not hold.
    No,
    /// Its condition asks for facts that are known only once the host has been read.
    ByFacts,
    /// Its condition asks for the host as an inventory has it, and there is none.
    ByHost,
}

/// What the data of a step wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Facts of the host.
    Facts,
    /// The host as an inventory has it.
    Host,
}

/// A step resolved as far as it can be without facts of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewStep {
    /// The step's name.
    pub name: String,
    /// The condition as written.
    pub when: Option<String>,
    /// Whether it will be carried out.
    pub applies: Applies,
    /// What could not be judged: the condition as written, the fact that this kind of step goes by, or both.
    pub open: Option<String>,
    /// What it would write; empty where it does not apply, or where something is missing.
    pub changes: Vec<Change>,
    /// What its data ask for that is not known.
    pub missing: Option<Missing>,
}

impl Playbook {
    /// As [`Self::compile`], before the host has been read: conditions and data that ask for facts are left open,
    /// everything else is judged.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub fn preview(&self, scope: &HostScope<'_>) -> Result<Vec<PreviewStep>, CompileError> {
        self.previewed(&scope::value(scope, None), true)
    }

    /// As [`Self::preview`], for no host in particular: what asks for `host` is left open, too.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub fn preview_without_host(&self, vars: &Vars) -> Result<Vec<PreviewStep>, CompileError> {
        self.previewed(&scope::variables_alone(vars), false)
    }

    /// See [`Self::preview`]; `host`: `value` knows one.
    pub(crate) fn previewed(
        &self,
        value: &minijinja::Value,
        host: bool,
    ) -> Result<Vec<PreviewStep>, CompileError> {
        let mut wanted = Wanted::default();
        let mut steps = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let (applies, open) = self.applies(step, value, host)?;
            let (changes, missing) = match applies {
                Applies::No => (Vec::new(), None),
                _ if !host && data_ask_for_host(step) => (Vec::new(), Some(Missing::Host)),
                _ => match self.changes(step, &mut Evaluation::scoped(value, false))? {
                    Some(changes) => (changes, None),
                    None => (Vec::new(), Some(Missing::Facts)),
                },
            };
            if applies == Applies::Yes {
                wanted.add(self, step, &changes)?;
            }
            steps.push(PreviewStep {
                name: step.name.clone(),
                when: step.when().map(str::to_owned),
                applies,
                open,
                changes,
                missing,
            });
        }
        for probe in &self.probes {
            if host || !probe.names().iter().any(|name| asks_for_host(name)) {
                self.probe(probe, value, false)?;
            }
        }
        Ok(steps)
    }

    fn applies(
        &self,
        step: &Step,
        value: &minijinja::Value,
        host: bool,
    ) -> Result<(Applies, Option<String>), CompileError> {
        let gate = self.gate(step).map(|gate| format!("facts.{}", gate.name()));
        let with_gate = |condition: &Condition| match &gate {
            Some(gate) => format!("({}) and {gate}", condition.text),
            None => condition.text.clone(),
        };
        let Some(condition) = &step.when else {
            return Ok(match gate {
                Some(gate) => (Applies::ByFacts, Some(gate)),
                None => (Applies::Yes, None),
            });
        };
        let names = template::names(&condition.text, true).unwrap_or_default();
        // A bare name may be asked whether it is there, and what is not known must not decide as if it were not.
        let bare = |root: &str| names.iter().any(|name| name == root);
        let asks_for_host = !host && names.iter().any(|name| asks_for_host(name));
        let held = match template::holds(&condition.text, value) {
            _ if bare("facts") || asks_for_host && bare("host") => None,
            Ok(held) => Some(held),
            Err(_) if condition.needs_facts || asks_for_host => None,
            Err(error) => {
                return Err(self.refused(step.place(), "when", &condition.node, error));
            }
        };
        Ok(match held {
            Some(false) => (Applies::No, None),
            // The condition itself is settled: what is left is the gate.
            Some(true) => match gate {
                Some(gate) => (Applies::ByFacts, Some(gate)),
                None => (Applies::Yes, None),
            },
            None if asks_for_host => (Applies::ByHost, Some(with_gate(condition))),
            None => (Applies::ByFacts, Some(with_gate(condition))),
        })
    }
}

/// Whether a step's data ask for the host as an inventory has it.
fn data_ask_for_host(step: &Step) -> bool {
    let fields = step.action.fields();
    let texts = fields.iter().flat_map(|field| field.templates());
    let names = texts.filter_map(|text| template::names(text, false).ok());
    names.flatten().any(|name| asks_for_host(&name))
}
