//! The report for people who were not there: one HTML file that needs nothing else.
//!
//! The file holds the page (`page.html`), its style and its script, all written by hand beside this module, and the
//! run as JSON (`data.rs`). It asks the network for nothing, and its content security policy forbids that and every
//! script but its own, by hash. Remote text never becomes markup: it is neutralised here, travels as JSON in which
//! `<`, `>` and `&` are escaped, and the script puts it on the page as text only.

mod data;
mod proxies;

use base64::Engine as _;
use rollout::RunRecord;
use sha2::{Digest, Sha256};

use crate::text;
use crate::timeline::Timeline;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("app.js");

/// A browser reads CRLF as LF before it hashes, and a checkout may have written CRLF.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// What is known of a run besides its record.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What the exit code means, in words.
    pub exit_meaning: Option<String>,
}

/// The whole file.
pub fn page(record: &RunRecord, timeline: &Timeline, evidence: &Evidence) -> String {
    let title = format!(
        "{} {} {}",
        record.verb,
        record.id,
        text::neutral(&record.playbook)
    );
    let data = data::run(record, timeline, evidence);
    let parts = [
        ("{{title}}", markup(&title)),
        ("{{policy}}", policy()),
        ("{{style}}", unix(STYLE)),
        ("{{data}}", embedded(&data.to_string())),
        ("{{script}}", unix(SCRIPT)),
    ];
    filled(PAGE, &parts)
}

/// Puts each part in the place of its mark. One pass: what was put in is not looked at again, so no text of a run
/// can pose as a mark.
fn filled(page: &str, parts: &[(&str, String)]) -> String {
    let mut out =
        String::with_capacity(page.len() + parts.iter().map(|(_, part)| part.len()).sum::<usize>());
    let mut rest = page;
    while let Some((at, mark, part)) = parts
        .iter()
        .filter_map(|(mark, part)| Some((rest.find(mark)?, mark, part)))
        .min_by_key(|(at, _, _)| *at)
    {
        out.push_str(&rest[..at]);
        out.push_str(part);
        rest = &rest[at + mark.len()..];
    }
    out.push_str(rest);
    out
}

/// Nothing may be loaded from anywhere, and only this style and this script may run.
fn policy() -> String {
    let hash =
        |text: &str| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(unix(text)));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// JSON that can stand inside of a `script` element: no tag, no entity, no line end of JavaScript in it.
fn embedded(json: &str) -> String {
    text::json_escaped(json)
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

fn markup(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use rollout::{Outcome, Reason};

    use super::*;
    use crate::sample;

    const EVIL: &str = "</script><script>window.hacked=1</script><!--<script>{{data}}\u{2028}\u{202e}\u{1b}[2J\"><img src=x onerror=hacked=1>&amp;";

    fn evil() -> String {
        let mut record = sample::run(vec![
            sample::host(EVIL, Outcome::Failed, Some((Reason::Fault, EVIL))),
            sample::host("pc-2", Outcome::Ok, None),
        ]);
        record.playbook = EVIL.to_owned();
        record.operator = EVIL.to_owned();
        record.reason = Some(EVIL.to_owned());
        record.stop_text = Some(EVIL.to_owned());
        record.rings[0].name = EVIL.to_owned();
        page(&record, &Timeline::default(), &Evidence::default())
    }

    fn data(page: &str) -> &str {
        let start = page
            .find(r#"<script type="application/json" id="data">"#)
            .unwrap();
        let rest = &page[start..];
        let rest = &rest[rest.find('>').unwrap() + 1..];
        &rest[..rest.find("</script>").unwrap()]
    }

    #[test]
    fn remote_text_stays_inside_its_json() {
        let page = evil();
        assert_eq!(
            page.matches("<script").count(),
            2,
            "the data and the program"
        );
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("<img") && !page.contains("<!--"));
        assert!(
            !page.contains('\u{2028}') && !page.contains('\u{202e}') && !page.contains('\u{1b}')
        );
        let data: serde_json::Value = serde_json::from_str(data(&page)).unwrap();
        let strings = data["strings"].as_array().unwrap();
        let detail = strings
            .iter()
            .filter_map(|text| text.as_str())
            .find(|text| text.contains("onerror"));
        assert!(
            detail.unwrap().contains("</script><script>window.hacked=1"),
            "shown, not lost"
        );
    }

    #[test]
    fn the_policy_names_exactly_what_is_in_the_file() {
        let page = evil();
        let between = |from: &str, to: &str| {
            let start = page.find(from).unwrap() + from.len();
            &page[start..start + page[start..].find(to).unwrap()]
        };
        let hash =
            |text: &str| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
        let policy = between(
            r#"<meta http-equiv="Content-Security-Policy" content=""#,
            "\"",
        );
        assert!(policy.starts_with("default-src 'none'"));
        assert!(policy.contains(&hash(between("<style>", "</style>"))));
        assert!(policy.contains(&hash(between("<script id=\"app\">", "</script>"))));
        for way_out in [
            "http:",
            "https:",
            "src=",
            "url(",
            "@import",
            "fetch(",
            "innerHTML",
            "eval(",
        ] {
            assert!(
                !STYLE.contains(way_out) && !PAGE.contains(way_out),
                "{way_out}"
            );
            let svg = SCRIPT.replace("http://www.w3.org/2000/svg", "");
            assert!(!svg.contains(way_out), "{way_out}");
        }
    }

    #[test]
    fn twenty_thousand_hosts_stay_small() {
        let hosts = (0..20_000).map(|number| {
            let name = format!("pc-{number:05}.emea.corp.example");
            match number % 50 {
                0 => {
                    let detail =
                        format!("'{name}' answers as PC-{:05} (10.1.2.3:5985)", number + 1);
                    sample::host(&name, Outcome::Failed, Some((Reason::WrongHost, &detail)))
                }
                _ => sample::host(&name, Outcome::Ok, None),
            }
        });
        let page = page(
            &sample::run(hosts.collect()),
            &Timeline::default(),
            &Evidence::default(),
        );
        assert!(page.len() < 3_000_000, "{} bytes", page.len());
    }
}
