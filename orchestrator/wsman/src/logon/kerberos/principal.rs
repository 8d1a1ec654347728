//! Whose ticket, and for which service: from what stands in an inventory to Kerberos names.

use std::net::IpAddr;

use super::error::{KerberosError, KerberosProblem};
use crate::endpoint::Spn;

pub(super) const LOCAL: &str = "a local account has none";
pub(super) const NO_DOMAIN: &str = "the account names no domain";
pub(super) const OTHER_REALM: &str = "the account's domain is not this machine's realm";
pub(super) const NO_REALM: &str = "this machine has no default realm";
pub(super) const ADDRESS: &str = "the host's name is an address";

/// All reasons for having no name.
pub(super) const WHY: [&str; 5] = [LOCAL, NO_DOMAIN, OTHER_REALM, NO_REALM, ADDRESS];

/// The account's principal. `None` for an empty user name: whoever the tickets belong to.
///
/// `bare` says whether a name without a domain may be taken for one of the default realm; under negotiate it may as
/// well be an account of the host, and only NTLM fits both.
#[cfg(any(unix, test))]
pub(super) fn account(
    username: &str,
    bare: bool,
    default_realm: impl FnOnce() -> Result<String, KerberosError>,
) -> Result<Option<String>, KerberosError> {
    if username.is_empty() {
        return Ok(None);
    }
    let none = |text: &str| Err(KerberosError::new(KerberosProblem::NoName, text));
    let (user, realm) = match username.split_once('\\') {
        Some(("." | "", _)) => return none(LOCAL),
        Some((domain, user)) if domain.contains('.') => (user, domain.to_uppercase()),
        Some((domain, user)) => {
            let realm = default_realm().map_err(|error| match error.problem {
                KerberosProblem::NoName | KerberosProblem::KdcUnreachable => {
                    KerberosError::new(KerberosProblem::NoName, NO_REALM)
                }
                _ => error,
            })?;
            let first = realm.split('.').next().unwrap_or_default();
            if !first.eq_ignore_ascii_case(domain) {
                return none(OTHER_REALM);
            }
            (user, realm)
        }
        None => match username.rsplit_once('@') {
            Some((user, realm)) => (user, realm.to_uppercase()),
            None if bare => (username, default_realm()?),
            None => return none(NO_DOMAIN),
        },
    };
    Ok(Some([&escape(user), "@", &realm].concat()))
}

/// An account as Windows takes it.
#[cfg(any(windows, test))]
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) user: String,
    /// None where the user's name is a user principal name: its part behind the `@` need not be a domain.
    pub(super) domain: Option<String>,
}

#[cfg(any(windows, test))]
impl Named {
    /// Where its KDC is found: the domain, or what the user principal name says of it.
    pub(super) fn realm(&self) -> &str {
        let suffix = || self.user.rsplit_once('@').map(|(_, suffix)| suffix);
        self.domain.as_deref().or_else(suffix).unwrap_or_default()
    }
}

/// The account as Windows takes it. `None` for an empty user name: whoever is logged on. Windows resolves short names
/// of domains and user principal names itself; `bare` as in [`account`], with the domain of whoever is logged on.
#[cfg(any(windows, test))]
pub(super) fn identity(
    username: &str,
    bare: bool,
    own_domain: impl FnOnce() -> Option<String>,
) -> Result<Option<Named>, KerberosError> {
    if username.is_empty() {
        return Ok(None);
    }
    let none = |text: &str| Err(KerberosError::new(KerberosProblem::NoName, text));
    let (user, domain) = match username.split_once('\\') {
        Some(("." | "", _)) => return none(LOCAL),
        Some((domain, user)) => (user, Some(domain.to_owned())),
        None if username.contains('@') => (username, None),
        None if bare => match own_domain() {
            Some(domain) => (username, Some(domain)),
            None => return none(NO_REALM),
        },
        None => return none(NO_DOMAIN),
    };
    let user = user.to_owned();
    Ok(Some(Named { user, domain }))
}

/// `/` and `@` would end the name's part.
#[cfg(any(unix, test))]
pub(super) fn escape(user: &str) -> String {
    let mut out = String::with_capacity(user.len());
    for c in user.chars() {
        if matches!(c, '/' | '@' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// `HTTP/pc-0001.corp.example@`: the realm is the KDC's business unless the inventory names it. No DNS is asked, so
/// that the ticket is for the name of the inventory and for no other.
pub(super) fn service(spn: &Spn, host: &str) -> Result<String, KerberosError> {
    let name = match &spn.name {
        Some(name) => name.as_str(),
        None if host.parse::<IpAddr>().is_ok() => {
            return Err(KerberosError::new(KerberosProblem::NoName, ADDRESS));
        }
        None => host.trim_end_matches('.'),
    };
    let realm = if name.contains('@') { "" } else { "@" };
    Ok([&spn.class, "/", name, realm].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(username: &str, bare: bool, expected: Result<Option<&str>, &str>) {
        let found = account(username, bare, || Ok("CORP.EXAMPLE".to_owned()));
        let found = found.as_ref().map(Option::as_deref);
        assert_eq!(
            found.map_err(|error| error.detail.as_str()),
            expected,
            "{username}"
        );
    }

    #[test]
    fn accounts_become_principals() {
        check("", false, Ok(None));
        check("svc@corp.example", false, Ok(Some("svc@CORP.EXAMPLE")));
        check(r"corp\svc", false, Ok(Some("svc@CORP.EXAMPLE")));
        check(r"lab.example\svc", false, Ok(Some("svc@LAB.EXAMPLE")));
        check("svc", true, Ok(Some("svc@CORP.EXAMPLE")));
        check(r"corp\a/b@c", false, Ok(Some(r"a\/b\@c@CORP.EXAMPLE")));
    }

    #[test]
    fn what_has_no_principal_says_why() {
        check(r".\admin", true, Err("a local account has none"));
        check("svc", false, Err("the account names no domain"));
        let other = "the account's domain is not this machine's realm";
        check(r"PC-1\admin", true, Err(other));
        let without = account(r"CORP\svc", true, || {
            Err(KerberosError::new(
                KerberosProblem::NoName,
                "configuration file ...",
            ))
        });
        assert_eq!(
            without.unwrap_err().detail,
            "this machine has no default realm"
        );
    }

    #[test]
    fn accounts_become_users_of_a_domain() {
        type Parts<'a> = (&'a str, Option<&'a str>, &'a str);
        let check = |username: &str, bare: bool, expected: Result<Option<Parts<'_>>, &str>| {
            let found = identity(username, bare, || Some("CORP.EXAMPLE".to_owned()));
            let found = found.as_ref().map(|named| {
                let named = named.as_ref();
                named.map(|named| (named.user.as_str(), named.domain.as_deref(), named.realm()))
            });
            assert_eq!(found.map_err(|error| error.detail.as_str()), expected);
        };
        check("", false, Ok(None));
        check(r"CORP\svc", false, Ok(Some(("svc", Some("CORP"), "CORP"))));
        // What is behind the @ may be a suffix of its own: Windows asks the domain what it means.
        let upn = "svc@corp.example";
        check(upn, false, Ok(Some((upn, None, "corp.example"))));
        let own = Some("CORP.EXAMPLE");
        check("svc", true, Ok(Some(("svc", own, "CORP.EXAMPLE"))));
        check("svc", false, Err(NO_DOMAIN));
        check(r".\admin", true, Err(LOCAL));
        let nowhere = identity("svc", true, || None).unwrap_err();
        assert_eq!(nowhere.detail, NO_REALM);
    }

    #[test]
    fn services_carry_the_name_of_the_inventory() {
        let spn = |class: &str, name: Option<&str>| Spn {
            class: class.to_owned(),
            name: name.map(str::to_owned),
        };
        let check = |spn: Spn, host: &str, expected: &str| {
            assert_eq!(service(&spn, host).unwrap(), expected);
        };
        check(
            Spn::default(),
            "pc-1.corp.example.",
            "HTTP/pc-1.corp.example@",
        );
        check(spn("WSMAN", None), "pc-1", "WSMAN/pc-1@");
        check(spn("HTTP", Some("alias")), "10.0.0.1", "HTTP/alias@");
        check(
            spn("HTTP", Some("pc-1@OTHER.REALM")),
            "x",
            "HTTP/pc-1@OTHER.REALM",
        );
        for address in ["10.0.0.1", "fd00::1"] {
            let error = service(&Spn::default(), address).unwrap_err();
            assert_eq!(error.problem, KerberosProblem::NoName);
        }
    }
}
