//! Text that came from somewhere else, made harmless for the place it is printed to.
//!
//! Remote text is data (promise 12): on a terminal it must not move the cursor or reverse the line, in a
//! spreadsheet it must not become a formula, in JSON it stays exact but is written with escapes.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text on one line, with no character that a terminal acts on or that changes the reading order.
///
/// Line breaks and tabs become spaces; every other such character is shown as `<U+001B>`.
pub fn neutral(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_active) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => out.push(' '),
            c if is_active(c) => {
                let _ = write!(out, "<U+{:04X}>", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// As [`neutral`], but line breaks stay: for texts of our own making that quote others.
pub fn neutral_lines(text: &str) -> String {
    text.lines().map(neutral).collect::<Vec<_>>().join("\n")
}

/// As [`neutral`], and nothing that XML 1.0 cannot hold. Markup is escaped by the writer, not here.
pub fn xml(text: &str) -> String {
    neutral(text)
        .replace('\u{fffe}', "<U+FFFE>")
        .replace('\u{ffff}', "<U+FFFF>")
}

/// Control characters, and those that reorder or hide text.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A cell that no spreadsheet takes for a formula: a leading quote where the text could start one.
///
/// Control characters are neutralised too; a plain number stays a number.
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let risky = |c: char| {
        matches!(
            c,
            '=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠'
        )
    };
    let starts_formula =
        text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(risky);
    let clean = neutral(text);
    if starts_formula && text.parse::<i64>().is_err() {
        Cow::Owned(format!("'{clean}"))
    } else {
        clean
    }
}

/// JSON text in which active characters stand as `\uXXXX`: the same data, harmless on a terminal.
///
/// Outside of strings JSON holds no such character but line breaks, which stay.
pub fn json_escaped(json: &str) -> Cow<'_, str> {
    let escape = |c: char| is_active(c) && c != '\n';
    if !json.chars().any(escape) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if escape(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// `1 host`, `2 hosts`, `20,000 hosts`.
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(count as u64))
}

/// Digits in groups of three.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `a, b, c and 12 more`.
pub fn examples<'a>(names: impl IntoIterator<Item = &'a str>, shown: usize) -> String {
    let mut names = names.into_iter();
    let head: Vec<Cow<'_, str>> = names.by_ref().take(shown).map(neutral).collect();
    let rest = names.count();
    let head = head.join(", ");
    if rest == 0 {
        head
    } else {
        format!("{head} and {} more", thousands(rest as u64))
    }
}

/// `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 03 min`.
pub fn duration(span: std::time::Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{} ms", span.as_millis()),
        1..60 => format!("{:.1} s", span.as_secs_f64()),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_bidi_are_shown_not_obeyed() {
        assert_eq!(neutral("a\u{1b}[2Jb"), "a<U+001B>[2Jb");
        assert_eq!(
            neutral("x\u{9b}31m\u{202e}y\u{7f}"),
            "x<U+009B>31m<U+202E>y<U+007F>"
        );
        assert_eq!(neutral("two\r\nlines\tand"), "two  lines and");
        assert_eq!(neutral("größe 名前"), "größe 名前");
    }

    #[test]
    fn formulas_become_text_and_numbers_stay() {
        for evil in [
            "=1+1", "+cmd", "-2+3", "@SUM", "\t=1", "  =1", "|calc", "＝1",
        ] {
            assert!(csv_cell(evil).starts_with('\''), "{evil:?}");
        }
        assert_eq!(csv_cell("-12"), "-12");
        assert_eq!(csv_cell("10.0.0.6:8080"), "10.0.0.6:8080");
    }

    #[test]
    fn json_stays_the_same_data() {
        let value = serde_json::json!({"detail": "a\u{9b}\u{202e}\u{7f}\n", "z": "😀"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let safe = json_escaped(&text);
        assert!(safe.contains("\\u009b") && !safe.contains('\u{202e}'));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            value
        );
    }

    #[test]
    fn counts_read_well() {
        assert_eq!(counted(1, "host"), "1 host");
        assert_eq!(counted(20_000, "host"), "20,000 hosts");
        assert_eq!(examples(["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(duration(std::time::Duration::from_secs(245)), "4 min 05 s");
    }
}
