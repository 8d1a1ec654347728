//! Several reading commands in one command line, each with its own output and its own success.
//!
//! A command costs two to three requests whatever it does, so questions are asked together. Between them `echo`
//! prints a mark with a number of chance in it; where the marks do not come back as expected (a command processor
//! with other rules), the commands are run one by one.

use wsman::Client;

use super::quote::LONGEST_LINE;
use crate::error::Trouble;

/// What one of the commands printed, and whether it ended with 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) ok: bool,
    pub(super) out: String,
}

/// Runs all; the results are in the order of the lines.
pub(super) async fn run_all(client: &mut Client, lines: &[String]) -> Result<Vec<Ran>, Trouble> {
    let mut done = Vec::with_capacity(lines.len());
    let mark = super::mark();
    let mut rest = lines;
    while !rest.is_empty() {
        let (chained, count) = chain(rest, &mark);
        let (now, later) = rest.split_at(count);
        rest = later;
        if count > 1 {
            let output = client.run(&chained, None).await?;
            if let Some(results) = split(&decode(&output.stdout), &mark, count) {
                done.extend(results);
                continue;
            }
        }
        for line in now {
            done.push(run_one(client, line).await?);
        }
    }
    Ok(done)
}

/// Runs all in one command that takes so many Receives at most; `None` where that is not enough, or where their marks do
/// not come back as expected.
pub(super) async fn run_within(
    client: &mut Client,
    lines: &[String],
    receives: u32,
) -> Result<Option<Vec<Ran>>, Trouble> {
    let mark = super::mark();
    let (chained, count) = chain(lines, &mark);
    if count < lines.len() {
        return Ok(None);
    }
    let output = client.run_within(&chained, receives).await?;
    Ok(output.and_then(|output| split(&decode(&output.stdout), &mark, count)))
}

/// Runs one.
pub(super) async fn run_one(client: &mut Client, line: &str) -> Result<Ran, Trouble> {
    let output = client.run(line, None).await?;
    Ok(Ran {
        ok: output.exit_code == Some(0),
        out: decode(&output.stdout),
    })
}

/// As many of the lines as fit; at least one is counted.
fn chain(lines: &[String], mark: &str) -> (String, usize) {
    let mut chained = String::new();
    let mut length = 0;
    for (index, line) in lines.iter().enumerate() {
        let next = format!("{line} && echo {mark}.{index}.y || echo {mark}.{index}.n");
        let joint = if index == 0 { "" } else { " & " };
        length += next.encode_utf16().count() + joint.len();
        if length > LONGEST_LINE {
            return (chained, index.max(1));
        }
        chained.push_str(joint);
        chained.push_str(&next);
    }
    (chained, lines.len())
}

/// Cuts the output at the marks; `None` unless each of them is there once and in order.
fn split(output: &str, mark: &str, count: usize) -> Option<Vec<Ran>> {
    let mut results = Vec::with_capacity(count);
    let mut out = String::new();
    for line in output.split_inclusive('\n') {
        let Some(sign) = line.trim_end().strip_prefix(mark) else {
            out.push_str(line);
            continue;
        };
        let (number, ok) = sign.strip_prefix('.')?.split_once('.')?;
        if number.parse() != Ok(results.len()) || !matches!(ok, "y" | "n") {
            return None;
        }
        results.push(Ran {
            ok: ok == "y",
            out: std::mem::take(&mut out),
        });
    }
    (results.len() == count && out.trim().is_empty()).then_some(results)
}

/// The shell runs with code page 65001. What is not UTF-8 becomes U+FFFD, which the reader takes for "not exact".
fn decode(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use playbooks::KeyPath;
    use proptest::prelude::*;

    use super::super::reg_output;
    use super::*;

    fn lines(count: usize, length: usize) -> Vec<String> {
        vec!["x".repeat(length); count]
    }

    #[test]
    fn each_command_gets_its_mark() {
        let (line, count) = chain(&["reg a".to_owned(), "reg b".to_owned()], "M");
        assert_eq!(count, 2);
        assert_eq!(
            line,
            "reg a && echo M.0.y || echo M.0.n & reg b && echo M.1.y || echo M.1.n"
        );
    }

    #[test]
    fn the_line_stays_within_what_cmd_takes() {
        let (line, count) = chain(&lines(100, 300), "M");
        assert!(
            line.len() <= LONGEST_LINE && count > 20 && count < 30,
            "{count}"
        );
        assert_eq!(chain(&lines(2, 9000), "M").1, 1);
    }

    #[test]
    fn output_is_cut_at_the_marks() {
        let ran = |ok, out: &str| Ran {
            ok,
            out: out.to_owned(),
        };
        let both = Some(vec![ran(true, "one\r\n"), ran(false, "")]);
        assert_eq!(split("one\r\nM.0.y \r\nM.1.n\r\n", "M", 2), both);
        assert_eq!(split("M.0.y\r\n", "M", 2), None);
        assert_eq!(split("M.1.y\r\nM.0.y\r\n", "M", 2), None);
        assert_eq!(split("M.0.y\r\nM.1.n\r\nrest", "M", 2), None);
        assert_eq!(split("", "M", 1), None);
    }

    proptest! {
        /// Whatever a host prints, cut wherever: read or refused, never a panic, and no more than was printed.
        #[test]
        fn any_output_is_read_or_refused(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just(b"HKEY_LOCAL_MACHINE\\A".to_vec()),
                    Just(b"\r\n".to_vec()),
                    Just(b"    ".to_vec()),
                    Just(b"v".to_vec()),
                    Just(b"REG_MULTI_SZ".to_vec()),
                    Just(b"REG_DWORD    0x".to_vec()),
                    Just(b"M.0.y".to_vec()),
                    Just("\u{FEFF}\u{130}\u{20ac}".as_bytes().to_vec()),
                    proptest::collection::vec(any::<u8>(), 0..6),
                ],
                0..30,
            ),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = pieces.concat();
            let shown = decode(&bytes[..cut.index(bytes.len() + 1)]);
            let key = KeyPath::below_local_machine("A").unwrap();
            for name in ["v", "", "\u{20ac}"] {
                if let Some((line, tail)) = reg_output::value_line(&shown, name) {
                    prop_assert!(line.data.len() + tail.len() <= shown.len());
                    let _ = reg_output::observed(&line, "\\0");
                    let _ = reg_output::merge_separators(&line.data, &shown, ('#', '|'));
                }
            }
            prop_assert!(reg_output::key_listing(&shown, Some(&key)).subkeys.len() <= shown.len());
            let _ = reg_output::key_listing(&shown, None);
            if let Some(ran) = split(&shown, "M", 1) {
                prop_assert!(ran[0].out.len() <= shown.len());
            }
        }
    }
}
