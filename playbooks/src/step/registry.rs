//! `registry`: one value, written exactly or taken away. Keys are never deleted (fact 9).

use super::{Ensure, Evaluation, Field};
use crate::change::{Change, Desired};
use crate::registry::{KeyPath, KeyPathError, Target};
use crate::rules::{Acknowledge, Invalid, data, known_value, value_name};

/// The fields of the step; the loader has seen to it that `data` is there where it is needed.
#[derive(Clone, Debug)]
pub(crate) struct RegistryStep {
    pub(crate) key: Field,
    pub(crate) value: Field,
    /// One of [`crate::rules::kind_names`].
    pub(crate) kind: Option<&'static str>,
    pub(crate) data: Option<Field>,
    pub(crate) ensure: Ensure,
    pub(crate) acknowledge: Acknowledge,
}

impl RegistryStep {
    pub(super) fn changes(&self, evaluation: &mut Evaluation<'_>) -> Option<Vec<Change>> {
        let key = evaluation.text(&self.key, |text, _| key(text));
        let templated = !self.value.templates().is_empty();
        let value = evaluation.text(&self.value, |text, _| match text {
            "" if templated => Err(Invalid::new(
                "the template gives an empty name for the value",
            )),
            _ => value_name(text),
        });
        let target = key.zip(value).map(|(key, value)| Target { key, value });
        let desired = match (self.ensure, self.kind, &self.data) {
            (Ensure::Absent, ..) => Desired::Absent,
            (Ensure::Present, Some(kind), Some(field)) => {
                let (known, acknowledge) =
                    (target.as_ref().and_then(known_value), self.acknowledge);
                let typed = evaluation.check(field, |value, notes| {
                    let typed = data(kind, value)?;
                    if let Some(known) = known {
                        known.judge(&typed, acknowledge, notes)?;
                    }
                    Ok(typed)
                })?;
                Desired::Value(typed.to_raw())
            }
            // The loader has complained about it.
            _ => return None,
        };
        Some(vec![Change {
            target: target?,
            desired,
        }])
    }

    /// The target, where neither key nor value is a template.
    pub(crate) fn literal_target(&self) -> Option<Target> {
        let mut evaluation = Evaluation::literals();
        let key = evaluation.text(&self.key, |text, _| key(text))?;
        let value = evaluation.text(&self.value, |text, _| value_name(text))?;
        Some(Target { key, value })
    }

    pub(super) fn removed(&self) -> Self {
        Self {
            kind: None,
            data: None,
            ensure: Ensure::Absent,
            ..self.clone()
        }
    }

    pub(super) fn fields(&self) -> Vec<&Field> {
        [&self.key, &self.value]
            .into_iter()
            .chain(&self.data)
            .collect()
    }
}

fn key(text: &str) -> Result<KeyPath, Invalid> {
    let key = parsed(text)?;
    match key.shared_policies() {
        None => Ok(key),
        Some(plain) => Err(Invalid::new(format!(
            "{key} is {plain} under another name: Policies is shared by the views of 32 and 64 bits"
        ))
        .hint(format!("write '{plain}'"))),
    }
}

fn parsed(text: &str) -> Result<KeyPath, Invalid> {
    KeyPath::parse(text).map_err(|error| {
        let invalid = Invalid::new(error.to_string()).expected(r"HKLM\SOFTWARE\..., a key below HKEY_LOCAL_MACHINE");
        match error {
            KeyPathError::NotLocalMachine(text) if text.contains('/') => {
                invalid.hint(format!("components are separated by '\\': {}", text.replace('/', "\\")))
            }
            KeyPathError::NotLocalMachine(text) if text.to_ascii_lowercase().starts_with("software\\") => {
                invalid.hint(format!("write 'HKLM\\{text}'"))
            }
            KeyPathError::NotLocalMachine(_) => {
                invalid.hint("only machine-wide settings are pushed: services run as LocalSystem and read no user's hive")
            }
            KeyPathError::EmptyComponent => {
                invalid.hint("single backslashes between the names and none at the end; in double quotes YAML needs '\\\\' for one")
            }
            _ => invalid,
        }
    })
}
