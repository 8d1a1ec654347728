//! Walks through a command line: chains, groups, pipes, redirections, and `cmd /c` inside.

use std::future::Future;
use std::pin::Pin;

use super::line::{self, Chain, Link, Piece, Redirect, Simple};
use super::{Context, LONGEST, programs, texts, web};
use crate::shell::Stream;

/// What a program said and how it ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) out: String,
    pub(super) err: String,
    pub(super) code: u32,
    /// `exit`: the rest of the line is not run.
    pub(super) exit: bool,
}

impl Ended {
    pub(super) fn out(text: impl Into<String>) -> Self {
        Self {
            out: text.into(),
            ..Self::default()
        }
    }

    pub(super) fn failed(code: u32, text: impl Into<String>) -> Self {
        Self {
            err: text.into(),
            code,
            ..Self::default()
        }
    }
}

type Later<'a> = Pin<Box<dyn Future<Output = Ended> + Send + 'a>>;

/// Runs a whole line and gives its exit code. Output goes out as it comes.
pub(super) async fn text(context: &mut Context, text: &str) -> u32 {
    let ended = processed(context, text, None).await;
    context.say(Stream::Out, &ended.out);
    context.say(Stream::Err, &ended.err);
    ended.code
}

/// Runs a line through the command processor.
fn processed<'a>(context: &'a mut Context, text: &'a str, input: Option<String>) -> Later<'a> {
    Box::pin(async move {
        let expanded = line::expand(text, |name| context.variable(name));
        if expanded.encode_utf16().count() > LONGEST {
            return Ended::failed(1, texts::too_long(context.host.options.language));
        }
        if expanded.trim().is_empty() {
            return Ended::default();
        }
        match line::parse(&expanded) {
            Some(chain) if chain.len() > 1 && !context.host.options.chains => {
                Ended::failed(1, texts::syntax(context.host.options.language))
            }
            Some(chain) => run_chain(context, chain, input).await,
            None => Ended::failed(255, texts::syntax(context.host.options.language)),
        }
    })
}

fn run_chain<'a>(context: &'a mut Context, chain: Chain, input: Option<String>) -> Later<'a> {
    Box::pin(async move {
        let mut all = Ended::default();
        for (link, pieces) in chain {
            let go = match link {
                Link::Always => true,
                Link::IfDone => all.code == 0,
                Link::IfFailed => all.code != 0,
            };
            if !go {
                continue;
            }
            let ended = run_pipe(context, pieces, input.clone()).await;
            all.out += &ended.out;
            all.err += &ended.err;
            all.code = ended.code;
            if ended.exit {
                all.exit = true;
                break;
            }
        }
        all
    })
}

async fn run_pipe(context: &mut Context, pieces: Vec<Piece>, input: Option<String>) -> Ended {
    let mut carried = input;
    let mut errors = String::new();
    let mut last = Ended::default();
    for piece in pieces {
        last = run_piece(context, piece, carried.take()).await;
        errors += &std::mem::take(&mut last.err);
        carried = Some(last.out.clone());
    }
    last.err = errors;
    last
}

async fn run_piece(context: &mut Context, piece: Piece, mut input: Option<String>) -> Ended {
    for redirect in &piece.redirects {
        if let Redirect::InFrom(name) = redirect {
            match read_file(context, name) {
                Some(text) => input = Some(text),
                None => return Ended::failed(1, texts::no_file(context.host.options.language)),
            }
        }
    }
    let mut ended = match piece.what {
        Simple::Group(chain) => run_chain(context, chain, input).await,
        Simple::Words(words) => run_words(context, words.trim_start(), input).await,
    };
    // From left to right as cmd does; `2>&1` takes along where stdout points at that moment.
    let mut out_to: Option<(String, bool)> = None;
    let mut err_to: Option<Option<(String, bool)>> = None;
    for redirect in piece.redirects {
        match redirect {
            Redirect::OutTo(name, append) => out_to = Some((name, append)),
            Redirect::ErrTo(name, append) => err_to = Some(Some((name, append))),
            Redirect::ErrToOut => err_to = Some(out_to.clone()),
            Redirect::OutToErr => ended.err += &std::mem::take(&mut ended.out),
            Redirect::InFrom(_) => {}
        }
    }
    match err_to {
        Some(Some((name, append))) => {
            write_file(context, &name, append, &std::mem::take(&mut ended.err))
        }
        Some(None) => ended.out += &std::mem::take(&mut ended.err),
        None => {}
    }
    if let Some((name, append)) = out_to {
        write_file(context, &name, append, &std::mem::take(&mut ended.out));
    }
    ended
}

/// A file a command wrote, or the empty device.
pub(super) fn read_file(context: &Context, name: &str) -> Option<String> {
    if name.eq_ignore_ascii_case("nul") {
        return Some(String::new());
    }
    let state = context.host.state();
    state
        .files
        .get(&name.to_lowercase())
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn write_file(context: &Context, name: &str, append: bool, text: &str) {
    if name.eq_ignore_ascii_case("nul") {
        return;
    }
    let mut state = context.host.state();
    let file = state.files.entry(name.to_lowercase()).or_default();
    if !append {
        file.clear();
    }
    file.extend(text.bytes());
}

async fn run_words(context: &mut Context, words: &str, input: Option<String>) -> Ended {
    let (program, rest) = program_of(words);
    if program == "cmd" {
        return match inner_line(rest) {
            Some(inner) => {
                let mut ended = processed(context, &inner, input).await;
                ended.exit = false;
                ended
            }
            None => Ended::default(),
        };
    }
    if program == "powershell"
        && let Some(line) = web::bare_program(rest)
    {
        let mut ended = processed(context, &line, input).await;
        ended.exit = false;
        return ended;
    }
    if let Some(pause) = programs::pause(&program, words) {
        tokio::time::sleep(pause).await;
        return Ended::default();
    }
    if let Some(ended) = web::run(context, &program, words).await {
        return ended;
    }
    let input = match input {
        None if programs::reads_input(&program) => {
            Some(String::from_utf8_lossy(&context.command.input().await).into_owned())
        }
        other => other,
    };
    programs::run(context, &program, words, rest, input.unwrap_or_default())
}

/// The program's bare name in small letters, and the rest of the line.
fn program_of(words: &str) -> (String, &str) {
    let (name, rest) = match words
        .strip_prefix('"')
        .and_then(|inner| inner.split_once('"'))
    {
        Some((name, rest)) => (name, rest),
        None => {
            let end = words
                .find([' ', '\t', '/', '"', '=', ';', ','])
                .unwrap_or(words.len());
            words.split_at(end)
        }
    };
    let bare = name
        .rsplit('\\')
        .next()
        .unwrap_or(name)
        .to_ascii_lowercase();
    (
        bare.strip_suffix(".exe")
            .or(bare.strip_suffix(".com"))
            .unwrap_or(&bare)
            .to_string(),
        rest,
    )
}

/// The line behind `/c`, its outer quotes removed by cmd's rule.
fn inner_line(rest: &str) -> Option<String> {
    let mut rest = rest.trim_start();
    let mut always = false;
    loop {
        let switch: String = rest
            .chars()
            .take(2)
            .collect::<String>()
            .to_ascii_lowercase();
        match switch.as_str() {
            "/c" | "/k" => break,
            "/s" => always = true,
            _ if switch.starts_with('/') => {}
            _ => return None,
        }
        let skip = if always && switch == "/s" {
            2
        } else {
            rest.find(' ').unwrap_or(rest.len())
        };
        rest = rest[skip..].trim_start();
    }
    let line = rest[2..].trim_start();
    let quotes = line.matches('"').count();
    let one_program = quotes == 2
        && line.ends_with('"')
        && !line.contains(['&', '<', '>', '(', ')', '@', '^', '|'])
        && line.contains(".exe");
    if line.starts_with('"') && quotes > 1 && (always || !one_program) {
        let last = line.rfind('"').unwrap_or(line.len());
        return Some(format!("{}{}", &line[1..last], &line[last + 1..]));
    }
    Some(line.into())
}
