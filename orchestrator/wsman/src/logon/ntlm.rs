//! The third NTLM message, with or without the first operation.

use wsman_proto::auth::{SecurityContext, Wrapping, channel_bindings, end_point_hash, offers};
use wsman_proto::seal;

use super::{Challenged, Form, header, refused};
use crate::carrier::{Answer, Carrier, Headers};
use crate::error::{ErrorKind, Sent};
use crate::guard::LogonPermit;
use crate::link::{Failure, Link, SOAP, Security, seal_body};
use crate::loss::Loss;
use crate::session::Setup;

/// SPNEGO may need one more pair of tokens; nothing needs more.
const MORE_LEGS: u32 = 2;

pub(super) async fn log_on(
    setup: &Setup,
    mut carrier: Carrier,
    challenged: Challenged,
    permit: Box<dyn LogonPermit>,
    form: Form,
    envelope: &[u8],
) -> Result<(Link, Vec<u8>), Failure> {
    let Challenged {
        mut context,
        scheme,
        wrapping,
        token,
        certificate,
        ..
    } = challenged;
    let binding = certificate
        .as_deref()
        .map(|der| channel_bindings(&end_point_hash(der)));
    let last = context
        .step(&token, binding.as_deref())
        .map_err(|error| protocol(error.to_string()))?;
    let authorization = header(scheme, &last.token)?;
    let tls = setup.endpoint.tls.is_some();
    // With SPNEGO the host's last token has to come before the first sealed body.
    let form = if wrapping == Wrapping::Spnego && !tls {
        Form::TwoLegs
    } else {
        form
    };

    let mut headers = Headers {
        authorization: Some(authorization),
        ..Headers::default()
    };
    let before_sealing = context.snapshot();
    let mut context: Box<dyn SecurityContext> = Box::new(context);
    let body = match (form, tls) {
        (Form::TwoLegs, _) => Vec::new(),
        (Form::OneLeg, true) => {
            headers.content_type = Some(SOAP);
            envelope.to_vec()
        }
        (Form::OneLeg, false) => {
            headers.content_type = Some(seal::CONTENT_TYPE);
            seal_body(context.as_mut(), envelope)?
        }
    };
    let mut answer = carrier.post(headers, body).await.map_err(|loss| {
        // A lone token carries no operation.
        if form == Form::TwoLegs {
            Loss {
                sent: Sent::Nothing,
                ..loss
            }
        } else {
            loss
        }
    })?;

    for _ in 0..MORE_LEGS {
        if answer.status != 401 {
            break;
        }
        let Some(token) = token_of(&answer, scheme).filter(|_| wrapping == Wrapping::Spnego) else {
            break;
        };
        let Ok(step) = context.step(&token, binding.as_deref()) else {
            break;
        };
        let headers = Headers {
            authorization: Some(header(scheme, &step.token)?),
            ..Headers::default()
        };
        answer = carrier
            .post(headers, Vec::new())
            .await
            .map_err(|loss| Loss {
                sent: Sent::Nothing,
                ..loss
            })?;
    }
    if answer.status == 401 {
        return Err(refused(permit));
    }
    if wrapping == Wrapping::Spnego
        && let Some(token) = token_of(&answer, scheme)
    {
        // Accept-complete with the MIC over the list of mechanisms: sealing starts after it.
        context
            .step(&token, binding.as_deref())
            .map_err(|error| protocol(error.to_string()))?;
    }
    let security = |context| {
        if tls {
            Security::Bound
        } else {
            Security::Sealed(context)
        }
    };

    // An empty 200 means that the host took the token and did not look at the body: the operation goes again, with
    // the sealing state of before.
    if answer.status == 200 && answer.body.is_empty() {
        permit.accepted();
        let context = if form == Form::OneLeg && !tls {
            before_sealing
        } else {
            context
        };
        let mut link = Link {
            carrier,
            security: security(context),
        };
        let reply = link.send(envelope).await.map_err(|failure| Failure {
            again: false,
            ..failure
        })?;
        return Ok((link, reply));
    }
    if form == Form::TwoLegs {
        // 2xx with a body, or an error of HTTP.sys.
        return Err(Failure::new(
            ErrorKind::Http(answer.status),
            Sent::NotProcessed,
        ));
    }
    if !matches!(answer.status, 200 | 500) || answer.body.is_empty() {
        // Neither taken nor refused: perhaps a host that wants the token alone. That is worth one more logon.
        let again = !tls && matches!(answer.status, 400 | 411 | 415 | 500);
        return Err(Failure {
            again,
            loss: Loss::new(ErrorKind::Http(answer.status), Sent::NotProcessed),
        });
    }
    let mut link = Link {
        carrier,
        security: security(context),
    };
    let reply = link.receive(answer)?;
    permit.accepted();
    Ok((link, reply))
}

fn token_of(answer: &Answer, scheme: &str) -> Option<Vec<u8>> {
    offers(answer.authenticate.iter().map(String::as_str))
        .into_iter()
        .find(|offer| offer.scheme.eq_ignore_ascii_case(scheme))?
        .token
}

fn protocol(detail: String) -> Failure {
    Failure::new(ErrorKind::Protocol(detail), Sent::Nothing)
}
