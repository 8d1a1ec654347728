//! An audit as it is shown: who drifted, from what to what, in groups.
//!
//! What should be there comes from a playbook, or from what a run read back at its end; who compares is the caller.

use std::fmt::Write as _;

use playbooks::Observed;
use rollout::{HostError, LeftValue, PlannedStep, Severity};
use serde_json::{Value, json};

use crate::csv;
use crate::groups::{Difference, Groups, Side, Stand, Standing, changes};
use crate::groups_text::{self, Wording};
use crate::text::{counted, neutral, thousands};

/// Name and version of the JSON form.
pub const SCHEMA: &str = "winfleet.audit/1";
const WORDS: [&str; 2] = ["right", "drifted"];
const KEYS: [&str; 2] = ["expected", "found"];

/// What an audit looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// Values that are not as a playbook wants them, or as a run left them.
    Drift,
    /// What controllers that were killed left: a host is right where there is nothing of that kind.
    Traces,
}

/// An audit, grouped on demand.
#[derive(Clone, Debug)]
pub struct Audit<'a> {
    /// What is looked for.
    pub sought: Sought,
    /// `playbook NAME` or `run ID`; for traces, whose.
    pub against: String,
    /// How each host stands, in the order of the inventory or the run.
    pub hosts: Vec<Stand<'a>>,
    /// Every group and host is named.
    pub verbose: bool,
}

/// How a host stands against a playbook: from what is wanted to what is there.
pub fn against_playbook(found: Result<&[PlannedStep], &HostError>) -> Standing {
    found.map_or_else(
        |error| Standing::Unread(error.clone()),
        |steps| {
            // Every step is left out on this host: nothing of the playbook is wanted there.
            if !steps.is_empty() && steps.iter().all(|step| step.skipped.is_some()) {
                return Standing::Nothing;
            }
            let turned = changes(steps).into_iter().map(|one| Difference {
                from: one.to,
                to: one.from,
                ..one
            });
            drifted(turned.collect())
        },
    )
}

/// How a host stands that was searched for traces: each one found, beside the nothing that should be there.
pub fn for_traces(found: Result<&[(LeftValue, Observed)], &HostError>) -> Standing {
    match found {
        Ok([]) => Standing::Right,
        found => against_run(found),
    }
}

/// How a host stands against what a run left: from what was left to what is there.
pub fn against_run(found: Result<&[(LeftValue, Observed)], &HostError>) -> Standing {
    let values = match found {
        Err(error) => return Standing::Unread(error.clone()),
        Ok([]) => return Standing::Nothing,
        Ok(values) => values,
    };
    let moved = values
        .iter()
        .filter(|(value, now)| !value.left.same_content(now));
    let moved = moved.map(|(value, now)| {
        let target = &value.target;
        let (from, to) = (
            Side::observed(target, &value.left),
            Side::observed(target, now),
        );
        Difference::new(&value.step, target, from, to)
    });
    drifted(moved.collect())
}

fn drifted(differences: Vec<Difference>) -> Standing {
    if differences.is_empty() {
        return Standing::Right;
    }
    Standing::Differs {
        differences,
        refused: None,
    }
}

impl Audit<'_> {
    /// For people.
    pub fn table(&self) -> String {
        let groups = Groups::of(&self.hosts);
        let (joined, wording) = match self.sought {
            Sought::Drift => ("against", Wording::Drift),
            Sought::Traces => ("for", Wording::Trace),
        };
        let mut out = format!(
            "audit of {} {joined} {}\n\n{}\n",
            counted(self.hosts.len(), "host"),
            neutral(&self.against),
            self.headline(&groups)
        );
        out.push_str(&groups_text::groups(&groups.groups, wording, self.verbose));
        if !groups.nothing.is_empty() {
            let _ = writeln!(
                out,
                "\nnothing to compare: {}: {}",
                counted(groups.nothing.len(), "host"),
                groups_text::names(&groups.nothing, self.verbose)
            );
        }
        out.push_str(&groups_text::causes(&groups.unread, self.verbose));
        out
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let groups = Groups::of(&self.hosts);
        json!({
            "schema": SCHEMA,
            "against": self.against,
            "summary": self.headline(&groups),
            "totals": {
                "hosts": self.hosts.len(),
                "drifted": groups.differing(),
                "right": groups.right.len(),
                "nothing_to_compare": groups.nothing.len(),
                "unread": groups.unreadable(),
            },
            "groups": groups.groups.iter().map(|one| {
                let mut group = groups_text::group_json(one, KEYS);
                // An audit writes nothing that could be refused.
                group.as_object_mut().map(|members| members.shift_remove("refused"));
                group
            }).collect::<Vec<_>>(),
            "right": { "count": groups.right.len(), "hosts": groups.right },
            "nothing_to_compare": { "count": groups.nothing.len(), "hosts": groups.nothing },
            "unread": groups.unread.iter().map(groups_text::cause_json).collect::<Vec<_>>(),
        })
    }

    /// One object per host.
    pub fn lines(&self) -> impl Iterator<Item = Value> {
        let line = |host| groups_text::stand_json(host, SCHEMA, WORDS, KEYS);
        self.hosts.iter().map(line)
    }

    /// For spreadsheets: one row per drifted value, one per host without any.
    pub fn csv(&self) -> String {
        let head = [
            "host", "ring", "state", "reason", "detail", "remedy", "step", "target", "expected",
            "found",
        ];
        let rows = self.hosts.iter();
        csv::document(&head, rows.flat_map(|host| groups_text::rows(host, WORDS)))
    }

    fn headline(&self, groups: &Groups<'_>) -> String {
        match self.sought {
            Sought::Drift => drift(groups),
            Sought::Traces => traces(groups),
        }
    }

    /// Something is not as it should be.
    pub fn drifted(&self) -> bool {
        let differs = |host: &Stand<'_>| matches!(host.standing, Standing::Differs { .. });
        self.hosts.iter().any(differs)
    }

    /// True where a host could not be read for a cause of this kind.
    pub fn any_unread(&self, wanted: Severity) -> bool {
        self.hosts.iter().any(
            |host| matches!(&host.standing, Standing::Unread(error) if error.severity == wanted),
        )
    }
}

/// `3 hosts drifted in 2 groups; 1,759 right; 2 could not be read`
fn drift(groups: &Groups<'_>) -> String {
    let mut parts = vec![match groups.differing() {
        0 if groups.right.is_empty() => "no host could be compared".to_owned(),
        0 => "no drift".to_owned(),
        hosts => format!(
            "{} drifted in {}",
            counted(hosts, "host"),
            counted(groups.groups.len(), "group")
        ),
    }];
    parts.push(format!("{} right", thousands(groups.right.len() as u64)));
    let (nothing, unread) = (groups.nothing.len(), groups.unreadable());
    if nothing > 0 {
        parts.push(format!(
            "{} with nothing to compare",
            thousands(nothing as u64)
        ));
    }
    if unread > 0 {
        parts.push(format!("{} could not be read", thousands(unread as u64)));
    }
    parts.join("; ")
}

/// `traces on 1 host; no traces on 1,759 hosts; 2 could not be read`
fn traces(groups: &Groups<'_>) -> String {
    let on = |what: &str, hosts: usize| format!("{what} on {}", counted(hosts, "host"));
    let (found, none, unread) = (groups.differing(), groups.right.len(), groups.unreadable());
    let mut parts = Vec::new();
    if found > 0 {
        parts.push(on("traces", found));
    }
    if none > 0 || found == 0 {
        parts.push(on("no traces", none));
    }
    if unread > 0 {
        parts.push(format!("{} could not be read", thousands(unread as u64)));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use rollout::{HostError, Reason};

    use super::*;

    #[test]
    fn hosts_without_traces_are_right_and_those_that_were_not_read_are_not() {
        let stand = |host, standing| Stand {
            host,
            ring: "all",
            standing,
        };
        let error = HostError::failed(Reason::AccessDenied, "denied");
        let of = |hosts: Vec<Stand<'static>>| Audit {
            sought: Sought::Traces,
            against: "traces of winfleet".to_owned(),
            hosts,
            verbose: false,
        };
        let clean = of(vec![
            stand("a", for_traces(Ok(&[]))),
            stand("b", for_traces(Ok(&[]))),
        ]);
        let json = clean.json();
        assert_eq!(json["summary"], "no traces on 2 hosts");
        assert_eq!(json["totals"]["right"], 2);
        assert!(!clean.drifted() && clean.table().contains("for traces of winfleet"));
        let unread = of(vec![stand("a", for_traces(Err(&error)))]);
        let summary = unread.json()["summary"].clone();
        assert_eq!(summary, "no traces on 0 hosts; 1 could not be read");
    }
}
