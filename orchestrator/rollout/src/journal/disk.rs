//! Events as the journal stores them: forms of their own, so that renaming something in the program does not make
//! old journals unreadable. Short, because there are a dozen rows per host.
//!
//! Words (`outcome`, `reason`, `state`) are those of the product contract. A plan that many hosts share is stored
//! once, as a shape. Changing anything here needs a new [`super::open::VERSION`] or must read the old form.

use std::collections::HashMap;

use playbooks::registry::{KeyPath, Observed, RawValue, Target};
use playbooks::{Change, Desired, WinHttpProxy};
use serde::{Deserialize, Serialize};

use super::disk_plain::DiskPlain;
use crate::event::{EventKind, Intent, PlannedChange, PlannedStep};
use crate::fleet::{Cost, HostIdentity, Undo};

/// Shapes of one run: texts that many rows refer to.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    ids: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Shapes {
    /// Beyond this many the fleet is not as uniform as hoped, and texts stand in the rows themselves.
    const MOST: usize = 4096;

    /// The id of a text; `true` where it is new and has to be written.
    pub(super) fn intern(&mut self, text: &str) -> Option<(u32, bool)> {
        if let Some(id) = self.ids.get(text) {
            return Some((*id, false));
        }
        if self.texts.len() >= Self::MOST {
            return None;
        }
        let id = u32::try_from(self.texts.len()).ok()?;
        self.push(text.to_owned());
        Some((id, true))
    }

    /// The next text in the order of ids.
    pub(super) fn push(&mut self, text: String) {
        self.ids.insert(
            text.clone(),
            u32::try_from(self.texts.len()).unwrap_or(u32::MAX),
        );
        self.texts.push(text);
    }

    pub(super) fn text(&self, id: u32) -> Option<&str> {
        self.texts.get(id as usize).map(String::as_str)
    }
}

/// An event as a row, and the shape it brought along.
pub(super) struct Row {
    pub(super) kind: String,
    pub(super) data: String,
    pub(super) shape: Option<(u32, String)>,
}

/// The shape that a stored event refers to.
pub(super) fn shape_of(kind: &str, data: &str) -> Option<u32> {
    #[derive(Deserialize)]
    struct Reference {
        s: Option<u32>,
    }
    match kind {
        "prior_recorded" => parse::<Reference>(data).ok()?.s,
        _ => None,
    }
}

pub(super) fn encode(event: &EventKind, shapes: &mut Shapes) -> Row {
    let mut row = Row {
        kind: event.name().to_owned(),
        data: String::new(),
        shape: None,
    };
    match event {
        EventKind::Unknown { kind, data } => {
            row.kind.clone_from(kind);
            row.data.clone_from(data);
        }
        EventKind::HostStarted | EventKind::UndoStarted => {}
        EventKind::PriorRecorded { steps } => {
            let plan = text(&steps.iter().map(DiskStep::from).collect::<Vec<_>>());
            let priors = steps
                .iter()
                .flat_map(|step| &step.changes)
                .map(|change| (&change.prior).into())
                .collect();
            let (shape, plan) = match shapes.intern(&plan) {
                Some((id, new)) => {
                    row.shape = new.then_some((id, plan));
                    (Some(id), None)
                }
                None => (None, Some(plan)),
            };
            row.data = text(&DiskPrior {
                s: shape,
                t: plan,
                p: priors,
            });
        }
        EventKind::StepFinished {
            step,
            state,
            detail,
            after,
        } => {
            let after = after
                .iter()
                .map(|after| after.as_ref().map(DiskObserved::from))
                .collect();
            row.data = text(&DiskStepEnd {
                i: *step,
                s: *state,
                d: detail.clone(),
                a: after,
            });
        }
        EventKind::HostIdentified { identity } => {
            let HostIdentity {
                computer_name,
                machine_guid,
                auth,
            } = identity.clone();
            row.data = text(&DiskIdentity {
                c: computer_name,
                g: machine_guid,
                a: auth,
            });
        }
        EventKind::HostFinished {
            outcome,
            changed,
            reason,
            detail,
            remedy,
            attempts,
            cost,
        } => {
            let Cost {
                requests,
                sent,
                received,
                connections,
            } = *cost;
            row.data = text(&DiskHostEnd {
                o: *outcome,
                c: *changed,
                r: *reason,
                d: detail.clone(),
                m: remedy.clone(),
                n: *attempts,
                k: (requests, sent, received, connections),
            });
        }
        // Few per run: stored with their full names.
        other => row.data = text(&DiskPlain::from(other)),
    }
    row
}

pub(super) fn decode(kind: &str, data: &str, shapes: &Shapes) -> Result<EventKind, String> {
    let event = match kind {
        "host_started" => EventKind::HostStarted,
        "undo_started" => EventKind::UndoStarted,
        "prior_recorded" => decode_prior(data, shapes)?,
        "step_finished" => {
            let DiskStepEnd { i, s, d, a } = parse(data)?;
            let after = a
                .into_iter()
                .map(|after| after.map(Observed::try_from).transpose());
            EventKind::StepFinished {
                step: i,
                state: s,
                detail: d,
                after: after.collect::<Result<_, _>>()?,
            }
        }
        "host_identified" => {
            let DiskIdentity { c, g, a } = parse(data)?;
            EventKind::HostIdentified {
                identity: HostIdentity {
                    computer_name: c,
                    machine_guid: g,
                    auth: a,
                },
            }
        }
        "host_finished" => {
            let DiskHostEnd {
                o,
                c,
                r,
                d,
                m,
                n,
                k,
            } = parse(data)?;
            let cost = Cost {
                requests: k.0,
                sent: k.1,
                received: k.2,
                connections: k.3,
            };
            EventKind::HostFinished {
                outcome: o,
                changed: c,
                reason: r,
                detail: d,
                remedy: m,
                attempts: n,
                cost,
            }
        }
        known if DiskPlain::KINDS.contains(&known) => {
            let plain: DiskPlain = parse(data)?;
            plain.into()
        }
        other => EventKind::Unknown {
            kind: other.to_owned(),
            data: data.to_owned(),
        },
    };
    Ok(event)
}

fn decode_prior(data: &str, shapes: &Shapes) -> Result<EventKind, String> {
    let DiskPrior { s, t, p } = parse(data)?;
    let plan = match (&t, s) {
        (Some(plan), _) => plan.as_str(),
        (None, Some(id)) => shapes
            .text(id)
            .ok_or_else(|| format!("there is no shape {id}"))?,
        (None, None) => return Err("a plan without steps".to_owned()),
    };
    let plan: Vec<DiskStep> = parse(plan)?;
    let mut priors = p.into_iter();
    let mut steps = Vec::with_capacity(plan.len());
    for step in plan {
        let mut changes = Vec::with_capacity(step.c.len());
        for change in step.c {
            let prior = priors
                .next()
                .ok_or("fewer prior states than changes")?
                .try_into()?;
            changes.push(PlannedChange {
                intent: change.try_into()?,
                prior,
            });
        }
        steps.push(PlannedStep {
            name: step.n,
            skipped: step.s,
            changes,
        });
    }
    Ok(EventKind::PriorRecorded { steps })
}

pub(super) fn text(value: &impl Serialize) -> String {
    // These types hold strings and numbers under string keys: they always have a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn parse<T: for<'de> Deserialize<'de>>(data: &str) -> Result<T, String> {
    serde_json::from_str(data).map_err(|error| error.to_string())
}

/// An exact value or its absence.
#[derive(Serialize, Deserialize)]
enum DiskObserved {
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
enum DiskDesired {
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

#[derive(Serialize, Deserialize)]
struct DiskTarget(String, String);

impl From<&Target> for DiskTarget {
    fn from(target: &Target) -> Self {
        Self(target.key.as_str().to_owned(), target.value.clone())
    }
}

impl TryFrom<DiskTarget> for Target {
    type Error = String;

    fn try_from(disk: DiskTarget) -> Result<Self, String> {
        Ok(Self {
            key: key_path(&disk.0)?,
            value: disk.1,
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
enum DiskIntent {
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
struct DiskStep {
    n: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<String>,
    c: Vec<DiskIntent>,
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

#[derive(Serialize, Deserialize)]
struct DiskPrior {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<String>,
    p: Vec<DiskObserved>,
}

#[derive(Serialize, Deserialize)]
struct DiskStepEnd {
    i: u32,
    s: crate::StepState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    a: Vec<Option<DiskObserved>>,
}

#[derive(Serialize, Deserialize)]
struct DiskIdentity {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    g: Option<String>,
    a: String,
}

#[derive(Serialize, Deserialize)]
struct DiskHostEnd {
    o: crate::Outcome,
    c: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<crate::Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    m: Option<String>,
    n: u32,
    k: (u32, u64, u64, u32),
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
