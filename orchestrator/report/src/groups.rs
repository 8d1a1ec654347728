//! Hosts grouped by what differs on them: what a person reads instead of 20,000 lists of values. Plan and audit are
//! made of these.
//!
//! Two hosts are in one group where every difference reads alike: same step, target, type and content on both sides.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use playbooks::{Desired, Observed, Target, type_name};
use rollout::{HostError, Intent, PlannedStep, Reason, Severity};
use serde_json::{Value, json};

use crate::{cluster, value};

/// One side of a difference. Sides are the same where they read the same: two WinHTTP settings that differ only in
/// the counter of writes are no two groups.
#[derive(Clone, Debug)]
pub struct Side {
    /// `absent`, `REG_SZ '10.0.0.6:8080'`, for people. Untrusted.
    pub text: String,
    /// For programs.
    pub json: Value,
}

impl PartialEq for Side {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Side {}

impl Hash for Side {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Side {
    /// What is, or was, there.
    pub fn observed(target: &Target, observed: &Observed) -> Self {
        let text = value::text(target, observed);
        let text = match observed {
            Observed::Present(value) => {
                let kind = type_name(value.kind);
                match value.to_typed() {
                    Some(_) => format!("{kind} '{text}'"),
                    None => format!("{kind} with the bytes {text}"),
                }
            }
            Observed::KeyAbsent { .. } | Observed::ValueAbsent | Observed::Opaque { .. } => text,
        };
        Self {
            text,
            json: value::json(target, observed),
        }
    }

    /// What a playbook wants there.
    pub fn wanted(target: &Target, desired: &Desired) -> Self {
        let text = desired.text();
        match desired {
            Desired::Value(value) => Self::observed(target, &Observed::Present(value.clone())),
            Desired::Absent => Self::observed(target, &Observed::ValueAbsent),
            Desired::WinHttp(_) => Self {
                json: json!({"state": "winhttp", "text": text}),
                text: format!("WinHTTP '{text}'"),
            },
            Desired::WinHttpDirect => Self {
                json: json!({"state": "winhttp_direct", "text": text}),
                text: "WinHTTP direct".to_owned(),
            },
        }
    }

    /// Tells sides apart that read alike: by type and bytes.
    fn exact(mut self) -> Self {
        if let (Some(kind), Some(bytes)) = (self.json["type"].as_u64(), self.json["bytes"].as_str())
        {
            self.text
                .push_str(&format!(" (type {kind}, bytes {bytes})"));
        }
        self
    }
}

/// Tells sides apart that differ in what is masked.
const OTHER_ACCOUNT: &str = " (another user or password)";

/// One value that is not as it should be, or as it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Difference {
    /// Name of the step it belongs to.
    pub step: String,
    /// Where.
    pub target: Target,
    /// Plan: what is there. Audit: what should be there.
    pub from: Side,
    /// Plan: what would be there. Audit: what is.
    pub to: Side,
}

impl Difference {
    /// With sides that do not read alike.
    pub fn new(step: &str, target: &Target, from: Side, to: Side) -> Self {
        let (from, mut to) = if from.text == to.text {
            (from.exact(), to.exact())
        } else {
            (from, to)
        };
        // Bytes that hold an account are not shown, so that these still read alike.
        if from.text == to.text {
            to.text.push_str(OTHER_ACCOUNT);
        }
        Self {
            step: step.to_owned(),
            target: target.clone(),
            from,
            to,
        }
    }
}

/// What steps would change: from what is there to what is wanted. What a rollback leaves alone is not among it.
pub fn changes(steps: &[PlannedStep]) -> Vec<Difference> {
    let all = steps
        .iter()
        .flat_map(|step| step.changes.iter().map(move |change| (step, change)));
    all.filter(|(_, change)| change.needed() && change.foreign().is_none())
        .map(|(step, change)| {
            let target = change.target();
            let to = match &change.intent {
                Intent::Apply(apply) => Side::wanted(target, &apply.desired),
                Intent::Undo(undo) => Side::observed(target, &undo.prior),
            };
            let from = Side::observed(target, &change.prior);
            Difference::new(&step.name, target, from, to)
        })
        .collect()
}

/// How one host stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Nothing differs.
    Right,
    /// Something does.
    Differs {
        /// What.
        differences: Vec<Difference>,
        /// A push would refuse the host for this.
        refused: Option<HostError>,
    },
    /// It could not be read.
    Unread(HostError),
    /// There was nothing to compare.
    Nothing,
}

/// One host.
#[derive(Clone, Debug, PartialEq)]
pub struct Stand<'a> {
    /// Its name.
    pub host: &'a str,
    /// Name of its ring.
    pub ring: &'a str,
    /// How it stands.
    pub standing: Standing,
}

/// Hosts on which the same differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Group<'a> {
    /// What differs.
    pub differences: &'a [Difference],
    /// A push would refuse them.
    pub refused: Option<&'a HostError>,
    /// Their names, in the order of the inventory.
    pub hosts: Vec<&'a str>,
}

/// Hosts that could not be read for one cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause<'a> {
    /// The first host's own words; untrusted.
    pub error: &'a HostError,
    /// Their names, in the order of the inventory.
    pub hosts: Vec<&'a str>,
}

/// Everything, grouped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups<'a> {
    /// Largest first; those that a push would refuse come last.
    pub groups: Vec<Group<'a>>,
    /// As they should be.
    pub right: Vec<&'a str>,
    /// Largest first.
    pub unread: Vec<Cause<'a>>,
    /// Without anything to compare.
    pub nothing: Vec<&'a str>,
}

impl<'a> Groups<'a> {
    /// Groups the hosts.
    pub fn of(hosts: &'a [Stand<'a>]) -> Self {
        let mut all = Self::default();
        let mut known: HashMap<(&[Difference], Option<String>), usize> = HashMap::new();
        let mut causes: HashMap<(Severity, Reason, String), usize> = HashMap::new();
        for host in hosts {
            match &host.standing {
                Standing::Right => all.right.push(host.host),
                Standing::Nothing => all.nothing.push(host.host),
                Standing::Differs {
                    differences,
                    refused,
                } => {
                    let why = |error: &HostError| cluster::general(&error.detail, host.host);
                    let key = (differences.as_slice(), refused.as_ref().map(why));
                    let place = *known.entry(key).or_insert_with(|| {
                        all.groups.push(Group {
                            differences,
                            refused: refused.as_ref(),
                            hosts: Vec::new(),
                        });
                        all.groups.len() - 1
                    });
                    all.groups[place].hosts.push(host.host);
                }
                Standing::Unread(error) => {
                    let detail = cluster::general(&error.detail, host.host);
                    let key = (error.severity, error.reason, detail);
                    let place = *causes.entry(key).or_insert_with(|| {
                        let hosts = Vec::new();
                        all.unread.push(Cause { error, hosts });
                        all.unread.len() - 1
                    });
                    all.unread[place].hosts.push(host.host);
                }
            }
        }
        all.groups
            .sort_by_key(|group| (group.refused.is_some(), usize::MAX - group.hosts.len()));
        all.unread
            .sort_by_key(|cause| usize::MAX - cause.hosts.len());
        all
    }

    /// Hosts on which something differs.
    pub fn differing(&self) -> usize {
        self.groups.iter().map(|group| group.hosts.len()).sum()
    }

    /// Hosts that a push would refuse. A conflict is none: what else differs there is put back.
    pub fn refused(&self) -> usize {
        let refused = self.reasons();
        refused
            .filter(|(reason, _)| *reason != Reason::Conflict)
            .map(|(_, hosts)| hosts)
            .sum()
    }

    /// What stands in the way of groups, each with the number of its hosts.
    pub fn reasons(&self) -> impl Iterator<Item = (Reason, usize)> {
        let groups = self.groups.iter();
        groups.filter_map(|group| Some((group.refused?.reason, group.hosts.len())))
    }

    /// Hosts that could not be read.
    pub fn unreadable(&self) -> usize {
        self.unread.iter().map(|cause| cause.hosts.len()).sum()
    }

    /// True where a host could not be read for a cause of this kind.
    pub fn any_unread(&self, severity: Severity) -> bool {
        self.unread
            .iter()
            .any(|cause| cause.error.severity == severity)
    }
}

#[cfg(test)]
mod tests {
    use playbooks::{RawValue, Typed};

    use super::*;

    fn text(text: &str) -> RawValue {
        Typed::Sz(text.to_owned()).to_raw()
    }

    /// A drift of nothing but a password is not told as one from a value to the same value.
    #[test]
    fn sides_that_differ_in_what_is_masked_are_told_apart() {
        let target = Target::win_http_settings();
        let side = |account: &str| {
            let value = text(&format!("http://{account}@proxy:1"));
            Side::observed(&target, &Observed::Present(value))
        };
        let one = Difference::new("s", &target, side("svc:one"), side("svc:two"));
        assert_ne!(one.from.text, one.to.text);
        assert!(one.to.text.contains("another user or password"));
        let shown = [&one.from.text, &one.to.text].map(String::as_str).concat();
        assert!(!shown.contains("svc"), "{shown}");
    }
}
