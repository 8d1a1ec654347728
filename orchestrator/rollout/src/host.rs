//! One host's part of a run: connect, prove, observe, record, write, read back, and settle what was lost.
//!
//! Decides nothing about other hosts. `work.rs` beside it carries the steps out; this file has the connection, the
//! retries and the end.

pub(crate) mod as_system;
pub(crate) mod marker;
mod probes;
mod prove;
mod retry;
mod undo;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use playbooks::Playbook;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::event::EventKind;
use crate::fleet::{Cost, Fleet, HostError, Observe, Reason, Severity};
use crate::history::HostHistory;
use crate::journal::Clock;
use crate::outcome::Outcome;
use crate::progress::HostId;
use crate::spec::{HostSpec, HostWork, Planned, RunSpec};
use crate::state::HostEnd;
pub(crate) use retry::RetryBudget;

/// What a host's task tells the engine.
#[derive(Debug)]
pub(crate) enum Message {
    /// Something happened on the way.
    Note {
        /// Which host.
        host: HostId,
        /// What.
        event: EventKind,
        /// Told true when it is durable, false where it never will be.
        durable: Option<oneshot::Sender<bool>>,
    },
    /// It is done.
    End(HostId, HostEnd),
    /// It was cancelled and has no end.
    GivenUp(HostId),
}

/// How a host is taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing may have been written yet.
    Fresh,
    /// Its prior state is recorded: writes may have happened under another controller or connection.
    Continue,
    /// It is taken back after a breach.
    Undo,
}

/// All that a host's task needs.
pub(crate) struct Job<F> {
    pub(crate) id: HostId,
    pub(crate) spec: Arc<RunSpec>,
    pub(crate) playbook: Arc<Playbook>,
    pub(crate) fleet: Arc<F>,
    pub(crate) tell: mpsc::UnboundedSender<Message>,
    pub(crate) mode: Mode,
    pub(crate) history: HostHistory,
    pub(crate) budget: RetryBudget,
    pub(crate) clock: Clock,
    /// See [`crate::Control::void_markers`].
    pub(crate) void_markers: Arc<[String]>,
}

impl<F: Fleet> Job<F> {
    /// Works until the host ended, its deadline passed, or `cancel`.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let (id, tell) = (self.id, self.tell.clone());
        let mut flow = Flow::new(self);
        if let Some(error) = flow.unread_at_plan() {
            let _ = tell.send(Message::End(id, flow.end(Err(error))));
            return;
        }
        let deadline = Instant::now() + flow.host().host.settings.host_timeout.value;
        let ended = tokio::select! {
            result = flow.until(deadline) => Some(result),
            () = cancel.cancelled() => None,
        };
        // An account that was refused is not tried again on this host: what stays there expires.
        let refused = |error: &HostError| {
            matches!(
                error.reason,
                Reason::LogonRefused | Reason::CredentialGuard | Reason::WrongHost
            )
        };
        let stays = matches!(&ended, Some(Err(error)) if refused(error));
        if !stays {
            flow.release_anew().await;
        }
        // The engine may be gone already; then nobody is left to tell.
        let _ = tell.send(match ended {
            Some(result) => Message::End(id, flow.end(result)),
            None => Message::GivenUp(id),
        });
    }
}

/// A job under way.
pub(crate) struct Flow<F> {
    job: Job<F>,
    history: HostHistory,
    attempts: u32,
    cost: Cost,
    /// A write may have been carried out whose effect was not read yet.
    unsettled: bool,
    last_loss: Option<HostError>,
    /// The steps that the last take-back inside the own run had to do with.
    undone: Vec<usize>,
    /// Until when each probe may still turn green.
    patience: BTreeMap<usize, Instant>,
    /// Milliseconds spent in waiting for probes: they are not work, and do not count for the host's deadline.
    waited: Arc<AtomicU64>,
}

impl<F: Fleet> Flow<F> {
    fn new(mut job: Job<F>) -> Self {
        let mut history = std::mem::take(&mut job.history);
        if job.mode == Mode::Fresh {
            // What an earlier attempt recorded without writing is worth nothing; who answered is.
            history = HostHistory {
                identity: history.identity,
                left_to_catch_up: history.left_to_catch_up,
                // It may still be on the host.
                marker: history.marker,
                tasks: history.tasks,
                tasks_made: history.tasks_made,
                ..HostHistory::default()
            };
        }
        if let HostWork::Undo { traces, .. } = &job.spec.hosts[job.id.index()].work {
            history.inherit(traces);
        }
        let unsettled = job.mode != Mode::Fresh;
        Self {
            job,
            history,
            attempts: 0,
            cost: Cost::default(),
            unsettled,
            last_loss: None,
            undone: Vec::new(),
            patience: BTreeMap::new(),
            waited: Arc::default(),
        }
    }

    fn host(&self) -> &HostSpec {
        &self.job.spec.hosts[self.job.id.index()]
    }

    /// A host that its plan could not read is not contacted; a later catch-up works it like any other.
    fn unread_at_plan(&self) -> Option<HostError> {
        match &self.host().planned {
            Some(Planned::Unread { cause }) if !self.history.left_to_catch_up => Some(
                HostError::unreachable(Reason::UnreadAtPlan, format!("the plan: {cause}"))
                    .with_remedy("winfleet catch-up works it off later, or plan again"),
            ),
            _ => None,
        }
    }

    /// Works until `deadline`, which moves on by what was spent in waiting.
    async fn until(&mut self, deadline: Instant) -> Result<(), HostError> {
        let waited = Arc::clone(&self.waited);
        let last = || deadline + Duration::from_millis(waited.load(Ordering::Relaxed));
        let result = {
            let work = self.until_settled();
            tokio::pin!(work);
            loop {
                let limit = last();
                match tokio::time::timeout_at(limit, &mut work).await {
                    Ok(result) => break Some(result),
                    Err(_) if last() > limit => {}
                    Err(_) => break None,
                }
            }
        };
        result.unwrap_or_else(|| Err(self.out_of_time()))
    }

    /// Attempts until the host has ended or said no. Contact lost after a write is sought again for as long as the
    /// host's deadline allows, because the outcome is in the balance; before a write as the run's retries say.
    async fn until_settled(&mut self) -> Result<(), HostError> {
        loop {
            self.attempts += 1;
            let mut error = match self.attempt().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // Once a step was begun, whatever ends the contact leaves the host half written.
            let broken = matches!(error.severity, Severity::Unreachable | Severity::Guarded);
            let lost = error.severity == Severity::Lost || (self.history.touched && broken);
            self.unsettled |= lost;
            // Neither is an account that was refused (promise 8).
            let again = error.severity != Severity::Guarded
                && error.reason != Reason::LogonRefused
                && (lost || (self.unsettled && error.severity == Severity::Unreachable));
            if !again {
                let retries = self.job.spec.retries.per_host;
                let passes = retry::may_pass(&error, self.history.touched);
                if self.unsettled || !passes || self.attempts > retries {
                    return Err(error);
                }
                if !self.job.budget.take() {
                    error
                        .detail
                        .push_str(" (the retry budget of the run is spent)");
                    return Err(error);
                }
            }
            let (reason, detail) = (error.reason, error.detail.clone());
            self.last_loss = Some(error);
            tokio::time::sleep(retry::pause(
                self.host().host.name.as_str(),
                self.attempts + 1,
            ))
            .await;
            self.note(EventKind::HostRetry {
                attempt: self.attempts + 1,
                reason,
                detail,
            });
        }
    }

    /// One connection: prove the machine, do the work, close.
    async fn attempt(&mut self) -> Result<(), HostError> {
        let name = self.host().host.name.clone();
        let opened = self.job.fleet.open(&name).await;
        let mut session = opened.inspect_err(|error| self.cost += error.spent)?;
        let identity = session.identity().clone();
        let expected = self.expected_guid();
        let mut result = same_machine(expected.as_deref(), identity.machine_guid.as_deref());
        if result.is_ok() {
            self.note(EventKind::HostIdentified { identity });
            // A marker of an earlier connection of this run is taken away at the end all the same.
            result = match self.job.mode {
                Mode::Undo => self.take_back_alone(&mut session).await,
                Mode::Fresh | Mode::Continue => self.work(&mut session).await,
            };
        }
        if result.as_ref().err().is_none_or(|error| {
            // What was left is on the machine of then, not on another one under its name.
            error.severity == Severity::Failed && error.reason != Reason::WrongHost
        }) {
            // Where this fails, it is tried once more over a connection of its own.
            let _ = self.remove_tasks(&mut session).await;
            let _ = self.release(&mut session).await;
        }
        self.cost += session.close().await;
        result
    }

    /// The machine that this run, or the run it takes back, has dealt with.
    fn expected_guid(&self) -> Option<String> {
        let earlier = self
            .history
            .identity
            .as_ref()
            .and_then(|identity| identity.machine_guid.clone());
        match &self.host().work {
            HostWork::Undo { expected_guid, .. } => expected_guid.clone().or(earlier),
            HostWork::Apply => earlier,
        }
    }

    /// Notes an event without waiting for it.
    fn note(&mut self, event: EventKind) {
        self.history.note(&event);
        let _ = self.job.tell.send(Message::Note {
            host: self.job.id,
            event,
            durable: None,
        });
    }

    /// Notes an event and waits until it is durable. INVARIANT: nothing is written to a host before this returned
    /// for its prior state (promise 1), and nothing is written a second time before it returned for the proof.
    async fn note_durably(&mut self, event: EventKind) -> Result<(), HostError> {
        let (durable, told) = oneshot::channel();
        let _ = self.job.tell.send(Message::Note {
            host: self.job.id,
            event: event.clone(),
            durable: Some(durable),
        });
        if told.await.unwrap_or(false) {
            // Not before: what is not durable was not done, so nobody takes it away either, given up meanwhile or not.
            self.history.note(&event);
            return Ok(());
        }
        Err(HostError::failed(
            Reason::Internal,
            "what has to be known before a write could not be written to the journal",
        ))
    }

    fn out_of_time(&self) -> HostError {
        if let (true, Some(loss)) = (self.unsettled, &self.last_loss) {
            return loss.clone();
        }
        let limit = self.host().host.settings.host_timeout.value;
        let detail = format!("the work on the host took longer than host_timeout ({limit:?})");
        if self.history.touched {
            HostError::lost(Reason::Timeout, detail)
        } else {
            HostError::unreachable(Reason::Timeout, detail)
        }
    }

    /// Why the host had failed, or was in the balance, before it was taken back: reports show the cause of a breach.
    fn cause_of_undo(&self, outcome: Outcome) -> Option<HostError> {
        let before = self.history.before_undo.as_ref()?;
        if self.job.mode != Mode::Undo || outcome != Outcome::RolledBack {
            return None;
        }
        let error = HostError::failed(before.reason?, before.detail.clone()?);
        Some(match &before.remedy {
            Some(remedy) => error.with_remedy(remedy.clone()),
            None => error,
        })
    }

    fn end(self, result: Result<(), HostError>) -> HostEnd {
        let changed = self.history.changed();
        let (outcome, error) = match result {
            Ok(()) => (self.good_outcome(), None),
            Err(error) if self.unsettled || error.severity == Severity::Lost => {
                (Outcome::Indeterminate, Some(error))
            }
            Err(error) => (outcome_of(error.severity), Some(error)),
        };
        let error = error.or_else(|| self.trouble());
        let error = error.or_else(|| self.cause_of_undo(outcome));
        let guarded = error
            .as_ref()
            .filter(|error| error.severity == Severity::Guarded)
            .map(|error| error.detail.clone());
        let (reason, detail, remedy) = match error {
            Some(error) => (Some(error.reason), Some(error.detail), error.remedy),
            None => (None, None, None),
        };
        let finished = EventKind::HostFinished {
            outcome,
            changed,
            reason,
            detail,
            remedy,
            attempts: self.attempts,
            cost: self.cost,
        };
        HostEnd { finished, guarded }
    }
}

fn outcome_of(severity: Severity) -> Outcome {
    match severity {
        Severity::Unreachable => Outcome::Unreachable,
        Severity::Failed => Outcome::Failed,
        Severity::Lost => Outcome::Indeterminate,
        Severity::Guarded => Outcome::NotStarted,
    }
}

/// Promise 9: another machine under the same name is never written to. A machine that showed its id before and does
/// not now counts as another.
pub(crate) fn same_machine(expected: Option<&str>, found: Option<&str>) -> Result<(), HostError> {
    match (expected, found) {
        (Some(expected), Some(found)) if expected.eq_ignore_ascii_case(found) => Ok(()),
        (None, _) => Ok(()),
        (Some(expected), found) => {
            let found = found.unwrap_or("none");
            let detail =
                format!("the run dealt with machine {expected}, now machine {found} answers");
            Err(HostError::failed(Reason::WrongHost, detail)
                .with_remedy("check DNS and whether the machine was reinstalled"))
        }
    }
}
