//! The screen at the end of a run: totals, causes with remedies, limits, and what to do next.

use std::fmt::Write as _;

use playbooks::{Limit, Limits};
use rollout::{Outcome, RunRecord, RunState, Totals, Verb};

use crate::cluster::{Cluster, clusters};
use crate::not_done::{NotDone, What, not_done, unproved, untouched};
use crate::table::Table;
use crate::text::{counted, duration, examples, neutral};

/// Causes shown before the rest is only counted.
const SHOWN_CAUSES: usize = 12;
/// Hosts named per cause.
const SHOWN_HOSTS: usize = 3;

/// How much is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail {
    /// Names every host of every cause, and what the run cost on the wire.
    pub verbose: bool,
}

/// The whole screen, each line ended.
pub fn summary(record: &RunRecord, detail: Detail) -> String {
    let mut out = heading(record);
    out.push('\n');
    out.push_str(&totals_table(record));
    let causes = clusters(&record.hosts);
    if !causes.is_empty() {
        out.push('\n');
        out.push_str(&cause_list(&causes, detail));
    }
    let left = not_done(record);
    if !left.is_empty() {
        out.push('\n');
        out.push_str(&not_done_lines(&left, detail));
    }
    let limits = limit_lines(record);
    if !limits.is_empty() {
        let _ = write!(out, "\nlimits\n{limits}");
    }
    if detail.verbose {
        let _ = write!(out, "\n{}", cost(record));
    }
    if let Some(text) = &record.stop_text {
        let _ = write!(out, "\nstopped: {}\n", neutral(text));
    }
    if let Some(hold) = &record.hold {
        let _ = write!(out, "\nwaits: {}\n", neutral(&hold.text));
    }
    let _ = write!(out, "\n{}", verdict(record));
    if let Some(head) = &record.chain_head {
        let _ = writeln!(out, "  chain head {head}");
    }
    out
}

/// Verb, id, playbook, state and times on two lines.
pub fn heading(record: &RunRecord) -> String {
    let mut out = format!(
        "{} {}  {}",
        record.verb,
        record.id,
        neutral(&record.playbook)
    );
    if record.simulated {
        out.push_str("  (simulated hosts)");
    }
    if let Some(source) = &record.source_run {
        let _ = write!(out, "  of {source}");
    }
    let _ = write!(out, "\n  {}", record.state);
    if let Some(started) = record.started {
        let _ = write!(
            out,
            ", started {}",
            started.strftime("%Y-%m-%d %H:%M:%S UTC")
        );
    }
    if let (Some(started), Some(finished)) = (record.started, record.finished) {
        let _ = write!(
            out,
            ", took {}",
            duration(finished.duration_since(started).unsigned_abs())
        );
    }
    let _ = write!(out, ", by {}", neutral(&record.operator));
    if let Some(reason) = &record.reason {
        let _ = write!(out, ", reason: {}", neutral(reason));
    }
    out.push('\n');
    out
}

/// One line per ring and one for the run; columns that are zero everywhere are left out.
pub fn totals_table(record: &RunRecord) -> String {
    let always = |outcome: Outcome| match record.verb {
        Verb::Rollback => outcome == Outcome::RolledBack,
        Verb::Push | Verb::RollbackDelete => outcome == Outcome::Ok,
    };
    let columns: Vec<Outcome> = Outcome::ALL
        .into_iter()
        .filter(|outcome| always(*outcome) || record.totals.of(*outcome) > 0)
        .collect();
    let head = ["RING", "HOSTS", "CHANGED"].into_iter().map(str::to_owned);
    let head: Vec<String> = head
        .chain(
            columns
                .iter()
                .map(|outcome| outcome.as_str().to_uppercase().replace('_', " ")),
        )
        .collect();
    let mut table = Table::new(head.iter().map(String::as_str)).right(1..head.len());
    let mut add = |name: &str, totals: &Totals| {
        let counts = [totals.hosts, totals.changed].into_iter();
        let counts = counts.chain(columns.iter().map(|outcome| totals.of(*outcome)));
        table.row(
            [name.to_owned()]
                .into_iter()
                .chain(counts.map(|count| count.to_string())),
        );
    };
    for ring in &record.rings {
        add(&ring.name, &ring.totals);
    }
    if record.rings.len() > 1 {
        add("all", &record.totals);
    }
    table.render()
}

fn cause_list(causes: &[Cluster<'_>], detail: Detail) -> String {
    let mut out = String::new();
    let shown = if detail.verbose {
        usize::MAX
    } else {
        SHOWN_CAUSES
    };
    for cluster in causes.iter().take(shown) {
        let _ = write!(
            out,
            "{} {}",
            counted(cluster.hosts.len(), "host"),
            cluster.outcome.as_str().replace('_', " ")
        );
        if let Some(reason) = cluster.reason {
            let _ = write!(out, ": {reason}");
        }
        if let Some(text) = cluster.detail {
            let _ = write!(out, ": {}", neutral(text));
        }
        let names = if detail.verbose {
            usize::MAX
        } else {
            SHOWN_HOSTS
        };
        let _ = writeln!(
            out,
            "\n    {}",
            examples(cluster.hosts.iter().copied(), names)
        );
        if let Some(remedy) = cluster.remedy {
            let _ = writeln!(out, "    remedy: {}", neutral(remedy));
        }
    }
    let (more, hosts) = causes
        .iter()
        .skip(shown)
        .fold((0, 0), |(more, hosts), cluster| {
            (more + 1, hosts + cluster.hosts.len())
        });
    if more > 0 {
        let _ = writeln!(
            out,
            "and {} with {}; all of them with -v or: winfleet report",
            counted(more, "further cause"),
            counted(hosts, "host")
        );
    }
    out
}

fn not_done_lines(all: &[NotDone<'_>], detail: Detail) -> String {
    let mut out = String::new();
    let shown = if detail.verbose {
        usize::MAX
    } else {
        SHOWN_CAUSES
    };
    for one in all.iter().take(shown) {
        let what = match one.what {
            What::Step(name) => format!("step {} left out", neutral(name)),
            What::Probe(name) => format!("probe {}: not proved", neutral(name)),
            What::Probes => "no probe asked: not proved".to_owned(),
            What::Rings => "gate passed with nothing proved".to_owned(),
            What::Untried => "proxy written untried".to_owned(),
        };
        let hosts = counted(one.hosts.len(), "host");
        let _ = writeln!(out, "{what} on {hosts}: {}", neutral(&one.cause));
        if detail.verbose {
            let names = examples(one.hosts.iter().copied(), usize::MAX);
            let _ = writeln!(out, "    {names}");
        }
    }
    if let Some(more) = all.len().checked_sub(shown).filter(|more| *more > 0) {
        let more = counted(more, "further line");
        let _ = writeln!(out, "and {more}; all of them with -v or: winfleet report");
    }
    out
}

fn limit_lines(record: &RunRecord) -> String {
    let mut out = String::new();
    for ring in &record.rings {
        push_limits(
            &mut out,
            &format!("ring {}", ring.name),
            &ring.limits,
            &ring.totals,
        );
    }
    push_limits(&mut out, "run", &record.limits, &record.totals);
    out
}

fn push_limits(out: &mut String, scope: &str, limits: &Limits, totals: &Totals) {
    let all = [
        ("max_failed", limits.max_failed, totals.failed),
        (
            "max_unreachable",
            limits.max_unreachable,
            totals.unreachable,
        ),
        (
            "max_indeterminate",
            limits.max_indeterminate,
            totals.indeterminate,
        ),
    ];
    for (name, limit, count) in all {
        if let Some(limit) = limit {
            let breached = if limit.breached(count as usize, totals.hosts as usize) {
                "  BREACHED"
            } else {
                ""
            };
            let formula = formula(limit, totals.hosts as usize);
            let _ = writeln!(
                out,
                "  {}: {name} {formula}, counted {count}{breached}",
                neutral(scope)
            );
        }
    }
}

/// What a limit allows, with the arithmetic: `2% = floor(2% x 150) = 3 hosts`.
pub fn formula(limit: Limit, hosts: usize) -> String {
    let allowed = counted(
        usize::try_from(limit.allowed(hosts)).unwrap_or(usize::MAX),
        "host",
    );
    match limit {
        Limit::Count(_) => format!("{limit} allows {allowed}"),
        Limit::Percent(_) => format!("{limit} allows floor({limit} x {hosts}) = {allowed}"),
    }
}

/// What the run cost on the wire.
pub fn cost(record: &RunRecord) -> String {
    let contacted: Vec<_> = record
        .hosts
        .iter()
        .filter(|host| host.cost.requests > 0)
        .collect();
    let most = contacted
        .iter()
        .map(|host| host.cost.requests)
        .max()
        .unwrap_or(0);
    let sum = |part: fn(&rollout::Cost) -> u64| {
        contacted.iter().map(|host| part(&host.cost)).sum::<u64>()
    };
    let requests = sum(|cost| u64::from(cost.requests));
    let average = requests as f64 / contacted.len().max(1) as f64;
    format!(
        "wire: {} to {}, {average:.1} per host (most {most}), {} sent, {} received, {}\n",
        counted(usize::try_from(requests).unwrap_or(usize::MAX), "request"),
        counted(contacted.len(), "host"),
        kib(sum(|cost| cost.sent)),
        kib(sum(|cost| cost.received)),
        counted(
            usize::try_from(sum(|cost| u64::from(cost.connections))).unwrap_or(usize::MAX),
            "connection"
        ),
    )
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", crate::text::thousands(bytes.div_ceil(1024)))
}

/// The last line: what it comes to, and the next command.
fn verdict(record: &RunRecord) -> String {
    let id = &record.id;
    let totals = &record.totals;
    let all = counted(totals.hosts as usize, "host");
    let first = match record.state {
        _ if record.verb == Verb::Rollback => {
            format!("{} of {all} as before the run", totals.rolled_back)
        }
        RunState::Succeeded => {
            format!(
                "{} as wanted, {} changed{}",
                counted(totals.ok as usize, "host"),
                totals.changed,
                without_proof(record)
            )
        }
        // Hosts that a breach took back are as before, not as wanted.
        _ if totals.rolled_back > 0 => format!(
            "{} of {all} as wanted, {} taken back",
            totals.ok, totals.rolled_back
        ),
        _ => format!("{} of {all} as wanted{}", totals.ok, without_proof(record)),
    };
    let mut next = Vec::new();
    let waits_for = record.hold.as_ref().map(|hold| hold.cause);
    let open = matches!(record.state, RunState::Interrupted | RunState::Paused);
    if record.simulated {
        if open {
            next.push("its simulated hosts are gone: rehearse again".to_owned());
        }
    } else if is_live(record) {
        next.extend(next_of_live(record));
    } else {
        if waits_for == Some(rollout::HoldCause::Approval) {
            next.push(format!(
                "let it pass: winfleet approve {id}, then winfleet resume {id}"
            ));
        }
        if open {
            next.push(format!("go on: winfleet resume {id}"));
        } else if let Some(only) = again(record) {
            next.push(format!("try again: winfleet resume {id} --only {only}"));
        }
        if is_for_catch_up(record) {
            next.push(format!(
                "when they are back: winfleet catch-up {id} --every 15m --for 14d"
            ));
        }
        if totals.changed > 0 && record.verb != Verb::Rollback {
            next.push(format!("take it back: winfleet rollback {id}"));
        }
    }
    let mut out = format!("{first}\n");
    for line in next {
        let _ = writeln!(out, "  {line}");
    }
    out
}

/// Hosts count as wanted on which nothing was done, or nothing proved: that is said in the same breath.
fn without_proof(record: &RunRecord) -> String {
    let mut out = String::new();
    for (hosts, words) in [
        (untouched(record), "every step left out on"),
        (unproved(&not_done(record)), "not proved on"),
    ] {
        if hosts > 0 {
            let _ = write!(out, "; {words} {}", counted(hosts, "host"));
        }
    }
    out
}

/// Somebody works on it, or waits at its terminal.
fn is_live(record: &RunRecord) -> bool {
    match record.state {
        RunState::Running | RunState::RollingBack => true,
        RunState::Paused => record.exit_code.is_none(),
        _ => false,
    }
}

fn next_of_live(record: &RunRecord) -> Option<String> {
    use rollout::HoldCause as Hold;
    let id = &record.id;
    match record.hold.as_ref()?.cause {
        Hold::Approval => Some(format!("let it pass: winfleet approve {id}")),
        Hold::Limit | Hold::Operator => Some(format!("go on: winfleet resume {id}")),
        Hold::Soak | Hold::Window => None,
    }
}

/// What `resume --only` would do again; nothing reopens an aborted run.
fn again(record: &RunRecord) -> Option<String> {
    let bad = [
        Outcome::Failed,
        Outcome::Unreachable,
        Outcome::Indeterminate,
        Outcome::NotStarted,
    ];
    let found = bad.into_iter().filter(|one| record.totals.of(*one) > 0);
    let names: Vec<&str> = found.map(|outcome| outcome.as_str()).collect();
    (record.state != RunState::Cancelled && !names.is_empty()).then(|| names.join(","))
}

/// Went its way, and left hosts that were off.
fn is_for_catch_up(record: &RunRecord) -> bool {
    record.totals.unreachable > 0
        && record.state.is_final()
        && record.stopped.is_none()
        && !record.rolled_back
}

#[cfg(test)]
mod tests {
    use rollout::{HoldCause, HoldRecord, Reason, StopCause};

    use super::*;
    use crate::sample;

    #[test]
    fn a_run_with_failures() {
        let mut hosts = vec![sample::host("pc-0.x", Outcome::Ok, None)];
        hosts.extend((1..=5).map(|n| {
            sample::host(
                &format!("pc-{n}.x"),
                Outcome::Failed,
                Some((Reason::AccessDenied, "no \u{1b}[31mrights")),
            )
        }));
        hosts.push(sample::host(
            "pc-9.x",
            Outcome::Unreachable,
            Some((Reason::Dns, "pc-9.x does not resolve")),
        ));
        insta::assert_snapshot!(summary(&sample::run(hosts), Detail::default()));
    }

    fn check(change: impl FnOnce(&mut RunRecord), expected: &str) {
        let off = || sample::host("pc-2.x", Outcome::Unreachable, Some((Reason::Dns, "no")));
        let taken_back = || sample::host("pc-3.x", Outcome::RolledBack, None);
        let mut record = sample::run(vec![
            sample::host("pc-0.x", Outcome::Ok, None),
            off(),
            taken_back(),
        ]);
        change(&mut record);
        assert_eq!(verdict(&record), expected);
    }

    #[test]
    fn the_last_lines_say_what_can_be_done_and_call_nothing_wanted_that_was_taken_back() {
        let first = "1 of 3 hosts as wanted, 1 taken back\n";
        let back = "  take it back: winfleet rollback 0tq4c1n-k7xd\n";
        let hold = |cause| {
            Some(HoldRecord {
                cause,
                ring: None,
                until: None,
                text: "waits".to_owned(),
            })
        };
        check(
            |_| {},
            &format!(
                "{first}  try again: winfleet resume 0tq4c1n-k7xd --only unreachable\n  when they are back: winfleet catch-up 0tq4c1n-k7xd --every 15m --for 14d\n{back}"
            ),
        );
        // Neither resume nor catch-up would take it.
        check(
            |run| (run.state, run.stopped) = (RunState::Cancelled, Some(StopCause::Abort)),
            &format!("{first}{back}"),
        );
        check(|run| run.state = RunState::Running, first);
        check(
            |run| {
                (run.state, run.exit_code) = (RunState::Paused, None);
                run.hold = hold(HoldCause::Approval);
            },
            &format!("{first}  let it pass: winfleet approve 0tq4c1n-k7xd\n"),
        );
        check(
            |run| {
                run.state = RunState::Paused;
                run.hold = hold(HoldCause::Approval);
            },
            &format!(
                "{first}  let it pass: winfleet approve 0tq4c1n-k7xd, then winfleet resume 0tq4c1n-k7xd\n  go on: winfleet resume 0tq4c1n-k7xd\n{back}"
            ),
        );
        check(
            |run| run.verb = Verb::Rollback,
            "1 of 3 hosts as before the run\n  try again: winfleet resume 0tq4c1n-k7xd --only unreachable\n  when they are back: winfleet catch-up 0tq4c1n-k7xd --every 15m --for 14d\n",
        );
    }

    #[test]
    fn a_stopped_run_says_why_and_how_to_go_on() {
        let mut record = sample::run(vec![
            sample::host("pc-0.x", Outcome::Failed, Some((Reason::Fault, "no"))),
            sample::host("pc-1.x", Outcome::NotStarted, None),
        ]);
        record.state = RunState::Paused;
        record.stop_text =
            Some("ring canary: 1 failed of 2 hosts, max_failed 2% allows 0".to_owned());
        insta::assert_snapshot!(summary(&record, Detail { verbose: true }));
    }
}
