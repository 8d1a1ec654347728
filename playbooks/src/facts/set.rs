//! Which facts are wanted of a host. Each costs requests, so nothing unasked is read.

use std::collections::BTreeSet;

use super::{FACTS, Fact};
use crate::registry::Target;

/// Facts that are wanted, and of which registry values group policy's word is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactSet {
    facts: BTreeSet<Fact>,
    /// The values of which [`Fact::GpoSettings`] and [`Fact::GpoLocal`] are to tell.
    pub policy_values: BTreeSet<Target>,
    /// Policies are told by their ids alone, which saves a request.
    pub policy_ids_only: bool,
    /// That group policy has logged nothing of these values is taken at its word, which saves a request: a log that is switched
    /// off says the same.
    pub policy_log_trusted: bool,
    /// `Some`: what is asked for is registry values and what programs show, and one command of the host's shell reads all of
    /// it. Where no command may be run, the values are not read at all: each would be a request.
    pub in_one_command: Option<OneCommand>,
    /// Requests that the answer may take. What a host has not told by then is not read.
    pub requests: Option<u32>,
}

/// What a command that reads may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneCommand {
    /// Requests that it usually costs, one Receive among them.
    pub requests: u32,
    /// Receives that it may take. Hosts may hand the output out in pieces; what has not come by then is not read.
    pub receives: u32,
}

impl FactSet {
    /// Everything in the table.
    pub fn all() -> Self {
        FACTS.iter().map(|row| row.fact).collect()
    }

    /// True where nothing has to be read.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// Adds one.
    pub fn insert(&mut self, fact: Fact) {
        self.facts.insert(fact);
    }

    /// Whether it is in it.
    pub fn contains(&self, fact: Fact) -> bool {
        self.facts.contains(&fact)
    }

    /// In the order of the table: what follows from others comes after them.
    pub fn iter(&self) -> impl Iterator<Item = Fact> {
        self.facts.iter().copied()
    }

    /// With all that has to be read for it.
    #[must_use]
    pub fn closed(&self) -> Self {
        let mut closed = self.clone();
        let mut open: Vec<Fact> = self.facts.iter().copied().collect();
        while let Some(fact) = open.pop() {
            for need in fact.needs() {
                if closed.facts.insert(*need) {
                    open.push(*need);
                }
            }
        }
        closed
    }

    /// Without those that are of no interest.
    #[must_use]
    pub fn without(mut self, uninteresting: impl Fn(Fact) -> bool) -> Self {
        self.facts.retain(|fact| !uninteresting(*fact));
        self
    }

    /// The facts that a dotted name below `facts` stands for: one, or all of a group. The empty name is all of them.
    pub fn below(name: &str) -> Self {
        FACTS
            .iter()
            .filter(|row| {
                let rest = row.name.strip_prefix(name);
                name.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
            .map(|row| row.fact)
            .collect()
    }
}

impl FromIterator<Fact> for FactSet {
    fn from_iter<I: IntoIterator<Item = Fact>>(facts: I) -> Self {
        Self {
            facts: facts.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Extend<Fact> for FactSet {
    fn extend<I: IntoIterator<Item = Fact>>(&mut self, facts: I) {
        self.facts.extend(facts);
    }
}
