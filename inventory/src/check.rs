//! What a name, an address, a group or ring and a fingerprint look like.

use std::net::IpAddr;
use std::path::PathBuf;

use document::{Diagnostic, Document};

use crate::field::Field;

/// What is wrong with a text, before its place is known.
#[derive(Debug)]
pub(crate) struct Wrong {
    message: String,
    expected: &'static str,
    hint: Option<String>,
}

impl Wrong {
    fn new(message: String, expected: &'static str, hint: Option<&str>) -> Self {
        let hint = hint.map(str::to_owned);
        Self {
            message,
            expected,
            hint,
        }
    }

    /// The same as a complaint about a field.
    pub(crate) fn on(self, field: &Field<'_>) -> Diagnostic {
        let mut diagnostic = field.wrong(self.message).expect(self.expected);
        diagnostic.hint = self.hint;
        diagnostic
    }
}

const NAME: &str = "a DNS name (letters, digits, '-', '_' and '.') or an IP address";

/// A host's name, trimmed.
pub(crate) fn host_name(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    if text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    let wrong = |message: &str, hint| Err(Wrong::new(message.to_owned(), NAME, hint));
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if text.is_empty() {
        return wrong("a host without a name", None);
    }
    if !text.chars().all(allowed) {
        return wrong(&format!("'{text}' is no host name"), hint_on_name(text));
    }
    if text.split('.').any(str::is_empty) {
        return wrong(
            &format!("'{text}' has an empty part between its dots"),
            None,
        );
    }
    if text.len() > 253 || text.split('.').any(|part| part.len() > 63) {
        return wrong(
            &format!("'{text}' is too long for a DNS name"),
            Some("63 characters a part, 253 in all"),
        );
    }
    // `10.0.0.300` and `10.1` would be names, but nobody means them so.
    if text
        .chars()
        .all(|character| character.is_ascii_digit() || character == '.')
    {
        return wrong(
            &format!("'{text}' is neither a name nor an IP address"),
            None,
        );
    }
    Ok(text.to_owned())
}

fn hint_on_name(text: &str) -> Option<&'static str> {
    let port = |(name, port): (&str, &str)| {
        !name.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit())
    };
    if text.contains("://") {
        Some(
            "only the name stands here; the scheme is the setting 'transport', the port the setting 'port'",
        )
    } else if text.contains(['*', '?', '[', '{']) {
        Some("an inventory lists hosts one by one; patterns are for selectors")
    } else if text.contains('\\') {
        Some("only the name stands here, without domain and backslash")
    } else if text.rsplit_once(':').is_some_and(port) {
        Some("the port stands apart, in the setting 'port'")
    } else if !text.is_ascii() {
        Some("write an international name in its 'xn--' form")
    } else {
        None
    }
}

/// A name or address to connect to; brackets around IPv6 are dropped.
pub(crate) fn address(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() {
        return Ok(bare.to_owned());
    }
    host_name(text)
}

/// A ring or a group: anything that a selector can name.
pub(crate) fn label(text: &str) -> Result<(), Wrong> {
    const EXPECTED: &str = "a name of letters, digits, blanks, '-', '_' and '.'";
    let allowed = |character: char| character.is_alphanumeric() || "-_. /+#=$".contains(character);
    if text.is_empty() || !text.chars().all(allowed) {
        return Err(Wrong::new(
            format!("'{text}' is no name for a ring or group"),
            EXPECTED,
            None,
        ));
    }
    Ok(())
}

/// SHA-256 of a certificate in lower-case hex without colons.
pub(crate) fn sha256(text: &str) -> Result<String, Wrong> {
    const EXPECTED: &str = "64 hexadecimal digits, colons between the bytes allowed";
    let text = text.trim();
    let digits: String = text.chars().filter(|character| *character != ':').collect();
    let hint = match digits.len() {
        40 => Some("40 digits are a SHA-1 thumbprint as Windows shows it; the SHA-256 is needed"),
        _ => None,
    };
    let paired = !text.contains(':') || text.split(':').all(|part| part.len() == 2);
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hexadecimal || !paired || digits.len() != 64 {
        let message = match (hexadecimal, paired) {
            (true, true) => format!("{} digits are no SHA-256", digits.len()),
            _ => "this is no SHA-256".to_owned(),
        };
        return Err(Wrong::new(message, EXPECTED, hint));
    }
    Ok(digits.to_ascii_lowercase())
}

/// Refuses control characters.
pub(crate) fn printable(text: &str) -> Result<(), String> {
    match text.chars().find(|character| character.is_control()) {
        Some(character) => Err(format!(
            "the control character U+{:04X} has no place here",
            character as u32
        )),
        None => Ok(()),
    }
}

/// A path as seen from the folder of the file that names it, so that an inventory can move with its files.
pub(crate) fn beside(document: &Document, path: &str) -> PathBuf {
    let folder = std::path::Path::new(&document.name).parent();
    folder.map_or_else(|| PathBuf::from(path), |folder| folder.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names() {
        for good in [
            "pc-1",
            "PC_2.corp.example",
            "10.0.0.1",
            "fe80::1",
            "xn--prk-0la",
            "1pc",
        ] {
            assert_eq!(host_name(good).unwrap(), good);
        }
        for bad in [
            "",
            "pc 1",
            "http://pc",
            "pc:5985",
            "pc-*",
            "a..b",
            ".a",
            "a.",
            "10.0.0.300",
            "10.1",
            "CORP\\pc",
        ] {
            assert!(host_name(bad).is_err(), "{bad}");
        }
        assert!(host_name(&"a".repeat(64)).is_err());
        assert!(
            host_name("pc:5985")
                .unwrap_err()
                .hint
                .unwrap()
                .contains("'port'")
        );
    }

    #[test]
    fn addresses() {
        assert_eq!(address("[::1]").unwrap(), "::1");
        assert_eq!(address(" 10.0.0.1 ").unwrap(), "10.0.0.1");
        assert!(address("[pc]").is_err());
    }

    #[test]
    fn fingerprints() {
        let plain = "AB".repeat(32);
        let colons = vec!["ab"; 32].join(":");
        assert_eq!(sha256(&plain).unwrap(), "ab".repeat(32));
        assert_eq!(sha256(&colons).unwrap(), "ab".repeat(32));
        for bad in [
            "",
            "ab",
            &"g".repeat(64),
            &"a".repeat(63),
            &"a".repeat(65),
            &format!(":{plain}"),
            "a:b",
        ] {
            assert!(sha256(bad).is_err(), "{bad}");
        }
        assert!(
            sha256(&"a".repeat(40))
                .unwrap_err()
                .hint
                .unwrap()
                .contains("SHA-1")
        );
    }
}
