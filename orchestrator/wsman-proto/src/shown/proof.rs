//! What proves an account in a header, wherever a host says it back: in a page, an error, a fault.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::MASK;
use crate::Secret;

/// Schemes of which a token follows the name.
const SCHEMES: [&str; 4] = ["basic", "negotiate", "kerberos", "ntlm"];
/// The header, and what others make of its name (`HTTP_AUTHORIZATION`, `Proxy-Authorization`).
const HEADER: &str = "authorization";
/// Kept of what was sent, in all its forms. A session's older tokens are of no use to anybody.
const MAX_KNOWN: usize = 64;
/// A shorter beginning of something known is not taken for it.
const MIN_BEGUN: usize = 4;
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

    /// Keeps a text in every form in which pages say it back.
    fn keep(&mut self, text: &str) {
        self.keep_form(text);
        for form in escaped(text) {
            self.keep_form(&form);
        }
    }

    fn keep_form(&mut self, text: &str) {
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

    /// Where in the next `piece` of an output something known stands. `before` is what came before, as much as may matter,
    /// and is brought up to date; `ends` says that nothing more is to come. What may be the beginning of something known at
    /// the end of a piece is taken for it: the rest may be in the next one.
    pub(super) fn spans(
        &self,
        before: &mut Vec<u8>,
        piece: &[u8],
        ends: bool,
    ) -> Vec<Range<usize>> {
        let come = before.len();
        before.extend_from_slice(piece);
        let mut spans = Vec::new();
        let mut longest = 0;
        for known in self.0.iter().map(|known| known.expose().as_bytes()) {
            longest = longest.max(known.len());
            let mut start = 0;
            while let Some(at) = before[start..]
                .windows(known.len())
                .position(|window| window == known)
            {
                start += at + known.len();
                spans.push(start - known.len()..start);
            }
            let begun = (MIN_BEGUN..known.len().min(before.len() + 1))
                .rev()
                .find(|length| !ends && before.ends_with(&known[..*length]));
            spans.extend(begun.map(|length| before.len() - length..before.len()));
        }
        match ends {
            true => before.clear(),
            false => drop(before.drain(..before.len().saturating_sub(longest))),
        }
        let within =
            |span: Range<usize>| span.start.saturating_sub(come)..span.end.saturating_sub(come);
        spans.into_iter().map(within).collect()
    }
}

/// A text as it stands in HTML, in a URL and in JSON.
fn escaped(text: &str) -> [String; 3] {
    let mut forms = [const { String::new() }; 3];
    for c in text.chars() {
        match c {
            '&' => forms[0].push_str("&amp;"),
            '<' => forms[0].push_str("&lt;"),
            '>' => forms[0].push_str("&gt;"),
            '"' => forms[0].push_str("&quot;"),
            '\'' => forms[0].push_str("&#39;"),
            other => forms[0].push(other),
        }
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') {
            forms[1].push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                forms[1].push_str(&format!("%{byte:02X}"));
            }
        }
        if matches!(c, '"' | '\\') {
            forms[2].push('\\');
        }
        forms[2].push(c);
    }
    forms
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
    fn what_was_sent_is_known_in_the_forms_of_pages() {
        let mut known = Known::default();
        known.header("Basic dTpod/1+c==");
        known.account(r"C\u", &Secret::new(r#"a&b<c>"d'e\f"#));
        let said = [
            "a&amp;b&lt;c&gt;&quot;d&#39;e\\f",
            "a%26b%3Cc%3E%22d%27e%5Cf",
            r#"C\\u:a&b<c>\"d'e\\f"#,
            "dTpod%2F1%2Bc%3D%3D",
        ];
        for text in said {
            assert_eq!(known.without(text), "(masked)", "{text}");
        }
    }

    #[test]
    fn what_was_sent_is_known_where_an_output_is_cut_in_it() {
        let mut known = Known::default();
        known.account("u", &Secret::new("hunter22"));
        let mut before = Vec::new();
        let mut next = |piece: &[u8], ends| {
            let spans = known.spans(&mut before, piece, ends).into_iter();
            let hidden = spans.filter(|span| !span.is_empty());
            hidden
                .map(|span| (span.start, span.end))
                .collect::<Vec<_>>()
        };
        assert_eq!(next(b"a hunt", false), [(2, 6)]);
        assert_eq!(next(b"er", false), [(0, 2)]);
        assert_eq!(next(b"22 b hun", false), [(0, 2)]);
        // Three letters may be anything.
        assert_eq!(next(b"gry hunt", true), []);
        assert_eq!(next(b"er22", true), [], "another output");
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
        let spans = known.spans(&mut Vec::new(), b"a hunter22 b", true);
        assert!(spans.contains(&(2..10)), "{spans:?}");
        let mut short = Known::default();
        short.account("u", &Secret::new("http"));
        assert_eq!(
            short.without("http status, u:http"),
            "http status, (masked)"
        );
    }
}
