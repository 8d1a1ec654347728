//! `ping`: can each host be reached, logged on to and read? Read-only by its type: it gets a [`Survey`], no fleet.

use std::sync::Arc;

use inventory::{Credential, Host, HostName};
use report::table::Table;
use rollout::{Cost, HostError, HostIdentity, Observe, Severity, Survey};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::args::{Global, Output, Ping};
use crate::drive;
use crate::failure::{Failure, Outcome};
use crate::{exit_code, files, look, out};

struct Answer {
    name: HostName,
    result: Result<(HostIdentity, Cost), HostError>,
}

/// Reads every selected host once.
pub(crate) fn run(global: &Global, ping: &Ping) -> Outcome {
    let inventory = files::inventory(global)?;
    let hosts = files::select(&inventory, global.limit.as_deref())?;
    let credential = |host: &Host| -> Option<&Credential> {
        inventory
            .credentials
            .get(host.settings.credential.value.as_deref()?)
    };
    if let Some(host) = hosts.iter().find(|host| credential(host).is_none()) {
        return Err(
            Failure::new(format!("no credential is set for {}", host.name))
                .hint("set 'credential' in the defaults of the inventory, a group or the host"),
        );
    }
    let pairs: Vec<_> = hosts.iter().map(|host| (*host, credential(host))).collect();
    let survey = look::survey(global, &pairs)?;
    let names: Vec<HostName> = hosts.iter().map(|host| host.name.clone()).collect();
    let runtime = drive::runtime()?;
    let answers = runtime.block_on(ask(Arc::new(survey), names, ping.max_parallel as usize));
    out::result(&rendered(global, &answers))?;
    Ok(code(&answers))
}

async fn ask<S: Survey>(survey: Arc<S>, names: Vec<HostName>, parallel: usize) -> Vec<Answer> {
    let permits = Arc::new(Semaphore::new(parallel));
    let mut tasks = JoinSet::new();
    for (index, name) in names.into_iter().enumerate() {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            break;
        };
        let survey = Arc::clone(&survey);
        tasks.spawn(async move {
            let result = match survey.observe(&name).await {
                Ok(observer) => {
                    let identity = observer.identity().clone();
                    Ok((identity, observer.close().await))
                }
                Err(error) => Err(error),
            };
            drop(permit);
            (index, Answer { name, result })
        });
    }
    let mut answers: Vec<(usize, Answer)> = tasks.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn code(answers: &[Answer]) -> u8 {
    let any = |wanted: &[Severity]| {
        answers.iter().any(|answer| {
            answer
                .result
                .as_ref()
                .is_err_and(|error| wanted.contains(&error.severity))
        })
    };
    if any(&[Severity::Guarded]) {
        exit_code::CREDENTIAL_GUARD
    } else if any(&[Severity::Failed, Severity::Lost]) {
        exit_code::HOSTS_FAILED
    } else if any(&[Severity::Unreachable]) {
        exit_code::HOSTS_UNREACHABLE
    } else {
        exit_code::DONE
    }
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
        Output::Csv => {
            let rows = answers.iter().map(|answer| {
                let cells = cells(answer);
                cells.to_vec()
            });
            report::csv::document(&["host", "result", "auth", "computer_name", "detail"], rows)
        }
    }
}

fn cells(answer: &Answer) -> [String; 5] {
    let name = answer.name.to_string();
    match &answer.result {
        Ok((identity, _)) => [
            name,
            "ok".to_owned(),
            identity.auth.clone(),
            identity.computer_name.clone().unwrap_or_default(),
            String::new(),
        ],
        Err(error) => {
            let remedy = error
                .remedy
                .as_ref()
                .map(|remedy| format!(" ({remedy})"))
                .unwrap_or_default();
            let detail = format!("{}{remedy}", error.detail);
            [
                name,
                error.reason.to_string(),
                String::new(),
                String::new(),
                detail,
            ]
        }
    }
}

fn table(answers: &[Answer]) -> String {
    let mut table = Table::new(["HOST", "RESULT", "AUTH", "COMPUTER", "DETAIL"]);
    for answer in answers {
        table.row(cells(answer));
    }
    let good = answers
        .iter()
        .filter(|answer| answer.result.is_ok())
        .count();
    format!(
        "{}{good} of {} answered and may be read\n",
        table.render(),
        answers.len()
    )
}

fn value(answer: &Answer) -> Value {
    match &answer.result {
        Ok((identity, cost)) => json!({
            "name": answer.name, "ok": true, "auth": identity.auth,
            "computer_name": identity.computer_name, "requests": cost.requests,
        }),
        Err(error) => json!({
            "name": answer.name, "ok": false, "severity": error.severity, "reason": error.reason,
            "detail": error.detail, "remedy": error.remedy,
        }),
    }
}
