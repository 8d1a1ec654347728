//! Variables: what a playbook declares, and the values one host ends up with.
//!
//! Layers come from outside (playbook default < inventory defaults < groups < host < command line); this module only
//! picks the strongest, checks it against the declared type and reports what is missing. How a value becomes its type
//! is `coerce.rs`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::coerce::VarType;

/// A variable as the playbook declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Unique in the playbook.
    pub name: String,
    /// What its values have to be.
    pub kind: VarType,
    /// A host without a value for it is an error.
    pub required: bool,
    /// The weakest value.
    pub default: Option<Value>,
    /// What a value looks like; stands in for a missing one in `check` and `rehearse`.
    pub example: Option<Value>,
    /// For people.
    pub description: Option<String>,
    /// Where the declaration stands in the playbook.
    pub line: u32,
}

/// The values of one host, by name; every one checked against its declared type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vars(pub BTreeMap<String, Value>);

/// One layer of values.
#[derive(Clone, Debug)]
pub struct VarScope<'a> {
    /// Where it stands, for messages: `group paris (inventory.yaml:12)`.
    pub origin: String,
    /// Name to value. Texts are taken for every type, since CSV and the command line know nothing else.
    pub vars: &'a BTreeMap<String, Value>,
    /// What a name means that the playbook does not declare.
    pub unknown: Unknown,
}

/// What a name means that the playbook does not declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Nothing: an inventory serves many playbooks.
    Ignored,
    /// A mistake: nobody types `-e` for another playbook.
    Refused,
}

impl<'a> VarScope<'a> {
    /// A layer of an inventory.
    pub fn inventory(origin: impl Into<String>, vars: &'a BTreeMap<String, Value>) -> Self {
        Self {
            origin: origin.into(),
            vars,
            unknown: Unknown::Ignored,
        }
    }

    /// The layer of `-e`.
    pub fn command_line(vars: &'a BTreeMap<String, Value>) -> Self {
        Self {
            origin: "-e on the command line".to_owned(),
            vars,
            unknown: Unknown::Refused,
        }
    }
}

/// Whether `example` may stand in for a missing required value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Examples {
    /// No: a push needs real values.
    Refuse,
    /// Yes: `check` and `rehearse`.
    Fill,
}

/// One variable that cannot be used as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VarError {
    /// The variable.
    pub name: String,
    /// The layer the value comes from; `None` where there is no value.
    pub origin: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What would have been right.
    pub expected: Option<String>,
    /// Nearest match, or what to do.
    pub hint: Option<String>,
}

impl fmt::Display for VarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "variable '{}'", self.name)?;
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, "\n  expected: {expected}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Everything wrong with the variables of one host. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VarErrors(pub Vec<VarError>);

impl fmt::Display for VarErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for VarErrors {}

/// See [`crate::Playbook::resolve_vars`].
pub(crate) fn resolve(
    declared: &[Variable],
    layers: &[VarScope<'_>],
    examples: Examples,
) -> Result<Vars, VarErrors> {
    let mut errors = unknown_names(declared, layers);
    let mut vars = BTreeMap::new();
    for variable in declared {
        match value_of(variable, layers, examples) {
            Ok(Some(value)) => {
                vars.insert(variable.name.clone(), value);
            }
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(Vars(vars))
    } else {
        Err(VarErrors(errors))
    }
}

fn value_of(
    variable: &Variable,
    layers: &[VarScope<'_>],
    examples: Examples,
) -> Result<Option<Value>, VarError> {
    let given = layers
        .iter()
        .rev()
        .find_map(|layer| Some((layer, layer.vars.get(&variable.name)?)));
    if let Some((layer, value)) = given {
        return variable
            .kind
            .coerce(value)
            .map(Some)
            .map_err(|error| VarError {
                name: variable.name.clone(),
                origin: Some(layer.origin.clone()),
                message: error.message,
                expected: error.expected,
                hint: error.hint,
            });
    }
    let stand_in = match examples {
        Examples::Fill if variable.required => variable.example.clone(),
        _ => None,
    };
    match variable.default.clone().or(stand_in) {
        None if variable.required => Err(missing(variable)),
        value => Ok(value),
    }
}

fn missing(variable: &Variable) -> VarError {
    let example = variable.example.as_ref().map(text);
    let shown = example.as_deref().unwrap_or("VALUE");
    VarError {
        name: variable.name.clone(),
        origin: None,
        message: "the playbook requires it and nothing gives it a value".to_owned(),
        expected: Some(variable.kind.expected().to_owned()),
        hint: Some(format!(
            "add it to 'vars' in the inventory, or pass -e '{}={shown}'",
            variable.name
        )),
    }
}

/// A value as a person would type it behind `-e NAME=`.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn unknown_names(declared: &[Variable], layers: &[VarScope<'_>]) -> Vec<VarError> {
    let names = || declared.iter().map(|variable| variable.name.as_str());
    let strict = layers
        .iter()
        .filter(|layer| layer.unknown == Unknown::Refused);
    let unknown = |layer: &VarScope<'_>, name: &String| VarError {
        name: name.clone(),
        origin: Some(layer.origin.clone()),
        message: "the playbook declares no such variable".to_owned(),
        expected: Some(match names().next() {
            None => "no variable at all".to_owned(),
            Some(_) => format!("one of {}", names().collect::<Vec<_>>().join(", ")),
        }),
        hint: document::nearest(name, names()).map(|near| format!("did you mean '{near}'?")),
    };
    strict
        .flat_map(|layer| {
            let undeclared = layer
                .vars
                .keys()
                .filter(|name| !names().any(|known| known == name.as_str()));
            undeclared
                .map(|name| unknown(layer, name))
                .collect::<Vec<_>>()
        })
        .collect()
}
