//! One file per verb; each turns its arguments into a result on stdout and an exit code.

mod audit;
mod catch_up;
mod check;
mod completions;
mod credential;
mod explain;
mod export;
pub(crate) mod facts;
mod hosts;
mod man;
mod ping;
mod plan;
mod push;
#[cfg(feature = "rehearse")]
mod rehearse;
mod report;
mod resume;
mod rollback;
mod runs;
mod schema;
#[cfg(feature = "rehearse")]
pub(crate) mod simulate;
mod status;
mod steer;
mod takes;
mod verify;

#[cfg(test)]
pub(crate) use ping::described as ping_checks;
use rollout::state::Command;

use crate::args::{Cli, Verb};
use crate::failure::Outcome;

/// Carries the verb out.
pub(crate) fn run(mut cli: Cli) -> Outcome {
    takes::check(&cli)?;
    let void = match &cli.verb {
        Verb::Push(push) => Some(&push.void),
        Verb::Rollback(rollback) => Some(&rollback.void),
        Verb::Resume(resume) => Some(&resume.void),
        Verb::CatchUp(catch_up) => Some(&catch_up.void),
        _ => None,
    };
    cli.global.void = void.cloned().unwrap_or_default();
    let global = &cli.global;
    match cli.verb {
        Verb::Check(check) => check::run(global, &check),
        Verb::Hosts => hosts::run(global),
        Verb::Ping(ping) => ping::run(global, &ping),
        Verb::Plan(plan) => plan::run(global, &plan),
        Verb::Audit(audit) => audit::run(global, &audit),
        Verb::Push(push) => push::run(global, &push),
        Verb::Rollback(rollback) => rollback::run(global, &rollback),
        Verb::Resume(resume) => resume::run(global, &resume),
        Verb::Runs(runs) => runs::run(global, &runs),
        Verb::Verify(verify) => verify::run(global, &verify),
        Verb::Status(status) => status::run(global, &status),
        Verb::Pause(run) => steer::run(global, &run.run, Command::Pause),
        Verb::Approve(approve) => steer::run(global, &approve.run, Command::Approve(approve.ring)),
        Verb::Abort(run) => steer::run(global, &run.run, Command::Abort),
        Verb::Report(report) => report::run(global, &report),
        #[cfg(feature = "rehearse")]
        Verb::Rehearse(rehearse) => rehearse::run(global, &rehearse),
        #[cfg(feature = "rehearse")]
        Verb::Simulate => simulate::run(),
        Verb::Credential(credential) => credential::run(global, &credential),
        Verb::Completions { shell } => completions::run(shell),
        Verb::CatchUp(catch_up) => catch_up::run(global, &catch_up),
        Verb::Facts(facts) => facts::run(global, &facts),
        Verb::Explain(explain) => explain::run(global, &explain),
        Verb::Export(export) => export::run(global, &export),
        Verb::Schema { of } => schema::run(of),
        Verb::Man { out } => man::run(global, out.as_deref()),
    }
}
