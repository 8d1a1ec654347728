//! Who is there: accounts, Basic, NTLM and Kerberos raw and inside SPNEGO, bound to the connection.
//!
//! Knows no sockets: `server` hands in the headers and sends what comes out.

mod accounts;
mod der;
mod kerberos;
mod negotiate;
mod ntlm;
mod seal;
mod spnego;
mod tickets;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) use accounts::Accounts;
pub(crate) use kerberos::Desk;
pub(crate) use negotiate::{Door, Exchange, Step};
pub(crate) use ntlm::binding_of;
pub(crate) use seal::Seal;
pub(crate) use tickets::raw as kerberos_step;

use crate::host::Host;
use crate::spec::Rights;

/// Somebody who proved who he is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// `DOMAIN\user`.
    pub(crate) name: String,
    pub(crate) rights: Rights,
}

/// Judges a Basic header. Only the account's names decide; the connection is not bound.
pub(crate) fn basic(accounts: &Accounts, host: &Host, encoded: &str) -> Option<User> {
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (sent, password) = text.split_once(':')?;
    let (domain, user) = sent.split_once('\\').unwrap_or(("", sent));
    let account = accounts.find(host, domain, user);
    let right = account
        .as_ref()
        .is_some_and(|account| account.password == password);
    let accepted = accounts.settle(host, account.as_deref(), sent, right);
    let account = account.filter(|_| accepted)?;
    Some(User {
        name: qualified(host, &account),
        rights: account.rights,
    })
}

/// The user behind a certificate that was shown, where it is mapped to one. No password is judged and none is counted.
pub(crate) fn certificate(accounts: &Accounts, host: &Host, sha256: &str) -> Option<User> {
    let account = accounts.by_certificate(sha256)?;
    let accepted = accounts.settle(host, Some(&account), "", true);
    accepted.then(|| User {
        name: qualified(host, &account),
        rights: account.rights,
    })
}

fn qualified(host: &Host, account: &crate::spec::Account) -> String {
    let computer = || host.identity().computer_name;
    format!(
        "{}\\{}",
        account.domain.clone().unwrap_or_else(computer),
        account.username
    )
}
