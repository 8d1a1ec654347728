//! What a playbook may ask of a host, and the judgements made from it.
//!
//! Holds data and pure decisions; how a fact is read from a host is the session's business.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which facts a playbook needs. Each bit costs the host some requests, so nothing unasked is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactSet {
    /// F1: build, update build revision, edition, installation type.
    pub os: bool,
    /// F3, F4, F5 (and F1's build): branch and version of the EDR sensor.
    pub sensor: bool,
    /// F8: chassis types.
    pub chassis: bool,
}

impl FactSet {
    /// True where nothing has to be read.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// The facts read from one host. `None`: not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// F1.
    pub os: Option<OsFacts>,
    /// F3 to F5.
    pub sensor: Option<SensorFacts>,
    /// F8.
    pub chassis: Option<ChassisFacts>,
}

/// F1: the operating system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsFacts {
    /// `CurrentBuildNumber`, e.g. 17763.
    pub build: u32,
    /// Update build revision (`UBR`).
    pub ubr: u32,
    /// `EditionID`, e.g. `Enterprise`.
    pub edition: String,
    /// `InstallationType`: `Client`, `Server`, `Server Core`.
    pub installation_type: String,
}

impl OsFacts {
    /// True for every server edition.
    pub fn is_server(&self) -> bool {
        self.installation_type
            .to_ascii_lowercase()
            .starts_with("server")
    }
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SensorBranch {
    /// Part of Windows 10 1809+, 11, Server 2019+.
    InBox,
    /// The unified agent of Server 2012 R2 and 2016.
    UnifiedAgent,
    /// Windows 10 1607..1803 in-box, or an MMA host: the gate does not apply.
    Other,
}

/// F3 to F5: the EDR sensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensorFacts {
    /// The service `Sense` exists.
    pub present: bool,
    /// The line of releases.
    pub branch: SensorBranch,
    /// Version of `MsSense.exe`, where it could be read.
    pub version: Option<Version>,
}

impl SensorFacts {
    /// S24: whether this sensor honours `PreferStaticProxyForHttpRequest`. In-box sensors from 10.8210, the
    /// unified agent from 10.8049; anything else, or an unknown version, does not.
    pub fn prefers_static_proxy(&self) -> bool {
        let floor = match self.branch {
            SensorBranch::InBox => (10, 8210),
            SensorBranch::UnifiedAgent => (10, 8049),
            SensorBranch::Other => return false,
        };
        self.present
            && self
                .version
                .is_some_and(|Version([major, minor, ..])| (major, minor) >= floor)
    }
}

/// Decides the branch (defender-proxy 4.3) from the build, the kind of installation and the presence of the
/// unified agent.
pub fn sensor_branch(os: &OsFacts, unified_agent: bool) -> SensorBranch {
    match os.build {
        9600 | 14393 if os.is_server() && unified_agent => SensorBranch::UnifiedAgent,
        build if build >= 17763 && !unified_agent => SensorBranch::InBox,
        _ => SensorBranch::Other,
    }
}

/// F8: the chassis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChassisFacts {
    /// `Win32_SystemEnclosure.ChassisTypes`, of all enclosures.
    pub types: Vec<u16>,
}

impl ChassisFacts {
    /// True where one of the types is a portable form (S11).
    pub fn portable(&self) -> bool {
        self.types
            .iter()
            .any(|kind| matches!(kind, 8 | 9 | 10 | 11 | 14 | 30 | 31 | 32))
    }
}
