//! A registry as plain comparable data, for tests.

use std::collections::BTreeMap;

use super::{Key, RawValue, fold};

/// The values of one key by name.
pub type KeyContent = BTreeMap<String, RawValue>;

/// Every key with its values; keys as `HKLM\SOFTWARE\...` in the case they were created with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistrySnapshot {
    /// Keys without values are in it too.
    pub keys: BTreeMap<String, KeyContent>,
}

impl RegistrySnapshot {
    pub(super) fn of(root: &Key) -> Self {
        let mut snapshot = Self::default();
        snapshot.walk(root, "");
        snapshot
    }

    fn walk(&mut self, key: &Key, path: &str) {
        if !path.is_empty() {
            let content = key
                .values()
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect();
            self.keys.insert(path.to_string(), content);
        }
        for (name, child) in key.subkeys() {
            let below = if path.is_empty() {
                name.to_string()
            } else {
                format!("{path}\\{name}")
            };
            self.walk(child, &below);
        }
    }

    /// The values of a key, letter case ignored; the hive in front may be left out for HKLM.
    pub fn key(&self, path: &str) -> Option<&KeyContent> {
        let wanted = fold(&super::KeyPath::parse(path).to_string());
        self.keys
            .iter()
            .find(|(name, _)| fold(name) == wanted)
            .map(|(_, content)| content)
    }

    /// One value, letter case ignored.
    pub fn value(&self, path: &str, name: &str) -> Option<&RawValue> {
        let wanted = fold(name);
        self.key(path)?
            .iter()
            .find(|(other, _)| fold(other) == wanted)
            .map(|(_, value)| value)
    }

    /// What differs, one line each, `-` only here, `+` only there, `~` other data. Empty: the same.
    pub fn difference(&self, later: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for key in self.keys.keys().chain(
            later
                .keys
                .keys()
                .filter(|key| !self.keys.contains_key(*key)),
        ) {
            match (self.keys.get(key), later.keys.get(key)) {
                (Some(_), None) => lines.push(format!("- {key}")),
                (None, Some(values)) => {
                    lines.push(format!("+ {key}"));
                    lines.extend(
                        values
                            .iter()
                            .map(|(name, value)| format!("+ {key}: {name} = {value:?}")),
                    );
                }
                (Some(before), Some(after)) => compare(key, before, after, &mut lines),
                (None, None) => {}
            }
        }
        lines
    }
}

fn compare(key: &str, before: &KeyContent, after: &KeyContent, lines: &mut Vec<String>) {
    for (name, value) in before {
        match after.get(name) {
            None => lines.push(format!("- {key}: {name} = {value:?}")),
            Some(other) if other != value => {
                lines.push(format!("~ {key}: {name} = {value:?} -> {other:?}"))
            }
            Some(_) => {}
        }
    }
    for (name, value) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        lines.push(format!("+ {key}: {name} = {value:?}"));
    }
}
