//! The session's one cmd shell: opened on first use, recycled before Windows' counters fill, deleted in every exit
//! path (wsman.md 3, 8).

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use wsman_proto::fault::{QUOTA_OPERATIONS, UNEXPECTED_SELECTORS};
use wsman_proto::shell::{self, MAX_COMMAND_LINE, MAX_SEND, Output, ShellRef};
use wsman_proto::xml::Element;

use super::patience::Patience;
use super::{Client, CommandOutput, cleanup, orphan};
use crate::error::{Error, ErrorKind, Sent};
use crate::session::Session;

/// A shell without requests deletes itself after this: the net under every other clean-up.
const IDLE_SECONDS: u32 = 180;
/// Windows counts each command of a shell against 1500 operations of the user, and never counts down.
const COMMANDS_PER_SHELL: u32 = 500;
/// A Send while another is under way (wsman.md 7.2).
const ERROR_BUSY: u32 = 170;
const BUSY_PAUSE: Duration = Duration::from_secs(5);
const BUSY_TRIES: u32 = 3;

/// An open shell.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) shell: ShellRef,
    /// The last command, until it was signalled: that is due before the next one, and saved when Delete follows.
    unsignalled: Option<String>,
    commands: u32,
}

/// What the task that opens a shell hands over.
struct Opened {
    session: Session,
    result: Result<ShellRef, Error>,
    _guard: cleanup::UnderWay,
}

/// On its way to the caller, who may be gone at any moment, even after it was handed over and before it was looked at.
struct Untaken(Option<Opened>);

impl Untaken {
    fn take(mut self) -> Option<Opened> {
        self.0.take()
    }
}

impl Drop for Untaken {
    fn drop(&mut self) {
        if let Some(Opened {
            session,
            result: Ok(shell),
            _guard,
        }) = self.0.take()
            && tokio::runtime::Handle::try_current().is_ok()
        {
            drop(cleanup::spawn_delete(session, shell));
        }
    }
}

impl Client {
    /// Runs a command line through the host's command processor, in the session's one shell (opened on first use).
    ///
    /// Lines over 8191 characters are refused here, because Windows fails on them in ways that look like success. The
    /// command runs at most once: when contact is lost the error is [`Sent::Unknown`]. Dropping the future leaves the
    /// command to the deletion of the shell.
    pub async fn run(
        &mut self,
        command_line: &str,
        stdin: Option<&[u8]>,
    ) -> Result<CommandOutput, Error> {
        let command = self.begin(command_line, stdin.is_some()).await?;
        if let Some(stdin) = stdin {
            self.feed(&command, stdin).await?;
        }
        let most = self.endpoint().limits.receives;
        match self.gather(&command, most).await? {
            Some(output) => Ok(output),
            None => {
                let detail = format!("the command is not done after {most} Receives");
                let kind = ErrorKind::TooLarge(detail);
                Err(Error::new("Receive", Sent::Unknown, kind))
            }
        }
    }

    /// As [`Self::run`] without input, for a command that only reads, with so many Receives at most: `None` where it is not
    /// done by then. The next command, or the deletion of the shell, ends it.
    pub async fn run_within(
        &mut self,
        command_line: &str,
        receives: u32,
    ) -> Result<Option<CommandOutput>, Error> {
        let command = self.begin(command_line, false).await?;
        let most = self.endpoint().limits.receives;
        self.gather(&command, most.min(receives)).await
    }

    /// Starts a command, in a new shell where the one that is open takes no more.
    async fn begin(&mut self, command_line: &str, stdin: bool) -> Result<String, Error> {
        if command_line.encode_utf16().count() > MAX_COMMAND_LINE {
            let detail = format!("the command line is longer than {MAX_COMMAND_LINE} characters");
            return Err(Error::new(
                "Command",
                Sent::Nothing,
                ErrorKind::TooLarge(detail),
            ));
        }
        if self
            .shell
            .as_ref()
            .is_some_and(|shell| shell.commands >= COMMANDS_PER_SHELL)
        {
            self.delete_shell().await;
        }
        match self.start(command_line, stdin).await {
            // The shell is gone or used up; the command did not run.
            Err(error)
                if error
                    .fault()
                    .is_some_and(|fault| needs_new_shell(fault.code)) =>
            {
                self.delete_shell().await;
                match self.start(command_line, stdin).await {
                    // Not the commands of the shell are what counts.
                    Err(error) if self.session.may_free(&error) => {
                        self.session.hang_up();
                        self.start(command_line, stdin).await
                    }
                    begun => begun,
                }
            }
            begun => begun,
        }
    }

    async fn start(&mut self, line: &str, stdin: bool) -> Result<String, Error> {
        if self.shell.is_none() {
            self.open_shell().await?;
        }
        self.signal().await;
        let request = shell::command(self.shell_ref()?, line, stdin);
        let body = self.exchange(&request).await?;
        let id = shell::command_id(&body)
            .ok_or_else(|| protocol("Command", "the reply has no CommandId"))?;
        if let Some(open) = &mut self.shell {
            open.commands += 1;
            open.unsignalled = Some(id.clone());
        }
        Ok(id)
    }

    /// Opens the shell in a task of its own, so that a caller who goes away meanwhile leaves nothing behind: the task
    /// deletes a shell nobody takes.
    async fn open_shell(&mut self) -> Result<(), Error> {
        let mut session = self.take_session();
        let (give, take) = tokio::sync::oneshot::channel();
        let guard = cleanup::begin();
        tokio::spawn(async move {
            let mark = ["winfleet-", &Uuid::new_v4().simple().to_string()].concat();
            let result = session
                .exchange(&shell::create(IDLE_SECONDS, &mark))
                .await
                .and_then(|body| created(&body));
            if result
                .as_ref()
                .is_err_and(|error| error.sent == Sent::Unknown)
            {
                orphan::delete(&mut session, &mark).await;
            }
            let opened = Opened {
                session,
                result,
                _guard: guard,
            };
            // Nobody there to take it, now or in the end: it is dropped, and its shell deleted.
            drop(give.send(Untaken(Some(opened))));
        });
        let lost = || {
            Error::new(
                "Create",
                Sent::Unknown,
                ErrorKind::ConnectionLost("its task has ended".to_owned()),
            )
        };
        let opened = take.await.ok().and_then(Untaken::take).ok_or_else(lost)?;
        self.session = opened.session;
        self.shell = Some(Shell {
            shell: opened.result?,
            unsignalled: None,
            commands: 0,
        });
        Ok(())
    }

    async fn feed(&mut self, command: &str, stdin: &[u8]) -> Result<(), Error> {
        let mut pieces: Vec<&[u8]> = stdin.chunks(MAX_SEND).collect();
        if pieces.is_empty() {
            pieces.push(&[]);
        }
        let last = pieces.len() - 1;
        for (index, piece) in pieces.into_iter().enumerate() {
            let mut tries = 0;
            loop {
                let request = shell::send(self.shell_ref()?, command, piece, index == last);
                let Err(error) = self.exchange(&request).await else {
                    break;
                };
                tries += 1;
                match error.fault() {
                    // The bytes were taken all the same (wsman.md 3.3): sending them again would double them.
                    Some(fault) if fault.is_timeout() => break,
                    Some(fault) if fault.code == ERROR_BUSY && tries < BUSY_TRIES => {
                        tokio::time::sleep(BUSY_PAUSE).await;
                    }
                    // The process has ended without reading all of it: its output says how.
                    Some(fault) if fault.code == UNEXPECTED_SELECTORS => return Ok(()),
                    // Its command runs.
                    _ => {
                        return Err(Error {
                            sent: Sent::Unknown,
                            ..error
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// What a command prints; `None` where it is not done after `most` Receives.
    async fn gather(&mut self, command: &str, most: u32) -> Result<Option<CommandOutput>, Error> {
        let limits = self.endpoint().limits;
        let mut output = Output::default();
        let mut patience = Patience::new(self.session.setup.operation_timeout());
        for _ in 0..most {
            let request = shell::receive(self.shell_ref()?, command);
            let before = output.stdout.len() + output.stderr.len();
            patience.asking();
            match self.exchange(&request).await {
                Ok(body) => output
                    .add(&body, command)
                    .map_err(|detail| protocol("Receive", detail))?,
                // Nothing to say within OperationTimeout: ask again.
                Err(error) if error.fault().is_some_and(wsman_proto::Fault::is_timeout) => {}
                // Any other end leaves the command started, its effect unknown.
                Err(error) => {
                    return Err(Error {
                        sent: Sent::Unknown,
                        ..error
                    });
                }
            }
            let gathered = output.stdout.len() + output.stderr.len();
            if gathered > limits.output {
                let detail = format!(
                    "the command's output is over the bound of {} bytes",
                    limits.output
                );
                return Err(Error::new(
                    "Receive",
                    Sent::Unknown,
                    ErrorKind::TooLarge(detail),
                ));
            }
            if output.done {
                let Output {
                    stdout,
                    stderr,
                    exit_code,
                    ..
                } = output;
                return Ok(Some(CommandOutput {
                    stdout,
                    stderr,
                    exit_code,
                }));
            }
            if gathered > before {
                patience.news();
            } else {
                patience
                    .nothing()
                    .map_err(|detail| protocol("Receive", &detail))?;
            }
        }
        Ok(None)
    }

    /// Frees the last command. Best effort: what stands in the way shows at the next request. Where it did not leave it
    /// is still due.
    async fn signal(&mut self) {
        let Some(open) = &mut self.shell else { return };
        let Some(command) = open.unsignalled.take() else {
            return;
        };
        let request = shell::terminate(&open.shell, &command);
        let Err(error) = self.exchange(&request).await else {
            return;
        };
        tracing::debug!(%error, "the last command was not signalled");
        if let Some(open) = &mut self.shell
            && error.sent == Sent::Nothing
        {
            open.unsignalled = Some(command);
        }
    }

    /// Deletes the shell, if there is one. Best effort.
    pub(super) async fn delete_shell(&mut self) {
        if let Some(open) = self.shell.take() {
            let session = self.take_session();
            // In a task of its own: a caller who goes away meanwhile does not stop it.
            let task = cleanup::spawn_delete(session, open.shell);
            if let Ok(session) = task.await {
                self.session = session;
            }
        }
    }

    /// The session, leaving a closed one of the same setup in its place.
    pub(super) fn take_session(&mut self) -> Session {
        let setup = Arc::clone(&self.session.setup);
        std::mem::replace(&mut self.session, Session::closed(setup))
    }

    fn shell_ref(&self) -> Result<&ShellRef, Error> {
        match &self.shell {
            Some(open) => Ok(&open.shell),
            None => Err(Error::new(
                "Command",
                Sent::Nothing,
                ErrorKind::Protocol("there is no shell".to_owned()),
            )),
        }
    }
}

fn created(body: &Element) -> Result<ShellRef, Error> {
    shell::created(body).ok_or_else(|| protocol("Create", "the reply has no ShellId"))
}

/// The shell does not exist, or its commands are used up: the refused Command did not run.
fn needs_new_shell(code: u32) -> bool {
    matches!(
        code,
        UNEXPECTED_SELECTORS | QUOTA_OPERATIONS | 2_150_859_082 | 2_150_859_241
    )
}

fn protocol(operation: &'static str, detail: &str) -> Error {
    Error::new(
        operation,
        Sent::Unknown,
        ErrorKind::Protocol(detail.to_owned()),
    )
}
