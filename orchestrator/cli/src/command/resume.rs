//! `resume`: go on with a run where the journal ends.

use rollout::state::Command;
use rollout::{HostSpec, Outcome as HostOutcome, ResumeOptions};

use super::steer;
use crate::args::{Global, Only, Resume};
use crate::confirm;
use crate::drive::{self, Target};
use crate::failure::Outcome;
use crate::{journal, out};

/// Takes the run over and carries it to its end.
pub(crate) fn run(global: &Global, resume: &Resume) -> Outcome {
    let journal = journal::writable(global)?;
    let id = journal::resolve(&journal, &resume.run)?;
    journal::refuse_simulated(&journal, &id, "resumed")?;
    if journal.holder(&id).is_some() && resume.only.is_empty() {
        return steer::run(global, id.as_str(), Command::Resume);
    }
    let spec = journal
        .spec(&id)
        .map_err(|error| journal::failure(&error))?;
    drive::credentials_at_hand(&spec)?;
    let taken_back = journal::taken_back_by(&journal, &id);
    if let Some(by) = taken_back.map_err(|error| journal::failure(&error))? {
        out::note(&format!(
            "warning: run {} took hosts of this run back; going on is for the others, or for good reason",
            by.id
        ));
    }
    confirm::resume(global, &journal, &id)?;
    let overrides = journal::overrides(global)?;
    let adjust = |host: &mut HostSpec| journal::apply_override(&overrides, host);
    let only = resume.only.iter().map(|only| match only {
        Only::Failed => HostOutcome::Failed,
        Only::Unreachable => HostOutcome::Unreachable,
        Only::Indeterminate => HostOutcome::Indeterminate,
        Only::NotStarted => HostOutcome::NotStarted,
    });
    let options = ResumeOptions {
        only: only.collect(),
        hosts: None,
        operator: Some(drive::operator()),
        adjust: Some(&adjust),
    };
    let active = journal
        .resume_run(&id, options)
        .map_err(|error| journal::failure(&error))?;
    drive::carry_out(global, &journal, active, Target::Real)
}
