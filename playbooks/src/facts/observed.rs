//! Facts out of registry values that were read for another reason: what a run wrote and read back.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::raw::from_registry;
use super::{FACTS, Fact, FactValue, Facts};
use crate::registry::{Observed, Target};

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
            let value = match observed {
                Observed::KeyAbsent { .. } | Observed::ValueAbsent => Ok(FactValue::Null),
                Observed::Opaque { why, .. } => Err(why.clone()),
                Observed::Present(raw) => match raw.to_typed() {
                    Some(typed) => from_registry(fact, &typed),
                    None => Err("its bytes are no value of their type".to_owned()),
                },
            };
            match value {
                Ok(value) => self.set(fact, value),
                Err(why) => self.set_unread(fact, why),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{REG_BINARY, RawValue, Typed};

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
            facts.unread(Fact::WinHttpProxy).is_some()
                && facts.unread(Fact::WinHttpBypass).is_some()
        );
        assert!(!facts.knows(Fact::ProxyAvServer), "nothing else is known");
    }
}
