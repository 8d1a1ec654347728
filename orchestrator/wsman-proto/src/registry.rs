//! `StdRegProv` by Invoke (wsman.md 4.5): typed registry values, requests and replies.
//!
//! One HTTP exchange for each value, no process on the host, nothing to quote, nothing localised. Requests are
//! built in `registry/request.rs`, replies read in `registry/reply.rs`. Keys are paths below `HKEY_LOCAL_MACHINE`
//! without hive and without leading or trailing backslash; one that begins with [`USERS`] is below `HKEY_USERS`, where this
//! program only reads.

mod reply;
mod request;

pub use reply::{RegistryError, key_names, nothing, value, value_names};
pub use request::{
    Provider, USERS, create_key, delete_key, delete_value, enum_key, enum_values, get_value,
    set_empty_binary, set_value,
};

/// A value as the typed methods of `StdRegProv` carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryData {
    /// `REG_SZ`.
    Sz(String),
    /// `REG_EXPAND_SZ`. Writing stores the text unexpanded; reading gives it expanded.
    ExpandSz(String),
    /// `REG_BINARY`.
    Binary(Vec<u8>),
    /// `REG_DWORD`.
    Dword(u32),
    /// `REG_MULTI_SZ`.
    MultiSz(Vec<String>),
    /// `REG_QWORD`.
    Qword(u64),
}

/// `REG_SZ`.
pub const REG_SZ: u32 = 1;
/// `REG_EXPAND_SZ`.
pub const REG_EXPAND_SZ: u32 = 2;
/// `REG_BINARY`.
pub const REG_BINARY: u32 = 3;
/// `REG_DWORD`.
pub const REG_DWORD: u32 = 4;
/// `REG_MULTI_SZ`.
pub const REG_MULTI_SZ: u32 = 7;
/// `REG_QWORD`.
pub const REG_QWORD: u32 = 11;

impl RegistryData {
    /// The registry's type number.
    pub fn kind(&self) -> u32 {
        match self {
            Self::Sz(_) => REG_SZ,
            Self::ExpandSz(_) => REG_EXPAND_SZ,
            Self::Binary(_) => REG_BINARY,
            Self::Dword(_) => REG_DWORD,
            Self::MultiSz(_) => REG_MULTI_SZ,
            Self::Qword(_) => REG_QWORD,
        }
    }
}

/// Get and Set method of a type.
fn methods(kind: u32) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        REG_SZ => ("GetStringValue", "SetStringValue"),
        REG_EXPAND_SZ => ("GetExpandedStringValue", "SetExpandedStringValue"),
        REG_BINARY => ("GetBinaryValue", "SetBinaryValue"),
        REG_DWORD => ("GetDWORDValue", "SetDWORDValue"),
        REG_MULTI_SZ => ("GetMultiStringValue", "SetMultiStringValue"),
        REG_QWORD => ("GetQWORDValue", "SetQWORDValue"),
        _ => return None,
    })
}

/// Name of the Get method of a registry type number; `None` for a type without one.
pub fn get_method(kind: u32) -> Option<&'static str> {
    methods(kind).map(|(get, _)| get)
}

/// Name of the Set method for a value.
pub fn set_method(data: &RegistryData) -> &'static str {
    methods(data.kind())
        .expect("every variant has its methods")
        .1
}
