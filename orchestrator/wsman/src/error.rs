//! What can go wrong with a host, and whether the request may have been carried out.

use wsman_proto::Fault;

use crate::client::Cost;
use crate::guard::LogonDenied;
use crate::logon::KerberosError;
use crate::tls::TlsError;

/// Whether the operation that failed may have been carried out (auth-crates.md 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// No byte of it left.
    Nothing,
    /// The host answered that it did not carry it out.
    NotProcessed,
    /// It left, and no answer settles what became of it.
    Unknown,
}

/// An operation on a host that failed. Display is fit for "failed to {error}"... without the source.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {kind}")]
pub struct Error {
    /// What was being done, e.g. `SetStringValue`, `log on`.
    pub operation: &'static str,
    /// What happened.
    pub kind: ErrorKind,
    /// Whether the host may have carried it out.
    pub sent: Sent,
    /// The underlying error, if there is one. Holds no secret.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// What a connection cost that did not come about. Nothing for later failures: their cost is the client's.
    pub spent: Cost,
}

impl Error {
    pub(crate) fn new(operation: &'static str, sent: Sent, kind: ErrorKind) -> Self {
        Self {
            operation,
            kind,
            sent,
            source: None,
            spent: Cost::default(),
        }
    }

    /// The fault, if the host answered with one.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.kind {
            ErrorKind::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

/// The kinds of failure.
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// The name does not resolve.
    #[error("the name does not resolve: {0}")]
    Dns(String),
    /// The port is closed.
    #[error("connection refused")]
    ConnectRefused,
    /// This machine, or a router, knows no way to the address.
    #[error("no route to the host: {0}")]
    NoRoute(String),
    /// Another network failure before anything was sent.
    #[error("cannot connect: {0}")]
    ConnectFailed(String),
    /// No answer to the connect within the deadline.
    #[error("no answer to the connect within the deadline")]
    ConnectTimeout,
    /// No (complete) answer to a request within the deadline.
    #[error("no complete answer within the deadline")]
    Timeout,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    ConnectionLost(String),
    /// An HTTP status without SOAP: 403, 404, 413, 503, ...
    #[error("HTTP status {0}")]
    Http(u16),
    /// An HTTP proxy between here and the host answered.
    #[error("HTTP status {status} from a proxy in between ({})", named(.by))]
    Proxy {
        /// HTTP status.
        status: u16,
        /// What it calls itself (`Via`, else `Server`).
        by: String,
    },
    /// Something answered that is no WinRM.
    #[error("HTTP status {status} with a page of HTML from something that is no WinRM ({})", named(.by))]
    Foreign {
        /// HTTP status.
        status: u16,
        /// What it calls itself (`Server`).
        by: String,
    },
    /// What answers closes the connection in the middle of the logon, which belongs to it.
    #[error("the connection is closed in the middle of the logon, which belongs to it (by {})", named(.0))]
    NotKept(String),
    /// What answers speaks no HTTP, or broken HTTP.
    #[error("what answers does not speak HTTP ({0})")]
    NotHttp(String),
    /// The host refused user name or password.
    #[error("the host refused the user name or password")]
    LogonRefused,
    /// The guard did not let the attempt out.
    #[error("{0}")]
    LogonDenied(LogonDenied),
    /// Kerberos did not work.
    #[error("{0}")]
    Kerberos(KerberosError),
    /// The credential is of a kind that this authentication cannot use.
    #[error("{0}")]
    UnfitCredential(String),
    /// The host wants the client certificate, if at all, after the handshake: that cannot be done here.
    #[error("the host did not ask for the client certificate in the TLS handshake")]
    CertificateNotAsked,
    /// The host refused the client certificate.
    #[error("the host refused the client certificate: {0}")]
    CertificateRefused(String),
    /// The host takes no NTLM, in no form.
    #[error(
        "the host takes no NTLM, neither as it is nor inside SPNEGO (offered: {}): it demands Kerberos{}",
        list(.offered), because(.no_kerberos.as_deref())
    )]
    NtlmRefused {
        /// Schemes that the host offers.
        offered: Vec<String>,
        /// Why it was not Kerberos, where that was tried first.
        no_kerberos: Option<String>,
    },
    /// Another machine answers a new connection than the one that the session has dealt with. Nothing was sent to it.
    #[error("another machine answers than before: {now} instead of {before}")]
    AnotherMachine {
        /// What it called itself in its first NTLM challenge.
        before: String,
        /// What it calls itself now.
        now: String,
    },
    /// The host offers none of the schemes allowed here.
    #[error("the host offers no usable authentication (offered: {})", list(.0))]
    AuthNotOffered(Vec<String>),
    /// TLS did not prove the host: unknown authority, wrong name, expired, pin mismatch, ...
    #[error("{0}")]
    Tls(TlsError),
    /// Something secret would have left in clear; refused on this side.
    #[error("{0}")]
    InsecureTransport(String),
    /// The host wants, or answered, plain text where sealing is needed.
    #[error("{0}")]
    SealingRefused(String),
    /// A SOAP fault.
    #[error("{0}")]
    Fault(Box<Fault>),
    /// A method ran and returned a non-zero `ReturnValue`.
    #[error("{method} returned {code} ({name})")]
    Registry {
        /// Method of `StdRegProv` or of another class.
        method: &'static str,
        /// `ReturnValue`: Win32 or WMI number, or HRESULT.
        code: u32,
        /// Its name, `unknown` if we have none.
        name: &'static str,
    },
    /// The value has another type than the one asked for.
    #[error("the value has another type")]
    TypeMismatch,
    /// The reply breaks the protocol (`RelatesTo`, framing, XML).
    #[error("{0}")]
    Protocol(String),
    /// A bound was passed: reply size, depth, output, items.
    #[error("{0}")]
    TooLarge(String),
}

impl ErrorKind {
    /// Changes what the other side may have worded.
    pub(crate) fn map_words(&mut self, map: impl Fn(&str) -> String) {
        match self {
            Self::Dns(text)
            | Self::NoRoute(text)
            | Self::ConnectFailed(text)
            | Self::ConnectionLost(text)
            | Self::NotHttp(text)
            | Self::NotKept(text)
            | Self::Proxy { by: text, .. }
            | Self::Foreign { by: text, .. }
            | Self::CertificateRefused(text)
            | Self::SealingRefused(text)
            | Self::Protocol(text)
            | Self::TooLarge(text) => *text = map(text),
            Self::NtlmRefused { offered, .. } | Self::AuthNotOffered(offered) => {
                for scheme in offered {
                    *scheme = map(scheme);
                }
            }
            Self::AnotherMachine { before, now } => {
                *before = map(before);
                *now = map(now);
            }
            Self::Tls(error) => error.detail = map(&error.detail),
            Self::Fault(fault) => fault.map_words(map),
            Self::ConnectRefused
            | Self::ConnectTimeout
            | Self::Timeout
            | Self::Http(_)
            | Self::LogonRefused
            | Self::LogonDenied(_)
            | Self::Kerberos(_)
            | Self::UnfitCredential(_)
            | Self::CertificateNotAsked
            | Self::InsecureTransport(_)
            | Self::Registry { .. }
            | Self::TypeMismatch => {}
        }
    }
}

/// What an NTLM logon brought that was refused all the same: the host says nothing but 401, so that only this tells which
/// demands of hardened hosts it did meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NtlmProof {
    /// The service it was for.
    pub service: String,
    /// Bound to the TLS channel.
    pub bound: bool,
    /// Why it was not Kerberos, where that was tried first.
    pub no_kerberos: Option<String>,
}

impl std::fmt::Display for NtlmProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bound = if self.bound {
            "the channel binding of its certificate, "
        } else {
            ""
        };
        write!(
            f,
            "it was given NTLMv2 with keys of 128 bits, an integrity code, {bound}and the target name {}",
            self.service
        )?;
        match &self.no_kerberos {
            Some(why) => write!(
                f,
                "; Kerberos, which was tried first, was not possible: {why}"
            ),
            None => Ok(()),
        }
    }
}

impl std::error::Error for NtlmProof {}

fn because(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| {
        format!(", which was not possible: {why}")
    })
}

fn named(name: &str) -> &str {
    if name.is_empty() {
        "without a name"
    } else {
        name
    }
}

fn list(schemes: &[String]) -> String {
    if schemes.is_empty() {
        "nothing".to_owned()
    } else {
        schemes.join(", ")
    }
}
