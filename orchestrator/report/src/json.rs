//! Reports for programs. The shapes are a contract (product contract, section 5): members are added, never
//! renamed or removed, unless [`SCHEMA`] changes.

use rollout::{ChangeRecord, HostRecord, RingRecord, RunRecord, RunSummary, StepRecord, Totals};
use serde_json::{Value, json};

use crate::{text, value};

/// Version of the JSON shapes of this module.
pub const SCHEMA: u32 = 1;

/// `report --format json` and `push -o json`.
pub fn run(record: &RunRecord) -> Value {
    json!({
        "schema": SCHEMA,
        "run": record.id,
        "verb": record.verb,
        "playbook": record.playbook,
        "playbook_sha256": record.digest,
        "simulated": record.simulated,
        "operator": record.operator,
        "reason": record.reason,
        "source_run": record.source_run,
        "plan": record.plan_hash,
        "state": record.state,
        "chain_head": record.chain_head,
        "stopped": record.stopped,
        "stop_text": record.stop_text,
        "hold": record.hold.as_ref().map(|hold| json!({
            "cause": hold.cause,
            "ring": hold.ring,
            "until": hold.until,
            "text": hold.text,
        })),
        "approvals": record.approvals.iter().map(|approval| json!({
            "ring": approval.ring,
            "operator": approval.operator,
            "time": approval.time,
        })).collect::<Vec<_>>(),
        "started": record.started,
        "finished": record.finished,
        "exit_code": record.exit_code,
        "totals": totals(&record.totals),
        "rings": record.rings.iter().map(ring).collect::<Vec<_>>(),
        "hosts": record.hosts.iter().map(host).collect::<Vec<_>>(),
    })
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

fn ring(ring: &RingRecord) -> Value {
    json!({
        "name": ring.name,
        "max_parallel": ring.max_parallel,
        "max_failed": ring.limits.max_failed,
        "max_unreachable": ring.limits.max_unreachable,
        "max_indeterminate": ring.limits.max_indeterminate,
        "on_breach": ring.on_breach,
        "gates": ring.gates.words(),
        "started": ring.started,
        "finished": ring.finished,
        "totals": totals(&ring.totals),
    })
}

pub(crate) fn host(host: &HostRecord) -> Value {
    json!({
        "name": host.name,
        "ring": host.ring,
        "outcome": host.outcome,
        "changed": host.changed,
        "reason": host.reason,
        "detail": host.detail,
        "remedy": host.remedy,
        "auth": host.auth,
        "attempts": host.attempts,
        "requests": host.cost.requests,
        "steps": host.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn step(step: &StepRecord) -> Value {
    json!({
        "name": step.name,
        "state": step.state,
        "detail": step.detail,
        "changes": step.changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn change(change: &ChangeRecord) -> Value {
    let target = &change.target;
    json!({
        "target": target.to_string(),
        "key": target.key.to_string(),
        "name": target.value,
        "wanted": change.wanted,
        "before": value::json(target, &change.before),
        "after": change.after.as_ref().map(|after| value::json(target, after)),
    })
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
