//! Probes as LocalSystem: a scheduled task that is journaled before it is made, and removed in every exit path.
//!
//! What a crash leaves deletes itself when it expires; a resume removes it before that, and `audit --leftovers` finds it.

use jiff::Timestamp;
use playbooks::{HostProbe, KeyPath, RunAs, Target, Verdict};

use super::Flow;
use super::marker::marker_key;
use crate::event::{EventKind, Trace};
use crate::fleet::{Fleet, HostError, Observe, Reason, Session, SystemTask};

/// How every task of a probe begins its name; the run and a number follow.
pub(crate) const TASK_PREFIX: &str = "winfleet-run-";
/// Where Windows keeps the names of tasks, below HKLM: a key for each in the root folder.
pub const TASK_TREE: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree";

impl<F: Fleet> Flow<F> {
    /// Puts a probe to the host, as whom it says.
    pub(super) async fn ask(
        &mut self,
        session: &mut F::Session,
        probe: &HostProbe,
        since: Option<Timestamp>,
    ) -> Result<Verdict, HostError> {
        if probe.run_as == RunAs::Account {
            return session.probe(probe, since).await;
        }
        let task = self.next_task()?;
        let trace = Trace::SystemTask(task.clone());
        self.note_durably(EventKind::TraceLeft { trace }).await?;
        let verdict = session.probe_as_system(probe, since, &task).await;
        // Without contact the end of the host's work tries it again.
        let removed = self.remove_tasks(session).await;
        let verdict = verdict?;
        removed?;
        Ok(verdict)
    }

    /// A name that no earlier attempt of this run has used.
    fn next_task(&self) -> Result<SystemTask, HostError> {
        let number = self
            .history
            .tasks_made
            .checked_add(1)
            .ok_or_else(|| HostError::failed(Reason::Internal, "too many tasks"))?;
        let name = format!("{TASK_PREFIX}{}-{number}", self.job.spec.id);
        Ok(SystemTask {
            result: Target {
                key: marker_key()?,
                value: name.clone(),
            },
            name,
        })
    }

    /// Takes away every task that may be on the host.
    pub(super) async fn remove_tasks(&mut self, session: &mut F::Session) -> Result<(), HostError> {
        for task in self.history.tasks.clone() {
            session.remove_task(&task).await?;
            let trace = Trace::SystemTask(task);
            self.note(EventKind::TraceGone { trace });
        }
        Ok(())
    }
}

/// See [`TASK_TREE`].
pub(crate) fn task_tree() -> Result<KeyPath, HostError> {
    KeyPath::below_local_machine(TASK_TREE)
        .map_err(|error| HostError::failed(Reason::Internal, error.to_string()))
}
