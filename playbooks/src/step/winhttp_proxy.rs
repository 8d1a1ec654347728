//! `winhttp_proxy`: the machine-wide WinHTTP proxy (S41), set and reset by netsh on the host.

use document::Value;

use super::{Evaluation, Field};
use crate::change::{Change, Desired};
use crate::registry::Target;
use crate::rules::{Invalid, Notes, winhttp_bypass, winhttp_server};
use crate::winhttp::WinHttpProxy;

/// `server` is `None` for `ensure: absent`, which is `netsh winhttp reset proxy`.
#[derive(Clone, Debug)]
pub(crate) struct WinHttpStep {
    pub(crate) server: Option<Field>,
    pub(crate) bypass: Option<Field>,
}

impl WinHttpStep {
    pub(crate) fn absent() -> Self {
        Self {
            server: None,
            bypass: None,
        }
    }

    pub(super) fn changes(&self, evaluation: &mut Evaluation<'_>) -> Option<Vec<Change>> {
        let target = Target::win_http_settings();
        let Some(server) = &self.server else {
            return Some(vec![Change {
                target,
                desired: Desired::WinHttpDirect,
            }]);
        };
        let server = evaluation.text(server, winhttp_server);
        let bypass = match &self.bypass {
            Some(field) => evaluation.check(field, bypass),
            None => Some(Vec::new()),
        };
        let desired = Desired::WinHttp(WinHttpProxy {
            server: server?,
            bypass: bypass?,
        });
        Some(vec![Change { target, desired }])
    }

    pub(super) fn fields(&self) -> Vec<&Field> {
        if self.server.is_none() {
            return Vec::new();
        }
        [&self.server, &self.bypass].into_iter().flatten().collect()
    }
}

/// A list of texts, or netsh's own text with `;`. An empty list or text is no bypass.
fn bypass(value: &Value, notes: &mut Notes) -> Result<Vec<String>, Invalid> {
    const EXPECTED: &str = "a list such as ['<local>', '*.corp.example'], or one text with ';'";
    let wrong = || Invalid::new("this is neither a list of texts nor a text").expected(EXPECTED);
    let entries = match value {
        Value::Text(text) if text.is_empty() => Vec::new(),
        Value::Text(text) => vec![text.clone()],
        Value::List(items) => items
            .iter()
            .map(|item| match &item.value {
                Value::Text(text) => Ok(text.clone()),
                _ => Err(wrong()),
            })
            .collect::<Result<_, _>>()?,
        _ => return Err(wrong()),
    };
    winhttp_bypass(&entries, notes)
}
