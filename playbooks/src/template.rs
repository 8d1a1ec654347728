//! The template engine: texts and conditions over variables, the host and its facts.
//!
//! One engine for both. Undefined names are errors, never empty text; work and output are bounded by fuel; nothing can
//! be included, imported or read. What the names mean is `scope.rs`.

use std::sync::OnceLock;

use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::facts::{FACTS, FactKind};
use crate::rules::Invalid;

/// Instructions and blocks of output; a page of template needs some hundreds.
const FUEL: u64 = 20_000;
/// Depth of nested macros.
const RECURSION: usize = 32;

fn engine() -> &'static Environment<'static> {
    static ENGINE: OnceLock<Environment<'static>> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        engine.set_fuel(Some(FUEL));
        engine.set_recursion_limit(RECURSION);
        // Costs only where something goes wrong: it is what names the place.
        engine.set_debug(true);
        engine.remove_global("debug");
        engine.add_filter("version", version);
        engine.set_formatter(|out, state, value| match value.kind() {
            ValueKind::None => Err(Error::new(
                ErrorKind::InvalidOperation,
                "there is no value to write into the text",
            )),
            ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("a {} cannot stand in a text", value.kind()),
            )),
            // As YAML writes them, not as Python does.
            ValueKind::Bool => out
                .write_str(if value.is_true() { "true" } else { "false" })
                .map_err(Error::from),
            _ => minijinja::escape_formatter(out, state, value),
        });
        engine
    })
}

/// `'10.8210' | version`: its numbers as a list, which compares as versions do. As texts 10.10 would come before 10.9.
fn version(text: &str) -> Result<Vec<u64>, Error> {
    let numbers: Result<Vec<u64>, _> = text.trim().split('.').map(str::parse).collect();
    numbers.map_err(|_| {
        let detail = format!("'{text}' is no version: numbers with points between");
        Error::new(ErrorKind::InvalidOperation, detail)
    })
}

/// Whether a text has to go through the engine.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// What a text or a condition refers to: dotted paths, e.g. `proxy`, `facts.sensor.version`.
pub(crate) fn names(text: &str, condition: bool) -> Result<Vec<String>, Invalid> {
    let found = if condition {
        engine()
            .compile_expression(text)
            .map(|expression| expression.undeclared_variables(true))
    } else {
        engine()
            .template_from_str(text)
            .map(|template| template.undeclared_variables(true))
    };
    if condition {
        versions_as_versions(text)?;
    }
    let globals: Vec<&str> = engine().globals().map(|(name, _)| name).collect();
    let mut names: Vec<String> = found
        .map_err(|error| explain(&error, text))?
        .into_iter()
        .filter(|name| !globals.contains(&name.as_str()))
        .collect();
    names.sort();
    Ok(names)
}

/// Refuses a version that is put in an order as a text.
fn versions_as_versions(condition: &str) -> Result<(), Invalid> {
    let versions = FACTS.iter().filter(|row| row.kind == FactKind::Version);
    for name in versions.map(|row| format!("facts.{}", row.name)) {
        for (at, _) in condition.match_indices(&name) {
            let after = &condition[at + name.len()..];
            if after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.') {
                continue;
            }
            let (before, after) = (condition[..at].trim_end(), after.trim_start());
            let behind =
                before.ends_with(['<', '>']) || before.ends_with("<=") || before.ends_with(">=");
            let filtered = after.starts_with('|');
            if after.starts_with(['<', '>']) || behind && !filtered {
                return Err(Invalid::new(format!(
                    "'{name}' is compared as a text, in which 10.10 comes before 10.9"
                ))
                .expected(format!("{name} | version >= '10.8210' | version")));
            }
        }
    }
    Ok(())
}

/// Renders a text.
pub(crate) fn render(text: &str, scope: &Value) -> Result<String, Invalid> {
    let rendered = engine()
        .template_from_str(text)
        .and_then(|template| template.render(scope));
    rendered.map_err(|error| explain(&error, text))
}

/// Where a text is one expression and nothing else (`{{ bypass }}`) that gives a list of texts, the list.
pub(crate) fn list(text: &str, scope: &Value) -> Result<Option<Vec<String>>, Invalid> {
    let inner = text
        .trim()
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"));
    let Some(expression) = inner.filter(|inner| !is_template(inner) && !inner.contains("}}"))
    else {
        return Ok(None);
    };
    let value = engine()
        .compile_expression(expression.trim_matches('-').trim())
        .and_then(|expression| expression.eval(scope))
        .map_err(|error| explain(&error, text))?;
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Ok(None);
    }
    let items = value.try_iter().map_err(|error| explain(&error, text))?;
    let items: Option<Vec<String>> = items.map(|item| item.as_str().map(str::to_owned)).collect();
    items
        .map(Some)
        .ok_or_else(|| Invalid::new("the list holds something else than text"))
}

/// Evaluates a condition; anything but true or false is a mistake, because a text such as `false` would count as true. A
/// condition that comes out as null asks for something that the host does not have, and does not hold: a host that was
/// never onboarded has no state of onboarding.
pub(crate) fn holds(condition: &str, scope: &Value) -> Result<bool, Invalid> {
    let value = engine()
        .compile_expression(condition)
        .and_then(|expression| expression.eval(scope))
        .map_err(|error| explain(&error, condition))?;
    if value.is_undefined() {
        return Err(
            Invalid::new("the condition gives an undefined value").expected("true or false")
        );
    }
    if value.is_none() {
        return Ok(false);
    }
    bool::try_from(value.clone())
        .ok()
        .filter(|_| value.kind() == ValueKind::Bool)
        .ok_or_else(|| {
            Invalid::new(format!("the condition gives a {}", value.kind()))
                .expected("true or false")
                .hint("compare it: name == 'text', number > 0, list | length > 0")
        })
}

/// An engine error in our words, with the piece of the text it is about.
fn explain(error: &Error, text: &str) -> Invalid {
    let piece = error
        .range()
        .and_then(|range| text.get(range))
        .map(str::trim)
        .filter(|piece| !piece.is_empty());
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::UndefinedError, _) => "undefined value".to_owned(),
        (ErrorKind::OutOfFuel, _) => {
            "the template does too much work or writes too much".to_owned()
        }
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    };
    let message = match piece {
        Some(piece) => format!("{what} at '{piece}'"),
        None => what,
    };
    match error.kind() {
        ErrorKind::UndefinedError => Invalid::new(message)
            .hint("declare it under 'vars'; values that a host may lack need '| default(...)' or 'is defined'"),
        ErrorKind::SyntaxError => Invalid::new(message).expected("a minijinja (Jinja2) expression or template"),
        _ => Invalid::new(message),
    }
}
