//! What a value holds: type number and bytes, and what they say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::masked;
use crate::winhttp::WinHttpSettings;

/// `REG_SZ`.
pub const REG_SZ: u32 = 1;
/// `REG_EXPAND_SZ`.
pub const REG_EXPAND_SZ: u32 = 2;
/// `REG_BINARY`.
pub const REG_BINARY: u32 = 3;
/// `REG_DWORD`, little endian.
pub const REG_DWORD: u32 = 4;
/// `REG_MULTI_SZ`.
pub const REG_MULTI_SZ: u32 = 7;
/// `REG_QWORD`, little endian.
pub const REG_QWORD: u32 = 11;

/// The documented name of a registry type, or its number.
pub fn type_name(kind: u32) -> String {
    match kind {
        0 => "REG_NONE".to_owned(),
        REG_SZ => "REG_SZ".to_owned(),
        REG_EXPAND_SZ => "REG_EXPAND_SZ".to_owned(),
        REG_BINARY => "REG_BINARY".to_owned(),
        REG_DWORD => "REG_DWORD".to_owned(),
        REG_MULTI_SZ => "REG_MULTI_SZ".to_owned(),
        REG_QWORD => "REG_QWORD".to_owned(),
        other => format!("type {other}"),
    }
}

/// What a value holds: Windows' type number and the raw bytes, terminators included.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct RawValue {
    /// The registry type number, also one that this project does not know.
    #[serde(rename = "type")]
    pub kind: u32,
    /// The bytes as the registry stores them.
    #[serde(with = "hex::serde")]
    #[schemars(with = "String", regex(pattern = "^([0-9a-f]{2})*$"))]
    pub bytes: Vec<u8>,
}

/// A raw value read as one of the six types that can be written through `StdRegProv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// `REG_SZ`
    Sz(String),
    /// `REG_EXPAND_SZ`, unexpanded
    ExpandSz(String),
    /// `REG_BINARY`
    Binary(Vec<u8>),
    /// `REG_DWORD`
    Dword(u32),
    /// `REG_MULTI_SZ`
    MultiSz(Vec<String>),
    /// `REG_QWORD`
    Qword(u64),
}

impl Typed {
    /// The exact bytes that Windows stores for this value.
    pub fn to_raw(&self) -> RawValue {
        let (kind, bytes) = match self {
            Self::Sz(text) => (REG_SZ, utf16z(text)),
            Self::ExpandSz(text) => (REG_EXPAND_SZ, utf16z(text)),
            Self::Binary(bytes) => (REG_BINARY, bytes.clone()),
            Self::Dword(number) => (REG_DWORD, number.to_le_bytes().to_vec()),
            Self::Qword(number) => (REG_QWORD, number.to_le_bytes().to_vec()),
            Self::MultiSz(items) => {
                let mut bytes: Vec<u8> = items.iter().flat_map(|item| utf16z(item)).collect();
                bytes.extend([0, 0]);
                (REG_MULTI_SZ, bytes)
            }
        };
        RawValue { kind, bytes }
    }
}

impl RawValue {
    /// Reads the bytes as their type, or `None` where a write of the result would not give the same bytes back
    /// (odd length, missing terminator, embedded NUL, an empty text inside a list, unpaired surrogate, unknown type).
    pub fn to_typed(&self) -> Option<Typed> {
        let typed = match self.kind {
            REG_SZ => Typed::Sz(strip_terminator(&self.bytes)?),
            REG_EXPAND_SZ => Typed::ExpandSz(strip_terminator(&self.bytes)?),
            REG_BINARY => Typed::Binary(self.bytes.clone()),
            REG_DWORD => Typed::Dword(u32::from_le_bytes(self.bytes.as_slice().try_into().ok()?)),
            REG_QWORD => Typed::Qword(u64::from_le_bytes(self.bytes.as_slice().try_into().ok()?)),
            REG_MULTI_SZ => Typed::MultiSz(split_multi(&self.bytes)?),
            _ => return None,
        };
        (typed.to_raw() == *self).then_some(typed)
    }

    /// A form for people; never parsed back. A user and password in front of a host are masked.
    pub fn text(&self) -> String {
        let shown = |text: String| masked(&text).unwrap_or(text);
        match self.to_typed() {
            Some(Typed::Sz(text) | Typed::ExpandSz(text)) => shown(text),
            Some(Typed::Dword(number)) => number.to_string(),
            Some(Typed::Qword(number)) => number.to_string(),
            Some(Typed::MultiSz(items)) => {
                let items = items.into_iter().map(shown);
                items.collect::<Vec<_>>().join(" | ")
            }
            Some(Typed::Binary(_)) | None => self.shown_bytes().unwrap_or_else(|| "***".to_owned()),
        }
    }

    /// The value with each account in front of a host masked, of the same type; `None` where it holds none. What is put back on
    /// a host is never this one.
    pub fn without_accounts(&self) -> Option<Self> {
        if self.shown_bytes().is_some() {
            return None;
        }
        let masked_text = |text: String| masked(&text).unwrap_or(text);
        let bytes = match self.to_typed() {
            Some(Typed::Sz(text)) => Typed::Sz(masked_text(text)).to_raw().bytes,
            Some(Typed::ExpandSz(text)) => Typed::ExpandSz(masked_text(text)).to_raw().bytes,
            Some(Typed::MultiSz(items)) => {
                let items = items.into_iter().map(masked_text).collect();
                Typed::MultiSz(items).to_raw().bytes
            }
            Some(Typed::Binary(bytes)) => WinHttpSettings::with_proxy(&bytes, masked_text)?,
            // A text that is none, as this one: nothing of it can be told from the account.
            _ => "***".encode_utf16().flat_map(u16::to_le_bytes).collect(),
        };
        Some(Self {
            kind: self.kind,
            bytes,
        })
    }

    /// The bytes as lower-case hex, for reports; `None` where they are a text with a user and password in front of a host.
    pub fn shown_bytes(&self) -> Option<String> {
        let holds = match self.kind {
            REG_SZ | REG_EXPAND_SZ | REG_MULTI_SZ => {
                let (pairs, _) = self.bytes.as_chunks::<2>();
                let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
                let text = String::from_utf16_lossy(&units);
                text.split('\0').any(|text| masked(text).is_some())
            }
            REG_BINARY => WinHttpSettings::decode(&self.bytes)
                .is_ok_and(|settings| masked(&settings.proxy).is_some()),
            _ => false,
        };
        (!holds).then(|| hex::encode(&self.bytes))
    }
}

fn utf16z(text: &str) -> Vec<u8> {
    text.encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect()
}

fn units(bytes: &[u8]) -> Option<Vec<u16>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
}

fn strip_terminator(bytes: &[u8]) -> Option<String> {
    let units = units(bytes)?;
    let (last, text) = units.split_last()?;
    if *last != 0 || text.contains(&0) {
        return None;
    }
    String::from_utf16(text).ok()
}

fn split_multi(bytes: &[u8]) -> Option<Vec<String>> {
    let units = units(bytes)?;
    let (last, body) = units.split_last()?;
    if *last != 0 {
        return None;
    }
    if body.is_empty() {
        return Some(Vec::new());
    }
    let (end, body) = body.split_last()?;
    if *end != 0 {
        return None;
    }
    // An empty text inside the list ends it early for most readers, and no channel writes it reliably.
    body.split(|unit| *unit == 0)
        .map(|item| {
            String::from_utf16(item)
                .ok()
                .filter(|text| !text.is_empty())
        })
        .collect()
}
