//! Why TLS did not prove a host, told apart so that each cause can be mended.

use rustls::CertificateError as Bad;
use rustls::{Error, OtherError};
use x509_parser::time::ASN1Time;

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsProblem {
    /// Nobody that is trusted issued the certificate; a self-signed one as well.
    UnknownAuthority,
    /// The certificate is for other names.
    OtherName,
    /// Its time is over, or this machine's clock is ahead.
    Expired,
    /// Its time has not come, or this machine's clock is behind.
    NotYetValid,
    /// It is not for servers.
    WrongPurpose,
    /// It is that of an authority, not of a host.
    IsAuthority,
    /// It is not the pinned one.
    PinMismatch,
    /// It is revoked.
    Revoked,
    /// Another fault of the certificate.
    Broken,
    /// There is no certificate to judge: no common version or cipher suite, or no TLS at all.
    Handshake,
    /// The port is open, and TLS got no answer, or the connection was cut in the handshake.
    NoAnswer,
    /// A file on this side (authorities, client certificate, key) cannot be used.
    File,
}

/// TLS did not prove the host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{detail}", if matches!(.problem, TlsProblem::Handshake | TlsProblem::NoAnswer) { "TLS: " } else { "certificate: " })]
pub struct TlsError {
    /// The kind.
    pub problem: TlsProblem,
    /// What happened, for people. Names of the host's certificate in it are the host's words.
    pub detail: String,
}

impl TlsError {
    pub(crate) fn file(detail: String) -> Self {
        Self {
            problem: TlsProblem::File,
            detail,
        }
    }
}

/// Another certificate than the pinned one; the error that the verifier gives to rustls.
#[derive(Debug, thiserror::Error)]
#[error("it is not the pinned one: its SHA-256 is {0}")]
pub(super) struct NotPinned(pub(super) String);

impl From<NotPinned> for Error {
    fn from(found: NotPinned) -> Self {
        Self::InvalidCertificate(Bad::Other(OtherError(std::sync::Arc::new(found))))
    }
}

/// Names of a certificate in a message; there may be a hundred.
const SHOWN_NAMES: usize = 4;
/// Characters of one of them.
const MAX_NAME: usize = 100;

/// Sorts an error of the handshake.
pub(crate) fn judge(error: &Error) -> TlsError {
    use TlsProblem as P;
    let (problem, detail) = match error {
        Error::InvalidCertificate(bad) => match bad {
            Bad::UnknownIssuer => (
                P::UnknownAuthority,
                "no trusted authority issued it".to_owned(),
            ),
            Bad::Expired => (P::Expired, "it has expired".to_owned()),
            Bad::ExpiredContext { not_after, .. } => (
                P::Expired,
                format!("it has expired: {}", date(not_after.as_secs())),
            ),
            Bad::NotValidYet => (P::NotYetValid, "it is not valid yet".to_owned()),
            Bad::NotValidYetContext { not_before, .. } => (
                P::NotYetValid,
                format!("it is not valid before {}", date(not_before.as_secs())),
            ),
            Bad::NotValidForName => (P::OtherName, "it is for another name".to_owned()),
            Bad::NotValidForNameContext {
                expected,
                presented,
            } => {
                let wanted = expected.to_str();
                (
                    P::OtherName,
                    format!("it is for {}, not for {wanted}", names(presented)),
                )
            }
            Bad::InvalidPurpose | Bad::InvalidPurposeContext { .. } => (
                P::WrongPurpose,
                "it is not for servers (purpose Server Authentication)".to_owned(),
            ),
            Bad::Revoked => (P::Revoked, "it is revoked".to_owned()),
            Bad::Other(OtherError(other)) => match other.downcast_ref::<NotPinned>() {
                Some(found) => (P::PinMismatch, found.to_string()),
                // The library has no word of its own for it; its error says no more than this name.
                None if other.to_string() == "CaUsedAsEndEntity" => (
                    P::IsAuthority,
                    "it is marked as that of an authority, not of a host".to_owned(),
                ),
                None => (P::Broken, other.to_string()),
            },
            other => (P::Broken, other.to_string()),
        },
        Error::InvalidMessage(_) => (P::Handshake, "what answers does not speak TLS".to_owned()),
        Error::PeerIncompatible(_)
        | Error::AlertReceived(
            rustls::AlertDescription::HandshakeFailure
            | rustls::AlertDescription::ProtocolVersion
            | rustls::AlertDescription::InsufficientSecurity,
        ) => (
            P::Handshake,
            format!("no version or cipher suite in common ({error})"),
        ),
        other => (P::Handshake, other.to_string()),
    };
    TlsError { problem, detail }
}

/// Seconds since 1970 as a date and time in UTC.
fn date(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    ASN1Time::from_timestamp(seconds).map_or_else(
        |_| "a time long past or to come".to_owned(),
        |time| time.to_string(),
    )
}

fn names(presented: &[String]) -> String {
    // The library writes `DnsName("pc-1")`.
    let name = |text: &String| {
        let inner = text
            .split_once("(\"")
            .and_then(|(_, rest)| rest.strip_suffix("\")"));
        inner
            .unwrap_or(text)
            .chars()
            .take(MAX_NAME)
            .collect::<String>()
    };
    let shown: Vec<String> = presented.iter().take(SHOWN_NAMES).map(name).collect();
    match presented.len().saturating_sub(SHOWN_NAMES) {
        _ if shown.is_empty() => "no name at all".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
