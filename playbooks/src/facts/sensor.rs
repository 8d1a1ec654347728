//! The version gate of `PreferStaticProxyForHttpRequest` (S24, reference 4.3): one function for the whole product.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Fact, Facts};

/// A four-part version as Windows writes it; missing parts are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(pub [u32; 4]);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = [0; 4];
        let mut count = 0;
        for piece in text.trim().split('.') {
            let slot = parts
                .get_mut(count)
                .ok_or_else(|| format!("'{text}' has more than four parts"))?;
            *slot = piece
                .parse()
                .map_err(|_| format!("'{text}' is not a version"))?;
            count += 1;
        }
        if count < 2 {
            Err(format!("'{text}' is not a version"))
        } else {
            Ok(Self(parts))
        }
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

/// Which line of sensor releases a host runs; the version gate differs per line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorBranch {
    /// Part of Windows 10 1809+, 11, Server 2019+.
    InBox,
    /// The unified agent of Server 2012 R2 and 2016.
    UnifiedAgent,
    /// Windows 10 1607..1803 in-box, or an MMA host: the gate does not apply.
    Other,
}

impl SensorBranch {
    /// The word in conditions and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InBox => "in_box",
            Self::UnifiedAgent => "unified_agent",
            Self::Other => "other",
        }
    }

    /// The branch of that word.
    pub fn named(word: &str) -> Option<Self> {
        [Self::InBox, Self::UnifiedAgent, Self::Other]
            .into_iter()
            .find(|branch| branch.as_str() == word)
    }

    /// The first release of the branch that honours the value, as major and minor number.
    pub fn gate(self) -> Option<(u32, u32)> {
        match self {
            Self::InBox => Some((10, 8210)),
            Self::UnifiedAgent => Some((10, 8049)),
            Self::Other => None,
        }
    }
}

/// Decides the branch from the build, the kind of installation and the presence of the unified agent.
pub fn sensor_branch(build: u32, server: bool, unified_agent: bool) -> SensorBranch {
    match build {
        9600 | 14393 if server && unified_agent => SensorBranch::UnifiedAgent,
        17763.. if !unified_agent => SensorBranch::InBox,
        _ => SensorBranch::Other,
    }
}

/// S24: whether a sensor honours `PreferStaticProxyForHttpRequest`. In-box sensors from 10.8210, the unified agent
/// from 10.8049, by the first two parts as numbers; anything else, or an unknown version, does not.
pub fn honours_prefer_static(branch: SensorBranch, version: Option<Version>) -> bool {
    match (branch.gate(), version) {
        (Some(gate), Some(Version([major, minor, ..]))) => (major, minor) >= gate,
        _ => false,
    }
}

/// Why a step whose gate is this fact is left out on a host; `None` where it is carried out.
pub(crate) fn below_gate(gate: Fact, facts: Option<&Facts>) -> Option<String> {
    let facts = facts?;
    if facts.flag(gate) == Some(true) {
        return None;
    }
    if facts.flag(Fact::SensorPresent) == Some(false) {
        return Some("there is no EDR sensor".to_owned());
    }
    let unread = [
        Fact::SensorPresent,
        Fact::SensorBranch,
        Fact::SensorVersion,
        gate,
    ];
    let unread = unread.into_iter().find_map(|fact| facts.unread(fact));
    if let Some(why) = unread {
        return Some(format!(
            "whether the sensor honours PreferStaticProxyForHttpRequest is not known: {why}"
        ));
    }
    let branch = facts.sensor_branch().unwrap_or(SensorBranch::Other);
    let wanted = branch
        .gate()
        .map(|(major, minor)| format!("{major}.{minor}"));
    Some(match (wanted, facts.version(Fact::SensorVersion)) {
        (None, _) => {
            "the sensor of this Windows does not know PreferStaticProxyForHttpRequest in any version"
                .to_owned()
        }
        (Some(wanted), Some(found)) => format!(
            "the sensor {found} ignores PreferStaticProxyForHttpRequest: it is honoured from {wanted} on ({})",
            branch.as_str()
        ),
        (Some(wanted), None) => format!(
            "the sensor's version is not known; PreferStaticProxyForHttpRequest is honoured from {wanted} on ({})",
            branch.as_str()
        ),
    })
}
