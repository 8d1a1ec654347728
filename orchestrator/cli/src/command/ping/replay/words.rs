//! What the messages of a trace are called, and what they say in a few words.

use rollout::{HostError, Reason};
use wsman_proto::shell;
use wsman_proto::xml::Element;

use crate::trace::End;

/// Characters of what a message says.
const MAX_SHOWN: usize = 300;

/// A value may be as long as a reply; a line of a table is not.
pub(super) fn clipped(text: String) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Where a trace ends that does not tell what became of a host.
pub(super) fn ends(end: End, pending: Option<&str>, asked: bool) -> String {
    let before = match pending {
        Some(operation) => format!("before the answer to {operation}"),
        None if asked => "before anything was read".to_owned(),
        None => "before anything was asked".to_owned(),
    };
    format!("{}, {before}", ending(end))
}

/// The same where all was answered, and the command for which a shell was opened has not ended.
pub(super) fn ends_in_shell(end: End) -> String {
    format!("{}, before a command in the shell has ended", ending(end))
}

fn ending(end: End) -> &'static str {
    match end {
        End::Whole => "the trace ends here",
        End::Full => "the trace had come to its bound and ends here",
        End::Cut(_) => "the trace is cut off here",
    }
}

/// A failure of which an old trace holds the words alone.
pub(super) fn of_old(text: String) -> HostError {
    let reason = match text.as_str() {
        text if text.starts_with("Kerberos: ") => Reason::Kerberos,
        text if text.starts_with("another machine answers") => Reason::WrongHost,
        _ => Reason::Fault,
    };
    HostError::failed(reason, text)
}

/// In a few words, and whether the command has ended.
pub(super) fn received(body: &Element, command: &str) -> (String, bool) {
    let mut output = shell::Output::default();
    if let Err(why) = output.add(body, command) {
        return (why.to_owned(), false);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let first = text.lines().find(|line| !line.trim().is_empty());
    let end = match (output.done, output.exit_code) {
        (true, Some(code)) => format!("ended with {code}"),
        (true, None) => "ended".to_owned(),
        (false, _) => "goes on".to_owned(),
    };
    let (out, err) = (output.stdout.len(), output.stderr.len());
    let first = first.unwrap_or_default().trim();
    let text = format!("{out} bytes of output, {err} of errors, {end}: {first}");
    (text, output.done)
}

pub(super) fn is_of_shell(operation: &str) -> bool {
    matches!(operation, "Create" | "Command" | "Send" | "Receive")
}

/// Of `StdRegProv`: other classes may be missing on a host whose WMI works.
pub(super) fn is_of_registry(operation: &str) -> bool {
    let keys = ["EnumKey", "EnumValues", "CreateKey", "DeleteKey"];
    keys.contains(&operation) || operation.ends_with("Value")
}

/// The words that the client uses for its operations; another's trace may hold any.
pub(super) fn named(operation: &str) -> &'static str {
    const NAMES: [&str; 27] = [
        "connect",
        "log on",
        "Identify",
        "Create",
        "Command",
        "Send",
        "Receive",
        "Enumerate",
        "Pull",
        "Get",
        "EnumKey",
        "EnumValues",
        "GetStringValue",
        "GetExpandedStringValue",
        "GetMultiStringValue",
        "GetBinaryValue",
        "GetDWORDValue",
        "GetQWORDValue",
        "SetStringValue",
        "SetExpandedStringValue",
        "SetMultiStringValue",
        "SetBinaryValue",
        "SetDWORDValue",
        "SetQWORDValue",
        "CreateKey",
        "DeleteKey",
        "DeleteValue",
    ];
    let known = NAMES.iter().find(|known| **known == operation);
    known.copied().unwrap_or("operation")
}
