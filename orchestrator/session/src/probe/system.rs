//! Programs of a probe as LocalSystem: a one-shot scheduled task runs them and leaves what they said in a registry value,
//! which is read and deleted.
//!
//! The task is registered by CIM (no process on the host), starts at a moment of the host's own clock in UTC, deletes
//! itself when it expires, and is deleted by `schtasks.exe` as soon as the probe is over. Only what Windows' own list of
//! tasks says counts as proof that it is gone. What the programs print is judged as ever.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use playbooks::registry::REG_SZ;
use playbooks::{Fact, FactSet, HostProbe, KeyPath, Target, Typed, Verdict};
use rollout::{Reason, SystemTask, TASK_TREE};
use tokio::time::Instant;
use wsman::CommandOutput;
use wsman_proto::task::{OneShot, definition};

use super::program::Program;
use crate::error::Trouble;
use crate::link::{Link, Road};
use crate::shell;

const NAMESPACE: &str = "root/Microsoft/Windows/TaskScheduler";
const CLASS: &str = "PS_ScheduledTask";
/// From the host's clock to the start: long enough for the registration to arrive.
const AHEAD: SignedDuration = SignedDuration::from_secs(3);
/// After so long the task is void, and deletes itself.
const LIFE: SignedDuration = SignedDuration::from_mins(15);
/// How long its result is waited for: its start, the program's own patience, and what PowerShell takes to start.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

impl Link {
    /// As [`Link::probe`], programs run by `task`. Not cancel safe: the task may stay.
    pub(crate) async fn probe_as_system(
        &mut self,
        probe: &HostProbe,
        since: Option<Timestamp>,
        task: &SystemTask,
    ) -> Result<Verdict, Trouble> {
        self.system = Some(task.clone());
        let verdict = self.probe(probe, since).await;
        self.system = None;
        verdict
    }

    /// Runs a program by the task; the inner error says why it cannot be asked.
    pub(super) async fn run_as_system(
        &mut self,
        task: &SystemTask,
        program: &Program,
    ) -> Result<Result<CommandOutput, String>, Trouble> {
        if !self.shell_allowed() {
            let why = "channel cim forbids the program that takes the task away again";
            return Ok(Err(why.to_owned()));
        }
        if self.road == Road::Shell {
            let why = "tasks are registered through WMI, which does not work here";
            return Ok(Err(why.to_owned()));
        }
        let arguments = match arguments(task, program) {
            Ok(arguments) => arguments,
            Err(why) => return Ok(Err(why)),
        };
        let Some(now) = self.clock().await? else {
            return Ok(Err("the host's clock could not be read".to_owned()));
        };
        let (Ok(start), Ok(end)) = (now.checked_add(AHEAD), now.checked_add(LIFE)) else {
            return Ok(Err(format!(
                "the host's clock says {now}: no task can be set by it"
            )));
        };
        let definition = definition(&OneShot {
            description: "Asks for the road through a proxy as LocalSystem; deletes itself.",
            start: &start.to_string(),
            end: &end.to_string(),
            command: "powershell.exe",
            arguments: &arguments,
        });
        let texts = |text: &str| vec![text.to_owned()];
        let parameters = [
            ("Force", texts("true")),
            ("TaskName", texts(&task.name)),
            ("TaskPath", texts("\\")),
            ("Xml", vec![definition]),
        ];
        let registered = self
            .client
            .call(NAMESPACE, CLASS, "RegisterByXml", &parameters)
            .await;
        if let Err(error) = registered {
            return Ok(Err(self.unread(Trouble::Wire(error))?));
        }
        let until = Instant::now() + PATIENCE;
        loop {
            tokio::time::sleep(PAUSE).await;
            let found = self.known(&[(task.result.clone(), REG_SZ)]).await?;
            if let Some(Some(Typed::Sz(text))) = found.into_iter().next() {
                self.remove(&task.result).await?;
                return Ok(read(&text));
            }
            if Instant::now() >= until {
                let why =
                    "the task left no result: the scheduler did not start it, or its program hangs";
                return Ok(Err(why.to_owned()));
            }
        }
    }

    /// Takes the task and its result away, and looks whether they are gone.
    pub(crate) async fn remove_task(&mut self, task: &SystemTask) -> Result<(), Trouble> {
        let there = Target {
            key: KeyPath::below_local_machine(&format!(r"{TASK_TREE}\{}", task.name))
                .map_err(|error| Trouble::Refused(Reason::Internal, error.to_string()))?,
            value: "Id".to_owned(),
        };
        if !self.observe_one(&there).await?.is_absent() {
            let name = shell::argument(&format!(r"\{}", task.name))
                .map_err(|error| Trouble::Refused(Reason::Internal, error.to_string()))?;
            let line = format!("schtasks.exe /Delete /TN {name} /F");
            shell::run(&mut self.client, &line).await?;
            if !self.observe_one(&there).await?.is_absent() {
                let text = format!("the task {} could not be deleted", task.name);
                return Err(Trouble::Refused(Reason::ReadBackDiffers, text));
            }
        }
        if !self.remove(&task.result).await?.is_absent() {
            let text = format!("{} could not be deleted", task.result);
            return Err(Trouble::Refused(Reason::ReadBackDiffers, text));
        }
        // The key is nobody's but ours: it goes as soon as it is empty.
        if self.key_is_empty(&task.result.key).await? == Some(true) {
            self.delete_empty_key(&task.result.key).await?;
        }
        Ok(())
    }

    async fn clock(&mut self) -> Result<Option<Timestamp>, Trouble> {
        let clock: FactSet = [Fact::ClockLocal].into_iter().collect();
        let facts = self.facts(&clock).await?;
        let now = facts
            .text(Fact::ClockLocal)
            .and_then(|text| text.parse::<Timestamp>().ok());
        // Boundaries of tasks are whole seconds.
        Ok(now.and_then(|now| Timestamp::from_second(now.as_second()).ok()))
    }
}

/// The task's script: run, and write down how it ended and what it said. No percent sign stands for itself in a task, but
/// where no variable has such a name it stays; there is no `$(`, which a task would fill in.
fn arguments(task: &SystemTask, program: &Program) -> Result<String, String> {
    let key = task.result.key.as_str();
    let script = [
        format!(r"$k='HKLM:\{key}'"),
        format!("$o=(& {}|Out-String)", program.block()?),
        "$e=$LASTEXITCODE".to_owned(),
        "if(-not(Test-Path $k)){$null=New-Item $k}".to_owned(),
        format!(
            "Set-ItemProperty -Path $k -Name '{}' -Value ([string]$e+'|'+$o)",
            task.result.value
        ),
    ]
    .join(";");
    if script.contains('"') || script.contains("$(") {
        return Err("the script cannot stand in a task".to_owned());
    }
    Ok(format!("-NoProfile -NonInteractive -Command \"{script}\""))
}

/// `code|text` as if a shell had said it. What curl complains of begins with its name.
fn read(text: &str) -> Result<CommandOutput, String> {
    let (code, said) = text
        .split_once('|')
        .ok_or_else(|| "the result of the task has not the form it should have".to_owned())?;
    let (errors, output): (Vec<&str>, Vec<&str>) =
        said.lines().partition(|line| line.starts_with("curl: ("));
    Ok(CommandOutput {
        // A script alone has none.
        exit_code: Some(code.trim().parse().unwrap_or(0)),
        stdout: output.join("\r\n").into_bytes(),
        stderr: errors.join("\r\n").into_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> SystemTask {
        SystemTask {
            name: "winfleet-run-x-1".to_owned(),
            result: Target {
                key: KeyPath::below_local_machine(r"SOFTWARE\winfleet-run").unwrap(),
                value: "winfleet-run-x-1".to_owned(),
            },
        }
    }

    #[test]
    fn the_script_stands_in_one_pair_of_quotes() {
        let program = Program::Curl(vec!["-w".to_owned(), "%{http_code}".to_owned()]);
        let arguments = arguments(&task(), &program).unwrap();
        assert_eq!(arguments.matches('"').count(), 2, "{arguments}");
        assert!(
            arguments.contains(r"'HKLM:\SOFTWARE\winfleet-run'"),
            "{arguments}"
        );
        assert!(!arguments.contains('\n'), "{arguments}");
    }

    #[test]
    fn output_and_complaints_are_told_apart() {
        let read =
            read("56|curl: (56) CONNECT tunnel failed, response 407\r\n407 000 0\r\n").unwrap();
        assert_eq!(read.exit_code, Some(56));
        assert_eq!(read.stdout, b"407 000 0");
        assert!(read.stderr.starts_with(b"curl: (56)"));
        assert!(super::read("no form").is_err());
    }
}
