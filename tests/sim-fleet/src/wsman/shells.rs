//! The verbs of the cmd shell: Create, Command, Send, Receive, Signal, Delete (reference 3).

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::envelope::{child, content};
use super::fault::{BAD_SCHEMA, Fault, NO_ACTION, NO_SUCH, TIMED_OUT};
use super::verbs::{Next, Verb, verb};
use super::xml::{element, escape, text, with};
use super::{Body, Call, Request, duration, uri};
use crate::host::{State, Tally};
use crate::knobs::{QuotaKind, ShellVanishes};
use crate::shell::{Command, Output, Shell, Stream};

const RUNNING: &str =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Running";
const DONE: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done";
const SIGNAL: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/";
/// CreateProcess takes no longer line.
const LONGEST_LINE: usize = 32_766;
/// Options a cmd shell knows.
const OPTIONS: [&str; 5] = [
    "WINRS_NOPROFILE",
    "WINRS_CODEPAGE",
    "WINRS_CONSOLEMODE_STDIN",
    "WINRS_SKIP_CMD_SHELL",
    "WSMAN_CMDSHELL_OPTION_KEEPALIVE",
];

/// A Receive that waits for output.
pub(super) struct Receive {
    command: Arc<Command>,
    timeout: Duration,
    action: String,
    limit: usize,
}

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
        Verb::Transfer("Create") => create(call, request).map(Next::Done),
        Verb::Transfer("Delete") => delete(call, request).map(Next::Done),
        Verb::Shell("Command") => command(call, request).map(Next::Done),
        Verb::Shell("Send") => send(call, request).map(Next::Done),
        Verb::Shell("Receive") => receive(call, request).map(Next::Wait),
        Verb::Shell("Signal") => signal(call, request).map(Next::Done),
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

fn reply(request: &Request<'_, '_>, xml: String) -> Body {
    Body {
        action: format!("{}Response", request.action),
        xml,
    }
}

fn create(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Body, Fault> {
    let knobs = call.host.knobs();
    if knobs
        .quota
        .is_some_and(|quota| quota.kind == QuotaKind::Shells)
        && call.host.quota_left()
    {
        return Err(quota_fault(call, 2_150_859_173));
    }
    let body = child(&request.body, uri::RSP, "Shell").ok_or_else(|| Fault::new(BAD_SCHEMA))?;
    let text_of = |name| child(&body, uri::RSP, name).map(|node| content(&node));
    let span = |name: &str| match child(&body, uri::RSP, name).map(|node| content(&node)) {
        Some(text) => duration(text.trim())
            .map(Some)
            .ok_or_else(|| Fault::shell(BAD_SCHEMA)),
        None => Ok(None),
    };
    let default_idle = Duration::from_secs(if call.host.options.legacy { 180 } else { 7200 });
    let idle = span("IdleTimeOut")?
        .unwrap_or(default_idle)
        .clamp(Duration::from_secs(60), Duration::from_secs(2_147_483));
    let lifetime = span("Lifetime")?;
    let option = |name: &str| {
        request
            .options
            .iter()
            .find(|option| option.name.eq_ignore_ascii_case(name))
    };
    let codepage = match option("WINRS_CODEPAGE") {
        Some(option) => option
            .value
            .trim()
            .parse()
            .map_err(|_| Fault::new(2_150_858_809))?,
        None => 0,
    };
    let variables = child(&body, uri::RSP, "Environment").map(|environment| {
        let nodes = environment
            .children()
            .filter(|node| super::envelope::is(node, uri::RSP, "Variable"));
        nodes
            .map(|node| {
                (
                    node.attribute("Name").unwrap_or_default().to_string(),
                    content(&node),
                )
            })
            .collect()
    });
    let shell = Shell {
        id: uuid::Uuid::new_v4().to_string().to_uppercase(),
        owner: call.user.name.clone(),
        client: call.peer.ip().to_string(),
        environment: variables.unwrap_or_default(),
        directory: text_of("WorkingDirectory"),
        codepage,
        created: Instant::now(),
        used: Instant::now(),
        idle,
        lifetime,
        input_streams: text_of("InputStreams").unwrap_or_else(|| "stdin".into()),
        output_streams: text_of("OutputStreams").unwrap_or_else(|| "stdout stderr".into()),
        commands: Vec::new(),
        started: 0,
    };
    let created = element(
        "x:ResourceCreated",
        &(text("a:Address", &request.to)
            + &element(
                "a:ReferenceParameters",
                &(text("w:ResourceURI", &request.resource)
                    + &element(
                        "w:SelectorSet",
                        &with("w:Selector", &[("Name", "ShellId")], &escape(&shell.id)),
                    )),
            )),
    );
    let xml = created + &description(&shell, &request.resource, false);
    let id = shell.id.clone();
    {
        let limit = call
            .host
            .options
            .max_shells
            .unwrap_or(if call.host.options.legacy { 5 } else { 30 });
        let mut state = call.host.state();
        let open = state
            .shells
            .values()
            .filter(|shell| shell.owner == call.user.name)
            .count();
        if open as u32 >= limit {
            drop(state);
            return Err(quota_fault(call, 2_150_859_173));
        }
        if knobs.shell_vanishes != Some(ShellVanishes::AfterCreate) {
            state.shells.insert(id.clone(), shell);
        }
    }
    Tally::up(&call.host.tally.shells_created);
    call.host.record(&call.user.name, "Create", &id, "", false);
    Ok(reply(request, xml))
}

/// Quota faults come as `MSFT_WmiError` on newer hosts and as `WSManFault` on old ones.
fn quota_fault(call: &Call<'_>, code: u32) -> Fault {
    let fault = Fault::new(code);
    if call.host.options.legacy {
        fault
    } else {
        fault.into_wmi_error(27)
    }
}

/// `rsp:Shell` of a shell.
pub(super) fn description(shell: &Shell, resource: &str, listed: bool) -> String {
    let elapsed = |since: Instant| format!("P0DT0H0M{}S", since.elapsed().as_secs());
    let mut inner = text("rsp:ShellId", &shell.id)
        + &text("rsp:ResourceUri", resource)
        + &text("rsp:Owner", &shell.owner)
        + &text("rsp:ClientIP", &shell.client);
    if listed {
        inner += &text("rsp:ProcessId", "4242");
    }
    if !shell.environment.is_empty() {
        let variables = shell
            .environment
            .iter()
            .map(|(name, value)| with("rsp:Variable", &[("Name", name)], &escape(value)));
        inner += &element("rsp:Environment", &variables.collect::<String>());
    }
    if let Some(directory) = &shell.directory {
        inner += &text("rsp:WorkingDirectory", directory);
    }
    inner += &(text(
        "rsp:IdleTimeOut",
        &format!("PT{}.000S", shell.idle.as_secs()),
    ) + &text("rsp:InputStreams", &shell.input_streams)
        + &text("rsp:OutputStreams", &shell.output_streams)
        + &text("rsp:ShellRunTime", &elapsed(shell.created))
        + &text("rsp:ShellInactivity", &elapsed(shell.used)));
    if listed {
        inner += &text("rsp:State", "Connected");
    }
    with("rsp:Shell", &[("xmlns:rsp", uri::RSP)], &inner)
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

fn command(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Body, Fault> {
    let knobs = call.host.knobs();
    if knobs
        .quota
        .is_some_and(|quota| quota.kind == QuotaKind::Operations)
        && call.host.quota_left()
    {
        return Err(quota_fault(call, 2_150_859_174));
    }
    let body =
        child(&request.body, uri::RSP, "CommandLine").ok_or_else(|| Fault::new(BAD_SCHEMA))?;
    let mut line = child(&body, uri::RSP, "Command")
        .map(|node| content(&node))
        .ok_or_else(|| Fault::new(BAD_SCHEMA))?;
    for argument in body
        .children()
        .filter(|node| super::envelope::is(node, uri::RSP, "Arguments"))
    {
        line.push(' ');
        line.push_str(&content(&argument));
    }
    if line.encode_utf16().count() > LONGEST_LINE {
        return Err(Fault::shell(2_147_942_606));
    }
    let proposed = body.attribute("CommandId").map(str::to_uppercase);
    let limit = call
        .host
        .options
        .max_operations
        .unwrap_or(if call.host.options.legacy { 15 } else { 1500 });
    let prepared = on_shell(call, request, |state, id| {
        let used: u32 = state
            .shells
            .values()
            .filter(|shell| shell.owner == call.user.name)
            .map(|shell| shell.started)
            .sum();
        let shell = state
            .shells
            .get_mut(id)
            .ok_or_else(|| Fault::shell(NO_SUCH))?;
        if shell
            .commands
            .iter()
            .any(|command| command.running() || !command.delivered())
        {
            return Err(Fault::shell(2_150_858_802));
        }
        if used >= limit {
            return Ok(None);
        }
        shell.started += 1;
        let command =
            Arc::new(Command::new(proposed.unwrap_or_else(|| {
                uuid::Uuid::new_v4().to_string().to_uppercase()
            })));
        shell.commands.push(Arc::clone(&command));
        let context = crate::cmd::Context {
            host: Arc::clone(call.host),
            user: call.user.name.clone(),
            environment: shell.environment.clone(),
            directory: shell.directory.clone(),
            codepage: shell.codepage,
            command: Arc::clone(&command),
        };
        Ok(Some((command, context, id.to_string())))
    })?;
    let Some((command, context, shell)) = prepared else {
        return Err(quota_fault(call, 2_150_859_174));
    };
    Tally::up(&call.host.tally.commands);
    call.host
        .record(&call.user.name, "Command", &line, "", false);
    let xml = with(
        "rsp:CommandResponse",
        &[("xmlns:rsp", uri::RSP)],
        &text("rsp:CommandId", &command.id),
    );
    crate::cmd::start(context, line);
    if knobs.shell_vanishes == Some(ShellVanishes::BeforeReceive) {
        let gone = call.host.state().shells.remove(&shell);
        drop(gone);
    }
    Ok(reply(request, xml))
}

fn find_command(
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

fn send(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Body, Fault> {
    let body = child(&request.body, uri::RSP, "Send").ok_or_else(|| Fault::new(BAD_SCHEMA))?;
    for stream in body
        .children()
        .filter(|node| super::envelope::is(node, uri::RSP, "Stream"))
    {
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
    }
    Ok(reply(
        request,
        with("rsp:SendResponse", &[("xmlns:rsp", uri::RSP)], ""),
    ))
}

fn receive(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Receive, Fault> {
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
    let limit = call.host.options.chunks_per_receive;
    Ok(Receive {
        command,
        timeout: request.timeout,
        action: request.action.clone(),
        limit,
    })
}

impl Receive {
    /// Waits for output, at most for the operation's timeout.
    pub(super) async fn finish(self, _call: &Call<'_>) -> Result<Body, Fault> {
        let output = tokio::time::timeout(self.timeout, self.command.receive(self.limit)).await;
        let output = output.map_err(|_| Fault::new(TIMED_OUT))?;
        if output.gone {
            return Err(Fault::shell(995));
        }
        Ok(Body {
            action: format!("{}Response", self.action),
            xml: self.body(&output),
        })
    }

    fn body(&self, output: &Output) -> String {
        let id = self.command.id.as_str();
        let mut inner = String::new();
        for (stream, bytes) in &output.pieces {
            let name = if *stream == Stream::Out {
                "stdout"
            } else {
                "stderr"
            };
            inner += &with(
                "rsp:Stream",
                &[("Name", name), ("CommandId", id)],
                &STANDARD.encode(bytes),
            );
        }
        let state = match output.done {
            Some(code) => {
                for name in ["stdout", "stderr"] {
                    inner += &with(
                        "rsp:Stream",
                        &[("Name", name), ("CommandId", id), ("End", "true")],
                        "",
                    );
                }
                with(
                    "rsp:CommandState",
                    &[("CommandId", id), ("State", DONE)],
                    &text("rsp:ExitCode", &code.to_string()),
                )
            }
            None => with(
                "rsp:CommandState",
                &[("CommandId", id), ("State", RUNNING)],
                "",
            ),
        };
        with(
            "rsp:ReceiveResponse",
            &[("xmlns:rsp", uri::RSP)],
            &(inner + &state),
        )
    }
}

fn signal(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Body, Fault> {
    let body = child(&request.body, uri::RSP, "Signal").ok_or_else(|| Fault::new(BAD_SCHEMA))?;
    let command = find_command(call, request, body.attribute("CommandId"))?;
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
    Ok(reply(
        request,
        with("rsp:SignalResponse", &[("xmlns:rsp", uri::RSP)], ""),
    ))
}
