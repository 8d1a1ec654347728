//! The two halves of a session as the engine sees them. A [`HostReader`] has no way to write: verbs that only read
//! get nothing else (product promise 6).

use jiff::Timestamp;
use playbooks::{Change, FactSet, Facts, HostProbe, KeyPath, Observed, Target, Verdict};
use rollout::{Cost, HostError, HostIdentity, Observe, Restored, Session, SystemTask, Undo};

use crate::link::Link;

/// Reads one host.
#[derive(Debug)]
pub struct HostReader(Link);

impl HostReader {
    pub(crate) fn new(link: Link) -> Self {
        Self(link)
    }
}

/// Reads and writes one host.
#[derive(Debug)]
pub struct HostSession(Link);

impl HostSession {
    pub(crate) fn new(link: Link) -> Self {
        Self(link)
    }
}

/// The reading half is the same for both.
macro_rules! observe {
    ($session:ty) => {
        impl Observe for $session {
            fn identity(&self) -> &HostIdentity {
                self.0.identity()
            }

            async fn facts(&mut self, wanted: &FactSet) -> Result<Facts, HostError> {
                let facts = self.0.facts(wanted).await;
                facts.map_err(|trouble| self.0.host_error(&trouble))
            }

            async fn observe(&mut self, targets: &[Target]) -> Result<Vec<Observed>, HostError> {
                let observed = self.0.observe(targets).await;
                observed.map_err(|trouble| self.0.host_error(&trouble))
            }

            async fn probe(
                &mut self,
                probe: &HostProbe,
                since: Option<Timestamp>,
            ) -> Result<Verdict, HostError> {
                let verdict = self.0.probe(probe, since).await;
                verdict.map_err(|trouble| self.0.host_error(&trouble))
            }

            async fn keys(&mut self, key: &KeyPath) -> Result<Vec<String>, HostError> {
                let keys = self.0.keys(key).await;
                keys.map_err(|trouble| self.0.host_error(&trouble))
            }

            async fn values(
                &mut self,
                key: &KeyPath,
                except: Option<&str>,
            ) -> Result<Vec<(String, Observed)>, HostError> {
                let values = self.0.values(key, except).await;
                values.map_err(|trouble| self.0.host_error(&trouble))
            }

            fn partly(&self) -> Option<HostError> {
                self.0.partly()
            }

            async fn try_shell(&mut self) -> Result<(), HostError> {
                let tried = self.0.try_shell().await;
                tried.map_err(|trouble| self.0.host_error(&trouble))
            }

            fn cost(&self) -> Cost {
                self.0.cost()
            }

            async fn close(self) -> Cost {
                self.0.close().await
            }
        }
    };
}

observe!(HostReader);
observe!(HostSession);

impl Session for HostSession {
    async fn apply(&mut self, change: &Change) -> Result<Observed, HostError> {
        let applied = self.0.apply(change).await;
        applied.map_err(|trouble| self.0.host_error(&trouble))
    }

    fn advproxy(&mut self) -> Option<String> {
        self.0.advproxy.take()
    }

    async fn restore(&mut self, undo: &Undo) -> Result<Restored, HostError> {
        let restored = self.0.restore(undo).await;
        restored.map_err(|trouble| self.0.host_error(&trouble))
    }

    async fn clear(&mut self, target: &Target) -> Result<(), HostError> {
        let cleared = self.0.clear(target).await;
        cleared.map_err(|trouble| self.0.host_error(&trouble))
    }

    async fn probe_as_system(
        &mut self,
        probe: &HostProbe,
        since: Option<Timestamp>,
        task: &SystemTask,
    ) -> Result<Verdict, HostError> {
        let verdict = self.0.probe_as_system(probe, since, task).await;
        verdict.map_err(|trouble| self.0.host_error(&trouble))
    }

    async fn remove_task(&mut self, task: &SystemTask) -> Result<(), HostError> {
        let removed = self.0.remove_task(task).await;
        removed.map_err(|trouble| self.0.host_error(&trouble))
    }
}
