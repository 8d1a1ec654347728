//! A set of names and globs: one of a selector, or thousands of an `@FILE`.

use std::collections::HashSet;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use super::SelectorError;
use crate::Inventory;

/// Names are looked up, globs are tried together. Case does not count, as in DNS.
#[derive(Clone, Debug)]
pub(super) struct NameSet {
    literal: HashSet<String>,
    globs: GlobSet,
    /// Set for a name written in the selector itself.
    written: Option<(String, u32)>,
}

impl NameSet {
    /// One name or glob of the selector.
    pub(super) fn one(text: &str, column: u32) -> Result<Self, String> {
        let mut set = Self::many([text])?;
        set.written = Some((text.to_owned(), column));
        Ok(set)
    }

    /// Names and globs together.
    pub(super) fn many<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, String> {
        let mut literal = HashSet::new();
        let mut globs = GlobSetBuilder::new();
        for text in texts {
            if text.contains(['*', '?', '[', '{']) {
                globs.add(glob(text)?);
            } else {
                literal.insert(text.to_ascii_lowercase());
            }
        }
        Ok(Self {
            literal,
            globs: globs.build().map_err(|error| error.to_string())?,
            written: None,
        })
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.literal.contains(&name.to_ascii_lowercase()) || self.globs.is_match(name)
    }

    /// The name written in the selector, where it is no glob and no host has it.
    pub(super) fn unknown(&self, inventory: &Inventory) -> Option<SelectorError> {
        let (text, column) = self.written.as_ref().filter(|_| self.globs.is_empty())?;
        let mut hosts = inventory.hosts.iter();
        if hosts.any(|host| self.contains(host.name.as_str())) {
            return None;
        }
        let short = inventory
            .hosts
            .iter()
            .find(|host| host.name.short().eq_ignore_ascii_case(text));
        let nearest = short.map(|host| host.name.as_str()).or_else(|| {
            let names = inventory.hosts.iter().map(|host| host.name.as_str());
            document::nearest(text, names)
        });
        Some(SelectorError {
            column: *column,
            found: text.clone(),
            message: format!("no host is called '{text}'"),
            expected: Some("the whole name of a host, or a glob".to_owned()),
            hint: nearest.map(|nearest| format!("did you mean '{nearest}'?")),
        })
    }
}

fn glob(text: &str) -> Result<Glob, String> {
    GlobBuilder::new(text)
        .case_insensitive(true)
        .literal_separator(false)
        .backslash_escape(false)
        .build()
        .map_err(|error| error.kind().to_string())
}
