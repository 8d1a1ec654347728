//! Whether a run proved what is exported: the same playbook, a good end, and hosts on which these very values were read
//! back and not taken back since.

use std::collections::BTreeMap;

use inventory::HostName;
use playbooks::{Export, ExportValue, Observed, Playbook};
use report::text::counted;
use rollout::{HostRecord, Journal, Outcome, RunId, RunRecord, Verb};

use crate::args::Global;
use crate::failure::Failure;
use crate::journal;

/// The sentence for the file.
///
/// # Errors
/// The run does not prove it (exit 8), or there is no such run.
pub(super) fn by_run(
    global: &Global,
    run: &str,
    playbook: &Playbook,
    export: &Export,
) -> Result<String, Failure> {
    let (journal, record) = journal::record(global, run)?;
    let no =
        |why: String| Failure::refused(format!("run {} does not prove this: {why}", record.id));
    if record.simulated {
        return Err(no("its hosts were simulated".to_owned()));
    }
    if record.verb != Verb::Push {
        return Err(no(format!("it is a {}", record.verb)));
    }
    if record.digest != playbook.digest() {
        let why = format!("it had another playbook (sha256 {})", record.digest);
        return Err(no(why).hint("export the playbook as it was then, or push this one first"));
    }
    if record.exit_code != Some(0) {
        let why = match record.exit_code {
            Some(code) => format!("it ended with exit code {code}"),
            None => "it has not ended".to_owned(),
        };
        return Err(no(why).hint("winfleet status shows how it stands"));
    }
    let proved = hosts(&record, export);
    if proved.is_empty() {
        return Err(
            no("on no host were all of these values read back".to_owned())
                .hint("the variables (-e, -i) or the choice of steps differ from those of the run"),
        );
    }
    let taken_back = taken_back(&journal, &record.id)?;
    let back: Vec<&RunId> = proved
        .iter()
        .filter_map(|host| taken_back.get(&host.name))
        .collect();
    let stand = proved.len() - back.len();
    let by = || {
        let mut runs: Vec<&str> = back.iter().map(|run| run.as_str()).collect();
        runs.sort_unstable();
        runs.dedup();
        report::text::examples(runs, 3)
    };
    if stand == 0 {
        let why = format!("it was taken back by run {}", by());
        return Err(no(why).hint("what was rolled back proves nothing: push it again first"));
    }
    let mut sentence = format!(
        "Proved by run {} ({}): these values were read back on {}",
        record.id,
        record
            .finished
            .map_or_else(String::new, |time| time.to_string()),
        counted(stand, "host")
    );
    if !back.is_empty() {
        sentence.push_str(&format!(
            ", without {} that run {} took back since",
            counted(back.len(), "host"),
            by()
        ));
    }
    Ok(sentence)
}

/// Hosts that are ok and hold every exported value.
fn hosts<'r>(record: &'r RunRecord, export: &Export) -> Vec<&'r HostRecord> {
    let proved = |host: &&HostRecord| {
        host.outcome == Outcome::Ok && export.values.iter().all(|value| holds(host, value))
    };
    record.hosts.iter().filter(proved).collect()
}

/// Hosts on which a rollback of the run changed something, or may have, and the newest such rollback.
fn taken_back(journal: &Journal, id: &RunId) -> Result<BTreeMap<HostName, RunId>, Failure> {
    let failed = |error| journal::failure(&error);
    let mut hosts = BTreeMap::new();
    let rollbacks = journal.runs().map_err(failed)?.into_iter();
    for run in rollbacks.filter(|run| run.source_run.as_ref() == Some(id)) {
        let record = journal.run(&run.id).map_err(failed)?;
        for host in record.hosts {
            let touched = host.changed
                || matches!(host.outcome, Outcome::RolledBack | Outcome::Indeterminate);
            if touched {
                // The newest stands first.
                hosts.entry(host.name).or_insert_with(|| run.id.clone());
            }
        }
    }
    Ok(hosts)
}

fn holds(host: &HostRecord, value: &ExportValue) -> bool {
    let mut changes = host.steps.iter().flat_map(|step| &step.changes);
    changes.any(|change| {
        let found: Option<&Observed> = change.after.as_ref();
        change.target == value.change.target
            && found.is_some_and(|found| value.change.desired.satisfied_by(found))
    })
}
