//! Reports for spreadsheets: one line per change, one per host without any. Every cell is safe to open.

use playbooks::Observed;
use rollout::{ChangeRecord, HostRecord, RunRecord, RunSummary, StepRecord};

use crate::{preflight, text, value};

const RUN_HEAD: [&str; 23] = [
    "run",
    "host",
    "ring",
    "outcome",
    "changed",
    "reason",
    "detail",
    "remedy",
    "auth",
    "attempts",
    "requests",
    "step",
    "step_state",
    "step_detail",
    "target",
    "wanted",
    "before",
    "before_bytes",
    "after",
    "after_bytes",
    "preflight",
    "probes",
    "chain_head",
];

/// The whole run.
pub fn run(record: &RunRecord) -> String {
    run_and_rollback(record, None)
}

/// Two runs in one table: the first column tells them apart.
pub fn run_and_rollback(record: &RunRecord, rollback: Option<&RunRecord>) -> String {
    let runs = std::iter::once(record).chain(rollback);
    let rows = runs.flat_map(|record| {
        let rows = move |host| host_rows(record, host);
        record.hosts.iter().flat_map(rows)
    });
    document(&RUN_HEAD, rows)
}

/// `runs -o csv`.
pub fn runs(runs: &[RunSummary]) -> String {
    let head = [
        "id",
        "verb",
        "playbook",
        "started",
        "finished",
        "state",
        "exit_code",
        "simulated",
        "operator",
        "reason",
        "hosts",
        "changed",
        "ok",
        "failed",
        "unreachable",
        "indeterminate",
        "not_started",
        "rolled_back",
        "conflict",
    ];
    let time =
        |time: Option<jiff::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    document(
        &head,
        runs.iter().map(|run| {
            let totals = &run.totals;
            let counts = [
                totals.hosts,
                totals.changed,
                totals.ok,
                totals.failed,
                totals.unreachable,
                totals.indeterminate,
                totals.not_started,
                totals.rolled_back,
                totals.conflict,
            ];
            let mut row = vec![
                run.id.to_string(),
                run.verb.to_string(),
                run.playbook.clone(),
                time(run.started),
                time(run.finished),
                run.state.to_string(),
                run.exit_code
                    .map(|code| code.to_string())
                    .unwrap_or_default(),
                run.simulated.to_string(),
                run.operator.clone(),
                run.reason.clone().unwrap_or_default(),
            ];
            row.extend(counts.map(|count| count.to_string()));
            row
        }),
    )
}

/// Any table as CSV. Cells are made safe here.
pub fn document(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    // Spreadsheets take CRLF everywhere; some take nothing else.
    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let mut write = |cells: &[std::borrow::Cow<'_, str>]| {
        // Writing to memory, with rows as long as the heading: cannot fail.
        let _ = writer.write_record(cells.iter().map(|cell| cell.as_bytes()));
    };
    write(&head.iter().map(|cell| (*cell).into()).collect::<Vec<_>>());
    for row in rows {
        write(
            &row.iter()
                .map(|cell| text::csv_cell(cell))
                .collect::<Vec<_>>(),
        );
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn host_rows(record: &RunRecord, host: &HostRecord) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for step in &host.steps {
        if step.changes.is_empty() {
            rows.push(row(record, host, Some(step), None));
        }
        rows.extend(
            step.changes
                .iter()
                .map(|change| row(record, host, Some(step), Some(change))),
        );
    }
    if rows.is_empty() {
        rows.push(row(record, host, None, None));
    }
    rows
}

fn row(
    record: &RunRecord,
    host: &HostRecord,
    step: Option<&StepRecord>,
    change: Option<&ChangeRecord>,
) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let before = change.map(|change| (change, Some(&change.before)));
    let after = change.map(|change| (change, change.after.as_ref()));
    vec![
        record.id.to_string(),
        host.name.to_string(),
        host.ring.clone(),
        host.outcome.to_string(),
        host.changed.to_string(),
        host.reason
            .map(|reason| reason.to_string())
            .unwrap_or_default(),
        text(&host.detail),
        text(&host.remedy),
        text(&host.auth),
        host.attempts.to_string(),
        host.cost.requests.to_string(),
        step.map(|step| step.name.clone()).unwrap_or_default(),
        step.map(|step| step.state.to_string()).unwrap_or_default(),
        step.and_then(|step| step.detail.clone())
            .unwrap_or_default(),
        change
            .map(|change| change.target.to_string())
            .unwrap_or_default(),
        change
            .map(|change| change.wanted.clone())
            .unwrap_or_default(),
        readable(before),
        bytes(before),
        readable(after),
        bytes(after),
        preflight::cell(&host.preflight),
        probes(host),
        text(&record.chain_head),
    ]
}

/// All probes of a host in one cell: name and finding.
fn probes(host: &HostRecord) -> String {
    let found = host.probes.iter().map(|probe| {
        let finding = probe.verdict.as_ref().map(|found| found.finding.as_str());
        format!(
            "{}: {}",
            probe.probe.name,
            finding.as_deref().unwrap_or("not_asked")
        )
    });
    found.collect::<Vec<_>>().join("; ")
}

fn readable(found: Option<(&ChangeRecord, Option<&Observed>)>) -> String {
    match found {
        Some((change, Some(observed))) => value::text(&change.target, observed),
        Some((_, None)) => "unknown".to_owned(),
        None => String::new(),
    }
}

/// `type:hex`; empty where there is no value.
fn bytes(found: Option<(&ChangeRecord, Option<&Observed>)>) -> String {
    let value = found
        .and_then(|(_, observed)| observed)
        .and_then(Observed::value);
    value.map(value::bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rollout::{Outcome, Reason};

    use super::*;
    use crate::sample;

    #[test]
    fn a_run_and_no_formula_in_it() {
        let record = sample::run(vec![
            sample::host("pc-1", Outcome::Ok, None),
            sample::host(
                "pc-2",
                Outcome::Failed,
                Some((Reason::Fault, "=HYPERLINK(\"x\")\r\nand, more")),
            ),
        ]);
        let text = run(&record);
        assert!(
            text.contains("'=evil") && text.contains("'=HYPERLINK"),
            "{text}"
        );
        insta::assert_snapshot!(text.replace("\r\n", "\n"));
    }

    #[test]
    fn no_column_takes_a_formula_or_an_escape() {
        for evil in [
            "=1+1",
            "+1+cmd",
            "-1+2",
            "@SUM(1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "  =1",
            "\u{feff}=1",
            "\u{202e}=1",
            "\u{1b}[2J=1",
            "\u{85}=1",
            "|calc",
            "%x",
            "＝1",
            "\";=1",
            "',=1",
        ] {
            let mut host = sample::host(evil, Outcome::Ok, Some((Reason::Fault, evil)));
            for text in [&mut host.remedy, &mut host.auth] {
                *text = Some(evil.to_owned());
            }
            evil.clone_into(&mut host.ring);
            evil.clone_into(&mut host.steps[0].name);
            host.steps[0].detail = Some(evil.to_owned());
            let change = &mut host.steps[0].changes[0];
            evil.clone_into(&mut change.wanted);
            evil.clone_into(&mut change.target.value);
            let text = run(&sample::run(vec![host]));
            let mut reader = ::csv::Reader::from_reader(text.as_bytes());
            for row in reader.records() {
                for cell in row.unwrap().iter() {
                    let formula = ["=", "+", "-", "@", "|", "%", "＝"];
                    let start = cell.trim_start_matches([' ', '"']);
                    assert!(
                        !formula.iter().any(|sign| start.starts_with(sign)),
                        "{cell:?}"
                    );
                    assert_eq!(text::neutral(cell), cell, "{evil:?}");
                }
            }
        }
    }
}
