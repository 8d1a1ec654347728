//! The Windows side of Kerberos in safe clothes: credentials and contexts of SSPI that free themselves.
//!
//! Only the packages `Kerberos` and `Negotiate` are used, and `Negotiate` never with NTLM: NTLM is `logon/ntlm.rs`.

mod context;
mod credential;
mod status;

pub(super) use context::Context;
pub(super) use credential::{Credential, Identity};
use status::{check, failure};

/// Which package, and with that how tokens look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// Package `Kerberos`.
    Krb5,
    /// Package `Negotiate`, without NTLM.
    Spnego,
}

impl Mechanism {
    fn package(self) -> &'static str {
        match self {
            Self::Krb5 => "Kerberos",
            Self::Spnego => "Negotiate",
        }
    }
}

/// A text as Windows wants it: UTF-16 with a NUL at its end.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// A text as Windows gives it; empty for none.
///
/// # Safety
///
/// `start` is null, or the text ends with a NUL.
#[expect(
    unsafe_code,
    reason = "the length of such a text is only found by reading it"
)]
unsafe fn text(start: *const u16) -> String {
    if start.is_null() {
        return String::new();
    }
    // SAFETY: promised by the caller; nothing is read behind the NUL.
    let units = unsafe {
        let length = (0..).take_while(|at| *start.add(*at) != 0).count();
        std::slice::from_raw_parts(start, length)
    };
    String::from_utf16_lossy(units)
}

#[cfg(test)]
mod tests {
    use super::{text, wide};

    #[test]
    #[expect(unsafe_code, reason = "the texts here end with a NUL")]
    fn texts_go_to_the_system_and_come_back() {
        for given in ["", "Kerberos", "Gr\u{fc}n \u{1f5dd}"] {
            let there = wide(given);
            assert_eq!(there.last(), Some(&0));
            // SAFETY: `wide` ends it with a NUL.
            assert_eq!(unsafe { text(there.as_ptr()) }, given);
        }
        // SAFETY: null is allowed.
        assert_eq!(unsafe { text(std::ptr::null()) }, "");
    }
}
