//! User and password in front of a host: `http://user:password@proxy`, the same without a scheme, and both as the bytes
//! of a binary value.
//!
//! What counts is a word: whatever stands between white space, control characters, `"`, `<` and `>`. A password may hold
//! `/`, `;` or `@`, so the last `@` of the word ends it, even where that hides more than the password. An output comes in
//! pieces: a word that a piece leaves unfinished is hidden behind its first colon, because the `@` may be still to come.

use std::ops::Range;

/// Fewer digits than this are a number, not the bytes of a text.
const MIN_DIGITS: usize = 16;

/// The word that has been come to.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The last piece ended in the middle of it.
    open: bool,
    /// It has had a colon by then.
    colon: bool,
}

impl Words {
    /// What is to be hidden of the next piece; `ends` says that nothing of its last word is to come.
    pub(super) fn spans(&mut self, piece: &[u8], ends: bool) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        let mut start = 0;
        while start <= piece.len() {
            let rest = &piece[start..];
            let end = rest.iter().position(|byte| delimits(*byte));
            let unfinished = end.is_none() && !ends;
            let word = &rest[..end.unwrap_or(rest.len())];
            let colon = self.open && self.colon;
            if let Some(span) = hidden(word, colon, unfinished) {
                spans.push(start + span.start..start + span.end);
            }
            if unfinished {
                self.open |= !word.is_empty();
                self.colon = colon || word.contains(&b':');
            } else {
                *self = Self::default();
            }
            start += word.len() + 1;
        }
        spans
    }
}

/// What is to be hidden of a word, of which a part with a colon may have come before.
fn hidden(word: &[u8], colon_before: bool, unfinished: bool) -> Option<Range<usize>> {
    let at = word.iter().rposition(|byte| *byte == b'@');
    let span = if colon_before {
        0..if unfinished { word.len() } else { at? }
    } else {
        let (from, scheme) = beginning(word);
        let colon = word[from..].iter().position(|byte| *byte == b':');
        if unfinished {
            let from = match scheme {
                true => from,
                false => colon? + 1,
            };
            from..word.len()
        } else {
            let userinfo = &word[from..at.filter(|at| *at >= from)?];
            // Before the path there may be a name alone; behind it, an `@` without a colon is part of the path.
            let named = scheme && !userinfo.contains(&b'/');
            if !named && !userinfo.contains(&b':') {
                return None;
            }
            from..from + userinfo.len()
        }
    };
    (!span.is_empty()).then_some(span)
}

/// Where the userinfo of a word would begin, and whether a scheme stands before it.
fn beginning(word: &[u8]) -> (usize, bool) {
    let separator = word.windows(3).position(|window| window == b"://");
    match separator {
        // A colon before it: these may be characters of a password.
        Some(at) if !word[..at].contains(&b':') => (at + 3, true),
        _ => (0, false),
    }
}

fn delimits(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'"' | b'<' | b'>' | 0x7F)
}

/// Digits of bytes, as `reg query` writes a binary value.
#[derive(Debug, Default)]
pub(super) struct Digits {
    /// The last piece ended among them.
    open: bool,
    /// The half of a byte that it ended with.
    half: Option<u8>,
    words: Words,
}

impl Digits {
    /// As [`Words::spans`], for what the digits stand for.
    pub(super) fn spans(&mut self, piece: &[u8], ends: bool) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        let mut start = 0;
        while start <= piece.len() {
            let rest = &piece[start..];
            let end = rest.iter().position(|byte| !byte.is_ascii_hexdigit());
            let finished = end.is_some() || ends;
            let run = &rest[..end.unwrap_or(rest.len())];
            if !finished || self.open || run.len() >= MIN_DIGITS {
                let found = self.run(run, finished);
                spans.extend(found.map(|span| start + span.start..start + span.end));
            }
            match finished {
                true => *self = Self::default(),
                false => self.open |= !run.is_empty(),
            }
            start += run.len() + 1;
        }
        spans
    }

    fn run(&mut self, run: &[u8], finished: bool) -> impl Iterator<Item = Range<usize>> {
        // The first digit may belong to a byte that began in the piece before.
        let skipped = usize::from(self.half.is_some());
        let mut bytes = Vec::with_capacity(run.len() / 2 + 1);
        for digit in run.iter().filter_map(|digit| value(*digit)) {
            match self.half.take() {
                Some(high) => bytes.push(high << 4 | digit),
                None => self.half = Some(digit),
            }
        }
        let (length, half, whole) = (run.len(), self.half.is_some(), bytes.len());
        let spans = match finished && !self.open {
            true => binary(&bytes),
            false => self.words.spans(&bytes, finished),
        };
        spans.into_iter().map(move |span| {
            let place = |byte: usize| (2 * byte).saturating_sub(skipped);
            // Half a character at the end of what is hidden is hidden too.
            let end = match half && span.end == whole {
                true => length,
                false => place(span.end),
            };
            place(span.start)..end
        })
    }
}

fn value(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// What is to be hidden of a binary value: its text may be of one byte per character, or of two.
pub(super) fn binary(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut spans = Words::default().spans(bytes, true);
    for lane in 0..2 {
        let half: Vec<u8> = bytes.iter().copied().skip(lane).step_by(2).collect();
        // Without a zero between them these are not the characters of a text.
        let other = bytes.iter().skip(1 - lane).step_by(2);
        if other.filter(|byte| **byte == 0).count() * 2 < half.len() {
            continue;
        }
        let found = Words::default().spans(&half, true);
        spans.extend(
            found
                .into_iter()
                .map(|span| 2 * span.start + lane..2 * span.end + lane),
        );
    }
    spans
}

/// The text with a mask in the place of each; `ends` as for [`Words::spans`].
pub(super) fn without(text: &str, mask: &str, ends: bool) -> String {
    let mut hidden = vec![false; text.len()];
    let spans = Words::default().spans(text.as_bytes(), ends);
    let digits = Digits::default().spans(text.as_bytes(), ends);
    for span in spans.into_iter().chain(digits) {
        hidden[span].fill(true);
    }
    let mut shown = String::with_capacity(text.len());
    let mut before = false;
    // Every span begins and ends beside an ASCII character, or at an end of the text.
    for (index, character) in text.char_indices() {
        match (hidden[index], before) {
            (true, false) => shown.push_str(mask),
            (true, true) => {}
            (false, _) => shown.push(character),
        }
        before = hidden[index];
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::without;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(without(text, "*", true), expected);
    }

    #[test]
    fn a_password_before_a_host_is_found_in_every_form() {
        check("http://u:p@h:3128", "http://*@h:3128");
        check("http://token@h/", "http://*@h/");
        check("u:p@h:3128", "*@h:3128");
        check("http=u:p@h:1;https=h:2", "*@h:1;https=h:2");
        check("http://u:a/b;c@h:1", "http://*@h:1");
        check("http://u:a@b@h:1", "http://*@h:1");
        check("u:a://b@h", "*@h");
        check("proxy 'u:p@h' bypass", "proxy *@h' bypass");
        check("a\u{e4}:\u{fc}p@h", "*@h");
    }

    #[test]
    fn what_is_no_password_stays() {
        for text in [
            "10.0.0.6:8080;*.corp.example;<local>",
            "http://pac.corp.example/x@y.pac",
            "svc@CORP.EXAMPLE",
            "HTTP/pc-0001.corp.example@CORP.EXAMPLE",
            "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/StdRegProv",
            "{\"a\":1,\"mail\":\"x@y\"}",
            "12:30 by x@y",
            "deadbeefdeadbeefdeadbeef",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn the_digits_of_a_binary_value_are_read() {
        let digits = |text: &str| text.bytes().map(|b| format!("{b:02X}")).collect::<String>();
        let before = "1800000003000000";
        let text = [before, &digits("u:p4ss@h:31280"), "00000000"].concat();
        let shown = [before, "*", &digits("@h:31280"), "00000000"].concat();
        check(&text, &shown);
        let wide: String = "u:p4ss@h:31280"
            .bytes()
            .map(|b| format!("{b:02x}00"))
            .collect();
        assert!(!without(&wide, "*", true).contains("7000340073"), "{wide}");
    }

    #[test]
    fn a_text_that_was_cut_is_hidden_behind_its_last_colon() {
        assert_eq!(without("x http://u:pa", "*", false), "x http://*");
        assert_eq!(without("x u:pa", "*", false), "x u:*");
    }
}
