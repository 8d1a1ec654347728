//! What an HTTP error means: nothing sent, not processed, or unknown (auth-crates.md 4.2).

use std::error::Error as StdError;
use std::io;

use crate::error::{ErrorKind, Sent};
use crate::gate::{ConnectionGone, Gate};
use crate::resolve::NotResolved;

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
    } else {
        (ErrorKind::ConnectionLost(innermost(&error)), Sent::Unknown)
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
    if matches!(kind, ErrorKind::Timeout | ErrorKind::ConnectTimeout) {
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
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => ErrorKind::ConnectRefused,
        Some(io::ErrorKind::TimedOut) => ErrorKind::ConnectTimeout,
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            ErrorKind::NoRoute(innermost(error))
        }
        _ if error.is_timeout() => ErrorKind::ConnectTimeout,
        _ => ErrorKind::ConnectFailed(innermost(error)),
    }
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
