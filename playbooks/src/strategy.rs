//! How a playbook is rolled out: rings in order, how many hosts at once, and when to stop.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::window::Window;

/// The rollout block of a playbook, or the single implicit ring without one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strategy {
    /// In order; never empty.
    pub rings: Vec<Ring>,
    /// Limits over the whole run.
    pub limits: Limits,
    /// What a run-wide breach does.
    pub on_breach: OnBreach,
    /// Deadline of the whole run; after it no host is started.
    pub deadline: Option<Duration>,
    /// The first ring that has hosts proves its undo ([`Gates::prove_undo`]).
    pub prove_undo: bool,
    /// What keeps two controllers from interleaving on one host.
    pub host_marker: HostMarker,
    /// Hosts of a group that may be in flight at once, whatever their rings allow.
    pub groups: BTreeMap<String, u32>,
    /// What may be tried again.
    pub retries: Retries,
    /// True where the playbook has no `rollout` block.
    pub implicit: bool,
}

/// When a host carries a marker while it is written to, and when one of another run is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostMarker {
    /// No marker, and nobody's is looked for.
    Off,
    /// Markers of other runs are looked for on every host that is written to (one request); one is left where a value that
    /// stands there is changed or deleted. For playbooks that count requests: two runs that set values where none stand
    /// can interleave.
    Changes,
    /// One is left on every host that is written to. A host that cannot be asked (no WMI, no clock) is worked without.
    #[default]
    Auto,
    /// One is left on every host that is written to; a host that cannot be asked is not written to.
    Always,
}

/// One ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// Unique in the playbook.
    pub name: String,
    /// Selector text; the first ring that matches a host takes it. `rest` takes what is left.
    pub select: String,
    /// Line of `select` in the playbook, for messages; 0 where implicit.
    pub line: u32,
    /// How many hosts at once; at least 1.
    pub max_parallel: u32,
    /// Limits over this ring's hosts.
    pub limits: Limits,
    /// What a breach in this ring does; the run-wide setting where the ring names none.
    pub on_breach: OnBreach,
    /// The gates between this ring and the hosts of later ones, and those in front of it.
    pub gates: Gates,
}

/// What a ring waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates {
    /// After the last host of the ring ended, so long before a later ring starts.
    pub soak: Option<Duration>,
    /// After the soak a person has to approve before a later ring starts.
    pub approve: bool,
    /// Hosts of the ring are started only within one of these; empty: at any time.
    pub windows: Vec<Window>,
    /// What was applied on a host of the ring is taken back, compared and applied again; where that fails, or was
    /// done on no host at all, later rings do not start.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prove_undo: bool,
}

impl Gates {
    /// In words, for `check`, plans and confirmations; empty where there is none.
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self
            .windows
            .iter()
            .map(|window| format!("only {window}"))
            .collect();
        words.extend(
            self.soak
                .map(|soak| format!("soak {}", duration_text(soak))),
        );
        words.extend(self.approve.then(|| "approve".to_owned()));
        words.extend(self.prove_undo.then(|| "prove_undo".to_owned()));
        words
    }
}

/// As in files: `1h30m`.
pub fn duration_text(duration: Duration) -> String {
    let mut seconds = duration.as_secs();
    let mut text = String::new();
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if seconds >= length {
            text.push_str(&format!("{}{unit}", seconds / length));
            seconds %= length;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

/// How often contact is sought again where nothing was written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    /// Further attempts on one host.
    pub per_host: u32,
    /// Further attempts in the whole run; a share is one of its hosts.
    pub budget: Limit,
}

impl Retries {
    /// A share of a small fleet is nothing: at least so many.
    const LEAST: u64 = 10;

    /// Further attempts in a run of so many hosts.
    pub fn allowed(&self, hosts: usize) -> u64 {
        match self.budget {
            Limit::Count(count) => u64::from(count),
            Limit::Percent(0) => 0,
            Limit::Percent(_) => self.budget.allowed(hosts).max(Self::LEAST),
        }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            per_host: 2,
            budget: Limit::Percent(5_000),
        }
    }
}

/// The default of `max_parallel`.
pub const DEFAULT_MAX_PARALLEL: u32 = 100;

/// Upper bounds on bad outcomes; an absent limit is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Of `failed` hosts.
    pub max_failed: Option<Limit>,
    /// Of `unreachable` hosts.
    pub max_unreachable: Option<Limit>,
    /// Of `indeterminate` hosts.
    pub max_indeterminate: Option<Limit>,
}

/// A bound as a count or as a share of the hosts of its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum Limit {
    /// So many hosts.
    Count(u32),
    /// Basis points (hundredths of a percent) of the hosts of the ring or of the run: `2.5%` is 250.
    Percent(u32),
}

impl Limit {
    /// How many hosts may fall under it before it is breached: `floor(percent x hosts)`.
    pub fn allowed(self, hosts: usize) -> u64 {
        match self {
            Self::Count(count) => u64::from(count),
            Self::Percent(basis_points) => hosts as u64 * u64::from(basis_points) / 10_000,
        }
    }

    /// Breached when more than allowed.
    pub fn breached(self, count: usize, hosts: usize) -> bool {
        count as u64 > self.allowed(hosts)
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(percent) = text.trim().strip_suffix('%') else {
            let count = text.trim();
            let digits = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
            return digits
                .then(|| count.parse().ok().map(Self::Count))
                .flatten()
                .ok_or_else(|| format!("'{text}' is neither a number of hosts nor a percentage"));
        };
        let (whole, fraction) = percent
            .trim()
            .split_once('.')
            .unwrap_or((percent.trim(), ""));
        let bad =
            || format!("'{text}' is not a percentage between 0% and 100%, at most two decimals");
        let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > 3
            || fraction.len() > 2
            || !digits(whole)
            || !digits(fraction)
        {
            return Err(bad());
        }
        let points: u32 = format!("{whole}{fraction:0<2}")
            .parse()
            .map_err(|_| bad())?;
        if points > 10_000 {
            Err(bad())
        } else {
            Ok(Self::Percent(points))
        }
    }
}

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Limit> for String {
    fn from(limit: Limit) -> Self {
        limit.to_string()
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(points) if points % 100 == 0 => write!(f, "{}%", points / 100),
            Self::Percent(points) if points % 10 == 0 => {
                write!(f, "{}.{}%", points / 100, points % 100 / 10)
            }
            Self::Percent(points) => write!(f, "{}.{:02}%", points / 100, points % 100),
        }
    }
}

/// What a breach does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnBreach {
    /// No new host is started; the run ends.
    #[default]
    Stop,
    /// No new host is started; the run waits for a person.
    Pause,
    /// As stop, and the ring's changed hosts are taken back.
    RollbackRing,
    /// As stop, and every changed host of the run is taken back.
    RollbackRun,
}
