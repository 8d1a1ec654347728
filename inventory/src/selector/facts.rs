//! Selectors with tests of facts. Whether a host passes a test is not known here: whoever can read hosts answers.
//!
//! A type of its own, so that no selector that is answered without reading hosts can hold a test.

use super::{Expr, Selector, SelectorError, parse};
use crate::{Host, Inventory};

/// A selector in which tests such as `facts.os.build >= 17763` may stand.
#[derive(Clone, Debug)]
pub struct FactSelector(Selector);

impl FactSelector {
    /// Parses as [`Selector::parse`], and takes tests of facts. They are not judged here, only delimited.
    ///
    /// # Errors
    /// With the place in the text.
    pub fn parse(
        text: &str,
        read_list: &dyn Fn(&str) -> Result<Vec<String>, String>,
    ) -> Result<Self, SelectorError> {
        let root = parse::parse(text, read_list)?;
        let text = text.to_owned();
        Ok(Self(Selector { text, root }))
    }

    /// The tests in it, each with its column, in the order of the text.
    pub fn tests(&self) -> Vec<(&str, u32)> {
        self.0.tests()
    }

    /// Whether the host is meant. `passes` says whether it passes a test, `None` where that is not known. The answer is
    /// `None` where what is not known decides: nobody is taken, or left out by `!`, on a guess. The word `rest` is true.
    pub fn meant(&self, host: &Host, passes: &dyn Fn(&str) -> Option<bool>) -> Option<bool> {
        self.0.root.meant(host, passes)
    }

    /// As [`Selector::names_unknown`].
    pub fn names_unknown(&self, inventory: &Inventory) -> Vec<SelectorError> {
        self.0.names_unknown(inventory)
    }

    /// As [`Selector::hosts_unknown`].
    pub fn hosts_unknown(&self, inventory: &Inventory) -> Vec<SelectorError> {
        self.0.hosts_unknown(inventory)
    }
}

impl Expr {
    fn meant(&self, host: &Host, passes: &dyn Fn(&str) -> Option<bool>) -> Option<bool> {
        let without = |expr: &Self| expr.meant(host, passes).map(|meant| !meant);
        match self {
            Self::Fact(test) => passes(&test.name),
            Self::Union(parts) => {
                let of_parts: Vec<_> = parts.iter().map(|part| part.meant(host, passes)).collect();
                if of_parts.contains(&Some(true)) {
                    Some(true)
                } else {
                    of_parts.iter().all(Option::is_some).then_some(false)
                }
            }
            Self::Both(one, two) => both(one.meant(host, passes), two.meant(host, passes)),
            Self::Without(one, two) => both(one.meant(host, passes), without(two)),
            plain => Some(plain.matches(host, true)),
        }
    }
}

/// What is not known spreads only where it decides.
fn both(one: Option<bool>, two: Option<bool>) -> Option<bool> {
    match (one, two) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}
