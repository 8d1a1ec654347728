//! The program `winfleet`: arguments, files, credentials, wiring, exit codes.
//!
//! The one place that prints, exits and reads keyring and environment. It decides nothing about hosts: what is
//! done is `rollout`'s, how it reaches a host is `session`'s, what is shown of it is `report`'s. Start reading at
//! `args.rs` (what can be asked), then `command/` (one file per verb); `prepare.rs` turns files into a run and
//! `drive.rs` carries it out.

pub mod args;
mod command;
mod confirm;
mod credential;
mod drive;
mod event_file;
pub mod exit_code;
mod failure;
mod files;
#[cfg(test)]
mod guide;
mod host_name;
mod interrupt;
mod journal;
mod log;
mod look;
mod out;
mod plan_file;
mod prepare;
mod rings;
mod selection;
mod settings;
mod state_dir;
mod trace;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::Cli;
use crate::failure::Failure;

/// The whole program: parses `args` (the first is the program's name), does what they say, prints, and returns
/// the code to exit with (see [`exit_code`]).
pub fn main_with(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let code = match Cli::try_parse_from(args) {
        Ok(cli) => carry_out(cli),
        Err(error) => usage(&error),
    };
    exit_code::process_code(code)
}

/// Help and version are results; everything else is a usage error, which is 1 here and not clap's 2, because 2
/// means "changes pending".
fn usage(error: &clap::Error) -> u8 {
    // A closed terminal is no reason for another message.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => exit_code::DONE,
        _ => {
            out::note("nothing was sent to any host");
            exit_code::ERROR
        }
    }
}

fn carry_out(cli: Cli) -> u8 {
    log::start(cli.global.verbose);
    // A panic has printed its message; it is an internal error like any other.
    let outcome = catch_unwind(AssertUnwindSafe(|| command::run(cli))).unwrap_or_else(|_| {
        Err(Failure::new("internal error")
            .hint("the message above says where")
            .sent(failure::Sent::Perhaps))
    });
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            out::message(&failure.render());
            failure.code
        }
    }
}
