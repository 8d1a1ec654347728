//! `ping`: can each host be reached, logged on to and read? Read-only by its type: it gets a [`Survey`], no fleet.
//!
//! What the checks are and which of them a failure belongs to: `checks.rs`.

#[cfg(test)]
pub(crate) use checks::described;

mod checks;
mod replay;

use std::sync::Arc;
use std::time::Duration;

use checks::State;
use inventory::{Credential, Host, HostName};
use report::table::Table;
use rollout::{Cost, HostError, HostIdentity, Observe, Reason, Severity, Survey};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::args::{Global, Output, Ping};
use crate::drive;
use crate::failure::{Failure, Outcome, Sent};
use crate::interrupt::Interrupts;
use crate::selection::Limit;
use crate::{exit_code, files, look, out, trace};

/// What to do about a host that answers, and is not done in time.
const SLOW: &str = "the host or the way to it is slow: try again later, or raise host_timeout";
/// What to do about a shell that does not come to its end.
const HELD_UP: &str = "the registry was read, but cmd.exe or reg.exe is held up on the host: look for what keeps programs from running there \
     (antivirus, application control), or raise host_timeout";

/// What is known of one host in the end.
struct Answer {
    name: String,
    road: checks::Road,
    found: Found,
    /// What does not work, though the host may be read.
    partly: Option<HostError>,
    /// In a replay: each message and what was made of it.
    understood: Vec<replay::Understood>,
}

/// What became of it.
enum Found {
    /// It may be read.
    Read(HostIdentity, Cost),
    /// Something stands in the way.
    Failed(HostError),
    /// The registry was read, and a command in a shell stands still or loses the contact.
    ShellFailed(HostError),
    /// The trace does not tell.
    Unknown(replay::Open),
}

impl Answer {
    fn checks(&self) -> impl Iterator<Item = (checks::Check, State)> {
        let reached = match &self.found {
            Found::Read(..) => checks::Reached::All,
            Found::Failed(error) => checks::Reached::Failed(error.reason),
            Found::ShellFailed(_) => checks::Reached::ShellFailed,
            Found::Unknown(open) => checks::Reached::Unknown(open.passed),
        };
        let partly = self.partly.is_some();
        checks::of(self.road, reached).map(move |(check, state)| match (check, state) {
            (checks::Check::Rights, State::Ok) if partly => (check, State::Partly),
            passed => passed,
        })
    }

    fn error(&self) -> Option<&HostError> {
        match &self.found {
            Found::Failed(error) | Found::ShellFailed(error) => Some(error),
            Found::Read(..) | Found::Unknown(_) => None,
        }
    }
}

/// Reads every selected host once.
pub(crate) fn run(global: &Global, ping: &Ping) -> Outcome {
    if let Some(file) = &ping.replay {
        let (lines, end) = trace::read(file)?;
        if let Some(text) = replay::ended(end) {
            out::note(&format!("warning: {}: {text}", file.display()));
        }
        let answers = replay::judge(lines, end);
        if answers.is_empty() {
            return Err(Failure::new(format!(
                "{}: no host is in this trace",
                file.display()
            )));
        }
        out::result(&rendered(global, &answers))?;
        return Ok(code(&answers));
    }
    let inventory = files::inventory(global)?;
    let limit = Limit::parse(global, &inventory)?;
    let credential = |host: &Host| -> Option<&Credential> {
        inventory
            .credentials
            .get(host.settings.credential.value.as_deref()?)
    };
    let candidates = limit.candidates();
    if let Some(host) = candidates.iter().find(|host| credential(host).is_none()) {
        return Err(
            Failure::new(format!("no credential is set for {}", host.name))
                .hint("set 'credential' in the defaults of the inventory, a group or the host"),
        );
    }
    let selected = limit.settle(global)?;
    let hosts = &selected.hosts;
    let pairs: Vec<_> = hosts.iter().map(|host| (*host, credential(host))).collect();
    let answered = look::survey(global, &pairs)
        .and_then(|survey| answer(global, survey, hosts, ping.max_parallel as usize));
    selected.unread.told(answered)
}

/// Logs on to one host with one credential, once.
pub(super) fn one(global: &Global, host: &Host, credential: &Credential) -> Outcome {
    let mut host = host.clone();
    host.settings.credential.value = Some(credential.name.clone());
    let survey = look::one(global, &host, credential)?;
    answer(global, survey, &[&host], 1)
}

fn answer(global: &Global, survey: impl Survey, hosts: &[&Host], parallel: usize) -> Outcome {
    let asked = hosts.iter().map(|host| {
        let patience = host.settings.host_timeout.value;
        (host.name.clone(), patience)
    });
    let asked: Vec<_> = asked.collect();
    let runtime = drive::runtime()?;
    let mut interrupts = Interrupts::listen();
    let results = runtime.block_on(async {
        let results = tokio::select! {
            results = ask(Arc::new(survey), asked, parallel) => Some(results),
            // Dropping the survey closes every connection.
            () = interrupts.stop() => None,
        };
        wsman::cleanup_finished(look::CLEANUP).await;
        results
    });
    let Some(results) = results else {
        out::note("interrupted: hosts were read, nothing was written to any of them");
        return Ok(exit_code::INTERRUPTED);
    };
    let answers: Vec<Answer> = hosts
        .iter()
        .zip(results)
        .map(|(host, (found, partly))| Answer {
            name: host.name.to_string(),
            road: checks::Road::of(&host.settings),
            found,
            partly,
            understood: Vec::new(),
        })
        .collect();
    for answer in &answers {
        trace::verdict(&answer.name, answer.error(), answer.partly.as_ref());
    }
    let told = out::result(&rendered(global, &answers));
    told.map_err(|failure| failure.sent(Sent::OnlyRead))?;
    Ok(code(&answers))
}

/// In the order of the names. No host is asked for longer than its `host_timeout`.
async fn ask<S: Survey>(
    survey: Arc<S>,
    hosts: Vec<(HostName, Duration)>,
    parallel: usize,
) -> Vec<(Found, Option<HostError>)> {
    let permits = Arc::new(Semaphore::new(parallel));
    let mut tasks = JoinSet::new();
    for (index, (name, patience)) in hosts.into_iter().enumerate() {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            break;
        };
        let survey = Arc::clone(&survey);
        tasks.spawn(async move {
            let answer = one_host(&*survey, &name, patience).await;
            drop(permit);
            (index, answer)
        });
    }
    let mut results = tasks.join_all().await;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// What became of one host, and what it does without.
async fn one_host<S: Survey>(
    survey: &S,
    name: &HostName,
    patience: Duration,
) -> (Found, Option<HostError>) {
    let deadline = Instant::now() + patience;
    let late = |what: &str, remedy: &str| {
        let detail = format!("{what} took longer than host_timeout ({patience:?})");
        HostError::unreachable(Reason::Timeout, detail).with_remedy(remedy)
    };
    let opened = timeout_at(deadline, survey.observe(name)).await;
    let opened = opened.unwrap_or_else(|_| Err(late("reading the host", SLOW)));
    let mut observer = match opened {
        Ok(observer) => observer,
        Err(error) => return (Found::Failed(error), None),
    };
    let identity = observer.identity().clone();
    let partly = observer.partly();
    let tried = timeout_at(deadline, observer.try_shell()).await;
    let tried = tried.unwrap_or_else(|_| Err(late("a command in a shell", HELD_UP)));
    let cost = observer.close().await;
    match tried {
        Ok(()) => (Found::Read(identity, cost), partly),
        // What the registry alone needs works all the same. A quota that is used up stands in the way of that as well.
        Err(error) if error.severity == Severity::Failed && error.reason != Reason::Quota => {
            (Found::Read(identity, cost), partly.or(Some(error)))
        }
        Err(error) => (Found::ShellFailed(error), None),
    }
}

fn code(answers: &[Answer]) -> u8 {
    let any = |severity: Severity| {
        let mut errors = answers.iter().filter_map(Answer::error);
        errors.any(|error| error.severity == severity)
    };
    let unknown = |answer: &Answer| matches!(answer.found, Found::Unknown(_));
    // It is not the host that is at fault, but the file.
    let otherwise = match answers.iter().any(unknown) {
        true => exit_code::ERROR,
        false => exit_code::DONE,
    };
    look::code(any, otherwise)
}

fn rendered(global: &Global, answers: &[Answer]) -> String {
    match global.output {
        Output::Table => table(answers),
        Output::Json => {
            let hosts: Vec<Value> = answers.iter().map(value).collect();
            report::json::pretty(&json!({ "schema": 1, "hosts": hosts }))
        }
        Output::Jsonl => answers
            .iter()
            .map(|answer| report::json::line(&value(answer)))
            .collect(),
        Output::Csv => csv(answers),
    }
}

/// Columns for the checks that can differ from host to host; the failure and its remedy below the table.
fn table(answers: &[Answer]) -> String {
    let shown = checks::Check::ALL.map(|check| check.as_str().to_uppercase());
    let head = ["HOST"].into_iter().chain(shown.iter().map(String::as_str));
    let mut table = Table::new(head.chain(["AUTH", "COMPUTER"]));
    let mut causes: Vec<(String, Vec<&str>)> = Vec::new();
    for answer in answers {
        let name = answer.name.as_str();
        let states = answer.checks().map(|(_, state)| mark(state).to_owned());
        let mut cells = vec![name.to_owned()];
        cells.extend(states);
        let text = match &answer.found {
            Found::Read(identity, _) => {
                cells.extend([
                    identity.auth.clone(),
                    identity.computer_name.clone().unwrap_or_default(),
                ]);
                answer.partly.as_ref().map(explained)
            }
            Found::Failed(error) | Found::ShellFailed(error) => Some(explained(error)),
            Found::Unknown(open) => Some(format!(
                "unknown: {}\n  remedy: {}",
                open.why,
                replay::REMEDY
            )),
        };
        if let Some(text) = text {
            match causes.iter_mut().find(|(known, _)| *known == text) {
                Some((_, hosts)) => hosts.push(name),
                None => causes.push((text, vec![name])),
            }
        }
        table.row(cells);
    }
    let good = answers
        .iter()
        .filter(|answer| matches!(answer.found, Found::Read(..)))
        .count();
    let mut text = messages(answers);
    text.push_str(&table.render());
    for (cause, hosts) in causes {
        let hosts = report::text::examples(hosts, 3);
        text.push_str(&format!("\n{hosts}: {cause}\n"));
    }
    text.push_str(&format!(
        "{good} of {} answered and may be read\n",
        answers.len()
    ));
    text
}

/// Of a replay: each message of the hosts and what it says.
fn messages(answers: &[Answer]) -> String {
    let replayed = answers
        .iter()
        .filter(|answer| !answer.understood.is_empty());
    let mut table = Table::new(["HOST", "MS", "ASKED", "ANSWERED"]);
    let mut any = false;
    for answer in replayed {
        for message in &answer.understood {
            any = true;
            table.row(vec![
                answer.name.clone(),
                message.at_ms.to_string(),
                message.operation.clone(),
                report::text::neutral(&message.text).into_owned(),
            ]);
        }
    }
    if any {
        table.render() + "\n"
    } else {
        String::new()
    }
}

fn mark(state: State) -> &'static str {
    match state {
        State::Ok => "ok",
        State::Failed => "FAILED",
        State::Partly => "PARTLY",
        State::NotReached => "?",
        State::NotUsed => "-",
    }
}

fn explained(error: &HostError) -> String {
    let mut text = format!("{}: {}", error.reason, report::text::neutral(&error.detail));
    if let Some(remedy) = &error.remedy {
        text.push_str(&format!("\n  remedy: {}", report::text::neutral(remedy)));
    }
    text
}

fn csv(answers: &[Answer]) -> String {
    let checks = checks::Check::ALL.map(checks::Check::as_str);
    let head = [
        &["host", "result"][..],
        &checks,
        &["auth", "computer_name", "detail", "remedy"],
    ]
    .concat();
    let rows = answers.iter().map(|answer| {
        let states = answer.checks().map(|(_, state)| word(state));
        let partly = |said: fn(&HostError) -> Option<String>| {
            answer.partly.as_ref().and_then(said).unwrap_or_default()
        };
        let (result, rest) = match &answer.found {
            Found::Read(identity, _) => (
                "ok".to_owned(),
                [
                    identity.auth.clone(),
                    identity.computer_name.clone().unwrap_or_default(),
                    partly(|error| Some(error.detail.clone())),
                    partly(|error| error.remedy.clone()),
                ],
            ),
            Found::Unknown(open) => (
                "unknown".to_owned(),
                [
                    String::new(),
                    String::new(),
                    open.why.clone(),
                    replay::REMEDY.to_owned(),
                ],
            ),
            Found::Failed(error) | Found::ShellFailed(error) => (
                error.reason.to_string(),
                [
                    String::new(),
                    String::new(),
                    error.detail.clone(),
                    error.remedy.clone().unwrap_or_default(),
                ],
            ),
        };
        let first = [answer.name.clone(), result];
        first.into_iter().chain(states).chain(rest).collect()
    });
    report::csv::document(&head, rows)
}

fn word(state: State) -> String {
    crate::settings::word(&state)
}

fn value(answer: &Answer) -> Value {
    let checks: Map<String, Value> = answer
        .checks()
        .map(|(check, state)| (check.as_str().to_owned(), json!(state)))
        .collect();
    let name = &answer.name;
    let mut value = match &answer.found {
        Found::Read(identity, cost) => json!({
            "name": name, "ok": true, "checks": checks, "auth": identity.auth,
            "computer_name": identity.computer_name, "requests": cost.requests,
        }),
        Found::Unknown(open) => json!({
            "name": name, "ok": false, "checks": checks, "severity": null,
            "reason": null, "detail": open.why, "remedy": replay::REMEDY,
        }),
        Found::Failed(error) | Found::ShellFailed(error) => json!({
            "name": name, "ok": false, "checks": checks, "severity": error.severity,
            "reason": error.reason, "detail": error.detail, "remedy": error.remedy,
        }),
    };
    if let Some(error) = &answer.partly {
        value["partly"] = json!({
            "reason": error.reason, "detail": error.detail, "remedy": error.remedy,
        });
    }
    if !answer.understood.is_empty() {
        value["messages"] = json!(answer.understood);
    }
    value
}
