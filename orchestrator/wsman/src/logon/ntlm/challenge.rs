//! The first two NTLM messages: connects, and gets the host's challenge. Nothing derived from the password leaves.

use wsman_proto::auth::{Account, Challenge, Ntlm, SecurityContext as _, Wrapping, offers};

use crate::carrier::{Carrier, Headers};
use crate::error::{ErrorKind, Sent};
use crate::logon::{Challenged, header, password};
use crate::loss::Loss;
use crate::setup::Setup;
use crate::unexpected;

/// Connects up to the challenge. `instead_of` is why there is no Kerberos, under negotiate.
pub(in crate::logon) async fn open(
    setup: &Setup,
    instead_of: Option<&str>,
) -> Result<(Carrier, Challenged), Loss> {
    let mut attempt = ("Negotiate", Wrapping::Raw);
    loop {
        match challenge(setup, attempt.0, attempt.1).await? {
            Ok((carrier, challenged)) => {
                let instead_of = instead_of.map(str::to_owned);
                return Ok((
                    carrier,
                    Challenged {
                        instead_of,
                        ..challenged
                    },
                ));
            }
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
                    // It speaks of Kerberos only, or takes no form of NTLM where both could be.
                    _ if has("Negotiate") || has("Kerberos") => {
                        let kind = ErrorKind::NtlmRefused {
                            offered,
                            no_kerberos: instead_of.map(str::to_owned),
                        };
                        return Err(Loss::new(kind, Sent::Nothing));
                    }
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
) -> Result<Result<(Carrier, Challenged), Vec<String>>, Loss> {
    let protocol = |detail: String| Loss::new(ErrorKind::Protocol(detail), Sent::Nothing);
    let account = Account::parse(&setup.credentials.username);
    let mut context = Ntlm::new(account, password(setup)?.clone(), wrapping)
        .map_err(|error| protocol(error.to_string()))?
        .for_service(&setup.endpoint.service());
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
        return Err(Loss::new(unexpected::kind(&answer), Sent::Nothing));
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
        // SPNEGO without a challenge: it rejects, or wants another mechanism.
        Some((Err(_), token)) if wrapping == Wrapping::Spnego && token.first() == Some(&0xA1) => {
            return Ok(Err(offered.into_iter().map(|offer| offer.scheme).collect()));
        }
        Some((Err(reason), _)) => return Err(protocol(reason.to_owned())),
        None => return Ok(Err(offered.into_iter().map(|offer| offer.scheme).collect())),
    };
    if answer.closes {
        return Err(Loss::new(unexpected::not_kept(&answer), Sent::Nothing));
    }
    if setup.endpoint.tls.is_some() && answer.certificate.is_none() {
        return Err(protocol("no certificate to bind the logon to".to_owned()));
    }
    let (certificate, via) = (answer.certificate, answer.via);
    let challenged = Challenged {
        context,
        scheme,
        wrapping,
        token,
        challenge,
        certificate,
        via,
        instead_of: None,
    };
    Ok(Ok((carrier, challenged)))
}
