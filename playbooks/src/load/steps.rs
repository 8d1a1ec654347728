//! The `steps` block: which step it is, its fields, its condition.
//!
//! Reads shapes and judges literals; what the fields of each kind mean is `step/`.

pub(super) mod kinds;

use document::{Located, Node, Value};

use super::preflight;
use super::reader::Reader;
use crate::rules::Invalid;
use crate::scope::{check_name, facts_of};
use crate::step::{Action, Condition, Evaluation, Field, Step};
use crate::template;
use crate::vars::Variable;

pub(super) const COMMON: [&str; 3] = ["name", "when", "allow"];
pub(super) const KINDS: [&str; 6] = [
    "registry",
    "edr_proxy",
    "edr_prefer_static_proxy",
    "av_proxy",
    "av_ssl_options",
    "winhttp_proxy",
];

pub(super) fn read(reader: &mut Reader<'_>, node: &Node, vars: &[Variable]) -> Vec<Step> {
    let Some(items) = reader.list(node, "steps in order") else {
        return Vec::new();
    };
    if items.is_empty() {
        reader.refuse(
            node,
            Invalid::new("there is no step: the playbook would do nothing")
                .expected("at least one step"),
        );
    }
    let steps = items.iter().enumerate();
    steps
        .filter_map(|(index, node)| step(reader, node, index + 1, vars))
        .collect()
}

fn step(reader: &mut Reader<'_>, node: &Node, number: usize, vars: &[Variable]) -> Option<Step> {
    let entries = reader.entries(node, "a step")?;
    let (kind, body) = kind(reader, node, entries)?;
    let when = node
        .entry("when")
        .and_then(|node| condition(reader, node, vars));
    let name = match node.entry("name") {
        Some(node) => reader.name(node),
        None => Some(made_up_name(number, kind, body)),
    };
    let action = match kind {
        "registry" => kinds::registry(reader, body).map(Action::Registry),
        "edr_proxy" => kinds::edr_proxy(reader, body).map(Action::EdrProxy),
        "edr_prefer_static_proxy" => {
            kinds::edr_prefer_static_proxy(reader, body).map(Action::PreferStaticProxy)
        }
        "av_proxy" => kinds::av_proxy(reader, body).map(Action::AvProxy),
        "av_ssl_options" => kinds::av_ssl_options(reader, body).map(Action::AvSslOptions),
        _ => kinds::winhttp_proxy(reader, body).map(Action::WinHttpProxy),
    }?;
    judge(reader, kind, node.line, &action, vars);
    let allow = node
        .entry("allow")
        .map(|node| preflight::checks(reader, node))
        .unwrap_or_default();
    Some(Step {
        name: name?,
        kind,
        line: node.line,
        when,
        allow,
        action,
        node: node.clone(),
    })
}

/// The one kind a step has, with its fields.
fn kind<'n>(
    reader: &mut Reader<'_>,
    node: &Node,
    entries: &'n [(Located<String>, Node)],
) -> Option<(&'static str, &'n Node)> {
    let mut found = None;
    let mut unknown = false;
    for (key, body) in entries {
        let name = key.value.as_str();
        match KINDS.iter().find(|kind| **kind == name) {
            Some(kind) if found.is_none() => found = Some((*kind, body)),
            Some(_) => {
                let error = Invalid::new(format!("a second kind of step, '{name}', in one step"));
                reader.refuse_key(
                    key,
                    error.hint("one step does one thing: begin a new one with '- '"),
                );
            }
            None if COMMON.contains(&name) => {}
            None => {
                unknown = true;
                let keys: Vec<&str> = COMMON.into_iter().chain(KINDS).collect();
                reader.unknown_key(key, "a step", &keys);
            }
        }
    }
    if found.is_none() && !unknown {
        let error = Invalid::new("the step does not say what it does")
            .expected(format!("one of {}", KINDS.join(", ")));
        reader.refuse(node, error);
    }
    found
}

fn made_up_name(number: usize, kind: &str, body: &Node) -> String {
    match body.entry("value").map(|node| &node.value) {
        Some(Value::Text(value)) => format!("step {number}: {kind} {}", value.escape_default()),
        _ => format!("step {number}: {kind}"),
    }
}

pub(super) fn condition(
    reader: &mut Reader<'_>,
    node: &Node,
    vars: &[Variable],
) -> Option<Condition> {
    let text = match &node.value {
        Value::Bool(value) => value.to_string(),
        Value::Text(text) => text.trim().to_owned(),
        Value::List(_) => {
            let error = Invalid::new("a list stands here").expected("one expression");
            reader.refuse(node, error.hint("join the conditions: 'a and b'"));
            return None;
        }
        _ => {
            reader.wrong(
                node,
                "an expression, for example: offline and facts.sensor.present",
            );
            return None;
        }
    };
    if template::is_template(&text) {
        let error = Invalid::new("a condition is an expression already")
            .expected("an expression without {{ }}");
        let bare = text.replace("{{", "").replace("}}", "");
        reader.refuse(node, error.hint(format!("write: {}", bare.trim())));
        return None;
    }
    let names = names(reader, node, &text, true, vars)?;
    let facts = facts_of(names.iter().map(String::as_str));
    Some(Condition {
        text,
        node: node.clone(),
        needs_facts: !facts.is_empty(),
    })
}

/// The names a text refers to, all of them known.
pub(super) fn names(
    reader: &mut Reader<'_>,
    node: &Node,
    text: &str,
    condition: bool,
    vars: &[Variable],
) -> Option<Vec<String>> {
    let names = match template::names(text, condition) {
        Ok(names) => names,
        Err(error) => {
            reader.refuse(node, error);
            return None;
        }
    };
    let before = reader.problems.len();
    for name in &names {
        if let Err(error) = check_name(name, vars) {
            reader.refuse(node, error);
        }
    }
    (reader.problems.len() == before).then_some(names)
}

/// Judges what can be judged without a host: names and syntax of templates, and every literal.
fn judge(reader: &mut Reader<'_>, kind: &str, line: u32, action: &Action, vars: &[Variable]) {
    for field in action.fields() {
        for text in field.templates() {
            names(reader, &field.node, text, false, vars);
        }
    }
    let mut evaluation = Evaluation::literals();
    action.changes(&mut evaluation);
    complain(reader, kind, line, evaluation);
}

/// Passes on what an evaluation found.
pub(super) fn complain(reader: &mut Reader<'_>, kind: &str, line: u32, evaluation: Evaluation<'_>) {
    for error in evaluation.errors {
        let message = format!("{kind}.{}: {}", error.field.name, error.invalid.message);
        reader.refuse(
            &error.field.node,
            Invalid {
                message,
                ..error.invalid
            },
        );
    }
    for note in evaluation.notes {
        reader.warn(line, note);
    }
}

/// A field with what its templates ask for.
pub(super) fn field(name: &'static str, node: &Node) -> Field {
    let mut field = Field {
        name,
        node: node.clone(),
        needs_facts: false,
    };
    let names: Vec<String> = field
        .templates()
        .into_iter()
        .filter_map(|text| template::names(text, false).ok())
        .flatten()
        .collect();
    field.needs_facts = !facts_of(names.iter().map(String::as_str)).is_empty();
    field
}
