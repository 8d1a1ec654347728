//! A field of a step: literal or template, with its place in the playbook.

use document::{Node, Value};

use crate::rules::{Invalid, Notes};
use crate::template;

/// One field as it stands in the playbook.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) node: Node,
    /// A template in it asks for a fact of the host.
    pub(crate) needs_facts: bool,
}

/// A field whose data is refused.
#[derive(Clone, Debug)]
pub(crate) struct FieldError {
    pub(crate) field: Field,
    pub(crate) invalid: Invalid,
}

impl Field {
    /// Every text in the field that is a template.
    pub(crate) fn templates(&self) -> Vec<&str> {
        match &self.node.value {
            Value::List(items) => items
                .iter()
                .filter_map(|item| template_in(&item.value))
                .collect(),
            value => template_in(value).into_iter().collect(),
        }
    }

    /// The playbook itself says 0.
    pub(crate) fn is_literal_zero(&self) -> bool {
        match &self.node.value {
            Value::Integer(number) => *number == 0,
            Value::Text(text) => text == "0",
            _ => false,
        }
    }
}

/// Evaluates fields and gathers what is wrong with them.
pub(crate) struct Evaluation<'s> {
    /// What templates see; `None` while loading, when only literals can be judged.
    scope: Option<&'s minijinja::Value>,
    /// Facts are in the scope; without them, what needs them is left open.
    facts: bool,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) notes: Notes,
}

impl<'s> Evaluation<'s> {
    /// Only literals.
    pub(crate) fn literals() -> Self {
        Self::with(None, false)
    }

    /// With what templates see; `facts` says whether facts are in it.
    pub(crate) fn scoped(scope: &'s minijinja::Value, facts: bool) -> Self {
        Self::with(Some(scope), facts)
    }

    fn with(scope: Option<&'s minijinja::Value>, facts: bool) -> Self {
        Self {
            scope,
            facts,
            errors: Vec::new(),
            notes: Notes::new(),
        }
    }

    /// The field's value after rendering, put through a rule. `None`: not known yet, or refused.
    pub(crate) fn check<T>(
        &mut self,
        field: &Field,
        rule: impl FnOnce(&Value, &mut Notes) -> Result<T, Invalid>,
    ) -> Option<T> {
        let value = match self.scope {
            None if !field.templates().is_empty() => return None,
            None => Ok(field.node.value.clone()),
            Some(_) if field.needs_facts && !self.facts => return None,
            Some(scope) => rendered(&field.node, scope),
        };
        match value.and_then(|value| rule(&value, &mut self.notes)) {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.errors.push(FieldError {
                    field: field.clone(),
                    invalid,
                });
                None
            }
        }
    }

    /// As [`Self::check`], for a field that is one text.
    pub(crate) fn text<T>(
        &mut self,
        field: &Field,
        rule: impl FnOnce(&str, &mut Notes) -> Result<T, Invalid>,
    ) -> Option<T> {
        self.check(field, |value, notes| match value {
            Value::Text(text) => rule(text, notes),
            Value::Null => Err(Invalid::new("there is no value here").expected("text")),
            Value::List(_) => Err(Invalid::new("a list stands here").expected("one text")),
            Value::Map(_) => Err(Invalid::new("a mapping stands here").expected("one text")),
            _ => Err(Invalid::new("this is not text")
                .expected("text")
                .hint("put it in quotes")),
        })
    }
}

fn template_in(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) if template::is_template(text) => Some(text),
        _ => None,
    }
}

fn rendered(node: &Node, scope: &minijinja::Value) -> Result<Value, Invalid> {
    let text = |text: &str| template::render(text, scope).map(Value::Text);
    match &node.value {
        Value::Text(source) if template::is_template(source) => {
            match template::list(source, scope)? {
                Some(items) => Ok(Value::List(
                    items
                        .into_iter()
                        .map(|item| like(node, Value::Text(item)))
                        .collect(),
                )),
                None => text(source),
            }
        }
        Value::List(items) => {
            let item = |item: &Node| match &item.value {
                Value::Text(source) if template::is_template(source) => {
                    Ok(like(item, text(source)?))
                }
                _ => Ok(item.clone()),
            };
            items
                .iter()
                .map(item)
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
        other => Ok(other.clone()),
    }
}

/// Another value at the same place.
fn like(node: &Node, value: Value) -> Node {
    let mut node = node.clone();
    node.value = value;
    node
}
