//! Which attempts count together: an account as the domain (or the host) that locks it out sees it.

use std::fmt;

/// Whose account a user name without a domain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BareName {
    /// The host's own: WinRM's Basic knows local accounts only (wsman reference 5.1), so each host has a counter of
    /// its own.
    Local,
    /// The host's or the domain's: NTLM without a domain name asks the host's accounts first, then the domain's. It
    /// counts in the whole run, which is the safe reading.
    Either,
}

/// The owner of a lockout counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccountKey {
    /// Folded: Windows compares account names without regard to letter case.
    name: String,
    /// `Some` for an account of one machine: each machine counts for itself.
    host: Option<String>,
}

impl AccountKey {
    /// Takes the user name as the inventory gives it. `.\user` and `HOST\user` are accounts of the host itself.
    pub(crate) fn new(username: &str, host: &str, bare: BareName) -> Self {
        let host = host.to_lowercase();
        let short = host.split('.').next().unwrap_or(&host);
        let folded = username.trim().to_lowercase();
        match folded.split_once('\\') {
            Some((domain, user)) if domain == "." || domain == short || domain == host => Self {
                name: format!(r".\{user}"),
                host: Some(host),
            },
            None if bare == BareName::Local && !folded.contains('@') => Self {
                name: format!(r".\{folded}"),
                host: Some(host),
            },
            _ => Self {
                name: folded,
                host: None,
            },
        }
    }

    /// True where the account belongs to one machine.
    pub(crate) fn is_local(&self) -> bool {
        self.host.is_some()
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.host {
            Some(host) => write!(f, " of {host}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_accounts_belong_to_their_host() {
        let host = "PC-1.corp.example";
        for name in [r".\Admin", r"PC-1\admin", r"pc-1.CORP.example\ADMIN"] {
            assert_eq!(
                AccountKey::new(name, host, BareName::Either),
                AccountKey::new(r".\admin", host, BareName::Either),
                "{name}"
            );
            assert!(AccountKey::new(name, host, BareName::Either).is_local());
        }
        assert_ne!(
            AccountKey::new(r".\admin", "pc-1", BareName::Either),
            AccountKey::new(r".\admin", "pc-2", BareName::Either)
        );
    }

    #[test]
    fn domain_accounts_count_in_the_whole_run() {
        for name in [r"CORP\svc", "svc@corp.example", "svc"] {
            assert_eq!(
                AccountKey::new(name, "pc-1", BareName::Either),
                AccountKey::new(&name.to_uppercase(), "pc-2", BareName::Either)
            );
            assert!(!AccountKey::new(name, "pc-1", BareName::Either).is_local());
        }
    }

    #[test]
    fn a_bare_name_belongs_to_the_host_where_only_local_accounts_are_known() {
        let key = |name, host| AccountKey::new(name, host, BareName::Local);
        assert!(key("admin", "pc-1").is_local());
        assert_eq!(key("Admin", "pc-1"), key(r".\admin", "PC-1"));
        assert_ne!(key("admin", "pc-1"), key("admin", "pc-2"));
        for name in [r"CORP\svc", "svc@corp.example"] {
            assert!(!key(name, "pc-1").is_local(), "{name}");
        }
    }
}
