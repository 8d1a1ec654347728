//! References to credentials: names and places, never a secret.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An account and where its password is to be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The name hosts refer to.
    pub name: String,
    /// `DOMAIN\user`, `user@REALM`, or `.\user` for a local account.
    pub username: String,
    /// Where the password is.
    pub password: PasswordSource,
}

/// Where a password is to be had. The secret itself never enters this crate.
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
}
