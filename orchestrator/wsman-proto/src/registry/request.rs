//! Invoke requests of `StdRegProv`.

use super::{RegistryData, methods};
use crate::envelope::Request;
use crate::xml::Writer;

/// `HKEY_LOCAL_MACHINE`.
const HKLM: &str = "2147483650";
const RESOURCE: &str = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/StdRegProv";

/// `EnumValues`: names and types of a key's values.
pub fn enum_values(key: &str) -> Request {
    invoke("EnumValues", true, key, |_| {})
}

/// `EnumKey`: names of a key's subkeys.
pub fn enum_key(key: &str) -> Request {
    invoke("EnumKey", true, key, |_| {})
}

/// `CreateKey`: makes a key and all missing parents; an existing key is no error.
pub fn create_key(key: &str) -> Request {
    invoke("CreateKey", false, key, |_| {})
}

/// `DeleteKey`: refused by Windows while there are subkeys.
pub fn delete_key(key: &str) -> Request {
    invoke("DeleteKey", false, key, |_| {})
}

/// `DeleteValue`.
pub fn delete_value(key: &str, name: &str) -> Request {
    invoke("DeleteValue", false, key, |writer| {
        writer.text("r:sValueName", &[], name)
    })
}

/// The typed Get for a registry type number; `None` for a type without one.
pub fn get_value(key: &str, name: &str, kind: u32) -> Option<Request> {
    let (get, _) = methods(kind)?;
    Some(invoke(get, true, key, |writer| {
        writer.text("r:sValueName", &[], name)
    }))
}

/// The typed Set.
pub fn set_value(key: &str, name: &str, data: &RegistryData) -> Request {
    let (_, set) = methods(data.kind()).expect("every variant has its methods");
    invoke(set, false, key, |writer| {
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
    method: &'static str,
    reads: bool,
    key: &str,
    parameters: impl FnOnce(&mut Writer),
) -> Request {
    let mut writer = Writer::new();
    let names = [("xmlns:r", RESOURCE), ("xmlns:xsi", crate::ns::XSI)];
    writer.element(&input(method), &names, |writer| {
        writer.text("r:hDefKey", &[], HKLM);
        writer.text("r:sSubKeyName", &[], key);
        parameters(writer);
    });
    Request::new(method, action(method), RESOURCE, writer.finish()).reads(reads)
}

fn action(method: &str) -> String {
    [RESOURCE, "/", method].concat()
}

fn input(method: &str) -> String {
    ["r:", method, "_INPUT"].concat()
}
