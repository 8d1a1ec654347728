//! What an HTTP error means: nothing sent, not processed, or unknown (auth-crates.md 4.2).

use std::error::Error as StdError;
use std::io;

use crate::error::{ErrorKind, Sent};
use crate::gate::{ConnectionGone, Gate};
use crate::resolve::NotResolved;
use crate::tls::{TlsError, TlsProblem};

/// A request without a usable answer.
#[derive(Debug)]
pub(crate) struct Loss {
    pub(crate) kind: ErrorKind,
    pub(crate) sent: Sent,
    pub(crate) source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Loss {
    pub(crate) fn new(kind: ErrorKind, sent: Sent) -> Self {
        Self {
            kind,
            sent,
            source: None,
        }
    }
}

/// Sorts reqwest's errors by what is known of the request.
pub(crate) fn classify(error: reqwest::Error, gate: &Gate) -> Loss {
    let error = error.without_url();
    let (kind, sent) = if find::<ConnectionGone>(&error).is_some() {
        (
            ErrorKind::ConnectionLost("the host closed it while it was idle".to_owned()),
            Sent::Nothing,
        )
    } else if !gate.is_connected() {
        (connecting(&error), Sent::Nothing)
    } else if error.is_timeout() {
        (ErrorKind::Timeout, Sent::Unknown)
    } else if let Some(kind) = find::<rustls::Error>(&error).and_then(judged_certificate) {
        // In TLS 1.3 the host judges the client certificate when this side is already through with the handshake.
        (kind, Sent::NotProcessed)
    } else if let Some(kind) = no_http(&error) {
        (kind, Sent::Unknown)
    } else {
        (ErrorKind::ConnectionLost(broke(&error)), Sent::Unknown)
    };
    tracing::debug!(error = text(&error), "no answer");
    Loss {
        source: below(&kind, &error),
        kind,
        sent,
    }
}

/// What the system or a library below says of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Below(String);

/// The innermost cause, where it adds something: the layers above it only say that a request could not be sent.
fn below(kind: &ErrorKind, error: &reqwest::Error) -> Option<Box<dyn StdError + Send + Sync>> {
    // Of a certificate all is said in our own words; the library's are those of its debug output.
    let worded = matches!(kind, ErrorKind::ConnectionLost(words) if *words == broke(error));
    if worded
        || matches!(kind, ErrorKind::Timeout | ErrorKind::ConnectTimeout)
        || matches!(kind, ErrorKind::Tls(error) if error.problem != TlsProblem::Handshake)
    {
        return None;
    }
    let words = innermost(error);
    // Systems add their number: "Connection refused (os error 111)".
    let (bare, _) = words.split_once(" (os error").unwrap_or((&words, ""));
    let said = kind.to_string().to_lowercase();
    if said.contains(&bare.to_lowercase()) {
        return None;
    }
    Some(Box::new(Below(words)))
}

fn connecting(error: &reqwest::Error) -> ErrorKind {
    if let Some(error) = find::<NotResolved>(error) {
        return ErrorKind::Dns(error.to_string());
    }
    if let Some(error) = find::<rustls::Error>(error) {
        return tls(error);
    }
    match deepest(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => ErrorKind::ConnectRefused,
        Some(io::ErrorKind::TimedOut) => ErrorKind::ConnectTimeout,
        // The last one is a route or a firewall of this machine that forbids it.
        Some(
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::PermissionDenied,
        ) => ErrorKind::NoRoute(innermost(error)),
        _ if error.is_timeout() => ErrorKind::ConnectTimeout,
        // The connection was there, and was cut in the handshake: so does HTTP.sys on a port without a certificate.
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted,
        ) if !dialling(error) => no_tls(&innermost(error)),
        _ => ErrorKind::ConnectFailed(innermost(error)),
    }
}

/// It was TCP that did not come up. The connector has no type for it that can be named, only these words.
fn dialling(error: &reqwest::Error) -> bool {
    text(error).contains("tcp connect error")
}

/// Why a connection that was there broke. The TLS library's words for a host that is suddenly gone are an address of its
/// manual.
fn broke(error: &reqwest::Error) -> String {
    let words = innermost(error);
    match words.contains("close_notify") {
        true => "it was closed in the middle of an answer".to_owned(),
        false => words,
    }
}

/// What came is no HTTP, or more of it than is taken. `None` where the connection itself broke.
fn no_http(error: &reqwest::Error) -> Option<ErrorKind> {
    if find::<rustls::Error>(error).is_some() {
        return None;
    }
    let above = find::<hyper::Error>(error)?;
    // hyper has no other words for some causes than its texts; where they change, the connection "broke" again.
    let words = innermost(error);
    let broken_body = match deepest(error).map(io::Error::kind) {
        // Of bodies: how long chunks are, their extensions and trailers.
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => true,
        Some(_) => return None,
        None => false,
    };
    let over = ["over limit", "overflow", "too large"];
    if over.iter().any(|sign| words.contains(sign)) {
        let text = format!("the reply is over a bound of HTTP: {words}");
        return Some(ErrorKind::TooLarge(text));
    }
    // Nothing is expected before the request: banners of mail and other servers.
    if above.is_parse() || words.contains("unexpected message") {
        return Some(ErrorKind::NotHttp(words));
    }
    broken_body.then(|| broken_http(&words))
}

/// An answer of something that does speak HTTP.
pub(crate) fn broken_http(said: &str) -> ErrorKind {
    ErrorKind::Protocol(format!("the reply is broken HTTP: {said}"))
}

/// TCP came up, and TLS did not.
pub(crate) fn no_tls(said: &str) -> ErrorKind {
    ErrorKind::Tls(TlsError {
        problem: TlsProblem::NoAnswer,
        detail: format!("the port is open, but no TLS came up: {said}"),
    })
}

/// An alert that is about the certificate of this side.
fn judged_certificate(error: &rustls::Error) -> Option<ErrorKind> {
    use rustls::AlertDescription as Alert;
    let rustls::Error::AlertReceived(alert) = error else {
        return None;
    };
    let text = match alert {
        Alert::UnknownCA => "it does not trust the issuing authority",
        Alert::CertificateExpired => "it has expired",
        Alert::CertificateRevoked => "it is revoked",
        Alert::BadCertificate | Alert::UnsupportedCertificate | Alert::CertificateUnknown => {
            "it does not take this certificate"
        }
        Alert::AccessDenied => "access denied",
        Alert::CertificateRequired => "it needs one and got none",
        _ => return None,
    };
    Some(ErrorKind::CertificateRefused(text.to_owned()))
}

fn tls(error: &rustls::Error) -> ErrorKind {
    judged_certificate(error).unwrap_or_else(|| ErrorKind::Tls(crate::tls::judge(error)))
}

/// Finds a cause of a type, looking into `io::Error`s too: their `source` skips the error they carry.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(inner) = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            && let Some(found) = find::<T>(inner)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The system's own error, below those that only wrap it.
fn deepest(error: &reqwest::Error) -> Option<&io::Error> {
    let mut found = find::<io::Error>(error)?;
    while let Some(inner) = found.get_ref().and_then(|inner| find::<io::Error>(inner)) {
        found = inner;
    }
    Some(found)
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// The whole chain on one line.
pub(crate) fn text(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}
