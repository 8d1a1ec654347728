//! The script of a task that runs as LocalSystem: one program, what it says, and the registry value that is left.
//!
//! Like the rest of PowerShell here: exactly the script that is sent is understood, anything else does nothing.

use std::sync::Arc;

use super::{Context, web};
use crate::host::Host;
use crate::registry::{KeyPath, RawValue};
use crate::shell::Command;

/// Who runs it.
const SYSTEM: &str = r"NT AUTHORITY\SYSTEM";

/// Runs the program of a task to its end.
pub(crate) async fn run_task(host: &Arc<Host>, command: &str, arguments: &str) {
    let context = Context {
        host: Arc::clone(host),
        user: SYSTEM.to_owned(),
        environment: Vec::new(),
        directory: None,
        codepage: 65001,
        command: Arc::new(Command::new(String::new(), false)),
    };
    let left = match script(command, arguments) {
        Some(script) => left(&context, &script).await,
        None => None,
    };
    let (target, result) = match &left {
        Some((target, text)) => (target.as_str(), text.as_str()),
        None => ("", "the script is not understood"),
    };
    host.record(SYSTEM, "task", target, result, true);
}

/// The text behind `-Command`.
fn script(command: &str, arguments: &str) -> Option<String> {
    if !command.eq_ignore_ascii_case("powershell.exe") {
        return None;
    }
    let script = arguments.strip_prefix("-NoProfile -NonInteractive -Command \"")?;
    let script = script.strip_suffix('"')?;
    // A quote would end the text, and a task fills in what stands behind `$(`.
    (!script.contains('"') && !script.contains("$(")).then(|| script.to_owned())
}

/// Runs the block and writes the value; gives where, and what.
async fn left(context: &Context, script: &str) -> Option<(String, String)> {
    let rest = script.strip_prefix(r"$k='HKLM:\")?;
    let (key, rest) = rest.split_once("';$o=(& ")?;
    let tail = "|Out-String);$e=$LASTEXITCODE;if(-not(Test-Path $k)){$null=New-Item $k};Set-ItemProperty -Path $k -Name '";
    let (block, rest) = rest.split_once(tail)?;
    let name = rest.strip_suffix("' -Value ([string]$e+'|'+$o)")?;
    let (code, said) = match block.strip_prefix('{') {
        Some(inner) => {
            let words = format!("powershell.exe -Command \"{}\"", inner.strip_suffix('}')?);
            let ended = web::run(context, "powershell", &words).await?;
            (String::new(), ended.out)
        }
        None if block.ends_with(r"\MpCmdRun.exe' '-ValidateMapsConnection'")
            || block
                == r"($env:ProgramFiles+'\Windows Defender\MpCmdRun.exe') '-ValidateMapsConnection'" =>
        {
            let ended = web::run(context, "mpcmdrun", block).await?;
            (ended.code.to_string(), ended.out)
        }
        None => {
            let words = words(block)?;
            let ended = web::run(context, "curl", &words).await;
            match ended {
                // Both streams in one, as it was asked for.
                Some(ended) => (
                    ended.code.to_string(),
                    format!("{}{}\r\n", ended.err, ended.out),
                ),
                None => (String::new(), String::new()),
            }
        }
    };
    let text = format!("{code}|{said}");
    let path = KeyPath::parse(key);
    context.host.state().registry.create(&path);
    context.host.write_value(&path, name, RawValue::sz(&text));
    Some((format!("{key}: {name}"), text))
}

/// A line of cmd out of PowerShell's single-quoted words.
fn words(block: &str) -> Option<String> {
    let rest = block.strip_prefix("curl.exe '--stderr' '-' ")?;
    let mut out = "curl.exe".to_owned();
    let mut rest = rest;
    loop {
        let inner = rest.strip_prefix('\'')?;
        let mut word = String::new();
        let mut chars = inner.char_indices().peekable();
        let end = loop {
            let (at, c) = chars.next()?;
            if c != '\'' {
                word.push(c);
            } else if chars.peek().is_some_and(|(_, next)| *next == '\'') {
                chars.next();
                word.push('\'');
            } else {
                break at + 1;
            }
        };
        out.push_str(&format!(" \"{word}\""));
        rest = &inner[end..];
        if rest.is_empty() {
            return Some(out);
        }
        rest = rest.strip_prefix(' ')?;
    }
}
