//! The lines of a trace file: JSON, one object each, in the order in which things happened.

use rollout::HostError;
use serde::{Deserialize, Serialize};
use wsman::{AuthMethod, HttpExchange, NtlmProof, Peer, Seen, Sent};

use super::kind::Kind;

/// The version of the form: 2 keeps failures of Kerberos and what a refused NTLM logon brought. A reader refuses a newer one.
pub(crate) const SCHEMA: u32 = 2;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Milliseconds since the file was begun.
    pub(crate) at_ms: u64,
    /// The host's name; empty in the first and the last line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) host: String,
    #[serde(flatten)]
    pub(crate) event: Event,
}

/// What happened.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The first line.
    Trace {
        schema: u32,
        program: String,
        started: String,
    },
    /// A session begins.
    Begin {
        address: String,
        port: u16,
        tls: bool,
        auth: String,
        account: String,
        /// Whether the host had to prove its name. Lines from before this was kept say that it had to.
        #[serde(default = "verified")]
        verify_name: bool,
    },
    /// A request and its answer, below SOAP.
    Http(Http),
    /// Who answers.
    Peer(Who),
    /// A message for the host.
    Request { operation: String, envelope: String },
    /// The host's answer.
    Reply { operation: String, envelope: String },
    /// No answer, or none that can be used.
    Failed {
        operation: String,
        /// Whether the host may have carried it out.
        sent: Delivery,
        kind: Kind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proof: Option<Proof>,
    },
    /// What was said of the host in the end; no error where all went well.
    Verdict {
        error: Option<HostError>,
        /// What the host does without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partly: Option<HostError>,
    },
    /// The last line of a file that has come to its bound.
    Full,
}

/// [`HttpExchange`] on disk.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Http {
    pub(crate) scheme: Option<String>,
    pub(crate) sent_type: Option<String>,
    pub(crate) sent: usize,
    pub(crate) status: u16,
    pub(crate) offered: Vec<String>,
    pub(crate) server: String,
    pub(crate) via: Option<String>,
    pub(crate) received_type: String,
    pub(crate) received: usize,
    pub(crate) page: Option<String>,
}

/// [`Peer`] on disk.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Who {
    pub(crate) computer_name: Option<String>,
    pub(crate) dns_name: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) auth: String,
    pub(crate) sealed: bool,
    pub(crate) tls_verified: bool,
}

/// [`NtlmProof`] on disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Proof {
    service: String,
    bound: bool,
    no_kerberos: Option<String>,
}

impl From<&NtlmProof> for Proof {
    fn from(proof: &NtlmProof) -> Self {
        Self {
            service: proof.service.clone(),
            bound: proof.bound,
            no_kerberos: proof.no_kerberos.clone(),
        }
    }
}

impl From<Proof> for NtlmProof {
    fn from(proof: Proof) -> Self {
        Self {
            service: proof.service,
            bound: proof.bound,
            no_kerberos: proof.no_kerberos,
        }
    }
}

/// [`Sent`] on disk.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delivery {
    Nothing,
    NotProcessed,
    Unknown,
}

impl From<Sent> for Delivery {
    fn from(sent: Sent) -> Self {
        match sent {
            Sent::Nothing => Self::Nothing,
            Sent::NotProcessed => Self::NotProcessed,
            Sent::Unknown => Self::Unknown,
        }
    }
}

impl From<Delivery> for Sent {
    fn from(sent: Delivery) -> Self {
        match sent {
            Delivery::Nothing => Self::Nothing,
            Delivery::NotProcessed => Self::NotProcessed,
            Delivery::Unknown => Self::Unknown,
        }
    }
}

impl Event {
    pub(super) fn of(seen: &Seen<'_>) -> Self {
        match seen {
            Seen::Begin { endpoint, account } => Self::Begin {
                address: endpoint.address.clone(),
                port: endpoint.port,
                tls: endpoint.tls.is_some(),
                auth: auth(endpoint.auth).to_owned(),
                account: (*account).to_owned(),
                verify_name: endpoint.verify_name,
            },
            Seen::Http(exchange) => Self::Http((*exchange).into()),
            Seen::Peer(peer) => Self::Peer((*peer).into()),
            Seen::Request {
                operation,
                envelope,
            } => Self::Request {
                operation: (*operation).to_owned(),
                envelope: (*envelope).to_owned(),
            },
            Seen::Reply {
                operation,
                envelope,
            } => Self::Reply {
                operation: (*operation).to_owned(),
                envelope: (*envelope).to_owned(),
            },
            Seen::Failed {
                operation,
                kind,
                sent,
                proof,
            } => Self::Failed {
                operation: (*operation).to_owned(),
                sent: (*sent).into(),
                kind: Kind::of(kind),
                proof: proof.map(Proof::from),
            },
        }
    }
}

fn verified() -> bool {
    true
}

/// As an inventory writes it.
pub(super) fn auth(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::Negotiate => "negotiate",
        AuthMethod::Kerberos => "kerberos",
        AuthMethod::Ntlm => "ntlm",
        AuthMethod::Basic => "basic",
        AuthMethod::Certificate => "certificate",
    }
}

impl From<&HttpExchange> for Http {
    fn from(exchange: &HttpExchange) -> Self {
        let HttpExchange {
            scheme,
            sent_type,
            sent,
            status,
            offered,
            server,
            via,
            received_type,
            received,
            page,
        } = exchange.clone();
        Self {
            scheme,
            sent_type,
            sent,
            status,
            offered,
            server,
            via,
            received_type,
            received,
            page,
        }
    }
}

impl From<&Peer> for Who {
    fn from(peer: &Peer) -> Self {
        Self {
            computer_name: peer.computer_name.clone(),
            dns_name: peer.dns_name.clone(),
            domain: peer.domain.clone(),
            service: peer.service.clone(),
            auth: peer.auth.clone(),
            sealed: peer.sealed,
            tls_verified: peer.tls_verified,
        }
    }
}

impl From<Who> for Peer {
    fn from(who: Who) -> Self {
        Self {
            computer_name: who.computer_name,
            dns_name: who.dns_name,
            domain: who.domain,
            service: who.service,
            auth: who.auth,
            sealed: who.sealed,
            tls_verified: who.tls_verified,
            ..Self::default()
        }
    }
}
