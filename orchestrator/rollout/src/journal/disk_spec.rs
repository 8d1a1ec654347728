//! A run's input as the journal stores it: one row for the run, one short row per host, and shapes for what hosts
//! have in common (settings, groups, variables).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use inventory::{
    Auth, Channel, Credential, Host, HostName, Origin, Settings, Sourced, SpnClass, Transport,
};
use playbooks::{Gates, Limits, OnBreach, Retries};
use serde::{Deserialize, Serialize};

use super::disk::{parse, text};
use super::disk_values::{DiskObserved, DiskTarget, DiskUndo};
use crate::event::Trace;
use crate::fleet::Undo;
use crate::spec::{
    HostSpec, HostWork, Planned, PlaybookRecord, RingPlan, RunId, RunSpec, UndoStep, Variables,
    Verb,
};

/// All of a run but its hosts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DiskRun {
    pub(crate) verb: Verb,
    pub(crate) simulated: bool,
    pub(crate) operator: String,
    pub(crate) reason: Option<String>,
    pub(crate) playbook: DiskPlaybook,
    pub(crate) rings: Vec<DiskRing>,
    pub(crate) limits: Limits,
    pub(crate) on_breach: OnBreach,
    pub(crate) deadline_ms: Option<u64>,
    #[serde(default)]
    pub(crate) groups: BTreeMap<String, u32>,
    #[serde(default)]
    pub(crate) retries: Retries,
    pub(crate) source_run: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) plan_hash: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DiskPlaybook {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) digest: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DiskRing {
    pub(crate) name: String,
    pub(crate) max_parallel: u32,
    pub(crate) limits: Limits,
    pub(crate) on_breach: OnBreach,
    #[serde(default)]
    pub(crate) gates: Gates,
    pub(crate) hosts: u32,
}

impl From<&RunSpec> for DiskRun {
    fn from(spec: &RunSpec) -> Self {
        let PlaybookRecord {
            name,
            file,
            text,
            digest,
        } = spec.playbook.clone();
        let ring = |ring: &RingPlan| DiskRing {
            name: ring.name.clone(),
            max_parallel: ring.max_parallel,
            limits: ring.limits,
            on_breach: ring.on_breach,
            gates: ring.gates.clone(),
            hosts: ring.hosts,
        };
        Self {
            verb: spec.verb,
            simulated: spec.simulated,
            operator: spec.operator.clone(),
            reason: spec.reason.clone(),
            playbook: DiskPlaybook {
                name,
                file,
                text,
                digest,
            },
            rings: spec.rings.iter().map(ring).collect(),
            limits: spec.limits,
            on_breach: spec.on_breach,
            deadline_ms: spec.deadline.map(milliseconds),
            groups: spec.groups.clone(),
            retries: spec.retries,
            source_run: spec.source_run.as_ref().map(ToString::to_string),
            plan_hash: spec.plan_hash.clone(),
        }
    }
}

impl DiskRun {
    pub(crate) fn into_spec(self, id: RunId, hosts: Vec<HostSpec>) -> RunSpec {
        let DiskPlaybook {
            name,
            file,
            text,
            digest,
        } = self.playbook;
        let ring = |ring: DiskRing| RingPlan {
            name: ring.name,
            max_parallel: ring.max_parallel,
            limits: ring.limits,
            on_breach: ring.on_breach,
            gates: ring.gates,
            hosts: ring.hosts,
        };
        RunSpec {
            id,
            verb: self.verb,
            simulated: self.simulated,
            operator: self.operator,
            reason: self.reason,
            playbook: PlaybookRecord {
                name,
                file,
                text,
                digest,
            },
            rings: self.rings.into_iter().map(ring).collect(),
            limits: self.limits,
            on_breach: self.on_breach,
            deadline: self.deadline_ms.map(Duration::from_millis),
            groups: self.groups,
            retries: self.retries,
            hosts,
            source_run: self.source_run.map(RunId::from_text),
            plan_hash: self.plan_hash,
        }
    }
}

/// One row of the table `hosts`.
#[derive(Clone)]
pub(crate) struct HostRow {
    pub(crate) name: String,
    pub(crate) address: Option<String>,
    pub(crate) ring: u32,
    pub(crate) shape: String,
    pub(crate) undo: Option<String>,
}

/// What hosts have in common.
#[derive(Serialize, Deserialize)]
pub(crate) struct DiskShape {
    ring: Option<String>,
    groups: Vec<String>,
    port: u16,
    transport: Transport,
    auth: Auth,
    credential: Option<Credential>,
    credential_name: Option<String>,
    verify_name: bool,
    ca_file: Option<PathBuf>,
    cert_sha256: Option<String>,
    tls_verify: bool,
    channel: Channel,
    connect_ms: u64,
    request_ms: u64,
    host_ms: u64,
    vars: Variables,
    /// Absent in journals of programs that knew NTLM and Basic only.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    allow_ntlm: bool,
    #[serde(default, skip_serializing_if = "is_usual")]
    spn_class: SpnClass,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spn_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    planned: Option<DiskPlanned>,
}

/// What a plan file says of a host. It stands in the shape because hosts that were found alike share it.
#[derive(Serialize, Deserialize)]
enum DiskPlanned {
    /// Digest, what was found.
    #[serde(rename = "r")]
    Read(String, Vec<(DiskTarget, DiskObserved)>),
    /// Why not.
    #[serde(rename = "u")]
    Unread(String),
}

impl From<&Planned> for DiskPlanned {
    fn from(planned: &Planned) -> Self {
        match planned {
            Planned::Read { digest, found } => {
                let found = found
                    .iter()
                    .map(|(target, state)| (target.into(), state.into()));
                Self::Read(digest.clone(), found.collect())
            }
            Planned::Unread { cause } => Self::Unread(cause.clone()),
        }
    }
}

impl TryFrom<DiskPlanned> for Planned {
    type Error = String;

    fn try_from(disk: DiskPlanned) -> Result<Self, String> {
        Ok(match disk {
            DiskPlanned::Read(digest, states) => {
                let mut found = Vec::with_capacity(states.len());
                for (target, state) in states {
                    found.push((target.try_into()?, state.try_into()?));
                }
                Self::Read { digest, found }
            }
            DiskPlanned::Unread(cause) => Self::Unread { cause },
        })
    }
}

#[derive(Serialize, Deserialize)]
struct DiskUndoWork {
    guid: Option<String>,
    steps: Vec<DiskUndoStep>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    traces: Vec<Trace>,
}

#[derive(Serialize, Deserialize)]
struct DiskUndoStep {
    n: String,
    i: Vec<DiskUndo>,
}

impl From<&HostSpec> for HostRow {
    fn from(spec: &HostSpec) -> Self {
        let settings = &spec.host.settings;
        let shape = DiskShape {
            ring: spec.host.ring.clone(),
            groups: spec.host.groups.clone(),
            port: settings.port.value,
            transport: settings.transport.value,
            auth: settings.auth.value,
            allow_ntlm: settings.allow_ntlm.value,
            spn_class: settings.spn_class.value,
            spn_name: settings.spn_name.value.clone(),
            credential: spec.credential.clone(),
            credential_name: settings.credential.value.clone(),
            verify_name: settings.verify_name.value,
            ca_file: settings.ca_file.value.clone(),
            cert_sha256: settings.cert_sha256.value.clone(),
            tls_verify: settings.tls_verify.value,
            channel: settings.channel.value,
            connect_ms: milliseconds(settings.connect_timeout.value),
            request_ms: milliseconds(settings.request_timeout.value),
            host_ms: milliseconds(settings.host_timeout.value),
            vars: spec.vars.clone(),
            planned: spec.planned.as_ref().map(DiskPlanned::from),
        };
        let name = spec.host.name.as_str().to_owned();
        let address = Some(settings.address.value.clone()).filter(|address| *address != name);
        let ring = u32::try_from(spec.ring).unwrap_or(u32::MAX);
        Self {
            name,
            address,
            ring,
            shape: text(&shape),
            undo: undo_text(&spec.work),
        }
    }
}

impl HostRow {
    pub(crate) fn with_shape(self, shape: String) -> Self {
        Self { shape, ..self }
    }

    pub(crate) fn into_spec(self) -> Result<HostSpec, String> {
        let shape: DiskShape = parse(&self.shape)?;
        let address = self.address.unwrap_or_else(|| self.name.clone());
        let settings = Settings {
            address: sourced(address),
            port: sourced(shape.port),
            transport: sourced(shape.transport),
            auth: sourced(shape.auth),
            allow_ntlm: sourced(shape.allow_ntlm),
            spn_class: sourced(shape.spn_class),
            spn_name: sourced(shape.spn_name),
            credential: sourced(shape.credential_name),
            verify_name: sourced(shape.verify_name),
            ca_file: sourced(shape.ca_file),
            cert_sha256: sourced(shape.cert_sha256),
            tls_verify: sourced(shape.tls_verify),
            channel: sourced(shape.channel),
            connect_timeout: sourced(Duration::from_millis(shape.connect_ms)),
            request_timeout: sourced(Duration::from_millis(shape.request_ms)),
            host_timeout: sourced(Duration::from_millis(shape.host_ms)),
        };
        let host = Host {
            name: HostName::new(self.name),
            ring: shape.ring,
            ring_from: Origin::BuiltIn,
            groups: shape.groups,
            settings,
            vars: Vec::new(),
            origin: Origin::BuiltIn,
        };
        let work = self
            .undo
            .as_deref()
            .map_or(Ok(HostWork::Apply), undo_work)?;
        Ok(HostSpec {
            host,
            ring: self.ring as usize,
            vars: shape.vars,
            credential: shape.credential,
            work,
            planned: shape.planned.map(Planned::try_from).transpose()?,
        })
    }
}

fn undo_text(work: &HostWork) -> Option<String> {
    let HostWork::Undo {
        expected_guid,
        steps,
        traces,
    } = work
    else {
        return None;
    };
    let step = |step: &UndoStep| DiskUndoStep {
        n: step.name.clone(),
        i: step.items.iter().map(DiskUndo::from).collect(),
    };
    Some(text(&DiskUndoWork {
        guid: expected_guid.clone(),
        steps: steps.iter().map(step).collect(),
        traces: traces.clone(),
    }))
}

fn undo_work(data: &str) -> Result<HostWork, String> {
    let disk: DiskUndoWork = parse(data)?;
    let mut steps = Vec::with_capacity(disk.steps.len());
    for step in disk.steps {
        let items = step
            .i
            .into_iter()
            .map(Undo::try_from)
            .collect::<Result<_, _>>()?;
        steps.push(UndoStep {
            name: step.n,
            items,
        });
    }
    Ok(HostWork::Undo {
        expected_guid: disk.guid,
        steps,
        traces: disk.traces,
    })
}

/// Where a setting came from is not kept: the inventory files say it, the journal needs the value only.
fn sourced<T>(value: T) -> Sourced<T> {
    Sourced {
        value,
        from: Origin::BuiltIn,
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_usual(class: &SpnClass) -> bool {
    *class == SpnClass::default()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
