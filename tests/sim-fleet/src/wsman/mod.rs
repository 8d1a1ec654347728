//! WS-Management: one envelope in, one envelope out. Knows hosts and users, no sockets.
//!
//! `envelope` reads and judges, `verbs` decides which operation it is, `registry`, `enumerate` and `shells` carry it out.

mod enumerate;
mod envelope;
mod fault;
mod instance;
mod invoke;
mod preference;
mod reply;
mod shells;
mod task;
mod uri;
mod verbs;
mod xml;

use std::net::SocketAddr;
use std::sync::Arc;

use roxmltree::Document;

use crate::auth::User;
use crate::host::{Hit, Host};
use crate::knobs::{DropPhase, PointKind, RebootSymptom};
use crate::spec::Rights;
pub(crate) use envelope::{Meta, Request, duration};
pub(crate) use fault::Fault;
pub(crate) use uri::XSI;
use verbs::Next;
pub(crate) use xml::escape;

/// Who asks whom.
pub(crate) struct Call<'a> {
    pub(crate) host: &'a Arc<Host>,
    pub(crate) user: &'a User,
    pub(crate) peer: SocketAddr,
    /// The request came chunked, which the service refuses.
    pub(crate) chunked: bool,
}

/// An envelope to send.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) xml: String,
    pub(crate) robust: bool,
}

/// What becomes of a request.
pub(crate) enum Outcome {
    Answer(Answer),
    Reset,
}

/// The body of a good reply and its action.
pub(crate) struct Body {
    pub(crate) action: String,
    pub(crate) xml: String,
}

/// Carries out a request.
pub(crate) async fn handle(call: &Call<'_>, text: &str) -> Outcome {
    let (meta, next) = begin(call, text);
    let result = match next {
        Ok(Next::Reset) => return Outcome::Reset,
        Ok(Next::Done(body)) => Ok(body),
        Ok(Next::Wait(receive)) => receive.finish().await,
        Err(fault) => Err(fault),
    };
    let result = aborted(call.host).map_or(result, Err);
    Outcome::Answer(reply::envelope(call.host, &meta, result))
}

/// Everything that needs no waiting; the parsed document does not live longer than this.
fn begin(call: &Call<'_>, text: &str) -> (Meta, Result<Next, Fault>) {
    let mut meta = Meta {
        max_envelope: call.host.max_envelope(),
        ..Meta::default()
    };
    let Ok(doc) = Document::parse(text) else {
        return (meta, Err(Fault::new(fault::BAD_XML)));
    };
    let (header, body) = match envelope::parts(&doc) {
        Ok(parts) => parts,
        Err(fault) => return (meta, Err(fault)),
    };
    if envelope::child(&body, uri::IDENTITY, "Identify").is_some() {
        return (meta, Ok(Next::Done(reply::identify(call.host, true))));
    }
    meta = envelope::meta(&header, call.host.max_envelope());
    if call.chunked {
        return (meta, Err(Fault::new(50)));
    }
    let next =
        envelope::request(header, body, call.host.options.max_timeout.0).and_then(|request| {
            if dropped(call.host, &request) {
                return Ok(Next::Reset);
            }
            if repeated(call.host, &meta) {
                return Err(Fault::new(fault::BAD_HEADER));
            }
            general_faults(call)?;
            verbs::dispatch(call, &request)
        });
    (meta, next)
}

/// How many ids are kept: more than a client can have under way.
const LAST_IDS: usize = 64;

/// True where a request with this id was processed before: each has one of its own.
fn repeated(host: &Host, meta: &Meta) -> bool {
    let Some(id) = &meta.message_id else {
        return false;
    };
    let mut state = host.state();
    if state.last_ids.contains(id) {
        return true;
    }
    if state.last_ids.len() == LAST_IDS {
        state.last_ids.pop_front();
    }
    state.last_ids.push_back(id.clone());
    false
}

/// Faults that come whatever the operation is.
fn general_faults(call: &Call<'_>) -> Result<(), Fault> {
    use crate::knobs::QuotaKind;
    let knobs = call.host.knobs();
    if knobs.access_denied || call.user.rights != Rights::Administrator {
        return Err(Fault::new(5));
    }
    match knobs.quota.map(|quota| quota.kind) {
        Some(QuotaKind::User) if call.host.quota_left() => Err(Fault::new(2_150_859_175)),
        Some(QuotaKind::System) if call.host.quota_left() => Err(Fault::new(2_150_859_176)),
        _ => Ok(()),
    }
}

/// Counts the operation; true where the connection breaks before it is processed.
fn dropped(host: &Host, request: &Request<'_, '_>) -> bool {
    let kinds = verbs::kinds(request);
    let mut state = host.state();
    for kind in &kinds {
        state.points.count(*kind);
    }
    let Some(drop) = state.knobs.drop else {
        return false;
    };
    let before = drop.phase == DropPhase::Before
        && drop.after_bytes.is_none()
        && drop.at.kind != PointKind::Request;
    let reached = state.points.against(drop.at);
    let hit = before
        && kinds.contains(&drop.at.kind)
        && reached != Hit::Before
        && state.points.drops_used < drop.times.unwrap_or(1);
    if hit {
        state.points.drops_used += 1;
    }
    hit
}

/// Fault 995 for the very request at which the host goes down, where that is the symptom.
fn aborted(host: &Host) -> Option<Fault> {
    let state = host.state();
    let reboot = state.knobs.reboot?;
    let now = reboot.symptom == RebootSymptom::Aborted
        && !state.points.rebooted
        && state.points.against(reboot.at) != Hit::Before;
    now.then(|| Fault::new(995))
}

/// Answers Identify without logon; `None` for anything else.
pub(crate) fn identify_anonymous(host: &Arc<Host>, text: &str) -> Option<String> {
    let doc = Document::parse(text).ok()?;
    let (_, body) = envelope::parts(&doc).ok()?;
    envelope::child(&body, uri::IDENTITY, "Identify")?;
    Some(reply::plain(&reply::identify(host, false).xml))
}
