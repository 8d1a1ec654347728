//! `av_proxy`: Defender Antivirus' own proxy, as policy (S30, S37, S38) or as a preference of its own (S39).

use document::Value;

use super::{Evaluation, Field, policy};
use crate::change::{Change, Desired};
use crate::registry::{Target, Typed};
use crate::rules::{Invalid, Notes, av_bypass, av_pac_url, av_server};

/// Where Antivirus keeps the setting. A policy hides the preference of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AvStore {
    /// Values below `HKLM\SOFTWARE\Policies`.
    Policy,
    /// `MSFT_MpPreference`.
    Preference,
}

/// What is written, or what is taken away.
#[derive(Clone, Debug)]
pub(crate) struct AvProxy {
    pub(crate) store: AvStore,
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
                    target: self.target(value),
                    desired: Desired::Absent,
                })
                .collect(),
            );
        }
        let server = self.text(evaluation, self.server.as_ref(), "ProxyServer", av_server);
        let pac_url = self.text(evaluation, self.pac_url.as_ref(), "ProxyPacUrl", av_pac_url);
        let bypass = match self.store {
            AvStore::Policy => {
                self.text(evaluation, self.bypass.as_ref(), "ProxyBypass", av_bypass)
            }
            AvStore::Preference => self.bypass_list(evaluation),
        };
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
            store: self.store,
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

    fn target(&self, value: &str) -> Target {
        match self.store {
            AvStore::Policy => policy("Windows Defender", value),
            AvStore::Preference => Target::av_preference(value),
        }
    }

    /// `None`: the field is not given. `Some(None)`: not known yet, or refused.
    fn text(
        &self,
        evaluation: &mut Evaluation<'_>,
        field: Option<&Field>,
        value: &str,
        rule: fn(&str, &mut Notes) -> Result<String, Invalid>,
    ) -> Option<Option<Change>> {
        let text = evaluation.text(field?, rule);
        Some(text.map(|text| Change {
            target: self.target(value),
            desired: Desired::Value(Typed::Sz(text).to_raw()),
        }))
    }

    /// A preference is a list of its own: several entries need no separator.
    fn bypass_list(&self, evaluation: &mut Evaluation<'_>) -> Option<Option<Change>> {
        let items = evaluation.check(self.bypass.as_ref()?, |value, notes| {
            let entries = match value {
                Value::Text(text) => vec![text.as_str()],
                Value::List(items) => items
                    .iter()
                    .map(|item| match &item.value {
                        Value::Text(text) => Ok(text.as_str()),
                        _ => Err(not_a_list()),
                    })
                    .collect::<Result<_, _>>()?,
                _ => return Err(not_a_list()),
            };
            if entries.is_empty() {
                let error = Invalid::new("the list is empty");
                return Err(error.hint("to take the bypass away write 'ensure: absent'"));
            }
            let judged = entries.into_iter().map(|entry| av_bypass(entry, notes));
            judged.collect::<Result<Vec<String>, _>>()
        });
        Some(items.map(|items| Change {
            target: self.target("ProxyBypass"),
            desired: Desired::Value(Typed::MultiSz(items).to_raw()),
        }))
    }
}

fn not_a_list() -> Invalid {
    Invalid::new("this is neither a list of texts nor a text")
        .expected("for example ['http://intranet.contoso.com', '10.0.0.20']")
}
