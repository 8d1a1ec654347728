//! From documents to the resolved inventory.
//!
//! The order of work: read each file (`read/`), lay them together (`unite.rs`), resolve each host (`resolve.rs`).

use std::collections::{BTreeMap, BTreeSet};

use document::{Diagnostic, Diagnostics, Document};

use crate::place::Problems;
use crate::read::{self, Parsed};
use crate::resolve::{self, Context};
use crate::{Credential, Host, Selector, unite};

/// Everything the given files say, united and resolved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// In the order of the files and of the lines in them.
    pub hosts: Vec<Host>,
    /// By name.
    pub credentials: BTreeMap<String, Credential>,
    /// Every group that is declared or, in CSV, named by a host.
    pub groups: BTreeSet<String>,
    /// Hosts of a group that may be at work at once (`max_parallel` of the group).
    pub caps: BTreeMap<String, u32>,
    /// What is right as it stands and yet looks like a slip: a CSV column that is nearly called like a setting is a
    /// variable, and the setting keeps its default.
    pub doubts: Vec<Diagnostic>,
}

impl Inventory {
    /// Reads and unites the documents; the format of each follows the extension of its name.
    ///
    /// Paths in a file (`ca_file`, the `file` of a password) are seen from the folder of that file.
    ///
    /// # Errors
    /// Everything that is wrong in them, with places. An inventory without hosts is an error too.
    pub fn load(documents: &[Document]) -> Result<Self, Diagnostics> {
        let mut problems = Problems::new(documents);
        same_file_twice(documents)?;
        let mut parsed: Vec<Parsed> = (0..documents.len())
            .map(|index| read::read(&mut problems, index))
            .collect();
        let doubts = parsed
            .iter_mut()
            .flat_map(|parsed| std::mem::take(&mut parsed.doubts))
            .collect();
        unite::duplicate_hosts(&parsed, &mut problems);
        let credentials = unite::credentials(&parsed, &mut problems);
        let groups = unite::groups(&parsed, &mut problems);
        let caps = unite::caps(&parsed, &mut problems);
        let defaults = unite::defaults(&parsed, &mut problems);
        let names = groups.keys().map(|name| (*name).to_owned()).collect();
        let mut context = Context {
            groups,
            credentials: &credentials,
            said: BTreeSet::new(),
        };
        let mut hosts = Vec::with_capacity(parsed.iter().map(|parsed| parsed.hosts.len()).sum());
        for (parsed, defaults) in parsed.iter().zip(&defaults) {
            let own = parsed.hosts.iter().map(|entry| &entry.block);
            let groups = parsed.groups.iter().map(|(_, block)| block);
            for block in parsed.defaults.iter().chain(groups).chain(own) {
                resolve::credential_exists(block, &context, &mut problems);
            }
            for entry in &parsed.hosts {
                hosts.push(resolve::host(entry, defaults, &mut context, &mut problems));
            }
        }
        problems.finish()?;
        if hosts.is_empty() {
            return Err(no_hosts(documents).into());
        }
        Ok(Self {
            hosts,
            credentials,
            groups: names,
            caps,
            doubts,
        })
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

/// One clear sentence instead of one complaint for each host.
fn same_file_twice(documents: &[Document]) -> Result<(), Diagnostics> {
    for (index, document) in documents.iter().enumerate() {
        if documents[..index]
            .iter()
            .any(|earlier| earlier.name == document.name)
        {
            return Err(Diagnostic::file(&document.name, "this inventory is given twice").into());
        }
    }
    Ok(())
}

fn no_hosts(documents: &[Document]) -> Diagnostic {
    let names: Vec<&str> = documents
        .iter()
        .map(|document| document.name.as_str())
        .collect();
    let file = if names.is_empty() {
        "inventory".to_owned()
    } else {
        names.join(", ")
    };
    Diagnostic::file(&file, "the inventory has no hosts").expect("at least one host")
}
