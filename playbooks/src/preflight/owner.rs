//! Whether a group policy owns a value, and what it wants there.

use super::judge::Found;
use super::{Check, PreflightChange, PreflightGrade};
use crate::change::Desired;
use crate::facts::{Facts, GpoSetting};
use crate::registry::{Observed, REG_EXPAND_SZ, REG_SZ, RawValue};

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
    if satisfied(change, setting) {
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

fn satisfied(change: &PreflightChange<'_>, setting: &GpoSetting) -> bool {
    match (change.desired, &setting.value) {
        (Desired::Absent, None) => true,
        (desired, Some(theirs)) => {
            desired.satisfied_at(change.target, &Observed::Present(ended(theirs)))
        }
        (_, None) => false,
    }
}

/// The log of group policy may leave the terminator of a text out.
fn ended(raw: &RawValue) -> RawValue {
    let mut raw = raw.clone();
    let text = matches!(raw.kind, REG_SZ | REG_EXPAND_SZ);
    let even = raw.bytes.len().is_multiple_of(2);
    if text && even && !raw.bytes.ends_with(&[0, 0]) {
        raw.bytes.extend([0, 0]);
    }
    raw
}
