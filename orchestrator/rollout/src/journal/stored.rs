//! A run's description as rows: what is written when a run is recorded, and when one is imported.

use rusqlite::{Connection, params};

use super::active::insert_shape;
use super::chain::Link;
use super::disk_spec::HostRow;

/// All of a run but its events.
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) spec: String,
    /// Those that hosts refer to: ids from 0 without a gap.
    pub(super) shapes: Vec<(u32, String)>,
    /// Shape and host.
    pub(super) hosts: Vec<(u32, HostRow)>,
    links: Vec<Link>,
}

impl Stored {
    pub(super) fn new(
        id: String,
        spec: String,
        shapes: Vec<(u32, String)>,
        hosts: Vec<(u32, HostRow)>,
    ) -> Self {
        let texts = shapes.iter().map(|(_, text)| text.as_str());
        let mut links = vec![Link::of_run(&id, &spec, texts)];
        let mut last = links[0];
        for (shape, host) in &hosts {
            last = last.host(*shape, host);
            links.push(last);
        }
        Self {
            id,
            spec,
            shapes,
            hosts,
            links,
        }
    }

    /// The first link is the run's, then one per host.
    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    /// The link that the first event follows.
    pub(super) fn head(&self) -> Link {
        self.links[self.links.len() - 1]
    }

    /// Returns the row of the run.
    pub(super) fn insert(&self, db: &Connection) -> rusqlite::Result<i64> {
        db.execute(
            "INSERT INTO runs (id, spec, hash) VALUES (?1, ?2, ?3)",
            params![self.id, self.spec, self.links[0].bytes()],
        )?;
        let run = db.last_insert_rowid();
        for (id, data) in &self.shapes {
            insert_shape(db, run, *id, data)?;
        }
        let mut insert = db.prepare_cached(
            "INSERT INTO hosts (run, id, name, address, ring, shape, undo, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for (index, ((shape, host), link)) in self.hosts.iter().zip(&self.links[1..]).enumerate() {
            insert.execute(params![
                run,
                i64::try_from(index).unwrap_or(i64::MAX),
                host.name,
                host.address,
                host.ring,
                shape,
                host.undo,
                link.bytes()
            ])?;
        }
        Ok(run)
    }
}
