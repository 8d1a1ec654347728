//! What a run is asked to do: the input of the engine, and what the journal keeps so that a resume needs no file.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use document::Document;
use inventory::{Credential, Host};
use playbooks::{Gates, HostScope, Limits, Observed, OnBreach, Playbook, Retries, Target, Vars};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Trace;
use crate::fleet::Undo;

/// Name of a run: eleven characters, sorted by time, typed by people (`0tq4c1n-k7xd`). `last` and any unique
/// prefix stand for it on the command line, see [`crate::Journal::resolve`].
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A new id from the clock and a random number.
    pub fn new(now: jiff::Timestamp, random: u32) -> Self {
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        Self(format!(
            "{}-{}",
            crockford(seconds, 7),
            crockford(u64::from(random), 4)
        ))
    }

    /// A new id from the system's clock and random source.
    pub fn generate() -> Self {
        Self::new(jiff::Timestamp::now(), uuid::Uuid::new_v4().as_fields().0)
    }

    /// Takes the text as it is.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn crockford(number: u64, digits: u32) -> String {
    // No i, l, o, u: they are misread.
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    (0..digits)
        .rev()
        .map(|place| char::from(ALPHABET[(number >> (place * 5) & 31) as usize]))
        .collect()
}

/// What kind of run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Apply a playbook.
    Push,
    /// Take back what an earlier run changed.
    Rollback,
    /// `rollback --mode delete`: apply the playbook's removal.
    RollbackDelete,
}

impl Verb {
    /// The word in reports, as serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Rollback => "rollback",
            Self::RollbackDelete => "rollback_delete",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The playbook of a run, with its text: the journal needs no file later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaybookRecord {
    /// Name inside the playbook.
    pub name: String,
    /// Path as the user typed it, for messages.
    pub file: String,
    /// The whole text.
    pub text: String,
    /// SHA-256 of the text, lower-case hex.
    pub digest: String,
}

impl PlaybookRecord {
    /// The playbook itself; `None` where this version of winfleet does not read the text, e.g. one of a newer version.
    pub fn loaded(&self) -> Option<Playbook> {
        let document = Document {
            name: self.file.clone(),
            text: self.text.clone(),
        };
        Playbook::load(&document).ok()
    }
}

/// One ring as it is carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingPlan {
    /// Its name.
    pub name: String,
    /// How many hosts at once.
    pub max_parallel: u32,
    /// Over this ring's hosts.
    pub limits: Limits,
    /// What a breach of this ring's limits does.
    pub on_breach: OnBreach,
    /// What it waits for.
    pub gates: Gates,
    /// How many hosts of the run are in it.
    pub hosts: u32,
}

/// Everything a run is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSpec {
    /// New and unique.
    pub id: RunId,
    /// Kind of run.
    pub verb: Verb,
    /// True where the hosts are simulated: such a run is never resumed or rolled back against real hosts.
    pub simulated: bool,
    /// Who asked for it (`user@machine`).
    pub operator: String,
    /// `--reason`: a ticket.
    pub reason: Option<String>,
    /// What is applied. For a rollback: the source run's.
    pub playbook: PlaybookRecord,
    /// In the order they are worked off.
    pub rings: Vec<RingPlan>,
    /// Over all hosts of the run.
    pub limits: Limits,
    /// What a breach of the run-wide limits does.
    pub on_breach: OnBreach,
    /// After so long (from the start, or from a resume) no host is started.
    pub deadline: Option<Duration>,
    /// Hosts of a group that may be in flight at once.
    pub groups: BTreeMap<String, u32>,
    /// What may be tried again.
    pub retries: Retries,
    /// In the order they are started within their ring.
    pub hosts: Vec<HostSpec>,
    /// The run that a rollback takes back.
    pub source_run: Option<RunId>,
    /// SHA-256 of the plan file that is carried out, lower-case hex.
    pub plan_hash: Option<String>,
}

impl RunSpec {
    /// What templates and conditions see of each host, before it is read. With its resolved variables, which the scope
    /// borrows.
    pub fn scoped<T>(&self, host: &HostSpec, see: impl FnOnce(&HostScope<'_>) -> T) -> T {
        let vars = Vars(host.vars.clone());
        see(&HostScope {
            name: host.host.name.as_str(),
            short: host.host.name.short(),
            ring: self.rings.get(host.ring).map(|ring| ring.name.as_str()),
            groups: &host.host.groups,
            vars: &vars,
        })
    }
}

/// Resolved variables of one host.
pub type Variables = BTreeMap<String, serde_json::Value>;

/// One host of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct HostSpec {
    /// Name, settings, groups. Read back from a journal, settings have lost their origins, and `host.vars` is
    /// empty: `vars` has what counts.
    pub host: Host,
    /// Index into [`RunSpec::rings`].
    pub ring: usize,
    /// Resolved against the playbook's declarations.
    pub vars: Variables,
    /// The reference that `host.settings.credential` names; never a secret.
    pub credential: Option<Credential>,
    /// What to do.
    pub work: HostWork,
    /// What a plan file saw of it. Holds for [`HostWork::Apply`].
    pub planned: Option<Planned>,
}

/// What a plan file says of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// It was read: nothing is written to it unless the same is found again.
    Read {
        /// See [`crate::prior_digest`].
        digest: String,
        /// What was found, to name what moved.
        found: Vec<(Target, Observed)>,
    },
    /// It could not be read: it is left to a later `catch-up`.
    Unread {
        /// Why, for people. Remote text in it is untrusted.
        cause: String,
    },
}

/// What is to be done on one host.
#[derive(Clone, Debug, PartialEq)]
pub enum HostWork {
    /// Compile the run's playbook for this host and apply it.
    Apply,
    /// Take values back.
    Undo {
        /// The machine that was changed: another one under the same name is `failed: wrong_host`.
        expected_guid: Option<String>,
        /// In the order they are carried out: the reverse of how they were written.
        steps: Vec<UndoStep>,
        /// What the run that is taken back may have left there when it died.
        traces: Vec<Trace>,
    },
}

/// The values of one original step that are taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoStep {
    /// The original step's name.
    pub name: String,
    /// In the order they are carried out.
    pub items: Vec<Undo>,
}
