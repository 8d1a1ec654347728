//! The marker that keeps two controllers from interleaving on one host: each would record, write and restore over the
//! other's "before" (reference section 5).
//!
//! A registry value under a key of our own, named after the run, with who and until when by the host's own clock. It is
//! journaled first, written, and then all values of the key are listed: whoever sees another live marker after writing
//! its own takes its own away and leaves the host alone. So of two that come at once at most one goes on. It is removed
//! in every exit path; what a crash leaves expires, and the next controller says whose it took over.
//!
//! How much of that a playbook wants is [`HostMarker`].

use std::time::Duration;

use jiff::Timestamp;
use playbooks::{Change, Desired, Fact, FactSet, HostMarker, KeyPath, Observed, Target, Typed};

use super::{Flow, Mode};
use crate::event::{EventKind, Intent, PlannedChange, PlannedStep, Trace};
use crate::fleet::{Fleet, HostError, Observe, Reason, Session, Severity};
use crate::spec::HostWork;

/// Below HKLM. Nothing but this program's own traces ever stands there.
pub const MARKER_KEY: &str = r"SOFTWARE\winfleet-run";
/// Beyond the host's own deadline: clocks of a host may be set while it is written to.
const MARGIN: Duration = Duration::from_secs(300);
/// What a marker may cost when its host is left in a hurry.
pub(crate) const HURRY: Duration = Duration::from_secs(10);

/// What stands in a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Who (`user@machine`).
    pub operator: String,
    /// By the host's clock.
    pub until: Timestamp,
}

impl Mark {
    /// As it stands on the host. A blank parts the two: what masks accounts in front of a proxy goes by words, and would
    /// take a time that is joined to an operator for a user with a password.
    pub fn text(&self) -> String {
        format!("{} {}", self.until, self.operator)
    }

    /// Reads one, also as earlier versions wrote it (`until|operator`); `None` where it is none of ours.
    pub fn read(observed: &Observed) -> Option<Self> {
        let Some(Typed::Sz(text)) = observed.value()?.to_typed() else {
            return None;
        };
        let (until, operator) = text.split_once([' ', '|'])?;
        Some(Self {
            operator: operator.to_owned(),
            until: until.parse().ok()?,
        })
    }
}

impl<F: Fleet> Flow<F> {
    /// Refuses a host that another controller holds, and claims it as far as the playbook wants that. Called where
    /// something will be written; `changes` tells whether any of that takes the place of what stands there.
    /// Returns whether the host was claimed now.
    pub(super) async fn claim(
        &mut self,
        session: &mut F::Session,
        changes: bool,
    ) -> Result<bool, HostError> {
        let rule = self.job.playbook.strategy.host_marker;
        let only_looks = rule == HostMarker::Changes && !changes;
        // A contact of this controller's own that was lost is no new beginning.
        let looked = only_looks && self.history.recorded && self.attempts > 1;
        if rule == HostMarker::Off || looked {
            return Ok(false);
        }
        let key = marker_key()?;
        // Where nobody demanded a marker, a host that cannot be asked (no WMI, no clock) is worked without.
        let unasked = |error: &HostError| {
            rule != HostMarker::Always
                && error.severity == Severity::Failed
                && matches!(error.reason, Reason::WmiBroken | Reason::FactUnread)
        };
        let there = match self.others(session, &key).await {
            Err(error) if unasked(&error) => return Ok(false),
            there => there?,
        };
        if only_looks && there.is_empty() {
            return Ok(false);
        }
        let until = match self.clock_of(session).await {
            Err(error) if unasked(&error) && there.is_empty() => return Ok(false),
            clock => clock?,
        };
        self.refuse_live(session, &key, until.now, there).await?;
        if only_looks {
            return Ok(false);
        }
        if let Err(error) = self.mark(session, &key, until.end).await {
            if !(self.undoes() && rule != HostMarker::Always && is_denied(&error)) {
                return Err(unmarked(error));
            }
            // What was done can be taken back on a host that takes no marker any more. That none stands is seen, not
            // concluded from the refusal; one that stays is tried once more at the end, and told there.
            if self.release(session).await.is_err()
                && !self.stands(session, &key).await?
                && let Some(trace) = self.history.marker.clone()
            {
                self.note(EventKind::TraceGone { trace });
            }
            return Ok(false);
        }
        let there = self.others(session, &key).await?;
        self.refuse_live(session, &key, until.now, there).await?;
        Ok(true)
    }

    /// Leaves the own marker: journaled first, read back.
    async fn mark(
        &mut self,
        session: &mut F::Session,
        key: &KeyPath,
        until: Timestamp,
    ) -> Result<(), HostError> {
        let mark = Mark {
            operator: self.job.spec.operator.clone(),
            until,
        };
        let target = Target {
            key: key.clone(),
            value: self.job.spec.id.to_string(),
        };
        let trace = Trace::Marker {
            target: target.clone(),
            text: mark.text(),
        };
        self.note_durably(EventKind::TraceLeft { trace }).await?;
        let desired = Desired::Value(Typed::Sz(mark.text()).to_raw());
        let change = Change { target, desired };
        let there = session.apply(&change).await?;
        if change.desired.satisfied_by(&there) {
            return Ok(());
        }
        let detail = "what was written is not what was read back";
        Err(HostError::failed(Reason::ReadBackDiffers, detail))
    }

    /// Whether a marker of this run is on the host.
    async fn stands(&mut self, session: &mut F::Session, key: &KeyPath) -> Result<bool, HostError> {
        let own = self.job.spec.id.as_str();
        let there = session.values(key, None).await?;
        Ok(there.iter().any(|(name, _)| *name == own))
    }

    /// The markers of other runs that stand on the host, by the name of their run.
    async fn others(
        &self,
        session: &mut F::Session,
        key: &KeyPath,
    ) -> Result<Vec<(String, Mark)>, HostError> {
        let own = self.job.spec.id.as_str();
        let there = session.values(key, Some(own)).await?.into_iter();
        // What is no marker is not ours to judge or to delete.
        Ok(there
            .filter_map(|(name, observed)| Some((name, Mark::read(&observed)?)))
            .collect())
    }

    /// Refuses where one of these markers lives, and takes away what is void.
    async fn refuse_live(
        &mut self,
        session: &mut F::Session,
        key: &KeyPath,
        now: Timestamp,
        there: Vec<(String, Mark)>,
    ) -> Result<(), HostError> {
        let whose = |(name, mark): &(String, Mark)| {
            format!("run {name} of {} until {}", mark.operator, mark.until)
        };
        let lives = |(name, mark): &&(String, Mark)| mark.until > now && !self.is_over(name);
        // All are looked at before any is taken away.
        if let Some(live) = there.iter().find(lives) {
            let detail = format!("another controller is at work: {}", whose(live));
            let name = &live.0;
            return Err(HostError::failed(Reason::HeldByAnother, detail).with_remedy(format!(
                "wait until that run is done; a marker that a crash left expires by itself. Where you know that nothing \
                 works for run {name} any more: resume it, take it back, or go on with --void-marker {name}"
            )));
        }
        for void in there {
            self.note_durably(EventKind::MarkerTakenOver {
                detail: format!("a marker that is void: {}", whose(&void)),
            })
            .await?;
            let target = Target {
                key: key.clone(),
                value: void.0,
            };
            let desired = Desired::Absent;
            session.apply(&Change { target, desired }).await?;
        }
        Ok(())
    }

    /// Whether a run is known to be over: what a crash left of it keeps nobody away.
    fn is_over(&self, run: &str) -> bool {
        let source = self.job.spec.source_run.as_ref();
        source.is_some_and(|source| source.as_str() == run)
            || self.job.void_markers.iter().any(|void| void == run)
    }

    fn undoes(&self) -> bool {
        self.job.mode == Mode::Undo || matches!(self.host().work, HostWork::Undo { .. })
    }

    async fn clock_of(&mut self, session: &mut F::Session) -> Result<Term, HostError> {
        let clock: FactSet = [Fact::ClockLocal].into_iter().collect();
        let facts = session.facts(&clock).await?;
        let time = facts
            .text(Fact::ClockLocal)
            .and_then(|text| text.parse::<Timestamp>().ok());
        let unread = |detail: String| HostError::failed(Reason::FactUnread, detail);
        let now = time.ok_or_else(|| {
            unread("the host's clock cannot be read, so no marker can expire by it".to_owned())
        })?;
        let end = now
            .checked_add(self.host().host.settings.host_timeout.value)
            .and_then(|end| end.checked_add(MARGIN))
            .map_err(|_| {
                unread(format!(
                    "the host's clock says {now}: no marker can expire by it"
                ))
            })?;
        Ok(Term { now, end })
    }

    /// Whether a marker is worth its requests: something has to be written, or may have been.
    pub(super) fn will_write(steps: &[PlannedStep]) -> bool {
        steps
            .iter()
            .flat_map(|step| &step.changes)
            .any(PlannedChange::needed)
    }

    /// Whether any of that takes the place of a value that stands there.
    pub(super) fn changes_what_stands<'s>(
        mut steps: impl Iterator<Item = &'s PlannedStep>,
    ) -> bool {
        steps.any(|step| step.changes.iter().any(replaces))
    }

    /// Takes the own marker away, with the key where it is empty then. Its name is this run's: nobody else's is there.
    pub(super) async fn release(&mut self, session: &mut F::Session) -> Result<(), HostError> {
        let Some(trace) = self.history.marker.clone() else {
            return Ok(());
        };
        let Trace::Marker { target, .. } = &trace else {
            return Ok(());
        };
        session.clear(target).await.map_err(stays)?;
        self.note(EventKind::TraceGone { trace });
        Ok(())
    }

    /// The same over a connection of its own, where the first one was lost, cancelled or too slow. Best effort: what
    /// stays expires, and `audit --leftovers` names it.
    pub(super) async fn release_anew(&mut self) {
        if self.history.marker.is_none() && self.history.tasks.is_empty() {
            return;
        }
        let name = self.host().host.name.clone();
        let fleet = std::sync::Arc::clone(&self.job.fleet);
        let expected = self.expected_guid();
        let released = async {
            let mut session = fleet.open(&name).await?;
            let found = session.identity().machine_guid.clone();
            if let Err(another) = super::same_machine(expected.as_deref(), found.as_deref()) {
                session.close().await;
                return Err(another);
            }
            let removed = self.remove_tasks(&mut session).await;
            let released = self.release(&mut session).await;
            session.close().await;
            removed.and(released)
        };
        let error = match tokio::time::timeout(HURRY, released).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::debug!(host = %name, error, "a trace stays on the host until it expires");
    }
}

/// By the clock of the host.
struct Term {
    now: Timestamp,
    /// When a marker that is left now is void.
    end: Timestamp,
}

/// Whether a change takes the place of something. A `WinHttpSettings` that goes direct, as most hosts have it from the
/// start, says no more than none would.
fn replaces(change: &PlannedChange) -> bool {
    let sets_winhttp = match &change.intent {
        Intent::Apply(change) => matches!(change.desired, Desired::WinHttp(_)),
        Intent::Undo(_) => false,
    };
    let goes_direct = sets_winhttp && Desired::WinHttpDirect.satisfied_by(&change.prior);
    change.needed() && change.prior.value().is_some() && !goes_direct
}

fn is_denied(error: &HostError) -> bool {
    error.severity == Severity::Failed && error.reason == Reason::AccessDenied
}

/// The host took no marker: nothing else was written. What says more than that stays as it is.
fn unmarked(mut error: HostError) -> HostError {
    let plain = matches!(error.reason, Reason::Fault | Reason::ReadBackDiffers)
        && error.severity == Severity::Failed;
    if !plain && !is_denied(&error) {
        return error;
    }
    error.detail = format!(
        "the marker that keeps other controllers away could not be written (HKLM\\{MARKER_KEY}): {}",
        error.detail
    );
    error.with_remedy(
        "let the account write below HKLM\\SOFTWARE, or do without a marker: 'host_marker: false' in the rollout block",
    )
}

/// The host does not let its marker go. Everything else is as the steps say.
fn stays(mut error: HostError) -> HostError {
    if !is_denied(&error) {
        return error;
    }
    error.detail = format!(
        "the marker that keeps other controllers away could not be taken away (HKLM\\{MARKER_KEY}), so it stands until it expires: {}",
        error.detail
    );
    error.with_remedy(
        "let the account write below HKLM\\SOFTWARE and delete the value that is named after the run; audit --leftovers finds it",
    )
}

/// See [`MARKER_KEY`].
pub(crate) fn marker_key() -> Result<KeyPath, HostError> {
    KeyPath::below_local_machine(MARKER_KEY)
        .map_err(|error| HostError::failed(Reason::Internal, error.to_string()))
}
