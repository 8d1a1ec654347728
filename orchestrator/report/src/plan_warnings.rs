//! What in a plan deserves a second look before it is carried out.

use std::collections::BTreeMap;

use playbooks::{Limit, Limits};
use rollout::Reason;

use crate::groups::Groups;
use crate::plan::{Plan, RingCounts, arithmetic, named};
use crate::text::counted;
use crate::untried;

/// One sentence each, in the order of importance.
pub(crate) fn warnings(plan: &Plan<'_>, groups: &Groups<'_>) -> Vec<String> {
    let mut all = Vec::new();
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    for (reason, hosts) in groups.reasons() {
        *reasons.entry(reason).or_default() += hosts;
    }
    for (reason, hosts) in reasons {
        let hosts = counted(hosts, "host");
        all.push(match reason {
            Reason::PriorNotRestorable => format!(
                "{hosts} will be refused ({reason}): what is there could not be put back exactly"
            ),
            Reason::Conflict => {
                format!("{hosts}: what somebody else changed since will be left alone ({reason})")
            }
            _ => format!("{hosts} will be refused ({reason})"),
        });
    }
    let counts = plan.ring_counts();
    for (ring, counts) in plan.spec.rings.iter().zip(&counts) {
        let scope = format!("ring {}", ring.name);
        scope_warnings(&mut all, &scope, &ring.limits, counts);
    }
    let whole = RingCounts {
        hosts: plan.hosts.len(),
        refused: groups.refused(),
        unread: groups.unreadable(),
        ..RingCounts::default()
    };
    scope_warnings(&mut all, "the run", &plan.spec.limits, &whole);
    ring_warnings(&mut all, plan, &counts);
    if groups.groups.is_empty() && !groups.right.is_empty() {
        let which = if groups.unread.is_empty() {
            "every host"
        } else {
            "every host that was read"
        };
        all.push(format!(
            "{which} is already right: a push would change nothing"
        ));
    }
    if !plan.hosts.is_empty() && groups.unreadable() == plan.hosts.len() {
        all.push("no host could be read".to_owned());
    }
    let playbook = plan.spec.playbook.loaded();
    all.extend(playbook.and_then(|playbook| untried::of_spec(plan.spec, &playbook)));
    all
}

fn ring_warnings(all: &mut Vec<String>, plan: &Plan<'_>, counts: &[RingCounts]) {
    let rings = plan.spec.rings.iter().zip(counts);
    let last = rings.clone().rposition(|(_, counts)| counts.hosts > 0);
    for (index, (ring, counts)) in rings.enumerate() {
        let gates = ring.gates.words().join(", ");
        if counts.hosts == 0 {
            let lost = if gates.is_empty() {
                String::new()
            } else {
                format!(", so its gates are not waited for ({gates})")
            };
            all.push(format!("ring {} has no host{lost}", ring.name));
        } else if Some(index) == last && ring.gates.prove_undo {
            all.push(format!(
                "ring {} is the last with hosts, so its proof of undo comes too late for any other",
                ring.name
            ));
        } else if Some(index) == last && (ring.gates.soak.is_some() || ring.gates.approve) {
            all.push(format!(
                "ring {} is the last with hosts, so nothing waits for its soak or approval",
                ring.name
            ));
        }
    }
}

/// Limits that allow nobody although they are shares, or that what is known already breaches.
fn scope_warnings(all: &mut Vec<String>, scope: &str, limits: &Limits, counts: &RingCounts) {
    if counts.hosts == 0 {
        return;
    }
    for (name, limit) in named(limits) {
        let formula = arithmetic(name, limit, counts.hosts);
        if matches!(limit, Limit::Percent(1..)) && limit.allowed(counts.hosts) == 0 {
            all.push(format!(
                "{scope}: {formula} (rounded down): the first such host breaches it"
            ));
        }
        let (sure, why) = match name {
            "max_failed" => (counts.refused, "will be refused and count as failed"),
            "max_unreachable" => (
                counts.unread,
                "could not be read and count as unreachable when this plan is carried out",
            ),
            _ => continue,
        };
        if limit.breached(sure, counts.hosts) {
            all.push(format!(
                "{scope}: {} {why}: {formula} will be breached",
                counted(sure, "host")
            ));
        }
    }
}
