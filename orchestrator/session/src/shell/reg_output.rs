//! What `reg query` printed, read without relying on any localised text (wsman reference 10.2, 11.4).
//!
//! Only three things are taken from the output: the columns of a value line (the name is known, the type words are
//! not translated), lines that begin with the key's own full path, and nothing else. What cannot be read exactly is
//! [`Observed::Opaque`], never guessed.

use playbooks::registry::{REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_QWORD, REG_SZ};
use playbooks::{KeyPath, Observed, Typed};

/// The hive as `reg.exe` prints it.
const HIVE: &str = "HKEY_LOCAL_MACHINE";
/// Between the columns.
const GAP: &str = "    ";

/// The line of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueLine {
    /// The registry type number.
    pub(crate) kind: u32,
    /// The data as printed.
    pub(crate) data: String,
}

/// What stands behind the data of a value that ends without line breaks, in the `reg.exe` of present Windows.
pub(crate) const USUAL_TAIL: &str = "\r\n\r\n";

/// Finds the line of the value `name` (empty: the default value, whose printed name is localised) in the output of
/// `reg query KEY /v NAME`, and what stands behind it: line breaks, of which some may belong to the data. `None` where
/// the output has another shape than one value.
pub(crate) fn value_line<'a>(output: &'a str, name: &str) -> Option<(ValueLine, &'a str)> {
    let output = output.strip_prefix('\u{FEFF}').unwrap_or(output);
    let mut rest = from_key_line(output);
    let mut key_seen = false;
    loop {
        let (line, _) = rest.split_once('\n')?;
        let text = line.strip_suffix('\r').unwrap_or(line);
        if !text.trim().is_empty() {
            if key_seen || !is_key_line(text) {
                // A second value or a line of data with a line break in it: not for this reader.
                let tail = rest.get(text.len()..)?;
                let alone = tail.trim_matches(['\r', '\n']).is_empty();
                return Some((columns(text, name)?, tail)).filter(|_| alone);
            }
            key_seen = true;
        }
        rest = rest.get(line.len() + 1..)?;
    }
}

/// What was printed before the key's line is not of `reg.exe`: each command processor runs what the host's `AutoRun`
/// says (`chcp 65001` prints a line).
fn from_key_line(output: &str) -> &str {
    let mut rest = output;
    while !is_key_line(rest) {
        match rest.split_once('\n') {
            Some((_, after)) => rest = after,
            None => return output,
        }
    }
    rest
}

/// The names of the direct subkeys in the output of `reg query KEY`, and whether the key has values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyListing {
    /// Last components of the subkeys.
    pub(crate) subkeys: Vec<String>,
    /// There is something else than subkeys and the key's own line: values, or lines that cannot be read.
    pub(crate) other: bool,
}

/// Reads the output of `reg query KEY`; `None` for the key stands for the hive itself.
pub(crate) fn key_listing(output: &str, key: Option<&KeyPath>) -> KeyListing {
    let own = key.map_or_else(
        || HIVE.to_owned(),
        |key| format!(r"{HIVE}\{}", key.as_str()),
    );
    let own = own.to_lowercase();
    let mut listing = KeyListing::default();
    for line in lines(from_key_line(output)) {
        let folded = line.trim_end().to_lowercase();
        if folded.is_empty() || folded == own {
            continue;
        }
        let below = folded
            .strip_prefix(&own)
            .and_then(|rest| rest.strip_prefix('\\'));
        match below {
            Some(rest) if !rest.contains('\\') => {
                listing.subkeys.push(
                    line.trim_end()
                        .rsplit('\\')
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                );
            }
            _ => listing.other = true,
        }
    }
    listing
}

/// Turns a printed value into what is stored. `separator` is what stands between the items of a multi string.
pub(crate) fn observed(line: &ValueLine, separator: &str) -> Observed {
    match typed(line, separator) {
        Ok(typed) => Observed::Present(typed.to_raw()),
        Err(why) => Observed::Opaque {
            kind: line.kind,
            why: why.to_owned(),
        },
    }
}

/// Items of a multi string that were found by [`merge_separators`].
pub(crate) fn observed_items(items: Vec<String>) -> Observed {
    match items
        .iter()
        .map(|item| text(item))
        .collect::<Result<Vec<_>, _>>()
    {
        Ok(items) if !items.is_empty() && !items.iter().any(String::is_empty) => {
            Observed::Present(Typed::MultiSz(items).to_raw())
        }
        Ok(_) => Observed::Opaque {
            kind: REG_MULTI_SZ,
            why: EMPTY_ITEMS.to_owned(),
        },
        Err(why) => Observed::Opaque {
            kind: REG_MULTI_SZ,
            why: why.to_owned(),
        },
    }
}

const EMPTY_ITEMS: &str =
    "a multi string that is empty or has empty items cannot be told apart or written back";

fn typed(line: &ValueLine, separator: &str) -> Result<Typed, &'static str> {
    let data = line.data.as_str();
    let number = || {
        let digits = data
            .trim()
            .strip_prefix("0x")
            .ok_or("reg.exe shows something that is no number")?;
        u64::from_str_radix(digits, 16).map_err(|_| "reg.exe shows something that is no number")
    };
    match line.kind {
        REG_SZ => text(data).map(Typed::Sz),
        REG_EXPAND_SZ => text(data).map(Typed::ExpandSz),
        REG_BINARY => hex::decode(data.trim())
            .map(Typed::Binary)
            .map_err(|_| "reg.exe shows something that is no bytes"),
        REG_DWORD => number()
            .and_then(|n| u32::try_from(n).map_err(|_| "the number has more than 32 bits"))
            .map(Typed::Dword),
        REG_QWORD => number().map(Typed::Qword),
        REG_MULTI_SZ => multi(data, separator).map(Typed::MultiSz),
        _ => Err("no channel can write a value of this registry type"),
    }
}

/// A text that the console showed as it is, or why it may be another one.
pub(crate) fn text(data: &str) -> Result<String, &'static str> {
    if data.contains('\u{FFFD}') {
        return Err("the text holds characters that the console cannot show");
    }
    if data.chars().any(|c| c.is_control()) {
        return Err("the text holds control characters");
    }
    Ok(data.to_owned())
}

fn multi(data: &str, separator: &str) -> Result<Vec<String>, &'static str> {
    let data = text(data)?;
    let items: Vec<String> = data.split(separator).map(str::to_owned).collect();
    if items.iter().any(String::is_empty) {
        return Err(
            "a multi string that is empty or has empty items cannot be told apart or written back",
        );
    }
    Ok(items)
}

/// The items of a multi string that was printed twice, with two different separators of one character: only where
/// the two outputs differ is a separator, so an item may even hold either of them.
pub(crate) fn merge_separators(
    first: &str,
    second: &str,
    separators: (char, char),
) -> Option<Vec<String>> {
    let mut items = vec![String::new()];
    let (mut left, mut right) = (first.chars(), second.chars());
    loop {
        match (left.next(), right.next(), items.last_mut()) {
            (None, None, _) => return Some(items),
            (Some(a), Some(b), Some(item)) if a == b => item.push(a),
            (Some(a), Some(b), _) if (a, b) == separators => items.push(String::new()),
            _ => return None,
        }
    }
}

fn lines(output: &str) -> impl Iterator<Item = &str> {
    let output = output.strip_prefix('\u{FEFF}').unwrap_or(output);
    output
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
}

fn is_key_line(line: &str) -> bool {
    line.get(..HIVE.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(HIVE))
}

/// Reads `    NAME    TYPE    DATA`. Names and data may hold blanks, hence the known name.
fn columns(line: &str, name: &str) -> Option<ValueLine> {
    let rest = line.strip_prefix(GAP).or_else(|| line.strip_prefix('\t'))?;
    let rest = if name.is_empty() {
        let type_at = rest.find("REG_")?;
        rest.get(type_at..)?
    } else {
        let (printed, rest) = split_chars(rest, name.chars().count())?;
        if printed.to_lowercase() != name.to_lowercase() {
            return None;
        }
        strip_gap(rest)?
    };
    let end = rest.find([' ', '\t']).unwrap_or(rest.len());
    let (word, rest) = rest.split_at(end);
    let data = if rest.is_empty() {
        ""
    } else {
        strip_gap(rest).unwrap_or_default()
    };
    Some(ValueLine {
        kind: type_number(word)?,
        data: data.to_owned(),
    })
}

fn strip_gap(text: &str) -> Option<&str> {
    text.strip_prefix(GAP).or_else(|| text.strip_prefix('\t'))
}

fn split_chars(text: &str, count: usize) -> Option<(&str, &str)> {
    let at = text
        .char_indices()
        .nth(count)
        .map_or(text.len(), |(at, _)| at);
    text.split_at_checked(at)
}

/// The type words are names of constants, the same in every language.
fn type_number(word: &str) -> Option<u32> {
    Some(match word {
        "REG_NONE" => 0,
        "REG_SZ" => REG_SZ,
        "REG_EXPAND_SZ" => REG_EXPAND_SZ,
        "REG_BINARY" => REG_BINARY,
        "REG_DWORD" | "REG_DWORD_LITTLE_ENDIAN" => REG_DWORD,
        "REG_DWORD_BIG_ENDIAN" => 5,
        "REG_LINK" => 6,
        "REG_MULTI_SZ" => REG_MULTI_SZ,
        "REG_RESOURCE_LIST" => 8,
        "REG_FULL_RESOURCE_DESCRIPTOR" => 9,
        "REG_RESOURCE_REQUIREMENTS_LIST" => 10,
        "REG_QWORD" => REG_QWORD,
        // A type without a name is printed as its number; no channel writes one, so it only has to be named right.
        _ => return u32::from_str_radix(word.strip_prefix("0x")?, 16).ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(line: &str) -> String {
        format!("\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Example\r\n{line}\r\n\r\n")
    }

    #[track_caller]
    fn check(line: &str, name: &str, expected: Typed) {
        let text = query(line);
        let (value, tail) = value_line(&text, name).expect("a value line");
        assert_eq!(tail, USUAL_TAIL);
        assert_eq!(
            observed(&value, "\\0"),
            Observed::Present(expected.to_raw()),
            "{line}"
        );
    }

    #[track_caller]
    fn check_opaque(line: &str, name: &str, kind: u32) {
        let text = query(line);
        let (value, tail) = value_line(&text, name).expect("a value line");
        assert_eq!(tail, USUAL_TAIL);
        assert!(
            matches!(observed(&value, "\\0"), Observed::Opaque { kind: k, .. } if k == kind),
            "{line}"
        );
    }

    #[test]
    fn the_six_types() {
        check(
            "    Name    REG_SZ    10.0.0.6:8080",
            "name",
            Typed::Sz("10.0.0.6:8080".into()),
        );
        check(
            "    A b    REG_SZ      two  blanks  ",
            "A b",
            Typed::Sz("  two  blanks  ".into()),
        );
        check("    N    REG_SZ    ", "N", Typed::Sz(String::new()));
        check("    N    REG_SZ", "N", Typed::Sz(String::new()));
        check(
            "    N    REG_EXPAND_SZ    %SystemRoot%\\x",
            "N",
            Typed::ExpandSz("%SystemRoot%\\x".into()),
        );
        check("    N    REG_DWORD    0x1", "N", Typed::Dword(1));
        check(
            "    N    REG_DWORD    0xffffffff",
            "N",
            Typed::Dword(u32::MAX),
        );
        check(
            "    N    REG_QWORD    0x100000000",
            "N",
            Typed::Qword(1 << 32),
        );
        check(
            "    N    REG_BINARY    1800FF",
            "N",
            Typed::Binary(vec![0x18, 0, 0xff]),
        );
        check("    N    REG_BINARY    ", "N", Typed::Binary(vec![]));
        check(
            "    N    REG_MULTI_SZ    a\\0b c",
            "N",
            Typed::MultiSz(vec!["a".into(), "b c".into()]),
        );
    }

    #[test]
    fn a_name_with_a_type_word_in_it_does_not_confuse() {
        check(
            "    A    REG_SZ    x    REG_SZ    y",
            "A    REG_SZ    x",
            Typed::Sz("y".into()),
        );
        check(
            "    A    REG_SZ    x    REG_SZ    y",
            "A",
            Typed::Sz("x    REG_SZ    y".into()),
        );
    }

    #[test]
    fn the_default_value_has_a_localised_name() {
        for name in ["(Default)", "(Standard)", "(par défaut)"] {
            check(
                &format!("    {name}    REG_SZ    text"),
                "",
                Typed::Sz("text".into()),
            );
        }
    }

    #[test]
    fn what_is_not_exact_is_opaque() {
        check_opaque("    N    REG_NONE    ", "N", 0);
        check_opaque("    N    REG_DWORD_BIG_ENDIAN    0x1", "N", 5);
        check_opaque("    N    REG_SZ    a\u{FFFD}b", "N", 1);
        check_opaque("    N    REG_SZ    a\u{1}b", "N", 1);
        check_opaque("    N    REG_MULTI_SZ    ", "N", 7);
        check_opaque("    N    REG_MULTI_SZ    a\\0\\0b", "N", 7);
        check_opaque("    N    REG_DWORD    (ungültiger DWORD)", "N", 4);
        check_opaque("    N    REG_BINARY    0", "N", 3);
    }

    #[test]
    fn other_shapes_are_not_read() {
        assert_eq!(value_line("", "N"), None);
        assert_eq!(value_line("FEHLER: nicht gefunden\r\n", "N"), None);
        assert_eq!(value_line(&query("    M    REG_SZ    x"), "N"), None);
        assert_eq!(
            value_line(&query("    N    REG_SZ    one\r\ntwo"), "N"),
            None
        );
        assert_eq!(
            value_line(&query("    N    REG_SZ    a\r\n    N    REG_SZ    b"), "N"),
            None
        );
        assert_eq!(value_line(&query("    N    REG_WHATEVER    x"), "N"), None);
        // A line of the data that looks like a key's.
        let second = "    N    REG_SZ    a\nHKEY_LOCAL_MACHINE\\SOFTWARE";
        assert_eq!(value_line(&query(second), "N"), None);
    }

    #[test]
    fn what_stands_before_the_keys_line_is_not_of_reg() {
        let auto_run = "Active code page: 65001\r\n    N    REG_SZ    wrong\r\n";
        let text = [auto_run, &query("    N    REG_SZ    right")].concat();
        let (value, tail) = value_line(&text, "N").expect("a value line");
        assert_eq!((value.data.as_str(), tail), ("right", USUAL_TAIL));
        // Without a key's line nothing tells which line is whose.
        assert_eq!(value_line(auto_run, "N"), None);

        let key = KeyPath::parse(r"HKLM\SOFTWARE\Example").unwrap();
        let below = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Example\\Sub\r\n";
        let listing = key_listing(&[auto_run, below].concat(), Some(&key));
        let subkeys = vec!["Sub".to_owned()];
        assert_eq!(
            listing,
            KeyListing {
                subkeys,
                other: false
            }
        );
        assert!(key_listing(auto_run, Some(&key)).other);
    }

    #[test]
    fn line_breaks_at_the_end_of_the_data_show_in_the_tail() {
        for (data, tail) in [
            ("a\n", "\n\r\n\r\n"),
            ("a\r\n", "\r\n\r\n\r\n"),
            ("\n", "\n\r\n\r\n"),
        ] {
            let text = query(&format!("    N    REG_SZ    {data}"));
            let (_, found) = value_line(&text, "N").expect("a value line");
            assert_eq!(found, tail, "{data:?}");
        }
    }

    #[test]
    fn a_listing_tells_values_from_subkeys() {
        let key = KeyPath::parse(r"HKLM\SOFTWARE\Example").unwrap();
        let text = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Example\r\n    N    REG_SZ    x\r\n\r\nHKEY_LOCAL_MACHINE\\Software\\EXAMPLE\\Sub key\r\n";
        let listing = key_listing(text, Some(&key));
        assert_eq!(
            listing,
            KeyListing {
                subkeys: vec!["Sub key".into()],
                other: true
            }
        );
        assert_eq!(key_listing("\r\n\r\n", Some(&key)), KeyListing::default());
        let hive = key_listing(
            "\r\nHKEY_LOCAL_MACHINE\\HARDWARE\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\r\n",
            None,
        );
        assert_eq!(hive.subkeys, ["HARDWARE", "SOFTWARE"]);
    }

    #[test]
    fn two_separators_find_the_items() {
        let merge = |a, b| merge_separators(a, b, ('#', '|'));
        assert_eq!(merge("a#b", "a|b"), Some(vec!["a".into(), "b".into()]));
        assert_eq!(
            merge("a#b#c|d", "a#b|c|d"),
            Some(vec!["a#b".into(), "c|d".into()])
        );
        assert_eq!(merge("a\\0b", "a\\0b"), Some(vec!["a\\0b".into()]));
        assert_eq!(merge("a#b", "a|bc"), None);
        assert_eq!(merge("a|b", "a#b"), None);
    }
}
