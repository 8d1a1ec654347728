//! Client certificate: shown in the TLS handshake, mapped to an account by the host (auth-crates.md 4.4).
//!
//! A host that asks for it only after the request (renegotiation in TLS 1.2, authentication after the handshake in
//! TLS 1.3) cannot be served by this TLS library; it is recognised, and the error names the setting that mends it.

use reqwest::header::HeaderValue;

use crate::carrier::{Carrier, Headers};
use crate::error::{ErrorKind, Sent};
use crate::link::{Failure, Link, SOAP, Security};
use crate::loss::Loss;
use crate::setup::Setup;

/// The word for "see the certificate" (DSP0226, security profile of mutual TLS).
const MUTUAL: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual";

/// Refuses what cannot work, before anything is dialled.
pub(super) fn check_transport(setup: &Setup) -> Result<(), Loss> {
    if setup.endpoint.tls.is_none() {
        let text = "a client certificate is shown in the TLS handshake: plain HTTP has none";
        let kind = ErrorKind::InsecureTransport(text.to_owned());
        return Err(Loss::new(kind, Sent::Nothing));
    }
    Ok(())
}

/// Carries out the first operation; the logon is the handshake before it. No guard: no password is involved.
pub(super) async fn log_on(
    setup: &Setup,
    carrier: Carrier,
    envelope: &[u8],
) -> Result<(Link, Vec<u8>), Failure> {
    let header = HeaderValue::from_static(MUTUAL);
    let mut link = Link {
        carrier,
        security: Security::Header(header.clone()),
    };
    let headers = Headers {
        authorization: Some(header),
        content_type: Some(SOAP),
        identify: false,
    };
    let outcome = link.carrier.post(headers, envelope.to_vec()).await;
    // A host that wants the certificate later hangs up, or says no, or waits for an answer that does not come.
    if link.carrier.is_connected() && !link.carrier.was_asked_for_certificate() {
        let sent = match &outcome {
            Ok(answer) if matches!(answer.status, 200 | 500) => Sent::Unknown,
            _ => Sent::NotProcessed,
        };
        return Err(Failure::new(ErrorKind::CertificateNotAsked, sent));
    }
    let answer = outcome?;
    setup.saw_certificate(answer.certificate.as_deref());
    let refused = match answer.status {
        401 => Some("its WinRM service does not take certificates as a logon"),
        403 => Some("it maps the certificate to no account"),
        _ => None,
    };
    if let Some(text) = refused {
        let kind = ErrorKind::CertificateRefused(text.to_owned());
        return Err(Failure::new(kind, Sent::NotProcessed));
    }
    let body = link.receive(answer)?;
    Ok((link, body))
}
