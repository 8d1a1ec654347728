//! Replies: the envelope's outside. What is inside the body is read by the operation's own module.

use crate::fault::{self, Fault};
use crate::ns;
use crate::xml::{self, Bounds, Element, XmlError};

/// Why a reply cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// Not acceptable XML.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// XML, but not a SOAP 1.2 envelope.
    #[error("the reply is not a SOAP envelope")]
    NotSoap,
    /// It answers another message than ours.
    #[error("the reply relates to another message (RelatesTo differs)")]
    RelatesTo,
}

/// A reply that belongs to our request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The content of `s:Body`, as that element.
    Body(Element),
    /// A SOAP fault.
    Fault(Fault),
}

/// Decodes a reply. `message_id` is what we sent: `RelatesTo` has to be the same id, in whatever letter case, and may be
/// missing in a fault only (some very early ones have none).
pub fn decode(bytes: &[u8], message_id: &str, bounds: Bounds) -> Result<Reply, ReplyError> {
    let envelope = xml::parse(bytes, bounds)?;
    if !envelope.is(ns::SOAP, "Envelope") {
        return Err(ReplyError::NotSoap);
    }
    let header = envelope.child(ns::SOAP, "Header");
    let body = envelope
        .child(ns::SOAP, "Body")
        .ok_or(ReplyError::NotSoap)?;
    let field = |name| {
        header
            .and_then(|header| header.child(ns::ADDRESSING, name))
            .map(Element::text)
    };
    let fault = body.child(ns::SOAP, "Fault");
    match field("RelatesTo") {
        Some(relates_to) if relates_to.trim().eq_ignore_ascii_case(message_id) => {}
        None if fault.is_some() => {}
        _ => return Err(ReplyError::RelatesTo),
    }
    let action = field("Action").unwrap_or_default();
    if let Some(fault) = fault {
        let mut fault = fault::decode(fault, action.trim());
        // SOAP 1.2 part 1, 5.4.8: which header was not understood stands in the header of the fault.
        let not_understood = header.and_then(|header| header.child(ns::SOAP, "NotUnderstood"));
        if let Some(name) = not_understood.and_then(|found| found.attribute("", "qname"))
            && fault.detail.is_empty()
        {
            fault.detail = crate::clip(fault::local_part(&name).to_owned());
        }
        return Ok(Reply::Fault(fault));
    }
    let body = envelope.into_child(ns::SOAP, "Body");
    Ok(Reply::Body(body.ok_or(ReplyError::NotSoap)?))
}
