//! What an operator says to a live run from another terminal, and what it answers.

use super::{Effect, Rollout};
use crate::event::EventKind;
use crate::outcome::{HoldCause, StopCause};
use crate::progress::IllegalEvent;

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What.
    pub command: Command,
    /// `user@machine`.
    pub operator: String,
}

/// What can be ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start no further host; those in flight end.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Let the ring that waits for it pass; a name has to be its name.
    Approve(Option<String>),
    /// As pause, for good.
    Abort,
}

impl Command {
    /// The word on the command line and in the journal.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Approve(_) => "approve",
            Self::Abort => "abort",
        }
    }
}

impl Rollout {
    pub(super) fn obey(
        &mut self,
        order: Order,
        effects: &mut Vec<Effect>,
    ) -> Result<(), IllegalEvent> {
        let answer = if self.finished {
            Err("the run has just ended".to_owned())
        } else {
            match order.command {
                Command::Pause => self.pause(&order.operator, effects)?,
                Command::Resume => self.go_on(order.operator, effects)?,
                Command::Approve(ring) => self.approve(ring.as_deref(), order.operator, effects)?,
                Command::Abort => {
                    let detail = format!("aborted by {}", order.operator);
                    self.stop(StopCause::Abort, detail, effects)?;
                    Ok(self.in_flight_text("aborted: no further host is started"))
                }
            }
        };
        effects.push(Effect::Answer(answer));
        Ok(())
    }

    fn pause(
        &mut self,
        operator: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<Result<String, String>, IllegalEvent> {
        if let Some(stop) = self.progress.stop {
            return Ok(Err(format!(
                "no host is being started as it is ({})",
                stop.words()
            )));
        }
        if self.undoing.is_some() {
            return Ok(Err(
                "hosts are being taken back; abort stops that".to_owned()
            ));
        }
        self.stop(StopCause::Pause, format!("paused by {operator}"), effects)?;
        Ok(Ok(self.in_flight_text("paused: no further host is started")))
    }

    fn go_on(
        &mut self,
        operator: String,
        effects: &mut Vec<Effect>,
    ) -> Result<Result<String, String>, IllegalEvent> {
        let cause = self.progress.hold.map(|hold| hold.cause);
        match (self.progress.stop, cause) {
            (Some(StopCause::Pause), _) | (_, Some(HoldCause::Limit | HoldCause::Operator)) => {}
            (Some(StopCause::Limit), None) => {
                let why = "hosts are still in flight; try again when they have ended".to_owned();
                return Ok(Err(why));
            }
            (_, Some(HoldCause::Approval)) => {
                return Ok(Err(
                    "the run waits for an approval: winfleet approve".to_owned()
                ));
            }
            (_, Some(HoldCause::Soak | HoldCause::Window)) => {
                return Ok(Err(
                    "the run goes on by itself when its gate opens".to_owned()
                ));
            }
            _ => return Ok(Err("the run is not paused".to_owned())),
        }
        let resumed = EventKind::RunResumed {
            only: Vec::new(),
            hosts: None,
            operator: Some(operator),
        };
        self.record(None, resumed, effects)?;
        self.fill_waiting();
        Ok(Ok("the run goes on".to_owned()))
    }

    fn approve(
        &mut self,
        ring: Option<&str>,
        operator: String,
        effects: &mut Vec<Effect>,
    ) -> Result<Result<String, String>, IllegalEvent> {
        let Some(index) = self.progress.awaiting_approval() else {
            return Ok(Err("no ring waits for an approval".to_owned()));
        };
        let name = self.rings[index as usize].name.clone();
        if let Some(other) = ring.filter(|ring| *ring != name) {
            return Ok(Err(format!(
                "ring '{name}' waits for an approval, not ring '{other}'"
            )));
        }
        let text = format!("ring '{name}' is approved");
        let approved = EventKind::RingApproved {
            ring: index,
            name,
            operator,
        };
        self.record(None, approved, effects)?;
        self.release(HoldCause::Approval, effects)?;
        Ok(Ok(text))
    }

    fn in_flight_text(&self, text: &str) -> String {
        match self.in_flight.len() {
            0 => text.to_owned(),
            1 => format!("{text}; 1 in flight ends first"),
            more => format!("{text}; {more} in flight end first"),
        }
    }
}
