//! The plan file: what a push is to do, exactly, and what was found on each host when that was decided.
//!
//! A JSON document. Its `sha256` is over the whole document with sixty-four zeros in that place; a file whose bytes
//! are not exactly those that its content renders to is refused, so that no changed byte goes unnoticed. The hash
//! tells a changed file from the one that was reviewed; it is no signature. A prior value that holds a user and password in
//! front of a proxy stands there masked: the push reads every value again and compares by the digest of the exact bytes. Writing and reading the bytes is the
//! caller's business; who fills it is `survey.rs`; what a push does with it is in `host/work.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::event::PlannedStep;
use crate::fleet::HostError;
use crate::journal::{DiskRun, DiskShape, HostRow};
use crate::prior;
use crate::spec::{HostSpec, Planned, RunId, RunSpec};
use crate::survey::Reading;

/// The form of this program's plan files.
const SCHEMA: &str = "winfleet.plan-file/1";
/// What all forms begin with.
const FAMILY: &str = "winfleet.plan-file/";
/// Stands for the hash while it is computed.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// No plan is larger: 128 MiB, several times what 20,000 hosts need that are all different.
pub const MAX_PLAN_BYTES: usize = 128 << 20;

/// What was found on one host, shared by all that were found alike.
pub type Found = Result<Arc<Vec<PlannedStep>>, HostError>;

/// A plan as read from its file.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanFile {
    /// SHA-256 of the plan, lower-case hex.
    pub hash: String,
    /// When the hosts were read.
    pub created: Timestamp,
    /// What is to be done, with [`HostSpec::planned`] and [`RunSpec::plan_hash`] set. Operator and reason are those
    /// of the plan.
    pub spec: RunSpec,
    /// What was found, by host, in the order of `spec.hosts`.
    pub found: Vec<Found>,
}

/// Why a file is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFileError {
    /// It is no plan at all, or so damaged that it cannot be told.
    #[error("it is not a plan, or it was altered: {0}")]
    NotAPlan(String),
    /// A newer program wrote it.
    #[error(
        "it was written by a newer winfleet (its form is '{0}', this program knows '{SCHEMA}')"
    )]
    Newer(String),
    /// Its bytes are not those that were written.
    #[error("it was altered since it was written: {0}")]
    Altered(&'static str),
    /// Larger than [`MAX_PLAN_BYTES`].
    #[error("it is larger than {} MiB", MAX_PLAN_BYTES >> 20)]
    TooLarge,
}

#[derive(Serialize, Deserialize)]
struct DiskPlan {
    schema: String,
    sha256: String,
    created: Timestamp,
    run: DiskRun,
    /// By digest, so that hosts that were found alike take one line each.
    states: BTreeMap<String, Vec<PlannedStep>>,
    /// Those of `states` in which an account in front of a proxy is masked: their digest is that of the exact bytes, which are
    /// not in the file.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    masked: BTreeSet<String>,
    profiles: Vec<DiskShape>,
    hosts: Vec<DiskPlanHost>,
}

#[derive(Serialize, Deserialize)]
struct DiskPlanHost {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    ring: String,
    profile: u32,
    /// Digest of what was found: a key of `states`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prior: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unread: Option<HostError>,
}

/// The plan as text, and its hash. `readings` are those of the hosts of `spec`, in its order.
pub fn render_plan(
    spec: &RunSpec,
    readings: &[Reading<Vec<PlannedStep>>],
    created: Timestamp,
) -> Result<(String, String), PlanFileError> {
    let mut states = BTreeMap::new();
    let mut masked = BTreeSet::new();
    let mut profiles = Vec::new();
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut hosts = Vec::with_capacity(spec.hosts.len());
    for (host, reading) in spec.hosts.iter().zip(readings) {
        let row = HostRow::from(&HostSpec {
            planned: None,
            ..host.clone()
        });
        let next = u32::try_from(profiles.len()).unwrap_or(u32::MAX);
        let profile = *known.entry(row.shape.clone()).or_insert(next);
        if profile == next {
            profiles.push(serde_json::from_str(&row.shape).map_err(not_a_plan)?);
        }
        let (prior, unread) = match reading {
            Reading::Read { answer, .. } => {
                let digest = prior::state_key(answer);
                if !states.contains_key(&digest) {
                    let (steps, hides) = prior::without_accounts(answer);
                    states.insert(digest.clone(), steps);
                    masked.extend(hides.then(|| digest.clone()));
                }
                (Some(digest), None)
            }
            Reading::Unread(error) => (None, Some(error.clone())),
        };
        let ring = spec.rings.get(host.ring).map(|ring| ring.name.clone());
        hosts.push(DiskPlanHost {
            name: row.name,
            address: row.address,
            ring: ring.unwrap_or_default(),
            profile,
            prior,
            unread,
        });
    }
    let plan = DiskPlan {
        schema: SCHEMA.to_owned(),
        sha256: NO_HASH.to_owned(),
        created,
        run: DiskRun::from(spec),
        states,
        masked,
        profiles,
        hosts,
    };
    let mut document = serde_json::to_value(&plan).map_err(not_a_plan)?;
    let hash = hash_of(&mut document);
    document["sha256"] = hash.clone().into();
    let text = text_of(&document);
    // What cannot be read back must not be handed out.
    read_plan(text.as_bytes())?;
    Ok((text, hash))
}

/// Reads a plan. Everything about it is checked here: form, hash, and that its parts fit.
pub fn read_plan(bytes: &[u8]) -> Result<PlanFile, PlanFileError> {
    if bytes.len() > MAX_PLAN_BYTES {
        return Err(PlanFileError::TooLarge);
    }
    let mut document: Value = serde_json::from_slice(bytes).map_err(not_a_plan)?;
    let schema = document["schema"].as_str().unwrap_or_default().to_owned();
    if schema != SCHEMA {
        return Err(match schema.strip_prefix(FAMILY) {
            Some(version) if version.parse::<u32>().is_ok_and(|version| version > 1) => {
                PlanFileError::Newer(schema)
            }
            _ => PlanFileError::NotAPlan("it does not say that it is one".to_owned()),
        });
    }
    // The document as it came, not as this program's types have it: members of a later program change nothing here.
    if text_of(&document).as_bytes() != bytes {
        return Err(PlanFileError::Altered(
            "its bytes are not those that were written",
        ));
    }
    let stated = document["sha256"].as_str().unwrap_or_default().to_owned();
    let hash = hash_of(&mut document);
    if stated != hash {
        return Err(PlanFileError::Altered(
            "its content does not have the SHA-256 that it states",
        ));
    }
    plan_of(hash, serde_json::from_value(document).map_err(not_a_plan)?)
}

fn plan_of(hash: String, plan: DiskPlan) -> Result<PlanFile, PlanFileError> {
    let misfit = |what| Err(PlanFileError::Altered(what));
    let digest = hex::encode(Sha256::digest(plan.run.playbook.text.as_bytes()));
    if digest != plan.run.playbook.digest {
        return misfit("the playbook does not have the SHA-256 that is stated for it");
    }
    let mut states = BTreeMap::new();
    for (digest, steps) in plan.states {
        if !plan.masked.contains(&digest) && prior::state_key(&steps) != digest {
            return misfit("what was found does not have the SHA-256 that is stated for it");
        }
        states.insert(digest, Arc::new(steps));
    }
    let rings: Vec<String> = plan
        .run
        .rings
        .iter()
        .map(|ring| ring.name.clone())
        .collect();
    let mut hosts = Vec::with_capacity(plan.hosts.len());
    let mut found: Vec<Found> = Vec::with_capacity(plan.hosts.len());
    for host in plan.hosts {
        let profile = plan.profiles.get(host.profile as usize);
        let ring = rings.iter().position(|ring| *ring == host.ring);
        let (Some(profile), Some(ring)) = (profile, ring) else {
            return misfit("a host names a ring or a profile that is not there");
        };
        let seen = match (host.prior, host.unread) {
            (Some(digest), None) => match states.get(&digest) {
                Some(steps) => Ok((digest, Arc::clone(steps))),
                None => return misfit("a host names a state that is not there"),
            },
            (None, Some(error)) => Err(error),
            _ => return misfit("a host was neither read nor not read"),
        };
        let row = HostRow {
            name: host.name,
            address: host.address,
            ring: u32::try_from(ring).unwrap_or(u32::MAX),
            shape: serde_json::to_string(profile).map_err(not_a_plan)?,
            undo: None,
        };
        let mut spec = row.into_spec().map_err(PlanFileError::NotAPlan)?;
        spec.planned = Some(match &seen {
            Ok((key, steps)) => Planned::Read {
                digest: prior::digest_of_key(key).to_owned(),
                found: prior::found(steps),
            },
            Err(error) => Planned::Unread {
                cause: error.to_string(),
            },
        });
        hosts.push(spec);
        found.push(seen.map(|(_, steps)| steps));
    }
    let mut spec = plan.run.into_spec(RunId::generate(), hosts);
    spec.plan_hash = Some(hash.clone());
    Ok(PlanFile {
        hash,
        created: plan.created,
        spec,
        found,
    })
}

/// The hash of the document; leaves zeros in its place.
fn hash_of(document: &mut Value) -> String {
    document["sha256"] = NO_HASH.into();
    hex::encode(Sha256::digest(text_of(document).as_bytes()))
}

/// The one text of a document: members in their order, two blanks per level, ASCII only, so that a terminal obeys
/// nothing in it.
fn text_of(document: &Value) -> String {
    let pretty = format!("{document:#}\n");
    if pretty.is_ascii() && !pretty.contains('\u{7f}') {
        return pretty;
    }
    let mut text = String::with_capacity(pretty.len() + 64);
    for c in pretty.chars() {
        if c.is_ascii() && c != '\u{7f}' {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

fn not_a_plan(error: serde_json::Error) -> PlanFileError {
    PlanFileError::NotAPlan(error.to_string())
}

#[cfg(test)]
#[path = "plan_file/tests.rs"]
mod tests;
