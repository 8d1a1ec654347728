//! One ticket-granting ticket per account and run, asked for once, and service tickets with it.
//!
//! The library blocks while it talks to a KDC and cannot be interrupted: it runs on threads of its own, a bounded
//! number at once, and whoever waits for one gives up by deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Semaphore};

use super::error::{KerberosError, KerberosProblem};
use super::system::{self, Granted, Mechanism, Sealing};
use crate::credentials::Credentials;
use crate::error::{ErrorKind, Sent};
use crate::guard::{LogonDenied, LogonGuard};
use crate::loss::Loss;

/// Calls into the library at once, in this process: a hung KDC must not eat the runtime's threads.
static ROOM: Semaphore = Semaphore::const_new(16);

/// A ticket that ends within this time is renewed before it is used.
const LAST_MINUTES: Duration = Duration::from_secs(300);
/// After a failure that may pass (no KDC, clock), so long nobody asks again.
const PAUSE: Duration = Duration::from_secs(30);

/// What an account has got from its KDC. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Tickets {
    // Async mutexes: held over the one exchange, so that all other hosts of the account wait for its outcome.
    named: Arc<Mutex<State>>,
    /// For hosts that take a bare name as one of the default realm: to the others it says nothing.
    bare: Arc<Mutex<State>>,
}

#[derive(Default)]
enum State {
    #[default]
    Unasked,
    Granted(Arc<Granted>),
    Failed(KerberosError, Instant),
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tickets")
    }
}

/// What the exchange with the KDC needs to know.
pub(super) struct Asking {
    pub(super) credentials: Credentials,
    pub(super) guard: Arc<dyn LogonGuard>,
    pub(super) host: String,
    /// A name without a domain may be one of the default realm.
    pub(super) bare: bool,
    pub(super) patience: Duration,
}

impl Asking {
    /// The account's tickets. The first host of a run asks the KDC, with the guard's leave where a password goes
    /// out; a password that was refused is never sent again. Cancel safe: the exchange goes on for the others.
    pub(super) async fn granted(self) -> Result<Arc<Granted>, Loss> {
        let patience = self.patience;
        let name = &self.credentials.username;
        let tickets = &self.credentials.tickets;
        let bare = self.bare && !name.is_empty() && !name.contains(['\\', '@']);
        let state = Arc::clone(if bare { &tickets.bare } else { &tickets.named });
        // A task of its own: a host that is given up while the password is under way must not lose the answer.
        let work = tokio::spawn(async move {
            let mut state = state.lock_owned().await;
            match &*state {
                State::Granted(granted) if granted.until > Instant::now() + LAST_MINUTES => {
                    return Ok(Arc::clone(granted));
                }
                State::Failed(error, since) if error.lasts() || since.elapsed() < PAUSE => {
                    return Err(again(error));
                }
                _ => {}
            }
            match self.ask().await {
                Ok(granted) => {
                    let granted = Arc::new(granted);
                    *state = State::Granted(Arc::clone(&granted));
                    Ok(granted)
                }
                Err(ErrorKind::Kerberos(error)) => {
                    *state = State::Failed(error.clone(), Instant::now());
                    Err(ErrorKind::Kerberos(error))
                }
                Err(kind) => Err(kind),
            }
        });
        let outcome = tokio::time::timeout(patience, work).await;
        let outcome = outcome.unwrap_or_else(|_| Ok(Err(ErrorKind::Kerberos(silent()))));
        outcome
            .unwrap_or_else(|_| Err(ErrorKind::Kerberos(broken())))
            .map_err(|kind| Loss::new(kind, Sent::Nothing))
    }

    async fn ask(self) -> Result<Granted, ErrorKind> {
        let Self {
            credentials,
            guard,
            host,
            bare,
            ..
        } = self;
        // What cannot be asked at all costs no attempt.
        let (name, secret) = (credentials.username.clone(), credentials.secret().is_some());
        blocking(move || system::check(&name, bare))
            .await
            .map_err(ErrorKind::Kerberos)?;
        let permit = match secret {
            true => Some(
                guard
                    .admit(&credentials.username, &host)
                    .await
                    .map_err(ErrorKind::LogonDenied)?,
            ),
            false => None,
        };
        let granted =
            blocking(move || system::grant(&credentials.username, bare, &credentials.proof)).await;
        match (&granted, permit) {
            (Ok(_), Some(permit)) => permit.accepted(),
            (Err(error), Some(permit)) if !error.leaves_ntlm() => permit.refused(),
            // No answer to the password: the guard counts that by itself.
            _ => {}
        }
        granted.map_err(ErrorKind::Kerberos)
    }
}

/// A failure as the hosts after the first one see it.
fn again(error: &KerberosError) -> ErrorKind {
    if error.leaves_ntlm() {
        return ErrorKind::Kerberos(error.clone());
    }
    ErrorKind::LogonDenied(LogonDenied(format!(
        "the KDC has refused the account in this run ({}); the password is not sent again",
        error.detail
    )))
}

/// A context with its first token, from the account's tickets.
pub(super) async fn context(
    granted: Arc<Granted>,
    host: &str,
    target: &str,
    mechanism: Mechanism,
    binding: Option<Vec<u8>>,
    patience: Duration,
) -> Result<(Sealing, Vec<u8>), KerberosError> {
    let (host, service) = (host.to_owned(), target.to_owned());
    let work = blocking(move || granted.context(&host, &service, mechanism, binding.as_deref()));
    let outcome = tokio::time::timeout(patience, work).await;
    outcome
        .unwrap_or_else(|_| Err(silent()))
        .map_err(|error| match error.problem {
            KerberosProblem::SpnUnknown => KerberosError::new(
                KerberosProblem::SpnUnknown,
                format!("the KDC knows no service {}", target.trim_end_matches('@')),
            ),
            _ => error,
        })
}

/// Runs a call into the library on a thread that may block. Its place is given back by the thread, not by whoever
/// waited for it.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, KerberosError> + Send + 'static,
) -> Result<T, KerberosError> {
    // Never closed, so there is always a place in the end.
    let place = ROOM.acquire().await;
    tokio::task::spawn_blocking(move || {
        let _place = place;
        call()
    })
    .await
    .unwrap_or_else(|_| Err(broken()))
}

fn silent() -> KerberosError {
    KerberosError::new(
        KerberosProblem::KdcUnreachable,
        "no answer from a KDC within the deadline",
    )
}

fn broken() -> KerberosError {
    KerberosError::new(
        KerberosProblem::Other,
        "the exchange with the KDC broke off",
    )
}
