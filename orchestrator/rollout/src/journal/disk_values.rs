//! What stands on a host and what is wanted there, as the journal stores it: values, targets, undos, planned steps.
//!
//! Bytes are kept as hex, letter for letter; nothing is interpreted here.

use playbooks::registry::{KeyPath, Observed, RawValue, Target};
use playbooks::{Change, Desired, WinHttpProxy};
use serde::{Deserialize, Serialize};

use crate::event::{Intent, PlannedChange, PlannedStep};
use crate::fleet::Undo;

/// An exact value or its absence.
#[derive(Serialize, Deserialize)]
pub(super) enum DiskObserved {
    /// Key absent; the highest missing key.
    #[serde(rename = "k")]
    Key(String),
    #[serde(rename = "n")]
    None,
    /// Type, bytes as hex.
    #[serde(rename = "v")]
    Value(u32, String),
    /// Type, why.
    #[serde(rename = "o")]
    Opaque(u32, String),
}

impl From<&Observed> for DiskObserved {
    fn from(observed: &Observed) -> Self {
        match observed {
            Observed::KeyAbsent { first_missing } => Self::Key(first_missing.as_str().to_owned()),
            Observed::ValueAbsent => Self::None,
            Observed::Present(value) => Self::Value(value.kind, hex::encode(&value.bytes)),
            Observed::Opaque { kind, why } => Self::Opaque(*kind, why.clone()),
        }
    }
}

impl TryFrom<DiskObserved> for Observed {
    type Error = String;

    fn try_from(disk: DiskObserved) -> Result<Self, String> {
        Ok(match disk {
            DiskObserved::Key(key) => Self::KeyAbsent {
                first_missing: key_path(&key)?,
            },
            DiskObserved::None => Self::ValueAbsent,
            DiskObserved::Value(kind, bytes) => Self::Present(raw(kind, &bytes)?),
            DiskObserved::Opaque(kind, why) => Self::Opaque { kind, why },
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) enum DiskDesired {
    #[serde(rename = "v")]
    Value(u32, String),
    #[serde(rename = "n")]
    Absent,
    /// Server, bypass.
    #[serde(rename = "w")]
    WinHttp(String, Vec<String>),
    #[serde(rename = "d")]
    Direct,
}

impl From<&Desired> for DiskDesired {
    fn from(desired: &Desired) -> Self {
        match desired {
            Desired::Value(value) => Self::Value(value.kind, hex::encode(&value.bytes)),
            Desired::Absent => Self::Absent,
            Desired::WinHttp(proxy) => Self::WinHttp(proxy.server.clone(), proxy.bypass.clone()),
            Desired::WinHttpDirect => Self::Direct,
        }
    }
}

impl TryFrom<DiskDesired> for Desired {
    type Error = String;

    fn try_from(disk: DiskDesired) -> Result<Self, String> {
        Ok(match disk {
            DiskDesired::Value(kind, bytes) => Self::Value(raw(kind, &bytes)?),
            DiskDesired::Absent => Self::Absent,
            DiskDesired::WinHttp(server, bypass) => Self::WinHttp(WinHttpProxy { server, bypass }),
            DiskDesired::Direct => Self::WinHttpDirect,
        })
    }
}

/// A place. Programs that know registry values only refuse the other form, and do not take it for a key.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum DiskTarget {
    /// Key below HKLM, name.
    Registry(String, String),
    /// A preference of Antivirus.
    Preference { p: String },
}

impl From<&Target> for DiskTarget {
    fn from(target: &Target) -> Self {
        let value = target.value.clone();
        if target.is_av_preference() {
            return Self::Preference { p: value };
        }
        Self::Registry(target.key.as_str().to_owned(), value)
    }
}

impl TryFrom<DiskTarget> for Target {
    type Error = String;

    fn try_from(disk: DiskTarget) -> Result<Self, String> {
        Ok(match disk {
            DiskTarget::Registry(key, value) => Self {
                key: key_path(&key)?,
                value,
            },
            DiskTarget::Preference { p } => Self::av_preference(&p),
        })
    }
}

/// A value to take back, also in the `hosts` table.
#[derive(Serialize, Deserialize)]
pub(super) struct DiskUndo {
    t: DiskTarget,
    p: DiskObserved,
    o: DiskObserved,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    f: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    u: Option<DiskDesired>,
}

impl From<&Undo> for DiskUndo {
    fn from(undo: &Undo) -> Self {
        Self {
            t: (&undo.target).into(),
            p: (&undo.prior).into(),
            o: (&undo.ours).into(),
            f: undo.force,
            u: undo.uncertain.as_ref().map(DiskDesired::from),
        }
    }
}

impl TryFrom<DiskUndo> for Undo {
    type Error = String;

    fn try_from(disk: DiskUndo) -> Result<Self, String> {
        Ok(Self {
            target: disk.t.try_into()?,
            prior: disk.p.try_into()?,
            ours: disk.o.try_into()?,
            force: disk.f,
            uncertain: disk.u.map(Desired::try_from).transpose()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) enum DiskIntent {
    #[serde(rename = "a")]
    Apply(DiskTarget, DiskDesired),
    #[serde(rename = "u")]
    Undo(Box<DiskUndo>),
}

impl TryFrom<DiskIntent> for Intent {
    type Error = String;

    fn try_from(disk: DiskIntent) -> Result<Self, String> {
        Ok(match disk {
            DiskIntent::Apply(target, desired) => Self::Apply(Change {
                target: target.try_into()?,
                desired: desired.try_into()?,
            }),
            DiskIntent::Undo(undo) => Self::Undo((*undo).try_into()?),
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct DiskStep {
    /// Its name.
    pub(super) n: String,
    /// Why it is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) s: Option<String>,
    /// Its changes, without their prior states.
    pub(super) c: Vec<DiskIntent>,
}

impl From<&PlannedStep> for DiskStep {
    fn from(step: &PlannedStep) -> Self {
        let intent = |change: &PlannedChange| match &change.intent {
            Intent::Apply(change) => {
                DiskIntent::Apply((&change.target).into(), (&change.desired).into())
            }
            Intent::Undo(undo) => DiskIntent::Undo(Box::new(undo.into())),
        };
        Self {
            n: step.name.clone(),
            s: step.skipped.clone(),
            c: step.changes.iter().map(intent).collect(),
        }
    }
}

fn key_path(text: &str) -> Result<KeyPath, String> {
    KeyPath::below_local_machine(text).map_err(|error| error.to_string())
}

fn raw(kind: u32, bytes: &str) -> Result<RawValue, String> {
    Ok(RawValue {
        kind,
        bytes: hex::decode(bytes).map_err(|error| error.to_string())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journals_of_before_there_were_preferences_stay_readable() {
        let old = r#"["SOFTWARE\\Policies\\A","Value"]"#;
        let target: Target = serde_json::from_str::<DiskTarget>(old)
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(target.to_string(), r"HKLM\SOFTWARE\Policies\A: Value");
        assert_eq!(
            serde_json::to_string(&DiskTarget::from(&target)).unwrap(),
            old
        );
    }

    /// A program that knows registry values only must not take a preference for a key.
    #[test]
    fn a_preference_has_a_form_of_its_own() {
        let target = Target::av_preference("ProxyBypass");
        let text = serde_json::to_string(&DiskTarget::from(&target)).unwrap();
        assert_eq!(text, r#"{"p":"ProxyBypass"}"#);
        assert!(serde_json::from_str::<(String, String)>(&text).is_err());
        let back: Target = serde_json::from_str::<DiskTarget>(&text)
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(back, target);
        assert!(KeyPath::below_local_machine(target.key.as_str()).is_err());
    }
}
