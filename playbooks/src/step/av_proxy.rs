//! `av_proxy`: Defender Antivirus' own proxy policies, S30, S37 and S38.

use super::{Evaluation, Field, policy};
use crate::change::{Change, Desired};
use crate::registry::{Target, Typed};
use crate::rules::{Invalid, Notes, av_bypass, av_pac_url, av_server};

/// What is written, or what is taken away.
#[derive(Clone, Debug)]
pub(crate) struct AvProxy {
    pub(crate) server: Option<Field>,
    pub(crate) pac_url: Option<Field>,
    pub(crate) bypass: Option<Field>,
    /// Set where values are taken away; the fields above are then not looked at.
    pub(crate) absent: Option<AvAbsent>,
}

/// Which of the three values are taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AvAbsent {
    pub(crate) server: bool,
    pub(crate) pac_url: bool,
    pub(crate) bypass: bool,
}

impl AvAbsent {
    /// What `ensure: absent` means.
    pub(crate) const ALL: Self = Self {
        server: true,
        pac_url: true,
        bypass: true,
    };
}

impl AvProxy {
    pub(super) fn changes(&self, evaluation: &mut Evaluation<'_>) -> Option<Vec<Change>> {
        if let Some(absent) = self.absent {
            let gone = [
                (absent.server, "ProxyServer"),
                (absent.pac_url, "ProxyPacUrl"),
                (absent.bypass, "ProxyBypass"),
            ];
            let gone = gone.into_iter().filter(|(wanted, _)| *wanted);
            return Some(
                gone.map(|(_, value)| Change {
                    target: target(value),
                    desired: Desired::Absent,
                })
                .collect(),
            );
        }
        let server = write(evaluation, self.server.as_ref(), "ProxyServer", av_server);
        let pac_url = write(evaluation, self.pac_url.as_ref(), "ProxyPacUrl", av_pac_url);
        let bypass = write(evaluation, self.bypass.as_ref(), "ProxyBypass", av_bypass);
        [server, pac_url, bypass].into_iter().flatten().collect()
    }

    /// Takes away only what this step would have written.
    pub(super) fn removed(&self) -> Self {
        let absent = self.absent.unwrap_or(AvAbsent {
            server: self.server.is_some(),
            pac_url: self.pac_url.is_some(),
            bypass: self.bypass.is_some(),
        });
        Self {
            server: None,
            pac_url: None,
            bypass: None,
            absent: Some(absent),
        }
    }

    pub(super) fn fields(&self) -> Vec<&Field> {
        if self.absent.is_some() {
            return Vec::new();
        }
        [&self.server, &self.pac_url, &self.bypass]
            .into_iter()
            .flatten()
            .collect()
    }
}

fn target(value: &str) -> Target {
    policy("Windows Defender", value)
}

/// `None`: the field is not given. `Some(None)`: not known yet, or refused.
fn write(
    evaluation: &mut Evaluation<'_>,
    field: Option<&Field>,
    value: &str,
    rule: fn(&str, &mut Notes) -> Result<String, Invalid>,
) -> Option<Option<Change>> {
    let text = evaluation.text(field?, rule);
    Some(text.map(|text| Change {
        target: target(value),
        desired: Desired::Value(Typed::Sz(text).to_raw()),
    }))
}
