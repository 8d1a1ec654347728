//! A host that means harm: answers made to cost the client time or memory; carried out in `server`.

use serde::Deserialize;

use super::Point;

/// An answer that means harm. One GB, an answer without an end and one byte now and then are knobs of their own
/// (`huge_body`, `endless`, `slow`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hostile {
    /// What comes.
    pub kind: HostileKind,
    /// How many of it. Default: as many as hurt.
    #[serde(default)]
    pub count: Option<usize>,
    /// From which point on; the first request when absent.
    #[serde(default)]
    pub at: Option<Point>,
}

/// What is wrong with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostileKind {
    /// A document type whose entities grow tenfold, so many times.
    EntityBomb,
    /// Elements so many deep.
    Nesting,
    /// An element with so many attributes.
    Attributes,
    /// So many values in the answer to `EnumValues`; other answers are left alone.
    Values,
    /// A fault whose text has so many kilobytes.
    Fault,
    /// Operation timed out, at once and whatever was asked.
    Timeouts,
    /// So many header lines.
    Headers,
    /// So many lines in front of a sealed body.
    Multipart,
}

impl Hostile {
    /// How many, where the file does not say.
    pub(crate) fn count(&self) -> usize {
        self.count.unwrap_or(match self.kind {
            HostileKind::EntityBomb => 12,
            HostileKind::Nesting => 100_000,
            HostileKind::Attributes => 150_000,
            HostileKind::Values => 1_000_000,
            HostileKind::Fault => 900,
            HostileKind::Timeouts => 1,
            HostileKind::Headers => 1_000_000,
            HostileKind::Multipart => 100_000,
        })
    }
}
