//! `registry.pol` as the Group Policy registry extension reads it: [MS-GPREG] 2.2.1 Registry Policy File Format.

use super::Export;
use crate::registry::REG_SZ;

/// `PReg`, version 1.
const HEADER: [u8; 8] = [0x50, 0x52, 0x65, 0x67, 1, 0, 0, 0];
/// How an instruction deletes one value ([MS-GPREG] 3.2.5.1).
const DELETES: &str = "**del.";
/// What the editor writes beside it: a blank.
const BLANK: [u8; 4] = [0x20, 0, 0, 0];

/// The bytes of the file. The same values give the same bytes.
pub fn registry_pol(export: &Export) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    for value in &export.values {
        let key = value.change.target.key.as_str();
        let name = &value.change.target.value;
        match &value.data {
            Some(data) => record(&mut out, key, name, data.kind, &data.bytes),
            None => record(&mut out, key, &format!("{DELETES}{name}"), REG_SZ, &BLANK),
        }
    }
    out
}

/// `[key;value;type;size;data]`, brackets and semicolons as UTF-16 too.
fn record(out: &mut Vec<u8>, key: &str, name: &str, kind: u32, data: &[u8]) {
    // INVARIANT: playbooks refuse longer data (`rules/data.rs`).
    let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
    text(out, "[");
    text(out, key);
    text(out, "\0;");
    text(out, name);
    text(out, "\0;");
    out.extend(kind.to_le_bytes());
    text(out, ";");
    out.extend(size.to_le_bytes());
    text(out, ";");
    out.extend(data);
    text(out, "]");
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
}
