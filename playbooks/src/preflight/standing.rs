//! What a playbook says to the checks: which are made, and what is allowed to stand.

use super::judge::judge;
use super::{Check, PreflightChange, PreflightFinding};
use crate::change::Desired;
use crate::facts::{AdvProxy, Facts};
use crate::playbook::Playbook;

/// What a playbook says to a check at one of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is not made.
    LeftOut,
    /// What it finds is shown and stands in no way.
    Allowed,
    /// What it finds counts.
    InForce,
}

impl Playbook {
    /// What the preflight finds (with the index of the step it is about): only checks that are made here, and each
    /// marked where playbook or step allow it. `steps` are names and whether the host's software would not heed them.
    pub fn preflight_findings(
        &self,
        changes: &[PreflightChange<'_>],
        steps: &[(&str, bool)],
        facts: &Facts,
        now: jiff::Timestamp,
    ) -> Vec<(Option<usize>, PreflightFinding)> {
        let standing = |check, step| {
            if !self.preflight.makes(check) {
                Standing::LeftOut
            } else if self.allows(check, step) {
                Standing::Allowed
            } else {
                Standing::InForce
            }
        };
        judge(changes, steps, facts, now, &standing)
    }

    /// As the preflight would judge it: what `netsh winhttp show advproxy` printed beside the write of a step, given by index
    /// and name. `None` where nothing is set in that store, or the check is not made.
    pub fn beside_winhttp(
        &self,
        printed: &str,
        (index, name): (usize, &str),
        desired: &Desired,
    ) -> Option<PreflightFinding> {
        let (check, detail) = AdvProxy::shown(printed)?.beside(desired)?;
        let made = [Check::AdvProxyDiffers, check];
        let made = made.iter().all(|check| self.preflight.makes(*check));
        made.then(|| PreflightFinding {
            check,
            grade: check.row().grade,
            allowed: self.allows(check, Some(index)),
            step: Some(name.to_owned()),
            detail,
        })
    }

    /// Whether a finding about a step (by its index) is allowed to stand: by the playbook, or by the step itself.
    pub fn allows(&self, check: Check, step: Option<usize>) -> bool {
        let step = step.and_then(|index| self.steps.get(index));
        self.preflight.allow.contains(&check)
            || step.is_some_and(|step| step.allow.contains(&check))
    }
}
