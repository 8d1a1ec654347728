//! The logon guard (product promise 8): a wrong password costs a bounded number of attempts per account.
//!
//! [`LogonBudget`] is shared by all hosts of a run. Here is only the waiting; what is allowed is decided in
//! `policy.rs`, which attempts count together in `account.rs`. `wsman` asks before every message that is derived
//! from a secret, re-authentication included, and settles the permit with the answer.

mod account;
mod policy;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use wsman::{BoxFuture, LogonDenied, LogonGuard, LogonPermit};

use account::AccountKey;
pub(crate) use account::BareName;
pub use policy::LogonLimits;
use policy::{Answer, Denial, Policy, Ticket, Verdict};

/// The attempts of one run, counted over all its hosts.
#[derive(Debug)]
pub struct LogonBudget {
    // A plain mutex: held for a few comparisons, never across an await.
    policy: Mutex<Policy>,
    /// Rung at every settled permit; whoever waits asks again.
    settled: Notify,
}

impl LogonBudget {
    /// A fresh count.
    pub fn new(limits: LogonLimits) -> Arc<Self> {
        Arc::new(Self {
            policy: Mutex::new(Policy::new(limits)),
            settled: Notify::new(),
        })
    }

    /// The guard to give to the sessions of one credential. Two credentials of one account share the account's
    /// budget, but a success of the one does not prove the other's password.
    pub(crate) fn for_credential(
        self: &Arc<Self>,
        credential: &str,
        bare: BareName,
    ) -> Arc<dyn LogonGuard> {
        Arc::new(CredentialGuard {
            budget: Arc::clone(self),
            credential: credential.to_owned(),
            bare,
        })
    }

    /// Waits for the right to send one logon. Cancel safe: nothing is counted before the permit is handed out.
    async fn admit(
        self: &Arc<Self>,
        account: &AccountKey,
        credential: &str,
    ) -> Result<Permit, Denial> {
        loop {
            // Listening begins before asking, so a permit settled in between is not missed.
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            let verdict = self.policy().admit(account, credential);
            match verdict {
                Verdict::Send(ticket) => {
                    return Ok(Permit {
                        budget: Arc::clone(self),
                        ticket: Some(ticket),
                    });
                }
                Verdict::Deny(denial) => return Err(denial),
                Verdict::Wait => settled.await,
            }
        }
    }

    fn policy(&self) -> std::sync::MutexGuard<'_, Policy> {
        // Nothing in the policy can panic half way through a change.
        self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an account belongs to the host itself (`.\user`, `HOST\user`, with Basic `user`).
pub(crate) fn account_is_local(username: &str, host: &str, bare: BareName) -> bool {
    AccountKey::new(username, host, bare).is_local()
}

/// The seam towards `wsman`.
struct CredentialGuard {
    budget: Arc<LogonBudget>,
    credential: String,
    bare: BareName,
}

impl LogonGuard for CredentialGuard {
    fn admit<'a>(
        &'a self,
        account: &'a str,
        host: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn LogonPermit>, LogonDenied>> {
        Box::pin(async move {
            let account = AccountKey::new(account, host, self.bare);
            match self.budget.admit(&account, &self.credential).await {
                Ok(permit) => Ok(Box::new(permit) as Box<dyn LogonPermit>),
                Err(denial) => Err(LogonDenied(denial.to_string())),
            }
        })
    }
}

/// The right to send one logon. Dropped without an answer it counts as unanswered.
#[derive(Debug)]
struct Permit {
    budget: Arc<LogonBudget>,
    ticket: Option<Ticket>,
}

impl Permit {
    fn settle(&mut self, answer: Answer) {
        if let Some(ticket) = self.ticket.take() {
            self.budget.policy().settle(ticket, answer);
            self.budget.settled.notify_waiters();
        }
    }
}

impl LogonPermit for Permit {
    fn accepted(mut self: Box<Self>) {
        self.settle(Answer::Accepted);
    }

    fn refused(mut self: Box<Self>) {
        self.settle(Answer::Refused);
    }

    fn doubtful(mut self: Box<Self>) {
        self.settle(Answer::Doubtful);
    }

    fn unsent(mut self: Box<Self>) {
        self.settle(Answer::Unsent);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.settle(Answer::None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn logon(budget: Arc<LogonBudget>, host: usize, answer: Answer) -> Result<(), Denial> {
        let account = AccountKey::new(r"CORP\svc", &format!("pc-{host}"), BareName::Either);
        let mut permit = budget.admit(&account, "c").await?;
        tokio::task::yield_now().await;
        permit.settle(answer);
        Ok(())
    }

    #[tokio::test]
    async fn a_wrong_password_on_a_thousand_hosts_leaves_three_times() {
        let budget = LogonBudget::new(LogonLimits::default());
        let tasks: Vec<_> = (0..1000)
            .map(|host| tokio::spawn(logon(Arc::clone(&budget), host, Answer::Refused)))
            .collect();
        let mut sent = 0;
        for task in tasks {
            sent += usize::from(task.await.unwrap().is_ok());
        }
        assert_eq!(sent, 3);
    }

    #[tokio::test]
    async fn a_right_password_is_proved_once_and_nobody_waits_for_ever() {
        let budget = LogonBudget::new(LogonLimits::default());
        let tasks: Vec<_> = (0..1000)
            .map(|host| tokio::spawn(logon(Arc::clone(&budget), host, Answer::Accepted)))
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), Ok(()));
        }
    }

    #[tokio::test]
    async fn a_dropped_permit_lets_the_next_one_go() {
        let budget = LogonBudget::new(LogonLimits::default());
        let account = AccountKey::new(r"CORP\svc", "pc-1", BareName::Either);
        let held = budget.admit(&account, "c").await.unwrap();
        let waiting = {
            let (budget, account) = (Arc::clone(&budget), account.clone());
            tokio::spawn(async move { budget.admit(&account, "c").await.map(drop) })
        };
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(held);
        assert_eq!(waiting.await.unwrap(), Ok(()));
    }
}
