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
    /// It, or one above it, is signed in a way that is not taken any more: SHA-1, MD5.
    WeakSignature,
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
            Bad::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: id,
                ..
            }
            | Bad::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: id,
                ..
            } => (
                P::WeakSignature,
                format!("it is signed with {}, which is not taken", signature(id)),
            ),
            Bad::BadSignature => (
                P::Broken,
                "its signature is wrong, or its RSA key has less than 2048 bits".to_owned(),
            ),
            Bad::BadEncoding => (P::Broken, "it cannot be read".to_owned()),
            Bad::UnhandledCriticalExtension => (
                P::Broken,
                "it demands an extension that is not known here".to_owned(),
            ),
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

/// The name of a signature's algorithm, from the content of its identifier.
fn signature(id: &[u8]) -> &'static str {
    // Object identifiers of RFC 3279, in DER.
    const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1];
    const ECDSA_SHA1: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1];
    const DSA: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x38, 4];
    let contains = |part: &[u8]| id.windows(part.len()).any(|window| window == part);
    if contains(&[RSA, &[5]].concat()) || contains(ECDSA_SHA1) {
        "SHA-1"
    } else if contains(&[RSA, &[4]].concat()) {
        "MD5"
    } else if contains(DSA) {
        "DSA"
    } else {
        "an algorithm that is not known here"
    }
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

#[cfg(test)]
mod tests {
    use rustls::{CertificateError, Error};

    use super::{TlsProblem, judge};

    #[test]
    fn an_old_signature_is_named() {
        let id = |last: u8| {
            [
                &[6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 13, 1, 1][..],
                &[last, 5, 0],
            ]
            .concat()
        };
        let judged = |last: u8| {
            judge(&Error::InvalidCertificate(
                CertificateError::UnsupportedSignatureAlgorithmContext {
                    signature_algorithm_id: id(last),
                    supported_algorithms: Vec::new(),
                },
            ))
        };
        let error = judged(5);
        assert_eq!(error.problem, TlsProblem::WeakSignature);
        assert_eq!(
            error.to_string(),
            "certificate: it is signed with SHA-1, which is not taken"
        );
        assert!(judged(4).detail.contains("MD5"));
        assert!(judged(99).detail.contains("not known here"));
    }
}
