//! The marker that keeps two controllers from interleaving on one host: each would record, write and restore over the
//! other's "before" (reference section 5).
//!
//! A registry value under a key of our own, named after the run, with who and until when by the host's own clock. It is
//! journaled first, written, and then all values of the key are listed: whoever sees another live marker after writing
//! its own takes its own away and leaves the host alone. So of two that come at once at most one goes on. It is removed
//! in every exit path; what a crash leaves expires, and the next controller says whose it took over.

use std::time::Duration;

use jiff::Timestamp;
use playbooks::{Change, Desired, Fact, FactSet, KeyPath, Observed, Target, Typed};

use super::Flow;
use crate::event::{EventKind, PlannedChange, Trace};
use crate::fleet::{Fleet, HostError, Observe, Reason, Restored, Session, Undo};

/// Below HKLM. Nothing else ever stands there.
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
    /// As it stands on the host.
    pub fn text(&self) -> String {
        format!("{}|{}", self.until, self.operator)
    }

    /// Reads one; `None` where it is none of ours.
    pub fn read(observed: &Observed) -> Option<Self> {
        let Some(Typed::Sz(text)) = observed.value()?.to_typed() else {
            return None;
        };
        let (until, operator) = text.split_once('|')?;
        Some(Self {
            operator: operator.to_owned(),
            until: until.parse().ok()?,
        })
    }
}

impl<F: Fleet> Flow<F> {
    /// Claims the host, where the playbook wants that and something may be written. Returns whether it did now.
    pub(super) async fn claim(&mut self, session: &mut F::Session) -> Result<bool, HostError> {
        if !self.job.playbook.strategy.host_marker {
            return Ok(false);
        }
        let key = marker_key()?;
        let now = self.clock_of(session).await?;
        self.others(session, &key, now).await?;
        let mark = Mark {
            operator: self.job.spec.operator.clone(),
            until: now
                .checked_add(self.host().host.settings.host_timeout.value)
                .and_then(|end| end.checked_add(MARGIN))
                .map_err(|_| {
                    let detail = format!("the host's clock says {now}: no marker can expire by it");
                    HostError::failed(Reason::FactUnread, detail)
                })?,
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
        if !change.desired.satisfied_by(&there) {
            let detail = "the marker that was written is not what was read back";
            return Err(HostError::failed(Reason::ReadBackDiffers, detail));
        }
        self.others(session, &key, now).await?;
        Ok(true)
    }

    /// Refuses where another controller's marker lives, and takes away what has expired.
    async fn others(
        &mut self,
        session: &mut F::Session,
        key: &KeyPath,
        now: Timestamp,
    ) -> Result<(), HostError> {
        let own = self.job.spec.id.to_string();
        for (name, observed) in session.values(key).await? {
            if name == own {
                continue;
            }
            let whose =
                |mark: &Mark| format!("run {name} of {} until {}", mark.operator, mark.until);
            match Mark::read(&observed) {
                // The run that is taken back is over: what a crash left of it keeps nobody away.
                Some(mark) if mark.until > now && !self.takes_back(&name) => {
                    let detail = format!("another controller is at work: {}", whose(&mark));
                    return Err(HostError::failed(Reason::HeldByAnother, detail).with_remedy(
                        "wait until that run is done; a marker that a crash left expires by itself",
                    ));
                }
                Some(mark) => {
                    let target = Target {
                        key: key.clone(),
                        value: name.clone(),
                    };
                    self.note_durably(EventKind::MarkerTakenOver {
                        detail: format!("a marker that is void: {}", whose(&mark)),
                    })
                    .await?;
                    let desired = Desired::Absent;
                    session.apply(&Change { target, desired }).await?;
                }
                // Not ours to judge or to delete.
                None => {}
            }
        }
        Ok(())
    }

    fn takes_back(&self, run: &str) -> bool {
        let source = self.job.spec.source_run.as_ref();
        source.is_some_and(|source| source.as_str() == run)
    }

    async fn clock_of(&mut self, session: &mut F::Session) -> Result<Timestamp, HostError> {
        let clock: FactSet = [Fact::ClockLocal].into_iter().collect();
        let facts = session.facts(&clock).await?;
        let time = facts
            .text(Fact::ClockLocal)
            .and_then(|text| text.parse().ok());
        time.ok_or_else(|| {
            let detail = "the host's clock cannot be read, so no marker can expire by it";
            HostError::failed(Reason::FactUnread, detail)
        })
    }

    /// Whether a marker is worth its requests: something has to be written, or may have been.
    pub(super) fn will_write(steps: &[crate::event::PlannedStep]) -> bool {
        steps
            .iter()
            .flat_map(|step| &step.changes)
            .any(PlannedChange::needed)
    }

    /// Takes the own marker away, with the key where it is empty then.
    pub(super) async fn release(&mut self, session: &mut F::Session) -> Result<(), HostError> {
        let Some(trace) = self.history.marker.clone() else {
            return Ok(());
        };
        let Trace::Marker { target, text } = &trace else {
            return Ok(());
        };
        let undo = Undo {
            target: target.clone(),
            // The key is nobody's but ours: it goes as soon as it is empty.
            prior: Observed::KeyAbsent {
                first_missing: target.key.clone(),
            },
            ours: Observed::Present(Typed::Sz(text.clone()).to_raw()),
            force: false,
            uncertain: None,
        };
        match session.restore(&undo).await? {
            Restored::Done | Restored::AlreadyPrior => {}
            Restored::Conflict { .. } => {
                let detail = format!("{target} was changed by somebody else: it is left there");
                return Err(HostError::failed(Reason::ChangedSince, detail));
            }
        }
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

/// See [`MARKER_KEY`].
pub(crate) fn marker_key() -> Result<KeyPath, HostError> {
    KeyPath::below_local_machine(MARKER_KEY)
        .map_err(|error| HostError::failed(Reason::Internal, error.to_string()))
}
