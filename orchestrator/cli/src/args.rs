//! The command line: verbs, flags and their help. Nothing is looked up or checked against files here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit_code;

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

/// `check`
#[derive(Args, Debug)]
pub struct Check {
    /// Inventories and playbooks, told apart by extension and content; -i and -p are taken too
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `ping`
#[derive(Args, Debug)]
pub struct Ping {
    /// Contact nobody: decode the messages in this file of --trace again, and say what they mean
    #[arg(long, value_name = "FILE", conflicts_with_all = ["trace", "inventory", "max_parallel"])]
    pub replay: Option<PathBuf>,
    /// How many hosts at once
    #[arg(long, value_name = "N", default_value_t = playbooks::DEFAULT_MAX_PARALLEL, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_parallel: u32,
}

/// `facts`
#[derive(Args, Debug)]
pub struct Facts {
    /// Facts or groups of them, e.g. os.build sensor; all where none is named
    #[arg(value_name = "FACT")]
    pub names: Vec<String>,
    /// Name every fact there is, with its type and meaning; no network
    #[arg(long)]
    pub list: bool,
    /// How many hosts at once
    #[arg(long, value_name = "N", default_value_t = playbooks::DEFAULT_MAX_PARALLEL, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_parallel: u32,
}

/// `explain`
#[derive(Args, Debug)]
pub struct Explain {
    /// The host: its name, a short name that is unique, or a selector of several
    #[arg(value_name = "HOST")]
    pub host: String,
    /// How many hosts at once
    #[arg(long, value_name = "N", default_value_t = playbooks::DEFAULT_MAX_PARALLEL, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_parallel: u32,
}

/// `export`
#[derive(Args, Debug)]
pub struct Export {
    /// reg: for 'reg import' and software distribution; gpo: a registry.pol
    #[arg(long, value_enum, value_name = "FORM")]
    pub to: ExportTo,
    /// The file; an existing one is replaced
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Say which run proved these values: it must have ended well with exactly this playbook and these values
    #[arg(long, value_name = "RUN")]
    pub proved_by: Option<String>,
    /// Export this step although its condition asks for the host or its facts; repeatable
    #[arg(long, value_name = "STEP")]
    pub with_step: Vec<String>,
    /// Leave this step out; repeatable
    #[arg(long, value_name = "STEP")]
    pub without_step: Vec<String>,
    /// Header marker of WinHttpSettings, with --to reg only [default: 0x18]
    #[arg(long, value_enum, value_name = "MARKER")]
    pub winhttp_marker: Option<WinHttpMarker>,
}

/// Forms of `export`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportTo {
    /// A .reg file
    Reg,
    /// A registry.pol
    Gpo,
}

/// The header markers of WinHttpSettings that were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WinHttpMarker {
    /// The one in Microsoft's article
    #[value(name = "0x18")]
    Hex18,
    /// The one that another tool writes
    #[value(name = "0x28")]
    Hex28,
}

/// `plan`
#[derive(Args, Debug)]
pub struct Plan {
    /// Write the plan to this file; 'push --plan FILE' then does exactly that
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 2 where changes are pending, with 0 where there are none
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// How many hosts are read at once
    #[arg(long, value_name = "N", default_value_t = playbooks::DEFAULT_MAX_PARALLEL, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_parallel: u32,
}

/// `push`
#[derive(Args, Debug)]
pub struct Push {
    /// Read every host, show what would change, and stop: nothing is written
    #[arg(long)]
    pub dry_run: bool,
    /// Do exactly what this file of 'plan --out' says; a host that moved since is refused. Takes no -i, -p, -e or -l
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// `audit`
#[derive(Args, Debug)]
pub struct Audit {
    /// Compare with what this run left (id, a unique beginning of it, or 'last') instead of with a playbook (-i, -p)
    #[arg(long, value_name = "RUN")]
    pub against: Option<String>,
    /// Look for what a run that was killed left on its hosts (markers of host_marker), instead of for values
    #[arg(long)]
    pub leftovers: bool,
    /// How many hosts are read at once
    #[arg(long, value_name = "N", default_value_t = playbooks::DEFAULT_MAX_PARALLEL, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_parallel: u32,
}

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

/// `rollback`
#[derive(Args, Debug)]
pub struct Rollback {
    /// Id of the run, a unique beginning of it, or 'last'; none with --mode delete
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Only the hosts of this ring; repeatable
    #[arg(long, value_name = "NAME")]
    pub ring: Vec<String>,
    /// restore: what was there before the run; delete: remove what the playbook (-i, -p) sets
    #[arg(long, value_enum, value_name = "MODE", default_value_t = Mode::Restore)]
    pub mode: Mode,
    /// Read every host, show what would be put back and what conflicts, and stop: nothing is written
    #[arg(long)]
    pub dry_run: bool,
    /// How many hosts at once, in every ring [default: that of the run's rings]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_parallel: Option<u32>,
    /// Stop when more hosts than this fail: a number, or a share such as 5% [default: go on]
    #[arg(long, value_name = "LIMIT")]
    pub max_failed: Option<playbooks::Limit>,
    /// Stop when more hosts than this are unreachable [default: go on]
    #[arg(long, value_name = "LIMIT")]
    pub max_unreachable: Option<playbooks::Limit>,
    /// Stop when more hosts than this are indeterminate [default: go on]
    #[arg(long, value_name = "LIMIT")]
    pub max_indeterminate: Option<playbooks::Limit>,
    /// What to do with values that somebody else changed since the run (--mode restore)
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = OnConflict::Skip)]
    pub on_conflict: OnConflict,
}

/// The two forms of taking back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Put back the recorded bytes
    Restore,
    /// Delete the playbook's values; needs no earlier run
    Delete,
}

/// What a rollback does with a value that is neither prior nor ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnConflict {
    /// Leave it and report the host as a conflict
    Skip,
    /// Put the prior state back all the same
    Force,
}

/// `resume`
#[derive(Args, Debug)]
pub struct Resume {
    /// Id of the run, a unique beginning of it, or 'last'
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Redo hosts with these outcomes; needed to reopen a run that has ended
    #[arg(long, value_enum, value_delimiter = ',', value_name = "OUTCOME,...")]
    pub only: Vec<Only>,
}

/// Outcomes that `resume --only` redoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// Hosts that said no
    Failed,
    /// Hosts that did not answer
    Unreachable,
    /// Hosts whose state is not known
    Indeterminate,
    /// Hosts that were never attempted
    #[value(name = "not_started", alias = "not-started")]
    NotStarted,
}

/// `catch-up`
#[derive(Args, Debug)]
pub struct CatchUp {
    /// Id of the run, a unique beginning of it, or 'last'
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Look again and again, this long apart (such as 15m), until no host is left or --for is over
    #[arg(long, value_name = "TIME", value_parser = time, requires = "lasting")]
    pub every: Option<std::time::Duration>,
    /// For how long (such as 14d)
    #[arg(long = "for", id = "lasting", value_name = "TIME", value_parser = time, requires = "every")]
    pub lasting: Option<std::time::Duration>,
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

/// What `schema` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// One line of --events
    Events,
    /// The document of report --format json
    Report,
    /// A YAML inventory, for editors
    Inventory,
    /// A playbook, for editors
    Playbook,
    /// The document of facts -o json
    Facts,
    /// The document of explain -o json
    Explain,
}

/// `rehearse`
#[cfg(feature = "rehearse")]
#[derive(Args, Debug)]
pub struct Rehearse {
    /// So many made-up hosts instead of an inventory
    #[arg(long, value_name = "N", conflicts_with = "inventory", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub hosts: Option<u32>,
    /// Faults of the simulated hosts (YAML; see the documentation of the simulated fleet)
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Seed of all that is made up: the same seed gives the same fleet. With another one than 1, hosts also differ in
    /// how they speak, as far as correct Windows hosts may
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Take the rehearsed run back afterwards and show that, too: as JSON it is the member 'rollback' of the run
    #[arg(long)]
    pub then_rollback: bool,
}

/// `credential`
#[derive(Debug, Subcommand)]
pub enum Credential {
    /// Store a password; asked at the terminal, or the first line of stdin
    Set {
        /// Name that inventories use: password: { keyring: NAME }
        name: String,
    },
    /// Names of the passwords stored with `set`
    List,
    /// Remove a password
    Delete {
        /// Its name
        name: String,
    },
    /// Can the password be read? With -i also for the inventory's other sources
    Test {
        /// Name of a credential of the inventory (-i), or of a keyring entry
        name: String,
        /// Log on to this host with it, once, reading only (needs -i)
        #[arg(long, value_name = "HOST", requires = "inventory")]
        on: Option<String>,
    },
}

fn time(text: &str) -> Result<std::time::Duration, String> {
    document::parse_duration(text).map_err(|error| error.to_string())
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
