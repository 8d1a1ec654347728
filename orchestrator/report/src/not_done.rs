//! What was not done and not proved on hosts that count as wanted: steps that were left out, and probes that had nothing to
//! prove. Hosts that failed say it themselves.

use std::collections::{BTreeMap, BTreeSet};

use playbooks::Finding;
use rollout::{HostRecord, Outcome, RunRecord, StepState, Verb};

use crate::cluster::general;

/// One thing that was not done on some hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotDone<'a> {
    /// What.
    pub what: What<'a>,
    /// Why: the check of the preflight, the condition, or the words of the probe. Remote text in it is untrusted.
    pub cause: String,
    /// In the order of the inventory.
    pub hosts: Vec<&'a str>,
}

/// What was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What<'a> {
    /// The step of this name was left out.
    Step(&'a str),
    /// The probe of this name proved nothing.
    Probe(&'a str),
    /// No probe was asked of the host, while others were asked some.
    Probes,
}

impl<'a> What<'a> {
    /// `step` or `probe`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Step(_) => "step",
            Self::Probe(_) | Self::Probes => "probe",
        }
    }

    /// The name in the playbook.
    pub fn name(self) -> Option<&'a str> {
        match self {
            Self::Step(name) | Self::Probe(name) => Some(name),
            Self::Probes => None,
        }
    }
}

/// Groups them by what and why, largest first. A rollback has nothing of the kind.
pub fn not_done(record: &RunRecord) -> Vec<NotDone<'_>> {
    let mut found: BTreeMap<(What<'_>, String), Vec<&str>> = BTreeMap::new();
    if record.verb == Verb::Rollback {
        return Vec::new();
    }
    let probed = record.hosts.iter().any(|host| !host.probes.is_empty());
    for host in record.hosts.iter().filter(|host| counts(host)) {
        let name = host.name.as_str();
        let mut add = |what, cause| found.entry((what, cause)).or_default().push(name);
        for step in &host.steps {
            if step.state == StepState::Skipped {
                let why = step.detail.as_deref().unwrap_or("no cause was recorded");
                add(What::Step(&step.name), cause(why, name));
            }
        }
        for probe in &host.probes {
            let verdict = probe.verdict.as_ref();
            if let Some(verdict) =
                verdict.filter(|verdict| verdict.finding == Finding::StepsLeftOut)
            {
                add(
                    What::Probe(&probe.probe.name),
                    general(&verdict.detail, name),
                );
            }
        }
        if probed && host.probes.is_empty() {
            let why = "the conditions of all probes are false there";
            add(What::Probes, why.to_owned());
        }
    }
    let all = found.into_iter();
    let mut all: Vec<NotDone<'_>> = all
        .map(|((what, cause), hosts)| NotDone { what, cause, hosts })
        .collect();
    all.sort_by_key(|one| usize::MAX - one.hosts.len());
    all
}

/// Hosts on which every step was left out.
pub fn untouched(record: &RunRecord) -> usize {
    let left_out = |host: &&HostRecord| {
        let mut steps = host.steps.iter();
        counts(host) && !host.steps.is_empty() && steps.all(|step| step.state == StepState::Skipped)
    };
    record.hosts.iter().filter(left_out).count()
}

/// Hosts of which a probe, or all of them, proved nothing.
pub fn unproved(all: &[NotDone<'_>]) -> usize {
    let probes = all.iter().filter(|one| one.what.kind() == "probe");
    let hosts: BTreeSet<&str> = probes.flat_map(|one| one.hosts.iter().copied()).collect();
    hosts.len()
}

fn counts(host: &HostRecord) -> bool {
    host.outcome == Outcome::Ok
}

/// Of the preflight, the name of the check: what the host looks like in detail stands in its report.
fn cause(why: &str, host: &str) -> String {
    match why
        .strip_prefix("preflight ")
        .and_then(|rest| rest.split_once(':'))
    {
        Some((check, _)) => check.to_owned(),
        None => general(why, host),
    }
}

#[cfg(test)]
mod tests {
    use playbooks::Verdict;

    use super::*;
    use crate::sample;
    use crate::summary::{Detail, summary};

    fn portable(name: &str, kind: u32) -> HostRecord {
        let mut host = sample::host(name, Outcome::Ok, None);
        let why = format!("preflight portable_winhttp: chassis type {kind}");
        host.steps[0].state = StepState::Skipped;
        (host.steps[0].detail, host.changed) = (Some(why), false);
        host
    }

    #[test]
    fn what_was_left_out_is_one_line_for_each_step_and_cause() {
        let mut bare = portable("pc-3", 9);
        bare.steps[0].detail = Some("condition is false: facts.os.is_server".to_owned());
        let verdict = Verdict::new(
            Finding::StepsLeftOut,
            "there is no EDR sensor; sensor_missing",
        );
        bare.probes[0].verdict = Some(verdict);
        let mut failed = portable("pc-4", 9);
        failed.outcome = Outcome::Failed;
        let mut record = sample::run(vec![
            portable("pc-1", 9),
            portable("pc-2", 10),
            bare,
            failed,
        ]);
        record.state = rollout::RunState::Succeeded;
        let text = summary(&record, Detail::default());
        for line in [
            "step Defender Antivirus proxy left out on 2 hosts: portable_winhttp",
            "step Defender Antivirus proxy left out on 1 host: condition is false: facts.os.is_server",
            "probe the services: not proved on 1 host: there is no EDR sensor; sensor_missing",
            "3 hosts as wanted, 0 changed; every step left out on 3 hosts; not proved on 1 host",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        record.verb = Verb::Rollback;
        assert_eq!(not_done(&record), []);
    }

    #[test]
    fn the_lines_are_bounded_and_a_host_that_no_probe_was_asked_of_is_told() {
        let hosts = (0..40).map(|number| {
            let mut host = portable(&format!("pc-{number}"), 9);
            host.steps[0].name = format!("step {number}");
            host
        });
        let mut hosts: Vec<HostRecord> = hosts.collect();
        hosts[7].probes.clear();
        let record = sample::run(hosts);
        let text = summary(&record, Detail::default());
        let lines = text.lines().filter(|line| line.contains("left out on"));
        assert!(lines.count() <= 13, "{text}");
        assert!(
            text.contains("further lines; all of them with -v"),
            "{text}"
        );
        assert_eq!(unproved(&not_done(&record)), 1);
    }
}
