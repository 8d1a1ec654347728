//! The benchmark: what a host costs, counted at the simulated host, and one large rehearsal.
//!
//! `tests/bench/run` builds and starts it. `bench HOSTS` changes the size of the rehearsal.

use std::io::Write as _;

use e2e::{Lab, LabBuilder};
use sim_fleet::Counters;

/// One line of the table: a fleet of ten equal hosts, one push (after `first`, if given).
struct Row {
    what: &'static str,
    playbook: &'static str,
    budget: u64,
    already: bool,
}

const ROWS: [Row; 4] = [
    Row {
        what: "all three stores, all values absent",
        playbook: "full-proxy-set.yaml",
        budget: 20,
        already: false,
    },
    Row {
        what: "all three stores, already right",
        playbook: "full-proxy-set.yaml",
        budget: 10,
        already: true,
    },
    Row {
        what: "EDR only, values absent",
        playbook: "edr-only.yaml",
        budget: 12,
        already: false,
    },
    Row {
        what: "EDR only, already right",
        playbook: "edr-only.yaml",
        budget: 12,
        already: true,
    },
];

fn main() -> std::io::Result<()> {
    let hosts = std::env::args().nth(1).unwrap_or_else(|| "2000".to_owned());
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:<38} {:>9} {:>7} {:>9} {:>11} {:>8}",
        "per host", "requests", "budget", "sent B", "received B", "connects"
    )?;
    for row in &ROWS {
        let cost = measure(row);
        writeln!(
            out,
            "{:<38} {:>9} {:>7} {:>9} {:>11} {:>8}",
            row.what,
            cost.requests,
            row.budget,
            cost.bytes_received,
            cost.bytes_sent,
            cost.connections
        )?;
    }
    writeln!(out, "\nrehearsal of {hosts} hosts, all three stores:")?;
    let lab = LabBuilder::hosts(1).start();
    let playbook = Lab::shipped("full-proxy-set.yaml");
    let finished = lab.run(&[
        "rehearse", "-q", "-p", &playbook, "--hosts", &hosts, "--seed", "1",
    ]);
    writeln!(out, "{}", finished.screen())
}

/// The cost of one host, the same for all ten or the benchmark is wrong.
fn measure(row: &Row) -> Counters {
    let lab = LabBuilder::hosts(10).start();
    let counters = |lab: &Lab| lab.hosts()[9].counters();
    if row.already {
        lab.push(&Lab::shipped(row.playbook), &[]).succeeds();
    }
    let before = counters(&lab);
    lab.push(&Lab::shipped(row.playbook), &[]).succeeds();
    let after = counters(&lab);
    Counters {
        requests: after.requests - before.requests,
        connections: after.connections - before.connections,
        bytes_received: after.bytes_received - before.bytes_received,
        bytes_sent: after.bytes_sent - before.bytes_sent,
        ..after
    }
}
