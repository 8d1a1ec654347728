//! The verbs of the cmd shell (reference 3): here which one it is, and Get and Delete; Create in `create.rs`, Command in
//! `command.rs`, Send, Receive and Signal in `streams.rs`.

mod command;
mod create;
mod streams;

use std::time::Instant;

use super::fault::{Fault, NO_ACTION, NO_SUCH};
use super::verbs::{Next, Verb, verb};
use super::{Body, Call, Request, uri};
use crate::dialect::Ids;
use crate::host::State;
use crate::shell::Shell;

pub(super) use create::{description, quota_fault};
pub(super) use streams::Pending;

/// Options a cmd shell knows.
const OPTIONS: [&str; 5] = [
    "WINRS_NOPROFILE",
    "WINRS_CODEPAGE",
    "WINRS_CONSOLEMODE_STDIN",
    "WINRS_SKIP_CMD_SHELL",
    "WSMAN_CMDSHELL_OPTION_KEEPALIVE",
];

/// Carries out a verb on the cmd shell's resource.
pub(super) fn dispatch(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Next, Fault> {
    if let Some(option) = request
        .options
        .iter()
        .find(|option| option.must_comply && !OPTIONS.contains(&option.name.as_str()))
    {
        call.host
            .record(&call.user.name, "Option", &option.name, "refused", false);
        return Err(Fault::new(2_150_858_809));
    }
    expire(call);
    match verb(&request.action) {
        Verb::Transfer("Create") => create::create(call, request).map(Next::Done),
        Verb::Transfer("Delete") => delete(call, request).map(Next::Done),
        Verb::Shell("Command") => command::command(call, request).map(Next::Done),
        Verb::Shell("Send") => streams::send(call, request).map(Next::Wait),
        Verb::Shell("Receive") => streams::receive(call, request).map(Next::Wait),
        Verb::Shell("Signal") => streams::signal(call, request).map(Next::Done),
        // Only plug-in shells can be disconnected.
        Verb::Shell("Disconnect" | "Reconnect" | "Connect") => Err(Fault::shell(50)),
        _ => Err(Fault::new(NO_ACTION)),
    }
}

/// Deletes shells whose time is over.
fn expire(call: &Call<'_>) {
    let gone: Vec<Shell> = call
        .host
        .state()
        .shells
        .extract_if(|_, shell| shell.expired())
        .map(|(_, shell)| shell)
        .collect();
    drop(gone);
}

/// A new id of a shell or a command, as this host writes them.
fn fresh_id(call: &Call<'_>) -> String {
    let id = uuid::Uuid::new_v4().to_string();
    match call.host.dialect().shell.ids {
        Ids::Upper => id.to_uppercase(),
        Ids::Lower => id,
        Ids::Prefixed => format!("uuid:{}", id.to_uppercase()),
    }
}

fn reply(request: &Request<'_, '_>, xml: String) -> Body {
    Body {
        action: format!("{}Response", request.action),
        xml,
    }
}

/// Works on the shell the selectors name.
fn on_shell<T>(
    call: &Call<'_>,
    request: &Request<'_, '_>,
    work: impl FnOnce(&mut State, &str) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let id = match request.selectors.as_slice() {
        [(name, id)] if name.eq_ignore_ascii_case("ShellId") => id.trim().to_uppercase(),
        [] => return Err(Fault::new(2_150_858_842)),
        _ => return Err(Fault::shell(NO_SUCH)),
    };
    let mut state = call.host.state();
    let shell = state
        .shells
        .get_mut(&id)
        .ok_or_else(|| Fault::shell(NO_SUCH))?;
    if shell.owner != call.user.name {
        return Err(Fault::new(2_150_859_177));
    }
    shell.used = Instant::now();
    work(&mut state, &id)
}

/// Get on the shells' resource.
pub(super) fn describe(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Body, Fault> {
    expire(call);
    let xml = on_shell(call, request, |state, id| {
        Ok(state
            .shells
            .get(id)
            .map(|shell| description(shell, uri::CMD_SHELL, true))
            .unwrap_or_default())
    })?;
    Ok(reply(request, xml))
}

/// Delete.
pub(super) fn delete(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Body, Fault> {
    let shell = on_shell(call, request, |state, id| {
        state.shells.remove(id).ok_or_else(|| Fault::shell(NO_SUCH))
    })?;
    call.host
        .record(&call.user.name, "Delete", &shell.id, "", false);
    Ok(reply(request, String::new()))
}
