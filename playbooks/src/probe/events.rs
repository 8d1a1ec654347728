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

impl SensorEvent {
    /// Reads `id|property|property`.
    pub fn read(line: &str) -> Option<Self> {
        let mut parts = line.trim().split('|');
        Some(Self {
            id: parts.next()?.parse().ok()?,
            properties: parts.map(|part| part.trim().to_owned()).collect(),
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
        (_, Some(bad)) => {
            let event = &events[bad];
            let error = match event.id {
                67 => event.property(4),
                _ => event.property(2),
            };
            let detail = format!("event {}: {}", event.id, error_text(error));
            Verdict::new(Finding::SensorFails, detail)
        }
        _ => Verdict::new(
            Finding::NotConnected,
            "the sensor wrote nothing on its connection since the push",
        ),
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
        check(&["1|10.8210"], Finding::NotConnected, "nothing");
        check(&["nonsense"], Finding::NotConnected, "");
    }
}
