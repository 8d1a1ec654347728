//! A user and password in front of a host, as people write them into proxy addresses: texts for people do not repeat them.
//! What is restored goes by the bytes.

use std::borrow::Cow;

/// Stands in the place of a user and a password.
const MASK: &str = "***";

/// The text with each `user:password@` in it masked; `None` where there is none.
pub(crate) fn masked(text: &str) -> Option<String> {
    // Between blanks nothing belongs together.
    let words: Vec<String> = text
        .split_inclusive(char::is_whitespace)
        .map(word)
        .collect();
    let shown = words.concat();
    (shown != text).then_some(shown)
}

/// The text as people and reports may see it: each `user:password@` in front of a host is masked.
pub fn without_accounts(text: &str) -> Cow<'_, str> {
    masked(text).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// A password may hold any separator, so that everything up to the last `@` is taken for one.
fn word(word: &str) -> String {
    let Some((before, host)) = word.rsplit_once('@') else {
        return word.to_owned();
    };
    let (scheme, account) = match before.find("://") {
        Some(at) => before.split_at(at + "://".len()),
        None => match before.split_once('=') {
            // `http=user:password@host`, as WinHTTP lists its proxies.
            Some((protocol, account)) if is_protocol(protocol) => {
                (&before[..=protocol.len()], account)
            }
            _ => ("", before),
        },
    };
    let whole = format!("{account}@{host}");
    let plain = match scheme {
        "" => !account.contains(':') || is_path(account),
        _ => is_address(&whole),
    };
    match plain {
        true => word.to_owned(),
        false => format!("{scheme}{MASK}@{host}"),
    }
}

fn is_protocol(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "http" | "https" | "ftp" | "socks"
    )
}

/// `C:\...`
fn is_path(text: &str) -> bool {
    let drive = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    drive && text.get(1..3) == Some(r":\") && text.matches(':').count() == 1
}

/// A host, perhaps with a port, and the `@` only behind it, in a query.
fn is_address(text: &str) -> bool {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let start = &text[..end];
    let authority = start.split('/').next().unwrap_or_default();
    let port = authority.split_once(':').map_or("0", |(_, port)| port);
    !start.contains('@') && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_a_host_is_masked_and_the_rest_is_not() {
        let check = |text: &str, shown: &str| {
            assert_eq!(masked(text).as_deref().unwrap_or(text), shown);
        };
        check(
            "http://bob:geheim@10.0.0.6:8080",
            "http://***@10.0.0.6:8080",
        );
        check("http://bob:p/w@d@proxy:1", "http://***@proxy:1");
        check("http://bob@proxy:1", "http://***@proxy:1");
        check("bob:geheim@proxy:1", "***@proxy:1");
        check("http=bob:geheim@proxy:1", "http=***@proxy:1");
        check("a http://bob:x@p:1 b", "a http://***@p:1 b");
        check("http://proxy:80/p.pac?x=a@b", "http://proxy:80/p.pac?x=a@b");
        check("http://bob:x?y@proxy", "http://***@proxy");
        check("ann@corp.example", "ann@corp.example");
        check(r"C:\x@y", r"C:\x@y");
        check(r"CORP\bob:x@proxy:1", "***@proxy:1");
        check("10.0.0.6:8080", "10.0.0.6:8080");
    }
}
