//! Events as the journal stores them: forms of their own, so that renaming something in the program does not make
//! old journals unreadable. Short, because there are a dozen rows per host.
//!
//! Words (`outcome`, `reason`, `state`) are those of the product contract. A plan that many hosts share is stored
//! once, as a shape. Changing anything here needs a new [`super::open::VERSION`] or must read the old form.

use playbooks::registry::Observed;
use serde::{Deserialize, Serialize};

use super::disk_plain::DiskPlain;
use super::disk_shapes::Shapes;
use super::disk_values::{DiskObserved, DiskStep};
use crate::event::{EventKind, PlannedChange, PlannedStep};
use crate::fleet::{Cost, HostIdentity};

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
        EventKind::HostStarted | EventKind::UndoProved | EventKind::UndoStarted => {}
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
        EventKind::PreflightFound { findings } => row.data = text(findings),
        EventKind::ProbesPlanned { probes, since } => {
            row.data = text(&DiskProbes {
                p: probes.clone(),
                t: since.map(|time| time.as_microsecond()),
            });
        }
        EventKind::ProbeFinished { probe, verdict } => {
            row.data = text(&DiskVerdict {
                i: *probe,
                v: verdict.clone(),
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
        "undo_proved" => EventKind::UndoProved,
        "undo_started" => EventKind::UndoStarted,
        "prior_recorded" => decode_prior(data, shapes)?,
        "preflight_found" => EventKind::PreflightFound {
            findings: parse(data)?,
        },
        "probes_planned" => {
            let DiskProbes { p, t } = parse(data)?;
            let since = t.map(jiff::Timestamp::from_microsecond).transpose();
            EventKind::ProbesPlanned {
                probes: p,
                since: since.map_err(|error| error.to_string())?,
            }
        }
        "probe_finished" => {
            let DiskVerdict { i, v } = parse(data)?;
            EventKind::ProbeFinished {
                probe: i,
                verdict: v,
            }
        }
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
            preflight: Vec::new(),
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

#[derive(Serialize, Deserialize)]
struct DiskPrior {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<String>,
    p: Vec<DiskObserved>,
}

/// The words of probes and verdicts are those of the product contract: they are stored as they are shown.
#[derive(Serialize, Deserialize)]
struct DiskProbes {
    p: Vec<playbooks::HostProbe>,
    /// Microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct DiskVerdict {
    i: u32,
    v: playbooks::Verdict,
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
