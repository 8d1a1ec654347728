//! The decision table of the preflight: a plain function over what a playbook would change and what is known of the
//! host. A fact that was not asked for decides nothing. What is judged for one component is a file of its own.

use jiff::Timestamp;

use super::antivirus::antivirus;
use super::owner::owner;
use super::sensor::sensor;
use super::standing::Standing;
use super::subject::{Kind, is_for_offline, kind_of, sets_proxy};
use super::wanted::decides;
use super::win_http::win_http;
use super::{Check, PreflightChange, PreflightFinding, PreflightGrade};
use crate::facts::{Fact, Facts, below_gate};
use crate::registry::without_accounts;

/// Every finding of a check that is made, with the index of its step, in the order of the changes. `steps`: name of each
/// step, and whether it was left out because the host's software would not heed it. `now` is the time on the host.
pub(super) fn judge(
    changes: &[PreflightChange<'_>],
    steps: &[(&str, bool)],
    facts: &Facts,
    now: Timestamp,
    standing: &dyn Fn(Check, Option<usize>) -> Standing,
) -> Vec<(Option<usize>, PreflightFinding)> {
    let mut found = Found {
        steps,
        standing,
        findings: Vec::new(),
    };
    for (index, (_, ignored)) in steps.iter().enumerate() {
        if *ignored {
            let detail = below_gate(Fact::SensorPrefersStaticProxy, Some(facts));
            let detail = detail.unwrap_or_else(|| "the sensor ignores it".to_owned());
            found.add(Check::SensorBelowGate, index, detail);
        }
    }
    for change in changes {
        owner(change, facts, &mut found);
        if !change.needed() {
            continue;
        }
        match kind_of(change.target) {
            Kind::Edr | Kind::Prefer if sets_proxy(change) => {
                sensor(change, changes, facts, now, &mut found)
            }
            Kind::AvServer | Kind::Av | Kind::Ssl if sets_proxy(change) => {
                antivirus(change, facts, &mut found);
            }
            Kind::WinHttp => win_http(change, facts, &mut found),
            _ => {}
        }
        if is_for_offline(change) && facts.flag(Fact::NetworkLists) == Some(true) {
            let detail = "the host fetches the lists of certificates directly".to_owned();
            found.add(Check::NotOffline, change.step, detail);
        }
    }
    for (fact, why) in facts.failures() {
        if fact == Fact::GpoSettings {
            let policies = changes.iter().find(|change| change.target.is_policy());
            let step = policies.map_or(0, |change| change.step);
            let local = match facts.value(Fact::GpoLocal) {
                Some(_) => "; of the local group policy, its file was read",
                None => "",
            };
            found.add(Check::OwnershipUnknown, step, format!("{why}{local}"));
        } else if is_told(fact, facts) {
            found.whole(Check::NotLooked, format!("facts.{}: {why}", fact.name()));
        }
    }
    found.findings
}

/// What was found so far.
pub(super) struct Found<'a> {
    steps: &'a [(&'a str, bool)],
    standing: &'a dyn Fn(Check, Option<usize>) -> Standing,
    findings: Vec<(Option<usize>, PreflightFinding)>,
}

impl Found<'_> {
    pub(super) fn add(&mut self, check: Check, step: usize, detail: String) {
        self.graded(check, check.row().grade, step, detail);
    }

    pub(super) fn graded(
        &mut self,
        check: Check,
        grade: PreflightGrade,
        step: usize,
        detail: String,
    ) {
        self.push(check, grade, Some(step), detail);
    }

    fn whole(&mut self, check: Check, detail: String) {
        self.push(check, check.row().grade, None, detail);
    }

    fn push(&mut self, check: Check, grade: PreflightGrade, step: Option<usize>, detail: String) {
        let standing = (self.standing)(check, step);
        let named = step.and_then(|index| self.steps.get(index));
        let finding = PreflightFinding {
            check,
            grade,
            allowed: standing == Standing::Allowed,
            step: named.map(|(name, _)| (*name).to_owned()),
            // It stands in the journal and in reports, and quotes what hosts hold.
            detail: without_accounts(&detail).into_owned(),
        };
        let finding = (step, finding);
        // Both values of a pair raise the same: it is said once.
        if standing != Standing::LeftOut && !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    pub(super) fn makes(&self, check: Check, step: usize) -> bool {
        (self.standing)(check, Some(step)) != Standing::LeftOut
    }

    /// The component that a step is for is missing. True: the step is left out for it, so that nothing else about it
    /// matters.
    pub(super) fn missing(&mut self, check: Check, step: usize, detail: &str) -> bool {
        self.add(check, step, detail.to_owned());
        (self.standing)(check, Some(step)) == Standing::InForce
    }
}

/// Whether it is said that this fact could not be read: facts of conditions are the playbook's own business, and of what
/// one question answers, its first fact speaks for all.
fn is_told(fact: Fact, facts: &Facts) -> bool {
    let first = match fact {
        Fact::NetworkIpv4Route => Fact::NetworkIpv4,
        Fact::RolesMma => Fact::ServicesSense,
        Fact::RolesCluster | Fact::RolesExchange => Fact::RolesDomainController,
        Fact::AvPlatform if facts.knows(Fact::AvTamperProtected) => Fact::AvTamperProtected,
        Fact::AvTamperProtected | Fact::AvPlatform => Fact::AvPresent,
        _ => return decides(fact).is_some(),
    };
    !facts.knows(first)
}
