//! Verbs that only look: at files, or at hosts to which they write nothing.

use std::path::PathBuf;

use clap::Args;

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

/// `audit`
#[derive(Args, Debug)]
pub struct Audit {
    /// Compare with what this run left (id, a unique beginning of it, or 'last') instead of with a playbook (-i, -p)
    #[arg(long, value_name = "RUN")]
    pub against: Option<String>,
    /// Look for what a run that was killed left on its hosts (markers of host_marker, tasks of probes), instead of for values
    #[arg(long)]
    pub leftovers: bool,
    /// How many hosts are read at once
    #[arg(long, value_name = "N", default_value_t = playbooks::DEFAULT_MAX_PARALLEL, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_parallel: u32,
}
