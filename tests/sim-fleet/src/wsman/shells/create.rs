//! Create, and how a shell is described.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::reply;
use crate::dialect::{Created, IdleTime};
use crate::host::Tally;
use crate::knobs::{QuotaKind, ShellVanishes};
use crate::shell::Shell;
use crate::wsman::envelope::{child, content, is};
use crate::wsman::fault::{BAD_SCHEMA, Fault};
use crate::wsman::xml::{element, escape, text, with};
use crate::wsman::{Body, Call, Request, duration, uri};

/// Create.
pub(super) fn create(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Body, Fault> {
    if !call.host.options.remote_shells {
        return Err(Fault::new(2_150_859_180));
    }
    let knobs = call.host.knobs();
    if knobs
        .quota
        .is_some_and(|quota| quota.kind == QuotaKind::Shells)
        && call.host.quota_left()
    {
        return Err(quota_fault(call, 2_150_859_173));
    }
    let shell = asked_for(call, request)?;
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
    let described = description(&shell, &request.resource, false);
    let xml = match call.host.dialect().shell.created {
        Created::Both => created + &described,
        Created::ReferenceOnly => created,
        Created::ShellOnly => described,
    };
    let id = shell.id.clone();
    let vanishes = knobs.shell_vanishes == Some(ShellVanishes::AfterCreate);
    if !keep(call, shell, vanishes) {
        return Err(quota_fault(call, 2_150_859_173));
    }
    Tally::up(&call.host.tally.shells_created);
    call.host.record(&call.user.name, "Create", &id, "", false);
    Ok(reply(request, xml))
}

/// The shell that the body and the options describe.
fn asked_for(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Shell, Fault> {
    let body = child(&request.body, uri::RSP, "Shell").ok_or_else(|| Fault::new(BAD_SCHEMA))?;
    let text_of = |name: &'static str| child(&body, uri::RSP, name).map(|node| content(&node));
    let span = |name: &'static str| match text_of(name) {
        Some(text) => duration(text.trim())
            .map(Some)
            .ok_or_else(|| Fault::shell(BAD_SCHEMA)),
        None => Ok(None),
    };
    let default_idle = Duration::from_secs(if call.host.options.legacy { 180 } else { 7200 });
    let (least, most) = (Duration::from_secs(60), Duration::from_secs(2_147_483));
    let asked = span("IdleTimeOut")?.unwrap_or(default_idle);
    let idle = asked.clamp(least, most);
    if idle != asked && call.host.dialect().shell.idle_time == IdleTime::Fault {
        return Err(Fault::shell(2_150_858_845));
    }
    let codepage = request
        .options
        .iter()
        .find(|option| option.name.eq_ignore_ascii_case("WINRS_CODEPAGE"))
        .map(|option| option.value.trim().parse())
        .transpose()
        .map_err(|_| Fault::new(2_150_858_809))?;
    let variable = |node: roxmltree::Node<'_, '_>| {
        let name = node.attribute("Name").unwrap_or_default().to_string();
        (name, content(&node))
    };
    let variables = child(&body, uri::RSP, "Environment").map(|environment| {
        let nodes = environment
            .children()
            .filter(|node| is(node, uri::RSP, "Variable"));
        nodes.map(variable).collect()
    });
    Ok(Shell {
        id: super::fresh_id(call),
        owner: call.user.name.clone(),
        client: call.peer.ip().to_string(),
        environment: variables.unwrap_or_default(),
        directory: text_of("WorkingDirectory"),
        codepage: codepage.unwrap_or(0),
        created: Instant::now(),
        used: Instant::now(),
        idle,
        lifetime: span("Lifetime")?,
        input_streams: text_of("InputStreams").unwrap_or_else(|| "stdin".into()),
        output_streams: text_of("OutputStreams").unwrap_or_else(|| "stdout stderr".into()),
        commands: Vec::new(),
        started: 0,
        sending: Arc::default(),
    })
}

/// Takes the shell in; false where the account has as many as it may have.
fn keep(call: &Call<'_>, shell: Shell, vanishes: bool) -> bool {
    let usual = if call.host.options.legacy { 5 } else { 30 };
    let limit = call.host.options.max_shells.unwrap_or(usual);
    let mut state = call.host.state();
    let own = |other: &&Shell| other.owner == shell.owner;
    if state.shells.values().filter(own).count() as u32 >= limit {
        return false;
    }
    if !vanishes {
        state.shells.insert(shell.id.to_uppercase(), shell);
    }
    Tally::most(&call.host.tally.most_shells, state.shells.len() as u64);
    true
}

/// Quota faults come as `MSFT_WmiError` on newer hosts and as `WSManFault` on old ones.
pub(in crate::wsman) fn quota_fault(call: &Call<'_>, code: u32) -> Fault {
    let fault = Fault::new(code);
    if call.host.options.legacy {
        fault
    } else {
        fault.into_wmi_error(27)
    }
}

/// `rsp:Shell` of a shell.
pub(in crate::wsman) fn description(shell: &Shell, resource: &str, listed: bool) -> String {
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
