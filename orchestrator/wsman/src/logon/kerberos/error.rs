//! Why Kerberos did not carry a logon, sorted so that each cause has its own remedy.

/// What stood in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KerberosProblem {
    /// This machine has no GSSAPI library (Windows: no Kerberos package), or one that cannot do what is asked.
    Library,
    /// The KDC refused the password.
    WrongPassword,
    /// The KDC refuses the account: disabled, locked, expired.
    AccountRefused,
    /// The password has expired.
    PasswordExpired,
    /// The KDC does not know the account.
    UnknownPrincipal,
    /// The clocks of this machine and of KDC or host differ too much.
    ClockSkew,
    /// The KDC knows no service of this name: the SPN is not registered.
    SpnUnknown,
    /// No KDC of the realm is known or answers.
    KdcUnreachable,
    /// There is no ticket in the cache, or it has expired.
    NoTicket,
    /// The keytab cannot be read or has no key of the account.
    Keytab,
    /// What was given has no Kerberos name: an IP address as host, a local account, a domain without a realm.
    NoName,
    /// The host did not take the ticket.
    TicketRefused,
    /// The key of the ticket is of a kind that this side does not seal with over HTTP: RC4 or DES.
    WeakKey,
    /// The host took the ticket, but did not prove that it could read it.
    NotMutual,
    /// Anything else; the text is the library's.
    Other,
}

/// Kerberos did not work. The text holds no ticket, key or password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Kerberos: {detail}")]
pub struct KerberosError {
    /// The kind.
    pub problem: KerberosProblem,
    /// What happened, for people.
    pub detail: String,
}

/// What [`KerberosProblem::WeakKey`] says. A sealing context has no other error than a text.
pub(crate) const WEAK_KEY: &str =
    "the ticket's key is of a kind that this client does not seal with (RC4, DES)";

impl KerberosError {
    pub(crate) fn new(problem: KerberosProblem, detail: impl Into<String>) -> Self {
        Self {
            problem,
            detail: detail.into(),
        }
    }

    /// In a few words, the same for all hosts: why NTLM was used.
    pub(crate) fn in_short(&self) -> &'static str {
        use KerberosProblem as P;
        match self.problem {
            P::Library if cfg!(windows) => "no Kerberos package",
            P::Library => "no GSSAPI library",
            P::UnknownPrincipal => "the KDC does not know the account",
            P::ClockSkew => "clock skew",
            P::SpnUnknown => "the KDC does not know the host's service",
            P::KdcUnreachable => "no KDC",
            P::NoName => self.no_name(),
            _ => "it failed",
        }
    }

    /// The texts of `principal.rs` are constants; others of the library are not to be shown in a table.
    fn no_name(&self) -> &'static str {
        super::principal::WHY
            .into_iter()
            .find(|why| *why == self.detail)
            .unwrap_or("no name for it")
    }

    /// The same again now would give the same: no further KDC is asked during this run.
    pub(crate) fn lasts(&self) -> bool {
        use KerberosProblem as P;
        !matches!(self.problem, P::KdcUnreachable | P::ClockSkew | P::Other)
    }

    /// NTLM may be tried in its place. Never after the account itself was judged: the same password would be
    /// counted once more.
    pub(crate) fn leaves_ntlm(&self) -> bool {
        use KerberosProblem as P;
        !matches!(
            self.problem,
            P::WrongPassword | P::AccountRefused | P::PasswordExpired
        )
    }
}

/// Codes of RFC 4120 and of the library, as they come in a minor status (MIT and Heimdal number them alike).
#[cfg(any(unix, test))]
const BASE: i32 = -1_765_328_384;

/// Sorts a minor status; `None` where it says nothing special.
#[cfg(any(unix, test))]
pub(super) fn problem(minor: u32) -> Option<KerberosProblem> {
    // The minor status is the library's signed code in an unsigned type.
    of_code(minor.cast_signed().checked_sub(BASE)?)
}

/// Sorts a code: up to 127 those of RFC 4120, above them the library's own.
pub(super) fn of_code(code: i32) -> Option<KerberosProblem> {
    use KerberosProblem as P;
    Some(match code {
        // C_PRINCIPAL_UNKNOWN.
        6 => P::UnknownPrincipal,
        // S_PRINCIPAL_UNKNOWN, and KRB5KRB_AP_WRONG_PRINC.
        7 | 144 => P::SpnUnknown,
        // CLIENT_NOTYET, CLIENT_REVOKED; C_... expired.
        1 | 18 | 21 => P::AccountRefused,
        // KEY_EXP.
        23 => P::PasswordExpired,
        // PREAUTH_FAILED, BAD_INTEGRITY, the library's PREAUTH_FAILED.
        24 | 31 | 210 => P::WrongPassword,
        // TKT_EXPIRED; CC_NOTFOUND, CC_END, FCC_NOFILE, and MIT's "matching credential not found".
        32 | 141 | 142 | 195 => P::NoTicket,
        // AP_ERR_SKEW; KDCREP_SKEW.
        37 | 148 => P::ClockSkew,
        // AP_ERR_MODIFIED: the service has another key than the KDC thinks.
        41 => P::TicketRefused,
        // REALM_UNKNOWN, KDC_UNREACH, REALM_CANT_RESOLVE, and the KDC's WRONG_REALM.
        154 | 156 | 220 | 68 => P::KdcUnreachable,
        // KT_NOTFOUND, KT_IOERR, KT_NAME_TOOLONG.. the keytab's own.
        181 | 184 => P::Keytab,
        // CONFIG_NODEFREALM.
        224 => P::NoName,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{KerberosError, KerberosProblem, problem};

    #[test]
    fn the_codes_of_the_headers_are_told_apart() {
        use KerberosProblem as P;
        // Numbers as krb5.h prints them.
        let cases = [
            (-1_765_328_378, P::UnknownPrincipal),
            (-1_765_328_377, P::SpnUnknown),
            (-1_765_328_366, P::AccountRefused),
            (-1_765_328_361, P::PasswordExpired),
            (-1_765_328_360, P::WrongPassword),
            (-1_765_328_353, P::WrongPassword),
            (-1_765_328_174, P::WrongPassword),
            (-1_765_328_352, P::NoTicket),
            (-1_765_328_347, P::ClockSkew),
            (-1_765_328_236, P::ClockSkew),
            (-1_765_328_343, P::TicketRefused),
            (-1_765_328_243, P::NoTicket),
            (-1_765_328_189, P::NoTicket),
            (-1_765_328_230, P::KdcUnreachable),
            (-1_765_328_228, P::KdcUnreachable),
            (-1_765_328_164, P::KdcUnreachable),
            (-1_765_328_203, P::Keytab),
            (-1_765_328_160, P::NoName),
        ];
        for (code, expected) in cases {
            let code: i32 = code;
            assert_eq!(problem(code.cast_unsigned()), Some(expected), "{code}");
        }
        assert_eq!(problem(0), None);
        assert_eq!(problem(100_001), None);
    }

    #[test]
    fn a_judged_password_never_goes_to_ntlm() {
        for (problem, leaves) in [
            (KerberosProblem::WrongPassword, false),
            (KerberosProblem::AccountRefused, false),
            (KerberosProblem::PasswordExpired, false),
            (KerberosProblem::SpnUnknown, true),
            (KerberosProblem::Library, true),
        ] {
            assert_eq!(KerberosError::new(problem, "").leaves_ntlm(), leaves);
        }
    }
}
