//! Who logs on, and with what. Shared by all sessions of one account in a run.

use std::path::PathBuf;

use wsman_proto::Secret;

use crate::logon::Tickets;

/// An account and what proves it. Clones share the tickets: one ticket-granting ticket per account and run.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `DOMAIN\user`, `user@REALM`, `.\user`, or `user`. Empty where the tickets say it.
    pub(crate) username: String,
    pub(crate) proof: Proof,
    pub(crate) tickets: Tickets,
}

/// What proves an account.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A password: for every method.
    Password(Secret),
    /// Tickets somebody already has (`kinit`, or the logon to the machine): Kerberos only. A name such as
    /// `FILE:/tmp/krb5cc_0`, or the default cache. It is read and left as it is.
    TicketCache(Option<String>),
    /// A file with the account's keys: Kerberos only.
    Keytab(PathBuf),
    /// A client certificate that the host maps to an account: over TLS only.
    Certificate(ClientCertificate),
}

/// PEM files of a client certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    /// The certificate, with the authorities between it and a root.
    pub certificate: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
}

impl Credentials {
    /// An account with a proof. No file is read and nobody is asked yet.
    pub fn new(username: impl Into<String>, proof: Proof) -> Self {
        Self {
            username: username.into(),
            proof,
            tickets: Tickets::default(),
        }
    }

    /// An account with a password.
    pub fn password(username: impl Into<String>, password: Secret) -> Self {
        Self::new(username, Proof::Password(password))
    }

    /// As given.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password, where there is one.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        match &self.proof {
            Proof::Password(secret) => Some(secret),
            _ => None,
        }
    }
}
