//! An export as `registry.pol`, which the Group Policy registry extension reads.

use super::Export;
use crate::registry::REG_SZ;
use crate::registry_pol::{Instruction, policy_deletion, write};

/// What the editor writes beside a deletion: a blank.
const BLANK: [u8; 4] = [0x20, 0, 0, 0];

/// The bytes of the file. The same values give the same bytes.
pub fn registry_pol(export: &Export) -> Vec<u8> {
    write(export.values.iter().map(|value| {
        let key = value.change.target.key.as_str().to_owned();
        let name = &value.change.target.value;
        match &value.data {
            Some(data) => Instruction {
                key,
                name: name.clone(),
                kind: data.kind,
                data: data.bytes.clone(),
            },
            None => Instruction {
                key,
                name: policy_deletion(name),
                kind: REG_SZ,
                data: BLANK.to_vec(),
            },
        }
    }))
}
