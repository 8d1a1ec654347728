//! Contexts: tokens until both sides are proved, then sealed messages.

#![expect(
    unsafe_code,
    reason = "the system's GSSAPI is C: each call hands over pointers to values that live on this stack frame or in \
              an owner here"
)]

use std::ptr;

use super::{Cred, KRB5, Mechanism, Name, SPNEGO, check, take};
use crate::logon::kerberos::error::{KerberosError, KerberosProblem};
use crate::logon::kerberos::ffi::{Bindings, Buffer, Functions, Handle, Oid};

const CONTINUE_NEEDED: u32 = 1;

const MUTUAL: u32 = 2;
const CONFIDENTIALITY: u32 = 16;
const INTEGRITY: u32 = 32;
/// Replay and sequence detection are not asked for: WinRM seals each answer with sequence number 0, and `RelatesTo`
/// is what ties an answer to its request (auth-crates.md 3.3). Delegation never is.
const WANTED: u32 = MUTUAL | CONFIDENTIALITY | INTEGRITY;

/// The initiator's side of a context with one service.
pub(in crate::logon::kerberos) struct Context {
    gss: &'static Functions,
    handle: Handle,
    target: Name,
    mechanism: Mechanism,
    pub(in crate::logon::kerberos) complete: bool,
    flags: u32,
}

// SAFETY: a context is used by one owner at a time (`&mut self`), from whatever thread; the library keeps no
// thread-local state of it.
unsafe impl Send for Context {}
// SAFETY: `&Context` gives nothing but two plain fields.
unsafe impl Sync for Context {}

impl Context {
    /// Nothing is asked of anybody before the first step.
    pub(in crate::logon::kerberos) fn new(target: Name, mechanism: Mechanism) -> Self {
        Self {
            gss: target.gss,
            handle: ptr::null_mut(),
            target,
            mechanism,
            complete: false,
            flags: 0,
        }
    }

    /// The next token. `binding` is what RFC 5929 calls the application data.
    pub(in crate::logon::kerberos) fn step(
        &mut self,
        cred: Option<&Cred>,
        token: &[u8],
        binding: Option<&[u8]>,
    ) -> Result<Vec<u8>, KerberosError> {
        let mut mechanism = Oid::of(match self.mechanism {
            Mechanism::Krb5 => KRB5,
            Mechanism::Spnego => SPNEGO,
        });
        // RFC 5929 uses no addresses: unspecified ones, empty, as all implementations compute the hash.
        let mut bindings = binding.map(|data| Bindings {
            initiator_type: 0,
            initiator: Buffer::EMPTY,
            acceptor_type: 0,
            acceptor: Buffer::EMPTY,
            application: Buffer::of(data),
        });
        let (mut input, mut output, mut minor) = (Buffer::of(token), Buffer::EMPTY, 0);
        // SAFETY: credential and name are alive, the other pointers are to locals that outlive the call. The library
        // writes the handle of the context, which this value owns from then on, and allocates the output.
        let major = unsafe {
            (self.gss.init_context)(
                &raw mut minor,
                cred.map_or(ptr::null_mut(), |cred| cred.handle),
                &raw mut self.handle,
                self.target.handle,
                &raw mut mechanism,
                WANTED,
                0,
                bindings
                    .as_mut()
                    .map_or(ptr::null_mut(), |bindings| bindings),
                if token.is_empty() {
                    ptr::null_mut()
                } else {
                    &raw mut input
                },
                ptr::null_mut(),
                &raw mut output,
                &raw mut self.flags,
                ptr::null_mut(),
            )
        };
        let output = take(self.gss, output);
        check(self.gss, major, minor, self.mechanism)?;
        self.complete = major & CONTINUE_NEEDED == 0;
        Ok(output)
    }

    /// Whether the peer proved itself and messages can be sealed.
    pub(in crate::logon::kerberos) fn is_mutual_and_sealing(&self) -> bool {
        self.complete && self.flags & WANTED == WANTED
    }

    /// Seals a message in the library's own layout.
    pub(in crate::logon::kerberos) fn wrap(
        &mut self,
        plain: &[u8],
    ) -> Result<Vec<u8>, KerberosError> {
        let (mut input, mut output, mut minor, mut sealed) =
            (Buffer::of(plain), Buffer::EMPTY, 0, 0);
        // SAFETY: the context is established; input outlives the call, the output is the library's until taken.
        let major = unsafe {
            (self.gss.wrap)(
                &raw mut minor,
                self.handle,
                1,
                0,
                &raw mut input,
                &raw mut sealed,
                &raw mut output,
            )
        };
        let output = take(self.gss, output);
        check(self.gss, major, minor, self.mechanism)?;
        encrypted(sealed)?;
        Ok(output)
    }

    /// Opens a sealed message.
    pub(in crate::logon::kerberos) fn unwrap(
        &mut self,
        sealed: &[u8],
    ) -> Result<Vec<u8>, KerberosError> {
        let (mut input, mut output, mut minor, mut was_sealed) =
            (Buffer::of(sealed), Buffer::EMPTY, 0, 0);
        // SAFETY: as in `wrap`.
        let major = unsafe {
            (self.gss.unwrap)(
                &raw mut minor,
                self.handle,
                &raw mut input,
                &raw mut output,
                &raw mut was_sealed,
                ptr::null_mut(),
            )
        };
        let output = take(self.gss, output);
        check(self.gss, major, minor, self.mechanism)?;
        encrypted(was_sealed)?;
        Ok(output)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            // SAFETY: the handle is this value's own and is not used again.
            unsafe { (self.gss.delete_context)(&mut 0, &raw mut self.handle, ptr::null_mut()) };
        }
    }
}

fn encrypted(state: i32) -> Result<(), KerberosError> {
    match state {
        0 => Err(KerberosError::new(
            KerberosProblem::Other,
            "a message was signed but not encrypted",
        )),
        _ => Ok(()),
    }
}
