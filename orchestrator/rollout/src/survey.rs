//! Reading many hosts without a way to write: what `plan` and `audit` ask of a fleet.
//!
//! INVARIANT: everything here is handed a [`Survey`] and an [`Observe`], whose types hold no write (promise 6). What
//! is asked of one host is a [`Question`]; this file sees to it that one bad host never stops the others, that no
//! host takes longer than its `host_timeout`, and that nobody is asked any more once the credential guard tripped.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use playbooks::{CHECKS, KeyPath, Observed, Playbook, Target};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::event::{PlannedChange, PlannedStep};
use crate::fleet::{Cost, HostError, HostIdentity, Observe, Reason, Severity, Survey};
use crate::host::as_system::{TASK_PREFIX, task_tree};
use crate::host::marker::{Mark, marker_key};
use crate::host::same_machine;
use crate::spec::{HostSpec, HostWork, RingPlan, RunSpec};
use crate::{preflight, prior};

/// What is asked of each host. There is nothing in its reach that writes:
///
/// ```compile_fail
/// async fn sneak<O: rollout::Observe>(observer: &mut O, change: &playbooks::Change) {
///     observer.apply(change).await.ok();
/// }
/// ```
///
/// ```compile_fail
/// async fn sneak<S: rollout::Survey>(survey: &S, host: &inventory::HostName) {
///     survey.open(host).await.ok();
/// }
/// ```
///
/// ```
/// async fn look<S: rollout::Survey>(survey: &S, host: &inventory::HostName) {
///     survey.observe(host).await.ok();
/// }
/// ```
pub trait Question: Send + Sync + 'static {
    /// What one host's answer is.
    type Answer: Send + 'static;

    /// Asks. Reads only, by the type of its `observer`.
    fn ask<O: Observe>(
        &self,
        host: &HostSpec,
        observer: &mut O,
    ) -> impl Future<Output = Result<Self::Answer, HostError>> + Send;
}

/// What became of one host.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading<T> {
    /// It answered.
    Read {
        /// Who answered.
        identity: HostIdentity,
        /// What was asked for.
        answer: T,
        /// What it cost.
        cost: Cost,
    },
    /// It could not be read.
    Unread(HostError),
}

impl<T> Reading<T> {
    /// The cause, where the host could not be read.
    pub fn error(&self) -> Option<&HostError> {
        match self {
            Self::Read { .. } => None,
            Self::Unread(error) => Some(error),
        }
    }
}

/// What a playbook would write, and what is there now: the question of `plan`, and of `audit` with a playbook.
pub struct WouldWrite {
    playbook: Playbook,
    rings: Vec<RingPlan>,
    /// The findings stand at the steps.
    findings: bool,
}

impl WouldWrite {
    /// For the hosts of this run.
    pub fn new(playbook: Playbook, spec: &RunSpec) -> Self {
        let rings = spec.rings.clone();
        Self {
            playbook,
            rings,
            findings: true,
        }
    }

    /// Of the preflight only what leaves steps out: an audit asks what is, and not what stands in the way of a change, but
    /// a step that a push would leave out is not missing on the host.
    #[must_use]
    pub fn to_compare(mut self) -> Self {
        self.findings = false;
        let others = CHECKS.iter().filter(|row| !row.skips);
        let others = others.map(|row| row.check);
        self.playbook.preflight.leave_out.extend(others);
        self
    }
}

impl Question for WouldWrite {
    type Answer = Vec<PlannedStep>;

    async fn ask<O: Observe>(
        &self,
        host: &HostSpec,
        observer: &mut O,
    ) -> Result<Vec<PlannedStep>, HostError> {
        let HostWork::Undo {
            steps,
            expected_guid,
            ..
        } = &host.work
        else {
            let mut wanted = prior::wanted(&self.playbook, &self.rings, host, observer).await?;
            let mut steps = prior::read(wanted.steps.clone(), observer).await?;
            let (gates, facts) = (&wanted.below_gate, wanted.facts.take());
            let looked = preflight::look(
                &self.playbook,
                &steps,
                gates,
                facts,
                (false, jiff::Timestamp::now()),
                observer,
            )
            .await?;
            looked.leave_out(&mut wanted.steps, &mut steps);
            if self.findings {
                looked.attach(&mut steps);
            }
            return Ok(steps);
        };
        let found = observer.identity().machine_guid.clone();
        same_machine(expected_guid.as_deref(), found.as_deref())?;
        let wanted = steps.iter().cloned().map(prior::undo_step).collect();
        prior::read(wanted, observer).await
    }
}

/// What to do about a conflict.
pub(crate) const CONFLICT_REMEDY: &str =
    "compare the three values in the report; --on-conflict force restores anyway";

/// What a rollback would leave alone, because somebody else changed it since: all of it, each with its three values.
pub fn conflicts(steps: &[PlannedStep]) -> Option<HostError> {
    let changes = steps.iter().flat_map(|step| &step.changes);
    let texts: Vec<String> = changes.filter_map(PlannedChange::foreign).collect();
    (!texts.is_empty())
        .then(|| HostError::failed(Reason::Conflict, texts.join("; ")).with_remedy(CONFLICT_REMEDY))
}

/// What an earlier run left on a host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Left {
    /// The machine it left it on.
    pub machine_guid: Option<String>,
    /// By step: what it read back at its end.
    pub values: Vec<LeftValue>,
}

/// One value that a run left.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftValue {
    /// Name of the step.
    pub step: String,
    /// Where.
    pub target: Target,
    /// What.
    pub left: Observed,
}

/// Whether what a run left is still there: the question of `audit --against`.
pub struct StillThere(BTreeMap<inventory::HostName, Left>);

impl StillThere {
    /// By host. A host that is not named is asked for nothing.
    pub fn new(left: BTreeMap<inventory::HostName, Left>) -> Self {
        Self(left)
    }
}

impl Question for StillThere {
    type Answer = Vec<(LeftValue, Observed)>;

    async fn ask<O: Observe>(
        &self,
        host: &HostSpec,
        observer: &mut O,
    ) -> Result<Self::Answer, HostError> {
        let Some(left) = self.0.get(&host.host.name) else {
            return Ok(Vec::new());
        };
        let found = observer.identity().machine_guid.clone();
        same_machine(left.machine_guid.as_deref(), found.as_deref())?;
        let targets: Vec<Target> = left
            .values
            .iter()
            .map(|value| value.target.clone())
            .collect();
        let states = if targets.is_empty() {
            Vec::new()
        } else {
            observer.observe(&targets).await?
        };
        if states.len() != targets.len() {
            let error = HostError::failed(Reason::Internal, "not every value was read");
            return Err(error);
        }
        Ok(left.values.iter().cloned().zip(states).collect())
    }
}

/// What controllers left on a host that were killed: the question of `audit --leftovers`.
pub struct Leftovers;

impl Question for Leftovers {
    type Answer = Vec<(LeftValue, Observed)>;

    async fn ask<O: Observe>(
        &self,
        _: &HostSpec,
        observer: &mut O,
    ) -> Result<Self::Answer, HostError> {
        let key = marker_key()?;
        let found = observer.values(&key, None).await?.into_iter();
        let found = found.map(|(name, observed)| {
            let step = match Mark::read(&observed) {
                Some(mark) => format!(
                    "marker of run {name}, {} until {}",
                    mark.operator, mark.until
                ),
                None if name.starts_with(TASK_PREFIX) => {
                    "result of a probe as LocalSystem".to_owned()
                }
                None => "not a marker".to_owned(),
            };
            let target = Target {
                key: key.clone(),
                value: name,
            };
            let left = Observed::ValueAbsent;
            (LeftValue { step, target, left }, observed)
        });
        let mut found: Vec<(LeftValue, Observed)> = found.collect();
        let tree = task_tree()?;
        let tasks = observer.keys(&tree).await?;
        for name in tasks.iter().filter(|name| name.starts_with(TASK_PREFIX)) {
            let key = KeyPath::below_local_machine(&format!(r"{}\{name}", tree.as_str()))
                .map_err(|error| HostError::failed(Reason::Internal, error.to_string()))?;
            let target = Target {
                key,
                value: "Id".to_owned(),
            };
            let there = observer.observe(std::slice::from_ref(&target)).await?;
            let step = format!("scheduled task {name} of a probe as LocalSystem");
            let left = Observed::ValueAbsent;
            found.extend(there.into_iter().map(|there| {
                (
                    LeftValue {
                        step: step.clone(),
                        target: target.clone(),
                        left: left.clone(),
                    },
                    there,
                )
            }));
        }
        Ok(found)
    }
}

/// Asks every host of `spec` once; the answers are in its order. At most `parallel` at once, and no more of a group
/// than its cap. `tell` hears of each host that is done. Cancel safe: dropping the future closes every connection.
pub async fn survey<S: Survey, Q: Question>(
    survey: Arc<S>,
    spec: Arc<RunSpec>,
    question: Q,
    parallel: u32,
    mut tell: impl FnMut(&HostSpec, &Reading<Q::Answer>),
) -> Vec<Reading<Q::Answer>> {
    let gates = Arc::new(Gates::new(&spec, parallel));
    let question = Arc::new(question);
    let mut tasks = JoinSet::new();
    for index in 0..spec.hosts.len() {
        let (survey, spec) = (Arc::clone(&survey), Arc::clone(&spec));
        let (gates, question) = (Arc::clone(&gates), Arc::clone(&question));
        tasks.spawn(async move {
            let host = &spec.hosts[index];
            let _permits = gates.pass(host).await;
            (index, gates.one(&*survey, host, &*question).await)
        });
    }
    let mut readings: Vec<Option<Reading<Q::Answer>>> = spec.hosts.iter().map(|_| None).collect();
    while let Some(ended) = tasks.join_next().await {
        // A task that panicked leaves its place empty.
        if let Ok((index, reading)) = ended {
            tell(&spec.hosts[index], &reading);
            readings[index] = Some(reading);
        }
    }
    let defect = || {
        Reading::Unread(HostError::failed(
            Reason::Internal,
            "the task of this host failed; this is a defect of winfleet",
        ))
    };
    readings
        .into_iter()
        .map(|reading| reading.unwrap_or_else(defect))
        .collect()
}

/// What holds hosts back.
struct Gates {
    all: Arc<Semaphore>,
    groups: BTreeMap<String, Arc<Semaphore>>,
    guarded: AtomicBool,
}

impl Gates {
    fn new(spec: &RunSpec, parallel: u32) -> Self {
        let semaphore = |permits: u32| Arc::new(Semaphore::new(permits.max(1) as usize));
        Self {
            all: semaphore(parallel),
            groups: spec
                .groups
                .iter()
                .map(|(name, cap)| (name.clone(), semaphore(*cap)))
                .collect(),
            guarded: AtomicBool::new(false),
        }
    }

    /// Waits for the host's turn. Groups first, in one order for all, so that no two hosts wait for each other.
    async fn pass(&self, host: &HostSpec) -> Vec<OwnedSemaphorePermit> {
        let mut permits = Vec::new();
        let capped = self.groups.iter();
        let own = capped.filter(|(name, _)| host.host.groups.contains(name));
        for semaphore in own.map(|(_, group)| group).chain([&self.all]) {
            // No semaphore is ever closed.
            permits.extend(Arc::clone(semaphore).acquire_owned().await.ok());
        }
        permits
    }

    async fn one<S: Survey, Q: Question>(
        &self,
        survey: &S,
        host: &HostSpec,
        question: &Q,
    ) -> Reading<Q::Answer> {
        if self.guarded.load(Ordering::Relaxed) {
            return Reading::Unread(HostError {
                severity: Severity::Guarded,
                ..HostError::failed(
                    Reason::CredentialGuard,
                    "not asked, because the credential guard tripped",
                )
                .with_remedy("put the password right, then try again")
            });
        }
        let limit = host.host.settings.host_timeout.value;
        let reading = tokio::time::timeout(limit, ask(survey, host, question)).await;
        let reading = reading.unwrap_or_else(|_| {
            let detail = format!("reading the host took longer than host_timeout ({limit:?})");
            Reading::Unread(HostError::unreachable(Reason::Timeout, detail))
        });
        if reading
            .error()
            .is_some_and(|error| error.severity == Severity::Guarded)
        {
            self.guarded.store(true, Ordering::Relaxed);
        }
        reading
    }
}

async fn ask<S: Survey, Q: Question>(
    survey: &S,
    host: &HostSpec,
    question: &Q,
) -> Reading<Q::Answer> {
    let mut observer = match survey.observe(&host.host.name).await {
        Ok(observer) => observer,
        Err(error) => return Reading::Unread(error),
    };
    let identity = observer.identity().clone();
    let answer = question.ask(host, &mut observer).await;
    let cost = observer.close().await;
    match answer {
        Ok(answer) => Reading::Read {
            identity,
            answer,
            cost,
        },
        Err(error) => Reading::Unread(error),
    }
}
