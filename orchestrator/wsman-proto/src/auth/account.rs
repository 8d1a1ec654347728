//! User names as people write them, and as NTLM wants them (wsman.md 5.6).

/// An account, split for NTLM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// User part; the whole text for `user@realm`.
    pub user: String,
    /// Where the account lives.
    pub domain: Domain,
}

/// Where an account lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Not said, or inside the user part.
    None,
    /// `.\user`: an account of the host itself.
    Host,
    /// A domain or computer, in upper case: a host that normalises it would otherwise derive other keys.
    Named(String),
}

impl Account {
    /// Splits `DOMAIN\user`, `.\user`, `user@REALM` or `user`.
    pub fn parse(text: &str) -> Self {
        match text.split_once('\\') {
            Some((".", user)) => Self {
                user: user.to_owned(),
                domain: Domain::Host,
            },
            Some(("", user)) => Self {
                user: user.to_owned(),
                domain: Domain::None,
            },
            Some((domain, user)) => Self {
                user: user.to_owned(),
                domain: Domain::Named(domain.to_uppercase()),
            },
            None => Self {
                user: text.to_owned(),
                domain: Domain::None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, Domain};

    #[test]
    fn the_usual_forms() {
        let check = |text, user: &str, domain| {
            assert_eq!(
                Account::parse(text),
                Account {
                    user: user.to_owned(),
                    domain
                }
            );
        };
        check("corp\\svc", "svc", Domain::Named("CORP".to_owned()));
        check(".\\admin", "admin", Domain::Host);
        check("svc@corp.example", "svc@corp.example", Domain::None);
        check("admin", "admin", Domain::None);
        check("x\\a@b", "a@b", Domain::Named("X".to_owned()));
    }
}
