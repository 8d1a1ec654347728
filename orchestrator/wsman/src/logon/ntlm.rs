//! The third NTLM message, with or without the first operation. The two before it are in `challenge.rs`.

mod challenge;

use wsman_proto::auth::{Ntlm, SecurityContext as _, Wrapping, channel_bindings, end_point_hash};
use wsman_proto::seal::Protocol;

use super::{Challenged, Form, header, refused, token_of};
use crate::carrier::{Answer, Carrier, Headers};
use crate::error::{ErrorKind, NtlmProof, Sent};
use crate::guard::LogonPermit;
use crate::link::{Failure, Link, SOAP, Security, seal_body};
use crate::loss::Loss;
use crate::setup::Setup;
use crate::unexpected;

pub(super) use challenge::open;

/// SPNEGO may need one more pair of tokens; nothing needs more.
const MORE_LEGS: u32 = 2;

/// The exchange from the third message on.
struct Exchange<'a> {
    setup: &'a Setup,
    carrier: Carrier,
    context: Box<Ntlm>,
    binding: Option<Vec<u8>>,
    scheme: &'static str,
    wrapping: Wrapping,
    form: Form,
    /// The last token has left, as far as is known.
    left: bool,
}

pub(super) async fn log_on(
    setup: &Setup,
    carrier: Carrier,
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
        instead_of,
        via,
        ..
    } = challenged;
    let binding = certificate
        .as_deref()
        .map(|der| channel_bindings(&end_point_hash(der)));
    let last = match context.step(&token, binding.as_deref()) {
        Ok(last) => last,
        Err(error) => {
            permit.unsent();
            return Err(protocol(error.to_string()));
        }
    };
    let before_sealing = Box::new(context.clone());
    // With SPNEGO the host's last token has to come before the first sealed body.
    let form = if wrapping == Wrapping::Spnego && setup.endpoint.tls.is_none() {
        Form::TwoLegs
    } else {
        form
    };
    let context = Box::new(context);
    let mut exchange = Exchange {
        setup,
        carrier,
        context,
        binding,
        scheme,
        wrapping,
        form,
        left: true,
    };
    let answer = match exchange.prove(&last.token, envelope).await {
        Ok(answer) => answer,
        Err(failure) => {
            if !exchange.left {
                permit.unsent();
            }
            return Err(failure);
        }
    };
    if let (401, Some(by)) = (answer.status, answer.via.as_deref().or(via.as_deref())) {
        // NTLM belongs to one connection: what has another one to the host for each request spoils it, whatever the
        // password. Whether this one does is not known.
        permit.doubtful();
        let kind = unexpected::proxy(401, by);
        return Err(Failure::new(kind, Sent::NotProcessed));
    }
    if answer.status == 401 {
        let given = NtlmProof {
            service: setup.endpoint.service(),
            bound: exchange.binding.is_some(),
            no_kerberos: instead_of,
        };
        let mut failure = refused(permit);
        failure.loss.source = Some(Box::new(given));
        return Err(failure);
    }
    // An empty 200 means that the host took the token and did not look at the body: the operation goes again, with
    // the sealing state of before.
    if answer.status == 200 && answer.body.is_empty() {
        permit.accepted();
        if answer.closes {
            return Err(Failure::new(
                unexpected::not_kept(&answer),
                Sent::NotProcessed,
            ));
        }
        if exchange.form == Form::OneLeg && setup.endpoint.tls.is_none() {
            exchange.context = before_sealing;
        }
        let mut link = exchange.into_link();
        let reply = link.send(envelope).await.map_err(|failure| Failure {
            again: false,
            ..failure
        })?;
        return Ok((link, reply));
    }
    exchange.check_answer(&answer)?;
    let mut link = exchange.into_link();
    let reply = link.receive(answer)?;
    permit.accepted();
    Ok((link, reply))
}

impl Exchange<'_> {
    /// Sends the last token, with the operation where the form says so, and further tokens where SPNEGO needs them.
    async fn prove(&mut self, token: &[u8], envelope: &[u8]) -> Result<Answer, Failure> {
        let mut headers = Headers {
            authorization: Some(header(self.scheme, token)?),
            ..Headers::default()
        };
        let body = match (self.form, &self.setup.endpoint.tls) {
            (Form::TwoLegs, _) => Vec::new(),
            (Form::OneLeg, Some(_)) => {
                headers.content_type = Some(SOAP);
                envelope.to_vec()
            }
            (Form::OneLeg, None) => {
                headers.content_type = Some(Protocol::Spnego.content_type());
                seal_body(self.context.as_mut(), Protocol::Spnego, envelope)?
            }
        };
        let answer = self.carrier.post(headers, body).await;
        let mut answer = answer.map_err(|loss| {
            self.left = loss.sent != Sent::Nothing;
            match self.form {
                // A lone token carries no operation.
                Form::TwoLegs => Loss {
                    sent: Sent::Nothing,
                    ..loss
                },
                Form::OneLeg => loss,
            }
        })?;
        if self.wrapping == Wrapping::Raw {
            return Ok(answer);
        }
        for _ in 0..MORE_LEGS {
            let Some(token) = token_of(&answer, self.scheme) else {
                break;
            };
            let step = self.context.step(&token, self.binding.as_deref());
            if answer.status != 401 {
                // Accept-complete with the MIC over the list of mechanisms: sealing starts after it.
                step.map_err(|error| protocol(error.to_string()))?;
                break;
            }
            let Ok(step) = step else { break };
            let headers = Headers {
                authorization: Some(header(self.scheme, &step.token)?),
                ..Headers::default()
            };
            let lost = |loss| Loss {
                sent: Sent::Nothing,
                ..loss
            };
            answer = self.carrier.post(headers, Vec::new()).await.map_err(lost)?;
        }
        Ok(answer)
    }

    /// Sorts out answers that are neither a refusal nor the operation's result.
    fn check_answer(&self, answer: &Answer) -> Result<(), Failure> {
        let result = match answer.status {
            200 | 500 => !answer.body.is_empty(),
            // A fault of the sender, as SOAP's binding to HTTP has it.
            400 => answer.speaks(self.setup.endpoint.tls.is_none()),
            _ => false,
        };
        if self.form == Form::OneLeg && result {
            return Ok(());
        }
        // Neither taken nor refused: perhaps a host that wants the token alone. That is worth one more logon.
        let again = self.form == Form::OneLeg
            && self.setup.endpoint.tls.is_none()
            && matches!(answer.status, 400 | 411 | 415 | 500);
        Err(Failure {
            again,
            loss: Loss::new(unexpected::kind(answer), Sent::NotProcessed),
        })
    }

    fn into_link(self) -> Link {
        let security = match self.setup.endpoint.tls {
            Some(_) => Security::Bound,
            None => Security::Sealed(self.context, Protocol::Spnego),
        };
        Link {
            carrier: self.carrier,
            security,
        }
    }
}

fn protocol(detail: String) -> Failure {
    Failure::new(ErrorKind::Protocol(detail), Sent::Nothing)
}
