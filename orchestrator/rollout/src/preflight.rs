//! The preflight of one host: asks for what the decision table of `playbooks` goes by, and lets its findings leave
//! steps out or stop the host. The same code serves a plan, which only reads, and a push.

use jiff::Timestamp;
use playbooks::{Check, Facts, Playbook, PreflightChange, PreflightFinding, Rounds};

use crate::event::{Intent, PlannedStep};
use crate::fleet::{HostError, Observe, Reason};
use crate::prior::WantedStep;

/// What was found, by step.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// With the index of the step it is about.
    found: Vec<(Option<usize>, PreflightFinding)>,
}

/// Looks at a host on which `steps` were read. `below_gate` says of each step whether the host's software would not heed
/// it; `facts` is what conditions have asked for already; `writes`: the steps are carried out
/// afterwards; `now`: for what expires.
pub(crate) async fn look<O: Observe>(
    playbook: &Playbook,
    steps: &[PlannedStep],
    below_gate: &[bool],
    facts: Option<Facts>,
    (writes, now): (bool, Timestamp),
    observer: &mut O,
) -> Result<Looked, HostError> {
    if playbook.preflight.off {
        return Ok(Looked::default());
    }
    let mut facts = facts.unwrap_or_default();
    let changes = changes(steps);
    let names: Vec<(&str, bool)> = steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let below = below_gate.get(index).copied().unwrap_or(false);
            (step.name.as_str(), below)
        })
        .collect();
    let mut rounds = Rounds::new(&playbook.preflight, &changes, writes);
    loop {
        let found = playbook.preflight_findings(&changes, &names, &facts, now);
        let Some(wanted) = rounds.next(&facts, &found) else {
            let not_looked = rounds.not_looked().into_iter();
            let not_looked = not_looked.map(|finding| (None, finding));
            let found = found.into_iter().chain(not_looked).collect();
            return Ok(Looked { found });
        };
        let before = observer.cost().requests;
        facts.merge(observer.facts(&wanted).await?);
        rounds.took(observer.cost().requests.saturating_sub(before));
    }
}

fn changes(steps: &[PlannedStep]) -> Vec<PreflightChange<'_>> {
    let all = steps.iter().enumerate();
    all.flat_map(|(step, planned)| planned.changes.iter().map(move |change| (step, change)))
        .filter_map(|(step, change)| match &change.intent {
            Intent::Apply(apply) => Some(PreflightChange {
                step,
                target: &apply.target,
                desired: &apply.desired,
                prior: &change.prior,
            }),
            Intent::Undo(_) => None,
        })
        .collect()
}

impl Looked {
    /// Leaves out the steps that have no business on this host.
    pub(crate) fn leave_out(&self, wanted: &mut [WantedStep], steps: &mut [PlannedStep]) {
        for (index, finding) in &self.found {
            let Some(index) = index.filter(|_| finding.skips()) else {
                continue;
            };
            let why = format!("preflight {}: {}", finding.check.name(), finding.detail);
            if let Some((_, skipped, intents)) = wanted.get_mut(index) {
                (*skipped, *intents) = (Some(why.clone()), Vec::new());
            }
            if let Some(step) = steps.get_mut(index) {
                (step.skipped, step.changes) = (Some(why), Vec::new());
            }
        }
    }

    /// Puts each finding to its step; what is about the whole host to the first.
    pub(crate) fn attach(self, steps: &mut [PlannedStep]) {
        for (index, finding) in self.found {
            if let Some(step) = steps.get_mut(index.unwrap_or(0)) {
                step.preflight.push(finding);
            }
        }
    }

    pub(crate) fn findings(&self) -> Vec<PreflightFinding> {
        let findings = self.found.iter();
        findings.map(|(_, finding)| finding.clone()).collect()
    }
}

/// The refusal of a host that these findings block: nothing is written to it.
pub fn preflight_refusal<'a>(
    findings: impl IntoIterator<Item = &'a PreflightFinding>,
) -> Option<HostError> {
    let blocking: Vec<&PreflightFinding> = findings
        .into_iter()
        .filter(|finding| finding.blocks())
        .collect();
    let first = blocking.first()?;
    // Several steps may be blocked by one cause: it is said once.
    let mut words: Vec<String> = Vec::new();
    for finding in &blocking {
        let word = format!("{}: {}", finding.check.name(), finding.detail);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let detail = words.join("; ");
    let error = HostError::failed(Reason::PreflightBlocked, detail);
    Some(error.with_remedy(remedy(first.check)))
}

fn remedy(check: Check) -> String {
    let name = check.name();
    let way_out = format!("preflight: {{ allow: [{name}] }} lets such hosts pass");
    match check.remedy() {
        Some(remedy) => format!("{remedy}; {way_out}"),
        None => way_out,
    }
}
