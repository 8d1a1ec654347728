//! A plan as it is shown: the grouped diff, who is in which ring, gates, limits with their numbers, warnings.
//!
//! Knows nothing of files or hashes but what it is told to print; the plan file is `rollout`'s. Groups are made in
//! `groups.rs`, warnings in `plan_warnings.rs`.

use std::fmt::Write as _;

use playbooks::{Limit, Limits, OnBreach, PreflightFinding};
use rollout::{
    HostError, PlannedStep, Reason, RunSpec, Severity, conflicts, not_restorable, preflight_refusal,
};
use serde_json::{Value, json};

use crate::csv;
use crate::groups::{Groups, Stand, Standing, changes};
use crate::groups_text::{self, Wording};
use crate::plan_warnings::warnings;
use crate::preflight;
use crate::table::Table;
use crate::text::{counted, neutral, thousands};

/// Name and version of the JSON form.
pub const SCHEMA: &str = "winfleet.plan/1";

/// A plan, grouped on demand.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// What would be done.
    pub spec: &'a RunSpec,
    /// How each host stands, in the order of `spec.hosts`.
    pub hosts: Vec<Stand<'a>>,
    /// SHA-256 of the plan file, if there is one.
    pub hash: Option<String>,
    /// Every group and host is named.
    pub verbose: bool,
    /// What the preflight found, by host, in the order of `hosts`.
    pub(crate) preflight: Vec<Vec<PreflightFinding>>,
}

/// One ring in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RingCounts {
    pub(crate) hosts: usize,
    pub(crate) change: usize,
    pub(crate) right: usize,
    pub(crate) refused: usize,
    pub(crate) unread: usize,
}

impl<'a> Plan<'a> {
    /// From what was found on each host, in the order of `spec.hosts`.
    pub fn new<'b>(
        spec: &'a RunSpec,
        found: impl IntoIterator<Item = Result<&'b [PlannedStep], &'b HostError>>,
    ) -> Self {
        let mut preflight = Vec::new();
        let found = found.into_iter().inspect(|found| {
            let steps = found.iter().flat_map(|steps| steps.iter());
            preflight.push(steps.flat_map(|step| step.preflight.clone()).collect());
        });
        let stand = |(host, found): (&'a rollout::HostSpec, Result<&[PlannedStep], &HostError>)| {
            let ring = spec.rings.get(host.ring);
            Stand {
                host: host.host.name.as_str(),
                ring: ring.map_or("", |ring| ring.name.as_str()),
                standing: found.map_or_else(|error| Standing::Unread(error.clone()), standing),
            }
        };
        let hosts = spec.hosts.iter().zip(found).map(stand).collect();
        Self {
            spec,
            hosts,
            preflight,
            hash: None,
            verbose: false,
        }
    }

    /// For people.
    pub fn table(&self) -> String {
        let groups = Groups::of(&self.hosts);
        let spec = self.spec;
        let mut out = format!(
            "plan '{}' on {}\n\n{}\n",
            neutral(&spec.playbook.name),
            counted(spec.hosts.len(), "host"),
            headline(&groups)
        );
        out.push_str(&groups_text::groups(
            &groups.groups,
            Wording::Change,
            self.verbose,
        ));
        if !groups.right.is_empty() {
            let _ = writeln!(
                out,
                "\nalready right: {}: {}",
                counted(groups.right.len(), "host"),
                groups_text::names(&groups.right, self.verbose)
            );
        }
        out.push_str(&groups_text::causes(&groups.unread, self.verbose));
        out.push_str(&preflight::section(&self.findings(), self.verbose));
        let _ = write!(out, "\n{}\n{}", self.ring_table(), self.limits());
        for warning in warnings(self, &groups) {
            let _ = writeln!(out, "warning: {}", neutral(&warning));
        }
        if let Some(hash) = &self.hash {
            let _ = writeln!(out, "plan sha256 {hash}");
        }
        out
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let groups = Groups::of(&self.hosts);
        let spec = self.spec;
        let keys = ["before", "after"];
        let rings = spec.rings.iter().zip(self.ring_counts());
        json!({
            "schema": SCHEMA,
            "playbook": spec.playbook.name,
            "playbook_sha256": spec.playbook.digest,
            "sha256": self.hash,
            "operator": spec.operator,
            "reason": spec.reason,
            "summary": headline(&groups),
            "totals": {
                "hosts": self.hosts.len(),
                "change": groups.differing() - groups.refused(),
                "right": groups.right.len(),
                "will_be_refused": groups.refused(),
                "unread": groups.unreadable(),
            },
            "groups": groups.groups.iter().map(|one| groups_text::group_json(one, keys)).collect::<Vec<_>>(),
            "already_right": { "count": groups.right.len(), "hosts": groups.right },
            "unread": groups.unread.iter().map(groups_text::cause_json).collect::<Vec<_>>(),
            "preflight": preflight::groups_json(&self.findings()),
            "rings": rings.map(|(ring, counts)| json!({
                "name": ring.name,
                "hosts": counts.hosts,
                "change": counts.change,
                "right": counts.right,
                "will_be_refused": counts.refused,
                "unread": counts.unread,
                "max_parallel": ring.max_parallel,
                "gates": ring.gates.words(),
                "on_breach": ring.on_breach,
                "limits": limits_json(&ring.limits, counts.hosts),
                "members": self.hosts.iter().filter(|host| host.ring == ring.name)
                    .map(|host| host.host).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "limits": limits_json(&spec.limits, self.hosts.len()),
            "on_breach": spec.on_breach,
            "group_caps": spec.groups,
            "warnings": warnings(self, &groups),
        })
    }

    /// One object per host.
    pub fn lines(&self) -> impl Iterator<Item = Value> {
        let words = ["right", "change"];
        let keys = ["before", "after"];
        let line = move |(host, found): (&Stand<'_>, &Vec<PreflightFinding>)| {
            let mut line = groups_text::stand_json(host, SCHEMA, words, keys);
            line["preflight"] = found.iter().map(preflight::json).collect();
            line
        };
        self.hosts.iter().zip(&self.preflight).map(line)
    }

    /// For spreadsheets: one row per change, one per host without any.
    pub fn csv(&self) -> String {
        let head = [
            "host",
            "ring",
            "state",
            "reason",
            "detail",
            "remedy",
            "step",
            "target",
            "before",
            "after",
            "preflight",
        ];
        let rows = self.hosts.iter().zip(&self.preflight);
        csv::document(
            &head,
            rows.flat_map(|(host, found)| {
                let mut rows = groups_text::rows(host, ["right", "change"]);
                rows.iter_mut()
                    .for_each(|row| row.push(preflight::cell(found)));
                rows
            }),
        )
    }

    /// Something would be written.
    pub fn pending(&self) -> bool {
        let differs = |host: &Stand<'_>| matches!(host.standing, Standing::Differs { .. });
        self.hosts.iter().any(differs)
    }

    /// True where a host could not be read for a cause of this kind.
    pub fn any_unread(&self, wanted: Severity) -> bool {
        self.hosts.iter().any(
            |host| matches!(&host.standing, Standing::Unread(error) if error.severity == wanted),
        )
    }

    /// The numbers in one line, for a confirmation.
    pub fn headline(&self) -> String {
        headline(&Groups::of(&self.hosts))
    }

    /// Rings, gates, limits and warnings, for a confirmation.
    pub fn conditions(&self) -> String {
        let mut out = preflight::section(&self.findings(), self.verbose);
        let _ = write!(out, "{}{}", self.ring_table(), self.limits());
        for warning in warnings(self, &Groups::of(&self.hosts)) {
            let _ = writeln!(out, "warning: {}", neutral(&warning));
        }
        out
    }

    /// True where a rollback would leave a value alone, because somebody else changed it since.
    pub fn any_conflict(&self) -> bool {
        self.hosts.iter().any(|host| match &host.standing {
            Standing::Differs { refused, .. } => refused
                .as_ref()
                .is_some_and(|error| error.reason == Reason::Conflict),
            _ => false,
        })
    }

    fn findings(&self) -> Vec<preflight::Group<'_>> {
        let hosts = self.hosts.iter().zip(&self.preflight);
        preflight::groups(hosts.map(|(host, found)| (host.host, found.as_slice())))
    }

    pub(crate) fn ring_counts(&self) -> Vec<RingCounts> {
        let mut counts = vec![RingCounts::default(); self.spec.rings.len()];
        for (spec, stand) in self.spec.hosts.iter().zip(&self.hosts) {
            let Some(ring) = counts.get_mut(spec.ring) else {
                continue;
            };
            ring.hosts += 1;
            *match &stand.standing {
                Standing::Right | Standing::Nothing => &mut ring.right,
                Standing::Differs {
                    refused: Some(error),
                    ..
                } if error.reason != Reason::Conflict => &mut ring.refused,
                Standing::Differs { .. } => &mut ring.change,
                Standing::Unread(_) => &mut ring.unread,
            } += 1;
        }
        counts
    }

    fn ring_table(&self) -> String {
        let head = [
            "RING", "HOSTS", "CHANGE", "RIGHT", "REFUSED", "UNREAD", "AT ONCE", "GATES",
        ];
        let mut table = Table::new(head).right(1..7);
        for (ring, counts) in self.spec.rings.iter().zip(self.ring_counts()) {
            let gates = match ring.gates.words().as_slice() {
                [] => "none".to_owned(),
                words => words.join(", "),
            };
            let numbers = [
                counts.hosts,
                counts.change,
                counts.right,
                counts.refused,
                counts.unread,
            ];
            let numbers = numbers.map(|number| thousands(number as u64));
            let at_once = ring.max_parallel.to_string();
            table.row(
                [ring.name.clone()]
                    .into_iter()
                    .chain(numbers)
                    .chain([at_once, gates]),
            );
        }
        for (group, cap) in &self.spec.groups {
            let cells = [
                format!("group {group}"),
                String::new(),
                String::new(),
                String::new(),
            ];
            let cap = [String::new(), String::new(), cap.to_string()];
            table.row(cells.into_iter().chain(cap));
        }
        table.render()
    }

    fn limits(&self) -> String {
        let mut out = String::new();
        for (ring, counts) in self.spec.rings.iter().zip(self.ring_counts()) {
            let scope = format!("ring {}", neutral(&ring.name));
            push_limits(&mut out, &scope, &ring.limits, ring.on_breach, counts.hosts);
        }
        let spec = self.spec;
        push_limits(
            &mut out,
            "run",
            &spec.limits,
            spec.on_breach,
            spec.hosts.len(),
        );
        out
    }
}

fn standing(steps: &[PlannedStep]) -> Standing {
    let (differences, conflicts) = (changes(steps), conflicts(steps));
    if differences.is_empty() && conflicts.is_none() {
        return Standing::Right;
    }
    Standing::Differs {
        differences,
        refused: conflicts
            .or_else(|| not_restorable(steps))
            .or_else(|| preflight_refusal(steps.iter().flat_map(|step| &step.preflight))),
    }
}

/// `18,204 hosts: this exact change; 1,759 already right; 37 in 4 groups differ; 3 could not be read`
pub(crate) fn headline(groups: &Groups<'_>) -> String {
    let mut parts = Vec::new();
    let mut rest = groups.groups.as_slice();
    if let [first, others @ ..] = rest
        && first.refused.is_none()
    {
        parts.push(format!(
            "{}: this exact change",
            counted(first.hosts.len(), "host")
        ));
        rest = others;
    }
    if !groups.right.is_empty() || parts.is_empty() {
        let right = groups.right.len();
        let unit = if parts.is_empty() {
            counted(right, "host")
        } else {
            thousands(right as u64)
        };
        parts.push(format!("{unit} already right"));
    }
    let differ: usize = rest.iter().map(|group| group.hosts.len()).sum();
    if differ > 0 {
        let verb = if differ == 1 { "differs" } else { "differ" };
        let in_groups = counted(rest.len(), "group");
        parts.push(format!(
            "{} in {in_groups} {verb}",
            thousands(differ as u64)
        ));
    }
    let (refused, unread) = (groups.refused(), groups.unreadable());
    if refused > 0 {
        parts.push(format!(
            "{} of these will be refused",
            thousands(refused as u64)
        ));
    }
    if unread > 0 {
        parts.push(format!("{} could not be read", thousands(unread as u64)));
    }
    parts.join("; ")
}

pub(crate) fn named(limits: &Limits) -> impl Iterator<Item = (&'static str, Limit)> {
    let all = [
        ("max_failed", limits.max_failed),
        ("max_unreachable", limits.max_unreachable),
        ("max_indeterminate", limits.max_indeterminate),
    ];
    all.into_iter()
        .filter_map(|(name, limit)| Some((name, limit?)))
}

/// `max_failed 2% of 400 hosts = 8`
pub(crate) fn arithmetic(name: &str, limit: Limit, hosts: usize) -> String {
    let of = counted(hosts, "host");
    format!(
        "{name} {limit} of {of} = {}",
        thousands(limit.allowed(hosts))
    )
}

fn push_limits(out: &mut String, scope: &str, limits: &Limits, on_breach: OnBreach, hosts: usize) {
    for (name, limit) in named(limits) {
        let action = json!(on_breach);
        let action = action.as_str().unwrap_or_default();
        let line = arithmetic(name, limit, hosts);
        let _ = writeln!(out, "limit of {scope}: {line}, on_breach {action}");
    }
}

fn limits_json(limits: &Limits, hosts: usize) -> Value {
    let one = |(name, limit): (&'static str, Limit)| {
        let formula = arithmetic(name, limit, hosts);
        json!({ "name": name, "limit": limit, "hosts": hosts, "allowed": limit.allowed(hosts), "formula": formula })
    };
    named(limits).map(one).collect()
}
