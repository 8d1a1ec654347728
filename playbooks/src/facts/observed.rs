//! Facts out of registry values that were read for another reason: what a run wrote and read back.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::raw::from_registry;
use super::{FACTS, Fact, FactValue, Facts};
use crate::registry::{Observed, Target, Typed, type_name};

/// Facts by the value they are read from.
static BY_TARGET: LazyLock<HashMap<Target, Vec<Fact>>> = LazyLock::new(|| {
    let mut found: HashMap<Target, Vec<Fact>> = HashMap::new();
    for row in FACTS {
        if let Some(target) = row.fact.target() {
            found.entry(target).or_default().push(row.fact);
        }
    }
    found
});

impl Facts {
    /// Takes over every fact that is read from this value.
    pub fn note(&mut self, target: &Target, observed: &Observed) {
        for fact in BY_TARGET.get(target).into_iter().flatten().copied() {
            self.note_observed(fact, observed);
        }
    }

    /// Takes over one fact from what was found in its place. What is not of its form never counts as absent.
    pub fn note_observed(&mut self, fact: Fact, observed: &Observed) {
        match observed {
            Observed::KeyAbsent { .. } | Observed::ValueAbsent => self.set(fact, FactValue::Null),
            // The channel's limit, and not known to be the value's fault.
            Observed::Opaque { why, .. } => self.set_unread(fact, why.clone()),
            Observed::Present(raw) => match raw.to_typed() {
                Some(typed) => self.note_typed(fact, &typed),
                None => {
                    let kind = type_name(raw.kind);
                    self.set_malformed(fact, format!("its bytes are no value of {kind}"));
                }
            },
        }
    }

    /// The same of a value whose type is known.
    pub fn note_typed(&mut self, fact: Fact, typed: &Typed) {
        match from_registry(fact, typed) {
            Ok(value) => self.set(fact, value),
            Err(why) => self.set_malformed(fact, why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{REG_BINARY, RawValue};

    #[test]
    fn what_was_read_back_becomes_facts() {
        let mut facts = Facts::default();
        let edr = Fact::ProxyEdr.target().unwrap();
        facts.note(
            &edr,
            &Observed::Present(Typed::Sz("a:1".to_owned()).to_raw()),
        );
        assert_eq!(facts.text(Fact::ProxyEdr), Some("a:1"));
        facts.note(&edr, &Observed::ValueAbsent);
        assert_eq!(facts.value(Fact::ProxyEdr), Some(&FactValue::Null));
        // Two facts stand in one value; malformed bytes are not "direct".
        let short = RawValue {
            kind: REG_BINARY,
            bytes: vec![1],
        };
        facts.note(&Target::win_http_settings(), &Observed::Present(short));
        assert!(
            facts.malformed(Fact::WinHttpProxy).is_some()
                && facts.malformed(Fact::WinHttpBypass).is_some()
        );
        assert!(!facts.knows(Fact::ProxyAvServer), "nothing else is known");
    }
}
