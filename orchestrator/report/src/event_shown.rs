//! One event as data for others: that of `--events` and of a host's trail. The journal keeps exact bytes, because a rollback
//! has to put them back; what is handed on repeats no user and password that stand in front of a proxy.

use playbooks::{RawValue, without_accounts};
use rollout::Event;
use serde_json::Value;

/// The event with each account in it masked, in values and in what a program printed.
pub fn event(event: &Event) -> Value {
    // Our own types, whose keys are all text, serialised to memory: cannot fail.
    let mut shown = serde_json::to_value(event).unwrap_or_default();
    mask(&mut shown);
    shown
}

/// Depth is that of our own types.
fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(members) => {
            if let Some(masked) = masked_bytes(members.get("type"), members.get("bytes")) {
                members["bytes"] = masked.into();
            }
            if let Some(Value::String(document)) = members.get_mut("document") {
                *document = without_accounts(document).into_owned();
            }
            members.values_mut().for_each(mask);
        }
        _ => {}
    }
}

/// The bytes of a registry value where they hold an account.
fn masked_bytes(kind: Option<&Value>, bytes: Option<&Value>) -> Option<String> {
    let value = RawValue {
        kind: u32::try_from(kind?.as_u64()?).ok()?,
        bytes: hex::decode(bytes?.as_str()?).ok()?,
    };
    Some(hex::encode(value.without_accounts()?.bytes))
}

#[cfg(test)]
mod tests {
    use playbooks::{Change, Desired, Observed, Target, Typed};
    use rollout::{EventKind, Intent, PlannedChange, PlannedStep};

    use super::*;

    fn wide(text: &str) -> String {
        hex::encode(
            text.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>(),
        )
    }

    #[test]
    fn an_account_is_in_no_event_and_all_else_is_exact() {
        let text = |text: &str| Observed::Present(Typed::Sz(text.to_owned()).to_raw());
        let step = |prior: &str| PlannedStep {
            name: "s".to_owned(),
            skipped: None,
            changes: vec![PlannedChange {
                intent: Intent::Apply(Change {
                    target: Target::win_http_settings(),
                    desired: Desired::WinHttpDirect,
                }),
                prior: text(prior),
            }],
            preflight: Vec::new(),
        };
        let of = |kind| Event {
            seq: 1,
            time: jiff::Timestamp::UNIX_EPOCH,
            host: None,
            kind,
        };
        let recorded = of(EventKind::PriorRecorded {
            steps: vec![step("http://svc:geheim@old:1"), step("http://old:2")],
        });
        let shown = event(&recorded).to_string();
        assert!(!shown.contains(&wide("geheim")), "{shown}");
        assert!(shown.contains(&wide("http://***@old:1")), "{shown}");
        assert!(shown.contains(&wide("http://old:2")), "{shown}");
        let seen = of(EventKind::AdvproxySeen {
            step: 0,
            document: r#"{"Proxy":"http://svc:geheim@old:1"}"#.to_owned(),
            finding: None,
        });
        assert!(!event(&seen).to_string().contains("geheim"));
        let plain = of(EventKind::PriorRecorded {
            steps: vec![step("http://old:2")],
        });
        assert_eq!(event(&plain), serde_json::to_value(&plain).unwrap());
    }
}
