//! Who is in which ring: the first ring that selects a host takes it; a host that no ring selects is an error.

use inventory::{Host, HostName, Selector, SelectorError};
use playbooks::{Gates, Strategy};

use crate::spec::RingPlan;

/// Why hosts cannot be put into rings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssignError {
    /// The `select` of a ring is no selector.
    #[error(
        "the selector '{select}' of ring '{ring}' (line {line} of the playbook) cannot be read: {source}"
    )]
    Selector {
        /// The ring.
        ring: String,
        /// Its line in the playbook.
        line: u32,
        /// The text.
        select: String,
        /// What is wrong.
        source: SelectorError,
    },
    /// Hosts are left over.
    #[error(
        "{count} selected hosts are in no ring of the playbook: {}{}; give the last ring 'select: rest', or leave them out with --limit",
        examples(.hosts),
        if *.count > .hosts.len() { ", ..." } else { "" }
    )]
    InNoRing {
        /// How many.
        count: usize,
        /// The first of them.
        hosts: Vec<HostName>,
    },
}

fn examples(hosts: &[HostName]) -> String {
    hosts
        .iter()
        .map(HostName::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The ring of each host as an index into the strategy's rings. `read_list` gives the lines of the file behind
/// `@FILE`.
pub fn assign_rings(
    strategy: &Strategy,
    hosts: &[&Host],
    read_list: &dyn Fn(&str) -> Result<Vec<String>, String>,
) -> Result<Vec<usize>, AssignError> {
    let mut selectors = Vec::with_capacity(strategy.rings.len());
    for ring in &strategy.rings {
        selectors.push(Selector::parse(&ring.select, read_list).map_err(|source| {
            AssignError::Selector {
                ring: ring.name.clone(),
                line: ring.line,
                select: ring.select.clone(),
                source,
            }
        })?);
    }
    let mut left_over = Vec::new();
    let mut rings = Vec::with_capacity(hosts.len());
    for host in hosts {
        // No earlier ring took the host when its turn comes, so `rest` is always true here.
        match selectors
            .iter()
            .position(|selector| selector.matches(host, true))
        {
            Some(ring) => rings.push(ring),
            None => left_over.push(host.name.clone()),
        }
    }
    if left_over.is_empty() {
        return Ok(rings);
    }
    let count = left_over.len();
    left_over.truncate(5);
    Err(AssignError::InNoRing {
        count,
        hosts: left_over,
    })
}

/// The rings of a strategy as a run carries them out, with the number of hosts in each.
pub fn ring_plans(strategy: &Strategy, rings: &[usize]) -> Vec<RingPlan> {
    let count = |index| rings.iter().filter(|ring| **ring == index).count();
    let first = rings.iter().min();
    strategy
        .rings
        .iter()
        .enumerate()
        .map(|(index, ring)| RingPlan {
            name: ring.name.clone(),
            max_parallel: ring.max_parallel,
            limits: ring.limits,
            on_breach: ring.on_breach,
            gates: Gates {
                prove_undo: ring.gates.prove_undo || (strategy.prove_undo && first == Some(&index)),
                ..ring.gates.clone()
            },
            hosts: u32::try_from(count(index)).unwrap_or(u32::MAX),
        })
        .collect()
}
