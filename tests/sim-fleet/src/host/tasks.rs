//! Scheduled tasks of the root folder: registered, started at their moment as LocalSystem, deleted when they expire.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::Host;
use crate::registry::{KeyPath, RawValue};

/// Where the service keeps their names.
const TREE: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree";

/// What a task does, and when.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) start: jiff::Timestamp,
    pub(crate) end: jiff::Timestamp,
    pub(crate) command: String,
    pub(crate) arguments: String,
}

/// A registered task: its clock runs until it is deleted.
pub(crate) struct Registered(AbortHandle);

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Host {
    /// Registers a task; false where there is one of that name and it must not be replaced.
    pub(crate) fn register_task(self: &Arc<Self>, name: &str, task: Task, force: bool) -> bool {
        let key = KeyPath::parse(&format!(r"{TREE}\{name}"));
        let mut state = self.state();
        if !force && state.tasks.contains_key(name) {
            return false;
        }
        state.registry.create(&key);
        let id = RawValue::sz(&format!("{{{}}}", uuid::Uuid::new_v4()));
        state.registry.set(&key, "Id", id);
        let host = Arc::clone(self);
        let own = name.to_owned();
        let clock = tokio::spawn(async move {
            let ahead = host.options.clock_ahead;
            wait(task.start, ahead).await;
            if !host.options.scheduler_stopped {
                crate::cmd::run_task(&host, &task.command, &task.arguments).await;
            }
            wait(task.end, ahead).await;
            host.delete_task(&own);
        });
        state
            .tasks
            .insert(name.to_owned(), Registered(clock.abort_handle()));
        true
    }

    /// Deletes a task; false where there is none.
    pub(crate) fn delete_task(&self, name: &str) -> bool {
        let mut state = self.state();
        let known = state
            .tasks
            .keys()
            .find(|known| known.eq_ignore_ascii_case(name))
            .cloned();
        let Some(known) = known else {
            return false;
        };
        let key = KeyPath::parse(&format!(r"{TREE}\{known}"));
        state.registry.delete_tree(&key);
        // Dropped behind the lock: its own clock may be who asks.
        let gone = state.tasks.remove(&known);
        drop(state);
        drop(gone);
        true
    }
}

/// Until a moment of the host's own clock.
async fn wait(until: jiff::Timestamp, ahead: i64) {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead);
    let left = until.duration_since(now);
    if let Ok(left) = Duration::try_from(left) {
        tokio::time::sleep(left).await;
    }
}
