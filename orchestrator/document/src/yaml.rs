//! Typed reading of YAML, bounded against documents that unfold into huge ones.
//!
//! What the errors of the reader become: `yaml_error.rs`.

use serde::de::DeserializeOwned;
use serde_saphyr::{DuplicateKeyPolicy, Options};

use crate::{Diagnostics, Document, yaml_error};

/// Reads a document into a type.
///
/// Duplicate keys, more than one YAML document in the file and values that unfold beyond bounds are refused. Unknown
/// keys are refused where the type says `#[serde(deny_unknown_fields)]`, with the known ones and the nearest of them.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn from_yaml<T: DeserializeOwned>(document: &Document) -> Result<T, Diagnostics> {
    serde_saphyr::from_str_with_options(&document.text, options(document.text.len()))
        .map_err(|error| yaml_error::translate(document, &error).into())
}

/// A node takes at least one byte of text, so an honest document of the largest size stays within these bounds; what
/// aliases add is bounded by numbers that do not grow with the text.
fn options(bytes: usize) -> Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
        emit_comments: false,
        reject_unsupported_tags: true,
        budget: serde_saphyr::budget! {
            max_events: 1_000 + 2 * bytes,
            max_nodes: 1_000 + bytes,
            max_depth: 64,
            max_aliases: 20_000,
            max_anchors: 20_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 200_000,
            max_replay_stack_depth: 16,
        },
    }
}
