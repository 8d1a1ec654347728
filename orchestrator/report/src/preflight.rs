//! What the preflight found, for people and for programs: grouped over hosts in a plan, one by one for a host.

use std::fmt::Write as _;

use playbooks::{Check, PreflightFinding, PreflightGrade};
use serde_json::{Value, json};

use crate::groups_text::names;
use crate::text::{counted, neutral};

/// Hosts on which the same was found.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    finding: &'a PreflightFinding,
    hosts: Vec<&'a str>,
}

/// Groups findings: blocks first, then by number of hosts.
pub(crate) fn groups<'a>(
    hosts: impl IntoIterator<Item = (&'a str, &'a [PreflightFinding])>,
) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (host, findings) in hosts {
        for finding in findings {
            match groups.iter_mut().find(|group| group.finding == finding) {
                Some(group) => group.hosts.push(host),
                None => groups.push(Group {
                    finding,
                    hosts: vec![host],
                }),
            }
        }
    }
    let weight = |group: &Group<'_>| {
        let finding = group.finding;
        let blocks = finding.blocks();
        let grade: PreflightGrade = finding.grade;
        (
            !blocks,
            std::cmp::Reverse(grade),
            usize::MAX - group.hosts.len(),
        )
    };
    groups.sort_by_key(weight);
    groups
}

/// A section of a plan; empty where nothing was found.
pub(crate) fn section(groups: &[Group<'_>], all: bool) -> String {
    let mut out = String::new();
    for Group { finding, hosts } in groups {
        let about = match &finding.step {
            Some(step) => format!(" ({step})"),
            None => String::new(),
        };
        let _ = writeln!(
            out,
            "{} {}: {}: {}{}\n    {}",
            finding.word(),
            finding.check.name(),
            counted(hosts.len(), "host"),
            neutral(&finding.detail),
            neutral(&about),
            names(hosts, all)
        );
        if let Some(remedy) = remedy(finding) {
            let _ = writeln!(out, "    remedy: {remedy}");
        }
    }
    if !out.is_empty() {
        out.insert_str(0, "\npreflight\n");
    }
    out
}

/// The groups for programs.
pub(crate) fn groups_json(groups: &[Group<'_>]) -> Value {
    let one = |group: &Group<'_>| {
        let mut value = json(group.finding);
        value["count"] = group.hosts.len().into();
        value["hosts"] = json!(group.hosts);
        value
    };
    groups.iter().map(one).collect()
}

/// One finding for programs.
pub(crate) fn json(finding: &PreflightFinding) -> Value {
    json!({
        "check": finding.check,
        "grade": finding.grade,
        "allowed": finding.allowed,
        "step": finding.step,
        "detail": finding.detail,
        "remedy": remedy(finding),
    })
}

/// All findings of a host in one cell.
pub(crate) fn cell(findings: &[PreflightFinding]) -> String {
    let one = |finding: &PreflightFinding| {
        format!(
            "{}: {}: {}",
            finding.word(),
            finding.check.name(),
            finding.detail
        )
    };
    findings.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What to do about what is not allowed already.
pub(crate) fn remedy(finding: &PreflightFinding) -> Option<&'static str> {
    let check: Check = finding.check;
    check.remedy().filter(|_| !finding.allowed)
}
