//! Authentication of one connection (wsman.md 5).
//!
//! [`open`] connects and, for NTLM, gets the host's challenge: nothing derived from the password has left then. Only
//! [`log_on`] sends such a message, after the guard has let it, and carries the first operation along where the
//! transport allows it. With Kerberos the password meets the KDC only, once per run, and the guard is asked there.

mod basic;
mod certificate;
mod kerberos;
mod ntlm;

use std::time::Instant;

use wsman_proto::Secret;
use wsman_proto::auth::{Challenge, Ntlm, Wrapping, authorization, offers};

use crate::carrier::{Answer, Carrier};
use crate::endpoint::AuthMethod;
use crate::error::{ErrorKind, Sent};
use crate::guard::LogonPermit;
use crate::link::{Failure, Link};
use crate::loss::Loss;
use crate::setup::Setup;
pub use kerberos::{KerberosError, KerberosProblem};
pub(crate) use kerberos::{Ticketed, Tickets, WEAK_KEY};

/// A connection whose host waits for the message that proves the account.
pub(crate) struct Opening {
    pub(crate) carrier: Carrier,
    pub(crate) method: Method,
    since: Instant,
}

pub(crate) enum Method {
    /// Nothing has been sent yet, nor dialled.
    Basic,
    /// The same; the handshake is the logon.
    Certificate,
    Ntlm(Box<Challenged>),
    Kerberos(Box<Ticketed>),
}

/// An NTLM exchange after the second message.
pub(crate) struct Challenged {
    context: Ntlm,
    scheme: &'static str,
    wrapping: Wrapping,
    token: Vec<u8>,
    pub(crate) challenge: Challenge,
    pub(crate) certificate: Option<Vec<u8>>,
    /// The proxies that the challenge came through.
    via: Option<String>,
    /// Why it is not Kerberos, where that was tried first.
    pub(crate) instead_of: Option<String>,
}

/// How the last token and the first operation travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Together.
    OneLeg,
    /// The token alone, then the operation: for hosts that do not take both, and for operations that must not run
    /// twice.
    TwoLegs,
}

/// Connects. For NTLM up to the challenge, for Kerberos up to the ticket; no secret goes to the host.
pub(crate) async fn open(setup: &Setup) -> Result<Opening, Loss> {
    let (carrier, method) = match setup.endpoint.auth {
        AuthMethod::Basic => {
            basic::check_transport(setup)?;
            (setup.carrier()?, Method::Basic)
        }
        AuthMethod::Certificate => {
            certificate::check_transport(setup)?;
            (setup.carrier()?, Method::Certificate)
        }
        AuthMethod::Ntlm => open_ntlm(setup, None).await?,
        AuthMethod::Kerberos => open_kerberos(setup).await?,
        AuthMethod::Negotiate => match open_kerberos(setup).await {
            Err(loss) => open_ntlm(setup, Some(instead(setup, loss)?)).await?,
            opened => opened?,
        },
    };
    Ok(Opening {
        carrier,
        method,
        since: Instant::now(),
    })
}

async fn open_kerberos(setup: &Setup) -> Result<(Carrier, Method), Loss> {
    let (carrier, ticketed) = kerberos::open(setup).await?;
    Ok((carrier, Method::Kerberos(Box::new(ticketed))))
}

async fn open_ntlm(setup: &Setup, instead_of: Option<&str>) -> Result<(Carrier, Method), Loss> {
    let (carrier, challenged) = ntlm::open(setup, instead_of).await?;
    Ok((carrier, Method::Ntlm(Box::new(challenged))))
}

/// Why NTLM takes Kerberos' place; the failure itself where it may not.
fn instead(setup: &Setup, loss: Loss) -> Result<&'static str, Loss> {
    match &loss.kind {
        ErrorKind::Kerberos(error)
            if error.leaves_ntlm()
                && setup.endpoint.allow_ntlm
                // A session that began with a ticket has no other proof of who answers.
                && setup.peer().service.is_none()
                && setup.credentials.secret().is_some() =>
        {
            tracing::debug!(host = %setup.endpoint.name, %error, "NTLM in place of Kerberos");
            Ok(error.in_short())
        }
        _ => Err(loss),
    }
}

/// Proves the account, and carries out the first operation. Where what leaves is derived from a password, the guard
/// is asked right before.
pub(crate) async fn log_on(
    setup: &Setup,
    opening: Opening,
    form: Form,
    envelope: &[u8],
) -> Result<(Link, Vec<u8>), Failure> {
    let Opening {
        carrier,
        method,
        since,
    } = opening;
    match method {
        Method::Kerberos(ticketed) => {
            kerberos::log_on(setup, carrier, *ticketed, form, envelope).await
        }
        Method::Certificate => certificate::log_on(setup, carrier, envelope).await,
        Method::Basic => {
            let permit = admit(setup).await?;
            basic::log_on(setup, carrier, permit, envelope).await
        }
        Method::Ntlm(challenged) => {
            let permit = admit(setup).await?;
            let (carrier, challenged) = if since.elapsed() >= setup.endpoint.deadlines.challenge {
                match anew(setup, &challenged).await {
                    Ok(opened) => opened,
                    Err(loss) => {
                        permit.unsent();
                        return Err(loss.into());
                    }
                }
            } else {
                (carrier, *challenged)
            };
            ntlm::log_on(setup, carrier, challenged, permit, form, envelope).await
        }
    }
}

/// Connects once more, after the guard has kept us waiting: whoever answers now has to be the machine of before.
async fn anew(setup: &Setup, before: &Challenged) -> Result<(Carrier, Challenged), Loss> {
    let (carrier, challenged) = ntlm::open(setup, before.instead_of.as_deref()).await?;
    let method = Method::Ntlm(Box::new(challenged));
    setup.meet(&method)?;
    match method {
        Method::Ntlm(challenged) => Ok((carrier, *challenged)),
        _ => Err(Loss::new(
            ErrorKind::Protocol("no challenge".to_owned()),
            Sent::Nothing,
        )),
    }
}

async fn admit(setup: &Setup) -> Result<Box<dyn LogonPermit>, Failure> {
    setup
        .guard
        .admit(&setup.credentials.username, &setup.endpoint.name)
        .await
        .map_err(|denied| Failure::new(ErrorKind::LogonDenied(denied), Sent::Nothing))
}

/// The password; NTLM and Basic know no other proof.
fn password(setup: &Setup) -> Result<&Secret, Loss> {
    setup.credentials.secret().ok_or_else(|| {
        let text = "this authentication needs a password; tickets and keytabs are for Kerberos";
        Loss::new(ErrorKind::UnfitCredential(text.to_owned()), Sent::Nothing)
    })
}

/// The token that a host answers a scheme with.
fn token_of(answer: &Answer, scheme: &str) -> Option<Vec<u8>> {
    offers(answer.authenticate.iter().map(String::as_str))
        .into_iter()
        .find(|offer| offer.scheme.eq_ignore_ascii_case(scheme) && offer.token.is_some())?
        .token
}

fn header(scheme: &str, token: &[u8]) -> Result<reqwest::header::HeaderValue, Loss> {
    secret_header(&authorization(scheme, token))
}

/// A header value that debug output does not show.
fn secret_header(text: &str) -> Result<reqwest::header::HeaderValue, Loss> {
    let mut value = reqwest::header::HeaderValue::from_str(text).map_err(|_| {
        Loss::new(
            ErrorKind::Protocol("the credentials do not fit a header".to_owned()),
            Sent::Nothing,
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn refused(permit: Box<dyn LogonPermit>) -> Failure {
    permit.refused();
    Failure::new(ErrorKind::LogonRefused, Sent::NotProcessed)
}
