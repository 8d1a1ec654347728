//! Gates: what a ring waits for before its hosts start (a window), and before later rings start (soak, approval).
//!
//! Gates stand between a ring and the hosts of later rings: those of the last ring with hosts are not waited for,
//! and a ring without hosts in this run has none. A gate that was passed stays passed, over crashes and resumes.
//! `docs/gates.md` is the page for users; its table is a test.

use std::time::Duration;

use jiff::Timestamp;
use playbooks::{OnBreach, Window, WindowState, duration_text};

use super::{Effect, Now, Rollout, index32};
use crate::event::EventKind;
use crate::outcome::{HoldCause, Outcome, StopCause};
use crate::progress::{IllegalEvent, Phase};
use crate::spec::Verb;

/// Civil time may jump (a laptop that slept, a corrected clock): never trust a delay for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Rollout {
    /// Whether hosts of `ring` may start, as far as gates decide; holds the run where not.
    pub(super) fn may_begin(
        &mut self,
        ring: usize,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<bool, IllegalEvent> {
        let unfinished = |host: &&crate::progress::HostId| {
            self.progress.hosts[host.index()].phase != Phase::Pending
        };
        if self.waiting[ring].iter().any(|id| unfinished(&id)) || self.progress.stop.is_some() {
            return Ok(true);
        }
        for earlier in 0..ring {
            if self.rings[earlier].hosts > 0 && !self.is_behind(earlier, now, effects)? {
                return Ok(false);
            }
        }
        if !self.window_is_open(ring, now) {
            self.hold_for_window(ring, now, effects)?;
            return Ok(false);
        }
        self.release(HoldCause::Window, effects)?;
        Ok(true)
    }

    /// Whether the soak and the approval of a finished ring are behind it.
    fn is_behind(
        &mut self,
        ring: usize,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<bool, IllegalEvent> {
        if !self.undo_is_proved(ring) {
            let why = format!(
                "none of {} hosts proved that it can be taken back",
                self.rings[ring].hosts
            );
            let (_, breach) = self.proof_breach(ring, 0, &why);
            self.record(None, breach, effects)?;
            self.drop_waiting();
            return Ok(false);
        }
        let name = self.rings[ring].name.clone();
        if let Some(soak) = self.rings[ring].gates.soak {
            let started = self.progress.gates[ring].soak_until;
            let until = started.unwrap_or_else(|| later(now.time, soak));
            if now.time < until {
                let detail = format!(
                    "ring '{name}' soaks for {} until {}",
                    duration_text(soak),
                    until.strftime("%Y-%m-%d %H:%M:%S UTC")
                );
                self.hold(HoldCause::Soak, Some(ring), Some(until), detail, effects)?;
                return Ok(false);
            }
            self.release(HoldCause::Soak, effects)?;
        }
        if self.rings[ring].gates.approve && !self.progress.gates[ring].approved {
            let detail = format!("ring '{name}' waits for an approval");
            self.hold(HoldCause::Approval, Some(ring), None, detail, effects)?;
            return Ok(false);
        }
        Ok(true)
    }

    pub(super) fn window_is_open(&self, ring: usize, now: Now) -> bool {
        let windows = &self.rings[ring].gates.windows;
        matches!(Window::any(windows, now.time), WindowState::Open(_))
    }

    pub(super) fn hold_for_window(
        &mut self,
        ring: usize,
        now: Now,
        effects: &mut Vec<Effect>,
    ) -> Result<(), IllegalEvent> {
        let name = &self.rings[ring].name;
        let (until, detail) = match Window::any(&self.rings[ring].gates.windows, now.time) {
            WindowState::Closed(opens) => (
                Some(opens),
                format!(
                    "the window of ring '{name}' is closed until {}",
                    opens.strftime("%Y-%m-%d %H:%M:%S UTC")
                ),
            ),
            _ => (None, format!("the window of ring '{name}' is closed")),
        };
        self.hold(HoldCause::Window, Some(ring), until, detail, effects)
    }

    fn hold(
        &mut self,
        cause: HoldCause,
        ring: Option<usize>,
        until: Option<Timestamp>,
        detail: String,
        effects: &mut Vec<Effect>,
    ) -> Result<(), IllegalEvent> {
        let ring = ring.map(index32);
        if self
            .progress
            .hold
            .is_some_and(|hold| hold.cause == cause && hold.ring == ring)
        {
            return Ok(());
        }
        let held = EventKind::RunHeld {
            cause,
            ring,
            until,
            detail,
        };
        self.record(None, held, effects)
    }

    pub(super) fn release(
        &mut self,
        cause: HoldCause,
        effects: &mut Vec<Effect>,
    ) -> Result<(), IllegalEvent> {
        match self.progress.hold {
            Some(hold) if hold.cause == cause => {
                self.record(None, EventKind::RunReleased { cause }, effects)
            }
            _ => Ok(()),
        }
    }

    /// Whether at least one host proved it, or there was nothing to prove on any.
    fn undo_is_proved(&self, ring: usize) -> bool {
        if !self.rings[ring].gates.prove_undo || self.verb != Verb::Push {
            return true;
        }
        let hosts = || {
            let hosts = self.progress.hosts.iter();
            hosts.filter(|host| host.ring as usize == ring)
        };
        let nothing = Phase::Ended {
            outcome: Outcome::Ok,
            changed: false,
        };
        hosts().any(|host| host.proved) || hosts().all(|host| host.phase == nothing)
    }

    /// Nothing is in flight: whether the run waits instead of ending. A soak is always waited for; what needs a
    /// person, or the next night, only where somebody attends the run.
    pub(super) fn holds(&mut self, effects: &mut Vec<Effect>) -> Result<bool, IllegalEvent> {
        let more = self
            .progress
            .hosts
            .iter()
            .any(|host| host.phase == Phase::Pending && !host.left_out);
        let paused = match (self.progress.stop, self.progress.breach) {
            (Some(StopCause::Pause), _) => Some((HoldCause::Operator, "paused by the operator")),
            (Some(StopCause::Limit), Some(breach)) if breach.action == OnBreach::Pause => {
                Some((HoldCause::Limit, "paused by a limit"))
            }
            (None, _) => None,
            _ => return Ok(false),
        };
        if let Some((cause, detail)) = paused
            && more
        {
            self.hold(cause, None, None, detail.to_owned(), effects)?;
        }
        let Some(hold) = self.progress.hold else {
            return Ok(false);
        };
        Ok(self.attended || hold.cause == HoldCause::Soak)
    }

    /// When the next [`super::Input::Tick`] is needed.
    pub(super) fn wake(&self, now: Now, effects: &mut Vec<Effect>) {
        if self.finished {
            return;
        }
        let deadline = self
            .deadline_at
            .filter(|at| *at > now.instant)
            .map(|at| at.saturating_duration_since(now.instant));
        let held = self.progress.hold.and_then(|hold| hold.until).map(|until| {
            let wait = until.duration_since(now.time);
            Duration::try_from(wait)
                .unwrap_or_default()
                .min(LONGEST_WAIT)
        });
        if let Some(wait) = deadline.into_iter().chain(held).min() {
            effects.push(Effect::Wake(wait));
        }
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
