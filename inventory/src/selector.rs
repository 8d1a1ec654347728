//! Which hosts are meant: globs, `ring:`, `group:`, `@FILE`, `all`, `rest` and the operators between them.

use crate::{Host, Inventory};

/// A parsed selector.
#[derive(Clone, Debug)]
pub struct Selector {}

/// What is wrong in the text of a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("selector: {message} at column {column}")]
pub struct SelectorError {
    /// From 1, in characters.
    pub column: u32,
    /// The offending text.
    pub found: String,
    /// What is wrong.
    pub message: String,
    /// What would have been right.
    pub expected: Option<String>,
    /// Nearest match, or what to do.
    pub hint: Option<String>,
}

impl Selector {
    /// Parses a selector. `read_list` gives the lines of the file behind `@FILE`.
    ///
    /// # Errors
    /// With the place in the text.
    pub fn parse(
        text: &str,
        read_list: &dyn Fn(&str) -> Result<Vec<String>, String>,
    ) -> Result<Self, SelectorError> {
        let _ = (text, read_list);
        Ok(Self {})
    }

    /// Whether the host is meant; `rest` is the value of the word `rest` for this host.
    pub fn matches(&self, host: &Host, rest: bool) -> bool {
        let _ = (host, rest);
        true
    }

    /// Rings and groups named here that the inventory does not know.
    pub fn names_unknown(&self, inventory: &Inventory) -> Vec<SelectorError> {
        let _ = inventory;
        Vec::new()
    }
}
