//! Who may log on to the hosts, and what they may do there.

use serde::Deserialize;

/// Who may log on.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Name without domain.
    pub username: String,
    /// NetBIOS name of the domain; absent: a local account that exists on every host.
    #[serde(default)]
    pub domain: Option<String>,
    /// The password, in clear: these are simulated accounts.
    pub password: String,
    /// What it may do after logon.
    #[serde(default)]
    pub rights: Rights,
    /// SHA-256 of the certificates (DER, hexadecimal) that stand for this account: what `winrm/config/service/certmapping`
    /// is on Windows.
    #[serde(default)]
    pub certificates: Vec<String>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("username", &self.username)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// An administrator of the domain.
    pub fn domain(domain: &str, username: &str, password: &str) -> Self {
        Self {
            username: username.into(),
            domain: Some(domain.into()),
            password: password.into(),
            rights: Rights::Administrator,
            certificates: Vec::new(),
        }
    }

    /// A local administrator (RID 500) on every host.
    pub fn local(username: &str, password: &str) -> Self {
        Self {
            username: username.into(),
            domain: None,
            password: password.into(),
            rights: Rights::Administrator,
            certificates: Vec::new(),
        }
    }

    /// The same account, to which a certificate of this SHA-256 is mapped.
    #[must_use]
    pub fn with_certificate(mut self, sha256: [u8; 32]) -> Self {
        self.certificates.push(hex::encode(sha256));
        self
    }
}

/// What an account may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rights {
    /// Everything.
    #[default]
    Administrator,
    /// A local administrator with filtered token: logon works, everything else is fault 5.
    Filtered,
    /// No administrator: the same faults.
    User,
}
