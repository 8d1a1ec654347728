//! The YAML reader's errors in the words of a [`Diagnostic`].
//!
//! Adds nothing to what the reader knows except the nearest match and plain names of types.

use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use crate::located::place;
use crate::{Diagnostic, Document};

/// One error with its place, the offending text and what was expected.
pub(crate) fn translate(document: &Document, error: &Error) -> Diagnostic {
    let inner = innermost(error);
    let location = error.location().or_else(|| inner.location());
    let (line, column) = location.as_ref().map_or((0, 0), place);
    let found = found(document, line, column);
    let say = |message: String| document.diagnostic(line, column, &found, message);
    if let Some(column) = indenting_tab(document.line(line).unwrap_or_default()) {
        return document
            .diagnostic(line, column, "\t", "a tab where YAML wants spaces")
            .expect("spaces before the first word of a line")
            .hint("set the editor to write spaces for the tab key");
    }
    let mut diagnostic = match inner {
        Error::Eof { .. } | Error::Unexpected { .. } | Error::SerdeInvalidType { .. }
            if is_empty(document) =>
        {
            Diagnostic::file(&document.name, "the file is empty")
        }
        Error::SerdeUnknownField {
            field, expected, ..
        } => say(format!("unknown key '{field}'"))
            .expect(one_of(expected))
            .nearest(field, expected.iter().copied()),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => say(format!("unknown word '{variant}'"))
            .expect(one_of(expected))
            .nearest(variant, expected.iter().copied()),
        Error::SerdeMissingField { field, .. } => say(format!("the key '{field}' is missing here")),
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or(&found);
            let first = first_place(document, line, column, key)
                .map_or(String::new(), |first| format!(", first in line {first}"));
            say(format!("the key '{key}' stands here a second time{first}"))
                .hint("each key may stand once in a mapping: remove one of the two")
        }
        Error::SerdeInvalidType {
            unexpected,
            expected,
            ..
        } => say(format!("wrong type: {unexpected}")).expect(plain(expected)),
        Error::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => say(format!("wrong value: {unexpected}")).expect(plain(expected)),
        Error::InvalidScalar { ty, .. } => say(format!("wrong type: '{found}'")).expect(plain(ty)),
        Error::Unexpected { expected, .. } => say(wrong_type(&found)).expect(plain(expected)),
        Error::InvalidBooleanStrict { .. } => say(wrong_type(&found)).expect("true or false"),
        Error::NullIntoString { .. } => say("there is no value here".to_owned())
            .expect("text")
            .hint("write '' for empty text"),
        Error::MultipleDocuments { .. } => {
            say("a second YAML document begins here".to_owned()).expect("one document in a file")
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. } => {
            say("the document unfolds beyond the bounds".to_owned())
                .hint("use fewer aliases and less nesting")
        }
        other => say(UserMessageFormatter.format_message(other).into_owned()),
    };
    diagnostic.hint = diagnostic
        .hint
        .or_else(|| quoting(document.line(line)?, &found));
    diagnostic
}

/// Column of a tab before the first word of a line: whatever the reader complains about there, this is the cause.
fn indenting_tab(line: &str) -> Option<u32> {
    let blank = line.len() - line.trim_start().len();
    let at = line[..blank].find('\t')?;
    u32::try_from(at + 1).ok()
}

/// The two traps of YAML that templates and registry paths walk into.
fn quoting(line: &str, found: &str) -> Option<String> {
    if line.contains("{{") && found.starts_with('{') {
        return Some("text that begins with '{{' stands in quotes: '{{ proxy }}'".to_owned());
    }
    let double = line.find('"')?;
    line[double..]
        .contains('\\')
        .then(|| "a backslash in double quotes is an escape: use single quotes".to_owned())
}

fn is_empty(document: &Document) -> bool {
    let nothing = |line: &str| line.is_empty() || line.starts_with('#') || line == "---";
    document.text.lines().all(|line| nothing(line.trim()))
}

/// The line above, in the same block, where the key stood first. Not found in flow style, where it is the same line.
fn first_place(document: &Document, line: u32, column: u32, key: &str) -> Option<u32> {
    let indent = (column as usize).checked_sub(1)?;
    let above: Vec<&str> = document
        .text
        .lines()
        .take((line as usize).checked_sub(1)?)
        .collect();
    for (index, text) in above.iter().enumerate().rev() {
        let rest = text.get(indent..).unwrap_or_default();
        let bare = rest.trim_start_matches(['\'', '"']);
        let after = bare
            .strip_prefix(key)
            .map(|after| after.trim_start_matches(['\'', '"']));
        if after.is_some_and(|after| after.trim_start().starts_with(':')) {
            return u32::try_from(index + 1).ok();
        }
        let depth = text.len() - text.trim_start().len();
        if depth < indent && !text.trim().is_empty() {
            return None;
        }
    }
    None
}

fn innermost(mut error: &Error) -> &Error {
    while let Error::WithSnippet { error: inner, .. } | Error::AliasError { error: inner, .. } =
        error
    {
        error = inner;
    }
    error
}

fn wrong_type(found: &str) -> String {
    if found.is_empty() {
        "wrong type".to_owned()
    } else {
        format!("wrong type: '{found}'")
    }
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => format!("'{one}'"),
        many => format!("one of {}", many.join(", ")),
    }
}

/// Names of Rust types as a person who writes YAML would say them.
fn plain(expected: &str) -> String {
    let words = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" | "u128" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" | "i128" => "a whole number",
        "f32" | "f64" | "float" => "a number",
        "bool" | "boolean" | "a boolean" => "true or false",
        "a string" | "string" | "scalar" | "string scalar" => "text",
        "sequence start" | "a sequence" | "sequence" => "a list",
        "mapping start" | "a map" | "mapping" => "a mapping",
        other if other.starts_with("struct ") => "a mapping",
        other => other,
    };
    words.to_owned()
}

/// The word or quoted text that begins at a place.
fn found(document: &Document, line: u32, column: u32) -> String {
    let rest: String = document
        .line(line)
        .unwrap_or_default()
        .chars()
        .skip((column as usize).saturating_sub(1))
        .collect();
    let end = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].find(quote).map_or(rest.len(), |at| at + 2),
        Some('{' | '[') => closing(&rest),
        Some('-') => rest.len(),
        // A plain word ends at the colon of its key, at a comment, and in flow style at `,` and brackets.
        _ => [": ", " #", ",", "}", "]"]
            .iter()
            .filter_map(|stop| rest.find(stop))
            .min()
            .unwrap_or(rest.len()),
    };
    rest[..end].trim_end().trim_end_matches(':').to_owned()
}

/// Where the bracket closes that the text begins with; brackets in quotes are rare enough to be ignored.
fn closing(text: &str) -> usize {
    let mut depth = 0i32;
    for (at, character) in text.char_indices() {
        depth += match character {
            '{' | '[' => 1,
            '}' | ']' => -1,
            _ => 0,
        };
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}
