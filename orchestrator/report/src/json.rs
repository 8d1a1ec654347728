//! Reports for programs. The shapes are a contract (product contract, section 5): members are added, never
//! renamed or removed, unless [`SCHEMA`] changes.

use rollout::{HostRecord, RunRecord, RunSummary, Totals};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{shape, text};

/// Version of the JSON shapes of this module.
pub const SCHEMA: u32 = 1;

/// `report --format json` and `push -o json`.
pub fn run(record: &RunRecord) -> Value {
    value(shape::Run::of(record))
}

/// `rehearse --then-rollback -o json`: the document of the run, with that of its rollback as a member; null where there
/// was nothing to take back.
pub fn run_and_rollback(record: &RunRecord, rollback: Option<&RunRecord>) -> Value {
    value(shape::Run::of(record).taken_back_by(rollback))
}

/// The schema of [`run`], as `winfleet schema report` prints it.
pub fn report_schema() -> Value {
    rollout::schema::written::<shape::Run<'_>>(
        "winfleet report",
        "One run: winfleet report RUN --format json. A reader has to accept further members.",
    )
}

/// `status RUN -o json`: the run without its hosts.
pub fn status(record: &RunRecord) -> Value {
    let mut value = run(record);
    if let Value::Object(members) = &mut value {
        members.shift_remove("hosts");
    }
    value
}

/// One object per host, each with the id of the run: the lines of `-o jsonl`.
pub fn host_lines(record: &RunRecord) -> impl Iterator<Item = Value> {
    record.hosts.iter().map(|record_of_host| {
        let mut line = json!({"schema": SCHEMA, "run": record.id});
        if let (Value::Object(line), Value::Object(members)) = (&mut line, host(record_of_host)) {
            line.extend(members);
        }
        line
    })
}

/// `runs -o json`, in the order given (newest first).
pub fn runs(runs: &[RunSummary]) -> Value {
    json!({"schema": SCHEMA, "runs": runs.iter().map(summary).collect::<Vec<_>>()})
}

/// One run of [`runs`].
pub fn summary(run: &RunSummary) -> Value {
    json!({
        "id": run.id,
        "verb": run.verb,
        "playbook": run.playbook,
        "started": run.started,
        "finished": run.finished,
        "state": run.state,
        "totals": totals(&run.totals),
        "exit_code": run.exit_code,
        "simulated": run.simulated,
        "operator": run.operator,
        "reason": run.reason,
    })
}

/// The document as printed: two blanks per level, active characters escaped, ended by a line break.
pub fn pretty(document: &Value) -> String {
    format!("{}\n", text::json_escaped(&format!("{document:#}")))
}

/// The document on one line, active characters escaped, ended by a line break.
pub fn line(document: &Value) -> String {
    format!("{}\n", text::json_escaped(&document.to_string()))
}

fn totals(totals: &Totals) -> Value {
    json!(totals)
}

pub(crate) fn host(host: &HostRecord) -> Value {
    value(shape::Host::of(host))
}

fn value(shape: impl Serialize) -> Value {
    // Our own types, whose keys are all text, serialised to memory: cannot fail.
    serde_json::to_value(shape).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rollout::{Outcome, Reason};

    use super::*;
    use crate::sample;

    #[test]
    fn the_shape_of_a_run() {
        let record = sample::run(vec![
            sample::host("pc-1", Outcome::Ok, None),
            sample::host(
                "pc-2",
                Outcome::Failed,
                Some((Reason::Fault, "says \u{1b}[31m\u{9b}no")),
            ),
        ]);
        insta::assert_snapshot!(pretty(&run(&record)));
    }

    /// `WINFLEET_BLESS=1 cargo test -p report schema` writes the file anew.
    #[test]
    fn the_committed_schema_is_that_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/report.schema.json");
        let schema = format!("{:#}\n", report_schema());
        if std::env::var_os("WINFLEET_BLESS").is_some() {
            std::fs::write(path, &schema).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed.replace("\r\n", "\n") == schema,
            "report.schema.json is not what the types say; run with WINFLEET_BLESS=1 and read the difference"
        );
    }

    #[test]
    fn lines_are_objects_of_their_own() {
        let record = sample::run(vec![sample::host("pc-1", Outcome::Ok, None)]);
        let lines: Vec<String> = host_lines(&record).map(|value| line(&value)).collect();
        assert_eq!(lines.len(), 1);
        let parsed: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(
            (&parsed["run"], &parsed["name"]),
            (&json!("0tq4c1n-k7xd"), &json!("pc-1"))
        );
    }
}
