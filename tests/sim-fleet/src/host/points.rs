//! Counts the points a fault can be tied to, from when the knobs were set.

use std::time::Instant;

use crate::knobs::{Point, PointKind};

/// How far each count is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Points {
    /// When the knobs were set.
    pub(crate) since: Instant,
    counts: [u64; 6],
    /// Quota faults given.
    pub(crate) quota_used: u64,
    /// Connections dropped.
    pub(crate) drops_used: u64,
    /// Broken answers given.
    pub(crate) garbage_used: u64,
    /// Bare statuses given.
    pub(crate) statuses_used: u64,
    /// The restart has happened.
    pub(crate) rebooted: bool,
}

impl Default for Points {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            counts: [0; 6],
            quota_used: 0,
            drops_used: 0,
            garbage_used: 0,
            statuses_used: 0,
            rebooted: false,
        }
    }
}

/// Where a request stands against a [`Point`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hit {
    Before,
    Exactly,
    Beyond,
}

impl Points {
    /// One more of this kind.
    pub(crate) fn count(&mut self, kind: PointKind) -> u64 {
        let slot = &mut self.counts[kind as usize];
        *slot += 1;
        *slot
    }

    /// How many of this kind there were.
    pub(crate) fn reached(&self, kind: PointKind) -> u64 {
        self.counts[kind as usize]
    }

    /// Where the counts stand against a point.
    pub(crate) fn against(&self, point: Point) -> Hit {
        match self.reached(point.kind).cmp(&point.number) {
            std::cmp::Ordering::Less => Hit::Before,
            std::cmp::Ordering::Equal => Hit::Exactly,
            std::cmp::Ordering::Greater => Hit::Beyond,
        }
    }

    /// True from the point on; always without one.
    pub(crate) fn from(&self, point: Option<Point>) -> bool {
        point.is_none_or(|point| self.against(point) != Hit::Before)
    }
}
