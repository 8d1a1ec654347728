//! The registry as this project sees it: where a value lives, what bytes it holds, and what was found there.
//!
//! These types are shared by the plan, the journal, the engine and the session; they hold bytes, never
//! interpretations, because a rollback has to restore bytes. They do no input or output. `registry/place.rs` is where a value
//! lives, `registry/value.rs` what it holds.

mod account;
mod place;
mod value;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use account::masked;
pub use account::without_accounts;
pub use place::{KeyPath, KeyPathError, Target};
pub use value::{
    REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_QWORD, REG_SZ, RawValue, Typed,
    type_name,
};

/// What was found at a [`Target`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Observed {
    /// The key does not exist. `first_missing` is the highest ancestor (or the key itself) that is missing:
    /// it and everything below it would have to be created, and may be removed again by an undo (RB2).
    KeyAbsent {
        /// The highest missing key.
        first_missing: KeyPath,
    },
    /// The key exists, the value does not.
    ValueAbsent,
    /// The value exists, with exactly these bytes.
    Present(RawValue),
    /// The value exists but no channel can read it exactly, so it could not be restored (promise 1).
    Opaque {
        /// The registry type number.
        #[serde(rename = "type")]
        kind: u32,
        /// What stands in the way, for people.
        why: String,
    },
}

impl Observed {
    /// True for both kinds of absence.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::KeyAbsent { .. } | Self::ValueAbsent)
    }

    /// The exact value, if there is one.
    pub fn value(&self) -> Option<&RawValue> {
        match self {
            Self::Present(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the bytes (or the absence) could be written back through the channels we have.
    pub fn restorable(&self) -> bool {
        match self {
            Self::KeyAbsent { .. } | Self::ValueAbsent => true,
            Self::Present(value) => value.to_typed().is_some(),
            Self::Opaque { .. } => false,
        }
    }

    /// The same with each account in front of a host masked, for files that are handed on; `None` where it holds none.
    pub fn without_accounts(&self) -> Option<Self> {
        self.value()?.without_accounts().map(Self::Present)
    }

    /// Same as far as an undo is concerned: equal bytes, or both without a value.
    pub fn same_content(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Present(a), Self::Present(b)) => a == b,
            (a, b) => a.is_absent() && b.is_absent(),
        }
    }
}
