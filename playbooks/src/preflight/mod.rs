//! What is looked at on a host before the first write, and what stands in the way (domain reference 4.2).
//!
//! A table of checks (`table.rs`), the facts they go by (`wanted.rs`) in the order in which they are asked (`rounds.rs`), and
//! the decision itself, a plain function over facts and changes (`judge.rs`, one file for each component). Who asks the host is the engine's business.

mod antivirus;
mod judge;
mod owner;
mod rounds;
mod sensor;
mod settings;
mod standing;
mod subject;
mod table;
mod wanted;
mod win_http;

pub use rounds::{BUDGET, Rounds};
pub(crate) use sensor::FRESH;
pub use settings::PreflightSettings;
pub(crate) use subject::text;
pub use table::{CHECKS, Check, CheckRow, PreflightGrade};
pub(crate) use win_http::wanted_proxy;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::change::Desired;
use crate::registry::{Observed, Target};

/// One change with what is there now.
#[derive(Clone, Copy, Debug)]
pub struct PreflightChange<'a> {
    /// Index of its step.
    pub step: usize,
    /// Where.
    pub target: &'a Target,
    /// What is wanted.
    pub desired: &'a Desired,
    /// What is there.
    pub prior: &'a Observed,
}

impl PreflightChange<'_> {
    /// Something would be written.
    pub(crate) fn needed(&self) -> bool {
        !self.desired.satisfied_at(self.target, self.prior)
    }
}

/// Something that was found before the first write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreflightFinding {
    /// Its name: playbooks override it by this.
    pub check: Check,
    /// How it counts where the playbook does not allow it.
    pub grade: PreflightGrade,
    /// The playbook allows it: it neither blocks the host nor leaves a step out.
    pub allowed: bool,
    /// Name of the step it is about; null: the whole host.
    pub step: Option<String>,
    /// For people. Remote text in it is untrusted.
    pub detail: String,
}

impl PreflightFinding {
    /// Nothing is written to the host because of this.
    pub fn blocks(&self) -> bool {
        self.grade == PreflightGrade::Block && !self.allowed
    }

    /// Its step is left out because of this.
    pub fn skips(&self) -> bool {
        self.check.row().skips && !self.allowed
    }

    /// `block`, `warn`, `note`, with `(allowed)` behind where that is so.
    pub fn word(&self) -> String {
        let grade = self.grade.as_str();
        match self.allowed {
            true => format!("{grade} (allowed)"),
            false => grade.to_owned(),
        }
    }
}
