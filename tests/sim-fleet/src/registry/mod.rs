//! The registry of one host: type number and raw bytes per value, names case-insensitive and case-preserving.
//!
//! A tree of shared nodes: hosts start from one common tree and copy only the path they change, so an untouched host
//! costs a few kilobytes. Knows nothing of WMI or `reg.exe`; both use it.

mod base;
mod path;
mod snapshot;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use base::{BaseFacts, winhttp_blob};
pub(crate) use path::{KeyPath, wow64};
pub use snapshot::{KeyContent, RegistrySnapshot};
pub use value::{RawValue, kind};

/// One key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Key {
    /// As it was first written.
    name: Arc<str>,
    values: Vec<(Arc<str>, RawValue)>,
    /// By folded name.
    children: BTreeMap<Arc<str>, Arc<Key>>,
}

/// The registry of a host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    root: Arc<Key>,
}

/// What a deletion found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// It is gone.
    Done,
    /// It was not there.
    Absent,
    /// The key has subkeys.
    HasSubkeys,
}

/// Upper case as the registry compares: letter by letter, only where upper case is one letter.
pub(crate) fn fold(name: &str) -> String {
    let upper = |c: char| {
        let mut wide = c.to_uppercase();
        match (wide.next(), wide.next()) {
            (Some(one), None) => one,
            _ => c,
        }
    };
    name.chars().map(upper).collect()
}

impl Registry {
    /// The key, where it is there.
    pub(crate) fn key(&self, path: &KeyPath) -> Option<&Key> {
        let mut key = &*self.root;
        for part in path.parts() {
            key = key.children.get(fold(part).as_str())?;
        }
        Some(key)
    }

    /// Creates the key with all its parents. True where it was not there before.
    pub(crate) fn create(&mut self, path: &KeyPath) -> bool {
        let mut created = false;
        let mut key = Arc::make_mut(&mut self.root);
        for part in path.parts() {
            let slot = key.children.entry(fold(part).into()).or_insert_with(|| {
                created = true;
                Arc::new(Key {
                    name: part.into(),
                    ..Key::default()
                })
            });
            key = Arc::make_mut(slot);
        }
        created
    }

    fn key_mut(&mut self, path: &KeyPath) -> Option<&mut Key> {
        self.key(path)?;
        let mut key = Arc::make_mut(&mut self.root);
        for part in path.parts() {
            key = Arc::make_mut(key.children.get_mut(fold(part).as_str())?);
        }
        Some(key)
    }

    /// Deletes a key with its values. A key with subkeys stays.
    pub(crate) fn delete_key(&mut self, path: &KeyPath) -> Deleted {
        match self.key(path) {
            None => Deleted::Absent,
            Some(key) if !key.children.is_empty() => Deleted::HasSubkeys,
            Some(_) => self.delete_tree(path),
        }
    }

    /// Deletes a key with everything below it.
    pub(crate) fn delete_tree(&mut self, path: &KeyPath) -> Deleted {
        let Some((parent, last)) = path.split_last() else {
            return Deleted::Absent;
        };
        match self
            .key_mut(&parent)
            .and_then(|key| key.children.remove(fold(last).as_str()))
        {
            Some(_) => Deleted::Done,
            None => Deleted::Absent,
        }
    }

    /// Sets a value; false where the key is not there.
    pub(crate) fn set(&mut self, path: &KeyPath, name: &str, value: RawValue) -> bool {
        let Some(key) = self.key_mut(path) else {
            return false;
        };
        match key
            .values
            .iter_mut()
            .find(|(other, _)| fold(other) == fold(name))
        {
            Some((_, slot)) => *slot = value,
            None => key.values.push((name.into(), value)),
        }
        true
    }

    /// Deletes a value.
    pub(crate) fn delete_value(&mut self, path: &KeyPath, name: &str) -> Deleted {
        if self.key(path).is_none_or(|key| key.value(name).is_none()) {
            return Deleted::Absent;
        }
        if let Some(key) = self.key_mut(path) {
            key.values.retain(|(other, _)| fold(other) != fold(name));
        }
        Deleted::Done
    }

    /// The value, where key and value are there.
    pub(crate) fn value(&self, path: &KeyPath, name: &str) -> Option<&RawValue> {
        self.key(path)?.value(name).map(|(_, value)| value)
    }

    /// The tree below HKLM as comparable data.
    pub(crate) fn snapshot(&self) -> RegistrySnapshot {
        RegistrySnapshot::of(&self.root)
    }
}

impl Key {
    /// The value with its name as stored.
    pub(crate) fn value(&self, name: &str) -> Option<(&str, &RawValue)> {
        let wanted = fold(name);
        self.values
            .iter()
            .find(|(other, _)| fold(other) == wanted)
            .map(|(name, value)| (&**name, value))
    }

    /// All values in the order they were first set.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.values.iter().map(|(name, value)| (&**name, value))
    }

    /// The subkeys in alphabetical order.
    pub(crate) fn subkeys(&self) -> impl Iterator<Item = (&str, &Key)> {
        self.children.values().map(|key| (&*key.name, &**key))
    }
}
