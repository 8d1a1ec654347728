//! Command lines for `cmd.exe` and the programs it starts (wsman reference, section 11).
//!
//! Two layers: the program splits its line by the rules of the C runtime (11.3), and cmd reads the line before that
//! (11.2). An argument that cannot survive both is refused, never bent.

/// The longest line cmd takes; above it the command is cut or not run at all (wsman reference 3.2).
pub(crate) const LONGEST_LINE: usize = 8191;

/// Why a text cannot stand on a command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unquotable {
    #[error("a control character cannot be sent on a command line")]
    Control,
    #[error("the command line would have {0} characters, cmd takes {LONGEST_LINE}")]
    TooLong(usize),
}

/// One argument of a program, quoted for both layers.
pub(crate) fn argument(text: &str) -> Result<String, Unquotable> {
    if text.chars().any(|c| c.is_control()) {
        return Err(Unquotable::Control);
    }
    let quoted = runtime_quoted(text);
    if !text.contains(['"', '%']) {
        // Inside one pair of quotes every other metacharacter of cmd is literal.
        return Ok(quoted);
    }
    // A quote would flip cmd's own idea of what is quoted, and a percent sign is expanded even inside quotes. So
    // every special character is escaped and cmd sees nothing quoted at all.
    let mut line = String::with_capacity(quoted.len() * 2);
    for c in quoted.chars() {
        if matches!(c, '(' | ')' | '%' | '!' | '^' | '"' | '<' | '>' | '&' | '|') {
            line.push('^');
        }
        line.push(c);
    }
    Ok(line)
}

/// Refuses a line that cmd would cut.
pub(crate) fn bounded(line: String) -> Result<String, Unquotable> {
    let length = line.encode_utf16().count();
    if length > LONGEST_LINE {
        Err(Unquotable::TooLong(length))
    } else {
        Ok(line)
    }
}

/// Quotes for the C runtime: backslashes are doubled before a quote and before the closing one, nowhere else.
fn runtime_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    let mut backslashes = 0;
    out.push('"');
    for c in text.chars() {
        match c {
            '\\' => backslashes += 1,
            '"' => {
                out.extend(std::iter::repeat_n('\\', backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        out.push(c);
    }
    out.extend(std::iter::repeat_n('\\', backslashes));
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, line: &str) {
        assert_eq!(argument(text).unwrap(), line);
    }

    #[test]
    fn plain_texts_are_put_in_quotes() {
        check("", r#""""#);
        check(r"HKLM\SOFTWARE\Sub key", r#""HKLM\SOFTWARE\Sub key""#);
        check("<local>;*.corp.example", r#""<local>;*.corp.example""#);
        check(r"C:\dir\", r#""C:\dir\\""#);
        check("a&b|c^d", r#""a&b|c^d""#);
        check("größe", r#""größe""#);
    }

    #[test]
    fn quotes_and_percent_signs_are_escaped_for_cmd() {
        check("%PATH%", r#"^"^%PATH^%^""#);
        check(r#"a "b" & c"#, r#"^"a \^"b\^" ^& c^""#);
        check(r#"a\"b"#, r#"^"a\\\^"b^""#);
        check(r"%x%\", r#"^"^%x^%\\^""#);
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for text in ["a\nb", "a\rb", "a\0b", "\u{1}", "a\tb"] {
            assert_eq!(argument(text), Err(Unquotable::Control), "{text:?}");
        }
        assert_eq!(bounded("x".repeat(8192)), Err(Unquotable::TooLong(8192)));
        assert!(bounded("x".repeat(8191)).is_ok());
    }

    /// What cmd leaves of a line for the program: carets are taken away outside quotes. `None` where a
    /// metacharacter would be seen by cmd.
    fn through_cmd(line: &str) -> Option<String> {
        let (mut out, mut quoted, mut chars) = (String::new(), false, line.chars());
        while let Some(c) = chars.next() {
            match c {
                '^' if !quoted => out.push(chars.next()?),
                '"' => {
                    quoted = !quoted;
                    out.push(c);
                }
                '&' | '|' | '<' | '>' | '(' | ')' if !quoted => return None,
                '%' => return None,
                _ => out.push(c),
            }
        }
        Some(out)
    }

    /// What the C runtime makes of a quoted argument.
    fn through_runtime(line: &str) -> Option<String> {
        let (mut out, mut backslashes) = (String::new(), 0);
        let mut chars = line.strip_prefix('"')?.chars();
        for c in chars.by_ref() {
            if c == '\\' {
                backslashes += 1;
                continue;
            }
            if c == '"' {
                out.extend(std::iter::repeat_n('\\', backslashes / 2));
                if backslashes % 2 == 0 {
                    return chars.next().is_none().then_some(out);
                }
            } else {
                out.extend(std::iter::repeat_n('\\', backslashes));
            }
            backslashes = 0;
            out.push(c);
        }
        None
    }

    proptest! {
        #[test]
        fn every_argument_comes_out_as_it_went_in(text in r#"[ -~äß€\\"%^&]{0,40}"#) {
            let line = argument(&text).unwrap();
            let left = through_cmd(&line);
            prop_assert!(left.is_some(), "cmd sees a metacharacter in {line}");
            prop_assert_eq!(through_runtime(&left.unwrap_or_default()), Some(text));
        }
    }
}
