//! V5: what `MpCmdRun -ValidateMapsConnection` says (reference 3.6). Its exit codes are not documented: the error
//! number in its text is the diagnosis.

use super::{Finding, Verdict};

/// Error numbers and their meaning, as Microsoft gives it or as is evident.
pub const ERRORS: [(u32, &str); 13] = [
    (0x8001_06BA, "the service of Antivirus is disabled"),
    (
        0x8007_0667,
        "this Windows is too old for the test (before 1703 and Server 2019)",
    ),
    (0x8007_0005, "not elevated"),
    (
        0x8007_0006,
        "a firewall blocks or TLS is inspected; also the sign of a missing machine-wide WinHTTP proxy (no lists of revoked certificates)",
    ),
    (
        0x8007_2F8F,
        "certificate, clock or revocation; a machine-wide WinHTTP proxy may be missing",
    ),
    (
        0x8007_2EFE,
        "the connection was aborted; a machine-wide WinHTTP proxy may be missing",
    ),
    (
        0x8007_2EE7,
        "the name does not resolve; blocked or inspected",
    ),
    (0x8007_2EE2, "timeout"),
    (0x8007_2EFD, "no connection"),
    (
        0x8007_2F0D,
        "the authority is not trusted: TLS is inspected",
    ),
    (0x8050_8015, "blocked or inspected"),
    (
        0x8000_4005,
        "the name does not resolve, or another trouble of the network",
    ),
    (
        0x8007_05B4,
        "timeout; the addresses of the EDR sensor have to be open as well",
    ),
];

/// The verdict over its exit code and text.
pub fn judged(exit: i32, text: &str) -> Verdict {
    let text = text.trim();
    if text.contains("ValidateMapsConnection successfully") && exit == 0 {
        let detail = "Antivirus reaches its cloud; not shown by which road";
        return Verdict::new(Finding::Connected, detail);
    }
    let Some(number) = error_number(text) else {
        let line = text.lines().find(|line| !line.trim().is_empty());
        let said: String = line.unwrap_or("nothing").trim().chars().take(200).collect();
        return Verdict::new(
            Finding::MapsFailed,
            format!("MpCmdRun ended with {exit} and said: {said}"),
        );
    };
    let known = ERRORS.iter().find(|(code, _)| *code == number);
    let meaning = known.map_or("not in the table", |(_, meaning)| meaning);
    let finding = match number {
        0x8001_06BA => Finding::ServiceStopped,
        0x8007_0667 => Finding::NotApplicable,
        0x8007_0005 => Finding::Unreadable,
        0x8007_2F0D => Finding::TlsInspected,
        _ => Finding::MapsFailed,
    };
    Verdict::new(finding, format!("0x{number:08X}: {meaning}"))
}

/// The first number of eight hexadecimal digits that is an error.
fn error_number(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find_map(|word| {
            let digits = word
                .strip_prefix("0x")
                .or_else(|| word.strip_prefix("0X"))
                .unwrap_or(word);
            let number = u32::from_str_radix(digits, 16).ok()?;
            (digits.len() == 8 && number >= 0x8000_0000).then_some(number)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(exit: i32, text: &str, finding: Finding, says: &str) {
        let verdict = judged(exit, text);
        assert_eq!(verdict.finding, finding, "{}", verdict.detail);
        assert!(verdict.detail.contains(says), "{}", verdict.detail);
    }

    #[test]
    fn every_number_has_its_meaning() {
        check(
            0,
            "ValidateMapsConnection successfully established a connection to MAPS",
            Finding::Connected,
            "not shown",
        );
        check(
            2,
            "ValidateMapsConnection failed to establish (hr=0x80072F8F httpcode=451)",
            Finding::MapsFailed,
            "revocation",
        );
        check(
            2,
            "failed (hr=80072F0D httpcore=451)",
            Finding::TlsInspected,
            "not trusted",
        );
        check(2, "failed hr=0x80070667", Finding::NotApplicable, "too old");
        check(
            2,
            "failed hr=0x800106BA",
            Finding::ServiceStopped,
            "disabled",
        );
        check(
            2,
            "failed hr=0x80079999",
            Finding::MapsFailed,
            "not in the table",
        );
        check(5, "Zugriff verweigert", Finding::MapsFailed, "ended with 5");
        // An exit code alone is no success.
        check(0, "", Finding::MapsFailed, "nothing");
    }
}
