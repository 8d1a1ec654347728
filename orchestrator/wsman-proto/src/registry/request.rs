//! Invoke requests of `StdRegProv`.

use super::{RegistryData, get_method, set_method};
use crate::envelope::Request;
use crate::xml::Writer;

/// `HKEY_LOCAL_MACHINE`.
const HKLM: &str = "2147483650";

/// `HKEY_USERS`.
const HKU: &str = "2147483651";
/// Begins a path below `HKEY_USERS`. No key below `HKEY_LOCAL_MACHINE` begins so: Windows lets nobody create a key directly
/// below that hive.
pub const USERS: &str = r"HKEY_USERS\";

/// Where `StdRegProv` is asked for. Windows has the class in both namespaces; hosts where it is missing in the first
/// are damaged, and may still have it in the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provider {
    /// `root/cimv2`.
    #[default]
    Cimv2,
    /// `root/default`.
    Default,
}

impl Provider {
    fn resource(self) -> &'static str {
        match self {
            Self::Cimv2 => "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/StdRegProv",
            Self::Default => {
                "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/default/StdRegProv"
            }
        }
    }
}

/// `EnumValues`: names and types of a key's values.
pub fn enum_values(provider: Provider, key: &str) -> Request {
    invoke(provider, "EnumValues", true, key, |_| {})
}

/// `EnumKey`: names of a key's subkeys.
pub fn enum_key(provider: Provider, key: &str) -> Request {
    invoke(provider, "EnumKey", true, key, |_| {})
}

/// `CreateKey`: makes a key and all missing parents; an existing key is no error.
pub fn create_key(provider: Provider, key: &str) -> Request {
    invoke(provider, "CreateKey", false, key, |_| {})
}

/// `DeleteKey`: refused by Windows while there are subkeys.
pub fn delete_key(provider: Provider, key: &str) -> Request {
    invoke(provider, "DeleteKey", false, key, |_| {})
}

/// `DeleteValue`.
pub fn delete_value(provider: Provider, key: &str, name: &str) -> Request {
    invoke(provider, "DeleteValue", false, key, |writer| {
        writer.text("r:sValueName", &[], name)
    })
}

/// The typed Get for a registry type number; `None` for a type without one.
pub fn get_value(provider: Provider, key: &str, name: &str, kind: u32) -> Option<Request> {
    let get = get_method(kind)?;
    Some(invoke(provider, get, true, key, |writer| {
        writer.text("r:sValueName", &[], name)
    }))
}

/// `SetBinaryValue` without bytes and without the parameter for them: for hosts that refuse a null one.
pub fn set_empty_binary(provider: Provider, key: &str, name: &str) -> Request {
    invoke(provider, "SetBinaryValue", false, key, |writer| {
        writer.text("r:sValueName", &[], name);
    })
}

/// The typed Set.
pub fn set_value(provider: Provider, key: &str, name: &str, data: &RegistryData) -> Request {
    let set = set_method(data);
    invoke(provider, set, false, key, |writer| {
        writer.text("r:sValueName", &[], name);
        match data {
            RegistryData::Sz(text) | RegistryData::ExpandSz(text) => {
                writer.text("r:sValue", &[], text)
            }
            RegistryData::Dword(number) => writer.text("r:uValue", &[], &number.to_string()),
            RegistryData::Qword(number) => writer.text("r:uValue", &[], &number.to_string()),
            // An array without items is one nil element (wsman.md 4.2): the parameter is there and has no items.
            RegistryData::Binary(bytes) if bytes.is_empty() => {
                writer.empty("r:uValue", &[("xsi:nil", "true")])
            }
            RegistryData::Binary(bytes) => {
                for byte in bytes {
                    writer.text("r:uValue", &[], &byte.to_string());
                }
            }
            RegistryData::MultiSz(items) if items.is_empty() => writer.text("r:sValue", &[], ""),
            RegistryData::MultiSz(items) => {
                for item in items {
                    writer.text("r:sValue", &[], item);
                }
            }
        }
    })
}

fn invoke(
    provider: Provider,
    method: &'static str,
    reads: bool,
    key: &str,
    parameters: impl FnOnce(&mut Writer),
) -> Request {
    let mut writer = Writer::new();
    let (hive, key) = match key.strip_prefix(USERS) {
        Some(below) => (HKU, below),
        None => (HKLM, key),
    };
    let names = [
        ("xmlns:r", provider.resource()),
        ("xmlns:xsi", crate::ns::XSI),
    ];
    writer.element(&input(method), &names, |writer| {
        writer.text("r:hDefKey", &[], hive);
        writer.text("r:sSubKeyName", &[], key);
        parameters(writer);
    });
    Request::new(
        method,
        [provider.resource(), "/", method].concat(),
        provider.resource(),
        writer.finish(),
    )
    .reads(reads)
}

fn input(method: &str) -> String {
    ["r:", method, "_INPUT"].concat()
}
