//! From documents to the resolved inventory.

use std::collections::{BTreeMap, BTreeSet};

use document::{Diagnostics, Document};

use crate::{Credential, Host, Selector};

/// Everything the given files say, united and resolved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// In the order of the files and of the lines in them.
    pub hosts: Vec<Host>,
    /// By name.
    pub credentials: BTreeMap<String, Credential>,
    /// Every group that is declared or, in CSV, named by a host.
    pub groups: BTreeSet<String>,
}

impl Inventory {
    /// Reads and unites the documents; the format of each follows the extension of its name.
    ///
    /// # Errors
    /// Everything that is wrong in them, with places.
    pub fn load(documents: &[Document]) -> Result<Self, Diagnostics> {
        let _ = documents;
        Ok(Self::default())
    }

    /// The hosts a selector takes, in the order of the inventory. The word `rest` takes every host here.
    pub fn select(&self, selector: &Selector) -> Vec<&Host> {
        self.hosts
            .iter()
            .filter(|host| selector.matches(host, true))
            .collect()
    }

    /// Every ring some host names.
    pub fn rings(&self) -> BTreeSet<&str> {
        self.hosts
            .iter()
            .filter_map(|host| host.ring.as_deref())
            .collect()
    }
}
