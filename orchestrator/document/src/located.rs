//! A value and the place it stands at.

use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

/// A value with line and column (from 1, in characters) of its first character.
///
/// Inside `#[serde(flatten)]`, `untagged` and internally tagged enums serde buffers the input and the place is lost:
/// both are 0 there. Put the `Located` around such a type, not into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// From 1; 0 when unknown.
    pub line: u32,
    /// From 1; 0 when unknown.
    pub column: u32,
}

impl<T> Located<T> {
    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located {
            value: change(self.value),
            line: self.line,
            column: self.column,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        let (line, column) = place(&spanned.referenced);
        Ok(Self {
            value: spanned.value,
            line,
            column,
        })
    }
}

/// Line and column, 0 when unknown.
pub(crate) fn place(location: &Location) -> (u32, u32) {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    (narrow(location.line()), narrow(location.column()))
}
