//! The `rollout` block: rings, limits, what a breach does.

use std::collections::BTreeMap;
use std::time::Duration;

use document::{Node, Value};

use super::gates;
use super::reader::Reader;
use crate::rules::Invalid;
use crate::strategy::{
    DEFAULT_MAX_PARALLEL, Gates, HostMarker, Limit, Limits, OnBreach, Retries, Ring, Strategy,
};
use crate::window::Window;

pub(super) const KEYS: [&str; 11] = [
    "max_failed",
    "max_unreachable",
    "max_indeterminate",
    "on_breach",
    "deadline",
    "windows",
    "prove_undo",
    "host_marker",
    "groups",
    "retries",
    "rings",
];
pub(super) const RING_KEYS: [&str; 11] = [
    "name",
    "select",
    "max_parallel",
    "max_failed",
    "max_unreachable",
    "max_indeterminate",
    "on_breach",
    "soak",
    "approve",
    "windows",
    "prove_undo",
];
pub(super) const HOST_MARKER: [(&str, HostMarker); 2] =
    [("auto", HostMarker::Auto), ("changes", HostMarker::Changes)];
pub(super) const ON_BREACH: [(&str, OnBreach); 4] = [
    ("stop", OnBreach::Stop),
    ("pause", OnBreach::Pause),
    ("rollback_ring", OnBreach::RollbackRing),
    ("rollback_run", OnBreach::RollbackRun),
];

/// The strategy, also where the playbook has no block for it.
pub(super) fn read(reader: &mut Reader<'_>, node: Option<&Node>) -> Option<Strategy> {
    if let Some(node) = node {
        reader.mapping(node, "rollout", &KEYS)?;
    }
    let entry = |key: &str| node.and_then(|node| node.entry(key));
    let limits = limits(reader, "rollout", entry);
    let on_breach = entry("on_breach").and_then(|node| reader.word(node, &ON_BREACH));
    let on_breach = on_breach.map_or(OnBreach::Stop, |(_, value)| value);
    if entry("on_breach").is_none() {
        reader.default("rollout.on_breach", "stop");
    }
    let deadline = entry("deadline").and_then(|node| duration(reader, node));
    if entry("deadline").is_none() {
        reader.default("rollout.deadline", "none");
    }
    let windows = entry("windows").and_then(|node| gates::windows(reader, node));
    let run_wide = RunWide {
        on_breach,
        windows: windows.unwrap_or_default(),
    };
    let rings = match entry("rings") {
        Some(node) => rings(reader, node, &run_wide)?,
        None => vec![implicit_ring(reader, run_wide)],
    };
    let prove_undo = match entry("prove_undo") {
        Some(node) => reader.truth(node).unwrap_or_default(),
        None => {
            reader.default("rollout.prove_undo", "false");
            false
        }
    };
    let host_marker = host_marker(reader, entry("host_marker"));
    let groups = entry("groups").map(|node| group_caps(reader, node));
    let retries = retries(reader, entry("retries"));
    Some(Strategy {
        rings,
        limits,
        on_breach,
        deadline,
        prove_undo,
        host_marker,
        groups: groups.unwrap_or_default(),
        retries,
        implicit: node.is_none(),
    })
}

fn host_marker(reader: &mut Reader<'_>, node: Option<&Node>) -> HostMarker {
    let Some(node) = node else {
        reader.default("rollout.host_marker", "auto");
        return HostMarker::default();
    };
    match &node.value {
        Value::Bool(true) => HostMarker::Always,
        Value::Bool(false) => HostMarker::Off,
        Value::Text(_) => {
            let word = reader.word(node, &HOST_MARKER);
            word.map_or_else(HostMarker::default, |(_, rule)| rule)
        }
        _ => {
            reader.wrong(node, "auto, changes, true or false");
            HostMarker::default()
        }
    }
}

/// What a ring takes from the block around it.
struct RunWide {
    on_breach: OnBreach,
    windows: Vec<Window>,
}

fn implicit_ring(reader: &mut Reader<'_>, run_wide: RunWide) -> Ring {
    reader.default("rollout.rings", "one ring 'all' with every selected host");
    reader.default(
        "rollout.rings.all.max_parallel",
        DEFAULT_MAX_PARALLEL.to_string(),
    );
    Ring {
        name: "all".to_owned(),
        select: "all".to_owned(),
        line: 0,
        max_parallel: DEFAULT_MAX_PARALLEL,
        limits: Limits::default(),
        on_breach: run_wide.on_breach,
        gates: Gates {
            windows: run_wide.windows,
            ..Gates::default()
        },
    }
}

fn rings(reader: &mut Reader<'_>, node: &Node, run_wide: &RunWide) -> Option<Vec<Ring>> {
    let items = reader.list(node, "rings in order")?;
    if items.is_empty() {
        let error =
            Invalid::new("there is no ring: no host could be in one").expected("at least one ring");
        reader.refuse(node, error.hint("without 'rings' all hosts are one ring"));
        return None;
    }
    let mut rings: Vec<Ring> = Vec::new();
    for item in items {
        let Some(ring) = ring(reader, item, run_wide) else {
            continue;
        };
        if let Some(earlier) = rings
            .iter()
            .find(|earlier| earlier.name.eq_ignore_ascii_case(&ring.name))
        {
            let error = Invalid::new(format!(
                "a second ring '{}' (the first selects in line {})",
                ring.name, earlier.line
            ));
            reader.refuse(
                item.entry("name").unwrap_or(item),
                error.hint("give each ring a name of its own"),
            );
        }
        if let Some(earlier) = rings.iter().find(|earlier| takes_all(&earlier.select)) {
            let error = Invalid::new(format!(
                "no host can reach the ring '{}': ring '{}' before it takes all that are left",
                ring.name, earlier.name
            ));
            reader.refuse(
                item.entry("select").unwrap_or(item),
                error.hint("the ring with 'rest' stands last"),
            );
        } else if let Some(earlier) = rings.iter().find(|earlier| earlier.select == ring.select) {
            let error = Invalid::new(format!(
                "no host can reach the ring '{}': ring '{}' selects the same and stands before it",
                ring.name, earlier.name
            ));
            reader.refuse(item.entry("select").unwrap_or(item), error);
        }
        rings.push(ring);
    }
    if let Some(last) = rings.last()
        && !takes_all(&last.select)
    {
        reader.warn(
            last.line,
            "no ring selects 'rest': a selected host in no ring is an error",
        );
    }
    Some(rings)
}

fn takes_all(select: &str) -> bool {
    matches!(select.trim(), "rest" | "all" | "*")
}

fn ring(reader: &mut Reader<'_>, node: &Node, run_wide: &RunWide) -> Option<Ring> {
    reader.mapping(node, "a ring", &RING_KEYS)?;
    let name = reader
        .required(node, "name", "the ring")
        .and_then(|node| reader.name(node));
    let place = format!("rollout.rings.{}", name.as_deref().unwrap_or("?"));
    let select = reader.required(node, "select", "the ring");
    let select = select.and_then(|node| Some((reader.name(node)?, node.line)));
    let limits = limits(reader, &place, |key| node.entry(key));
    let max_parallel = match node.entry("max_parallel") {
        Some(node) => max_parallel(reader, node),
        None => {
            reader.default(
                format!("{place}.max_parallel"),
                DEFAULT_MAX_PARALLEL.to_string(),
            );
            Some(DEFAULT_MAX_PARALLEL)
        }
    };
    let on_breach = match node.entry("on_breach") {
        Some(node) => reader.word(node, &ON_BREACH).map(|(_, value)| value),
        None => {
            let word = ON_BREACH
                .iter()
                .find(|(_, value)| *value == run_wide.on_breach)
                .map_or("stop", |(word, _)| word);
            reader.default(format!("{place}.on_breach"), word);
            Some(run_wide.on_breach)
        }
    };
    let soak = node.entry("soak").and_then(|node| duration(reader, node));
    let gates = gates::read(reader, node, &place, soak, &run_wide.windows);
    let (select, line) = select?;
    Some(Ring {
        name: name?,
        select,
        line,
        max_parallel: max_parallel?,
        limits,
        on_breach: on_breach?,
        gates,
    })
}

fn group_caps(reader: &mut Reader<'_>, node: &Node) -> BTreeMap<String, u32> {
    let mut caps = BTreeMap::new();
    for (group, node) in reader
        .entries(node, "a group of the inventory, then its max_parallel")
        .unwrap_or_default()
    {
        let place = "a group of the rollout block";
        if reader.mapping(node, place, &["max_parallel"]).is_some()
            && let Some(node) = reader.required(node, "max_parallel", place)
            && let Some(cap) = max_parallel(reader, node)
        {
            caps.insert(group.value.clone(), cap);
        }
    }
    caps
}

fn retries(reader: &mut Reader<'_>, node: Option<&Node>) -> Retries {
    let mut retries = Retries::default();
    if let Some(node) = node
        && reader
            .mapping(node, "retries", &["per_host", "budget"])
            .is_some()
    {
        if let Some(node) = node.entry("per_host") {
            match node.value {
                Value::Integer(number @ 0..=10) => {
                    retries.per_host = u32::try_from(number).unwrap_or_default()
                }
                _ => reader.wrong(node, "a whole number from 0 to 10"),
            }
        }
        if let Some(budget) = node.entry("budget").and_then(|node| limit(reader, node)) {
            retries.budget = budget;
        }
    }
    let given = |key| node.is_some_and(|node| node.entry(key).is_some());
    if !given("per_host") {
        reader.default("rollout.retries.per_host", retries.per_host.to_string());
    }
    if !given("budget") {
        reader.default(
            "rollout.retries.budget",
            format!("{} of the hosts, at least 10", retries.budget),
        );
    }
    retries
}

fn max_parallel(reader: &mut Reader<'_>, node: &Node) -> Option<u32> {
    const EXPECTED: &str = "a whole number of hosts, 1 or more";
    let number = match &node.value {
        Value::Integer(number) => *number,
        Value::Text(text) if text.trim().ends_with('%') => {
            let error = Invalid::new(format!(
                "'{text}': max_parallel is a number of hosts, not a share of them"
            ));
            reader.refuse(node, error.expected(EXPECTED));
            return None;
        }
        _ => {
            reader.wrong(node, EXPECTED);
            return None;
        }
    };
    match u32::try_from(number) {
        Ok(0) => {
            let error =
                Invalid::new("with max_parallel 0 no host would ever start").expected(EXPECTED);
            reader.refuse(node, error);
            None
        }
        Ok(number) => Some(number),
        Err(_) => {
            reader.refuse(
                node,
                Invalid::new(format!("{number} is out of range")).expected(EXPECTED),
            );
            None
        }
    }
}

fn limits<'n>(
    reader: &mut Reader<'_>,
    place: &str,
    entry: impl Fn(&str) -> Option<&'n Node>,
) -> Limits {
    let mut one = |key: &str| match entry(key) {
        Some(node) => limit(reader, node),
        None => {
            reader.default(format!("{place}.{key}"), "no limit");
            None
        }
    };
    Limits {
        max_failed: one("max_failed"),
        max_unreachable: one("max_unreachable"),
        max_indeterminate: one("max_indeterminate"),
    }
}

fn limit(reader: &mut Reader<'_>, node: &Node) -> Option<Limit> {
    const EXPECTED: &str = "a number of hosts (3) or a percentage from 0% to 100% ('2%', '0.5%')";
    let error = match &node.value {
        Value::Integer(number) => match u32::try_from(*number) {
            Ok(number) => return Some(Limit::Count(number)),
            Err(_) => Invalid::new(format!("{number} hosts cannot be a limit")),
        },
        Value::Text(text) => match text.parse() {
            Ok(limit) => return Some(limit),
            Err(message) => Invalid::new(message),
        },
        Value::Float(number) => Invalid::new(format!("{number} is not a number of hosts"))
            .hint(format!("a percentage has its sign: '{number}%'")),
        _ => Invalid::new(format!("{} stands here", node.kind())),
    };
    reader.refuse(node, error.expected(EXPECTED));
    None
}

/// `90s`, `45m`, `8h`, `1h30m`; a bare number says no unit and is refused.
pub(super) fn duration(reader: &mut Reader<'_>, node: &Node) -> Option<Duration> {
    let parsed = match &node.value {
        Value::Text(text) => parse_duration(text),
        Value::Integer(number) => Err(Invalid::new(format!("{number} has no unit"))
            .hint(format!("'{number}s', '{number}m' or '{number}h'?"))),
        _ => Err(Invalid::new(format!("{} stands here", node.kind()))),
    };
    match parsed {
        Ok(duration) => Some(duration),
        Err(error) => {
            reader.refuse(
                node,
                error.expected("a duration such as 90s, 45m, 8h or 1h30m"),
            );
            None
        }
    }
}

fn parse_duration(text: &str) -> Result<Duration, Invalid> {
    let bad = || Invalid::new(format!("'{text}' is not a duration"));
    let mut rest = text.trim();
    let mut seconds: u64 = 0;
    let mut last_unit = u64::MAX;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let number: u64 = rest[..end].parse().map_err(|_| bad())?;
        let unit = match rest.as_bytes()[end] {
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return Err(bad()),
        };
        if unit >= last_unit {
            return Err(bad());
        }
        last_unit = unit;
        seconds = number
            .checked_mul(unit)
            .and_then(|part| seconds.checked_add(part))
            .ok_or_else(bad)?;
        rest = &rest[end + 1..];
    }
    match seconds {
        0 => Err(Invalid::new(format!("'{text}' leaves no time at all"))),
        seconds if seconds > 365 * 86_400 => {
            Err(Invalid::new(format!("'{text}' is longer than a year")))
        }
        seconds => Ok(Duration::from_secs(seconds)),
    }
}
