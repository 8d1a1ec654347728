//! Faults of connections and bytes; carried out in `server`.

use serde::Deserialize;

use super::{Point, Span};

/// Where a host hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hang {
    /// The TCP handshake never completes (own address only; on the shared listeners the same as `accept`).
    Connect,
    /// Connections are accepted and nothing is ever read or answered.
    Accept,
    /// This point is reached, processed or not, and no answer ever comes.
    At(Point),
}

/// A bare HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusKnob {
    /// 401, 403, 404, 503 or any other.
    pub code: u16,
    /// Only the first so many requests, counted from when the knob was set. Absent: always.
    #[serde(default)]
    pub first: Option<u64>,
    /// Only for this long, counted from when the knob was set. Absent: always.
    #[serde(default, rename = "for")]
    pub lasting: Option<Span>,
    /// Let this many requests through before. 401 then means: the session is not authenticated any more.
    #[serde(default)]
    pub after: u64,
}

/// When and how a connection breaks (a TCP reset).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drop {
    /// At which point.
    pub at: Point,
    /// Before the request is processed, or after it was processed and instead of the answer.
    #[serde(default)]
    pub phase: DropPhase,
    /// Send this many bytes of the answer first (implies `phase: after`).
    #[serde(default)]
    pub after_bytes: Option<usize>,
    /// How many times, counted from that point on. Default 1.
    #[serde(default)]
    pub times: Option<u64>,
}

/// Whether the request of a broken connection was processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropPhase {
    /// Not processed.
    #[default]
    Before,
    /// Processed, the answer is lost.
    After,
}

/// An answer that is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Garbage {
    /// What comes.
    pub kind: GarbageKind,
    /// From which point on; the first request when absent.
    #[serde(default)]
    pub at: Option<Point>,
    /// How many answers are like this; all from the point on when absent.
    #[serde(default)]
    pub times: Option<u64>,
}

/// What a broken answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GarbageKind {
    /// Bytes that are not HTTP.
    Bytes,
    /// A page of a captive portal with status 200.
    Html,
    /// A reply sealed as it should be whose content is not well-formed XML.
    Xml,
    /// A well-formed envelope with an action that answers nothing.
    Envelope,
    /// A sealed body whose signature does not fit.
    Signature,
}

/// An oversized answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HugeBody {
    /// Length of the body.
    pub bytes: u64,
    /// From which point on; the first request when absent.
    #[serde(default)]
    pub at: Option<Point>,
}

/// An answer without an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endless {
    /// From which point on; the first request when absent.
    #[serde(default)]
    pub at: Option<Point>,
}

/// A trickling answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// Pause between two pieces.
    pub interval: Span,
    /// Bytes in a piece. Default 1.
    #[serde(default)]
    pub bytes: Option<usize>,
}
