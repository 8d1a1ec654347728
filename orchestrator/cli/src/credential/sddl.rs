//! Reads who may read a file from its security descriptor in SDDL form ([MS-DTYP] 2.5.1).
//!
//! Pure text work, so that it is tested on every system; only Windows uses it.

/// Accounts besides the owner that may read anything there anyway: SYSTEM, administrators, the owner's rights.
const HARMLESS: [&str; 6] = ["SY", "BA", "OW", "CO", "S-1-5-18", "S-1-5-32-544"];

/// The first account other than owner, SYSTEM and administrators that is allowed anything; `None` if there is
/// none. A missing list means everyone.
pub(super) fn exposed_to(sddl: &str) -> Option<String> {
    let owner = part(sddl, "O:").unwrap_or_default();
    let Some(list) = part(sddl, "D:") else {
        return Some("everyone (no access list)".to_owned());
    };
    list.split('(')
        .skip(1)
        .filter_map(|entry| entry.split(')').next())
        .find_map(|entry| {
            let fields: Vec<&str> = entry.split(';').collect();
            let (kind, account) = (fields.first()?, fields.get(5)?);
            let allows = kind.starts_with('A') || kind.starts_with('X');
            let harmless = HARMLESS.contains(account) || *account == owner;
            (allows && !harmless).then(|| (*account).to_owned())
        })
}

/// The text between `tag` and the next tag, tags only counted outside of parentheses.
fn part<'a>(sddl: &'a str, tag: &str) -> Option<&'a str> {
    let mut depth = 0;
    let mut start = None;
    for (index, c) in sddl.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            'O' | 'G' | 'D' | 'S' if depth == 0 && sddl[index + 1..].starts_with(':') => {
                if let Some(start) = start {
                    return Some(&sddl[start..index]);
                }
                if sddl[index..].starts_with(tag) {
                    start = Some(index + 2);
                }
            }
            _ => {}
        }
    }
    start.map(|start| &sddl[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_owner_system_and_administrators_are_harmless() {
        let me = "S-1-5-21-1-2-3-1001";
        let private = format!("O:{me}G:{me}D:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{me})");
        assert_eq!(exposed_to(&private), None);
        let shared = format!("O:{me}G:DUD:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)");
        assert_eq!(exposed_to(&shared).as_deref(), Some("BU"));
        assert_eq!(exposed_to("O:SYG:SYD:(D;;FR;;;BU)(A;;FA;;;SY)"), None);
        assert!(exposed_to(&format!("O:{me}G:{me}")).is_some());
    }
}
