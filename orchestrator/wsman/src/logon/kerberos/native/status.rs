//! What a status of SSPI means. The names are those of `winerror.h`.

use windows_sys::Win32::Foundation as win;
use windows_sys::Win32::Security::Credentials as account;

use super::super::error::{KerberosError, KerberosProblem as P};

/// Marks a status of the kernel among the HRESULTs (`winerror.h`).
const FACILITY_NT_BIT: i32 = 0x1000_0000;

/// An error where the status is one; the positive ones (continue, complete) are none.
pub(super) fn check(call: &str, status: i32) -> Result<i32, KerberosError> {
    if status >= 0 {
        Ok(status)
    } else {
        Err(failure(call, status))
    }
}

/// The failure behind a status, sorted. The text has the status's name where it is one of those that are told apart,
/// its number, and the system's words, which are in the user's language.
pub(super) fn failure(call: &str, status: i32) -> KerberosError {
    let known = KNOWN.iter().find(|(number, ..)| *number == status);
    let (name, problem) = known.map_or(("", P::Other), |(_, name, problem)| (name, *problem));
    let shown = [name.to_owned(), format!("({status:#010x})")].join(" ");
    let words = words(status);
    let colon = if words.is_empty() { "" } else { ": " };
    let detail = [call, ": ", shown.trim_start(), colon, &words].concat();
    KerberosError::new(problem, detail)
}

/// The system's words for a status, without the number that the standard library puts behind them; or none.
fn words(status: i32) -> String {
    // Those of the kernel's statuses (0xC...) are found under their number with this bit.
    let number = match status.cast_unsigned() >> 28 {
        0xC => status | FACILITY_NT_BIT,
        _ => status,
    };
    let text = std::io::Error::from_raw_os_error(number).to_string();
    if text.contains("FormatMessage") {
        return String::new();
    }
    let end = text.rfind(" (os error").unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ' ']).to_owned()
}

/// What is told apart. Windows says `SEC_E_LOGON_DENIED` also of an account that the domain does not know.
const KNOWN: [(i32, &str, P); 27] = [
    (
        win::SEC_E_SECPKG_NOT_FOUND,
        "SEC_E_SECPKG_NOT_FOUND",
        P::Library,
    ),
    (
        win::SEC_E_UNSUPPORTED_FUNCTION,
        "SEC_E_UNSUPPORTED_FUNCTION",
        P::Library,
    ),
    (
        win::SEC_E_LOGON_DENIED,
        "SEC_E_LOGON_DENIED",
        P::WrongPassword,
    ),
    (
        account::STATUS_LOGON_FAILURE,
        "STATUS_LOGON_FAILURE",
        P::WrongPassword,
    ),
    (
        account::STATUS_WRONG_PASSWORD,
        "STATUS_WRONG_PASSWORD",
        P::WrongPassword,
    ),
    (
        account::STATUS_NO_SUCH_USER,
        "STATUS_NO_SUCH_USER",
        P::UnknownPrincipal,
    ),
    (
        account::STATUS_ACCOUNT_DISABLED,
        "STATUS_ACCOUNT_DISABLED",
        P::AccountRefused,
    ),
    (
        account::STATUS_ACCOUNT_EXPIRED,
        "STATUS_ACCOUNT_EXPIRED",
        P::AccountRefused,
    ),
    (
        account::STATUS_ACCOUNT_LOCKED_OUT,
        "STATUS_ACCOUNT_LOCKED_OUT",
        P::AccountRefused,
    ),
    (
        account::STATUS_ACCOUNT_RESTRICTION,
        "STATUS_ACCOUNT_RESTRICTION",
        P::AccountRefused,
    ),
    (
        win::STATUS_INVALID_LOGON_HOURS,
        "STATUS_INVALID_LOGON_HOURS",
        P::AccountRefused,
    ),
    (
        win::STATUS_INVALID_WORKSTATION,
        "STATUS_INVALID_WORKSTATION",
        P::AccountRefused,
    ),
    (
        account::STATUS_PASSWORD_EXPIRED,
        "STATUS_PASSWORD_EXPIRED",
        P::PasswordExpired,
    ),
    (
        account::STATUS_PASSWORD_MUST_CHANGE,
        "STATUS_PASSWORD_MUST_CHANGE",
        P::PasswordExpired,
    ),
    (win::SEC_E_TIME_SKEW, "SEC_E_TIME_SKEW", P::ClockSkew),
    (
        win::STATUS_TIME_DIFFERENCE_AT_DC,
        "STATUS_TIME_DIFFERENCE_AT_DC",
        P::ClockSkew,
    ),
    (
        win::SEC_E_TARGET_UNKNOWN,
        "SEC_E_TARGET_UNKNOWN",
        P::SpnUnknown,
    ),
    (
        win::SEC_E_NO_AUTHENTICATING_AUTHORITY,
        "SEC_E_NO_AUTHENTICATING_AUTHORITY",
        P::KdcUnreachable,
    ),
    (
        win::SEC_E_DOWNGRADE_DETECTED,
        "SEC_E_DOWNGRADE_DETECTED",
        P::KdcUnreachable,
    ),
    (
        win::SEC_E_NO_IP_ADDRESSES,
        "SEC_E_NO_IP_ADDRESSES",
        P::KdcUnreachable,
    ),
    (
        win::STATUS_NO_LOGON_SERVERS,
        "STATUS_NO_LOGON_SERVERS",
        P::KdcUnreachable,
    ),
    (
        win::SEC_E_NO_CREDENTIALS,
        "SEC_E_NO_CREDENTIALS",
        P::NoTicket,
    ),
    (
        win::SEC_E_UNKNOWN_CREDENTIALS,
        "SEC_E_UNKNOWN_CREDENTIALS",
        P::NoTicket,
    ),
    (win::SEC_E_NO_TGT_REPLY, "SEC_E_NO_TGT_REPLY", P::NoTicket),
    (
        win::SEC_E_CONTEXT_EXPIRED,
        "SEC_E_CONTEXT_EXPIRED",
        P::NoTicket,
    ),
    (
        win::SEC_E_WRONG_PRINCIPAL,
        "SEC_E_WRONG_PRINCIPAL",
        P::TicketRefused,
    ),
    (
        win::SEC_E_MUTUAL_AUTH_FAILED,
        "SEC_E_MUTUAL_AUTH_FAILED",
        P::NotMutual,
    ),
];

#[cfg(test)]
mod tests {
    use super::{P, check, failure};

    /// Numbers and names as `winerror.h` and `ntstatus.h` print them.
    #[test]
    fn the_statuses_are_told_apart() {
        let cases: [(u32, P, &str); 18] = [
            (
                0x8009_0305,
                P::Library,
                "SEC_E_SECPKG_NOT_FOUND (0x80090305)",
            ),
            (
                0x8009_030C,
                P::WrongPassword,
                "SEC_E_LOGON_DENIED (0x8009030c)",
            ),
            (
                0xC000_006A,
                P::WrongPassword,
                "STATUS_WRONG_PASSWORD (0xc000006a)",
            ),
            (
                0xC000_0064,
                P::UnknownPrincipal,
                "STATUS_NO_SUCH_USER (0xc0000064)",
            ),
            (
                0xC000_0072,
                P::AccountRefused,
                "STATUS_ACCOUNT_DISABLED (0xc0000072)",
            ),
            (
                0xC000_0234,
                P::AccountRefused,
                "STATUS_ACCOUNT_LOCKED_OUT (0xc0000234)",
            ),
            (
                0xC000_006F,
                P::AccountRefused,
                "STATUS_INVALID_LOGON_HOURS (0xc000006f)",
            ),
            (
                0xC000_0071,
                P::PasswordExpired,
                "STATUS_PASSWORD_EXPIRED (0xc0000071)",
            ),
            (
                0xC000_0224,
                P::PasswordExpired,
                "STATUS_PASSWORD_MUST_CHANGE (0xc0000224)",
            ),
            (0x8009_0324, P::ClockSkew, "SEC_E_TIME_SKEW (0x80090324)"),
            (
                0x8009_0303,
                P::SpnUnknown,
                "SEC_E_TARGET_UNKNOWN (0x80090303)",
            ),
            (
                0x8009_0311,
                P::KdcUnreachable,
                "SEC_E_NO_AUTHENTICATING_AUTHORITY (0x80090311)",
            ),
            (
                0x8009_0350,
                P::KdcUnreachable,
                "SEC_E_DOWNGRADE_DETECTED (0x80090350)",
            ),
            (
                0x8009_030E,
                P::NoTicket,
                "SEC_E_NO_CREDENTIALS (0x8009030e)",
            ),
            (
                0x8009_0317,
                P::NoTicket,
                "SEC_E_CONTEXT_EXPIRED (0x80090317)",
            ),
            (
                0x8009_0322,
                P::TicketRefused,
                "SEC_E_WRONG_PRINCIPAL (0x80090322)",
            ),
            (
                0x8009_0363,
                P::NotMutual,
                "SEC_E_MUTUAL_AUTH_FAILED (0x80090363)",
            ),
            (0x8009_0304, P::Other, "(0x80090304)"),
        ];
        for (status, problem, shown) in cases {
            let error = check("Call", status.cast_signed()).unwrap_err();
            assert_eq!(error.problem, problem, "{status:#x}");
            let detail = error.detail;
            assert!(detail.starts_with(&["Call: ", shown].concat()), "{detail}");
            assert!(!detail.to_lowercase().contains("os error"), "{detail}");
        }
        assert_eq!(check("Call", 0), Ok(0));
        assert_eq!(check("Call", 0x0009_0312), Ok(0x0009_0312));
    }

    #[test]
    fn a_failure_carries_the_systems_own_words_where_it_has_some() {
        // Every system knows ERROR_ACCESS_DENIED as an HRESULT; nobody knows the other.
        let known = failure("Call", 0x8007_0005_u32.cast_signed()).detail;
        let words = known.strip_prefix("Call: (0x80070005): ");
        assert!(words.is_some_and(|words| words.len() > 5), "{known}");
        let unknown = failure("Call", 0x8009_FFFF_u32.cast_signed()).detail;
        assert_eq!(unknown, "Call: (0x8009ffff)");
    }
}
