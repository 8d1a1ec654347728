//! The command line: verbs, flags and their help. Nothing is looked up or checked against files here. What single verbs take
//! stands below `args/`, by subject.

mod change;
mod credential;
mod hand_over;
mod look;
mod of_run;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit_code;

#[cfg(feature = "rehearse")]
pub use change::Rehearse;
pub use change::{CatchUp, Mode, OnConflict, Only, Push, Resume, Rollback, VoidMarkers};
pub use credential::Credential;
pub use hand_over::{Export, ExportTo, SchemaOf, WinHttpMarker};
pub use look::{Audit, Check, Explain, Facts, Ping, Plan};
pub use of_run::{Approve, Report, ReportFormat, RunArgument, Runs, RunsAction, Status, Verify};

/// Push proxy settings to many Windows machines over WinRM, prove what happened, take it back.
#[derive(Debug, Parser)]
#[command(
    name = "winfleet",
    version,
    about,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Try it without any Windows machine:  winfleet rehearse --hosts 50",
    after_long_help = exit_code::help_table()
)]
pub struct Cli {
    /// Flags of all verbs.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Flags that the parser knows with every verb. Which of `-i`, `-p`, `-l` and `-e` a verb takes stands in
/// `command/takes.rs`; the others are refused.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Inventory file (.yaml, .csv, otherwise one host per line); several are united
    #[arg(short, long, value_name = "FILE", global = true)]
    pub inventory: Vec<PathBuf>,
    /// Playbook file
    #[arg(short, long, value_name = "FILE", global = true)]
    pub playbook: Option<PathBuf>,
    /// Only these hosts: glob, ring:NAME, group:NAME, @FILE, all; ',' union, '&' both, '!' without
    #[arg(short, long, value_name = "SELECTOR", global = true)]
    pub limit: Option<String>,
    /// Variable of the playbook; stronger than every file
    #[arg(short = 'e', long = "var", value_name = "KEY=VALUE", value_parser = key_value, global = true)]
    pub vars: Vec<(String, String)>,
    /// Form of the result on stdout
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t = Output::Table, global = true)]
    pub output: Output,
    /// Journal file [default: winfleet/journal.sqlite in the user's state directory]
    #[arg(long, value_name = "FILE", env = "WINFLEET_JOURNAL", global = true)]
    pub journal: Option<PathBuf>,
    /// Write every event of the run to this file, one JSON object per line
    #[arg(long, value_name = "FILE", global = true)]
    pub events: Option<PathBuf>,
    /// Write every message to and from the hosts to this new file, masked, for support: see ping --replay
    #[arg(long, value_name = "FILE", global = true)]
    pub trace: Option<PathBuf>,
    /// Why this is done (ticket); kept in the journal
    #[arg(long, value_name = "TEXT", global = true)]
    pub reason: Option<String>,
    /// More detail; twice: what the program does, three times: what it says to hosts (never secrets)
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// No progress, only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Do not ask for confirmation
    #[arg(long, global = true)]
    pub yes: bool,
    /// Never ask anything, even at a terminal
    #[arg(long, global = true)]
    pub no_input: bool,
    /// What the verb says of markers; kept here because it goes the way of these flags.
    #[arg(skip)]
    pub void: VoidMarkers,
}

/// The form of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One JSON object per line
    Jsonl,
    /// For spreadsheets
    Csv,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Read and check inventories and playbooks; contacts nobody
    Check(Check),
    /// Show the hosts with ring, groups and where each setting came from
    Hosts,
    /// Read-only: can each host be reached, logged on to and read? If not, why
    Ping(Ping),
    /// Read every host and show what a push would change, in groups; writes to none
    Plan(Plan),
    /// Roll a playbook out, ring by ring
    Push(Push),
    /// Take a run back, byte for byte, from the journal
    Rollback(Rollback),
    /// Go on with a run that was interrupted, or redo some of its hosts
    Resume(Resume),
    /// Past and live runs, newest first; or a run as a file, for a colleague
    Runs(Runs),
    /// How a run stands
    Status(Status),
    /// Start no further host of a live run; those in flight end
    Pause(RunArgument),
    /// Let the ring that waits for it pass
    Approve(Approve),
    /// End a run for good: no further host is started, and it cannot be resumed
    Abort(RunArgument),
    /// Who drifted, from what to what: compare hosts with a playbook or with what a run left; writes to none
    Audit(Audit),
    /// What a run did, host by host
    Report(Report),
    /// The same engine and protocol against simulated hosts on this machine
    #[cfg(feature = "rehearse")]
    Rehearse(Rehearse),
    /// Passwords in the operating system's keyring
    #[command(subcommand)]
    Credential(Credential),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// The simulated fleet of `rehearse`, in a process of its own.
    #[cfg(feature = "rehearse")]
    #[command(name = crate::command::simulate::VERB, hide = true)]
    Simulate,
    /// Take up the hosts of a run that were unreachable, under the same rings, windows and limits
    CatchUp(CatchUp),
    /// What can be known of each host; reads only
    Facts(Facts),
    /// Which proxy each component of a host will use, and why; reads only
    Explain(Explain),
    /// Is what the journal, an exported run or a plan says what was written when it happened?
    Verify(Verify),
    /// Hand a playbook over: its values as a .reg file, or as a registry.pol for group policy
    Export(Export),
    /// Print a JSON Schema of what the program reads or writes
    Schema {
        /// Of what
        #[arg(value_enum)]
        of: SchemaOf,
    },
    /// Print the manual page, or write those of all verbs into a folder
    Man {
        /// Write winfleet.1 and one page per verb into this folder
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("expected KEY=VALUE, such as -e proxy=10.0.0.6:8080")?;
    if key.trim().is_empty() {
        return Err("the name before '=' is empty".to_owned());
    }
    Ok((key.trim().to_owned(), value.to_owned()))
}
