//! The screen at the end of a run: totals, causes with remedies, limits, and what to do next.

use std::fmt::Write as _;

use playbooks::{Limit, Limits};
use rollout::{Outcome, RunRecord, RunState, Totals, Verb};

use crate::cluster::{Cluster, clusters};
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
    let done = totals.ok + totals.rolled_back;
    let first = match record.state {
        RunState::Succeeded if record.verb == Verb::Rollback => {
            format!(
                "{} rolled back, {} as before",
                counted(totals.hosts as usize, "host"),
                totals.rolled_back
            )
        }
        RunState::Succeeded => {
            format!(
                "{} as wanted, {} changed",
                counted(totals.ok as usize, "host"),
                totals.changed
            )
        }
        _ => format!(
            "{done} of {} as wanted",
            counted(totals.hosts as usize, "host")
        ),
    };
    let mut next = Vec::new();
    let waits_for = record.hold.as_ref().map(|hold| hold.cause);
    let open = matches!(record.state, RunState::Interrupted | RunState::Paused);
    if record.simulated && open {
        next.push("its simulated hosts are gone: rehearse again".to_owned());
    } else if waits_for == Some(rollout::HoldCause::Approval) {
        next.push(format!(
            "let it pass: winfleet approve {id}, then winfleet resume {id}"
        ));
    }
    if open && !record.simulated {
        next.push(format!("go on: winfleet resume {id}"));
    } else if totals.failed + totals.unreachable + totals.indeterminate > 0 && !record.simulated {
        next.push(format!(
            "try again: winfleet resume {id} --only failed,unreachable,indeterminate"
        ));
    }
    if totals.changed > 0 && record.verb != Verb::Rollback && !record.simulated {
        next.push(format!("take it back: winfleet rollback {id}"));
    }
    let mut out = format!("{first}\n");
    for line in next {
        let _ = writeln!(out, "  {line}");
    }
    out
}

#[cfg(test)]
mod tests {
    use rollout::Reason;

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
