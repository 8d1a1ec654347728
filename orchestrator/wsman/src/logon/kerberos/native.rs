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
