//! References to credentials: names and places, never a secret.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An account and where what proves it is to be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The name hosts refer to.
    pub name: String,
    /// `DOMAIN\user`, `user@REALM`, or `.\user` for a local account. Empty where tickets or a certificate say it.
    pub username: String,
    /// Where the password is, or what takes its place.
    pub password: PasswordSource,
}

/// Where a password is to be had, or what takes its place. The secret itself never enters this crate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordSource {
    /// Entry of the operating system's keyring.
    Keyring(String),
    /// Environment variable.
    Env(String),
    /// File with nothing else in it; refused when others may read it.
    File(PathBuf),
    /// Program and arguments; the first line it prints.
    Command(Vec<String>),
    /// Asked at the terminal.
    Prompt,
    /// No password: Kerberos tickets that are already there (`kinit`, or the logon to this machine), in the default
    /// cache (`logged_on: true`, `ccache: default`) or a named one.
    Tickets(Option<String>),
    /// No password: a file with the account's Kerberos keys.
    Keytab(PathBuf),
    /// No password: a client certificate and its private key, in PEM files.
    Certificate {
        /// The certificate, with the authorities between it and a root.
        certificate: PathBuf,
        /// Its private key, not encrypted.
        key: PathBuf,
    },
}

impl PasswordSource {
    /// Whether there is a password to be read.
    pub fn is_password(&self) -> bool {
        !matches!(
            self,
            Self::Tickets(_) | Self::Keytab(_) | Self::Certificate { .. }
        )
    }
}
