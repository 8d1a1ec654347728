//! Whether a run proved what is exported: the same playbook, a good end, and hosts on which these very values were read
//! back.

use playbooks::{Export, ExportValue, Observed, Playbook};
use report::text::counted;
use rollout::{HostRecord, Outcome, RunRecord, Verb};

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
    let (_, record) = journal::record(global, run)?;
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
    if proved == 0 {
        return Err(
            no("on no host were all of these values read back".to_owned())
                .hint("the variables (-e, -i) or the choice of steps differ from those of the run"),
        );
    }
    Ok(format!(
        "Proved by run {} ({}): these values were read back on {}",
        record.id,
        record
            .finished
            .map_or_else(String::new, |time| time.to_string()),
        counted(proved, "host")
    ))
}

/// Hosts that are ok and hold every exported value.
fn hosts(record: &RunRecord, export: &Export) -> usize {
    let proved = |host: &&HostRecord| {
        host.outcome == Outcome::Ok && export.values.iter().all(|value| holds(host, value))
    };
    record.hosts.iter().filter(proved).count()
}

fn holds(host: &HostRecord, value: &ExportValue) -> bool {
    let mut changes = host.steps.iter().flat_map(|step| &step.changes);
    changes.any(|change| {
        let found: Option<&Observed> = change.after.as_ref();
        change.target == value.change.target
            && found.is_some_and(|found| value.change.desired.satisfied_by(found))
    })
}
