//! A session: the connection in whatever state it is, and the rules of connecting again (wsman.md 5.3).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use uuid::Uuid;
use wsman_proto::fault::QUOTA_OPERATIONS;
use wsman_proto::reply::{self, Reply, ReplyError};
use wsman_proto::shell::COMMAND;
use wsman_proto::xml::{Bounds, Element};
use wsman_proto::{Addressing, Request};

use crate::client::Cost;
use crate::error::{Error, ErrorKind, Sent};
use crate::link::{Failure, Link};
use crate::logon::{self, Form, Opening};
use crate::loss::Loss;
use crate::setup::Setup;

/// HTTP.sys closes an idle connection after two minutes; ours is dropped well before.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// A session's connection. While a request is under way the state is `Closed`: a cancelled request costs the
/// connection, never its security.
pub(crate) struct Session {
    pub(crate) setup: Arc<Setup>,
    state: State,
    form: Form,
    /// Operations that were answered on the connection.
    served: u32,
}

enum State {
    Closed,
    Opened(Box<Opening>),
    Ready(Box<Link>),
}

impl Session {
    pub(crate) fn closed(setup: Arc<Setup>) -> Self {
        Self {
            setup,
            state: State::Closed,
            form: Form::OneLeg,
            served: 0,
        }
    }

    /// Connects up to the challenge, if nothing is connected.
    pub(crate) async fn open(&mut self) -> Result<(), Loss> {
        if matches!(self.state, State::Closed) {
            let opening = self.setup.open().await.map_err(|loss| {
                let loss = self.setup.spoken.out_of_loss(loss);
                let tracer = &self.setup.tracer;
                tracer.failed("connect", &loss);
                loss
            })?;
            self.state = State::Opened(Box::new(opening));
        }
        Ok(())
    }

    /// Carries out an operation; the reply's body.
    ///
    /// Whether a host counts what ended as an operation of the account for as long as the connection lives is not
    /// known of every version. One that refuses because of that count is asked again, once, on a new connection: what
    /// it refused it did not carry out. A command is left to its caller: there the shell comes first.
    pub(crate) async fn exchange(&mut self, request: &Request) -> Result<Element, Error> {
        match self.ask(request).await {
            Err(error) if request.operation != COMMAND && self.may_free(&error) => {
                self.hang_up();
                self.ask(request).await
            }
            result => result,
        }
    }

    /// The quota that a request was refused for may be used up by what went over this connection before.
    pub(crate) fn may_free(&self, error: &Error) -> bool {
        self.served > 1
            && error.sent == Sent::NotProcessed
            && error
                .fault()
                .is_some_and(|fault| fault.code == QUOTA_OPERATIONS)
    }

    /// Closes the connection; the next request opens another one.
    pub(crate) fn hang_up(&mut self) {
        self.state = State::Closed;
    }

    async fn ask(&mut self, request: &Request) -> Result<Element, Error> {
        let operation = request.operation;
        if let Some(reason) = request.unsendable() {
            return Err(Error::new(
                operation,
                Sent::Nothing,
                ErrorKind::Protocol(reason.to_owned()),
            ));
        }
        let setup = Arc::clone(&self.setup);
        let mut message_id = String::new();
        let bytes = self
            .deliver(operation, request.reads, || {
                message_id = id();
                request.encode(&Addressing {
                    to: &setup.target.to,
                    message_id: &message_id,
                    session_id: &setup.session_id,
                    operation_timeout_ms: setup.operation_timeout_ms(),
                })
            })
            .await?;
        match reply::decode(&bytes, &message_id, self.bounds()) {
            Ok(Reply::Body(body)) => Ok(body),
            Ok(Reply::Fault(fault)) => {
                let sent = if fault.outcome_unknown() {
                    Sent::Unknown
                } else {
                    Sent::NotProcessed
                };
                tracing::debug!(host = %self.setup.endpoint.name, operation, code = fault.code, name = fault.name, "fault");
                let mut kind = ErrorKind::Fault(Box::new(fault));
                self.setup.spoken.out_of(&mut kind);
                Err(Error::new(operation, sent, kind))
            }
            Err(error) => {
                // What answers so is not to be trusted with another request.
                self.state = State::Closed;
                let mut error = reply_error(operation, error);
                self.setup.spoken.out_of(&mut error.kind);
                Err(error)
            }
        }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            bytes: self.setup.endpoint.limits.reply,
            ..Bounds::default()
        }
    }

    /// Sends an envelope and gives back the SOAP bytes of the answer. Sends once more, on a newly authenticated
    /// connection and with new bytes from `encode`, when the first one is known not to have been processed.
    pub(crate) async fn deliver(
        &mut self,
        operation: &'static str,
        reads: bool,
        mut encode: impl FnMut() -> Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let mut again = true;
        loop {
            let envelope = encode();
            let tracer = &self.setup.tracer.clone();
            tracer.request(operation, &envelope);
            let failure = match self.attempt(reads, &envelope).await {
                Ok(reply) => {
                    tracing::debug!(host = %self.setup.endpoint.name, operation, bytes = reply.len(), "answered");
                    tracer.reply(operation, &reply, self.bounds());
                    return Ok(reply);
                }
                Err(failure) => Failure {
                    loss: self.setup.spoken.out_of_loss(failure.loss),
                    ..failure
                },
            };
            tracer.failed(operation, &failure.loss);
            tracing::debug!(
                host = %self.setup.endpoint.name, operation, kind = %failure.loss.kind, sent = ?failure.loss.sent,
                again = failure.again && again, "no answer"
            );
            if !(failure.again && again) {
                let Loss { kind, sent, source } = failure.loss;
                return Err(Error {
                    operation,
                    kind,
                    sent,
                    source,
                    spent: Cost::default(),
                });
            }
            again = false;
        }
    }

    async fn attempt(&mut self, reads: bool, envelope: &[u8]) -> Result<Vec<u8>, Failure> {
        if self.setup.refused.load(Ordering::Relaxed) {
            return Err(Failure::new(ErrorKind::LogonRefused, Sent::Nothing));
        }
        let state = match std::mem::replace(&mut self.state, State::Closed) {
            State::Ready(link) if link.carrier.idle() > MAX_IDLE => State::Closed,
            State::Opened(opening) if opening.carrier.idle() > MAX_IDLE => State::Closed,
            state => state,
        };
        let before = self.served;
        self.served = 0;
        let (link, reply) = match state {
            State::Ready(mut link) => {
                let reply = link.send(envelope).await?;
                self.served = before;
                (link, reply)
            }
            State::Opened(opening) => self.log_on(*opening, reads, envelope).await?,
            State::Closed => {
                let opening = self.setup.open().await?;
                self.log_on(opening, reads, envelope).await?
            }
        };
        self.served = self.served.saturating_add(1);
        self.state = State::Ready(link);
        Ok(reply)
    }

    async fn log_on(
        &mut self,
        opening: Opening,
        reads: bool,
        envelope: &[u8],
    ) -> Result<(Box<Link>, Vec<u8>), Failure> {
        // A host that ignores the body of the last leg gets the operation twice: only a read may be that one.
        let form = if reads { self.form } else { Form::TwoLegs };
        match logon::log_on(&self.setup, opening, form, envelope).await {
            Ok((link, reply)) => Ok((Box::new(link), reply)),
            Err(failure) => {
                let refused = matches!(
                    failure.loss.kind,
                    ErrorKind::LogonRefused | ErrorKind::Proxy { status: 401, .. }
                );
                if refused {
                    self.setup.refused.store(true, Ordering::Relaxed);
                }
                if failure.again && form == Form::OneLeg {
                    self.form = Form::TwoLegs;
                }
                Err(failure)
            }
        }
    }
}

/// `uuid:` and upper case, as Windows writes its own.
pub(crate) fn id() -> String {
    let mut text = Uuid::encode_buffer();
    let upper: &str = Uuid::new_v4().hyphenated().encode_upper(&mut text);
    ["uuid:", upper].concat()
}

pub(crate) fn reply_error(operation: &'static str, error: ReplyError) -> Error {
    let text = error.to_string();
    let kind = match error {
        ReplyError::Xml(wsman_proto::xml::XmlError::Bound { .. }) => ErrorKind::TooLarge(text),
        _ => ErrorKind::Protocol(text),
    };
    Error::new(operation, Sent::Unknown, kind)
}
