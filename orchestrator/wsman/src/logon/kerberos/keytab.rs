//! Whose keys a keytab holds: the library says of a wrong one no more than that there are no credentials.
//!
//! The keys themselves are skipped. The format is MIT's, version 2, as `ktutil` and `ktpass` write it.

use std::collections::BTreeSet;

use super::principal::escape;

/// Entries that are looked at; a keytab of a host has a dozen.
const MAX_ENTRIES: usize = 1000;
/// Names in a message.
const SHOWN: usize = 4;

/// What is wrong with a keytab for an account (`user@REALM`); `None` where it holds keys of it, or where no account is
/// named and it holds some key.
pub(super) fn fault(bytes: &[u8], account: Option<&str>) -> Option<String> {
    let Some(owners) = owners(bytes) else {
        return Some("is no keytab".to_owned());
    };
    match account {
        _ if owners.is_empty() => Some("holds no key".to_owned()),
        Some(account) if !owners.contains(account) => {
            let names: Vec<&str> = owners.iter().take(SHOWN).map(String::as_str).collect();
            let more = match owners.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            Some(format!(
                "holds keys of {}{more}, none of {account}",
                names.join(", ")
            ))
        }
        _ => None,
    }
}

/// The principals of its entries; `None` where it is no keytab.
fn owners(bytes: &[u8]) -> Option<BTreeSet<String>> {
    let mut rest = bytes.strip_prefix(&[5, 2])?;
    let mut owners = BTreeSet::new();
    for _ in 0..MAX_ENTRIES {
        let Some((length, behind)) = rest.split_first_chunk::<4>() else {
            break;
        };
        let length = i32::from_be_bytes(*length);
        let size = usize::try_from(length.unsigned_abs()).ok()?;
        // Zeroes may follow the last entry.
        if size == 0 {
            break;
        }
        let (entry, after) = behind.split_at_checked(size)?;
        // A negative length is that of a hole.
        if length > 0 {
            owners.insert(owner(entry)?);
        }
        rest = after;
    }
    Some(owners)
}

fn owner(entry: &[u8]) -> Option<String> {
    let (count, rest) = entry.split_first_chunk::<2>()?;
    let (realm, mut rest) = text(rest)?;
    let mut name = String::new();
    for index in 0..u16::from_be_bytes(*count) {
        let (component, after) = text(rest)?;
        if index > 0 {
            name.push('/');
        }
        name.push_str(&escape(&component));
        rest = after;
    }
    Some([&name, "@", &realm].concat())
}

fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((String::from_utf8_lossy(text).into_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::fault;

    /// An entry without its key; readers of names do not come to it.
    fn entry(components: &[&str], realm: &str) -> Vec<u8> {
        let text = |text: &str| [&[0, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let mut body = vec![0, u8::try_from(components.len()).unwrap()];
        body.extend(text(realm));
        body.extend(components.iter().flat_map(|component| text(component)));
        body.extend([0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 18, 0, 0]);
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&length[..], &body].concat()
    }

    #[test]
    fn whose_keys_they_are_is_said() {
        let hole = [&[0xFF, 0xFF, 0xFF, 0xFC][..], &[9; 4]].concat();
        let entries = [
            &[5, 2][..],
            &entry(&["HTTP", "pc-1"], "CORP.EXAMPLE"),
            &hole,
            &entry(&["svc"], "CORP.EXAMPLE"),
        ]
        .concat();
        assert_eq!(fault(&entries, Some("svc@CORP.EXAMPLE")), None);
        assert_eq!(fault(&entries, None), None);
        let odd = [&[5, 2][..], &entry(&["svc/admin"], "R")].concat();
        assert_eq!(fault(&odd, Some("svc\\/admin@R")), None);
        assert_eq!(
            fault(&entries, Some("other@CORP.EXAMPLE")).unwrap(),
            "holds keys of HTTP/pc-1@CORP.EXAMPLE, svc@CORP.EXAMPLE, none of other@CORP.EXAMPLE"
        );
    }

    #[test]
    fn junk_is_no_keytab() {
        for junk in [
            &b""[..],
            b"junk",
            &[5, 1],
            &[5, 2, 0, 0, 0, 9, 1],
            &[5, 2, 0, 0, 0, 1, 1],
        ] {
            assert_eq!(fault(junk, None).unwrap(), "is no keytab", "{junk:?}");
        }
        assert_eq!(fault(&[5, 2], None).unwrap(), "holds no key");
        assert_eq!(fault(&[5, 2, 0, 0, 0, 0], None).unwrap(), "holds no key");
    }
}
