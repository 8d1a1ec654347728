//! `registry.pol` of the local group policy ([MS-GPREG] 2.2.1), shown by the one script that asks for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Context;
use super::run::Ended;
use crate::spec::PolicySpec;

/// The script gives up beyond a size that it names.
pub(super) fn shown(context: &Context, words: &str) -> Ended {
    let policies = &context.host.options.local_policy;
    if policies.is_empty() {
        return Ended::out("none\r\n");
    }
    let file = file(policies);
    let limit = words
        .split_once("-gt ")
        .and_then(|(_, rest)| rest.split(')').next()?.trim().parse().ok());
    if limit.is_some_and(|limit: usize| file.len() > limit) {
        return Ended::out("large\r\n");
    }
    Ended::out(format!("{}\r\n", STANDARD.encode(file)))
}

fn file(policies: &[PolicySpec]) -> Vec<u8> {
    let mut file = b"PReg\x01\0\0\0".to_vec();
    for policy in policies {
        let (name, kind, data) = match &policy.data {
            Some(data) => {
                let raw = data.raw();
                (policy.value.clone(), raw.kind, raw.bytes)
            }
            None => (format!("**del.{}", policy.value), 1, b" \0\0\0".to_vec()),
        };
        let mut put = |text: &str| {
            for unit in text.encode_utf16() {
                file.extend(unit.to_le_bytes());
            }
        };
        put("[");
        put(&policy.key);
        put("\0;");
        put(&name);
        put("\0;");
        file.extend(kind.to_le_bytes());
        file.extend(b";\0");
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(b";\0");
        file.extend(data);
        file.extend(b"]\0");
    }
    file
}
