//! Which operation a request is: action and resource decide, both strictly.

use super::fault::{Fault, NO_ACTION, NO_RESOURCE};
use super::shells::Pending;
use super::{Body, Call, Request, enumerate, instance, invoke, shells, uri};
use crate::knobs::{PointKind, WmiFault};

/// How an operation goes on.
pub(super) enum Next {
    Done(Body),
    /// A Receive or Send that may take a while.
    Wait(Pending),
    /// The connection breaks before it is processed.
    Reset,
}

/// What a resource names.
pub(super) enum Resource<'a> {
    CmdShell,
    Shells,
    /// Namespace with `/`, and class or `*`.
    Wmi {
        namespace: &'a str,
        class: &'a str,
    },
}

/// Takes a resource URI apart; its letter case does not matter.
pub(super) fn resource(text: &str) -> Option<Resource<'_>> {
    if text.eq_ignore_ascii_case(uri::CMD_SHELL) {
        return Some(Resource::CmdShell);
    }
    if text.eq_ignore_ascii_case(uri::SHELLS) {
        return Some(Resource::Shells);
    }
    let head = text.get(..uri::WMI.len())?;
    let (namespace, class) = text.get(uri::WMI.len()..)?.rsplit_once('/')?;
    (head.eq_ignore_ascii_case(uri::WMI) && !class.is_empty())
        .then_some(Resource::Wmi { namespace, class })
}

/// The points a request counts for.
pub(super) fn kinds(request: &Request<'_, '_>) -> Vec<PointKind> {
    let mut kinds = vec![PointKind::Operation];
    match request.action.rsplit('/').next().unwrap_or_default() {
        "Create" if request.resource.eq_ignore_ascii_case(uri::CMD_SHELL) => {
            kinds.push(PointKind::Create)
        }
        "Command" => kinds.push(PointKind::Command),
        "Receive" => kinds.push(PointKind::Receive),
        method if invoke::writes(method) => kinds.push(PointKind::Write),
        _ => {}
    }
    kinds
}

/// Carries out a request, as far as it needs no waiting.
pub(super) fn dispatch(call: &Call<'_>, request: &Request<'_, '_>) -> Result<Next, Fault> {
    if request.resource.is_empty() {
        return Err(Fault::new(NO_RESOURCE));
    }
    match resource(&request.resource).ok_or_else(|| Fault::new(NO_RESOURCE))? {
        Resource::CmdShell => shells::dispatch(call, request),
        Resource::Shells => match verb(&request.action) {
            Verb::Transfer("Get") => shells::describe(call, request).map(Next::Done),
            Verb::Transfer("Delete") => shells::delete(call, request).map(Next::Done),
            Verb::Enumeration(name) => enumerate::shells(call, request, name).map(Next::Done),
            _ => Err(Fault::new(NO_ACTION)),
        },
        Resource::Wmi { namespace, class } => wmi(call, request, namespace, class).map(Next::Done),
    }
}

/// An action taken apart.
pub(super) enum Verb<'a> {
    Transfer(&'a str),
    Enumeration(&'a str),
    Shell(&'a str),
    Other(&'a str),
}

/// Takes an action apart; the letter case of actions matters.
pub(super) fn verb(action: &str) -> Verb<'_> {
    let below = |prefix: &str| {
        action
            .strip_prefix(prefix)?
            .strip_prefix('/')
            .filter(|name| !name.contains('/'))
    };
    if let Some(name) = below(uri::X) {
        Verb::Transfer(name)
    } else if let Some(name) = below(uri::N) {
        Verb::Enumeration(name)
    } else if let Some(name) = below(uri::RSP) {
        Verb::Shell(name)
    } else {
        Verb::Other(action)
    }
}

fn wmi(
    call: &Call<'_>,
    request: &Request<'_, '_>,
    namespace: &str,
    class: &str,
) -> Result<Body, Fault> {
    if let Some(broken) = call.host.knobs().wmi_broken
        && (!broken.registry_only || class.eq_ignore_ascii_case("StdRegProv"))
    {
        call.host
            .record(&call.user.name, "Wmi", &request.resource, "broken", false);
        return Err(match broken.fault {
            WmiFault::ClassNotFound => Fault::wmi(super::fault::NOT_FOUND, 0x8004_1010),
            WmiFault::Rpc => Fault::new(1722),
        });
    }
    match verb(&request.action) {
        Verb::Transfer("Get") => instance::get(call, request, namespace, class),
        Verb::Enumeration(name) => enumerate::wmi(call, request, name, namespace, class),
        Verb::Other(action) => {
            let head = action.get(..request.resource.len()).unwrap_or_default();
            let method = action
                .get(request.resource.len()..)
                .and_then(|rest| rest.strip_prefix('/'));
            match method {
                Some(method) if head.eq_ignore_ascii_case(&request.resource) => {
                    invoke::run(call, request, namespace, class, method)
                }
                _ => Err(Fault::new(NO_ACTION)),
            }
        }
        _ => Err(Fault::new(NO_ACTION)),
    }
}
