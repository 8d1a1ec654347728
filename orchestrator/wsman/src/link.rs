//! One authenticated connection: SOAP bytes in, SOAP bytes out, sealed where the transport is not TLS.

use reqwest::header::HeaderValue;
use wsman_proto::auth::SecurityContext;
use wsman_proto::seal::{self, Protocol};

use crate::carrier::{Answer, Carrier, Headers};
use crate::error::{ErrorKind, Sent};
use crate::logon::{KerberosError, KerberosProblem, WEAK_KEY};
use crate::loss::Loss;
use crate::unexpected;

/// Content type of a body that is not sealed.
pub(crate) const SOAP: &str = "application/soap+xml;charset=UTF-8";

/// What protects the bodies.
pub(crate) enum Security {
    /// NTLM or Kerberos over HTTP: each body is sealed, in both directions.
    Sealed(Box<dyn SecurityContext>, Protocol),
    /// NTLM or Kerberos over TLS: the connection is authenticated, bodies go as they are.
    Bound,
    /// Basic over verified TLS, or a client certificate: the header goes with each request.
    Header(HeaderValue),
}

pub(crate) struct Link {
    pub(crate) carrier: Carrier,
    pub(crate) security: Security,
}

/// A request that got no SOAP answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) loss: Loss,
    /// The request did not run, and a newly authenticated connection may carry it once more.
    pub(crate) again: bool,
}

impl From<Loss> for Failure {
    fn from(loss: Loss) -> Self {
        Self { loss, again: false }
    }
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, sent: Sent) -> Self {
        Loss::new(kind, sent).into()
    }
}

impl Link {
    /// Sends an envelope on this connection. After an error the link is used up: its security context and the host's
    /// may be out of step. Not cancel safe for the same reason.
    pub(crate) async fn send(&mut self, envelope: &[u8]) -> Result<Vec<u8>, Failure> {
        let (headers, body) = self.prepare(envelope)?;
        let answer = self.carrier.post(headers, body).await.map_err(|loss| {
            // The idle connection was gone before a byte left: connect anew and send.
            Failure {
                again: loss.sent == Sent::Nothing,
                loss,
            }
        })?;
        self.receive(answer)
    }

    fn prepare(&mut self, envelope: &[u8]) -> Result<(Headers<'static>, Vec<u8>), Failure> {
        match &mut self.security {
            Security::Sealed(context, protocol) => {
                let body = seal_body(context.as_mut(), *protocol, envelope)?;
                Ok((
                    Headers {
                        content_type: Some(protocol.content_type()),
                        ..Headers::default()
                    },
                    body,
                ))
            }
            Security::Bound => Ok((
                Headers {
                    content_type: Some(SOAP),
                    ..Headers::default()
                },
                envelope.to_vec(),
            )),
            Security::Header(header) => {
                let headers = Headers {
                    authorization: Some(header.clone()),
                    content_type: Some(SOAP),
                    identify: false,
                };
                Ok((headers, envelope.to_vec()))
            }
        }
    }

    /// Judges an answer to an authenticated request.
    pub(crate) fn receive(&mut self, answer: Answer) -> Result<Vec<u8>, Failure> {
        match answer.status {
            200 | 500 => open_body(&mut self.security, &answer),
            // SOAP's own binding to HTTP: whoever is no HTTP.sys tells faults of the sender so.
            400 if answer.speaks(matches!(self.security, Security::Sealed(..))) => {
                open_body(&mut self.security, &answer)
            }
            // The connection is not authenticated (any more), or the body could not be unsealed: not processed.
            401 | 400 => Err(Failure {
                loss: Loss::new(unexpected::kind(&answer), Sent::NotProcessed),
                again: true,
            }),
            _ => Err(Failure::new(
                unexpected::kind(&answer),
                unexpected::sent(&answer),
            )),
        }
    }
}

pub(crate) fn seal_body(
    context: &mut dyn SecurityContext,
    protocol: Protocol,
    envelope: &[u8],
) -> Result<Vec<u8>, Failure> {
    let (header, data) = context.seal(envelope).map_err(|error| {
        let kind = match error.to_string() {
            text if text == WEAK_KEY => ErrorKind::Kerberos(KerberosError {
                problem: KerberosProblem::WeakKey,
                detail: text,
            }),
            text => ErrorKind::SealingRefused(text),
        };
        Failure::new(kind, Sent::Nothing)
    })?;
    Ok(seal::encode(protocol, &header, &data, envelope.len()))
}

/// The SOAP bytes of a 200 or 500 answer.
fn open_body(security: &mut Security, answer: &Answer) -> Result<Vec<u8>, Failure> {
    let Security::Sealed(context, _) = security else {
        // HTTP.sys and proxies answer errors with HTML or nothing.
        return if answer.speaks(false) {
            Ok(answer.body.clone())
        } else if answer.status == 200 {
            let kind = match unexpected::kind(answer) {
                ErrorKind::Http(_) => ErrorKind::Protocol("the answer holds no SOAP".to_owned()),
                somebody_else => somebody_else,
            };
            Err(Failure::new(kind, Sent::Unknown))
        } else {
            // Whoever broke may have done so after the operation.
            Err(Failure::new(
                unexpected::kind(answer),
                unexpected::sent(answer),
            ))
        };
    };
    if answer.body.is_empty() {
        let kind = match answer.status {
            500 => unexpected::kind(answer),
            _ => ErrorKind::Protocol("the answer to a sealed request is empty".to_owned()),
        };
        return Err(Failure::new(kind, Sent::Unknown));
    }
    if !seal::is_sealed(&answer.content_type) {
        let kind = match unexpected::kind(answer) {
            ErrorKind::Http(_) => ErrorKind::SealingRefused(
                "the answer to a sealed request is not sealed: refused".to_owned(),
            ),
            somebody_else => somebody_else,
        };
        return Err(Failure::new(kind, Sent::Unknown));
    }
    let broken = |detail: String| Failure::new(ErrorKind::SealingRefused(detail), Sent::Unknown);
    let frame = seal::decode(&answer.content_type, &answer.body)
        .map_err(|error| broken(error.to_string()))?;
    let plain = context
        .open(&answer.body[frame.header], &answer.body[frame.data])
        .map_err(|error| broken(format!("the answer cannot be unsealed: {error}")))?;
    if plain.len() != frame.length {
        return Err(broken(
            "the unsealed answer has another length than announced".to_owned(),
        ));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use wsman_proto::auth::{AuthError, Step};

    use super::*;

    /// A context that cannot seal, for this reason.
    struct Refusing(&'static str);

    impl SecurityContext for Refusing {
        fn step(&mut self, _token: &[u8], _binding: Option<&[u8]>) -> Result<Step, AuthError> {
            Err(AuthError(self.0.to_owned()))
        }

        fn seal(&mut self, _plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>), AuthError> {
            Err(AuthError(self.0.to_owned()))
        }

        fn open(&mut self, _header: &[u8], _data: &[u8]) -> Result<Vec<u8>, AuthError> {
            Err(AuthError(self.0.to_owned()))
        }
    }

    #[test]
    fn a_ticket_with_an_old_key_is_this_sides_limit_not_the_hosts() {
        let kind = |why| {
            let sealed = seal_body(&mut Refusing(why), Protocol::Kerberos, b"<x/>");
            let failure = sealed.expect_err("a refusal");
            assert_eq!(failure.loss.sent, Sent::Nothing);
            failure.loss.kind
        };
        let ErrorKind::Kerberos(error) = kind(WEAK_KEY) else {
            panic!("not told apart");
        };
        assert_eq!(error.problem, KerberosProblem::WeakKey);
        assert!(matches!(kind("no key"), ErrorKind::SealingRefused(_)));
    }
}
