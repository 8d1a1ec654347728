//! Facts that are registry values: one Get where the type is known, one listing for a key whose values may be of any
//! type or are mostly absent.

use std::collections::{BTreeMap, HashMap};

use playbooks::{Fact, FactSet, FactValue, Facts, KeyPath, Source, Target, Typed, from_registry};
use rollout::Reason;

use crate::error::Trouble;
use crate::link::{Link, Road};

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
            let read = self.known(&[(target(key, value)?, kind)]).await;
            self.noted_value(
                facts,
                &wanted,
                read.map(|found| found.into_iter().flatten().next()),
            )?;
        }
        for (key, values) in listed {
            self.listed_facts(key, &values, facts).await?;
        }
        Ok(())
    }

    /// What a read gave, for each fact that is read from that place.
    fn noted_value(
        &self,
        facts: &mut Facts,
        wanted: &[Fact],
        read: Result<Option<Typed>, Trouble>,
    ) -> Result<(), Trouble> {
        let read = match read {
            Ok(read) => Ok(read),
            Err(trouble) => Err(self.unread(trouble)?),
        };
        for fact in wanted {
            let value = match &read {
                Ok(None) => Ok(FactValue::Null),
                Ok(Some(typed)) => from_registry(*fact, typed),
                Err(why) => Err(why.clone()),
            };
            match value {
                Ok(value) => facts.set(*fact, value),
                Err(why) => facts.set_unread(*fact, why),
            }
        }
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
                return self.noted_value(facts, &all, Err(trouble));
            }
        };
        let kinds: HashMap<String, u32> = names
            .into_iter()
            .map(|(name, kind)| (name.to_lowercase(), kind))
            .collect();
        for (value, fact) in values {
            let read = match kinds.get(&value.to_lowercase()) {
                None => Ok(None),
                Some(kind) => {
                    let found = self.known(&[(target(key, value)?, *kind)]).await;
                    found.map(|found| found.into_iter().flatten().next())
                }
            };
            self.noted_value(facts, &[*fact], read)?;
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
        let found = self.observe(&targets).await;
        match found {
            Ok(found) => {
                for ((_, fact), found) in values.iter().zip(found) {
                    let typed = found.value().and_then(|raw| raw.to_typed());
                    self.noted_value(facts, &[*fact], Ok(typed))?;
                }
                Ok(())
            }
            Err(trouble) => {
                let all: Vec<Fact> = values.iter().map(|(_, fact)| *fact).collect();
                self.noted_value(facts, &all, Err(trouble))
            }
        }
    }
}
