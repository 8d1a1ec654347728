//! The part of GSSAPI that is used (RFC 2744, and the credential store extension of MIT Kerberos), as C declares it.
//!
//! Types and a table of functions, nothing else: `library.rs` fills the table, `gss.rs` makes it safe.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

/// `gss_buffer_desc`.
#[cfg_attr(not(all(target_os = "macos", target_arch = "x86_64")), repr(C))]
// Apple's header packs its structures to two bytes on that processor.
#[cfg_attr(all(target_os = "macos", target_arch = "x86_64"), repr(C, packed(2)))]
#[derive(Clone, Copy)]
pub(super) struct Buffer {
    pub(super) length: usize,
    pub(super) value: *mut c_void,
}

impl Buffer {
    pub(super) const EMPTY: Self = Self {
        length: 0,
        value: ptr::null_mut(),
    };

    /// For reading only: GSSAPI has one type for both directions. The bytes have to outlive the call.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len(),
            value: bytes.as_ptr().cast_mut().cast(),
        }
    }
}

/// `gss_OID_desc`.
#[cfg_attr(not(all(target_os = "macos", target_arch = "x86_64")), repr(C))]
#[cfg_attr(all(target_os = "macos", target_arch = "x86_64"), repr(C, packed(2)))]
#[derive(Clone, Copy)]
pub(super) struct Oid {
    pub(super) length: u32,
    pub(super) elements: *mut c_void,
}

impl Oid {
    pub(super) fn of(der: &'static [u8]) -> Self {
        Self {
            length: u32::try_from(der.len()).expect("an object identifier is some bytes long"),
            elements: der.as_ptr().cast_mut().cast(),
        }
    }
}

/// `gss_OID_set_desc`.
#[cfg_attr(not(all(target_os = "macos", target_arch = "x86_64")), repr(C))]
#[cfg_attr(all(target_os = "macos", target_arch = "x86_64"), repr(C, packed(2)))]
pub(super) struct OidSet {
    pub(super) count: usize,
    pub(super) elements: *mut Oid,
}

/// `struct gss_channel_bindings_struct`.
#[cfg_attr(not(all(target_os = "macos", target_arch = "x86_64")), repr(C))]
#[cfg_attr(all(target_os = "macos", target_arch = "x86_64"), repr(C, packed(2)))]
pub(super) struct Bindings {
    pub(super) initiator_type: u32,
    pub(super) initiator: Buffer,
    pub(super) acceptor_type: u32,
    pub(super) acceptor: Buffer,
    pub(super) application: Buffer,
}

/// `gss_key_value_element_desc`.
#[repr(C)]
pub(super) struct KeyValue {
    pub(super) key: *const c_char,
    pub(super) value: *const c_char,
}

/// `gss_key_value_set_desc`.
#[repr(C)]
pub(super) struct KeyValues {
    pub(super) count: u32,
    pub(super) elements: *mut KeyValue,
}

/// `gss_name_t`, `gss_cred_id_t` and `gss_ctx_id_t`: all point to what only the library knows.
pub(super) type Handle = *mut c_void;

pub(super) type ImportName =
    unsafe extern "C" fn(*mut u32, *mut Buffer, *mut Oid, *mut Handle) -> u32;
pub(super) type CanonicalizeName =
    unsafe extern "C" fn(*mut u32, Handle, *mut Oid, *mut Handle) -> u32;
pub(super) type DisplayName =
    unsafe extern "C" fn(*mut u32, Handle, *mut Buffer, *mut *mut Oid) -> u32;
pub(super) type Release = unsafe extern "C" fn(*mut u32, *mut Handle) -> u32;
pub(super) type ReleaseBuffer = unsafe extern "C" fn(*mut u32, *mut Buffer) -> u32;
pub(super) type DeleteContext = unsafe extern "C" fn(*mut u32, *mut Handle, *mut Buffer) -> u32;
pub(super) type DisplayStatus =
    unsafe extern "C" fn(*mut u32, u32, c_int, *mut Oid, *mut u32, *mut Buffer) -> u32;
pub(super) type AcquireCred = unsafe extern "C" fn(
    *mut u32,
    Handle,
    u32,
    *mut OidSet,
    c_int,
    *mut Handle,
    *mut *mut OidSet,
    *mut u32,
) -> u32;
pub(super) type AcquireWithPassword = unsafe extern "C" fn(
    *mut u32,
    Handle,
    *mut Buffer,
    u32,
    *mut OidSet,
    c_int,
    *mut Handle,
    *mut *mut OidSet,
    *mut u32,
) -> u32;
pub(super) type AcquireFrom = unsafe extern "C" fn(
    *mut u32,
    Handle,
    u32,
    *mut OidSet,
    c_int,
    *const KeyValues,
    *mut Handle,
    *mut *mut OidSet,
    *mut u32,
) -> u32;
pub(super) type StoreInto = unsafe extern "C" fn(
    *mut u32,
    Handle,
    c_int,
    *mut Oid,
    u32,
    u32,
    *const KeyValues,
    *mut *mut OidSet,
    *mut c_int,
) -> u32;
pub(super) type InquireCred = unsafe extern "C" fn(
    *mut u32,
    Handle,
    *mut Handle,
    *mut u32,
    *mut c_int,
    *mut *mut OidSet,
) -> u32;
pub(super) type InitContext = unsafe extern "C" fn(
    *mut u32,
    Handle,
    *mut Handle,
    Handle,
    *mut Oid,
    u32,
    u32,
    *mut Bindings,
    *mut Buffer,
    *mut *mut Oid,
    *mut Buffer,
    *mut u32,
    *mut u32,
) -> u32;
pub(super) type Wrap =
    unsafe extern "C" fn(*mut u32, Handle, c_int, u32, *mut Buffer, *mut c_int, *mut Buffer) -> u32;
pub(super) type Unwrap =
    unsafe extern "C" fn(*mut u32, Handle, *mut Buffer, *mut Buffer, *mut c_int, *mut u32) -> u32;

pub(super) type SetNegMechs = unsafe extern "C" fn(*mut u32, Handle, *const OidSet) -> u32;

/// The functions of a loaded library.
pub(super) struct Functions {
    pub(super) import_name: ImportName,
    pub(super) canonicalize_name: CanonicalizeName,
    pub(super) display_name: DisplayName,
    pub(super) release_name: Release,
    pub(super) release_cred: Release,
    pub(super) release_buffer: ReleaseBuffer,
    pub(super) delete_context: DeleteContext,
    pub(super) display_status: DisplayStatus,
    pub(super) acquire_cred: AcquireCred,
    pub(super) inquire_cred: InquireCred,
    pub(super) init_context: InitContext,
    pub(super) wrap: Wrap,
    pub(super) unwrap: Unwrap,
    /// Not everywhere.
    pub(super) acquire_with_password: Option<AcquireWithPassword>,
    /// MIT Kerberos, and newer Heimdal.
    pub(super) acquire_from: Option<AcquireFrom>,
    /// MIT Kerberos.
    pub(super) store_into: Option<StoreInto>,
    /// RFC 4178: MIT Kerberos and Heimdal.
    pub(super) set_neg_mechs: Option<SetNegMechs>,
}
