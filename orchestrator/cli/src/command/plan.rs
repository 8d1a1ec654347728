//! `plan`: what a push would do, read from every host. Writes to none, by the types it gets (`look.rs`).

use std::path::Path;
use std::sync::Arc;

use playbooks::Playbook;
use report::plan::Plan as View;
use rollout::{PlannedStep, Reading, RunSpec, Severity, Verb, WouldWrite, render_plan};

use crate::args::{Global, Output, Plan};
use crate::failure::{Failure, Outcome, Sent};
use crate::{drive, exit_code, files, look, out, plan_file};

/// Reads the hosts and shows what would be done.
pub(crate) fn run(global: &Global, plan: &Plan) -> Outcome {
    let (inventory, playbook) = (files::inventory(global)?, files::playbook(global)?);
    let (spec, unread) = super::push::spec(global, &inventory, &playbook, Verb::Push)?;
    unread.told(carry_out(global, spec, playbook, plan))
}

/// [`run`] for a run that is prepared.
pub(crate) fn carry_out(
    global: &Global,
    spec: RunSpec,
    playbook: Playbook,
    plan: &Plan,
) -> Outcome {
    drive::credentials_at_hand(&spec)?;
    if let Some(path) = &plan.out {
        plan_file::writable(path)?;
    }
    let question = WouldWrite::new(playbook, &spec);
    let spec = Arc::new(spec);
    let Some(readings) = look::read(global, &spec, question, plan.max_parallel)? else {
        return Ok(exit_code::INTERRUPTED);
    };
    let found = readings.iter().map(|reading| match reading {
        Reading::Read { answer, .. } => Ok(answer.as_slice()),
        Reading::Unread(error) => Err(error),
    });
    let mut view = View::new(&spec, found);
    view.verbose = global.verbose > 0;
    match &plan.out {
        // A plan of hosts that were not even asked would leave them all to catch-up.
        Some(_) if view.any_unread(Severity::Guarded) => {
            out::note("no plan is written: the credential guard tripped");
        }
        Some(path) => view.hash = Some(write(path, &spec, &readings)?),
        None => {}
    }
    out::result(&rendered(global, &view)).map_err(|failure| failure.sent(Sent::OnlyRead))?;
    if let (Some(path), Some(_), false) = (&plan.out, &view.hash, global.quiet) {
        out::note(&format!(
            "plan written to {0}; carry it out with: winfleet push --plan {0}",
            path.display()
        ));
    }
    let pending = plan.detailed_exitcode && view.pending();
    let otherwise = if pending {
        exit_code::CHANGES_PENDING
    } else {
        exit_code::DONE
    };
    let failed = |severity| {
        view.any_unread(severity) || (severity == Severity::Failed && view.any_conflict())
    };
    Ok(look::code(failed, otherwise))
}

/// The plan in the form asked for.
pub(crate) fn rendered(global: &Global, view: &View<'_>) -> String {
    match global.output {
        Output::Table => view.table(),
        Output::Json => report::json::pretty(&view.json()),
        Output::Jsonl => view.lines().map(|line| report::json::line(&line)).collect(),
        Output::Csv => view.csv(),
    }
}

fn write(
    path: &Path,
    spec: &RunSpec,
    readings: &[Reading<Vec<PlannedStep>>],
) -> Result<String, Failure> {
    let (text, hash) = render_plan(spec, readings, jiff::Timestamp::now())
        .map_err(|error| Failure::caused("cannot make the plan", &error).sent(Sent::OnlyRead))?;
    plan_file::write(path, &text).map_err(|failure| failure.sent(Sent::OnlyRead))?;
    Ok(hash)
}
