//! Verbs that change hosts, real or simulated ones.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Whose markers on hosts keep nobody away any more.
#[derive(Args, Clone, Debug, Default)]
pub struct VoidMarkers {
    /// Go on where a marker of this run stands on a host: you know that nothing works for that run any more; repeatable
    #[arg(long = "void-marker", value_name = "RUN")]
    pub void_markers: Vec<String>,
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
    /// Dead controllers.
    #[command(flatten)]
    pub void: VoidMarkers,
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
    /// Dead controllers.
    #[command(flatten)]
    pub void: VoidMarkers,
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
    /// Dead controllers.
    #[command(flatten)]
    pub void: VoidMarkers,
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
    /// Dead controllers.
    #[command(flatten)]
    pub void: VoidMarkers,
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

fn time(text: &str) -> Result<std::time::Duration, String> {
    document::parse_duration(text).map_err(|error| error.to_string())
}
