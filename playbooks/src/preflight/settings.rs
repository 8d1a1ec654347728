//! What a playbook says about the preflight.

use std::collections::BTreeSet;

use super::Check;

/// The `preflight` block; in force as it is made by default where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreflightSettings {
    /// Nothing is looked at.
    pub off: bool,
    /// Found and shown, but neither blocks nor leaves a step out.
    pub allow: BTreeSet<Check>,
    /// Not looked at; costs no request.
    pub leave_out: BTreeSet<Check>,
}

impl PreflightSettings {
    /// `preflight: off`.
    pub fn off() -> Self {
        Self {
            off: true,
            ..Self::default()
        }
    }

    /// Whether a check is made.
    pub fn makes(&self, check: Check) -> bool {
        !self.off && !self.leave_out.contains(&check)
    }
}
