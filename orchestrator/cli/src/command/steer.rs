//! `pause`, `approve`, `abort`, and `resume` of a run that somebody works on: words to its holder.

use std::time::{Duration, Instant};

use rollout::state::{Command, Order};
use rollout::{Journal, RunId};

use crate::args::Global;
use crate::failure::{Failure, Outcome};
use crate::{drive, exit_code, journal, out};

/// A holder asks for orders twice a second; one that is silent for so long hangs, or is of another version.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

/// Gives the order, and says what came of it.
///
/// # Errors
/// Refused (8) where the run does not take it.
pub(crate) fn run(global: &Global, text: &str, command: Command) -> Outcome {
    let journal = journal::writable(global)?;
    let id = journal::resolve(&journal, text)?;
    let order = Order {
        command,
        operator: drive::operator(),
    };
    let holder = journal.holder(&id);
    let answer = match &holder {
        Some(_) => match ask(&journal, &id, &order)? {
            Some(answer) => answer,
            // The holder ended before it heard.
            None => idle(&journal, &id, &order)?,
        },
        None => idle(&journal, &id, &order)?,
    };
    match answer {
        Ok(words) => {
            out::result(&format!("run {id}: {words}\n"))?;
            Ok(exit_code::DONE)
        }
        Err(why) => {
            // Asked again: one that had just begun had not said yet who it is.
            let holder = journal.holder(&id).or(holder);
            let by = holder.map_or_else(String::new, |holder| format!(" ({holder} works on it)"));
            let failure = Failure::refused(format!(
                "run {id} cannot take '{}': {why}{by}",
                order.command.as_str()
            ));
            Err(failure.hint(format!("winfleet status {id} says how it stands")))
        }
    }
}

fn idle(journal: &Journal, id: &RunId, order: &Order) -> Result<Result<String, String>, Failure> {
    journal
        .order_idle(id, order)
        .map_err(|error| journal::failure(&error))
}

/// Leaves the order and waits for the answer; `None` where the holder ended without one.
pub(crate) fn ask(
    journal: &Journal,
    id: &RunId,
    order: &Order,
) -> Result<Option<Result<String, String>>, Failure> {
    let failed = |error| journal::failure(&error);
    let given = journal.give_order(id, order).map_err(failed)?;
    let since = Instant::now();
    loop {
        // Asked before the answer is looked for: a holder that ended in between has answered by now.
        let held = journal.holder(id).is_some();
        if let Some(answer) = journal.answer_to(given).map_err(failed)? {
            return Ok(Some(answer));
        }
        if !held {
            return Ok(None);
        }
        if since.elapsed() > PATIENCE {
            return Err(Failure::new(format!(
                "the holder of run {id} has not answered for {} s",
                PATIENCE.as_secs()
            ))
            .hint("it takes the order when it looks again; winfleet status --watch shows that"));
        }
        std::thread::sleep(POLL);
    }
}
