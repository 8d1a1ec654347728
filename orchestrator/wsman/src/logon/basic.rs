//! Basic: only where TLS has proved who answers.

use wsman_proto::auth::{basic, offers};

use super::{refused, secret_header};
use crate::carrier::Carrier;
use crate::error::{ErrorKind, Sent};
use crate::guard::LogonPermit;
use crate::link::{Failure, Link, SOAP, Security};
use crate::loss::Loss;
use crate::setup::Setup;

/// Refuses Basic wherever the password could be read by somebody else, whatever the settings say.
pub(super) fn check_transport(setup: &Setup) -> Result<(), Loss> {
    let refuse = |detail: &str| {
        Err(Loss::new(
            ErrorKind::InsecureTransport(detail.to_owned()),
            Sent::Nothing,
        ))
    };
    match &setup.endpoint.tls {
        None => refuse("Basic would send the password in clear over HTTP: refused"),
        Some(policy) if !policy.is_verifying() => refuse(
            "Basic would send the password to whoever answers: refused without a verified certificate",
        ),
        Some(_) => Ok(()),
    }
}

/// The handshake fails before the header leaves if the certificate is not proved.
pub(super) async fn log_on(
    setup: &Setup,
    carrier: Carrier,
    permit: Box<dyn LogonPermit>,
    envelope: &[u8],
) -> Result<(Link, Vec<u8>), Failure> {
    check_transport(setup)?;
    let header = secret_header(&basic(&setup.credentials.username, super::password(setup)?))?;
    let mut link = Link {
        carrier,
        security: Security::Header(header.clone()),
    };
    let headers = crate::carrier::Headers {
        authorization: Some(header),
        content_type: Some(SOAP),
        identify: false,
    };
    let answer = link.carrier.post(headers, envelope.to_vec()).await?;
    if answer.status == 401 {
        let schemes: Vec<String> = offers(answer.authenticate.iter().map(String::as_str))
            .into_iter()
            .map(|offer| offer.scheme)
            .collect();
        if !schemes
            .iter()
            .any(|scheme| scheme.eq_ignore_ascii_case("Basic"))
        {
            // The host has not judged the password.
            return Err(Failure::new(
                ErrorKind::AuthNotOffered(schemes),
                Sent::NotProcessed,
            ));
        }
        return Err(refused(permit));
    }
    setup.saw_certificate(answer.certificate.as_deref());
    if matches!(answer.status, 200 | 500) {
        permit.accepted();
    }
    let status = answer.status;
    let body = link.receive(answer).map_err(|failure| Failure {
        again: failure.again && status != 400,
        ..failure
    })?;
    Ok((link, body))
}
