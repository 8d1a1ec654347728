//! The `vars` block: which variables there are and what their values have to be.

use document::{Located, Node, Value};

use super::reader::Reader;
use crate::coerce::VarType;
use crate::rules::Invalid;
use crate::scope::RESERVED;
use crate::template;
use crate::vars::{Variable, text};

pub(super) const KEYS: [&str; 5] = ["type", "required", "default", "example", "description"];
/// Words of the template language.
const KEYWORDS: [&str; 12] = [
    "and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "loop", "self",
];

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Vec<Variable> {
    let Some(entries) = reader.entries(node, "variables by name") else {
        return Vec::new();
    };
    entries
        .iter()
        .filter_map(|(name, node)| variable(reader, name, node))
        .collect()
}

fn variable(reader: &mut Reader<'_>, name: &Located<String>, node: &Node) -> Option<Variable> {
    check_name(reader, name);
    if !matches!(node.value, Value::Map(_)) {
        let error = Invalid::new(format!(
            "{} stands where a variable is declared",
            node.kind()
        ))
        .expected("{ type: TYPE, required: true, default: VALUE, example: VALUE }")
        .hint("values for a run stand in the inventory or behind -e; a fixed one is a 'default'");
        reader.refuse(node, error);
        return None;
    }
    reader.mapping(node, "a variable", &KEYS);
    let words = VarType::ALL.map(|kind| (kind.as_str(), kind));
    let kind = reader.required(node, "type", &format!("the variable '{}'", name.value));
    let (_, kind) = kind.and_then(|node| reader.word(node, &words))?;
    let default = node
        .entry("default")
        .and_then(|node| value(reader, kind, node));
    let example = node
        .entry("example")
        .and_then(|node| value(reader, kind, node));
    let description = node.entry("description").and_then(|node| reader.text(node));
    let stated = node
        .entry("required")
        .and_then(|node| Some((node, reader.truth(node)?)));
    if let (Some((node, true)), Some(_)) = (stated, node.entry("default")) {
        let error =
            Invalid::new("a required variable cannot have a default: the default would always do");
        reader.refuse(
            node,
            error.hint("keep one of the two; what a value looks like is an 'example'"),
        );
    }
    let required = stated.map_or(default.is_none(), |(_, required)| required);
    let setting = format!("vars.{}", name.value);
    match &default {
        Some(value) => reader.default(setting, text(value)),
        None if stated.is_none() => reader.default(format!("{setting}.required"), "true"),
        None => {}
    }
    let line = name.line;
    Some(Variable {
        name: name.value.clone(),
        kind,
        required,
        default,
        example,
        description,
        line,
    })
}

fn check_name(reader: &mut Reader<'_>, name: &Located<String>) {
    let text = name.value.as_str();
    let mut chars = text.chars();
    let starts = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !starts || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let error = Invalid::new(format!("'{text}' cannot be the name of a variable"))
            .expected("letters, digits and '_'");
        let fixed: String = text
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        reader.refuse_key(name, error.hint(format!("for example '{fixed}'")));
    } else if RESERVED.contains(&text) || KEYWORDS.contains(&text) {
        reader.refuse_key(
            name,
            Invalid::new(format!("'{text}' has a meaning of its own in templates")),
        );
    }
}

fn value(reader: &mut Reader<'_>, kind: VarType, node: &Node) -> Option<serde_json::Value> {
    if let Value::Text(text) = &node.value
        && template::is_template(text)
    {
        let error = Invalid::new("a variable's value is taken as it stands, not rendered");
        reader.refuse(
            node,
            error.hint("put the template into the step that uses the variable"),
        );
        return None;
    }
    match kind.coerce(&node.to_json()) {
        Ok(value) => Some(value),
        Err(error) => {
            reader.refuse(node, error);
            None
        }
    }
}
