//! What proves an account in a header, wherever a host says it back: in a page, an error, a fault.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::MASK;
use crate::Secret;

/// Schemes of which a token follows the name.
const SCHEMES: [&str; 4] = ["basic", "negotiate", "kerberos", "ntlm"];
/// The header, and what others make of its name (`HTTP_AUTHORIZATION`, `Proxy-Authorization`).
const HEADER: &str = "authorization";
/// Kept of what was sent. A session's older tokens are of no use to anybody.
const MAX_KNOWN: usize = 32;
/// A password shorter than this is a word that texts hold anyway; to mask it would give it away.
const MIN_PASSWORD: usize = 8;

/// Base64 with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What was sent to a host and is shown to nobody.
#[derive(Clone, Debug, Default)]
pub struct Known(Vec<Secret>);

impl Known {
    /// Keeps the value of an `Authorization` header; of one word alone, that word.
    pub fn header(&mut self, value: &str) {
        let token = value.split_once(' ').map_or(value, |(_, token)| token);
        self.keep(token.trim());
    }

    /// Keeps a name and a password that go out together.
    pub fn account(&mut self, name: &str, password: &Secret) {
        self.keep(&[name, ":", password.expose()].concat());
        if password.expose().len() >= MIN_PASSWORD {
            self.keep(password.expose());
        }
    }

    fn keep(&mut self, text: &str) {
        if text.is_empty() || self.0.iter().any(|known| known.expose() == text) {
            return;
        }
        if self.0.len() == MAX_KNOWN {
            self.0.remove(0);
        }
        self.0.push(Secret::new(text));
    }

    /// The text without what is known.
    pub(super) fn without(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for known in &self.0 {
            if shown.contains(known.expose()) {
                shown = shown.replace(known.expose(), MASK);
            }
        }
        shown
    }

    /// Bytes of an output without what is known, of the same length.
    pub(super) fn hide(&self, bytes: &mut [u8]) {
        for known in &self.0 {
            let known = known.expose().as_bytes();
            let mut start = 0;
            while let Some(at) = bytes[start..]
                .windows(known.len())
                .position(|window| window == known)
            {
                let found = start + at;
                bytes[found..found + known.len()].fill(b'*');
                start = found + known.len();
            }
        }
    }
}

/// The text without what stands behind `authorization:` and behind the name of a scheme.
pub(super) fn without_tokens(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match after_header(line) {
            Some(at) => {
                shown.push_str(&without_scheme_tokens(&line[..at]));
                shown.push(' ');
                shown.push_str(MASK);
                shown.push_str(&line[line.trim_end_matches(['\r', '\n']).len()..]);
            }
            None => shown.push_str(&without_scheme_tokens(line)),
        }
    }
    shown
}

/// The place behind the header's name and what divides it from its value, where there is a value.
fn after_header(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let places = lower.match_indices(HEADER).map(|(at, _)| at + HEADER.len());
    places.into_iter().find_map(|at| {
        let rest = &line[at..];
        let divider = rest.find(|c: char| !matches!(c, ' ' | '"' | '\'' | '\\'))?;
        let value = rest[divider..].strip_prefix([':', '=', ','])?;
        (!value.trim().is_empty()).then_some(at + divider + 1)
    })
}

fn without_scheme_tokens(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let mut places: Vec<usize> = SCHEMES
        .iter()
        .flat_map(|scheme| {
            let found = lower.match_indices(scheme);
            found.map(|(at, name)| at + name.len())
        })
        .collect();
    places.sort_unstable();
    let mut shown = String::with_capacity(line.len());
    let mut done = 0;
    for behind in places {
        if behind < done {
            continue;
        }
        let rest = line[behind..].trim_start_matches([' ', '\t', '+', ':']);
        let start = line.len() - rest.len();
        if start == behind {
            // Part of a longer word. Looking for its end from each name in it would cost the square of its length.
            continue;
        }
        let token = &rest[..rest.find(|c| !is_of_token(c)).unwrap_or(rest.len())];
        if is_token(token) {
            shown.push_str(&line[done..start]);
            shown.push_str(MASK);
            done = start + token.len();
        }
    }
    shown.push_str(&line[done..]);
    shown
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_' | '%')
}

/// Told apart from a word of a sentence ("Basic authentication is disabled").
fn is_token(text: &str) -> bool {
    // "realm=" is a word too.
    let letters = text.trim_end_matches('=');
    let plain = letters
        .bytes()
        .enumerate()
        .all(|(at, byte)| byte.is_ascii_lowercase() || (at == 0 && byte.is_ascii_uppercase()));
    let short = text.len() < 4;
    // A name and a password may happen to make letters alone.
    let pair = || {
        LENIENT
            .decode(text)
            .is_ok_and(|bytes| bytes.contains(&b':'))
    };
    let digits = text.bytes().all(|byte| matches!(byte, b'-' | b'_' | b'='));
    !short && !digits && (!plain || pair())
}

#[cfg(test)]
mod tests {
    use super::{Known, without_tokens};
    use crate::Secret;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(without_tokens(text), expected);
    }

    #[test]
    fn a_header_that_is_said_back_is_masked() {
        check(
            "authorization: Basic dTpw\r\nHost: h",
            "authorization: (masked)\r\nHost: h",
        );
        check(
            "HTTP_AUTHORIZATION=Basic dTpw",
            "HTTP_AUTHORIZATION= (masked)",
        );
        check(
            "{\"authorization\": \"Basic dTpw\"}",
            "{\"authorization\": (masked)",
        );
        check("<td>Basic dTpw</td>", "<td>Basic (masked)</td>");
        check("NTLM TlRMTVNTUAADAAAA", "NTLM (masked)");
        check(
            "got Negotiate YIIKqgYGKwYBBQUC, then",
            "got Negotiate (masked), then",
        );
        check("Kerberos YIIKqg==", "Kerberos (masked)");
    }

    #[test]
    fn sentences_about_authentication_stay() {
        for text in [
            "Basic authentication is currently disabled in the client configuration.",
            "Kerberos authentication cannot be used when the destination is an IP address.",
            "Possible causes: Negotiate authorization requires credentials",
            "offers Negotiate, Kerberos, Basic realm=\"WSMAN\"",
            "The authorization data passed in was not correct.",
            "NTLM is off; Basic credentials are refused; Kerberos requires a name",
        ] {
            check(text, text);
        }
    }

    /// A fault may have a megabyte of words, and they are looked through while other hosts wait.
    #[test]
    fn words_that_repeat_the_name_of_a_scheme_cost_no_more_than_their_length() {
        for word in ["basic", "ntlm", "basic="] {
            let text = word.repeat(60_000 / word.len());
            let before = std::time::Instant::now();
            check(&text, &text);
            // Looked through again from each name it took half a minute.
            assert!(before.elapsed() < std::time::Duration::from_secs(5));
        }
    }

    #[test]
    fn what_was_sent_is_known_in_every_place() {
        let mut known = Known::default();
        known.header("Basic dTpodW50ZXIyMg==");
        known.account("u", &Secret::new("hunter22"));
        assert_eq!(known.without("x=dTpodW50ZXIyMg==;"), "x=(masked);");
        assert_eq!(
            known.without("hello u:hunter22, or hunter22"),
            "hello (masked), or (masked)"
        );
        let mut bytes = b"a hunter22 b".to_vec();
        known.hide(&mut bytes);
        assert_eq!(bytes, b"a ******** b");
        let mut short = Known::default();
        short.account("u", &Secret::new("http"));
        assert_eq!(
            short.without("http status, u:http"),
            "http status, (masked)"
        );
    }
}
