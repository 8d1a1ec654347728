//! `edr_prefer_static_proxy`: the sensor prefers its static proxy for HTTP requests (S22). Carried out only where the
//! sensor honours it (S24); on others nothing is written.

use super::{Ensure, Evaluation, Field, policy};
use crate::change::{Change, Desired};
use crate::facts::Fact;
use crate::registry::{Target, Typed};
use crate::rules::{Acknowledge, KnownValue, data};

/// `value` is 0 or 1; without it 1.
#[derive(Clone, Debug)]
pub(crate) struct PreferStaticProxy {
    pub(crate) value: Option<Field>,
    pub(crate) ensure: Ensure,
}

impl PreferStaticProxy {
    /// It sets the preference, as far as the playbook alone shows: a literal 0 does not.
    pub(crate) fn may_prefer(&self) -> bool {
        let zero = self.value.as_ref().is_some_and(Field::is_literal_zero);
        self.ensure == Ensure::Present && !zero
    }

    pub(super) fn absent() -> Self {
        Self {
            value: None,
            ensure: Ensure::Absent,
        }
    }

    pub(super) fn changes(&self, evaluation: &mut Evaluation<'_>) -> Option<Vec<Change>> {
        let desired = match (self.ensure, &self.value) {
            (Ensure::Absent, _) => Desired::Absent,
            (Ensure::Present, None) => Desired::Value(Typed::Dword(1).to_raw()),
            (Ensure::Present, Some(field)) => {
                let typed = evaluation.check(field, |value, notes| {
                    let typed = data("dword", value)?;
                    KnownValue::PreferStaticProxy.judge(&typed, Acknowledge::No, notes)?;
                    Ok(typed)
                })?;
                Desired::Value(typed.to_raw())
            }
        };
        let target = target();
        Some(vec![Change { target, desired }])
    }

    /// The fact without which nothing is written. Taking the value away does no harm anywhere.
    pub(super) fn gate(&self) -> Option<Fact> {
        (self.ensure == Ensure::Present).then_some(Fact::SensorPrefersStaticProxy)
    }
}

fn target() -> Target {
    policy(
        "Windows Advanced Threat Protection",
        "PreferStaticProxyForHttpRequest",
    )
}
