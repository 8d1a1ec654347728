//! One value: a type number and bytes, nothing more, as Windows keeps it.

use std::fmt;

/// Registry type numbers.
pub mod kind {
    /// `REG_NONE`.
    pub const NONE: u32 = 0;
    /// `REG_SZ`.
    pub const SZ: u32 = 1;
    /// `REG_EXPAND_SZ`.
    pub const EXPAND_SZ: u32 = 2;
    /// `REG_BINARY`.
    pub const BINARY: u32 = 3;
    /// `REG_DWORD`.
    pub const DWORD: u32 = 4;
    /// `REG_MULTI_SZ`.
    pub const MULTI_SZ: u32 = 7;
    /// `REG_QWORD`.
    pub const QWORD: u32 = 11;
}

/// Type number and bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawValue {
    /// Registry type number.
    pub kind: u32,
    /// The bytes as stored; texts are UTF-16LE with their terminator.
    pub bytes: Vec<u8>,
}

impl RawValue {
    /// Any type with any bytes.
    pub fn new(kind: u32, bytes: &[u8]) -> Self {
        Self {
            kind,
            bytes: bytes.to_vec(),
        }
    }

    /// `REG_SZ`.
    pub fn sz(text: &str) -> Self {
        Self::text(kind::SZ, text)
    }

    /// `REG_DWORD`.
    pub fn dword(number: u32) -> Self {
        Self::new(kind::DWORD, &number.to_le_bytes())
    }

    /// A text type with its terminator.
    pub fn text(kind: u32, text: &str) -> Self {
        Self {
            kind,
            bytes: text
                .encode_utf16()
                .chain([0])
                .flat_map(u16::to_le_bytes)
                .collect(),
        }
    }

    /// `REG_MULTI_SZ`.
    pub fn multi<S: AsRef<str>>(items: &[S]) -> Self {
        let mut bytes = Vec::new();
        for item in items {
            bytes.extend(
                item.as_ref()
                    .encode_utf16()
                    .chain([0])
                    .flat_map(u16::to_le_bytes),
            );
        }
        bytes.extend([0, 0]);
        Self {
            kind: kind::MULTI_SZ,
            bytes,
        }
    }

    /// The text up to the first terminator, whatever the type.
    pub fn as_text(&self) -> String {
        let units = self.units();
        let end = units
            .iter()
            .position(|unit| *unit == 0)
            .unwrap_or(units.len());
        String::from_utf16_lossy(&units[..end])
    }

    /// The items of a `REG_MULTI_SZ`.
    pub fn as_items(&self) -> Vec<String> {
        let units = self.units();
        let mut items: Vec<String> = units
            .split(|unit| *unit == 0)
            .map(String::from_utf16_lossy)
            .collect();
        // The last piece stands behind the last terminator, the one before it is the list's own end.
        items.pop();
        if items.last().is_some_and(String::is_empty) {
            items.pop();
        }
        items
    }

    /// The number of a `REG_DWORD` with exactly four bytes.
    pub fn as_dword(&self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes.as_slice().try_into().ok()?))
    }

    /// The number of a `REG_QWORD` with exactly eight bytes.
    pub fn as_qword(&self) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes.as_slice().try_into().ok()?))
    }

    fn units(&self) -> Vec<u16> {
        self.bytes
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect()
    }
}

impl fmt::Debug for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            kind::SZ | kind::EXPAND_SZ => write!(f, "{}:{:?}", self.kind, self.as_text()),
            kind::DWORD if self.bytes.len() == 4 => {
                write!(f, "dword:{}", self.as_dword().unwrap_or_default())
            }
            _ => write!(f, "{}:{}", self.kind, hex::encode(&self.bytes)),
        }
    }
}
