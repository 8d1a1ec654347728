//! Authentication of one connection (wsman.md 5).
//!
//! [`open`] connects and, for NTLM, gets the host's challenge: nothing derived from the password has left then. Only
//! [`log_on`] sends such a message, after the guard has let it, and carries the first operation along where the
//! transport allows it.

mod basic;
mod ntlm;

use std::time::{Duration, Instant};

use wsman_proto::auth::{
    Account, Challenge, Ntlm, SecurityContext as _, Wrapping, authorization, offers,
};

use crate::carrier::{Carrier, Headers};
use crate::endpoint::AuthMethod;
use crate::error::{ErrorKind, Sent};
use crate::guard::LogonPermit;
use crate::link::{Failure, Link};
use crate::loss::Loss;
use crate::session::Setup;

/// A connection whose host waits for the message that proves the account.
pub(crate) struct Opening {
    pub(crate) carrier: Carrier,
    pub(crate) method: Method,
    since: Instant,
}

pub(crate) enum Method {
    /// Nothing has been sent yet, nor dialled.
    Basic,
    Ntlm(Box<Challenged>),
}

/// An NTLM exchange after the second message.
pub(crate) struct Challenged {
    context: Ntlm,
    scheme: &'static str,
    wrapping: Wrapping,
    token: Vec<u8>,
    pub(crate) challenge: Challenge,
    pub(crate) certificate: Option<Vec<u8>>,
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

/// A host closes silent connections after two minutes; the guard may have kept us waiting.
const STALE: Duration = Duration::from_secs(45);

/// Connects. For NTLM up to the challenge; no secret is used.
pub(crate) async fn open(setup: &Setup) -> Result<Opening, Loss> {
    if setup.endpoint.auth == AuthMethod::Basic {
        basic::check_transport(setup)?;
        let carrier = setup.carrier()?;
        return Ok(Opening {
            carrier,
            method: Method::Basic,
            since: Instant::now(),
        });
    }
    let mut attempt = ("Negotiate", Wrapping::Raw);
    loop {
        match challenge(setup, attempt.0, attempt.1).await? {
            Ok(opening) => return Ok(opening),
            // Raw NTLM under Negotiate first: it saves a leg. A host that does not take it may take SPNEGO; one that
            // is no WinRM of its own may only know the scheme NTLM.
            Err(offered) => {
                let has = |name: &str| {
                    offered
                        .iter()
                        .any(|scheme| scheme.eq_ignore_ascii_case(name))
                };
                attempt = match attempt {
                    ("Negotiate", Wrapping::Raw) if has("Negotiate") => {
                        ("Negotiate", Wrapping::Spnego)
                    }
                    ("Negotiate", _) if has("NTLM") => ("NTLM", Wrapping::Raw),
                    _ => return Err(Loss::new(ErrorKind::AuthNotOffered(offered), Sent::Nothing)),
                };
                tracing::debug!(host = %setup.endpoint.name, scheme = attempt.0, wrapping = ?attempt.1, "next form");
            }
        }
    }
}

/// Sends the first message. The inner error is the list of schemes the host offers instead of a challenge.
async fn challenge(
    setup: &Setup,
    scheme: &'static str,
    wrapping: Wrapping,
) -> Result<Result<Opening, Vec<String>>, Loss> {
    let protocol = |detail: String| Loss::new(ErrorKind::Protocol(detail), Sent::Nothing);
    let account = Account::parse(&setup.credentials.username);
    let mut context = Ntlm::new(account, setup.credentials.password.clone(), wrapping)
        .map_err(|error| protocol(error.to_string()))?;
    let first = context
        .step(&[], None)
        .map_err(|error| protocol(error.to_string()))?;
    let mut carrier = setup.carrier()?;
    let headers = Headers {
        authorization: Some(header(scheme, &first.token)?),
        ..Headers::default()
    };
    // Whatever becomes of this empty request, no operation has left.
    let answer = carrier
        .post(headers, Vec::new())
        .await
        .map_err(|loss| Loss {
            sent: Sent::Nothing,
            ..loss
        })?;
    if answer.status != 401 {
        // A success as well: a WinRM service asks for a logon, a captive portal does not.
        return Err(Loss::new(ErrorKind::Http(answer.status), Sent::Nothing));
    }
    let offered = offers(answer.authenticate.iter().map(String::as_str));
    let token = offered
        .iter()
        .find(|offer| offer.scheme.eq_ignore_ascii_case(scheme) && offer.token.is_some())
        .and_then(|offer| offer.token.clone());
    let found = token.map(|token| match wrapping {
        Wrapping::Raw => (Challenge::parse(&token), token),
        Wrapping::Spnego => (Challenge::find(&token), token),
    });
    let (challenge, token) = match found {
        Some((Ok(challenge), token)) => (challenge, token),
        // A SPNEGO answer to raw NTLM: start over in SPNEGO.
        Some((Err(_), token)) if wrapping == Wrapping::Raw && !token.starts_with(b"NTLMSSP\0") => {
            return Ok(Err(vec!["Negotiate".to_owned()]));
        }
        Some((Err(reason), _)) => return Err(protocol(reason.to_owned())),
        None => return Ok(Err(offered.into_iter().map(|offer| offer.scheme).collect())),
    };
    if setup.endpoint.tls.is_some() && answer.certificate.is_none() {
        return Err(protocol("no certificate to bind the logon to".to_owned()));
    }
    let certificate = answer.certificate;
    let challenged = Challenged {
        context,
        scheme,
        wrapping,
        token,
        challenge,
        certificate,
    };
    let method = Method::Ntlm(Box::new(challenged));
    Ok(Ok(Opening {
        carrier,
        method,
        since: Instant::now(),
    }))
}

/// Proves the account, and carries out the first operation. The guard is asked right before the message leaves.
pub(crate) async fn log_on(
    setup: &Setup,
    mut opening: Opening,
    form: Form,
    envelope: &[u8],
) -> Result<(Link, Vec<u8>), Failure> {
    let endpoint = &setup.endpoint;
    let permit = match setup
        .guard
        .admit(&setup.credentials.username, &endpoint.name)
        .await
    {
        Ok(permit) => permit,
        Err(denied) => return Err(Failure::new(ErrorKind::LogonDenied(denied), Sent::Nothing)),
    };
    if matches!(opening.method, Method::Ntlm(_)) && opening.since.elapsed() > STALE {
        opening = open(setup).await?;
    }
    let Opening {
        carrier, method, ..
    } = opening;
    match method {
        Method::Basic => basic::log_on(setup, carrier, permit, envelope).await,
        Method::Ntlm(challenged) => {
            ntlm::log_on(setup, carrier, *challenged, permit, form, envelope).await
        }
    }
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
