//! What was not done and not proved on hosts that count as wanted: steps that were left out, probes that had nothing to
//! prove, rings that opened the next one without a proof, and proxies that were written untried. Hosts that failed say it
//! themselves.

use std::collections::{BTreeMap, BTreeSet};

use playbooks::{Finding, Grade};
use rollout::{HostRecord, Outcome, RunRecord, StepState, Verb};

use crate::cluster::general;
use crate::untried;

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
    /// No probe was asked of the host, although the playbook has some.
    Probes,
    /// Rings opened the next one, and nothing was proved on any of their hosts.
    Rings,
    /// A proxy was written that no probe had asked for before.
    Untried,
}

impl<'a> What<'a> {
    /// `step`, `probe`, `ring` or `proxy`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Step(_) => "step",
            Self::Probe(_) | Self::Probes => "probe",
            Self::Rings => "ring",
            Self::Untried => "proxy",
        }
    }

    /// The name in the playbook.
    pub fn name(self) -> Option<&'a str> {
        match self {
            Self::Step(name) | Self::Probe(name) => Some(name),
            Self::Probes | Self::Rings | Self::Untried => None,
        }
    }
}

/// Groups them by what and why, largest first. A rollback has nothing of the kind.
pub fn not_done(record: &RunRecord) -> Vec<NotDone<'_>> {
    let mut found: BTreeMap<(What<'_>, String), Vec<&str>> = BTreeMap::new();
    if record.verb == Verb::Rollback {
        return Vec::new();
    }
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
        if record.declared_probes > 0 && host.probes.is_empty() {
            let why = "the conditions of all probes are false there";
            add(What::Probes, why.to_owned());
        }
    }
    let rings: Vec<&str> = unproved_rings(record).collect();
    if !rings.is_empty() {
        let why = format!(
            "{} {} opened the next one: no probe was asked there, or none had anything to prove",
            if rings.len() == 1 { "ring" } else { "rings" },
            rings.join(", ")
        );
        let hosts = record.hosts.iter().filter(|host| counts(host));
        let hosts = hosts.filter(|host| rings.contains(&host.ring.as_str()));
        found.insert(
            (What::Rings, why),
            hosts.map(|host| host.name.as_str()).collect(),
        );
    }
    if let Some((why, hosts)) = written_untried(record) {
        found.insert((What::Untried, why), hosts);
    }
    let all = found.into_iter();
    let mut all: Vec<NotDone<'_>> = all
        .map(|((what, cause), hosts)| NotDone { what, cause, hosts })
        .collect();
    all.sort_by_key(|one| usize::MAX - one.hosts.len());
    all
}

/// Rings of a playbook with probes that proved nothing on any host, and behind which another ring was begun.
fn unproved_rings(record: &RunRecord) -> impl Iterator<Item = &str> {
    let last = record.rings.iter().rposition(|ring| ring.started.is_some());
    let before = record.rings.iter().take(last.unwrap_or(0));
    let proved = |host: &HostRecord| {
        let mut verdicts = host
            .probes
            .iter()
            .filter_map(|probe| probe.verdict.as_ref());
        verdicts.any(|verdict| {
            verdict.grade() == Grade::Pass && verdict.finding != Finding::StepsLeftOut
        })
    };
    before.map(|ring| ring.name.as_str()).filter(move |name| {
        let mut hosts = record.hosts.iter().filter(|host| host.ring == *name);
        record.declared_probes > 0
            && hosts.clone().any(counts)
            && !hosts.any(|host| counts(host) && proved(host))
    })
}

/// The proxies that were written without having been asked for, as a sentence, and the hosts. A failed host counts: what was
/// written to it stands.
fn written_untried(record: &RunRecord) -> Option<(String, Vec<&str>)> {
    let hosts = record.hosts.iter().filter(|host| host.changed);
    let hosts = hosts.map(|host| (host.name.as_str(), untried::of_host(host)));
    let (mut names, mut all) = (Vec::new(), BTreeSet::new());
    for (name, found) in hosts.filter(|(_, found)| !found.is_empty()) {
        names.push(name);
        all.extend(found);
    }
    let remedy = record.candidate_remedy.as_deref();
    let remedy = remedy.unwrap_or("winfleet check names what would");
    let why = untried::sentence(&all, "", remedy)?;
    Some((why, names))
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

    fn rings(record: &mut RunRecord, names: &[&str]) {
        let model = record.rings[0].clone();
        record.rings = names
            .iter()
            .map(|name| rollout::RingRecord {
                name: (*name).to_owned(),
                started: record.started,
                ..model.clone()
            })
            .collect();
    }

    #[track_caller]
    fn check(record: &RunRecord, line: &str, there: bool) {
        let text = summary(record, Detail::default());
        assert_eq!(
            text.lines().any(|found| found == line),
            there,
            "{line}: {text}"
        );
    }

    #[test]
    fn a_ring_that_opened_the_next_one_with_nothing_proved_is_told() {
        let mut bare = sample::host("pc-1", Outcome::Ok, None);
        bare.probes.clear();
        let mut next = sample::host("pc-2", Outcome::Ok, None);
        next.ring = "broad".to_owned();
        let mut record = sample::run(vec![bare, next]);
        rings(&mut record, &["canary", "broad"]);
        let line = "gate passed with nothing proved on 1 host: ring canary opened the next one: no probe was asked there, or none had anything to prove";
        check(&record, line, true);
        check(
            &record,
            "no probe asked: not proved on 1 host: the conditions of all probes are false there",
            true,
        );
        // The next ring has not begun: nothing was opened.
        record.rings[1].started = None;
        check(&record, line, false);
        record.rings[1].started = record.started;
        // What was left out proves nothing either, and one host that proved something is enough.
        record.hosts[0].probes = record.hosts[1].probes.clone();
        check(&record, line, false);
        record.hosts[0].probes[0].verdict = Some(Verdict::new(Finding::StepsLeftOut, "x"));
        check(&record, line, true);
        // A playbook without probes has no such gate.
        record.hosts[0].probes.clear();
        record.declared_probes = 0;
        check(&record, line, false);
    }

    #[test]
    fn a_proxy_that_was_written_and_not_asked_for_is_one_line() {
        use playbooks::{HostProbe, Observed, Probe, RunAs, Typed};
        let with = |name: &str, proxy: &str| {
            let mut host = sample::host(name, Outcome::Ok, None);
            let value = Typed::Sz(format!("http://{proxy}")).to_raw();
            host.steps[0].changes[0].after = Some(Observed::Present(value));
            host
        };
        let mut record = sample::run(vec![with("pc-1", "a.x:1"), with("pc-2", "B.x:1")]);
        let one = |on: &str, what: &str| {
            format!(
                "proxy written untried on {on}: no probe asks for {what}; -e prove=true switches such a probe on"
            )
        };
        check(
            &record,
            &one(
                "2 hosts",
                "these 2 proxies before the first write: a.x:1, b.x:1",
            ),
            true,
        );
        let asked = |candidate: bool| rollout::ProbeRecord {
            probe: HostProbe {
                name: "road".to_owned(),
                probe: Probe::ProxyTcp {
                    via: "b.x:1".to_owned(),
                },
                run_as: RunAs::Account,
                candidate,
            },
            verdict: Some(Verdict::new(Finding::PortOpen, "open")),
        };
        let alone = one("1 host", "this proxy before the first write: a.x:1");
        record.hosts[1].probes = vec![asked(false)];
        check(&record, &alone, false);
        record.hosts[1].probes = vec![asked(true)];
        check(&record, &alone, true);
        // Nothing was written to it.
        let change = &mut record.hosts[0].steps[0].changes[0];
        change.before = change.after.clone().unwrap();
        assert_eq!(written_untried(&record), None);
    }
}
