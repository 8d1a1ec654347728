//! What a status of SSPI means. The names are those of `winerror.h`.

use windows_sys::Win32::Foundation as win;
use windows_sys::Win32::Security::Credentials as account;

use super::super::error::{KerberosError, KerberosProblem};

/// An error where the status is one; the positive ones (continue, complete) are none.
pub(super) fn check(call: &str, status: i32) -> Result<i32, KerberosError> {
    if status >= 0 {
        Ok(status)
    } else {
        Err(failure(call, status))
    }
}

/// The failure behind a status, sorted. The text is the system's, in the user's language, with the number for search.
pub(super) fn failure(call: &str, status: i32) -> KerberosError {
    let text = std::io::Error::from_raw_os_error(status);
    KerberosError::new(problem(status), format!("{call}: {text} ({status:#010x})"))
}

fn problem(status: i32) -> KerberosProblem {
    use KerberosProblem as P;
    match status {
        win::SEC_E_SECPKG_NOT_FOUND | win::SEC_E_UNSUPPORTED_FUNCTION => P::Library,
        win::SEC_E_LOGON_DENIED => P::WrongPassword,
        account::STATUS_NO_SUCH_USER => P::UnknownPrincipal,
        account::STATUS_ACCOUNT_DISABLED
        | account::STATUS_ACCOUNT_EXPIRED
        | account::STATUS_ACCOUNT_LOCKED_OUT
        | account::STATUS_ACCOUNT_RESTRICTION => P::AccountRefused,
        account::STATUS_PASSWORD_EXPIRED | account::STATUS_PASSWORD_MUST_CHANGE => {
            P::PasswordExpired
        }
        win::SEC_E_TIME_SKEW => P::ClockSkew,
        win::SEC_E_TARGET_UNKNOWN => P::SpnUnknown,
        win::SEC_E_NO_AUTHENTICATING_AUTHORITY
        | win::SEC_E_DOWNGRADE_DETECTED
        | win::SEC_E_NO_IP_ADDRESSES => P::KdcUnreachable,
        win::SEC_E_NO_CREDENTIALS | win::SEC_E_UNKNOWN_CREDENTIALS | win::SEC_E_NO_TGT_REPLY => {
            P::NoTicket
        }
        win::SEC_E_WRONG_PRINCIPAL => P::TicketRefused,
        win::SEC_E_MUTUAL_AUTH_FAILED => P::NotMutual,
        _ => P::Other,
    }
}
