//! A made-up run with hostile texts in every place where a host, a file or a person could put one, in any form of
//! report: `made_up html|json|csv|junit|table [HOSTS]`. What the checks of `tests/interop` open in a browser.

#[path = "../src/sample.rs"]
#[expect(clippy::unwrap_used, reason = "texts that stand in the source")]
mod sample;

use std::io::Write as _;
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use report::html::Evidence;
use report::{Detail, Timeline};
use rollout::{EventKind, HostRecord, Outcome, Reason, RingRecord, RunRecord, Totals};

/// Would run, load, reorder, redraw or calculate if any output took it for more than text.
const EVIL: [&str; 8] = [
    "<script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script><!--",
    "\"><img src=x onerror=window.hacked=1>",
    "<svg/onload=window.hacked=1>javascript:window.hacked=1",
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m red",
    "\u{202e}gnp.exe\u{2066}\u{200f}\u{2028}\u{2029}\u{feff}",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "@SUM(1)\t+cmd|' /C calc'!A0\r\n{{data}}{{script}}",
];

/// End of each ring, in seconds after the start.
const BORDERS: [f64; 4] = [0.0, 300.0, 1500.0, 7200.0];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let form = arguments.next().unwrap_or_default();
    let Ok(count) = arguments.next().map_or(Ok(20_000), |text| text.parse()) else {
        return ExitCode::FAILURE;
    };
    let (record, timeline) = made_up(count);
    let text = match form.as_str() {
        "html" => {
            let evidence = Evidence {
                exit_meaning: Some("some hosts failed (limits not breached)".to_owned()),
            };
            report::html::page(&record, &timeline, &evidence)
        }
        "json" => report::json::pretty(&report::json::run(&record)),
        "csv" => report::csv::run(&record),
        "junit" => report::junit::run(&record, &timeline),
        "table" => report::summary(&record, Detail { verbose: true }),
        _ => return ExitCode::FAILURE,
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn made_up(count: usize) -> (RunRecord, Timeline) {
    let mut record = sample::run((0..count).map(|number| host(number, count)).collect());
    let mut timeline = Timeline::default();
    let start = record.started.unwrap_or(Timestamp::UNIX_EPOCH);
    let template = record.rings[0].clone();
    let names = ["canary", "pilot", EVIL[1]];
    record.rings = names
        .iter()
        .enumerate()
        .map(|(index, name)| ring(&template, index, name, &record.hosts, start, &mut timeline))
        .collect();
    record.finished = Some(after(start, BORDERS[3]));
    record.plan_hash = Some("5a".repeat(32));
    record.playbook = format!("defender-proxy {}", EVIL[0]);
    record.operator = format!("ann@desk {}", EVIL[2]);
    record.reason = Some(format!("CHG-4711 {}", EVIL[3]));
    record.stop_text = Some(format!(
        "ring '{}': 412 failed of 15000 hosts is more than max_failed 2% allows (300)",
        EVIL[1]
    ));
    (record, timeline)
}

fn after(start: Timestamp, seconds: f64) -> Timestamp {
    start + SignedDuration::from_secs_f64(seconds)
}

/// Rings run one after the other, the ends of their hosts spread over each.
fn ring(
    template: &RingRecord,
    index: usize,
    name: &str,
    hosts: &[HostRecord],
    start: Timestamp,
    timeline: &mut Timeline,
) -> RingRecord {
    let (from, to) = (BORDERS[index], BORDERS[index + 1]);
    let mut ring = template.clone();
    ring.name = name.to_owned();
    ring.started = Some(after(start, from));
    ring.finished = Some(after(start, to - 60.0));
    ring.totals = Totals::default();
    let members: Vec<&HostRecord> = hosts.iter().filter(|host| host.ring == name).collect();
    for (place, host) in members.iter().enumerate() {
        ring.totals.add(host.outcome, host.changed);
        if host.outcome == Outcome::NotStarted {
            continue;
        }
        let share = place as f64 / members.len() as f64;
        let at = from + (to - from - 70.0) * share.powf(0.8);
        let mut begin = sample::event(host.name.as_str(), EventKind::HostStarted);
        begin.time = after(start, at);
        timeline.take(&begin);
        let mut end = sample::finished(host.name.as_str(), host.outcome, host.reason);
        end.time = after(start, at + 2.0 + (place % 70) as f64 / 10.0);
        timeline.take(&end);
    }
    ring
}

fn host(number: usize, count: usize) -> HostRecord {
    let evil = EVIL[number / 50 % EVIL.len()];
    let hostile = number % 50 == 49;
    let name = match hostile {
        true => format!("{evil}{number}"),
        false => format!("pc-{number:05}.emea.corp.example"),
    };
    let (outcome, cause) = fate(number, count);
    let detail = match cause {
        Some(Reason::AccessDenied) => format!("GetStringValue: access is denied {evil}"),
        Some(Reason::WrongHost) => {
            format!("the machine that answers calls itself '{evil}', the inventory says '{name}'")
        }
        _ => "connect: no answer".to_owned(),
    };
    let mut host = sample::host(&name, outcome, cause.map(|cause| (cause, detail.as_str())));
    host.ring = match number * 100 / count.max(1) {
        0..2 => "canary".to_owned(),
        2..20 => "pilot".to_owned(),
        _ => EVIL[1].to_owned(),
    };
    host.changed = outcome == Outcome::Ok && !number.is_multiple_of(9);
    host.remedy = host.remedy.map(|remedy| format!("{remedy} {evil}"));
    host.cost.requests = u32::try_from(10 + number % 9).unwrap_or(10);
    for step in &mut host.steps {
        step.detail = hostile.then(|| evil.to_owned());
        for change in &mut step.changes {
            if hostile {
                change.target.value = evil.to_owned();
                change.wanted = evil.to_owned();
                let found = playbooks::Typed::Sz(evil.to_owned()).to_raw();
                change.before = playbooks::Observed::Present(found);
            }
            if !host.changed {
                change.after = Some(change.before.clone());
            }
        }
    }
    host
}

fn fate(number: usize, count: usize) -> (Outcome, Option<Reason>) {
    match number % 97 {
        7 | 70 => (Outcome::Failed, Some(Reason::AccessDenied)),
        11 => (Outcome::Failed, Some(Reason::WrongHost)),
        23..26 => (Outcome::Unreachable, Some(Reason::ConnectRefused)),
        50 if number > count / 2 => (Outcome::Indeterminate, Some(Reason::ConnectionLost)),
        61 => (Outcome::NotStarted, None),
        _ => (Outcome::Ok, None),
    }
}
