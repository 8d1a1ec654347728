//! The run as the page's script reads it: every text once, hosts in columns, equal work shared.
//!
//! Not a contract: page and data are written together (`app.js` is the only reader). Programs read `report --format
//! json`.

use std::collections::HashMap;
use std::hash::Hash;

use playbooks::{Limit, Limits, RawValue};
use rollout::{ChangeRecord, HostRecord, RingRecord, RunRecord, Totals};
use serde_json::{Value, json};

use super::Evidence;
use crate::cluster::clusters;
use crate::not_done::{NotDone, not_done};
use crate::summary::formula;
use crate::timeline::{Timeline, millis};
use crate::{text, value};

/// Things by number, each once.
struct Pool<T> {
    known: HashMap<T, usize>,
    items: Vec<T>,
}

impl<T: Clone + Eq + Hash> Pool<T> {
    fn new() -> Self {
        Self {
            known: HashMap::new(),
            items: Vec::new(),
        }
    }

    fn number(&mut self, item: T) -> usize {
        *self.known.entry(item).or_insert_with_key(|item| {
            self.items.push(item.clone());
            self.items.len() - 1
        })
    }
}

/// Lines of what was not done; the steps of each host name the rest.
const NOT_DONE_SHOWN: usize = 200;

/// A value: text for people, registry type, bytes as hex. The last two are empty where there is none.
type DataValue = (usize, Option<u32>, Option<String>);
/// A change: target, wanted, before, after.
type DataChange = (usize, usize, usize, Option<usize>);
/// A step: name, state, detail, changes.
type DataStep = (usize, &'static str, Option<usize>, Vec<usize>);

struct Pools {
    strings: Pool<String>,
    values: Pool<DataValue>,
    changes: Pool<DataChange>,
    /// All steps of a host; hosts with equal work share one.
    works: Pool<Vec<DataStep>>,
}

/// Everything the page shows.
pub(super) fn run(record: &RunRecord, timeline: &Timeline, evidence: &Evidence) -> Value {
    let mut pools = Pools {
        strings: Pool::new(),
        values: Pool::new(),
        changes: Pool::new(),
        works: Pool::new(),
    };
    let hosts = hosts(&mut pools, record, timeline);
    let causes = causes(&mut pools, record);
    json!({
        "run": facts(record, evidence),
        "totals": record.totals,
        "rings": record.rings.iter().map(|of_ring| ring(record, of_ring)).collect::<Vec<_>>(),
        "limits": limits(record),
        "causes": causes,
        "not_done": not_done(record).iter().take(NOT_DONE_SHOWN).map(left).collect::<Vec<_>>(),
        "proxies": super::proxies::summary(record),
        "hosts": hosts,
        "works": pools.works.items,
        "changes": pools.changes.items,
        "values": pools.values.items,
        "strings": pools.strings.items,
    })
}

fn left(one: &NotDone<'_>) -> Value {
    json!({
        "kind": one.what.kind(),
        "name": one.what.name().map(text::neutral),
        "cause": text::neutral(&one.cause),
        "hosts": one.hosts.len(),
    })
}

fn facts(record: &RunRecord, evidence: &Evidence) -> Value {
    let shown = |text: &str| text::neutral(text).into_owned();
    json!({
        "id": record.id,
        "verb": record.verb,
        "simulated": record.simulated,
        "state": record.state,
        "playbook": shown(&record.playbook),
        "playbook_sha256": record.digest,
        "plan_sha256": record.plan_hash,
        "chain_head": record.chain_head,
        "operator": shown(&record.operator),
        "reason": record.reason.as_deref().map(shown),
        "source_run": record.source_run,
        "started": record.started,
        "finished": record.finished,
        "exit_code": record.exit_code,
        "exit_meaning": evidence.exit_meaning,
        "stop_text": record.stop_text.as_deref().map(shown),
        "waits_for": record.hold.as_ref().map(|hold| shown(&hold.text)),
        "approvals": record.approvals.iter().map(|approval| json!({
            "ring": shown(&approval.ring),
            "operator": shown(&approval.operator),
            "time": approval.time,
        })).collect::<Vec<_>>(),
        "program": concat!("winfleet ", env!("CARGO_PKG_VERSION")),
    })
}

fn ring(record: &RunRecord, ring: &RingRecord) -> Value {
    let offset = |time: Option<jiff::Timestamp>| Some(millis(record.started?, time?));
    json!({
        "name": text::neutral(&ring.name),
        "max_parallel": ring.max_parallel,
        "on_breach": ring.on_breach,
        "gates": ring.gates.words(),
        "from": offset(ring.started),
        "to": offset(ring.finished),
        "totals": ring.totals,
    })
}

fn limits(record: &RunRecord) -> Vec<Value> {
    let mut found = Vec::new();
    for ring in &record.rings {
        let scope = format!("ring {}", text::neutral(&ring.name));
        push_limits(&mut found, &scope, &ring.limits, &ring.totals);
    }
    push_limits(&mut found, "whole run", &record.limits, &record.totals);
    found
}

fn push_limits(found: &mut Vec<Value>, scope: &str, limits: &Limits, totals: &Totals) {
    let all: [(&str, Option<Limit>, u32); 3] = [
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
    let hosts = totals.hosts as usize;
    found.extend(all.into_iter().filter_map(|(name, limit, count)| {
        let limit = limit?;
        Some(json!({
            "scope": scope,
            "name": name,
            "formula": formula(limit, hosts),
            "count": count,
            "breached": limit.breached(count as usize, hosts),
        }))
    }));
}

fn causes(pools: &mut Pools, record: &RunRecord) -> Vec<Value> {
    let numbers: HashMap<&str, usize> = record
        .hosts
        .iter()
        .enumerate()
        .map(|(number, host)| (host.name.as_str(), number))
        .collect();
    let of = |cluster: crate::cluster::Cluster<'_>| {
        let hosts = cluster.hosts.iter().filter_map(|name| numbers.get(name));
        json!({
            "outcome": cluster.outcome,
            "reason": cluster.reason,
            "detail": pools.text(cluster.detail),
            "remedy": pools.text(cluster.remedy),
            "hosts": hosts.collect::<Vec<_>>(),
        })
    };
    clusters(&record.hosts).into_iter().map(of).collect()
}

fn hosts(pools: &mut Pools, record: &RunRecord, timeline: &Timeline) -> Value {
    let rings: HashMap<&str, usize> = record
        .rings
        .iter()
        .enumerate()
        .map(|(number, ring)| (ring.name.as_str(), number))
        .collect();
    let offset = |time: Option<jiff::Timestamp>| Some(millis(record.started?, time?));
    let all = &record.hosts;
    let times: Vec<_> = all.iter().map(|host| timeline.of(&host.name)).collect();
    let column = |of: &dyn Fn(&HostRecord) -> Value| all.iter().map(of).collect::<Vec<_>>();
    let mut texts = |of: fn(&HostRecord) -> Option<&str>| {
        all.iter()
            .map(|host| pools.text(of(host)))
            .collect::<Vec<_>>()
    };
    json!({
        "name": column(&|host| json!(text::neutral(host.name.as_str()))),
        "ring": column(&|host| json!(rings.get(host.ring.as_str()))),
        "outcome": column(&|host| json!(outcome_number(host))),
        "settled": column(&|host| json!(u8::from(host.settled))),
        "changed": column(&|host| json!(u8::from(host.changed))),
        "reason": texts(|host| host.reason.map(rollout::Reason::as_str)),
        "detail": texts(|host| host.detail.as_deref()),
        "remedy": texts(|host| host.remedy.as_deref()),
        "auth": texts(|host| host.auth.as_deref()),
        "machine": texts(|host| host.machine_guid.as_deref()),
        "attempts": column(&|host| json!(host.attempts)),
        "requests": column(&|host| json!(host.cost.requests)),
        "bytes": column(&|host| json!(host.cost.sent + host.cost.received)),
        "retries": times.iter().map(|times| times.retries).collect::<Vec<_>>(),
        "from": times.iter().map(|times| offset(times.started)).collect::<Vec<_>>(),
        "to": times.iter().map(|times| offset(times.ended)).collect::<Vec<_>>(),
        "work": all.iter().map(|host| pools.work(host)).collect::<Vec<_>>(),
    })
}

/// Position in [`rollout::Outcome::ALL`]; the script has the same list.
fn outcome_number(host: &HostRecord) -> Option<usize> {
    rollout::Outcome::ALL
        .iter()
        .position(|outcome| *outcome == host.outcome)
}

impl Pools {
    /// Remote text enters the page through here alone.
    fn string(&mut self, text: &str) -> usize {
        self.strings.number(text::neutral(text).into_owned())
    }

    fn text(&mut self, text: Option<&str>) -> Option<usize> {
        text.map(|text| self.string(text))
    }

    /// Steps, and behind them what the preflight found and what had to be green, shown alike.
    fn work(&mut self, host: &HostRecord) -> usize {
        let mut work: Vec<_> = host
            .steps
            .iter()
            .map(|step| {
                (
                    self.string(&step.name),
                    step.state.as_str(),
                    self.text(step.detail.as_deref()),
                    step.changes
                        .iter()
                        .map(|change| self.change(change))
                        .collect(),
                )
            })
            .collect();
        for finding in &host.preflight {
            work.push((
                self.string(&format!("Preflight: {}", finding.check.name())),
                match (finding.allowed, finding.blocks()) {
                    (true, _) => "allowed",
                    (_, true) => "block",
                    _ => finding.grade.as_str(),
                },
                Some(self.string(&finding.detail)),
                Vec::new(),
            ));
        }
        for probe in &host.probes {
            let found = probe.verdict.as_ref();
            work.push((
                self.string(&format!("Probe: {}", probe.probe.name)),
                found.map_or("not_asked", |found| found.grade().as_str()),
                found.map(|found| {
                    self.string(&format!("{}: {}", found.finding.as_str(), found.detail))
                }),
                Vec::new(),
            ));
        }
        self.works.number(work)
    }

    fn change(&mut self, change: &ChangeRecord) -> usize {
        let before = self.value(change, &change.before);
        let after = change.after.as_ref().map(|after| self.value(change, after));
        let target = self.string(&change.target.to_string());
        let wanted = self.string(&change.wanted);
        self.changes.number((target, wanted, before, after))
    }

    fn value(&mut self, change: &ChangeRecord, observed: &playbooks::Observed) -> usize {
        let readable = self.string(&value::text(&change.target, observed));
        let raw = observed.value();
        self.values.number((
            readable,
            raw.map(|raw| raw.kind),
            raw.and_then(RawValue::shown_bytes),
        ))
    }
}
