//! Orders: what other terminals say to the holder of a run, and what it answers.
//!
//! A table, because a table is there on every system: no socket, no signal, nothing that a crash leaves behind. The
//! holder asks now and then. An order that nobody heard is void: the next holder begins behind it.

use std::sync::mpsc::sync_channel;

use rusqlite::{OptionalExtension, params};

use super::Journal;
use super::active::ActiveRun;
use super::error::JournalError;
use crate::event::EventKind;
use crate::exit::{Ending, exit_code};
use crate::outcome::{RunState, StopCause};
use crate::spec::RunId;
use crate::state::{Command, Order};

/// An order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderId(pub(super) i64);

impl Journal {
    /// Leaves an order for the holder of a run. Durable when this returns; see [`Journal::answer_to`].
    pub fn give_order(&self, run: &RunId, order: &Order) -> Result<OrderId, JournalError> {
        let row = self.snapshot()?.row_of(run)?;
        let time = self.inner.clock.now().as_microsecond();
        let command = order.command.as_str();
        let argument = match &order.command {
            Command::Approve(ring) => ring.clone(),
            _ => None,
        };
        let operator = order.operator.clone();
        let (tell_id, told_id) = sync_channel(1);
        let (tell, told) = sync_channel(1);
        self.writer()?.submit(
            Box::new(move |db| {
                db.execute(
                    "INSERT INTO orders (run, time, operator, command, argument) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![row, time, operator, command, argument],
                )?;
                // The receivers are kept until the answers are there.
                let _ = tell_id.send(db.last_insert_rowid());
                Ok(())
            }),
            Box::new(move |result| {
                let _ = tell.send(result);
            }),
        );
        told.recv()
            .unwrap_or_else(|_| Err(JournalError::ReadOnly(self.path().to_owned())))?;
        Ok(OrderId(told_id.recv().unwrap_or_default()))
    }

    /// Carries an order out on a run that nobody works on: an approval, or an abort. Says why where that is not
    /// possible.
    pub fn order_idle(
        &self,
        id: &RunId,
        order: &Order,
    ) -> Result<Result<String, String>, JournalError> {
        let mut active = ActiveRun::take_over(self.clone(), id, Some(&order.operator), None)?;
        let (events, text) = match on_idle(&active, order) {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        let mut progress = active.progress().clone();
        for event in &events {
            if let Err(error) = progress.apply(None, event) {
                return Ok(Err(error.why));
            }
        }
        let (tell, told) = sync_channel(1);
        let rows = events.into_iter().map(|event| (None, event)).collect();
        active.append(
            rows,
            move || progress.totals(),
            move |result| {
                // The receiver is kept until the answer is there.
                let _ = tell.send(result.map(|_| ()));
            },
        );
        told.recv()
            .unwrap_or_else(|_| Err(JournalError::ReadOnly(self.path().to_owned())))?;
        Ok(Ok(text))
    }

    /// What the holder answered: done, or why not; `None` while it has not.
    pub fn answer_to(&self, id: OrderId) -> Result<Option<Result<String, String>>, JournalError> {
        let row = self
            .reader()
            .query_row(
                "SELECT done, answer FROM orders WHERE id = ?1 AND done IS NOT NULL",
                [id.0],
                |row| Ok((row.get::<_, bool>(0)?, row.get::<_, Option<String>>(1)?)),
            )
            .optional()
            .map_err(|error| self.read_error(error))?;
        Ok(row.map(|(done, answer)| {
            let answer = answer.unwrap_or_default();
            if done { Ok(answer) } else { Err(answer) }
        }))
    }

    pub(super) fn orders_after(
        &self,
        run: i64,
        heard: i64,
    ) -> Result<Vec<(OrderId, Order)>, JournalError> {
        let rows: Vec<(i64, String, String, Option<String>)> = self
            .reader()
            .prepare_cached(
                "SELECT id, operator, command, argument FROM orders WHERE run = ?1 AND id > ?2 ORDER BY id",
            )
            .and_then(|mut query| {
                query
                    .query_map(params![run, heard], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                    })?
                    .collect()
            })
            .map_err(|error| self.read_error(error))?;
        let order = |(id, operator, command, argument): (i64, String, String, Option<String>)| {
            let command = match command.as_str() {
                "pause" => Command::Pause,
                "resume" => Command::Resume,
                "approve" => Command::Approve(argument),
                "abort" => Command::Abort,
                // Of a newer program: nobody answers, and whoever gave it is told so after a while.
                _ => return None,
            };
            Some((OrderId(id), Order { command, operator }))
        };
        Ok(rows.into_iter().filter_map(order).collect())
    }

    pub(super) fn answer(&self, id: OrderId, answer: Result<String, String>) {
        let (done, text) = match answer {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        if let Ok(writer) = self.writer() {
            writer.submit(
                Box::new(move |db| {
                    db.execute(
                        "UPDATE orders SET done = ?2, answer = ?3 WHERE id = ?1",
                        params![id.0, done, text],
                    )
                    .map(|_| ())
                }),
                Box::new(|_| {}),
            );
        }
    }
}

/// What an order means for a run without a holder: the events, and what to tell whoever gave it.
fn on_idle(active: &ActiveRun, order: &Order) -> Result<(Vec<EventKind>, String), String> {
    let (progress, spec) = (active.progress(), active.spec());
    let operator = order.operator.clone();
    match &order.command {
        Command::Pause => Err("nobody works on it at the moment".to_owned()),
        Command::Resume => Err("nobody works on it; take it over with resume".to_owned()),
        Command::Approve(wanted) => {
            let ring = progress.awaiting_approval();
            let Some((ring, plan)) =
                ring.and_then(|ring| Some((ring, spec.rings.get(ring as usize)?)))
            else {
                return Err("no ring waits for an approval".to_owned());
            };
            let name = plan.name.clone();
            if let Some(other) = wanted.as_ref().filter(|wanted| **wanted != name) {
                return Err(format!(
                    "ring '{name}' waits for an approval, not ring '{other}'"
                ));
            }
            let text = format!(
                "ring '{name}' is approved; nobody works on the run: winfleet resume {}",
                spec.id
            );
            Ok((
                vec![EventKind::RingApproved {
                    ring,
                    name,
                    operator,
                }],
                text,
            ))
        }
        Command::Abort if progress.state.is_final() => {
            Err(format!("it has ended ({})", progress.state))
        }
        Command::Abort => {
            let state = RunState::Cancelled;
            let cause = StopCause::Abort;
            let ending = Ending {
                state,
                stopped: Some(cause),
                rolled_back: progress.rollback.is_some(),
                totals: progress.totals(),
            };
            let detail = format!("aborted by {operator}");
            let finished = EventKind::RunFinished {
                state,
                exit_code: exit_code(&ending),
            };
            let text = "aborted: it can be rolled back, not resumed".to_owned();
            Ok((
                vec![EventKind::StopRequested { cause, detail }, finished],
                text,
            ))
        }
    }
}
