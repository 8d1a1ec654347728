//! Identify (DSP0226 section 11, wsman.md 1.5). Carries no addressing headers, so no `RelatesTo` comes back.

use crate::ns;
use crate::reply::ReplyError;
use crate::xml::{self, Bounds, Element, Writer};

/// What a listener says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Protocol URI.
    pub protocol_version: String,
    /// `Microsoft Corporation`.
    pub product_vendor: String,
    /// `OS: 10.0.17763 SP: 0.0 Stack: 3.0`; zeros when asked without logon.
    pub product_version: String,
    /// Only when asked with logon.
    pub security_profiles: Vec<String>,
}

impl Identity {
    /// The `OS:` part, e.g. `10.0.17763`.
    pub fn os(&self) -> Option<&str> {
        self.after("OS:")
    }

    /// The `Stack:` part, e.g. `3.0`.
    pub fn stack(&self) -> Option<&str> {
        self.after("Stack:")
    }

    fn after(&self, label: &str) -> Option<&str> {
        self.product_version
            .split_once(label)?
            .1
            .split_whitespace()
            .next()
    }
}

/// The constant request.
pub fn request() -> Vec<u8> {
    let mut writer = Writer::new();
    writer.element(
        "s:Envelope",
        &[("xmlns:s", ns::SOAP), ("xmlns:i", ns::IDENTITY)],
        |writer| {
            writer.empty("s:Header", &[]);
            writer.element("s:Body", &[], |writer| writer.empty("i:Identify", &[]));
        },
    );
    writer.finish()
}

/// A host has a handful.
const MAX_PROFILES: usize = 50;

/// Reads the reply.
pub fn decode(bytes: &[u8], bounds: Bounds) -> Result<Identity, ReplyError> {
    let envelope = xml::parse(bytes, bounds)?;
    let response = envelope
        .path(&[(ns::SOAP, "Body"), (ns::IDENTITY, "IdentifyResponse")])
        .ok_or(ReplyError::NotSoap)?;
    let text = |name| {
        response
            .child(ns::IDENTITY, name)
            .map(|element| crate::clip(element.text().trim().to_owned()))
            .unwrap_or_default()
    };
    Ok(Identity {
        protocol_version: text("ProtocolVersion"),
        product_vendor: text("ProductVendor"),
        product_version: text("ProductVersion"),
        security_profiles: response
            .child(ns::IDENTITY, "SecurityProfiles")
            .map(|profiles| {
                let texts = profiles.children().take(MAX_PROFILES).map(Element::text);
                texts.map(crate::clip).collect()
            })
            .unwrap_or_default(),
    })
}
