//! `WinHttpSettings`: a value that anybody on the host may have written.

use playbooks::{WinHttpSettings, registry::RawValue};

/// Reads the bytes as the value.
pub fn winhttp(bytes: &[u8]) {
    let value = RawValue {
        kind: 3,
        bytes: bytes.to_vec(),
    };
    let found = WinHttpSettings::decode(bytes);
    assert_eq!(WinHttpSettings::decode_value(&value), found);
    match found {
        Ok(settings) => {
            let texts = settings.proxy.len() + settings.bypass.len();
            assert_eq!(20 + texts + settings.trailing, bytes.len());
            assert!(settings.proxy.is_ascii() && settings.bypass.is_ascii());
            let _ = (settings.to_string(), settings.is_direct());
        }
        Err(error) => drop(error.to_string()),
    }
}
