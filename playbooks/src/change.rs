//! What a step asks of one host: targets and the state they are to have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::{Observed, RawValue, Target};
use crate::rules::same_proxy_value;
use crate::winhttp::{WinHttpProxy, WinHttpSettings};

/// The state one target is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "want", rename_all = "snake_case")]
pub enum Desired {
    /// Exactly this type and these bytes, written through the registry.
    Value(RawValue),
    /// No value under that name; the key is left alone.
    Absent,
    /// `netsh winhttp set proxy`; judged by the decoded `WinHttpSettings`, marker and counter ignored.
    WinHttp(WinHttpProxy),
    /// `netsh winhttp reset proxy`; an absent value and a direct blob both satisfy it.
    WinHttpDirect,
}

impl Desired {
    /// Whether what was found is already what is wanted.
    pub fn satisfied_by(&self, observed: &Observed) -> bool {
        match (self, observed) {
            (Self::Value(want), Observed::Present(have)) => want == have,
            (Self::Absent, found) => found.is_absent(),
            (Self::WinHttpDirect, found) if found.is_absent() => true,
            (Self::WinHttpDirect, Observed::Present(have)) => {
                WinHttpSettings::decode_value(have).is_ok_and(|settings| settings.is_direct())
            }
            (Self::WinHttp(want), Observed::Present(have)) => {
                WinHttpSettings::decode_value(have).is_ok_and(|settings| settings.matches(want))
            }
            _ => false,
        }
    }

    /// As [`Self::satisfied_by`], for what is found in that place: names of hosts in the known proxy values compare without
    /// regard to letter case, so that nothing is written for it.
    pub fn satisfied_at(&self, target: &Target, observed: &Observed) -> bool {
        self.satisfied_by(observed)
            || match (self, observed) {
                (Self::Value(want), Observed::Present(have)) => {
                    same_proxy_value(target, want, have)
                }
                _ => false,
            }
    }

    /// A form for people.
    pub fn text(&self) -> String {
        match self {
            Self::Value(value) => value.text(),
            Self::Absent => "absent".to_owned(),
            Self::WinHttp(proxy) => proxy.to_string(),
            Self::WinHttpDirect => "direct".to_owned(),
        }
    }
}

/// One write, or none if the target already is as wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Where.
    pub target: Target,
    /// What is to be there.
    pub desired: Desired,
}

/// A playbook step resolved for one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStep {
    /// The step's name as the playbook gives it (or its generated one).
    pub name: String,
    /// The changes, in the order they are written. All of one step stand or fall together: the engine takes the
    /// earlier ones back if a later one fails.
    pub changes: Vec<Change>,
    /// `Some(reason)` where the step is left out on this host; `changes` is then empty.
    pub skipped: Option<String>,
    /// The host's software would not heed it: it is left out, unless the playbook allows it.
    #[serde(default)]
    pub below_gate: bool,
}
