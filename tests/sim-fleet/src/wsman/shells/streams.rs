//! Send, Receive and Signal: input, output and end of a command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::command::find_command;
use super::{on_shell, reply};
use crate::dialect::{
    Done, EndStreams, ExitCode, FirstReceive, Forgets, LateSignal, Running, SendAnswer,
    ShellDialect, Streams,
};
use crate::host::Host;
use crate::shell::{Command, Manner, Output, Stream};
use crate::wsman::envelope::{child, content, is};
use crate::wsman::fault::{BAD_SCHEMA, Fault, NO_SUCH, TIMED_OUT};
use crate::wsman::xml::{text as text_element, with};
use crate::wsman::{Body, Call, Request, uri};

const RUNNING: &str =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Running";
const DONE: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done";
const SIGNAL: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/";

/// An operation that is not over at once.
pub(in crate::wsman) enum Pending {
    Receive(Receive),
    Send(Send),
}

impl Pending {
    /// Waits for its end, at most for the operation's timeout.
    pub(in crate::wsman) async fn finish(self) -> Result<Body, Fault> {
        match self {
            Self::Receive(receive) => receive.finish().await,
            Self::Send(send) => send.finish().await,
        }
    }
}

/// A Receive that waits for output.
pub(in crate::wsman) struct Receive {
    host: Arc<Host>,
    command: Arc<Command>,
    timeout: Duration,
    action: String,
    /// It says at once that the command runs, and nothing else.
    empty: bool,
}

/// A Send whose bytes are on their way into the program. The shell takes no other one meanwhile.
pub(in crate::wsman) struct Send {
    commands: Vec<Arc<Command>>,
    timeout: Duration,
    done: Body,
    /// It ends with its timeout whatever was taken.
    late: bool,
    _busy: Busy,
}

/// The shell's one place for a Send; free again when this is dropped, also where the connection breaks.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn take(place: Arc<AtomicBool>) -> Result<Self, Fault> {
        match place.swap(true, Ordering::AcqRel) {
            true => Err(Fault::shell(170)),
            false => Ok(Self(place)),
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Send {
    async fn finish(self) -> Result<Body, Fault> {
        let taken = async {
            for command in &self.commands {
                command.taken().await;
            }
        };
        let in_time = tokio::time::timeout(self.timeout, taken).await;
        match in_time {
            Ok(()) if !self.late => Ok(self.done),
            _ => Err(Fault::new(TIMED_OUT)),
        }
    }
}

/// Send.
pub(super) fn send(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Pending, Fault> {
    let body = child(&request.body, uri::RSP, "Send").ok_or_else(|| Fault::new(BAD_SCHEMA))?;
    let place = on_shell(call, request, |state, id| {
        let shell = state.shells.get(id).ok_or_else(|| Fault::shell(NO_SUCH))?;
        Ok(Arc::clone(&shell.sending))
    })?;
    let busy = Busy::take(place)?;
    let mut commands = Vec::new();
    for stream in body.children().filter(|node| is(node, uri::RSP, "Stream")) {
        if stream.attribute("Name") != Some("stdin") {
            return Err(Fault::shell(2_150_859_149));
        }
        let command = find_command(call, request, stream.attribute("CommandId"))?;
        let clean: String = content(&stream).split_whitespace().collect();
        let bytes = STANDARD
            .decode(clean)
            .map_err(|_| Fault::shell(BAD_SCHEMA))?;
        let end = stream
            .attribute("End")
            .is_some_and(|end| end.eq_ignore_ascii_case("true") || end == "1");
        command.feed(&bytes, end);
        commands.push(command);
    }
    let xml = with("rsp:SendResponse", &[("xmlns:rsp", uri::RSP)], "");
    Ok(Pending::Send(Send {
        commands,
        timeout: request.timeout,
        done: reply(request, xml),
        late: call.host.dialect().shell.send == SendAnswer::TimesOut,
        _busy: busy,
    }))
}

/// Receive.
pub(super) fn receive(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Pending, Fault> {
    let body = child(&request.body, uri::RSP, "Receive").ok_or_else(|| Fault::new(BAD_SCHEMA))?;
    let desired =
        child(&body, uri::RSP, "DesiredStream").ok_or_else(|| Fault::shell(2_150_859_149))?;
    let command = find_command(call, request, desired.attribute("CommandId"))?;
    if !content(&desired)
        .split_whitespace()
        .all(|name| name == "stdout" || name == "stderr")
    {
        return Err(Fault::shell(2_150_859_149));
    }
    let first = command.first_receive();
    let way = call.host.dialect().shell.first_receive;
    if first && way == FirstReceive::TimesOut {
        return Err(Fault::new(TIMED_OUT));
    }
    Ok(Pending::Receive(Receive {
        host: Arc::clone(call.host),
        command,
        timeout: request.timeout,
        action: request.action.clone(),
        empty: first && way == FirstReceive::Empty,
    }))
}

impl Receive {
    async fn finish(self) -> Result<Body, Fault> {
        let dialect = self.host.dialect().shell;
        let manner = Manner {
            limit: self.host.options.chunks_per_receive,
            done_alone: dialect.done == Done::Alone,
            ends_before: dialect.end_streams == EndStreams::Before,
        };
        let output = if self.empty {
            Output::default()
        } else {
            let output = tokio::time::timeout(self.timeout, self.command.receive(manner)).await;
            output.map_err(|_| Fault::new(TIMED_OUT))?
        };
        if output.gone {
            return Err(Fault::shell(995));
        }
        if output.done.is_some() && dialect.forgets == Forgets::Delivered {
            self.forget();
        }
        Ok(Body {
            action: format!("{}Response", self.action),
            xml: self.body(&output, dialect),
        })
    }

    /// The command is known no more.
    fn forget(&self) {
        for shell in self.host.state().shells.values_mut() {
            shell
                .commands
                .retain(|other| !Arc::ptr_eq(other, &self.command));
        }
    }

    fn body(&self, output: &Output, dialect: ShellDialect) -> String {
        let id = self.command.id.as_str();
        let mut inner = String::new();
        for (stream, bytes) in &output.pieces {
            let name = if *stream == Stream::Out {
                "stdout"
            } else {
                "stderr"
            };
            let attributes = [("Name", name), ("CommandId", id)];
            if dialect.streams == Streams::EmptyBetween {
                inner += &with("rsp:Stream", &attributes, "");
            }
            let mut text = STANDARD.encode(bytes);
            if dialect.streams == Streams::BrokenLines {
                text = broken(&text);
            }
            inner += &with("rsp:Stream", &attributes, &text);
        }
        if output.ends && dialect.end_streams != EndStreams::Never {
            for name in ["stdout", "stderr"] {
                let attributes = [("Name", name), ("CommandId", id), ("End", "true")];
                inner += &with("rsp:Stream", &attributes, "");
            }
        }
        let code = |text: &str| text_element("rsp:ExitCode", text);
        let state = match (output.done, dialect.running) {
            (Some(number), _) => with(
                "rsp:CommandState",
                &[("CommandId", id), ("State", DONE)],
                &match dialect.exit_code {
                    ExitCode::Signed => code(&number.cast_signed().to_string()),
                    ExitCode::Unsigned | ExitCode::WithRunningToo => code(&number.to_string()),
                },
            ),
            (None, Running::LeftOut) => String::new(),
            (None, Running::Named) => with(
                "rsp:CommandState",
                &[("CommandId", id), ("State", RUNNING)],
                &match dialect.exit_code {
                    ExitCode::WithRunningToo => code("0"),
                    ExitCode::Signed | ExitCode::Unsigned => String::new(),
                },
            ),
        };
        with(
            "rsp:ReceiveResponse",
            &[("xmlns:rsp", uri::RSP)],
            &(inner + &state),
        )
    }
}

/// In lines of an odd length.
fn broken(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (at, c) in text.chars().enumerate() {
        if at % 19 == 7 {
            out.push_str("\n ");
        }
        out.push(c);
    }
    out
}

/// Signal.
pub(super) fn signal(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Body, Fault> {
    let body = child(&request.body, uri::RSP, "Signal").ok_or_else(|| Fault::new(BAD_SCHEMA))?;
    let command = match find_command(call, request, body.attribute("CommandId")) {
        Err(fault) if forgiven(call, request, &fault) => {
            return Ok(signalled(request));
        }
        found => found?,
    };
    let code = child(&body, uri::RSP, "Code")
        .map(|node| content(&node))
        .unwrap_or_default();
    match code.trim().strip_prefix(SIGNAL) {
        // Terminate frees the command: it is forgotten from now on.
        Some("terminate" | "Terminate") => {
            command.terminate(1);
            on_shell(call, request, |state, id| {
                if let Some(shell) = state.shells.get_mut(id) {
                    shell.commands.retain(|other| other.id != command.id);
                }
                Ok(())
            })?;
        }
        Some("ctrl_c" | "ctrl_break") => command.terminate(0xC000_013A),
        _ => return Err(Fault::shell(87)),
    }
    Ok(signalled(request))
}

fn signalled(request: &Request<'_, '_>) -> Body {
    let xml = with("rsp:SignalResponse", &[("xmlns:rsp", uri::RSP)], "");
    reply(request, xml)
}

/// A Signal for a command that its shell has forgotten, where that succeeds.
fn forgiven(call: &Call<'_>, request: &Request<'_, '_>, fault: &Fault) -> bool {
    call.host.dialect().shell.late_signal == LateSignal::Success
        && fault.code == NO_SUCH
        && on_shell(call, request, |_, _| Ok(())).is_ok()
}
