//! The accounts of the fleet, and how often each was tried.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::host::{Host, Tally};
use crate::spec::{Account, FleetSpec};

/// All accounts with their counters. Domain accounts are the same everywhere, local ones exist on each host.
pub(crate) struct Accounts {
    accounts: Vec<Arc<Account>>,
    dns_domain: String,
    netbios_domain: String,
    lockout_after: Option<u32>,
    /// One lock for the fleet: held for a few instructions per logon.
    counts: Mutex<HashMap<String, Count>>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    attempts: u64,
    failed: u64,
    in_a_row: u32,
}

impl Accounts {
    pub(crate) fn new(spec: &FleetSpec) -> Self {
        Self {
            accounts: spec.accounts.iter().cloned().map(Arc::new).collect(),
            dns_domain: spec.domain.dns.clone(),
            netbios_domain: spec.domain.netbios.clone(),
            lockout_after: spec.lockout_after,
            counts: Mutex::default(),
        }
    }

    /// The account a client means, as Windows would resolve the two names it sent.
    pub(crate) fn find(&self, host: &Host, domain: &str, user: &str) -> Option<Arc<Account>> {
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let local = |user: &str| {
            self.accounts
                .iter()
                .find(|account| account.domain.is_none() && same(&account.username, user))
        };
        let of_domain = |user: &str, domain: &str| {
            let known = !host.options.workgroup
                && (same(domain, &self.netbios_domain) || same(domain, &self.dns_domain));
            let named =
                |account: &&Arc<Account>| account.domain.is_some() && same(&account.username, user);
            if known {
                self.accounts.iter().find(named)
            } else {
                None
            }
        };
        let found = match (domain, user.split_once('@')) {
            ("", Some((user, realm))) => of_domain(user, realm),
            ("" | ".", None) => local(user).or_else(|| of_domain(user, &self.netbios_domain)),
            _ if same(domain, &host.identity().computer_name) => local(user),
            _ => of_domain(user, domain),
        };
        found.cloned()
    }

    /// The account that a certificate is mapped to, by the SHA-256 of the certificate in hexadecimal digits.
    pub(crate) fn by_certificate(&self, sha256: &str) -> Option<Arc<Account>> {
        let mapped = |account: &&Arc<Account>| {
            let mut certificates = account.certificates.iter();
            certificates.any(|known| known.eq_ignore_ascii_case(sha256))
        };
        self.accounts.iter().find(mapped).cloned()
    }

    /// Counts an attempt and its result; false where the account is locked, whatever the password.
    pub(crate) fn settle(
        &self,
        host: &Host,
        account: Option<&Account>,
        sent: &str,
        right: bool,
    ) -> bool {
        let name = account.map_or_else(|| sent.to_lowercase(), label);
        let mut counts = self.lock();
        let count = counts.entry(name).or_default();
        count.attempts += 1;
        let locked = account.is_some()
            && self
                .lockout_after
                .is_some_and(|limit| count.in_a_row >= limit);
        let accepted = right && !locked;
        if accepted {
            count.in_a_row = 0;
            Tally::up(&host.tally.handshakes);
        } else {
            count.failed += 1;
            count.in_a_row = count.in_a_row.saturating_add(1);
            Tally::up(&host.tally.failed_logons);
        }
        Tally::up(&host.tally.logon_attempts);
        accepted
    }

    /// Counts a ticket at its host. It is no attempt at a password: only the KDC counts those.
    pub(crate) fn ticket(&self, host: &Host, accepted: bool) {
        Tally::up(&host.tally.logon_attempts);
        Tally::up(if accepted {
            &host.tally.handshakes
        } else {
            &host.tally.failed_logons
        });
    }

    /// Attempts and failed attempts of an account.
    pub(crate) fn counts(&self, account: &str) -> (u64, u64) {
        self.lock()
            .get(&account.to_lowercase())
            .map_or((0, 0), |count| (count.attempts, count.failed))
    }

    /// Failed attempts of all accounts.
    pub(crate) fn failed_total(&self) -> u64 {
        self.lock().values().map(|count| count.failed).sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn label(account: &Account) -> String {
    match &account.domain {
        Some(domain) => format!("{domain}\\{}", account.username).to_lowercase(),
        None => account.username.to_lowercase(),
    }
}
