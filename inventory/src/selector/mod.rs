//! Which hosts are meant: globs, `ring:`, `group:`, `@FILE`, `all`, `rest` and the operators between them; tests of
//! facts in [`FactSelector`] alone (`facts.rs`).
//!
//! `a,b` is union, `a&b` intersection, `a!b` a without b, `!b` alone everything without b. `&` and `!` bind before
//! `,` and go left to right; parentheses group. `parse.rs` reads the text, this file answers.

mod facts;
mod names;
mod parse;

use std::collections::BTreeSet;

use crate::{Host, Inventory};
pub use facts::FactSelector;
use names::NameSet;

/// A parsed selector.
#[derive(Clone, Debug)]
pub struct Selector {
    text: String,
    root: Expr,
}

#[derive(Clone, Debug)]
enum Expr {
    All,
    Rest,
    Names(NameSet),
    Ring(Word),
    Group(Word),
    /// A test of facts, as it stands in the text.
    Fact(Word),
    Union(Vec<Expr>),
    Both(Box<Expr>, Box<Expr>),
    Without(Box<Expr>, Box<Expr>),
}

/// The name of a ring or group or the text of a test, and where it stands in the selector.
#[derive(Clone, Debug)]
struct Word {
    name: String,
    column: u32,
}

/// What is wrong in the text of a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (column {column} of the selector)")]
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
    /// Parses a selector. `read_list` gives the lines of the file behind `@FILE`; names and globs, `#` begins a comment.
    ///
    /// # Errors
    /// With the place in the text. A test of facts is one: this kind of selector is answered before any host is read.
    pub fn parse(
        text: &str,
        read_list: &dyn Fn(&str) -> Result<Vec<String>, String>,
    ) -> Result<Self, SelectorError> {
        let root = parse::parse(text, read_list)?;
        let text = text.to_owned();
        let selector = Self { text, root };
        match selector.tests().first() {
            Some((test, column)) => Err(no_facts_here(test, *column)),
            None => Ok(selector),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the host is meant; `rest` is the value of the word `rest` for this host: true where no earlier ring
    /// took it.
    pub fn matches(&self, host: &Host, rest: bool) -> bool {
        self.root.matches(host, rest)
    }

    fn tests(&self) -> Vec<(&str, u32)> {
        let mut tests = Vec::new();
        self.root.each(&mut |expr| {
            if let Expr::Fact(word) = expr {
                tests.push((word.name.as_str(), word.column));
            }
        });
        tests
    }

    /// Rings that no host has and groups that nothing declares, each with the nearest that exists.
    pub fn names_unknown(&self, inventory: &Inventory) -> Vec<SelectorError> {
        let rings = inventory.rings();
        let groups: BTreeSet<&str> = inventory.groups.iter().map(String::as_str).collect();
        let mut unknown = Vec::new();
        self.root.each(&mut |expr| match expr {
            Expr::Ring(word) => {
                unknown.extend(word.unknown("ring", "no host has the ring", &rings))
            }
            Expr::Group(word) => {
                unknown.extend(word.unknown("group", "nothing declares the group", &groups))
            }
            _ => {}
        });
        unknown
    }

    /// Names that no host has, written out in the selector or standing in its `@FILE`s, with the nearest host. No error
    /// by itself: a list may name hosts that are gone.
    pub fn hosts_unknown(&self, inventory: &Inventory) -> Vec<SelectorError> {
        let mut unknown = Vec::new();
        self.root.each(&mut |expr| {
            if let Expr::Names(names) = expr {
                unknown.extend(names.unknown(inventory));
            }
        });
        unknown
    }
}

impl Expr {
    fn matches(&self, host: &Host, rest: bool) -> bool {
        match self {
            Self::All => true,
            Self::Rest => rest,
            Self::Names(names) => names.contains(host.name.as_str()),
            Self::Ring(ring) => host.ring.as_ref() == Some(&ring.name),
            Self::Group(group) => host.groups.contains(&group.name),
            // Not in a `Selector`, and `FactSelector` does not ask here.
            Self::Fact(_) => false,
            Self::Union(parts) => parts.iter().any(|part| part.matches(host, rest)),
            Self::Both(one, two) => one.matches(host, rest) && two.matches(host, rest),
            Self::Without(one, two) => one.matches(host, rest) && !two.matches(host, rest),
        }
    }

    /// Visits every part, in the order of the text.
    fn each<'e>(&'e self, visit: &mut dyn FnMut(&'e Self)) {
        visit(self);
        match self {
            Self::Union(parts) => parts.iter().for_each(|part| part.each(visit)),
            Self::Both(one, two) | Self::Without(one, two) => {
                one.each(visit);
                two.each(visit);
            }
            _ => {}
        }
    }
}

fn no_facts_here(test: &str, column: u32) -> SelectorError {
    SelectorError {
        column,
        found: test.to_owned(),
        message: "hosts cannot be chosen by facts here: who is meant is settled before any host is read".to_owned(),
        expected: Some(parse::ATOM.to_owned()),
        hint: Some(
            "-l of plan, push, audit -p, ping, facts and explain takes tests of facts, and steps take them in 'when'"
                .to_owned(),
        ),
    }
}

impl Word {
    fn unknown(&self, kind: &str, message: &str, known: &BTreeSet<&str>) -> Option<SelectorError> {
        if known.contains(self.name.as_str()) {
            return None;
        }
        let names: Vec<&str> = known.iter().copied().take(12).collect();
        let expected = match names.as_slice() {
            [] => format!("a {kind} of the inventory, which has none"),
            names => format!("one of {}", names.join(", ")),
        };
        let nearest = document::nearest(&self.name, known.iter().copied());
        Some(SelectorError {
            column: self.column,
            found: format!("{kind}:{}", self.name),
            message: format!("{message} '{}'", self.name),
            expected: Some(expected),
            hint: nearest.map(|nearest| format!("did you mean '{kind}:{nearest}'?")),
        })
    }
}
