//! Probes as they are put to a host: the evidence is fetched here, judged in `playbooks`.
//!
//! Whatever the host refuses is a verdict; only lost contact is a failure.

use jiff::Timestamp;
use playbooks::{Finding, HostProbe, Verdict};

use crate::error::Trouble;
use crate::link::Link;

impl Link {
    /// Cancel safe: reads, and runs programs that only read.
    pub(crate) async fn probe(
        &mut self,
        probe: &HostProbe,
        since: Option<Timestamp>,
    ) -> Result<Verdict, Trouble> {
        let facts = self.facts(&probe.probe.facts()).await?;
        Ok(probe
            .probe
            .settled(&facts, since)
            .unwrap_or_else(|| Verdict::new(Finding::Unclear, "facts do not settle this probe")))
    }
}
