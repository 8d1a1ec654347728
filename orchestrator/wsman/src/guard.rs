//! The seam of the account lockout guard: asked before every message that is derived from a password leaves.

use std::future::Future;
use std::pin::Pin;

/// A boxed future, as object-safe traits need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Decides whether a logon may be tried now. Awaited before an NTLM Type 3 or a Basic header leaves, at each
/// re-authentication too; between the two at most the connection is made anew, if the wait was long.
pub trait LogonGuard: Send + Sync {
    /// Waits for permission. `account` is the user name as given, `host` the endpoint's name.
    fn admit<'a>(
        &'a self,
        account: &'a str,
        host: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn LogonPermit>, LogonDenied>>;
}

/// Permission for one attempt. Dropped without a call it counts as unanswered.
pub trait LogonPermit: Send {
    /// The host took the credentials.
    fn accepted(self: Box<Self>);
    /// The host refused them.
    fn refused(self: Box<Self>);
    /// They were refused by way of something in between that may have spoilt the logon, so that the password may be
    /// right all the same.
    fn doubtful(self: Box<Self>) {
        self.refused();
    }
    /// Nothing derived from the password has left after all.
    fn unsent(self: Box<Self>);
}

/// The guard let nothing out; the text says why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LogonDenied(pub String);

/// A guard that lets everything pass, for tests and single hosts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unguarded;

struct Free;

impl LogonPermit for Free {
    fn accepted(self: Box<Self>) {}
    fn refused(self: Box<Self>) {}
    fn unsent(self: Box<Self>) {}
}

impl LogonGuard for Unguarded {
    fn admit<'a>(
        &'a self,
        _account: &'a str,
        _host: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn LogonPermit>, LogonDenied>> {
        Box::pin(async { Ok(Box::new(Free) as Box<dyn LogonPermit>) })
    }
}
