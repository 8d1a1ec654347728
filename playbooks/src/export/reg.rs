//! `.reg` files of version 5.00: UTF-16LE with a byte order mark, CRLF, comments before each step.

use std::fmt::Write as _;

use super::{Export, ExportValue};
use crate::registry::{RawValue, Typed};

/// Bytes of hexadecimal data on one line, as the registry editor breaks them.
const BYTES_PER_LINE: usize = 24;

/// The bytes of the file. `header` is written as comments on top, one line each.
pub fn reg_file(export: &Export, header: &[String]) -> Vec<u8> {
    let text = text(export, header);
    let crlf = text.replace('\n', "\r\n");
    [0xff, 0xfe]
        .into_iter()
        .chain(crlf.encode_utf16().flat_map(u16::to_le_bytes))
        .collect()
}

fn text(export: &Export, header: &[String]) -> String {
    let mut out = "Windows Registry Editor Version 5.00\n\n".to_owned();
    for line in header {
        comment(&mut out, line);
    }
    for (step, why) in &export.left_out {
        comment(
            &mut out,
            &format!("Not in this file: step '{step}' ({why})"),
        );
    }
    let (mut step, mut key) = (None, None);
    for value in &export.values {
        if step != Some(&value.step) {
            out.push('\n');
            comment(&mut out, &format!("Step: {}", value.step));
            (step, key) = (Some(&value.step), None);
        }
        if let Some(lost) = &value.lowers_security {
            comment(&mut out, &format!("LOWERS SECURITY: {lost}"));
        }
        if key != Some(&value.change.target.key) {
            let _ = writeln!(
                out,
                "[HKEY_LOCAL_MACHINE\\{}]",
                value.change.target.key.as_str()
            );
            key = Some(&value.change.target.key);
        }
        let _ = writeln!(out, "{}={}", name(value), data(value.data.as_ref()));
    }
    out
}

/// Text of the playbook must not end its comment.
fn comment(out: &mut String, line: &str) {
    let line: String = line
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .collect();
    let _ = writeln!(out, "; {line}");
}

fn name(value: &ExportValue) -> String {
    match value.change.target.value.as_str() {
        "" => "@".to_owned(),
        name => quoted(name),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

fn data(value: Option<&RawValue>) -> String {
    let Some(value) = value else {
        return "-".to_owned();
    };
    match value.to_typed() {
        Some(Typed::Dword(number)) => format!("dword:{number:08x}"),
        Some(Typed::Sz(text)) if !text.chars().any(char::is_control) => quoted(&text),
        Some(Typed::Binary(bytes)) => hexadecimal("hex:", &bytes),
        _ => hexadecimal(&format!("hex({:x}):", value.kind), &value.bytes),
    }
}

fn hexadecimal(prefix: &str, bytes: &[u8]) -> String {
    let lines: Vec<String> = bytes
        .chunks(BYTES_PER_LINE)
        .map(|line| {
            let bytes: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            bytes.join(",")
        })
        .collect();
    format!("{prefix}{}", lines.join(",\\\n  "))
}
