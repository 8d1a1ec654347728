//! Request envelopes (wsman.md 2.2): headers and body, message ids given by the caller.

use crate::ns;
use crate::xml::{Writer, is_sendable};

/// Ids and addresses of one message; everything that is not the request itself.
#[derive(Clone, Debug)]
pub struct Addressing<'a> {
    /// URL of the listener, goes into `a:To`.
    pub to: &'a str,
    /// `uuid:` and a UUID, new for each message.
    pub message_id: &'a str,
    /// `uuid:` and a UUID, one for each session.
    pub session_id: &'a str,
    /// `OperationTimeout` in milliseconds.
    pub operation_timeout_ms: u64,
}

/// A request without its ids: can be encoded again with new ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it is called in errors and traces.
    pub operation: &'static str,
    /// True when it changes nothing on the host.
    pub reads: bool,
    action: String,
    resource: String,
    selectors: Vec<(String, String)>,
    options: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// What replies may measure: above Windows' usual 153600, so that Pull and Receive carry more at a time.
const MAX_ENVELOPE_SIZE: &str = "512000";

impl Request {
    pub(crate) fn new(
        operation: &'static str,
        action: impl Into<String>,
        resource: impl Into<String>,
        body: Vec<u8>,
    ) -> Self {
        Self {
            operation,
            reads: false,
            action: action.into(),
            resource: resource.into(),
            selectors: Vec::new(),
            options: Vec::new(),
            body,
        }
    }

    pub(crate) fn reads(mut self, reads: bool) -> Self {
        self.reads = reads;
        self
    }

    pub(crate) fn selector(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.selectors.push((name.into(), value.into()));
        self
    }

    pub(crate) fn option(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.options.push((name, value.into()));
        self
    }

    /// The addressing action.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The first reason why this request cannot be sent as XML 1.0, if there is one.
    pub fn unsendable(&self) -> Option<&'static str> {
        let header = self
            .selectors
            .iter()
            .all(|(name, value)| is_sendable(name) && is_sendable(value));
        let body = std::str::from_utf8(&self.body).is_ok_and(is_sendable);
        (!header || !body).then_some("a control character cannot be sent in XML")
    }

    /// The envelope as UTF-8 without BOM.
    pub fn encode(&self, addressing: &Addressing<'_>) -> Vec<u8> {
        let mut writer = Writer::new();
        let namespaces = [
            ("xmlns:s", ns::SOAP),
            ("xmlns:a", ns::ADDRESSING),
            ("xmlns:w", ns::WSMAN),
            ("xmlns:p", ns::WSMV),
        ];
        writer.element("s:Envelope", &namespaces, |writer| {
            writer.element("s:Header", &[], |writer| self.header(writer, addressing));
            writer.element("s:Body", &[], |writer| writer.raw(&self.body));
        });
        writer.finish()
    }

    fn header(&self, writer: &mut Writer, addressing: &Addressing<'_>) {
        let must = [("s:mustUnderstand", "true")];
        let locale = [("xml:lang", "en-US"), ("s:mustUnderstand", "false")];
        writer.text("a:To", &[], addressing.to);
        writer.element("a:ReplyTo", &[], |writer| {
            writer.text("a:Address", &must, ns::ANONYMOUS)
        });
        writer.text("a:Action", &must, &self.action);
        writer.text("a:MessageID", &[], addressing.message_id);
        writer.text("w:ResourceURI", &must, &self.resource);
        writer.text("w:MaxEnvelopeSize", &must, MAX_ENVELOPE_SIZE);
        writer.text(
            "w:OperationTimeout",
            &[],
            &duration(addressing.operation_timeout_ms),
        );
        writer.empty("w:Locale", &locale);
        writer.empty("p:DataLocale", &locale);
        writer.text(
            "p:SessionId",
            &[("s:mustUnderstand", "false")],
            addressing.session_id,
        );
        if !self.selectors.is_empty() {
            writer.element("w:SelectorSet", &[], |writer| {
                for (name, value) in &self.selectors {
                    writer.text("w:Selector", &[("Name", name)], value);
                }
            });
        }
        if !self.options.is_empty() {
            writer.element("w:OptionSet", &must, |writer| {
                for (name, value) in &self.options {
                    writer.text("w:Option", &[("Name", name)], value);
                }
            });
        }
    }
}

/// xs:duration with milliseconds, e.g. `PT60.000S`.
fn duration(ms: u64) -> String {
    format!("PT{}.{:03}S", ms / 1000, ms % 1000)
}
