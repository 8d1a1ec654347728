//! What the preflight found, for people and for programs: grouped over hosts in a plan, one by one for a host.

use std::collections::HashMap;
use std::fmt::Write as _;

use playbooks::{Check, PreflightFinding, PreflightGrade};
use serde_json::{Value, json};

use crate::cluster;
use crate::groups_text::names;
use crate::text::{counted, neutral};

/// Hosts on which the same was found.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    /// As it was found on the first of them.
    finding: &'a PreflightFinding,
    hosts: Vec<&'a str>,
    /// Values of single hosts stand in the details, which differ.
    details_differ: bool,
}

/// What makes two findings the same: everything but the values of the single host.
#[derive(PartialEq, Eq, Hash)]
struct Cause<'a> {
    check: Check,
    grade: PreflightGrade,
    allowed: bool,
    step: Option<&'a str>,
    detail: String,
}

impl<'a> Cause<'a> {
    fn of(finding: &'a PreflightFinding, host: &str) -> Self {
        let detail = match finding.check {
            // All of it is a setting of the host.
            Check::AdvProxyDiffers | Check::AdvProxySeen | Check::WinHttp32Differs => String::new(),
            _ => cluster::general(&without_numbers(&finding.detail), host),
        };
        Self {
            check: finding.check,
            grade: finding.grade,
            allowed: finding.allowed,
            step: finding.step.as_deref(),
            detail,
        }
    }
}

/// Versions, builds and types of chassis are the host's own; the number of an update (KB5001384) is not.
fn without_numbers(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([',', ';']);
        let number = bare.starts_with(|c: char| c.is_ascii_digit())
            && bare.chars().all(|c| c.is_ascii_digit() || c == '.');
        match number {
            true => word.replacen(bare, cluster::OWN, 1),
            false => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Groups findings by cause: blocks first, then by number of hosts.
pub(crate) fn groups<'a>(
    hosts: impl IntoIterator<Item = (&'a str, &'a [PreflightFinding])>,
) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut known: HashMap<Cause<'a>, usize> = HashMap::new();
    for (host, findings) in hosts {
        for finding in findings {
            let place = *known.entry(Cause::of(finding, host)).or_insert_with(|| {
                groups.push(Group {
                    finding,
                    hosts: Vec::new(),
                    details_differ: false,
                });
                groups.len() - 1
            });
            let group = &mut groups[place];
            group.details_differ |= group.finding.detail != finding.detail;
            // Two values of one step may have one cause.
            if group.hosts.last() != Some(&host) {
                group.hosts.push(host);
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
    for group in groups {
        let Group { finding, hosts, .. } = group;
        let example = if group.details_differ {
            "for example "
        } else {
            ""
        };
        let about = match &finding.step {
            Some(step) => format!(" ({step})"),
            None => String::new(),
        };
        let _ = writeln!(
            out,
            "{} {}: {}: {example}{}{}\n    {}",
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
        value["details_differ"] = group.details_differ.into();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(check: Check, detail: &str) -> PreflightFinding {
        PreflightFinding {
            check,
            grade: check.row().grade,
            allowed: false,
            step: Some("edr".to_owned()),
            detail: detail.to_owned(),
        }
    }

    /// Number of hosts of each group of two such findings on a host each.
    fn grouped(check: Check, one: &str, other: &str) -> Vec<usize> {
        let found = [[finding(check, one)], [finding(check, other)]];
        let hosts = ["pc-1.x", "pc-2.x"]
            .into_iter()
            .zip(found.iter().map(|all| &all[..]));
        let groups = groups(hosts);
        groups.iter().map(|group| group.hosts.len()).collect()
    }

    #[test]
    fn hosts_with_one_cause_are_one_group_whatever_their_values_are() {
        use Check::{
            AdvProxyDiffers, AdvProxySeen, BuildBelowFloor, HttpsAvProxy, NoIpv4, PortableWinHttp,
            SensorBelowGate, WinHttp32Differs,
        };
        for (check, one, other) in [
            (
                NoIpv4,
                "its addresses are fe80::1",
                "its addresses are fe80::2, 2001:db8::7, 169.254.1.1",
            ),
            (
                BuildBelowFloor,
                "build 19041.1 is below 19041.844 (KB4601382)",
                "build 19042.963 is below 19042.964 (KB4601382)",
            ),
            (PortableWinHttp, "chassis type 10", "chassis type 9, 31"),
            (
                SensorBelowGate,
                "version 10.8209.17763.1 ignores the preference",
                "version 10.1.2.3 ignores the preference",
            ),
            (
                HttpsAvProxy,
                "the platform of this host is 4.18.1.1",
                "the platform of this host is 4.18.2.2",
            ),
            (
                AdvProxyDiffers,
                "proxy a:1, bypass none",
                "proxy none, bypass b",
            ),
            (AdvProxySeen, "proxy a:1", "proxy b.example:2"),
            (
                WinHttp32Differs,
                "32-bit programs use a:1",
                "32-bit programs use b:2",
            ),
        ] {
            assert_eq!(grouped(check, one, other), [2], "{one}");
        }
    }

    #[test]
    fn different_causes_stay_apart() {
        use Check::{BuildBelowFloor, GpoOwned, RoleBypass};
        for (check, one, other) in [
            (
                GpoOwned,
                "'P' owns A and wants 'x:1'",
                "'Q' owns A and wants 'x:1'",
            ),
            (
                GpoOwned,
                "'P' owns A and wants 'x:1'",
                "'P' owns B and wants 'x:1'",
            ),
            (
                BuildBelowFloor,
                "build 19041.1 is below 19041.844 (KB4601382)",
                "build 17763.1 is below 17763.1911 (KB5001384)",
            ),
            (
                RoleBypass,
                "the host is a cluster node",
                "the host is a domain controller",
            ),
        ] {
            assert_eq!(grouped(check, one, other), [1, 1], "{one}");
        }
    }

    #[test]
    fn an_example_is_called_one() {
        let found = [
            [finding(Check::NoIpv4, "its addresses are fe80::1")],
            [finding(Check::NoIpv4, "its addresses are fe80::2")],
        ];
        let both = || {
            ["pc-1.x", "pc-2.x"]
                .into_iter()
                .zip(found.iter().map(|all| &all[..]))
        };
        let text = section(&groups(both()), true);
        assert!(
            text.contains("no_ipv4: 2 hosts: for example its addresses are fe80::1 (edr)"),
            "{text}"
        );
        let json = groups_json(&groups(both()));
        assert_eq!(json[0]["details_differ"], true);
        let one = groups_json(&groups(both().take(1)));
        assert_eq!(one[0]["details_differ"], false);
        assert!(!section(&groups(both().take(1)), true).contains("for example"));
    }
}
