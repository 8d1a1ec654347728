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
    written: Written,
}

/// Where the names stand.
#[derive(Clone, Debug)]
enum Written {
    /// One name in the selector itself: its text and column.
    Here(String, u32),
    /// The lines of this file, named at this column.
    In(String, u32),
}

/// Lines of a file that are named in a message.
const SHOWN: usize = 3;

impl NameSet {
    /// One name or glob of the selector.
    pub(super) fn one(text: &str, column: u32) -> Result<Self, String> {
        Self::new([text], Written::Here(text.to_owned(), column))
    }

    /// The names and globs of a file.
    pub(super) fn listed<'t>(
        texts: impl IntoIterator<Item = &'t str>,
        file: &str,
        column: u32,
    ) -> Result<Self, String> {
        Self::new(texts, Written::In(file.to_owned(), column))
    }

    fn new<'t>(texts: impl IntoIterator<Item = &'t str>, written: Written) -> Result<Self, String> {
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
            written,
        })
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.literal.contains(&name.to_ascii_lowercase()) || self.globs.is_match(name)
    }

    /// Names that no host has; globs may take nobody.
    pub(super) fn unknown(&self, inventory: &Inventory) -> Option<SelectorError> {
        let hosts = || inventory.hosts.iter().map(|host| host.name.as_str());
        let known: HashSet<String> = hosts().map(str::to_ascii_lowercase).collect();
        let mut missing: Vec<&str> = self
            .literal
            .difference(&known)
            .map(String::as_str)
            .collect();
        missing.sort_unstable();
        let first = *missing.first()?;
        let (column, found, message) = match &self.written {
            Written::Here(text, column) => {
                (*column, text.clone(), format!("no host is called '{text}'"))
            }
            Written::In(file, column) => {
                let all = self.literal.len();
                let (count, more) = (missing.len(), missing.len().saturating_sub(SHOWN));
                missing.truncate(SHOWN);
                let more = if more > 0 {
                    format!(" and {more} more")
                } else {
                    String::new()
                };
                let names = missing.join(", ");
                let message =
                    format!("{count} of the {all} names in '{file}' are no hosts: {names}{more}");
                (*column, format!("@{file}"), message)
            }
        };
        let short = inventory
            .hosts
            .iter()
            .find(|host| host.name.short().eq_ignore_ascii_case(first));
        let nearest = short
            .map(|host| host.name.as_str())
            .or_else(|| document::nearest(first, hosts()));
        let hint = nearest.map(|nearest| match &self.written {
            Written::Here(..) => format!("did you mean '{nearest}'?"),
            Written::In(..) => format!("did you mean '{nearest}' by '{first}'?"),
        });
        Some(SelectorError {
            column,
            found,
            message,
            expected: Some("the whole name of a host, or a glob".to_owned()),
            hint,
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
