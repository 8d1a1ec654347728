//! `registry.pol`, the file in which group policy keeps registry values: [MS-GPREG] 2.2.1 Registry Policy File Format.
//! Written by `export --to gpo`, read from hosts to tell who owns a value.

use crate::facts::GpoSetting;
use crate::registry::{KeyPath, RawValue, Target};

/// `PReg`, version 1.
const HEADER: [u8; 8] = [0x50, 0x52, 0x65, 0x67, 1, 0, 0, 0];
/// How an instruction deletes one value ([MS-GPREG] 3.2.5.1).
const DELETES: &str = "**del.";
/// How one deletes every value of a key.
const DELETES_ALL: &str = "**delvals";
/// How one deletes those that its data name, with `;` between.
const DELETES_LISTED: &str = "**deletevalues";
/// How one sets a value only where none is.
const SOFT: &str = "**soft.";
/// Longest name of a key or value that is read, in characters.
const LONGEST_NAME: usize = 16_384;

/// The name under which group policy deletes a value, in its files and in its log.
pub fn policy_deletion(value: &str) -> String {
    format!("{DELETES}{value}")
}

/// The value that such a name deletes, as it is written there; `None` where it deletes none, or several.
fn deleted_by_policy(name: &str) -> Option<&str> {
    let (head, value) = name.split_at_checked(DELETES.len())?;
    head.eq_ignore_ascii_case(DELETES).then_some(value)
}

/// One instruction of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) kind: u32,
    pub(crate) data: Vec<u8>,
}

/// The bytes of a file.
pub(crate) fn write(instructions: impl IntoIterator<Item = Instruction>) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    for Instruction {
        key,
        name,
        kind,
        data,
    } in instructions
    {
        // INVARIANT: playbooks refuse longer data (`rules/data.rs`).
        let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
        text(&mut out, "[");
        text(&mut out, &key);
        text(&mut out, "\0;");
        text(&mut out, &name);
        text(&mut out, "\0;");
        out.extend(kind.to_le_bytes());
        text(&mut out, ";");
        out.extend(size.to_le_bytes());
        text(&mut out, ";");
        out.extend(data);
        text(&mut out, "]");
    }
    out
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
}

/// The instructions of a file; `None` where it is not well formed to its end. Bounded by the bytes themselves.
pub(crate) fn read(bytes: &[u8]) -> Option<Vec<Instruction>> {
    let mut rest = Rest(bytes.strip_prefix(&HEADER)?);
    let mut instructions = Vec::new();
    while !rest.0.is_empty() {
        rest.expect('[')?;
        let key = rest.name()?;
        rest.expect(';')?;
        let name = rest.name()?;
        rest.expect(';')?;
        let kind = rest.number()?;
        rest.expect(';')?;
        let size = rest.number()?;
        rest.expect(';')?;
        let data = rest.take(usize::try_from(size).ok()?)?.to_vec();
        rest.expect(']')?;
        instructions.push(Instruction {
            key,
            name,
            kind,
            data,
        });
    }
    Some(instructions)
}

struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn unit(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn expect(&mut self, wanted: char) -> Option<()> {
        (u32::from(self.unit()?) == u32::from(wanted)).then_some(())
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    /// Up to a terminator.
    fn name(&mut self) -> Option<String> {
        let mut units = Vec::new();
        loop {
            match self.unit()? {
                0 => return String::from_utf16(&units).ok(),
                unit if units.len() < LONGEST_NAME => units.push(unit),
                _ => return None,
            }
        }
    }
}

/// What the file of the local group policy of a host does to values; `None` where it is not well formed. The last
/// instruction for a value counts, as it is the last that is carried out.
pub fn local_policy(file: &[u8], values: &[Target]) -> Option<Vec<GpoSetting>> {
    let mut settings: Vec<GpoSetting> = Vec::new();
    for instruction in read(file)? {
        let key = instruction.key.trim_matches('\\');
        let Ok(key) = KeyPath::below_local_machine(key) else {
            continue;
        };
        // Without type or data a record only makes its key, whatever name it has; a deletion has a blank for data.
        if instruction.kind == 0 || instruction.data.is_empty() {
            continue;
        }
        let raw = RawValue {
            kind: instruction.kind,
            bytes: instruction.data,
        };
        for (target, value) in policy_effects(&key, &instruction.name, &raw, values) {
            settings.retain(|earlier| earlier.target != target);
            settings.push(GpoSetting {
                target,
                value,
                precedence: 1,
                gpo: "LocalGPO".to_owned(),
                gpo_name: Some("the local group policy".to_owned()),
            });
        }
    }
    Some(settings)
}

/// What an instruction of a policy sets (`Some`) or deletes among the values of interest. Its name is that of a value, or
/// says what is deleted in its key.
pub fn policy_effects(
    key: &KeyPath,
    name: &str,
    data: &RawValue,
    values: &[Target],
) -> Vec<(Target, Option<RawValue>)> {
    let here = || values.iter().filter(|value| value.key == *key);
    let known = |name: &str| here().find(|value| value.value.eq_ignore_ascii_case(name));
    let deleted = |value: &Target| (value.clone(), None);
    let lower = name.to_ascii_lowercase();
    if let Some(name) = deleted_by_policy(&lower) {
        return known(name).map(deleted).into_iter().collect();
    }
    if lower.starts_with(DELETES_ALL) {
        return here().map(deleted).collect();
    }
    if lower.starts_with(DELETES_LISTED) {
        let (pairs, _) = data.bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        let list = String::from_utf16_lossy(&units);
        let listed = list.trim_end_matches('\0').split(';').filter_map(known);
        return listed.map(deleted).collect();
    }
    let plain = lower.strip_prefix(SOFT).unwrap_or(&lower);
    let set = |value: &Target| (value.clone(), Some(data.clone()));
    known(plain).map(set).into_iter().collect()
}

/// True where an instruction of this name may delete several values of its key.
pub fn deletes_several(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.starts_with(DELETES_ALL) || lower.starts_with(DELETES_LISTED)
}

/// The names under which group policy deletes several values of a key, in its files and in its log.
pub const POLICY_DELETIONS: [&str; 3] = ["**delvals.", "**delvals", "**deletevalues"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn instruction(key: &str, name: &str, data: &str) -> Instruction {
        let mut bytes = Vec::new();
        text(&mut bytes, data);
        Instruction {
            key: key.to_owned(),
            name: name.to_owned(),
            kind: 1,
            data: bytes,
        }
    }

    const KEY: &str = r"SOFTWARE\Policies\A";

    fn values() -> Vec<Target> {
        let value = |name: &str| Target {
            key: KeyPath::below_local_machine(KEY).unwrap(),
            value: name.to_owned(),
        };
        vec![value("One"), value("Two")]
    }

    /// What the values come to, as `name=text` or `name-`.
    fn told(instructions: Vec<Instruction>) -> Vec<String> {
        let settings = local_policy(&write(instructions), &values()).unwrap();
        let one = |setting: &GpoSetting| match &setting.value {
            Some(value) => format!("{}={}", setting.target.value, value.text()),
            None => format!("{}-", setting.target.value),
        };
        settings.iter().map(one).collect()
    }

    #[test]
    fn what_a_file_does_to_values_is_told() {
        let one = || instruction(KEY, "ONE", "x\0");
        assert_eq!(
            told(vec![one(), instruction(KEY, "Other", "y\0")]),
            ["One=x"]
        );
        assert_eq!(
            told(vec![one(), instruction(KEY, "**Del.One", " ")]),
            ["One-"]
        );
        assert_eq!(
            told(vec![instruction(KEY, "**del.one", " "), one()]),
            ["One=x"]
        );
        assert_eq!(told(vec![instruction(KEY, "**soft.Two", "s\0")]), ["Two=s"]);
        assert_eq!(
            told(vec![instruction(KEY, "**DeleteValues", "a;TWO\0")]),
            ["Two-"]
        );
        assert_eq!(
            told(vec![instruction(KEY, "**delvals.", " ")]),
            ["One-", "Two-"]
        );
        // What only makes its key says nothing of the value.
        let bare = instruction(KEY, "One", "");
        let typeless = Instruction { kind: 0, ..one() };
        assert_eq!(told(vec![bare, typeless]), [] as [&str; 0]);
        let elsewhere = instruction(r"SOFTWARE\Policies\B", "One", "z\0");
        assert_eq!(told(vec![one(), elsewhere]), ["One=x"]);
        let elsewhere = instruction(r"SOFTWARE\Policies\B", "**delvals.", " ");
        assert_eq!(told(vec![one(), elsewhere]), ["One=x"]);
    }

    #[test]
    fn a_deletion_is_known_by_its_name() {
        for name in ["TelemetryProxyServer", "", "*"] {
            let deletion = policy_deletion(name);
            assert_eq!(deleted_by_policy(&deletion), Some(name));
            assert_eq!(
                deleted_by_policy(&deletion.to_uppercase()).map(str::len),
                Some(name.len())
            );
        }
        for name in ["", "**del", "**delvals.", "*del.A", "A", "**\u{dc}el.A"] {
            assert_eq!(deleted_by_policy(name), None, "{name}");
        }
    }

    #[test]
    fn a_file_that_is_cut_is_no_file() {
        let whole = write([instruction(KEY, "One", "x\0")]);
        assert_eq!(read(&whole).map(|all| all.len()), Some(1));
        for length in 0..whole.len() {
            assert_eq!(
                read(&whole[..length]).is_some(),
                length == HEADER.len(),
                "{length}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), headed: bool) {
            let file = if headed { [&HEADER[..], &bytes].concat() } else { bytes };
            let _ = local_policy(&file, &values());
        }
    }
}
