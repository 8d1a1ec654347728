//! What all connections to one host have in common, and who answered on them.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::carrier::{Carrier, Counters};
use crate::client::Peer;
use crate::credentials::{Credentials, Proof};
use crate::endpoint::{AuthMethod, Endpoint};
use crate::error::{ErrorKind, Sent};
use crate::guard::LogonGuard;
use crate::logon::{self, Method, Opening};
use crate::loss::Loss;
use crate::session::id;
use crate::spoken::Spoken;
use crate::target::Target;
use crate::tls::TlsConfigs;
use crate::trace::{Seen, Tracer};

/// What does not change over the connections of a session.
pub(crate) struct Setup {
    pub(crate) endpoint: Endpoint,
    pub(crate) credentials: Credentials,
    pub(crate) guard: Arc<dyn LogonGuard>,
    pub(crate) tls: Arc<TlsConfigs>,
    pub(crate) target: Target,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tracer: Tracer,
    pub(crate) spoken: Spoken,
    // A lock: written once per connection, read by `Client::peer`.
    peer: Mutex<Peer>,
    pub(crate) session_id: String,
    /// The host refused these credentials: they are never sent to it again (account lockout).
    pub(crate) refused: AtomicBool,
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
    pub(crate) async fn open(&self) -> Result<Opening, Loss> {
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
    pub(crate) fn operation_timeout_ms(&self) -> u64 {
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
