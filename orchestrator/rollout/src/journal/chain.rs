//! The chain of hashes over a run's records: whoever changes, removes or inserts one has to change all that follow.
//!
//! A link is SHA-256 over the link before it and every field of the record, each with its length in front. The first
//! link covers the run's description and the shapes its hosts share; then each host, then each event in order. The
//! last link is the head, which reports print: a journal whose end was cut off has another one.

use std::fmt;

use sha2::{Digest, Sha256};

use super::disk;
use super::disk_shapes::Shapes;
use super::disk_spec::HostRow;

/// One link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link([u8; 32]);

impl Link {
    /// Of a run's description.
    pub(super) fn of_run<'a>(id: &str, spec: &str, shapes: impl Iterator<Item = &'a str>) -> Self {
        let mut fields = Fields::new("winfleet.run");
        fields.text(id);
        fields.text(spec);
        shapes.for_each(|shape| fields.text(shape));
        fields.link()
    }

    /// Of the next host.
    pub(super) fn host(self, shape: u32, row: &HostRow) -> Self {
        let mut fields = self.then("winfleet.host");
        fields.text(&row.name);
        fields.option(row.address.as_deref());
        fields.number(u64::from(row.ring));
        fields.number(u64::from(shape));
        fields.option(row.undo.as_deref());
        fields.link()
    }

    /// Of the next event; `time` in microseconds since 1970.
    pub(super) fn event(
        self,
        seq: u64,
        time: i64,
        host: Option<u32>,
        (kind, data): (&str, &str),
        shapes: &Shapes,
    ) -> Self {
        let mut fields = self.then("winfleet.event");
        fields.number(seq);
        fields.text(&time.to_string());
        fields.option(host.map(|host| host.to_string()).as_deref());
        fields.text(kind);
        fields.text(data);
        let shape = disk::shape_of(kind, data);
        fields.option(shape.and_then(|shape| shapes.text(shape)));
        fields.link()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn then(self, kind: &str) -> Fields {
        let mut fields = Fields::new(kind);
        fields.0.update(self.0);
        fields
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

struct Fields(Sha256);

impl Fields {
    fn new(kind: &str) -> Self {
        let mut fields = Self(Sha256::new());
        fields.text(kind);
        fields
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    fn option(&mut self, text: Option<&str>) {
        self.number(u64::from(text.is_some()));
        self.text(text.unwrap_or_default());
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn link(self) -> Link {
        Link(self.0.finalize().into())
    }
}
