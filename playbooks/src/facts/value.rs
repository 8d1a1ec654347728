//! Facts of one host: a value for each fact that was read, and why where it could not be.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::derive::derived;
use super::{Fact, FactSet, FactValue as Value, SensorBranch, Version};
use crate::registry::{RawValue, Target, without_accounts};

/// What a fact says. Its type is that of its row, or null where the host has no such thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FactValue {
    /// The host has no such thing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A text, a version, a moment.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// Numbers.
    Numbers(Vec<i64>),
}

impl FactValue {
    /// As reports show it: without an account in front of an address. Conditions and comparisons go by the value itself.
    #[must_use]
    pub fn shown(&self) -> Self {
        let shown = |text: &String| without_accounts(text).into_owned();
        match self {
            Self::Text(value) => Self::Text(shown(value)),
            Self::Texts(values) => Self::Texts(values.iter().map(shown).collect()),
            other => other.clone(),
        }
    }

    /// A form for people: one line, as reports show it.
    pub fn text(&self) -> String {
        match self.shown() {
            Self::Null => "-".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(value) => value,
            Self::Texts(values) => values.join(", "),
            Self::Numbers(values) => {
                let texts: Vec<String> = values.iter().map(i64::to_string).collect();
                texts.join(", ")
            }
        }
    }
}

/// A value that group policy has set on a host (`RSOP_RegistryPolicySetting`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpoSetting {
    /// Which value.
    pub target: Target,
    /// What the policy wants; `None`: it deletes the value.
    pub value: Option<RawValue>,
    /// 1 wins.
    pub precedence: u32,
    /// Id of the policy object.
    pub gpo: String,
    /// Its name, where it was asked for.
    pub gpo_name: Option<String>,
}

impl GpoSetting {
    /// The policy for people: its name, else its id.
    pub fn owner(&self) -> &str {
        self.gpo_name.as_deref().unwrap_or(&self.gpo)
    }
}

/// The facts read from one host. What was not asked for is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    values: BTreeMap<Fact, FactValue>,
    unread: BTreeMap<Fact, String>,
    /// Those of `unread` that were read, and are not of the fact's form.
    malformed: BTreeSet<Fact>,
    /// F15, with [`Fact::GpoSettings`]: what group policy has set, of the values asked for.
    pub gpo: Vec<GpoSetting>,
}

impl Facts {
    /// Notes what was read.
    pub fn set(&mut self, fact: Fact, value: FactValue) {
        self.unread.remove(&fact);
        self.malformed.remove(&fact);
        self.values.insert(fact, value);
    }

    /// Notes why a fact could not be read. What follows from it cannot be had either.
    pub fn set_unread(&mut self, fact: Fact, why: impl Into<String>) {
        self.values.remove(&fact);
        self.malformed.remove(&fact);
        self.unread.insert(fact, why.into());
    }

    /// Notes that something stands there which is not of the fact's form. To all that follows it counts as unread.
    pub fn set_malformed(&mut self, fact: Fact, why: impl Into<String>) {
        self.set_unread(fact, why);
        self.malformed.insert(fact);
    }

    /// The value; `None` where it was not asked for or not readable.
    pub fn value(&self, fact: Fact) -> Option<&FactValue> {
        self.values.get(&fact)
    }

    /// Why it could not be read.
    pub fn unread(&self, fact: Fact) -> Option<&str> {
        self.unread.get(&fact).map(String::as_str)
    }

    /// What is wrong with what stands there; `None` where it was not read at all, or is as it should be.
    pub fn malformed(&self, fact: Fact) -> Option<&str> {
        let malformed = self.malformed.contains(&fact);
        self.unread(fact).filter(|_| malformed)
    }

    /// Whether it was asked for, with whatever success.
    pub fn knows(&self, fact: Fact) -> bool {
        self.values.contains_key(&fact) || self.unread.contains_key(&fact)
    }

    /// Every fact that was read, in the order of the table.
    pub fn values(&self) -> impl Iterator<Item = (Fact, &FactValue)> {
        self.values.iter().map(|(fact, value)| (*fact, value))
    }

    /// Every fact that could not be read, and why.
    pub fn failures(&self) -> impl Iterator<Item = (Fact, &str)> {
        self.unread.iter().map(|(fact, why)| (*fact, why.as_str()))
    }

    /// As a boolean; a number counts as true where it is not 0.
    pub fn flag(&self, fact: Fact) -> Option<bool> {
        match self.value(fact)? {
            Value::Bool(value) => Some(*value),
            Value::Number(value) => Some(*value != 0),
            _ => None,
        }
    }

    /// As a number.
    pub fn number(&self, fact: Fact) -> Option<i64> {
        match self.value(fact)? {
            Value::Number(value) => Some(*value),
            _ => None,
        }
    }

    /// As a text.
    pub fn text(&self, fact: Fact) -> Option<&str> {
        match self.value(fact)? {
            Value::Text(value) => Some(value),
            _ => None,
        }
    }

    /// As texts; none where there is no value.
    pub fn texts(&self, fact: Fact) -> &[String] {
        match self.value(fact) {
            Some(Value::Texts(values)) => values,
            _ => &[],
        }
    }

    /// As a version.
    pub fn version(&self, fact: Fact) -> Option<Version> {
        self.text(fact)?.parse().ok()
    }

    /// The sensor's line of releases.
    pub fn sensor_branch(&self) -> Option<SensorBranch> {
        SensorBranch::named(self.text(Fact::SensorBranch)?)
    }

    /// Adds what follows from the facts that were read, as far as `wanted` asks for it.
    pub fn derive(&mut self, wanted: &FactSet) {
        for fact in wanted.iter() {
            let needs = match fact.row().source {
                super::Source::Derived(needs) => needs,
                _ => continue,
            };
            let missing = needs.iter().find_map(|need| {
                let why = self.unread(*need).map(str::to_owned);
                let never = || (!self.knows(*need)).then(|| "it was not asked for".to_owned());
                why.or_else(never).map(|why| (*need, why))
            });
            match missing {
                Some((need, why)) => self.set_unread(fact, format!("{}: {why}", need.name())),
                None => {
                    let value = derived(fact, self);
                    self.set(fact, value);
                }
            }
        }
    }

    /// Takes over what another reading of the same host gave.
    pub fn merge(&mut self, other: Self) {
        let gpo = other.knows(Fact::GpoSettings) || other.knows(Fact::GpoLocal);
        for (fact, value) in other.values {
            self.set(fact, value);
        }
        for (fact, why) in other.unread {
            self.set_unread(fact, why);
        }
        self.malformed.extend(other.malformed);
        if gpo {
            self.gpo = other.gpo;
        }
    }
}

impl FromIterator<(Fact, FactValue)> for Facts {
    /// Facts as given, with all that follows from them.
    fn from_iter<I: IntoIterator<Item = (Fact, FactValue)>>(values: I) -> Self {
        let mut facts = Self::default();
        for (fact, value) in values {
            facts.set(fact, value);
        }
        let follow: FactSet = super::FACTS
            .iter()
            .filter(|row| matches!(row.source, super::Source::Derived(needs) if needs.iter().all(|need| facts.value(*need).is_some() || matches!(need.row().source, super::Source::Derived(_)))))
            .filter(|row| facts.value(row.fact).is_none())
            .map(|row| row.fact)
            .collect();
        facts.derive(&follow);
        facts.unread.clear();
        facts.malformed.clear();
        facts
    }
}
