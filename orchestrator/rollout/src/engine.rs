//! The engine: one task owns the policy and the journal, one task works on each active host.
//!
//! It only gathers inputs for `state.rs` and carries out its effects. Host tasks (`host.rs`) talk to it by messages;
//! nothing is shared with them but the fleet. Nothing is shown that is not durable.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use playbooks::Playbook;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::event::{Event, EventKind};
use crate::fleet::{Cost, Fleet, Reason};
use crate::history::HostHistory;
use crate::host::{Job, Message, Mode, RetryBudget};
use crate::journal::{ActiveRun, JournalError, OrderId};
use crate::outcome::{Outcome, RunState, StopCause, Totals};
use crate::progress::{HostId, IllegalEvent};
use crate::spec::Verb;
use crate::state::{Effect, HostEnd, Input, Now, Rollout};

/// Longer than any wait that matters.
const A_DAY: Duration = Duration::from_secs(86_400);
/// For what takes no time but that of other tasks.
const A_MOMENT: Duration = Duration::from_secs(5);

/// How an operator steers a run from within the process.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// No further host is started; those in flight end by themselves (first Ctrl-C).
    pub stop: CancellationToken,
    /// Hosts in flight are given up as well; what is known of them is recorded (second Ctrl-C).
    pub cancel: CancellationToken,
    /// A person is there: a paused run waits for a word instead of ending.
    pub attended: bool,
    /// Runs of which the operator knows that nothing works for them any more: a marker that one of them left on a host
    /// keeps nobody away.
    pub void_markers: Arc<[String]>,
    /// How often the journal is asked for orders from other terminals; `None`: never.
    pub orders: Option<Duration>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunResult {
    /// Where it stands.
    pub state: RunState,
    /// The exit code of the program.
    pub exit_code: u8,
    /// Over all hosts.
    pub totals: Totals,
}

/// Why a run could not go on. What was recorded stays; the run can be resumed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The journal failed. Hosts in flight were given up.
    #[error("the journal failed")]
    Journal(#[from] JournalError),
    /// The playbook kept with the run does not load: written by a newer program, or damaged.
    #[error("the playbook kept with the run cannot be used:\n{0}")]
    Playbook(String),
    /// A defect of this program.
    #[error("internal error")]
    Illegal(#[from] IllegalEvent),
}

/// Carries a run out to its end, or to where it is stopped. Events arrive in order and only after they are durable;
/// a receiver that is gone is ignored. Not cancel safe: use `control`.
pub async fn run<F: Fleet>(
    active: ActiveRun,
    fleet: Arc<F>,
    events: mpsc::UnboundedSender<Event>,
    control: Control,
) -> Result<RunResult, EngineError> {
    let playbook = Arc::new(playbook_of(&active)?);
    let resumed = active.resumed().cloned();
    let progress = active.progress().clone();
    let budget = RetryBudget::new(active.spec().retries.allowed(active.spec().hosts.len()));
    let policy = Rollout::new(active.spec(), progress, resumed, control.attended);
    // Unbounded: what is sent is bounded by the hosts in flight, and a host task must never wait for itself.
    let (tell, messages) = mpsc::unbounded_channel();
    let (failures, journal_failed) = mpsc::unbounded_channel();
    let engine = Engine {
        active,
        fleet,
        events,
        playbook,
        policy,
        tell,
        failures,
        control,
        tasks: JoinSet::new(),
        who: HashMap::new(),
        wake: None,
        answering: None,
        budget,
        finished: None,
        failed: None,
    };
    engine.work(messages, journal_failed).await
}

fn playbook_of(active: &ActiveRun) -> Result<Playbook, EngineError> {
    let record = &active.spec().playbook;
    let bytes = record.text.as_bytes();
    let playbook = document::Document::from_bytes(&record.file, bytes)
        .and_then(|document| Playbook::load(&document))
        .map_err(|errors| EngineError::Playbook(errors.to_string()))?;
    Ok(match active.spec().verb {
        Verb::RollbackDelete => playbook.removal(),
        Verb::Push | Verb::Rollback => playbook,
    })
}

struct Engine<F> {
    active: ActiveRun,
    fleet: Arc<F>,
    events: mpsc::UnboundedSender<Event>,
    playbook: Arc<Playbook>,
    policy: Rollout,
    tell: mpsc::UnboundedSender<Message>,
    failures: mpsc::UnboundedSender<JournalError>,
    control: Control,
    tasks: JoinSet<()>,
    who: HashMap<Id, HostId>,
    wake: Option<Instant>,
    /// The order that the policy is deciding on.
    answering: Option<OrderId>,
    budget: RetryBudget,
    finished: Option<oneshot::Receiver<()>>,
    failed: Option<JournalError>,
}

impl<F: Fleet> Engine<F> {
    async fn work(
        mut self,
        mut messages: mpsc::UnboundedReceiver<Message>,
        mut journal_failed: mpsc::UnboundedReceiver<JournalError>,
    ) -> Result<RunResult, EngineError> {
        self.decide(Input::Begin)?;
        let mut asked_to_stop = false;
        let mut poll = tokio::time::interval(self.control.orders.unwrap_or(A_DAY));
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.finished.is_none() && self.failed.is_none() {
            let (stop, cancel) = (self.control.stop.clone(), self.control.cancel.clone());
            let wake = self.wake.unwrap_or_else(|| Instant::now() + A_DAY);
            tokio::select! {
                // Biased: messages first, so that what a host said is recorded before its task's end is seen.
                biased;
                Some(message) = messages.recv() => self.take(message)?,
                Some(error) = journal_failed.recv() => self.failed = Some(error),
                Some(ended) = self.tasks.join_next_with_id() => self.task_ended(ended)?,
                () = stopped(&stop, &cancel), if !asked_to_stop => {
                    asked_to_stop = true;
                    let words = "stopped by the operator".to_owned();
                    self.decide(Input::Stop(StopCause::Operator, words))?;
                }
                _ = poll.tick(), if self.control.orders.is_some() => self.hear()?,
                () = tokio::time::sleep_until(wake), if self.wake.is_some() => {
                    self.wake = None;
                    self.decide(Input::Tick)?;
                }
            }
        }
        if let Some(finished) = self.finished.take() {
            // An error here means the commit failed: the journal's own error follows on its channel.
            let _ = finished.await;
        }
        if let Some(error) = self
            .failed
            .take()
            .or_else(|| journal_failed.try_recv().ok())
        {
            self.control.cancel.cancel();
            // Each takes away what it left on its host; that has a bound of its own.
            let left = async { while self.tasks.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(crate::host::marker::HURRY + A_MOMENT, left).await;
            self.tasks.shutdown().await;
            return Err(error.into());
        }
        Ok(self.result())
    }

    fn result(&self) -> RunResult {
        let progress = self.policy.progress();
        let totals = progress.totals();
        let ending = crate::exit::Ending {
            state: progress.state,
            stopped: progress.stop,
            rolled_back: progress.rollback.is_some(),
            totals,
        };
        RunResult {
            state: progress.state,
            exit_code: crate::exit_code(&ending),
            totals,
        }
    }

    fn take(&mut self, message: Message) -> Result<(), EngineError> {
        match message {
            Message::Note {
                host,
                event,
                durable,
            } => {
                self.policy.note(host, &event)?;
                self.record(vec![(Some(host), event)], move |ok| {
                    if let Some(durable) = durable {
                        // A host that was given up does not wait any more.
                        let _ = durable.send(ok);
                    }
                });
                Ok(())
            }
            Message::End(host, end) => self.decide(Input::Host(host, end)),
            Message::GivenUp(host) => self.decide(Input::GivenUp(host)),
        }
    }

    /// Takes orders that other terminals left in the journal.
    fn hear(&mut self) -> Result<(), EngineError> {
        for (id, order) in self.active.orders()? {
            self.answering = Some(id);
            self.decide(Input::Operator(order))?;
        }
        Ok(())
    }

    /// A task says goodbye by a message; only a panic leaves without one.
    fn task_ended(&mut self, ended: Result<(Id, ()), JoinError>) -> Result<(), EngineError> {
        match ended {
            Ok((id, ())) => {
                self.who.remove(&id);
                Ok(())
            }
            Err(error) => match self.who.remove(&error.id()) {
                Some(host) if error.is_panic() => self.decide(Input::Host(host, defect())),
                _ => Ok(()),
            },
        }
    }

    fn decide(&mut self, input: Input) -> Result<(), EngineError> {
        let now = Now {
            // Tokio's clock, so that a paused one is one clock.
            instant: Instant::now().into_std(),
            time: self.active.clock().now(),
        };
        let effects = self.policy.handle(input, now)?;
        let mut answer = None;
        let mut records = Vec::new();
        let mut starts = Vec::new();
        let mut finish = false;
        for effect in effects {
            match effect {
                Effect::Record(host, event) => records.push((host, event)),
                Effect::Start(host) => starts.push((host, false)),
                Effect::Undo(host) => starts.push((host, true)),
                Effect::Wake(after) => self.wake = Some(Instant::now() + after),
                Effect::Answer(words) => answer = Some(words),
                Effect::Finish(_) => finish = true,
            }
        }
        let mut announced = Vec::with_capacity(starts.len());
        if records
            .iter()
            .any(|(_, event)| matches!(event, EventKind::RollbackStarted { .. }))
        {
            // What its hosts noted last may still be on its way into the file.
            self.active.settle()?;
        }
        for (host, undo) in starts {
            announced.push(self.start(host, undo, &records)?);
        }
        let (told, finished) = oneshot::channel();
        self.record(records, move |ok| {
            if ok {
                // Dropped senders tell a task that its start is not durable: it must not begin.
                for go in announced {
                    // A task that was cancelled meanwhile does not wait any more.
                    let _ = go.send(());
                }
                let _ = told.send(());
            }
        });
        // After the records, so that whoever asked finds them in the journal.
        if let (Some(id), Some(words)) = (self.answering.take(), answer) {
            self.active.answer(id, words);
        }
        if finish {
            self.finished = Some(finished);
        }
        Ok(())
    }

    fn record(
        &mut self,
        records: Vec<(Option<HostId>, EventKind)>,
        then: impl FnOnce(bool) + Send + 'static,
    ) {
        if records.is_empty() {
            then(true);
            return;
        }
        // Counted over all hosts: only where a record asks for it.
        let progress = self.policy.progress();
        let (events, failures) = (self.events.clone(), self.failures.clone());
        self.active.append(
            records,
            || progress.totals(),
            move |result| match result {
                Ok(told) => {
                    // Reporters may be gone; the run goes on.
                    told.into_iter().for_each(|event| drop(events.send(event)));
                    then(true);
                }
                Err(error) => {
                    let _ = failures.send(error);
                    then(false);
                }
            },
        );
    }

    /// Spawns the task of a host; it begins when the returned sender fires. `records` are what is decided at the same
    /// moment, and is in no file yet.
    fn start(
        &mut self,
        host: HostId,
        undo: bool,
        records: &[(Option<HostId>, EventKind)],
    ) -> Result<oneshot::Sender<()>, EngineError> {
        let progress = self.policy.progress().hosts[host.index()];
        let history = if undo || progress.recorded || self.active.resumed().is_some() {
            let mut history = self.active.history(host)?;
            let own = records.iter().filter(|(of, _)| *of == Some(host));
            own.for_each(|(_, event)| history.note(event));
            history
        } else {
            HostHistory::default()
        };
        let mode = match (undo, progress.recorded) {
            (true, _) => Mode::Undo,
            (false, true) => Mode::Continue,
            (false, false) => Mode::Fresh,
        };
        let (go, announced) = oneshot::channel();
        let job = Job {
            id: host,
            spec: Arc::clone(self.active.spec()),
            playbook: Arc::clone(&self.playbook),
            fleet: Arc::clone(&self.fleet),
            tell: self.tell.clone(),
            mode,
            history,
            budget: self.budget.clone(),
            clock: self.active.clock().clone(),
            void_markers: Arc::clone(&self.control.void_markers),
        };
        let cancel = self.control.cancel.clone();
        let task = self.tasks.spawn(async move {
            if announced.await.is_ok() {
                job.run(cancel).await;
            }
        });
        self.who.insert(task.id(), host);
        Ok(go)
    }
}

async fn stopped(stop: &CancellationToken, cancel: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = cancel.cancelled() => {}
    }
}

/// The end of a host whose task panicked. Whether something was written is not known.
fn defect() -> HostEnd {
    HostEnd {
        finished: EventKind::HostFinished {
            outcome: Outcome::Indeterminate,
            changed: false,
            reason: Some(Reason::Internal),
            detail: Some("the task of this host failed; this is a defect of winfleet".to_owned()),
            remedy: None,
            attempts: 1,
            cost: Cost::default(),
        },
        guarded: None,
    }
}
