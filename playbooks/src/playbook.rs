//! A playbook: loaded once, compiled for each host.
//!
//! How the file is read is `load.rs`; what a step does is `step.rs`; what of it concerns the preflight and the probes of a host
//! is `preflight/standing.rs` and `probe/compiled.rs`; who executes the result is not this crate's business.

use std::collections::HashMap;
use std::fmt;

use document::{Diagnostic, Diagnostics, Document, Node};
use sha2::{Digest, Sha256};

use crate::change::{Desired, HostStep};
use crate::facts::{Fact, Facts, below_gate};
use crate::preflight::{Check, PreflightSettings};
use crate::probe::ProbeStep;
use crate::registry::Target;
use crate::rules::Invalid;
use crate::scope::{self, HostScope};
use crate::step::{Evaluation, Step};
use crate::strategy::Strategy;
use crate::vars::{self, Examples, VarErrors, VarScope, Variable, Vars};
use crate::{Change, load, template};

/// A playbook that has passed every check that needs no host.
#[derive(Clone, Debug)]
pub struct Playbook {
    /// `name` in the file.
    pub name: String,
    /// `description` in the file.
    pub description: Option<String>,
    /// The file as the user typed its path; stands in messages.
    pub file: String,
    /// The whole text.
    pub text: String,
    /// Rings and limits.
    pub strategy: Strategy,
    /// The declared variables, in the order of the file.
    pub vars: Vec<Variable>,
    /// What is looked at before the first write.
    pub preflight: PreflightSettings,
    /// The steps, in the order they are carried out.
    pub steps: Vec<Step>,
    /// What has to be green on a host so that it counts as done, in the order in which it is asked.
    pub probes: Vec<ProbeStep>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) defaults: Vec<DefaultInForce>,
}

/// Something that is allowed and yet deserves a second look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where in the playbook, from 1.
    pub line: u32,
    /// Lower case, without full stop.
    pub message: String,
}

/// A setting that the playbook leaves to its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultInForce {
    /// Dotted path, e.g. `rollout.rings.canary.max_parallel`.
    pub setting: String,
    /// The value in force, for people.
    pub value: String,
}

/// A step that cannot be resolved for a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step '{step}' (line {line}), {field}: {detail}")]
pub struct CompileError {
    /// The step's name.
    pub step: String,
    /// Where the field stands in the playbook.
    pub line: u32,
    /// The field: `when`, `server`, `data`...
    pub field: String,
    /// What is wrong, lower case, without full stop.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
    /// The same with file, column and excerpt of the playbook.
    pub diagnostic: Box<Diagnostic>,
}

impl Playbook {
    /// Reads and checks a playbook: everything that can be judged without a host.
    ///
    /// # Errors
    /// Every mistake found, in the order of the file.
    pub fn load(document: &Document) -> Result<Self, Diagnostics> {
        load::playbook(document)
    }

    /// SHA-256 of the text, lower-case hexadecimal.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.text.as_bytes()))
    }

    /// What a person should look at again, in the order of the file.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Every setting the playbook leaves to its default, with the value in force.
    pub fn defaults_in_force(&self) -> &[DefaultInForce] {
        &self.defaults
    }

    /// Picks the strongest value of each declared variable and checks its type. Layers come weakest first; the
    /// playbook's own defaults are below all of them.
    ///
    /// # Errors
    /// Every variable that is missing, of the wrong type, or given on the command line without being declared.
    pub fn resolve_vars(
        &self,
        layers: &[VarScope<'_>],
        examples: Examples,
    ) -> Result<Vars, VarErrors> {
        vars::resolve(&self.vars, layers, examples)
    }

    /// Resolves every step for one host. Data from templates pass the same rules as literals did while loading.
    ///
    /// # Errors
    /// The first field that cannot be rendered or is refused, or two steps that want different things of one value.
    pub fn compile(
        &self,
        scope: &HostScope<'_>,
        facts: Option<&Facts>,
    ) -> Result<Vec<HostStep>, CompileError> {
        let value = scope::value(scope, facts);
        let mut wanted = Wanted::default();
        let mut steps = Vec::with_capacity(self.steps.len());
        for (index, step) in self.steps.iter().enumerate() {
            let holds = match &step.when {
                None => true,
                Some(condition) => template::holds(&condition.text, &value)
                    .map_err(|error| self.refused(step.place(), "when", &condition.node, error))?,
            };
            let kept_back = holds.then(|| self.gate(step)).flatten();
            let kept_back = kept_back.and_then(|gate| below_gate(gate, facts));
            let below_gate = kept_back.is_some();
            let kept_back = kept_back.filter(|_| !self.allows(Check::SensorBelowGate, Some(index)));
            let (changes, skipped) = if let Some(why) = kept_back {
                (Vec::new(), Some(why))
            } else if holds {
                let changes = self
                    .changes(step, &mut Evaluation::scoped(&value, true))?
                    .unwrap_or_default();
                wanted.add(self, step, &changes)?;
                (changes, None)
            } else {
                (Vec::new(), step.skip_reason())
            };
            steps.push(HostStep {
                name: step.name.clone(),
                changes,
                skipped,
                below_gate,
            });
        }
        Ok(steps)
    }

    /// The fact that has to be true on the host for this step, unless the playbook leaves the check of it out.
    pub(crate) fn gate(&self, step: &Step) -> Option<Fact> {
        let left_out = self.preflight.leave_out.contains(&Check::SensorBelowGate);
        step.gate().filter(|_| !left_out)
    }

    /// Judges the steps with the defaults and examples of the variables, for `check` without an inventory. Steps that
    /// ask for the host, or for a variable with neither, are left open. Returns what deserves a second look.
    ///
    /// # Errors
    /// Every step whose data are refused with these values.
    pub fn judge_examples(&self) -> Result<Vec<Warning>, Diagnostics> {
        let values = self.vars.iter().filter_map(|variable| {
            let value = variable.default.as_ref().or(variable.example.as_ref())?;
            Some((variable.name.clone(), value.clone()))
        });
        let vars = Vars(values.collect());
        let scope = HostScope {
            name: "host",
            short: "host",
            ring: None,
            groups: &[],
            vars: &vars,
        };
        let value = scope::value(&scope, None);
        let open = |name: &String| {
            let unset = |variable: &&Variable| !vars.0.contains_key(&variable.name);
            scope::asks_for_host(name)
                || self
                    .vars
                    .iter()
                    .filter(unset)
                    .any(|variable| scope::refers_to(name, &variable.name))
        };
        let (mut notes, mut problems) = (Vec::new(), Vec::new());
        for step in self
            .steps
            .iter()
            .filter(|step| !step.names().iter().any(open))
        {
            let unwanted = step
                .when()
                .is_some_and(|when| template::holds(when, &value) == Ok(false));
            if unwanted {
                continue;
            }
            let mut evaluation = Evaluation::scoped(&value, false);
            match self.changes(step, &mut evaluation) {
                Ok(_) => notes.extend(evaluation.notes.into_iter().map(|message| Warning {
                    line: step.line,
                    message,
                })),
                Err(error) => problems.push(*error.diagnostic),
            }
        }
        for probe in &self.probes {
            if probe.names().iter().any(open) {
                continue;
            }
            if let Err(error) = self.probe(probe, &value, false) {
                problems.push(*error.diagnostic);
            }
        }
        notes.retain(|note| !self.warnings.contains(note));
        if problems.is_empty() {
            Ok(notes)
        } else {
            Err(Diagnostics(problems))
        }
    }

    /// The playbook that takes this one's values away (`rollback --mode delete`): every step as `ensure: absent`, in
    /// reverse order, conditions dropped. Variables that only conditions and data needed are no longer required.
    #[must_use]
    pub fn removal(&self) -> Self {
        let steps: Vec<Step> = self.steps.iter().rev().map(Step::removed).collect();
        let names: Vec<String> = steps.iter().flat_map(Step::names).collect();
        let mut removal = self.clone();
        for variable in &mut removal.vars {
            let used = names
                .iter()
                .any(|name| scope::refers_to(name, &variable.name));
            variable.required = variable.required && used;
        }
        removal.steps = steps;
        // What they ask for is being taken away.
        removal.probes = Vec::new();
        removal.preflight = PreflightSettings::off();
        removal.warnings = Vec::new();
        removal
    }

    pub(crate) fn changes(
        &self,
        step: &Step,
        evaluation: &mut Evaluation<'_>,
    ) -> Result<Option<Vec<Change>>, CompileError> {
        let changes = step.action.changes(evaluation);
        match evaluation.errors.drain(..).next() {
            None => Ok(changes),
            Some(error) => Err(self.refused(
                step.place(),
                error.field.name,
                &error.field.node,
                error.invalid,
            )),
        }
    }

    pub(crate) fn refused(
        &self,
        step: (&str, &str, &str),
        field: &str,
        node: &Node,
        error: Invalid,
    ) -> CompileError {
        let document = Document {
            name: self.file.clone(),
            text: self.text.clone(),
        };
        let mut diagnostic = node.diagnostic(
            &document,
            format!(
                "{} '{}': {}.{field}: {}",
                step.0, step.1, step.2, error.message
            ),
        );
        diagnostic.expected.clone_from(&error.expected);
        diagnostic.hint.clone_from(&error.hint);
        let expected = error
            .expected
            .map(|expected| format!(" (expected {expected})"));
        CompileError {
            step: step.1.to_owned(),
            line: node.line,
            field: field.to_owned(),
            detail: format!("{}{}", error.message, expected.unwrap_or_default()),
            hint: error.hint,
            diagnostic: Box::new(diagnostic),
        }
    }
}

/// What the steps so far want of each value: a second, different wish would make the outcome depend on the order, and
/// the host would never count as right.
#[derive(Default)]
pub(crate) struct Wanted<'p>(HashMap<Target, (&'p Step, Desired)>);

impl<'p> Wanted<'p> {
    pub(crate) fn add(
        &mut self,
        playbook: &Playbook,
        step: &'p Step,
        changes: &[Change],
    ) -> Result<(), CompileError> {
        for change in changes {
            let (earlier, desired) = self
                .0
                .entry(change.target.clone())
                .or_insert_with(|| (step, change.desired.clone()));
            if *desired != change.desired {
                let message = format!(
                    "{} is wanted as '{}' here and as '{}' by step '{}'",
                    change.target,
                    change.desired.text(),
                    desired.text(),
                    earlier.name,
                );
                let error = Invalid::new(message)
                    .hint("give the two steps conditions that exclude each other");
                return Err(playbook.refused(step.place(), "target", &step.node, error));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}
