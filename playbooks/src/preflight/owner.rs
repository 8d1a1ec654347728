//! Whether a group policy owns a value, and what it wants there.

use super::judge::Found;
use super::{Check, PreflightChange, PreflightGrade};
use crate::change::Desired;
use crate::facts::{Facts, GpoSetting};
use crate::registry::{Observed, RawValue};

/// F15. A value that is right already is not written; the policy's other wish is then told, and blocks nothing.
pub(super) fn owner(change: &PreflightChange<'_>, facts: &Facts, found: &mut Found<'_>) {
    let settings = facts
        .gpo
        .iter()
        .filter(|setting| setting.target == *change.target);
    let Some(setting) = settings.min_by_key(|setting| setting.precedence) else {
        return;
    };
    let owner = setting.owner();
    if satisfied(change.desired, setting) {
        let detail = format!("{} is set by '{owner}'", change.target.value);
        return found.add(Check::GpoManaged, change.step, detail);
    }
    let theirs = match &setting.value {
        Some(value) => format!("wants '{}'", value.text()),
        None => "deletes it".to_owned(),
    };
    let detail = format!("'{owner}' owns {} and {theirs}", change.target.value);
    let grade = match change.needed() {
        true => PreflightGrade::Block,
        false => PreflightGrade::Warn,
    };
    found.graded(Check::GpoOwned, grade, change.step, detail);
}

fn satisfied(desired: &Desired, setting: &GpoSetting) -> bool {
    match (desired, &setting.value) {
        (Desired::Absent, None) => true,
        (Desired::Value(ours), Some(theirs)) => same_value(ours, theirs),
        (desired, Some(theirs)) => desired.satisfied_by(&Observed::Present(theirs.clone())),
        (_, None) => false,
    }
}

/// The log of group policy may leave the terminator of a text out.
fn same_value(ours: &RawValue, theirs: &RawValue) -> bool {
    let bare = |raw: &RawValue| match raw.kind {
        1 | 2 => raw
            .bytes
            .strip_suffix(&[0, 0])
            .unwrap_or(&raw.bytes)
            .to_vec(),
        _ => raw.bytes.clone(),
    };
    ours.kind == theirs.kind && bare(ours) == bare(theirs)
}
