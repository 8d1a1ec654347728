//! V6: what the sensor wrote into its log since the push (reference 3.7). Events by number and property, never by text.

use super::{Finding, Verdict};

/// One event: number and properties by index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorEvent {
    /// Its number.
    pub id: u32,
    /// Its properties.
    pub properties: Vec<String>,
}

/// Characters of a property: addresses and numbers. Whatever a host writes there stands in reports.
const MAX_PROPERTY: usize = 200;

impl SensorEvent {
    /// Reads `id|property|property`; longer properties are cut.
    pub fn read(line: &str) -> Option<Self> {
        let mut parts = line.trim().split('|');
        Some(Self {
            id: parts.next()?.parse().ok()?,
            properties: parts
                .map(|part| part.trim().chars().take(MAX_PROPERTY).collect())
                .collect(),
        })
    }

    fn property(&self, index: usize) -> &str {
        self.properties.get(index).map_or("", String::as_str)
    }
}

/// The verdict over the events since the push, newest first.
pub fn judged(events: &[SensorEvent]) -> Verdict {
    let last = |ids: &[u32]| events.iter().position(|event| ids.contains(&event.id));
    // 38 and 39 carry as fifth property whether a proxy is defined by policy: the sensor's own word.
    let states = events.iter().filter(|event| matches!(event.id, 38 | 39));
    let defined = states
        .map(|event| event.property(4).to_ascii_lowercase())
        .find(|word| !word.is_empty());
    let by_policy = matches!(defined.as_deref(), Some("true" | "1"));
    match (last(&[4, 50]), last(&[5, 67, 405])) {
        (Some(good), bad) if bad.is_none_or(|bad| good < bad) => {
            let event = &events[good];
            let what = if event.id == 50 {
                "a configuration arrived"
            } else {
                "every attempt succeeded"
            };
            if by_policy {
                let detail =
                    format!("{what}, and the sensor says that its proxy is defined by policy");
                Verdict::new(Finding::ConnectedThroughProxy, detail)
            } else {
                Verdict::new(
                    Finding::Connected,
                    format!("{what}; the sensor does not say by which road"),
                )
            }
        }
        (_, Some(bad)) => Verdict::new(Finding::SensorFails, failure(&events[bad])),
        _ => match last(&TROUBLE) {
            Some(trouble) => Verdict::new(Finding::SensorFails, failure(&events[trouble])),
            None => Verdict::new(
                Finding::NotConnected,
                "the sensor wrote nothing on its connection since the push",
            ),
        },
    }
}

/// Events of trouble with the connection that count where nothing else speaks of it: the command channel cannot start, a
/// communication error, a logon that was rejected.
const TROUBLE: [u32; 3] = [15, 99, 406];

/// What an event of failure says.
fn failure(event: &SensorEvent) -> String {
    let (what, error) = match event.id {
        15 => (", the command channel cannot start".to_owned(), None),
        67 => {
            let (attempts, good) = (event.property(0), event.property(2));
            let what = format!(", {good} of {attempts} attempts succeeded");
            (what, Some(event.property(4).to_owned()))
        }
        99 => {
            let what = format!(", communication error in '{}'", event.property(0));
            (what, Some(windows_error(event.property(1))))
        }
        // The status of HTTP, or what kept the request from having one.
        405 | 406 => {
            let error = match event.property(2) {
                "" | "0" => windows_error(event.property(1)),
                status => status.to_owned(),
            };
            (String::new(), Some(error))
        }
        _ => (String::new(), Some(event.property(2).to_owned())),
    };
    let error = error.map(|error| format!(": {}", error_text(&error)));
    format!("event {}{what}{}", event.id, error.unwrap_or_default())
}

/// The number of WinHTTP within an `HRESULT` (hexadecimal or decimal) that wraps one; any other text as it is.
fn windows_error(text: &str) -> String {
    const WRAPPED: u32 = 0x8007_0000;
    let number = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        // `Get-WinEvent` shows it with or without a sign.
        None => text.parse::<i64>().ok().map(|number| number as u32),
    };
    match number {
        Some(number) if number & 0xffff_0000 == WRAPPED => (number & 0xffff).to_string(),
        Some(number) if number >= 0x8000_0000 => format!("0x{number:08X}"),
        _ => text.to_owned(),
    }
}

fn error_text(number: &str) -> String {
    let meaning = match number {
        "12002" => "timeout",
        "12007" => "the name does not resolve",
        "12029" => "no connection",
        "12030" => "the connection was aborted",
        "12175" => "TLS failed: inspection, clock, or root certificates that are not updated",
        "400" => "expired organisation or anti-spoofing",
        "403" => "refused",
        "407" => "the proxy wants a logon",
        "502" | "503" | "504" => "the proxy cannot go on",
        _ => "not in the table",
    };
    format!("error {number}: {meaning}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], finding: Finding, says: &str) {
        let events: Vec<_> = lines
            .iter()
            .filter_map(|line| SensorEvent::read(line))
            .collect();
        let verdict = judged(&events);
        assert_eq!(verdict.finding, finding, "{}", verdict.detail);
        assert!(verdict.detail.contains(says), "{}", verdict.detail);
    }

    #[test]
    fn the_newest_word_counts_and_only_the_sensor_says_which_road() {
        check(&["4|1|https://x"], Finding::Connected, "does not say");
        check(
            &["4|1|https://x", "39|300|False|True|True|True"],
            Finding::ConnectedThroughProxy,
            "policy",
        );
        check(
            &["4|1|https://x", "39|300|False|True|True|False"],
            Finding::Connected,
            "",
        );
        check(
            &["4|1|https://x", "5|3|https://x|12029"],
            Finding::Connected,
            "",
        );
        check(
            &["5|3|https://x|12029", "4|1|https://x"],
            Finding::SensorFails,
            "no connection",
        );
        check(
            &["67|3|2|1|https://x|407"],
            Finding::SensorFails,
            "wants a logon",
        );
        check(
            &["67|3|2|1|https://x|407"],
            Finding::SensorFails,
            "1 of 3 attempts succeeded",
        );
        check(&["1|10.8210"], Finding::NotConnected, "nothing");
        check(&["nonsense"], Finding::NotConnected, "");
    }

    #[test]
    fn trouble_that_other_events_tell_is_not_silence() {
        let fails = Finding::SensorFails;
        check(&["15|https://x"], fails, "command channel cannot start");
        check(&["99|Upload|0x80072EE7"], fails, "does not resolve");
        check(&["99|Upload|0x80004005"], fails, "error 0x80004005");
        check(&["406|r|0x0|403"], fails, "error 403: refused");
        check(&["405|r|0x80072EFD|0"], fails, "error 12029: no connection");
        check(&["405|r|-2147012867|"], fails, "error 12029: no connection");
        // However much a host writes there.
        let long = format!("99|{0}|{0}", "x".repeat(1 << 20));
        let verdict = judged(&[SensorEvent::read(&long).expect("an event")]);
        assert!(verdict.detail.len() < 1000, "{}", verdict.detail.len());
        // What the sensor says of its attempts outweighs it.
        check(
            &["99|Upload|0x80072EE7", "4|1|https://x"],
            Finding::Connected,
            "",
        );
    }
}
