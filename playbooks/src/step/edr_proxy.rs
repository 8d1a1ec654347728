//! `edr_proxy`: the EDR sensor's static proxy, S19 and S20 as one atomic pair (S16).

use super::{Evaluation, Field, policy};
use crate::change::{Change, Desired};
use crate::registry::Typed;
use crate::rules::edr_server;

/// `server` is `None` for `ensure: absent`.
#[derive(Clone, Debug)]
pub(crate) struct EdrProxy {
    pub(crate) server: Option<Field>,
}

impl EdrProxy {
    pub(crate) fn absent() -> Self {
        Self { server: None }
    }

    /// S19 first, then S20; taken away in reverse.
    pub(super) fn changes(&self, evaluation: &mut Evaluation<'_>) -> Option<Vec<Change>> {
        const KEY: &str = r"Windows\DataCollection";
        let authenticated = policy(KEY, "DisableEnterpriseAuthProxy");
        let server = policy(KEY, "TelemetryProxyServer");
        let Some(field) = &self.server else {
            return Some(vec![
                Change {
                    target: server,
                    desired: Desired::Absent,
                },
                Change {
                    target: authenticated,
                    desired: Desired::Absent,
                },
            ]);
        };
        let text = evaluation.text(field, edr_server)?;
        Some(vec![
            Change {
                target: authenticated,
                desired: Desired::Value(Typed::Dword(1).to_raw()),
            },
            Change {
                target: server,
                desired: Desired::Value(Typed::Sz(text).to_raw()),
            },
        ])
    }
}
