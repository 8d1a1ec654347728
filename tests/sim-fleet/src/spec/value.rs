//! A registry value as a person writes it in YAML.

use serde::Deserialize;

use crate::registry::{RawValue, kind};

/// A value a host has before anybody touches it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedValue {
    /// Key below HKLM, or with the hive in front. Created with its parents.
    pub key: String,
    /// Name of the value; empty: the default value; absent: only the key is created.
    #[serde(default)]
    pub value: Option<String>,
    /// Its data.
    #[serde(default)]
    pub data: Option<SeedData>,
}

impl SeedValue {
    /// A value of any type.
    pub fn new(key: &str, value: &str, data: SeedData) -> Self {
        Self {
            key: key.into(),
            value: Some(value.into()),
            data: Some(data),
        }
    }

    /// A key without values.
    pub fn key(key: &str) -> Self {
        Self {
            key: key.into(),
            value: None,
            data: None,
        }
    }
}

/// Data of a value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedData {
    /// `REG_SZ`.
    Sz(String),
    /// `REG_EXPAND_SZ`.
    ExpandSz(String),
    /// `REG_MULTI_SZ`.
    MultiSz(Vec<String>),
    /// `REG_DWORD`.
    Dword(u32),
    /// `REG_QWORD`.
    Qword(u64),
    /// `REG_BINARY`, as hex digits.
    #[serde(with = "hex::serde")]
    Binary(Vec<u8>),
    /// Any type number with any bytes, also ones that do not fit the type.
    Raw(RawSeed),
}

/// Type number and bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSeed {
    /// Registry type number.
    #[serde(rename = "type")]
    pub kind: u32,
    /// Bytes, as hex digits.
    #[serde(with = "hex::serde")]
    pub hex: Vec<u8>,
}

impl SeedData {
    /// Type number and bytes as the registry stores them.
    pub fn raw(&self) -> RawValue {
        match self {
            Self::Sz(text) => RawValue::text(kind::SZ, text),
            Self::ExpandSz(text) => RawValue::text(kind::EXPAND_SZ, text),
            Self::MultiSz(items) => RawValue::multi(items),
            Self::Dword(number) => RawValue::new(kind::DWORD, &number.to_le_bytes()),
            Self::Qword(number) => RawValue::new(kind::QWORD, &number.to_le_bytes()),
            Self::Binary(bytes) => RawValue::new(kind::BINARY, bytes),
            Self::Raw(raw) => RawValue::new(raw.kind, &raw.hex),
        }
    }
}
