//! Facts that are registry values: one Get where the type is known, one listing for a key whose values may be of any
//! type or are mostly absent.

use std::collections::{BTreeMap, HashMap};

use playbooks::{Fact, FactSet, FactValue, Facts, KeyPath, Observed, Source, Target, type_name};
use rollout::Reason;

use crate::error::Trouble;
use crate::link::{Link, OfKind, Road};

/// A place in the registry that this program names.
pub(super) fn target(key: &str, value: &str) -> Result<Target, Trouble> {
    let key = KeyPath::below_local_machine(key)
        .map_err(|error| Trouble::Refused(Reason::Internal, error.to_string()))?;
    Ok(Target {
        key,
        value: value.to_owned(),
    })
}

impl Link {
    pub(super) async fn registry_facts(
        &mut self,
        wanted: &FactSet,
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let mut known: BTreeMap<(&str, &str), (u32, Vec<Fact>)> = BTreeMap::new();
        let mut listed: BTreeMap<&str, Vec<(&str, Fact)>> = BTreeMap::new();
        for fact in wanted.iter() {
            match fact.row().source {
                Source::Registry(key, value, kind) => {
                    let place = known.entry((key, value)).or_insert((kind, Vec::new()));
                    place.1.push(fact);
                }
                Source::Listed(key, value) => listed.entry(key).or_default().push((value, fact)),
                _ => {}
            }
        }
        for ((key, value), (kind, wanted)) in known {
            self.typed_facts(target(key, value)?, kind, &wanted, facts)
                .await?;
        }
        for (key, values) in listed {
            self.listed_facts(key, &values, facts).await?;
        }
        Ok(())
    }

    /// The facts that are read from a value which should have this type.
    async fn typed_facts(
        &mut self,
        place: Target,
        kind: u32,
        wanted: &[Fact],
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        match self.of_kind(place, kind).await {
            Ok(OfKind::Found(found)) => {
                let found = found.unwrap_or(Observed::ValueAbsent);
                wanted
                    .iter()
                    .for_each(|fact| facts.note_observed(*fact, &found));
            }
            Ok(OfKind::Other) => {
                let why = format!("it has another registry type than {}", type_name(kind));
                wanted
                    .iter()
                    .for_each(|fact| facts.set_malformed(*fact, why.clone()));
            }
            Err(trouble) => self.not_read(wanted, trouble, facts)?,
        }
        Ok(())
    }

    fn not_read(
        &self,
        wanted: &[Fact],
        trouble: Trouble,
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let why = self.unread(trouble)?;
        wanted
            .iter()
            .for_each(|fact| facts.set_unread(*fact, why.clone()));
        Ok(())
    }

    async fn listed_facts(
        &mut self,
        key: &str,
        values: &[(&str, Fact)],
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let all: Vec<Fact> = values.iter().map(|(_, fact)| *fact).collect();
        if self.road == Road::Shell {
            return self.listed_by_shell(key, values, facts).await;
        }
        let names = match self.client.enum_values(key).await {
            Ok(names) => names.unwrap_or_default(),
            Err(error) => {
                let trouble = Trouble::Wire(error);
                if self.leaves_wmi(&trouble) {
                    return self.listed_by_shell(key, values, facts).await;
                }
                return self.not_read(&all, trouble, facts);
            }
        };
        let kinds: HashMap<String, u32> = names
            .into_iter()
            .map(|(name, kind)| (name.to_lowercase(), kind))
            .collect();
        for (value, fact) in values {
            match kinds.get(&value.to_lowercase()) {
                None => facts.set(*fact, FactValue::Null),
                Some(kind) => {
                    self.typed_facts(target(key, value)?, *kind, &[*fact], facts)
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// `reg.exe` shows the type with the value.
    async fn listed_by_shell(
        &mut self,
        key: &str,
        values: &[(&str, Fact)],
        facts: &mut Facts,
    ) -> Result<(), Trouble> {
        let mut targets = Vec::with_capacity(values.len());
        for (value, _) in values {
            targets.push(target(key, value)?);
        }
        match self.observe(&targets).await {
            Ok(found) => {
                for ((_, fact), found) in values.iter().zip(found) {
                    facts.note_observed(*fact, &found);
                }
                Ok(())
            }
            Err(trouble) => {
                let all: Vec<Fact> = values.iter().map(|(_, fact)| *fact).collect();
                self.not_read(&all, trouble, facts)
            }
        }
    }
}
