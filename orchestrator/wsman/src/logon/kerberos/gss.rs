//! Names, credentials and contexts of GSSAPI as owned Rust values. The only place that calls into the library.
//!
//! Everything here may block on a KDC except [`Context::wrap`] and [`Context::unwrap`]; callers see to threads.

#![expect(
    unsafe_code,
    reason = "the system's GSSAPI is C: each call hands over pointers to values that live on this stack frame"
)]

mod context;
mod cred;
mod name;

use std::ffi::CStr;

pub(super) use context::Context;
pub(super) use cred::{Cred, Store};
pub(super) use name::{Name, default_realm};

use super::error::{self, KerberosError, KerberosProblem};
use super::ffi::{Buffer, Functions, Oid};
use super::library;

const KRB5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
const SPNEGO: &[u8] = &[0x2b, 6, 1, 5, 5, 2];

/// Calling and routine errors; the rest of a major status is information.
const ERRORS: u32 = 0xffff_0000;
const BAD_NAME: u32 = 2 << 16;
const NO_CRED: u32 = 7 << 16;
const CREDENTIALS_EXPIRED: u32 = 11 << 16;

/// What is said of tickets whose time is over.
const EXPIRED: &str = "the tickets have expired";

/// The form in which Kerberos tokens travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// As they are.
    Krb5,
    /// In SPNEGO, with Kerberos as the only offer.
    Spnego,
}

fn load() -> Result<&'static Functions, KerberosError> {
    library::functions().map_err(|why| {
        KerberosError::new(
            KerberosProblem::Library,
            format!("no GSSAPI library on this machine: {why}"),
        )
    })
}

fn missing(function: &str) -> KerberosError {
    KerberosError::new(
        KerberosProblem::Library,
        format!("the GSSAPI library of this machine has no {function}"),
    )
}

/// Whether a library can be had at all.
pub(super) fn available() -> Result<(), KerberosError> {
    load().map(|_| ())
}

/// Copies a buffer that the library made, and gives it back.
fn take(gss: &Functions, mut buffer: Buffer) -> Vec<u8> {
    if buffer.value.is_null() {
        return Vec::new();
    }
    // SAFETY: a buffer with a value has that many bytes; it is released right after, and with the library's own
    // function.
    unsafe {
        let bytes = std::slice::from_raw_parts(buffer.value.cast::<u8>(), buffer.length).to_vec();
        (gss.release_buffer)(&mut 0, &raw mut buffer);
        bytes
    }
}

/// Turns a status into an error. Only the library's texts for people go into it.
fn check(
    gss: &Functions,
    major: u32,
    minor: u32,
    mechanism: Mechanism,
) -> Result<(), KerberosError> {
    let failed = major & ERRORS;
    if failed == 0 {
        return Ok(());
    }
    let problem = error::problem(minor).unwrap_or(match failed {
        BAD_NAME => KerberosProblem::NoName,
        NO_CRED | CREDENTIALS_EXPIRED => KerberosProblem::NoTicket,
        _ => KerberosProblem::Other,
    });
    let detail = match failed {
        // The mechanism has no words for it: its status is "Success".
        CREDENTIALS_EXPIRED => EXPIRED.to_owned(),
        _ => [
            status(gss, minor, 2, mechanism),
            status(gss, major, 1, mechanism),
        ]
        .into_iter()
        .find(|text| !matches!(text.as_str(), "" | "Success"))
        .unwrap_or_else(|| format!("status {major:#x}, {}", minor.cast_signed())),
    };
    tracing::debug!(
        major,
        minor = minor.cast_signed(),
        ?problem,
        detail,
        "GSSAPI"
    );
    Err(KerberosError::new(problem, detail))
}

/// The first line of a status (1: the interface's, 2: the mechanism's).
fn status(gss: &Functions, code: u32, kind: i32, mechanism: Mechanism) -> String {
    if code == 0 {
        return String::new();
    }
    let mut mechanism = Oid::of(match mechanism {
        Mechanism::Krb5 => KRB5,
        Mechanism::Spnego => SPNEGO,
    });
    let (mut minor, mut more, mut buffer) = (0, 0, Buffer::EMPTY);
    // SAFETY: all pointers are to locals; the text is the library's until taken.
    let major = unsafe {
        (gss.display_status)(
            &raw mut minor,
            code,
            kind,
            &raw mut mechanism,
            &raw mut more,
            &raw mut buffer,
        )
    };
    let text = take(gss, buffer);
    if major & ERRORS != 0 {
        return String::new();
    }
    let text = CStr::from_bytes_until_nul(&text).map_or(text.as_slice(), CStr::to_bytes);
    String::from_utf8_lossy(text).trim().to_owned()
}
