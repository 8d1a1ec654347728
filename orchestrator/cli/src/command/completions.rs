//! `completions SHELL`: a completion script on stdout.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Outcome;
use crate::{exit_code, out};

/// Prints the script.
pub(crate) fn run(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "winfleet", &mut script);
    out::result(&String::from_utf8_lossy(&script))?;
    Ok(exit_code::DONE)
}
