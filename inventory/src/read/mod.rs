//! The three formats, each read into the same unresolved form.
//!
//! Nothing is resolved here: a reader knows one file and no other.

mod cells;
mod csv;
mod plain;
mod yaml;

use std::path::Path;

use document::{Diagnostic, Document};

use crate::layer::Block;
use crate::place::{Placed, Problems};
use crate::{Credential, HostName};

/// What one file says.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) defaults: Option<Block>,
    pub(crate) groups: Vec<(Placed<String>, Block)>,
    /// `max_parallel` of groups.
    pub(crate) caps: Vec<(String, Placed<u32>)>,
    pub(crate) credentials: Vec<Placed<Credential>>,
    pub(crate) hosts: Vec<Entry>,
    /// Columns that look like a misspelt setting.
    pub(crate) doubts: Vec<Diagnostic>,
}

/// One host as written.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Placed<HostName>,
    pub(crate) groups: Vec<Placed<String>>,
    /// Whether its groups have to be declared; in CSV they come into being by being named.
    pub(crate) groups_declared: bool,
    pub(crate) block: Block,
}

/// Reads a document by the extension of its name.
pub(crate) fn read(problems: &mut Problems<'_>, index: usize) -> Parsed {
    let document: &Document = problems.document(index);
    let extension = Path::new(&document.name)
        .extension()
        .and_then(|extension| extension.to_str());
    match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
        "yaml" | "yml" => yaml::read(problems, index),
        "csv" => csv::read(problems, index),
        _ => plain::read(problems, index),
    }
}
