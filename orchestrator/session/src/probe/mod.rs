//! Probes as they are put to a host: the evidence is fetched here, judged in `playbooks`.
//!
//! Whatever the host refuses is a verdict; only lost contact is a failure. Facts settle some probes; programs of
//! Windows are run for the others: `road.rs`, `defender.rs`.

mod defender;
mod program;
mod road;
mod system;

pub(crate) use program::powershell;

use jiff::Timestamp;
use playbooks::{Facts, Finding, HostProbe, Probe, Verdict};

use crate::error::Trouble;
use crate::link::Link;

impl Link {
    /// Cancel safe: reads, and runs programs that only read.
    pub(crate) async fn probe(
        &mut self,
        probe: &HostProbe,
        since: Option<Timestamp>,
    ) -> Result<Verdict, Trouble> {
        let wanted = probe.probe.facts();
        let facts = if wanted.is_empty() {
            Facts::default()
        } else {
            self.facts(&wanted).await?
        };
        if let Some(verdict) = probe.probe.settled(&facts, since) {
            return Ok(verdict);
        }
        match &probe.probe {
            Probe::ProxyTcp { via } => self.proxy_tcp(via).await,
            Probe::ProxyConnect { via, to } => self.proxy_connect(via.as_deref(), to, &facts).await,
            Probe::Maps { .. } => self.maps().await,
            Probe::SensorEvents { .. } => self.sensor_events(since).await,
            _ => Ok(Verdict::new(
                Finding::Unclear,
                "facts do not settle this probe",
            )),
        }
    }
}
