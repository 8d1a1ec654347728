//! Lengths of time as people write them in files: `10s`, `2m`, `1h30m`.

use std::time::Duration;

/// What a duration looks like, for the `expected` line of a diagnostic.
pub const DURATION: &str = "a duration such as 10s, 2m or 1h30m";

const UNITS: [(&str, u64); 4] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
];

/// Reads `1h30m`: whole numbers, each with its unit (`d h m s ms`), larger units first, more than nothing in all.
///
/// # Errors
/// What is wrong, fit for the `hint` line of a diagnostic.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("a number needs its unit: {text}s or {text}m?"));
    }
    let mut rest = text;
    let mut total = 0u64;
    let mut larger = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits]
            .parse()
            .map_err(|_| "a number and its unit belong together".to_owned())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let size =
            unit(&rest[..letters]).ok_or_else(|| "the units are d, h, m, s and ms".to_owned())?;
        if size >= larger {
            return Err("each unit may stand once, larger ones first".to_owned());
        }
        larger = size;
        rest = &rest[letters..];
        let part = number
            .checked_mul(size)
            .and_then(|part| total.checked_add(part));
        total = part
            .filter(|total| *total <= LONGEST)
            .ok_or_else(|| "longer than 365 days".to_owned())?;
    }
    match total {
        0 => Err("it has to be longer than nothing".to_owned()),
        milliseconds => Ok(Duration::from_millis(milliseconds)),
    }
}

const LONGEST: u64 = 365 * 86_400_000;

fn unit(name: &str) -> Option<u64> {
    if name == "ms" {
        return Some(1);
    }
    UNITS
        .iter()
        .find(|(unit, _)| *unit == name)
        .map(|(_, size)| *size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_or_explained() {
        for (text, seconds) in [
            ("10s", 10.0),
            ("2m", 120.0),
            ("1h30m", 5400.0),
            ("1d", 86400.0),
            ("1s500ms", 1.5),
        ] {
            assert_eq!(
                parse_duration(text).unwrap().as_secs_f64(),
                seconds,
                "{text}"
            );
        }
        for text in [
            "",
            "0s",
            "10",
            "s",
            "1x",
            "1m1h",
            "1h1h",
            "-1s",
            "1.5h",
            "1 h",
            "99999999999999999999s",
            "400d",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(
            parse_duration("90").unwrap_err(),
            "a number needs its unit: 90s or 90m?"
        );
    }
}
