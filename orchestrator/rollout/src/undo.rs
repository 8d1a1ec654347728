//! Builds a rollback from the journal: a run of its own that takes another one back, in reverse.

use crate::journal::{Holder, Journal, JournalError};
use crate::spec::{HostSpec, HostWork, RunId, RunSpec, Verb};

/// What is to be taken back, and by whom.
pub struct RollbackOptions<'a> {
    /// Id of the new run.
    pub id: RunId,
    /// Who asks for it.
    pub operator: String,
    /// `--reason`.
    pub reason: Option<String>,
    /// Restore also what somebody else changed since.
    pub force: bool,
    /// Only hosts for which this is true.
    pub hosts: Option<&'a dyn Fn(&HostSpec) -> bool>,
    /// Only hosts of this ring.
    pub ring: Option<String>,
}

/// Why a rollback cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run has no ring of this name.
    #[error("run {run} has no ring '{ring}'; its rings are {}", .known.join(", "))]
    NoSuchRing {
        /// The run.
        run: String,
        /// The name asked for.
        ring: String,
        /// Its rings.
        known: Vec<String>,
    },
    /// Somebody works on the run.
    #[error("run {run} is being worked on by {holder}")]
    UnderWay {
        /// The run.
        run: String,
        /// Who.
        holder: Holder,
    },
    /// No selected host was changed by the run.
    #[error("run {run} left no change on the selected hosts: there is nothing to take back")]
    NothingToDo {
        /// The run.
        run: String,
    },
}

/// The rollback of `source`: rings last to first, hosts and steps in reverse, only what the run changed or may have
/// changed, and what it may have left when it died ([`Trace`](crate::Trace)). Limits are those of the source without bounds on failures: an undo goes on past its own failures.
pub fn rollback_spec(
    journal: &Journal,
    source: &RunId,
    options: RollbackOptions<'_>,
) -> Result<RunSpec, RollbackError> {
    let run = source.to_string();
    let mut spec = journal.spec(source)?;
    if let Some(holder) = journal.holder(source) {
        return Err(RollbackError::UnderWay { run, holder });
    }
    if let Some(ring) = &options.ring
        && !spec.rings.iter().any(|plan| plan.name == *ring)
    {
        let known = spec.rings.into_iter().map(|plan| plan.name).collect();
        return Err(RollbackError::NoSuchRing {
            run,
            ring: ring.clone(),
            known,
        });
    }
    let histories = journal.histories(source)?;
    let last = spec.rings.len().saturating_sub(1);
    let mut hosts = Vec::new();
    for (mut host, history) in spec.hosts.drain(..).zip(histories).rev() {
        let name = spec.rings.get(host.ring).map(|plan| plan.name.as_str());
        let wanted = options.hosts.is_none_or(|hosts| hosts(&host))
            && options
                .ring
                .as_deref()
                .is_none_or(|ring| name == Some(ring));
        let steps = history.undo_steps(options.force);
        let traces = history.traces();
        if !wanted || (steps.is_empty() && traces.is_empty()) {
            continue;
        }
        let expected_guid = history.identity.and_then(|identity| identity.machine_guid);
        host.work = HostWork::Undo {
            expected_guid,
            steps,
            traces,
        };
        host.ring = last - host.ring;
        host.planned = None;
        hosts.push(host);
    }
    if hosts.is_empty() {
        return Err(RollbackError::NothingToDo { run });
    }
    spec.rings.reverse();
    for (index, ring) in spec.rings.iter_mut().enumerate() {
        let count = hosts.iter().filter(|host| host.ring == index).count();
        ring.hosts = u32::try_from(count).unwrap_or(u32::MAX);
        ring.limits = playbooks::Limits::default();
        ring.on_breach = playbooks::OnBreach::Stop;
        // What has to be taken back does not wait for a window or a word.
        ring.gates = playbooks::Gates::default();
    }
    Ok(RunSpec {
        id: options.id,
        verb: Verb::Rollback,
        operator: options.operator,
        reason: options.reason,
        limits: playbooks::Limits::default(),
        on_breach: playbooks::OnBreach::Stop,
        // Nor does it end with a time that was meant for the push.
        deadline: None,
        hosts,
        source_run: Some(source.clone()),
        plan_hash: None,
        ..spec
    })
}
