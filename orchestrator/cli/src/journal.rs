//! The journal as verbs use it: where it lies, which run is meant, what its errors tell the operator.

use std::collections::BTreeMap;
use std::path::PathBuf;

use inventory::{Credential, Host};
use rollout::{HostSpec, Journal, JournalError, OpenMode, RunId, RunRecord, RunSummary, Verb};

use crate::args::Global;
use crate::failure::{Failure, Sent};
use crate::{files, state_dir};

/// Where the journal is.
pub(crate) fn path(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(path) = &global.journal {
        return Ok(path.clone());
    }
    let folder = state_dir::create().map_err(|error| {
        Failure::caused("cannot make the folder of the journal", &error)
            .hint("name a file with --journal")
    })?;
    Ok(folder.join(state_dir::JOURNAL))
}

/// For verbs that run hosts.
pub(crate) fn writable(global: &Global) -> Result<Journal, Failure> {
    let journal =
        Journal::open(&path(global)?, OpenMode::ReadWrite).map_err(|error| failure(&error))?;
    refuse_living(&journal, &global.void.void_markers)?;
    Ok(journal)
}

/// A marker is void only where nobody works for its run: as far as this journal knows, that is made sure.
fn refuse_living(journal: &Journal, void: &[String]) -> Result<(), Failure> {
    for run in void {
        if run == "last" {
            return Err(
                Failure::new("--void-marker takes the whole id of a run, not 'last'")
                    .hint("a host that is held says which run holds it"),
            );
        }
        if let Some(holder) = journal.holder(&RunId::from_text(run)) {
            return Err(Failure::refused(format!(
                "--void-marker {run}: that run is at work ({holder})"
            ))
            .hint(format!("wait for it, or stop it: winfleet abort {run}")));
        }
    }
    Ok(())
}

/// For verbs that only look; `None` where there is no journal yet.
pub(crate) fn readable(global: &Global) -> Result<Option<Journal>, Failure> {
    match Journal::open(&path(global)?, OpenMode::ReadOnly) {
        Ok(journal) => Ok(Some(journal)),
        Err(JournalError::Missing(_)) => Ok(None),
        Err(error) => Err(failure(&error)),
    }
}

/// The run that an id, a prefix or `last` stands for.
pub(crate) fn resolve(journal: &Journal, text: &str) -> Result<RunId, Failure> {
    journal.resolve(text).map_err(|error| failure(&error))
}

/// The journal with the run that is meant, for verbs that only look.
pub(crate) fn named(global: &Global, text: &str) -> Result<(Journal, RunId), Failure> {
    let Some(journal) = readable(global)? else {
        return Err(
            Failure::new(format!("there is no run '{text}': the journal is empty"))
                .hint("--journal FILE names another one"),
        );
    };
    let id = resolve(&journal, text)?;
    Ok((journal, id))
}

/// A run with all it did.
pub(crate) fn record(global: &Global, text: &str) -> Result<(Journal, RunRecord), Failure> {
    let (journal, id) = named(global, text)?;
    let record = journal.run(&id).map_err(|error| failure(&error))?;
    Ok((journal, record))
}

/// The newest rollback of a run that has begun, if there is one.
pub(crate) fn taken_back_by(
    journal: &Journal,
    id: &RunId,
) -> Result<Option<RunSummary>, JournalError> {
    Ok(journal.runs()?.into_iter().find(|run| {
        run.verb == Verb::Rollback && run.source_run.as_ref() == Some(id) && run.started.is_some()
    }))
}

/// A simulated run says nothing about real hosts.
pub(crate) fn refuse_simulated(journal: &Journal, id: &RunId, what: &str) -> Result<(), Failure> {
    let record = journal.run(id).map_err(|error| failure(&error))?;
    if record.simulated {
        return Err(Failure::refused(format!(
            "run {id} is a rehearsal: it cannot be {what} on real hosts"
        ))
        .hint("winfleet rehearse --then-rollback shows both"));
    }
    Ok(())
}

/// An error of the journal with what to do about it.
pub(crate) fn failure(error: &JournalError) -> Failure {
    if let JournalError::Held { run, .. } = error {
        return held(error, run);
    }
    if let JournalError::NotResumable { .. } = error {
        return Failure::refused(error.to_string()).hint(
            "winfleet status says how it ended; after a stop, --only names the hosts to do again",
        );
    }
    let headline = match error {
        JournalError::UnknownRun(_) | JournalError::AmbiguousRun { .. } => "no such run",
        _ => "the journal cannot be used for this",
    };
    Failure::caused(headline, error)
        .hint(remedy(error).unwrap_or("--journal FILE names another one"))
}

/// An error after hosts may have been written to: what came of that is in the journal, as far as it got.
pub(crate) fn failure_within(error: &JournalError, id: &RunId) -> Failure {
    let failure = Failure::caused(format!("run {id} could not go on"), error);
    let failure = failure.sent(Sent::Run(id.to_string()));
    match remedy(error) {
        Some(remedy) => failure.hint(remedy),
        None => failure,
    }
}

/// What to do about it, where another journal is not the answer.
pub(crate) fn remedy(error: &JournalError) -> Option<&'static str> {
    Some(match error {
        JournalError::Locked(_) => "another program has it; try again when that is done",
        JournalError::DiskFull(_) => "free some space; nothing that was recorded is lost",
        JournalError::Refused { .. } => {
            "look at quotas, limits and the disk itself; nothing that was recorded is lost"
        }
        JournalError::ReadOnly(_) => {
            "make both writable for you; to read it only, name a copy with --journal FILE"
        }
        JournalError::NotAJournal { .. } | JournalError::Damaged { .. } => {
            "the file was left as it is; --journal FILE names another one"
        }
        JournalError::UnknownRun(_) | JournalError::AmbiguousRun { .. } => {
            "winfleet runs lists them"
        }
        _ => return None,
    })
}

/// A run has one holder: whoever comes second is told who the first is, and is refused.
pub(crate) fn held(error: &dyn std::error::Error, run: &str) -> Failure {
    Failure::refused(error.to_string()).hint(format!(
        "winfleet status {run} --watch follows it; winfleet pause or abort {run} stops it"
    ))
}

/// Hosts of `-i`, whose address and credential override the recorded ones.
pub(crate) type Overrides = BTreeMap<inventory::HostName, (Host, Option<Credential>)>;

/// Reads `-i` of a verb that takes a run.
pub(crate) fn overrides(global: &Global) -> Result<Overrides, Failure> {
    if global.inventory.is_empty() {
        return Ok(Overrides::new());
    }
    let inventory = files::inventory(global)?;
    let credential = |host: &Host| {
        let name = host.settings.credential.value.as_ref()?;
        inventory.credentials.get(name).cloned()
    };
    Ok(inventory
        .hosts
        .iter()
        .map(|host| (host.name.clone(), (host.clone(), credential(host))))
        .collect())
}

/// Puts the address and credential of `-i` in force for one host.
pub(crate) fn apply_override(overrides: &Overrides, spec: &mut HostSpec) {
    if let Some((host, credential)) = overrides.get(&spec.host.name) {
        let (mine, theirs) = (&mut spec.host.settings, &host.settings);
        mine.address = theirs.address.clone();
        mine.port = theirs.port.clone();
        if credential.is_some() {
            mine.credential = theirs.credential.clone();
            spec.credential.clone_from(credential);
        }
    }
}

/// [`apply_override`] for all hosts of a new run.
pub(crate) fn override_settings(global: &Global, hosts: &mut [HostSpec]) -> Result<(), Failure> {
    let overrides = overrides(global)?;
    hosts
        .iter_mut()
        .for_each(|host| apply_override(&overrides, host));
    Ok(())
}
