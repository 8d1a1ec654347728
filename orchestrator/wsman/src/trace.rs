//! What passes between here and a host, for whoever has to find out why it does not work.
//!
//! INVARIANT: nothing secret is handed out. Tokens and passwords travel in headers, of which only the scheme's name comes
//! here; messages come unsealed and masked ([`wsman_proto::shown`]), and what a host says back of the tokens is taken out.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use wsman_proto::auth::offers;
use wsman_proto::shown::{self, Masker};
use wsman_proto::xml::Bounds;

use crate::carrier::{Answer, Headers};
use crate::client::Peer;
use crate::endpoint::Endpoint;
use crate::error::{ErrorKind, NtlmProof, Sent};
use crate::loss::Loss;
use crate::spoken::Spoken;

/// Gets to know what passes. Called in the order of one host's session; the sessions of a run interleave. Must return
/// quickly: the host waits.
pub trait Trace: Send + Sync + fmt::Debug {
    /// Something passed between here and the host of this name.
    fn saw(&self, host: &str, seen: &Seen<'_>);
}

/// One thing that passed.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A session begins.
    Begin {
        /// Where to, and how.
        endpoint: &'a Endpoint,
        /// The account's name.
        account: &'a str,
    },
    /// A request went out and an answer came, below SOAP.
    Http(&'a HttpExchange),
    /// Who answers, as far as it is known by now.
    Peer(&'a Peer),
    /// A message for the host, before it is sealed, masked.
    Request {
        /// What it is for, e.g. `GetStringValue`.
        operation: &'a str,
        /// XML.
        envelope: &'a str,
    },
    /// The host's answer to it, unsealed, masked.
    Reply {
        /// What it is for.
        operation: &'a str,
        /// XML, or what came instead.
        envelope: &'a str,
    },
    /// No answer came, or none that can be used.
    Failed {
        /// What was being done.
        operation: &'a str,
        /// Why.
        kind: &'a ErrorKind,
        /// Whether the host may have carried it out.
        sent: Sent,
        /// What a refused NTLM logon brought.
        proof: Option<&'a NtlmProof>,
    },
}

/// Characters of a page of HTML.
const MAX_PAGE: usize = 1000;

/// A request and its answer, below SOAP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpExchange {
    /// Scheme of the request's `Authorization`, without what follows it.
    pub scheme: Option<String>,
    /// Type of what was sent.
    pub sent_type: Option<String>,
    /// Bytes of the body that was sent.
    pub sent: usize,
    /// HTTP status of the answer.
    pub status: u16,
    /// Schemes on offer (`WWW-Authenticate`), without their tokens.
    pub offered: Vec<String>,
    /// `Server`.
    pub server: String,
    /// `Via`.
    pub via: Option<String>,
    /// Type of what came.
    pub received_type: String,
    /// Bytes of the body that came.
    pub received: usize,
    /// The beginning of a page of HTML: it often names the proxy that made it.
    pub page: Option<String>,
}

impl HttpExchange {
    pub(crate) fn sending(headers: &Headers<'_>, sent: usize) -> Self {
        let scheme = headers.authorization.as_ref().map(|value| {
            let bytes = value.as_bytes();
            let end = bytes.iter().position(|byte| *byte == b' ');
            // A value of one word alone is a token, but for the word of mutual TLS.
            match end {
                Some(end) => String::from_utf8_lossy(&bytes[..end]).into_owned(),
                None => "certificate".to_owned(),
            }
        });
        Self {
            scheme,
            sent_type: headers.content_type.map(str::to_owned),
            sent,
            ..Self::default()
        }
    }

    pub(crate) fn answered(mut self, answer: &Answer, spoken: &Spoken) -> Self {
        let known = spoken.known();
        let short = |text: &str| {
            let text = shown::words(text, &known);
            text.chars().take(200).collect::<String>()
        };
        self.status = answer.status;
        self.offered = offers(answer.authenticate.iter().map(String::as_str))
            .into_iter()
            .map(|offer| short(&offer.scheme))
            .collect();
        self.server = short(&answer.server);
        self.via = answer.via.as_deref().map(short);
        self.received_type = short(&answer.content_type);
        self.received = answer.body.len();
        self.page = answer.is_html().then(|| {
            // Masked before it is cut: half a token would not be known.
            let page = shown::excerpt(&answer.body, &known);
            page.chars().take(MAX_PAGE).collect()
        });
        self
    }
}

/// The trace of one session, if there is one. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracer(Option<Arc<Session>>);

#[derive(Debug)]
struct Session {
    host: String,
    trace: Arc<dyn Trace>,
    // A lock: what a reply may show depends on the request before it, and the two come from different calls.
    masker: Mutex<Masker>,
    spoken: Spoken,
}

impl Tracer {
    pub(crate) fn new(endpoint: &Endpoint, spoken: &Spoken) -> Self {
        Self(endpoint.trace.as_ref().map(|trace| {
            Arc::new(Session {
                host: endpoint.name.clone(),
                trace: Arc::clone(trace),
                masker: Mutex::default(),
                spoken: spoken.clone(),
            })
        }))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn saw(&self, seen: &Seen<'_>) {
        if let Some(session) = &self.0 {
            session.trace.saw(&session.host, seen);
        }
    }

    pub(crate) fn request(&self, operation: &str, bytes: &[u8]) {
        if let Some(session) = &self.0 {
            let envelope = session.masker().request(bytes);
            let envelope = envelope.as_str();
            let seen = Seen::Request {
                operation,
                envelope,
            };
            session.trace.saw(&session.host, &seen);
        }
    }

    pub(crate) fn reply(&self, operation: &str, bytes: &[u8], bounds: Bounds) {
        if let Some(session) = &self.0 {
            let envelope = session.masker().reply(bytes, bounds);
            let envelope = envelope.as_str();
            let seen = Seen::Reply {
                operation,
                envelope,
            };
            session.trace.saw(&session.host, &seen);
        }
    }

    pub(crate) fn failed(&self, operation: &str, loss: &Loss) {
        let source = loss.source.as_deref();
        self.saw(&Seen::Failed {
            operation,
            kind: &loss.kind,
            sent: loss.sent,
            proof: source.and_then(|source| source.downcast_ref::<NtlmProof>()),
        });
    }
}

impl Session {
    /// It knows what has been sent by now.
    fn masker(&self) -> std::sync::MutexGuard<'_, Masker> {
        let mut masker = self.masker.lock().unwrap_or_else(PoisonError::into_inner);
        masker.knows(self.spoken.known());
        masker
    }
}
