//! Built-in commands and small programs.

use std::time::Duration;

use super::line::arguments;
use super::run::Ended;
use super::{Context, netsh, reg, run, texts};
use crate::shell::{oem, past_the_console};

/// How long a program sleeps, where that is all it does: `ping -n`, `timeout /t`, `waitfor`.
pub(super) fn pause(program: &str, words: &str) -> Option<Duration> {
    let args = arguments(words);
    let behind = |name: &str| {
        let at = args.iter().position(|arg| arg.eq_ignore_ascii_case(name))?;
        args.get(at + 1)?.parse::<u64>().ok()
    };
    match program {
        "ping" => Some(Duration::from_secs(
            behind("-n").unwrap_or(4).saturating_sub(1),
        )),
        "timeout" => behind("/t")
            .or_else(|| args.get(1)?.parse().ok())
            .map(Duration::from_secs),
        "waitfor" => Some(Duration::from_secs(behind("/t").unwrap_or(86_400))),
        _ => None,
    }
}

/// True for filters, which wait for the end of their input.
pub(super) fn reads_input(program: &str) -> bool {
    matches!(program, "findstr" | "find" | "sort" | "more")
}

/// Runs a program that needs no waiting any more.
pub(super) fn run(
    context: &mut Context,
    program: &str,
    words: &str,
    rest: &str,
    input: String,
) -> Ended {
    let language = context.host.options.language;
    let args = arguments(words);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match program {
        "reg" => reg::run(context, &args[1..]),
        "schtasks" => schtasks(context, &args[1..]),
        "netsh" => netsh::run(context, &args[1..], words),
        "hostname" => Ended::out(format!(
            "{}\r\n",
            context.host.identity().computer_name.to_lowercase()
        )),
        "whoami" => Ended::out(format!("{}\r\n", context.user.to_lowercase())),
        "ver" => Ended::out(format!(
            "\r\nMicrosoft Windows [Version 10.0.{}.{}]\r\n",
            context.host.options.os.build, context.host.options.os.ubr
        )),
        "cd" => Ended::out(format!(
            "{}\r\n",
            context
                .directory
                .as_deref()
                .unwrap_or(r"C:\Windows\System32")
        )),
        // Both write the OEM code page whatever the console says (reference 10.1).
        "net" | "net1" => Ended::out(past_the_console(texts::net_done(language))),
        "chcp" if args.len() < 2 => {
            let number = match context.codepage {
                0 => oem(language),
                number => number,
            };
            let heading = past_the_console(texts::codepage(language));
            Ended::out(format!("{heading}{number}\r\n"))
        }
        "rem" | "title" | "chcp" | "cls" | "setlocal" | "endlocal" => Ended::default(),
        "exit" => exit(rest),
        "set" => set(context, rest),
        "type" => match run::read_file(context, args.get(1).copied().unwrap_or_default()) {
            Some(text) => Ended::out(text),
            None => Ended::failed(1, texts::no_file(language)),
        },
        "del" | "erase" => {
            let name = args
                .iter()
                .skip(1)
                .find(|arg| !arg.starts_with('/'))
                .copied()
                .unwrap_or_default();
            context.host.state().files.remove(&name.to_lowercase());
            Ended::default()
        }
        "sort" => {
            let mut lines: Vec<&str> = input.lines().collect();
            lines.sort_by_key(|line| line.to_lowercase());
            Ended::out(
                lines
                    .iter()
                    .map(|line| format!("{line}\r\n"))
                    .collect::<String>(),
            )
        }
        "more" => Ended::out(input),
        "findstr" | "find" => find(&args[1..], &input),
        _ if program == "echo" || program.starts_with("echo.") || program.starts_with("echo(") => {
            echo(words)
        }
        _ => {
            let name = words
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .trim_matches('"');
            // cmd /c gives 1 here; 9009 is what a batch file sees.
            Ended::failed(1, texts::no_program(language, name))
        }
    }
}

/// `schtasks /Delete /TN \\NAME /F`, the one form that is used.
fn schtasks(context: &Context, args: &[&str]) -> Ended {
    let wrong = || Ended::failed(1, "ERROR: Invalid syntax.\r\n");
    let [delete, tn, name, force] = args else {
        return wrong();
    };
    let same = |word: &str, known: &str| word.eq_ignore_ascii_case(known);
    if !same(delete, "/delete") || !same(tn, "/tn") || !same(force, "/f") {
        return wrong();
    }
    let name = name.trim_start_matches('\\');
    if context.host.delete_task(name) {
        context
            .host
            .record(&context.user, "schtasks /Delete", name, "0", true);
        return Ended::out(format!(
            "SUCCESS: The scheduled task \"{name}\" was successfully deleted.\r\n"
        ));
    }
    Ended::failed(1, "ERROR: The system cannot find the file specified.\r\n")
}

fn exit(rest: &str) -> Ended {
    let code = rest
        .split_whitespace()
        .find_map(|word| word.parse::<i64>().ok())
        .unwrap_or(0);
    Ended {
        code: code as u32,
        exit: true,
        ..Ended::default()
    }
}

fn echo(words: &str) -> Ended {
    let text = &words[4..];
    let text = text
        .strip_prefix([' ', '.', '(', '\t', ':', ',', ';', '='])
        .unwrap_or(text);
    Ended::out(format!("{text}\r\n"))
}

fn set(context: &mut Context, rest: &str) -> Ended {
    let text = rest.trim().trim_matches('"');
    if let Some((name, value)) = text.split_once('=') {
        context
            .environment
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            context.environment.push((name.into(), value.into()));
        }
        return Ended::default();
    }
    let mut all = context.host.environment();
    all.extend(context.environment.iter().cloned());
    all.sort_by_key(|(name, _)| name.to_lowercase());
    let wanted = text.to_lowercase();
    let lines = all
        .iter()
        .filter(|(name, _)| name.to_lowercase().starts_with(&wanted));
    let out: String = lines
        .map(|(name, value)| format!("{name}={value}\r\n"))
        .collect();
    if out.is_empty() {
        Ended::failed(1, format!("Environment variable {text} not defined\r\n"))
    } else {
        Ended::out(out)
    }
}

fn find(args: &[&str], input: &str) -> Ended {
    let switch = |name: &str| args.iter().any(|arg| arg.eq_ignore_ascii_case(name));
    let wanted = args
        .iter()
        .find(|arg| !arg.starts_with('/'))
        .copied()
        .unwrap_or_default();
    let fold = |text: &str| {
        if switch("/i") {
            text.to_lowercase()
        } else {
            text.to_string()
        }
    };
    // `^` alone matches every line, which is the usual way to pass a text through.
    let hit = |line: &&str| (wanted == "^" || fold(line).contains(&fold(wanted))) != switch("/v");
    let out: String = input
        .lines()
        .filter(hit)
        .map(|line| format!("{line}\r\n"))
        .collect();
    let code = u32::from(out.is_empty());
    Ended {
        out,
        code,
        ..Ended::default()
    }
}
