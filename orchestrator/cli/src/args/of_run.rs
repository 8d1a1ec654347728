//! Verbs about runs of the journal: lists, state, orders, reports, evidence.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// A run of the journal.
#[derive(Args, Debug)]
pub struct RunArgument {
    /// Id of the run, a unique beginning of it, or 'last'
    #[arg(value_name = "RUN")]
    pub run: String,
}

/// `runs`
#[derive(Args, Debug)]
pub struct Runs {
    /// Without it: the list.
    #[command(subcommand)]
    pub action: Option<RunsAction>,
}

/// What `runs` can do with one run.
#[derive(Debug, Subcommand)]
pub enum RunsAction {
    /// Write a run to a file: a colleague can report and roll back with it
    Export {
        /// Id of the run, a unique beginning of it, or 'last'
        #[arg(value_name = "RUN")]
        run: String,
        /// The file; must not exist
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Take a run from a file into the journal, once its chain of hashes is checked
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// `verify`
#[derive(Args, Debug)]
pub struct Verify {
    /// An exported run or a plan, or the id of a run of the journal, a unique beginning of it, or 'last'
    #[arg(value_name = "FILE|RUN")]
    pub what: String,
    /// Chain head that a report shows: the run has to end with it
    #[arg(long, value_name = "HEX")]
    pub head: Option<String>,
}

/// `status`
#[derive(Args, Debug)]
pub struct Status {
    /// Id of the run, a unique beginning of it, or 'last'
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Show it again whenever it changes, until it ends or waits for somebody
    #[arg(long)]
    pub watch: bool,
}

/// `approve`
#[derive(Args, Debug)]
pub struct Approve {
    /// Id of the run, a unique beginning of it, or 'last'
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The ring that is meant: refused where another one waits
    #[arg(long, value_name = "NAME")]
    pub ring: Option<String>,
}

/// `report`
#[derive(Args, Debug)]
pub struct Report {
    /// Id of the run, a unique beginning of it, or 'last'
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Form of the report [default: json, or that of -o; with --host a table]
    #[arg(long, value_enum, value_name = "FORM")]
    pub format: Option<ReportFormat>,
    /// Write the report to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Everything that happened with this one host, in order
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
}

/// Forms of `report`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// The whole run as one JSON document
    Json,
    /// One line per host and change
    Csv,
    /// One self-contained page for a browser: charts, causes, every host and value
    Html,
    /// For build servers: a test suite per ring, a test case per host
    Junit,
}
