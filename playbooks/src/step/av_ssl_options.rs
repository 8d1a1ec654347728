//! `av_ssl_options`: which checks of certificates Antivirus leaves out (S32). For devices whose Windows reaches no
//! revocation lists; everything but 3 lowers security and wants the operator's word.

use super::{Ensure, Evaluation, Field, policy};
use crate::change::{Change, Desired};
use crate::rules::{Acknowledge, KnownValue, data};

/// `value` is 0 to 3; the loader has seen to it that it is there where it is needed.
#[derive(Clone, Debug)]
pub(crate) struct AvSslOptions {
    pub(crate) value: Option<Field>,
    pub(crate) ensure: Ensure,
    pub(crate) acknowledge: Acknowledge,
}

impl AvSslOptions {
    pub(super) fn absent() -> Self {
        Self {
            value: None,
            ensure: Ensure::Absent,
            acknowledge: Acknowledge::No,
        }
    }

    pub(super) fn changes(&self, evaluation: &mut Evaluation<'_>) -> Option<Vec<Change>> {
        let desired = match (self.ensure, &self.value) {
            (Ensure::Absent, _) => Desired::Absent,
            (Ensure::Present, Some(field)) => {
                let typed = evaluation.check(field, |value, notes| {
                    let typed = data("dword", value)?;
                    KnownValue::SslOptions.judge(&typed, self.acknowledge, notes)?;
                    Ok(typed)
                })?;
                Desired::Value(typed.to_raw())
            }
            // The loader has complained about it.
            (Ensure::Present, None) => return None,
        };
        let target = policy(r"Windows Defender\Spynet", "SSLOptions");
        Some(vec![Change { target, desired }])
    }
}
