//! Reports for build servers: JUnit XML, one test suite per ring, one test case per host.
//!
//! | outcome | test case |
//! |---|---|
//! | `ok`, and `rolled_back` in a rollback | passes |
//! | `failed`, `conflict` | `<failure>` |
//! | `unreachable`, `indeterminate` | `<error>` |
//! | `not_started`, and `rolled_back` in any other run | `<skipped>` |
//!
//! The last line is the honest reading of a host that a breach took back: nothing failed there, but what was asked
//! for is not in place. Attributes are those of Surefire and Jenkins; times are seconds, timestamps UTC without a
//! zone, as the format has them. Remote text is neutralised, so that the file is XML 1.0 whatever a host said.

use std::fmt::Write as _;

use jiff::Timestamp;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::writer::Writer;
use rollout::{HostRecord, Outcome, RingRecord, RunRecord, Verb};

use crate::timeline::{Timeline, millis};
use crate::{text, value};

/// The whole run as one document.
pub fn run(record: &RunRecord, timeline: &Timeline) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing to memory cannot fail.
    let _ = document(&mut writer, record, timeline);
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    text
}

type Xml = Writer<Vec<u8>>;
type Written = std::io::Result<()>;

/// What becomes of a host in the eyes of a test reader.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failure,
    Error,
    Skipped,
}

fn verdict(verb: Verb, outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Ok => Verdict::Passed,
        Outcome::RolledBack if verb == Verb::Rollback => Verdict::Passed,
        Outcome::Failed | Outcome::Conflict => Verdict::Failure,
        Outcome::Unreachable | Outcome::Indeterminate => Verdict::Error,
        Outcome::NotStarted | Outcome::RolledBack => Verdict::Skipped,
    }
}

/// The four counts that every suite carries.
#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn of<'a>(verb: Verb, hosts: impl Iterator<Item = &'a HostRecord>) -> Self {
        hosts.fold(Self::default(), |mut counts, host| {
            counts.tests += 1;
            match verdict(verb, host.outcome) {
                Verdict::Passed => {}
                Verdict::Failure => counts.failures += 1,
                Verdict::Error => counts.errors += 1,
                Verdict::Skipped => counts.skipped += 1,
            }
            counts
        })
    }

    fn attributes(&self, element: &mut BytesStart<'_>) {
        for (name, count) in [
            ("tests", self.tests),
            ("failures", self.failures),
            ("errors", self.errors),
            ("skipped", self.skipped),
        ] {
            element.push_attribute((name, count.to_string().as_str()));
        }
    }
}

fn document(xml: &mut Xml, record: &RunRecord, timeline: &Timeline) -> Written {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut suites = BytesStart::new("testsuites");
    let name = format!("{} {}: {}", record.verb, record.id, record.playbook);
    attribute(&mut suites, "name", &name);
    Counts::of(record.verb, record.hosts.iter()).attributes(&mut suites);
    times(&mut suites, record.started, record.finished);
    xml.write_event(Event::Start(suites))?;
    for (index, ring) in record.rings.iter().enumerate() {
        suite(xml, record, timeline, index, ring)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))
}

fn suite(
    xml: &mut Xml,
    record: &RunRecord,
    timeline: &Timeline,
    index: usize,
    ring: &RingRecord,
) -> Written {
    let hosts = || record.hosts.iter().filter(|host| host.ring == ring.name);
    let mut suite = BytesStart::new("testsuite");
    attribute(&mut suite, "name", &ring.name);
    attribute(&mut suite, "package", &record.playbook);
    attribute(&mut suite, "id", &index.to_string());
    let controller = record.operator.rsplit_once('@').map(|(_, host)| host);
    attribute(&mut suite, "hostname", controller.unwrap_or("unknown"));
    Counts::of(record.verb, hosts()).attributes(&mut suite);
    times(&mut suite, ring.started.or(record.started), ring.finished);
    xml.write_event(Event::Start(suite))?;
    properties(xml, record)?;
    for host in hosts() {
        case(xml, record, timeline, host)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn properties(xml: &mut Xml, record: &RunRecord) -> Written {
    let exit_code = record.exit_code.map(|code| code.to_string());
    let all = [
        ("run", Some(record.id.as_str())),
        ("verb", Some(record.verb.as_str())),
        ("state", Some(record.state.as_str())),
        ("exit_code", exit_code.as_deref()),
        ("playbook_sha256", Some(record.digest.as_str())),
        ("plan", record.plan_hash.as_deref()),
        ("chain_head", record.chain_head.as_deref()),
        ("operator", Some(record.operator.as_str())),
        ("reason", record.reason.as_deref()),
        ("stop_text", record.stop_text.as_deref()),
        (
            "simulated",
            Some(if record.simulated { "true" } else { "false" }),
        ),
    ];
    xml.write_event(Event::Start(BytesStart::new("properties")))?;
    for (name, value) in all {
        if let Some(value) = value {
            let mut property = BytesStart::new("property");
            attribute(&mut property, "name", name);
            attribute(&mut property, "value", value);
            xml.write_event(Event::Empty(property))?;
        }
    }
    xml.write_event(Event::End(BytesEnd::new("properties")))
}

fn case(xml: &mut Xml, record: &RunRecord, timeline: &Timeline, host: &HostRecord) -> Written {
    let mut case = BytesStart::new("testcase");
    attribute(&mut case, "name", host.name.as_str());
    attribute(
        &mut case,
        "classname",
        &format!("{}.{}", record.playbook, host.ring),
    );
    let took = timeline.of(&host.name).took().unwrap_or_default();
    attribute(&mut case, "time", &seconds(took));
    let told = told(host);
    if verdict(record.verb, host.outcome) == Verdict::Passed && told.is_empty() {
        return xml.write_event(Event::Empty(case));
    }
    xml.write_event(Event::Start(case))?;
    let cause = host
        .reason
        .map_or(host.outcome.as_str(), |reason| reason.as_str());
    let parts = [
        Some(host.outcome.as_str()),
        host.reason.map(|reason| reason.as_str()),
        host.detail.as_deref(),
    ];
    let message = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
    match verdict(record.verb, host.outcome) {
        Verdict::Passed => {}
        Verdict::Failure => complaint(xml, "failure", cause, &message, host)?,
        Verdict::Error => complaint(xml, "error", cause, &message, host)?,
        Verdict::Skipped => {
            let mut skipped = BytesStart::new("skipped");
            attribute(&mut skipped, "message", &message);
            xml.write_event(Event::Empty(skipped))?;
        }
    }
    if !told.is_empty() {
        element(xml, BytesStart::new("system-out"), &told)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}

fn complaint(xml: &mut Xml, name: &str, cause: &str, message: &str, host: &HostRecord) -> Written {
    let mut start = BytesStart::new(name);
    attribute(&mut start, "message", message);
    attribute(&mut start, "type", cause);
    let mut body = message.to_owned();
    if let Some(remedy) = &host.remedy {
        let _ = write!(body, "\nremedy: {remedy}");
    }
    element(xml, start, &body)
}

/// Steps and values, one a line.
fn told(host: &HostRecord) -> String {
    let mut out = String::new();
    for step in &host.steps {
        let _ = writeln!(out, "{}: {}", step.name, step.state);
        if let Some(detail) = &step.detail {
            let _ = writeln!(out, "  {}", text::neutral(detail));
        }
        for change in &step.changes {
            let after = change.after.as_ref().map_or_else(
                || "unknown".to_owned(),
                |after| value::text(&change.target, after),
            );
            let before = value::text(&change.target, &change.before);
            let line = format!("{}: {before} -> {after}", change.target);
            let _ = writeln!(out, "  {}", text::neutral(&line));
        }
    }
    for finding in &host.preflight {
        let name = finding.check.name();
        let _ = writeln!(out, "preflight {name}: {}", finding.word());
        let _ = writeln!(out, "  {}", text::neutral(&finding.detail));
    }
    for probe in &host.probes {
        let Some(found) = &probe.verdict else {
            let _ = writeln!(out, "{}: not asked", probe.probe.name);
            continue;
        };
        let (grade, finding) = (found.grade().as_str(), found.finding.as_str());
        let _ = writeln!(out, "{}: {grade}: {finding}", probe.probe.name);
        let _ = writeln!(out, "  {}", text::neutral(&found.detail));
    }
    out
}

fn element(xml: &mut Xml, start: BytesStart<'_>, body: &str) -> Written {
    let end = start.to_end().into_owned();
    xml.write_event(Event::Start(start))?;
    let body: Vec<String> = body.lines().map(text::xml).collect();
    xml.write_event(Event::Text(BytesText::new(&body.join("\n"))))?;
    xml.write_event(Event::End(end))
}

fn attribute(element: &mut BytesStart<'_>, name: &str, value: &str) {
    element.push_attribute((name, text::xml(value).as_str()));
}

fn times(element: &mut BytesStart<'_>, started: Option<Timestamp>, finished: Option<Timestamp>) {
    let took = started
        .zip(finished)
        .map_or(0, |(started, finished)| millis(started, finished));
    attribute(element, "time", &seconds(took));
    if let Some(started) = started {
        let text = started.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        attribute(element, "timestamp", &text);
    }
}

/// Never negative, although a clock may be set back.
fn seconds(millis: i64) -> String {
    let millis = millis.max(0);
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

#[cfg(test)]
mod tests {
    use rollout::Reason;

    use super::*;
    use crate::sample;

    fn attributes(node: roxmltree::Node<'_, '_>, names: [&str; 4]) -> [String; 4] {
        names.map(|name| node.attribute(name).unwrap_or("-").to_owned())
    }

    const COUNTS: [&str; 4] = ["tests", "failures", "errors", "skipped"];

    #[test]
    fn each_outcome_is_told_apart_by_another_reader() {
        let cause = Some((Reason::Fault, "no"));
        let mut record = sample::run(vec![
            sample::host("a", Outcome::Ok, None),
            sample::host("b", Outcome::Failed, cause),
            sample::host(
                "c",
                Outcome::Unreachable,
                Some((Reason::Dns, "no such name")),
            ),
            sample::host("d", Outcome::Indeterminate, cause),
            sample::host("e", Outcome::NotStarted, None),
            sample::host("f", Outcome::RolledBack, None),
            sample::host("g", Outcome::Conflict, Some((Reason::Conflict, "theirs"))),
        ]);
        let mut timeline = Timeline::default();
        timeline.take(&sample::event("a", rollout::EventKind::HostStarted));
        let mut end = sample::finished("a", Outcome::Ok, None);
        end.time = "2026-11-23T10:00:01.5Z".parse().unwrap();
        timeline.take(&end);
        let text = run(&record, &timeline);
        let document = roxmltree::Document::parse(&text).unwrap();
        let root = document.root_element();
        assert_eq!(attributes(root, COUNTS), ["7", "2", "2", "2"]);
        let suite = root.first_element_child().unwrap();
        assert_eq!(attributes(suite, COUNTS), ["7", "2", "2", "2"]);
        let kinds: Vec<(&str, &str)> = suite
            .children()
            .filter(|node| node.has_tag_name("testcase"))
            .map(|case| {
                let verdict = case
                    .children()
                    .find(|node| ["failure", "error", "skipped"].contains(&node.tag_name().name()));
                (
                    case.attribute("name").unwrap(),
                    verdict.map_or("passed", |node| node.tag_name().name()),
                )
            })
            .collect();
        let wanted = [
            ("a", "passed"),
            ("b", "failure"),
            ("c", "error"),
            ("d", "error"),
            ("e", "skipped"),
            ("f", "skipped"),
            ("g", "failure"),
        ];
        assert_eq!(kinds, wanted);
        assert!(text.contains(r#"name="a" classname="defender-proxy.canary" time="1.500""#));
        record.verb = Verb::Rollback;
        let text = run(&record, &timeline);
        assert_eq!(
            text.matches("<skipped").count(),
            1,
            "rolled_back passes: {text}"
        );
        insta::assert_snapshot!(text);
    }

    #[test]
    fn whatever_a_host_says_it_stays_xml() {
        let evil = "]]></failure><x a='\"&\u{0}\u{8}\u{b}\u{c}\u{1b}[2J\u{fffe}\u{ffff}\u{85}\u{202e}\r\n]]>";
        let mut host = sample::host(evil, Outcome::Failed, Some((Reason::Fault, evil)));
        host.steps = sample::host("x", Outcome::Ok, None).steps;
        host.steps[0].name = evil.to_owned();
        host.steps[0].detail = Some(evil.to_owned());
        host.steps[0].changes[0].target.value = evil.to_owned();
        host.remedy = Some(evil.to_owned());
        let mut record = sample::run(vec![host]);
        record.operator = evil.to_owned();
        record.reason = Some(evil.to_owned());
        record.playbook = evil.to_owned();
        record.rings[0].name = evil.to_owned();
        record.hosts[0].ring = evil.to_owned();
        record.stop_text = Some(evil.to_owned());
        let text = run(&record, &Timeline::default());
        let document = roxmltree::Document::parse(&text).unwrap();
        let names: std::collections::BTreeSet<&str> = document
            .descendants()
            .filter(|node| node.is_element())
            .map(|node| node.tag_name().name())
            .collect();
        assert!(!names.contains("x"), "{names:?}");
        let failure = document
            .descendants()
            .find(|node| node.has_tag_name("failure"))
            .unwrap();
        assert!(
            failure
                .text()
                .unwrap()
                .contains("]]></failure><x a='\"&<U+0000>")
        );
        let active = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}' || c >= '\u{fffe}';
        assert!(!text.chars().any(active), "{text:?}");
    }
}
