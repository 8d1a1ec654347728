//! Kerberos by the operating system (auth-crates.md 3): tickets by password, cache or keytab, contexts, sealing.
//!
//! Here is what goes to the host. `tickets.rs` asks the KDC once per account and once per host; `gssapi.rs` is the
//! system's side on Unix, `sspi.rs` on Windows; `principal.rs` makes the names, `layout.rs` brings sealed messages
//! into WinRM's form.

mod error;
mod principal;
mod refusal;
mod tickets;

#[cfg(unix)]
mod ffi;
#[cfg(unix)]
mod gss;
#[cfg(unix)]
mod keytab;
#[cfg(unix)]
mod layout;
#[cfg(unix)]
mod library;
#[cfg(unix)]
#[path = "kerberos/gssapi.rs"]
mod system;

#[cfg(windows)]
mod native;
#[cfg(windows)]
#[path = "kerberos/sspi.rs"]
mod system;

use std::sync::Arc;

use wsman_proto::auth::{channel_bindings, end_point_hash, offers};
use wsman_proto::seal::Protocol;

pub(crate) use error::WEAK_KEY;
pub use error::{KerberosError, KerberosProblem};
use system::{Granted, Mechanism, Sealing};
use tickets::Asking;
pub(crate) use tickets::Tickets;

use super::{Form, header, token_of};
use crate::carrier::{Answer, Carrier, Headers};
use crate::endpoint::{AuthMethod, TlsPolicy};
use crate::error::{ErrorKind, Sent};
use crate::link::{Failure, Link, SOAP, Security};
use crate::loss::Loss;
use crate::setup::Setup;
use crate::unexpected;

/// Everything up to the first token; nothing of it has gone to the host.
pub(crate) struct Ticketed {
    granted: Arc<Granted>,
    context: Sealing,
    token: Vec<u8>,
    scheme: Scheme,
    /// The service that the ticket is for: whoever takes it proves to be that.
    pub(crate) service: String,
    /// The host's certificate, where there is TLS.
    pub(crate) certificate: Option<Vec<u8>>,
}

/// How tokens are announced and sealed bodies are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Negotiate,
    Kerberos,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Negotiate => "Negotiate",
            Self::Kerberos => "Kerberos",
        }
    }

    fn mechanism(self) -> Mechanism {
        match self {
            Self::Negotiate => Mechanism::Spnego,
            Self::Kerberos => Mechanism::Krb5,
        }
    }

    fn protocol(self) -> Protocol {
        match self {
            Self::Negotiate => Protocol::Spnego,
            Self::Kerberos => Protocol::Kerberos,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Negotiate => Self::Kerberos,
            Self::Kerberos => Self::Negotiate,
        }
    }

    fn is_among(self, offered: &[String]) -> bool {
        offered
            .iter()
            .any(|scheme| scheme.eq_ignore_ascii_case(self.name()))
    }

    /// This one, or the other where only that is offered.
    fn fitting(self, offered: &[String]) -> Option<Self> {
        [self, self.other()]
            .into_iter()
            .find(|scheme| scheme.is_among(offered))
    }
}

/// Gets the tickets. Over TLS the host is met before: the first token is bound to its certificate.
pub(super) async fn open(setup: &Setup) -> Result<(Carrier, Ticketed), Loss> {
    let endpoint = &setup.endpoint;
    let explicit = endpoint.auth == AuthMethod::Kerberos;
    let service = principal::service(&endpoint.spn, &endpoint.name).map_err(loss)?;
    let granted = Asking {
        credentials: setup.credentials.clone(),
        guard: Arc::clone(&setup.guard),
        host: endpoint.name.clone(),
        bare: explicit,
        patience: endpoint.deadlines.request,
    }
    .granted()
    .await?;
    let mut carrier = setup.carrier()?;
    let mut scheme = if explicit {
        Scheme::Kerberos
    } else {
        Scheme::Negotiate
    };
    let mut certificate = None;
    if endpoint.tls.is_some() {
        let (offered, der, closes) = probe(&mut carrier).await?;
        if closes {
            // The token is bound to the certificate, not to the connection.
            carrier = setup.carrier()?;
        }
        scheme = scheme
            .fitting(&offered)
            .ok_or_else(|| Loss::new(ErrorKind::AuthNotOffered(offered), Sent::Nothing))?;
        certificate = Some(der);
    }
    let (context, token) = start(setup, &granted, &service, scheme, certificate.as_deref()).await?;
    tracing::debug!(host = %endpoint.name, principal = granted.principal, service, ?scheme, "ticket");
    let ticketed = Ticketed {
        granted,
        context,
        token,
        scheme,
        service,
        certificate,
    };
    Ok((carrier, ticketed))
}

async fn start(
    setup: &Setup,
    granted: &Arc<Granted>,
    service: &str,
    scheme: Scheme,
    certificate: Option<&[u8]>,
) -> Result<(Sealing, Vec<u8>), Loss> {
    let binding = certificate.map(|der| channel_bindings(&end_point_hash(der)));
    let (host, patience) = (&setup.endpoint.name, setup.endpoint.deadlines.request);
    let mechanism = scheme.mechanism();
    tickets::context(
        Arc::clone(granted),
        host,
        service,
        mechanism,
        binding,
        patience,
    )
    .await
    .map_err(loss)
}

/// An empty request without a logon: the schemes on offer, the certificate, and whether the connection is over.
async fn probe(carrier: &mut Carrier) -> Result<(Vec<String>, Vec<u8>, bool), Loss> {
    let answer = carrier
        .post(Headers::default(), Vec::new())
        .await
        .map_err(nothing_sent)?;
    if answer.status != 401 {
        return Err(Loss::new(unexpected::kind(&answer), Sent::Nothing));
    }
    let certificate = answer.certificate.clone().ok_or_else(|| {
        let detail = "no certificate to bind the logon to".to_owned();
        Loss::new(ErrorKind::Protocol(detail), Sent::Nothing)
    })?;
    Ok((schemes(&answer), certificate, answer.closes))
}

/// Shows the ticket, makes the host prove itself, and carries out the first operation.
pub(super) async fn log_on(
    setup: &Setup,
    mut carrier: Carrier,
    mut ticketed: Ticketed,
    form: Form,
    envelope: &[u8],
) -> Result<(Link, Vec<u8>), Failure> {
    // An operation goes along only to a host that TLS has proved: the ticket's proof comes with the answer.
    let verified = setup
        .endpoint
        .tls
        .as_ref()
        .is_some_and(TlsPolicy::is_verifying);
    let together = form == Form::OneLeg && verified;
    let mut answer = show(&mut carrier, &ticketed, together, envelope).await?;
    if answer.status == 401 {
        let offered = schemes(&answer);
        match ticketed.scheme.fitting(&offered) {
            Some(scheme) if scheme != ticketed.scheme => {
                carrier = setup.carrier()?;
                let Ticketed {
                    granted,
                    service,
                    certificate,
                    ..
                } = &ticketed;
                let (context, token) =
                    start(setup, granted, service, scheme, certificate.as_deref()).await?;
                ticketed = Ticketed {
                    context,
                    token,
                    scheme,
                    ..ticketed
                };
                answer = show(&mut carrier, &ticketed, together, envelope).await?;
            }
            Some(_) => {}
            None => {
                let kind = ErrorKind::AuthNotOffered(offered);
                return Err(Failure::new(kind, Sent::NotProcessed));
            }
        }
    }
    let token = token_of(&answer, ticketed.scheme.name());
    if answer.status == 401 {
        let mut failure = refused(&ticketed, token.as_deref());
        if let Some(by) = &answer.via {
            // The ticket may be in order: what stands in between may have spoilt the exchange.
            let said = std::mem::replace(&mut failure.loss.kind, unexpected::proxy(401, by));
            if let ErrorKind::Kerberos(error) = said {
                failure.loss.source = Some(Box::new(error));
            }
        }
        return Err(failure);
    }
    // A fault of the sender, as SOAP's binding to HTTP has it, is the operation's.
    let is_fault = together && answer.status == 400 && answer.speaks(false);
    if !matches!(answer.status, 200 | 500) && !is_fault {
        return Err(Failure::new(
            unexpected::kind(&answer),
            unexpected::sent(&answer),
        ));
    }
    let proof = match token {
        Some(token) => ticketed.context.finish(&token),
        None => Err(KerberosError::new(
            KerberosProblem::NotMutual,
            "the host sent no proof that it can read the ticket",
        )),
    };
    proof.map_err(|error| Failure::new(ErrorKind::Kerberos(error), Sent::Unknown))?;
    let security = match setup.endpoint.tls {
        Some(_) => Security::Bound,
        None => Security::Sealed(Box::new(ticketed.context), ticketed.scheme.protocol()),
    };
    let mut link = Link { carrier, security };
    let reply = if together && !answer.body.is_empty() {
        link.receive(answer)?
    } else if answer.closes {
        return Err(Failure::new(
            unexpected::not_kept(&answer),
            Sent::NotProcessed,
        ));
    } else {
        link.send(envelope).await.map_err(|failure| Failure {
            again: false,
            ..failure
        })?
    };
    Ok((link, reply))
}

async fn show(
    carrier: &mut Carrier,
    ticketed: &Ticketed,
    together: bool,
    envelope: &[u8],
) -> Result<Answer, Failure> {
    let headers = Headers {
        authorization: Some(header(ticketed.scheme.name(), &ticketed.token)?),
        content_type: together.then_some(SOAP),
        identify: false,
    };
    if together {
        return Ok(carrier.post(headers, envelope.to_vec()).await?);
    }
    // A lone token carries no operation.
    Ok(carrier
        .post(headers, Vec::new())
        .await
        .map_err(nothing_sent)?)
}

/// A 401 to a ticket. The host may say why in a token of its own.
fn refused(ticketed: &Ticketed, token: Option<&[u8]>) -> Failure {
    let service = ticketed.service.trim_end_matches('@');
    let error = refusal::reason(service, token);
    Failure::new(ErrorKind::Kerberos(error), Sent::NotProcessed)
}

fn schemes(answer: &Answer) -> Vec<String> {
    offers(answer.authenticate.iter().map(String::as_str))
        .into_iter()
        .map(|offer| offer.scheme)
        .collect()
}

fn loss(error: KerberosError) -> Loss {
    Loss::new(ErrorKind::Kerberos(error), Sent::Nothing)
}

fn nothing_sent(loss: Loss) -> Loss {
    Loss {
        sent: Sent::Nothing,
        ..loss
    }
}
