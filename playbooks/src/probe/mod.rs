//! Probes: what is asked of a host to prove that a proxy works, and how the answer is judged (reference section 3).
//!
//! Pure: a probe says which facts it reads and how evidence becomes a verdict; who asks the host is `session`, who
//! lets the verdict count is `rollout`. The words a probe can end with are in `finding.rs`, the kinds in `table.rs`,
//! the playbook's form in `declared.rs`; the rest are the judgements.

mod compiled;
mod declared;
pub mod events;
mod finding;
pub mod maps;
pub mod road;
mod settled;
mod table;
mod targets;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use declared::ProbeFields;
pub use declared::ProbeStep;
pub use finding::{Finding, Grade, TargetVerdict, Verdict};
pub use table::{PROBES, ProbeRow};
pub(crate) use targets::{CONNECTIVITY, REGIONS};
pub use targets::{Connectivity, Region, named_by_host, regional};

/// One probe as it is put to one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostProbe {
    /// Its name in the playbook.
    pub name: String,
    /// What is asked.
    #[serde(flatten)]
    pub probe: Probe,
    /// As whom its programs run on the host.
    #[serde(default, rename = "as", skip_serializing_if = "RunAs::is_account")]
    pub run_as: RunAs,
    /// Before the first write: a proxy that does not work leaves the host unchanged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub candidate: bool,
}

/// As whom a probe's programs run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunAs {
    /// As the account of the run, in its WinRM shell: nothing is left on the host.
    #[default]
    Account,
    /// As LocalSystem, as the services do: by a one-shot scheduled task, which is removed.
    System,
}

impl RunAs {
    /// The word in playbooks and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::System => "system",
        }
    }

    /// True for the usual way.
    pub fn is_account(&self) -> bool {
        *self == Self::Account
    }
}

/// The words of `as`.
pub(crate) const RUN_AS: [(&str, RunAs); 2] =
    [("account", RunAs::Account), ("system", RunAs::System)];

/// What is asked, with nothing left to render.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "probe", rename_all = "snake_case")]
pub enum Probe {
    /// V1: the machine-wide WinHTTP proxy is this one; `None`: direct.
    WinhttpIs {
        /// As in `WinHttpSettings`.
        server: Option<String>,
    },
    /// V2: what Antivirus goes by after it merged policy and preference.
    AvEffective {
        /// Its proxy.
        server: Option<String>,
        /// Its automatic configuration.
        pac_url: Option<String>,
        /// How long it may take to show.
        #[serde(with = "seconds")]
        #[schemars(with = "u64")]
        within: Duration,
    },
    /// V3: the host gets a TCP connection to the proxy.
    ProxyTcp {
        /// `host:port`.
        via: String,
    },
    /// V4: the host reaches these addresses through the proxy.
    ProxyConnect {
        /// `host:port`; `None`: without proxy.
        via: Option<String>,
        /// What is to be reached.
        to: To,
    },
    /// V5: Antivirus reaches its cloud, by its own test.
    Maps {
        /// Asked a second time after so long, because Antivirus remembers the last proxy that worked (S33).
        #[serde(with = "seconds")]
        #[schemars(with = "u64")]
        again_after: Duration,
    },
    /// V6: the sensor's log speaks of a connection since the push.
    SensorEvents {
        /// How long it may take.
        #[serde(with = "seconds")]
        #[schemars(with = "u64")]
        within: Duration,
    },
    /// V8: these services run.
    Services {
        /// Their names.
        names: Vec<String>,
    },
    /// V7: the sensor has been in contact since the push.
    SensorConnected {
        /// How long it may take.
        #[serde(with = "seconds")]
        #[schemars(with = "u64")]
        within: Duration,
    },
    /// S35, S36: definitions have a way onto the host.
    Updates {},
}

/// What is to be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// What the host's own onboarding names.
    Defender {
        /// Every address of its region, not one of each channel.
        all: bool,
    },
    /// These.
    Urls(Vec<String>),
}

/// Durations as whole seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}

impl Probe {
    /// The word of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::WinhttpIs { .. } => "winhttp_is",
            Self::AvEffective { .. } => "av_effective",
            Self::ProxyTcp { .. } => "proxy_tcp",
            Self::ProxyConnect { .. } => "proxy_connect",
            Self::Maps { .. } => "maps",
            Self::SensorEvents { .. } => "sensor_events",
            Self::Services { .. } => "services",
            Self::SensorConnected { .. } => "sensor_connected",
            Self::Updates {} => "updates",
        }
    }

    /// How long a red or unclear answer may still turn green.
    pub fn within(&self) -> Duration {
        match self {
            Self::AvEffective { within, .. }
            | Self::SensorConnected { within }
            | Self::SensorEvents { within } => *within,
            _ => Duration::ZERO,
        }
    }

    /// A green answer counts only if it is green again after so long.
    pub fn again_after(&self) -> Duration {
        match self {
            Self::Maps { again_after } => *again_after,
            _ => Duration::ZERO,
        }
    }

    /// It compares with the moment of the push.
    pub fn needs_since(&self) -> bool {
        matches!(
            self,
            Self::SensorConnected { .. } | Self::SensorEvents { .. }
        )
    }
}
