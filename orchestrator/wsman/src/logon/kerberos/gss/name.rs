//! Names: accounts and services.

#![expect(
    unsafe_code,
    reason = "the system's GSSAPI is C: each call hands over pointers to values that live on this stack frame or in \
              an owner here"
)]

use std::ptr;

use super::{KRB5, Mechanism, check, load, take};
use crate::logon::kerberos::error::{KerberosError, KerberosProblem};
use crate::logon::kerberos::ffi::{Buffer, Functions, Handle, Oid};

/// `GSS_C_NT_USER_NAME`.
const USER_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 1, 1];
/// `GSS_KRB5_NT_PRINCIPAL_NAME`.
const PRINCIPAL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 1];

/// A name as the library holds it.
pub(in crate::logon::kerberos) struct Name {
    pub(super) gss: &'static Functions,
    pub(super) handle: Handle,
}

// SAFETY: a name does not change after it is made, and the library keeps no thread-local state of it.
unsafe impl Send for Name {}

impl Name {
    /// A principal: `user@REALM`, `HTTP/host@REALM`; `HTTP/host@` leaves the realm to the KDC. No DNS is asked: what
    /// stands here is what the ticket will be for.
    pub(in crate::logon::kerberos) fn principal(text: &str) -> Result<Self, KerberosError> {
        Self::import(text, PRINCIPAL)
    }

    fn import(text: &str, kind: &'static [u8]) -> Result<Self, KerberosError> {
        let gss = load()?;
        let mut buffer = Buffer::of(text.as_bytes());
        let (mut kind, mut handle, mut minor) = (Oid::of(kind), ptr::null_mut(), 0);
        // SAFETY: the pointers are to locals that outlive the call; the library copies what it keeps.
        let major = unsafe {
            (gss.import_name)(
                &raw mut minor,
                &raw mut buffer,
                &raw mut kind,
                &raw mut handle,
            )
        };
        check(gss, major, minor, Mechanism::Krb5)?;
        Ok(Self { gss, handle })
    }

    pub(in crate::logon::kerberos) fn text(&self) -> Result<String, KerberosError> {
        let (mut buffer, mut minor) = (Buffer::EMPTY, 0);
        // SAFETY: `handle` is a name of this library; the buffer is the library's afterwards and released below.
        let major = unsafe {
            (self.gss.display_name)(
                &raw mut minor,
                self.handle,
                &raw mut buffer,
                ptr::null_mut(),
            )
        };
        check(self.gss, major, minor, Mechanism::Krb5)?;
        Ok(String::from_utf8_lossy(&take(self.gss, buffer)).into_owned())
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own and is not used again.
        unsafe { (self.gss.release_name)(&mut 0, &raw mut self.handle) };
    }
}

/// The realm of names without one, as this machine is set up.
pub(in crate::logon::kerberos) fn default_realm() -> Result<String, KerberosError> {
    let name = Name::import("x", USER_NAME)?;
    let (mut kind, mut handle, mut minor) = (Oid::of(KRB5), ptr::null_mut(), 0);
    // SAFETY: as in `Name::import`.
    let major = unsafe {
        (name.gss.canonicalize_name)(&raw mut minor, name.handle, &raw mut kind, &raw mut handle)
    };
    check(name.gss, major, minor, Mechanism::Krb5)?;
    let whole = Name {
        gss: name.gss,
        handle,
    };
    match whole.text()?.split_once('@') {
        Some((_, realm)) if !realm.is_empty() => Ok(realm.to_owned()),
        _ => Err(KerberosError::new(
            KerberosProblem::NoName,
            "this machine has no default realm",
        )),
    }
}
