//! The list of runs, for people.

use rollout::RunSummary;

use crate::table::Table;

/// One line per run, in the order given (newest first).
pub fn table(runs: &[RunSummary]) -> String {
    let mut table = Table::new([
        "RUN",
        "VERB",
        "PLAYBOOK",
        "STARTED (UTC)",
        "STATE",
        "HOSTS",
        "OK",
        "CHANGED",
        "NOT OK",
        "BY",
        "REASON",
    ])
    .right(5..9);
    for run in runs {
        let totals = &run.totals;
        let good = totals.ok + totals.rolled_back;
        let state = if run.simulated {
            format!("{} (simulated)", run.state)
        } else {
            run.state.to_string()
        };
        table.row([
            run.id.to_string(),
            run.verb.to_string(),
            run.playbook.clone(),
            run.started
                .map(|time| time.strftime("%Y-%m-%d %H:%M").to_string())
                .unwrap_or_default(),
            state,
            totals.hosts.to_string(),
            good.to_string(),
            totals.changed.to_string(),
            (totals.hosts - good.min(totals.hosts)).to_string(),
            run.operator.clone(),
            run.reason.clone().unwrap_or_default(),
        ]);
    }
    table.render()
}
