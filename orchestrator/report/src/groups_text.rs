//! Groups of hosts for people and for programs: the part that plan and audit have in common.

use std::fmt::Write as _;

use playbooks::Target;
use rollout::Reason;
use serde_json::{Value, json};

use crate::groups::{Cause, Difference, Group, Stand, Standing};
use crate::text::{counted, examples, neutral};

/// Groups shown before the rest is only counted.
const SHOWN_GROUPS: usize = 12;
/// Hosts named per group.
const SHOWN_HOSTS: usize = 3;

/// How the two sides of a difference are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    /// `before -> after`
    Change,
    /// `drifted: from X to Y`
    Drift,
    /// `left: Y`
    Trace,
}

/// The groups, each with its hosts and differences.
pub(crate) fn groups(groups: &[Group<'_>], wording: Wording, all: bool) -> String {
    let mut out = String::new();
    let shown = if all { usize::MAX } else { SHOWN_GROUPS };
    for (number, group) in groups.iter().take(shown).enumerate() {
        let hosts = counted(group.hosts.len(), "host");
        let _ = writeln!(
            out,
            "\ngroup {}: {hosts}: {}",
            number + 1,
            names(&group.hosts, all)
        );
        if let Some(error) = group.refused {
            // A conflict stops nothing else on its host.
            let what = match error.reason {
                Reason::Conflict => "will be left alone",
                _ => "will be refused",
            };
            let _ = writeln!(
                out,
                "  {what}: {}: {}",
                error.reason,
                neutral(&error.detail)
            );
            if let Some(remedy) = &error.remedy {
                let _ = writeln!(out, "  remedy: {}", neutral(remedy));
            }
        }
        let mut step = None;
        for difference in group.differences {
            if step != Some(&difference.step) {
                let _ = writeln!(out, "  {}", neutral(&difference.step));
                step = Some(&difference.step);
            }
            let _ = writeln!(out, "    {}", neutral(&difference.target.to_string()));
            let (from, to) = (neutral(&difference.from.text), neutral(&difference.to.text));
            let _ = match wording {
                Wording::Change => writeln!(out, "      {from} -> {to}"),
                Wording::Drift => writeln!(out, "      drifted: from {from} to {to}"),
                Wording::Trace => writeln!(out, "      left: {to}"),
            };
        }
    }
    let rest = groups.iter().skip(shown);
    let (more, hosts) = rest.fold((0, 0), |(more, hosts), group| {
        (more + 1, hosts + group.hosts.len())
    });
    if more > 0 {
        let _ = writeln!(
            out,
            "\nand {} with {}; all of them with -v or -o json",
            counted(more, "further group"),
            counted(hosts, "host")
        );
    }
    out
}

/// The hosts that could not be read, by cause.
pub(crate) fn causes(causes: &[Cause<'_>], all: bool) -> String {
    let mut out = String::new();
    for cause in causes {
        let _ = writeln!(
            out,
            "{} could not be read: {}: {}\n    {}",
            counted(cause.hosts.len(), "host"),
            cause.error.reason,
            neutral(&cause.error.detail),
            names(&cause.hosts, all)
        );
        if let Some(remedy) = &cause.error.remedy {
            let _ = writeln!(out, "    remedy: {}", neutral(remedy));
        }
    }
    if !out.is_empty() {
        out.insert(0, '\n');
    }
    out
}

pub(crate) fn names(hosts: &[&str], all: bool) -> String {
    let shown = if all { usize::MAX } else { SHOWN_HOSTS };
    examples(hosts.iter().copied(), shown)
}

pub(crate) fn group_json(group: &Group<'_>, keys: [&str; 2]) -> Value {
    json!({
        "count": group.hosts.len(),
        "hosts": group.hosts,
        "refused": group.refused.map(error_json),
        "changes": group.differences.iter().map(|one| shared_json(one, keys)).collect::<Vec<_>>(),
    })
}

/// Without the bytes where the hosts of a group need not have the same.
fn shared_json(difference: &Difference, keys: [&str; 2]) -> Value {
    let mut value = difference_json(difference, keys);
    if difference.target == Target::win_http_settings() {
        for side in keys {
            value[side]
                .as_object_mut()
                .map(|side| side.shift_remove("bytes"));
        }
    }
    value
}

pub(crate) fn cause_json(cause: &Cause<'_>) -> Value {
    let mut value = error_json(cause.error);
    value["count"] = cause.hosts.len().into();
    value["hosts"] = json!(cause.hosts);
    value
}

pub(crate) fn difference_json(difference: &Difference, [from, to]: [&str; 2]) -> Value {
    let target = &difference.target;
    json!({
        "step": difference.step,
        "target": target.to_string(),
        "key": target.key.to_string(),
        "name": target.value,
        from: difference.from.json,
        to: difference.to.json,
    })
}

pub(crate) fn error_json(error: &rollout::HostError) -> Value {
    json!({
        "severity": error.severity,
        "reason": error.reason,
        "detail": error.detail,
        "remedy": error.remedy,
    })
}

/// One host as a line of `-o jsonl`.
pub(crate) fn stand_json(
    stand: &Stand<'_>,
    schema: &str,
    words: [&str; 2],
    keys: [&str; 2],
) -> Value {
    let (state, differences, error) = match &stand.standing {
        Standing::Right => (words[0], &[][..], None),
        Standing::Nothing => ("nothing_to_compare", &[][..], None),
        Standing::Differs {
            differences,
            refused: None,
        } => (words[1], differences.as_slice(), None),
        Standing::Differs {
            differences,
            refused: Some(error),
        } => {
            let state = match error.reason {
                Reason::Conflict => "conflict",
                _ => "will_be_refused",
            };
            (state, differences.as_slice(), Some(error))
        }
        Standing::Unread(error) => ("unread", &[][..], Some(error)),
    };
    let differences = differences.iter().map(|one| difference_json(one, keys));
    json!({
        "schema": schema,
        "name": stand.host,
        "ring": stand.ring,
        "state": state,
        "changes": differences.collect::<Vec<_>>(),
        "error": error.map(error_json),
    })
}

/// The rows of `-o csv`: one per difference, one per host without any.
pub(crate) fn rows(stand: &Stand<'_>, words: [&str; 2]) -> Vec<Vec<String>> {
    let line = stand_json(stand, "", words, ["from", "to"]);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let head = vec![
        stand.host.to_owned(),
        stand.ring.to_owned(),
        word(&line["state"]),
        word(&line["error"]["reason"]),
        word(&line["error"]["detail"]),
        word(&line["error"]["remedy"]),
    ];
    let differences = match &stand.standing {
        Standing::Differs { differences, .. } => differences.as_slice(),
        _ => &[],
    };
    if differences.is_empty() {
        return vec![[head, vec![String::new(); 4]].concat()];
    }
    differences
        .iter()
        .map(|one| {
            let cells = [
                one.step.clone(),
                one.target.to_string(),
                one.from.text.clone(),
                one.to.text.clone(),
            ];
            [head.clone(), cells.to_vec()].concat()
        })
        .collect()
}
