//! A session: the connection in whatever state it is, and the rules of connecting again (wsman.md 5.3).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use wsman_proto::reply::{self, Reply, ReplyError};
use wsman_proto::xml::{Bounds, Element};
use wsman_proto::{Addressing, Request};

use crate::carrier::{Carrier, Counters};
use crate::client::{Cost, Peer};
use crate::credentials::{Credentials, Proof};
use crate::endpoint::{AuthMethod, Endpoint};
use crate::error::{Error, ErrorKind, Sent};
use crate::guard::LogonGuard;
use crate::link::{Failure, Link};
use crate::logon::{self, Form, Method, Opening};
use crate::loss::Loss;
use crate::spoken::Spoken;
use crate::target::Target;
use crate::tls::TlsConfigs;
use crate::trace::{Seen, Tracer};

/// HTTP.sys closes an idle connection after two minutes; ours is dropped well before.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// What does not change over the connections of a session.
pub(crate) struct Setup {
    pub(crate) endpoint: Endpoint,
    pub(crate) credentials: Credentials,
    pub(crate) guard: Arc<dyn LogonGuard>,
    pub(crate) tls: Arc<TlsConfigs>,
    pub(crate) target: Target,
    pub(crate) counters: Arc<Counters>,
    tracer: Tracer,
    pub(crate) spoken: Spoken,
    // A lock: written once per connection, read by `Client::peer`.
    peer: Mutex<Peer>,
    session_id: String,
    /// The host refused these credentials: they are never sent to it again (account lockout).
    refused: AtomicBool,
}

impl Setup {
    pub(crate) fn new(
        endpoint: Endpoint,
        credentials: Credentials,
        guard: Arc<dyn LogonGuard>,
        tls: Arc<TlsConfigs>,
    ) -> Result<Self, Loss> {
        let target = Target::new(&endpoint, "/wsman")
            .map_err(|detail| Loss::new(ErrorKind::Protocol(detail), Sent::Nothing))?;
        let peer = Mutex::default();
        let spoken = Spoken::of(&credentials, endpoint.auth);
        let tracer = Tracer::new(&endpoint, &spoken);
        tracer.saw(&Seen::Begin {
            endpoint: &endpoint,
            account: &credentials.username,
        });
        Ok(Self {
            tracer,
            spoken,
            endpoint,
            credentials,
            guard,
            tls,
            target,
            counters: Arc::default(),
            peer,
            session_id: id(),
            refused: AtomicBool::new(false),
        })
    }

    pub(crate) fn carrier(&self) -> Result<Carrier, Loss> {
        let shown = match (&self.credentials.proof, self.endpoint.auth) {
            (Proof::Certificate(files), AuthMethod::Certificate) => Some(files),
            (_, AuthMethod::Certificate) => {
                let text = "auth by certificate needs a certificate and its key".to_owned();
                return Err(Loss::new(ErrorKind::UnfitCredential(text), Sent::Nothing));
            }
            _ => None,
        };
        Carrier::new(
            &self.endpoint,
            &self.target,
            &self.tls,
            shown,
            &self.counters,
            &self.spoken,
        )
        .map_err(|kind| Loss::new(kind, Sent::Nothing))
    }

    pub(crate) fn peer(&self) -> Peer {
        self.peer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn saw_certificate(&self, der: Option<&[u8]>) {
        if let Some(der) = der {
            let mut peer = self.peer.lock().unwrap_or_else(PoisonError::into_inner);
            peer.certificate_sha256 = Some(Sha256::digest(der).into());
        }
    }

    /// Connects up to the challenge, and remembers who answers. A session has to do with one machine: where DNS has
    /// moved on meanwhile, what is next to be sent is not for the new one.
    async fn open(&self) -> Result<Opening, Loss> {
        let opening = logon::open(self).await?;
        self.meet(&opening.method)?;
        Ok(opening)
    }

    /// Remembers who answers; an error where that is another machine than before.
    pub(crate) fn meet(&self, method: &Method) -> Result<(), Loss> {
        let before = self.peer();
        self.saw(method);
        let now = self.peer();
        if let Some((old, new)) = before.other_than(&now) {
            let kind = ErrorKind::AnotherMachine {
                before: old.to_owned(),
                now: new.unwrap_or("one without a name").to_owned(),
            };
            *self.peer.lock().unwrap_or_else(PoisonError::into_inner) = before;
            return Err(Loss::new(kind, Sent::Nothing));
        }
        if self.tracer.is_on() {
            self.tracer.saw(&Seen::Peer(&self.peer()));
        }
        Ok(())
    }

    fn saw(&self, method: &Method) {
        let tls = self.endpoint.tls.as_ref();
        let mut peer = self.peer.lock().unwrap_or_else(PoisonError::into_inner);
        peer.tls_verified = tls.is_some_and(crate::endpoint::TlsPolicy::is_verifying);
        match method {
            Method::Basic => peer.auth = "basic (tls)".to_owned(),
            Method::Certificate => peer.auth = "certificate (tls)".to_owned(),
            Method::Ntlm(challenged) => {
                let challenge = &challenged.challenge;
                let (name, protection) = match tls {
                    Some(_) => ("ntlm+cbt", "tls"),
                    None => ("ntlm", "sealed"),
                };
                peer.auth = match &challenged.instead_of {
                    Some(why) => format!("{name} ({protection}; no Kerberos: {why})"),
                    None => format!("{name} ({protection})"),
                };
                peer.sealed = tls.is_none();
                peer.computer_name = challenge
                    .computer
                    .clone()
                    .or_else(|| challenge.target.clone());
                peer.dns_name = challenge.dns_computer.clone();
                peer.domain = challenge.domain.clone();
                peer.dns_domain = challenge.dns_domain.clone();
                peer.certificate_sha256 = challenged
                    .certificate
                    .as_deref()
                    .map(|der| Sha256::digest(der).into());
            }
            Method::Kerberos(ticketed) => {
                peer.auth = match tls {
                    Some(_) => "kerberos+cbt (tls)",
                    None => "kerberos (sealed)",
                }
                .to_owned();
                peer.sealed = tls.is_none();
                peer.service = Some(ticketed.service.trim_end_matches('@').to_owned());
                let certificate = ticketed.certificate.as_deref();
                peer.certificate_sha256 = certificate.map(|der| Sha256::digest(der).into());
            }
        }
    }

    /// What a host is told to wait at most for something to say.
    pub(crate) fn operation_timeout(&self) -> Duration {
        Duration::from_millis(self.operation_timeout_ms())
    }

    /// `OperationTimeout` that ends before our own patience does.
    fn operation_timeout_ms(&self) -> u64 {
        let request = self.endpoint.deadlines.request;
        let margin = (request / 3).min(Duration::from_secs(10));
        let ours = self
            .endpoint
            .deadlines
            .operation
            .min(request.saturating_sub(margin));
        u64::try_from(ours.as_millis())
            .unwrap_or(60_000)
            .clamp(500, 60_000)
    }
}

/// A session's connection. While a request is under way the state is `Closed`: a cancelled request costs the
/// connection, never its security.
pub(crate) struct Session {
    pub(crate) setup: Arc<Setup>,
    state: State,
    form: Form,
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
    pub(crate) async fn exchange(&mut self, request: &Request) -> Result<Element, Error> {
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
        let (link, reply) = match state {
            State::Ready(mut link) => {
                let reply = link.send(envelope).await?;
                (link, reply)
            }
            State::Opened(opening) => self.log_on(*opening, reads, envelope).await?,
            State::Closed => {
                let opening = self.setup.open().await?;
                self.log_on(opening, reads, envelope).await?
            }
        };
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
fn id() -> String {
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
