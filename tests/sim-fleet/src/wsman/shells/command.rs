//! Command: a line is started in a shell.

use std::sync::Arc;

use super::create::quota_fault;
use super::{on_shell, reply};
use crate::cmd::Context;
use crate::dialect::{ConsoleOptions, NoMemory, SecondCommand};
use crate::host::Tally;
use crate::knobs::{QuotaKind, ShellVanishes};
use crate::shell::Command;
use crate::wsman::envelope::{child, content, is};
use crate::wsman::fault::{BAD_SCHEMA, Fault, NO_SUCH};
use crate::wsman::xml::{text, with};
use crate::wsman::{Body, Call, Request, uri};

/// CreateProcess takes no longer line.
const LONGEST_LINE: usize = 32_766;
/// STATUS_NO_MEMORY and STATUS_COMMITMENT_LIMIT: two ways in which a process that was denied memory ends (reference 12,
/// row 52).
const NO_MEMORY: u32 = 0xC000_0017;
const COMMITMENT_LIMIT: u32 = 0xC000_012D;

/// Command.
pub(super) fn command(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Body, Fault> {
    let knobs = call.host.knobs();
    let short_of = |kind| knobs.quota.is_some_and(|quota| quota.kind == kind);
    if short_of(QuotaKind::Operations) && call.host.quota_left() {
        return Err(quota_fault(call, 2_150_859_174));
    }
    let body =
        child(&request.body, uri::RSP, "CommandLine").ok_or_else(|| Fault::new(BAD_SCHEMA))?;
    let line = line_of(&body)?;
    let proposed = body.attribute("CommandId").map(str::to_uppercase);
    let (context, shell) = prepare(call, request, proposed)?;
    Tally::up(&call.host.tally.commands);
    call.host
        .record(&call.user.name, "Command", &line, "", false);
    let xml = with(
        "rsp:CommandResponse",
        &[("xmlns:rsp", uri::RSP)],
        &text("rsp:CommandId", &context.command.id),
    );
    if short_of(QuotaKind::Memory) && call.host.quota_left() {
        context
            .command
            .end(match call.host.dialect().shell.no_memory {
                NoMemory::StatusNoMemory => NO_MEMORY,
                NoMemory::CommitmentLimit => COMMITMENT_LIMIT,
                NoMemory::One => 1,
            });
    } else {
        crate::cmd::start(context, line);
    }
    if knobs.shell_vanishes == Some(ShellVanishes::BeforeReceive) {
        let gone = call.host.state().shells.remove(&shell);
        drop(gone);
    }
    Ok(reply(request, xml))
}

/// Command and arguments, joined with blanks.
fn line_of(body: &roxmltree::Node<'_, '_>) -> Result<String, Fault> {
    let mut line = child(body, uri::RSP, "Command")
        .map(|node| content(&node))
        .ok_or_else(|| Fault::new(BAD_SCHEMA))?;
    for argument in body
        .children()
        .filter(|node| is(node, uri::RSP, "Arguments"))
    {
        line.push(' ');
        line.push_str(&content(&argument));
    }
    if line.encode_utf16().count() > LONGEST_LINE {
        return Err(Fault::shell(2_147_942_606));
    }
    Ok(line)
}

/// Takes a new command into the shell, which runs one at a time and counts every one; gives what it runs with.
fn prepare(
    call: &Call<'_>,
    request: &Request<'_, '_>,
    proposed: Option<String>,
) -> Result<(Context, String), Fault> {
    let limit = call.host.max_operations();
    let dialect = call.host.dialect().shell;
    let console = dialect.console_options == ConsoleOptions::Honoured
        && request.options.iter().any(|option| {
            option.name.eq_ignore_ascii_case("WINRS_CONSOLEMODE_STDIN")
                && option.value.trim().eq_ignore_ascii_case("true")
        });
    let prepared = on_shell(call, request, |state, id| {
        let used = state.operations_of(&call.user.name);
        let shell = state
            .shells
            .get_mut(id)
            .ok_or_else(|| Fault::shell(NO_SUCH))?;
        let busy = shell
            .commands
            .iter()
            .any(|command| command.running() || !command.delivered());
        if busy && dialect.second_command == SecondCommand::Refused {
            return Err(Fault::shell(2_150_858_802));
        }
        if used >= limit {
            return Ok(None);
        }
        shell.started += 1;
        Tally::most(&call.host.tally.most_operations, u64::from(used) + 1);
        let id_of_command = proposed.unwrap_or_else(|| super::fresh_id(call));
        let command = Arc::new(Command::new(id_of_command, console));
        shell.commands.push(Arc::clone(&command));
        let context = Context {
            host: Arc::clone(call.host),
            user: call.user.name.clone(),
            environment: shell.environment.clone(),
            directory: shell.directory.clone(),
            codepage: shell.codepage,
            command,
        };
        Ok(Some((context, id.to_string())))
    })?;
    prepared.ok_or_else(|| quota_fault(call, 2_150_859_174))
}

/// The command of this id in the shell the selectors name.
pub(super) fn find_command(
    call: &Call<'_>,
    request: &Request<'_, '_>,
    id: Option<&str>,
) -> Result<Arc<Command>, Fault> {
    on_shell(call, request, |state, shell| {
        let id = id.ok_or_else(|| Fault::shell(87))?;
        let found = state
            .shells
            .get(shell)
            .and_then(|shell| shell.command(id.trim()));
        found.cloned().ok_or_else(|| Fault::shell(NO_SUCH))
    })
}
