//! `rollback`: take a run back from the journal, or delete what a playbook sets.

use std::collections::BTreeSet;

use playbooks::{Limits, Playbook};
use rollout::{
    HostSpec, Journal, RollbackError, RollbackOptions, RunId, RunSpec, Verb, rollback_spec,
};

use crate::args::{Global, Mode, OnConflict, Plan, Rollback};
use crate::confirm;
use crate::drive::{self, Target};
use crate::failure::{Failure, Outcome};
use crate::{exit_code, files, journal, out};

/// Either form.
pub(crate) fn run(global: &Global, rollback: &Rollback) -> Outcome {
    match rollback.mode {
        Mode::Restore => restore(global, rollback),
        Mode::Delete => delete(global, rollback),
    }
}

fn restore(global: &Global, rollback: &Rollback) -> Outcome {
    let Some(run) = &rollback.run else {
        return Err(Failure::new("rollback needs the run to take back")
            .hint("winfleet runs lists them; 'last' is the newest; --mode delete needs none"));
    };
    let journal = journal::writable(global)?;
    let id = journal::resolve(&journal, run)?;
    journal::refuse_simulated(&journal, &id, "taken back")?;
    let mut spec = None;
    let limit = global
        .limit
        .as_deref()
        .map(|text| files::parse_selector(text, "--limit"))
        .transpose()?;
    let wanted = |host: &HostSpec| {
        limit
            .as_ref()
            .is_none_or(|limit| limit.matches(&host.host, true))
    };
    selection(&journal, &id, rollback, &wanted)?;
    let rings: Vec<Option<String>> = match rollback.ring.as_slice() {
        [] => vec![None],
        // Each once, however often it is named.
        rings => {
            let once: BTreeSet<&String> = rings.iter().collect();
            once.into_iter().cloned().map(Some).collect()
        }
    };
    for ring in rings {
        let options = RollbackOptions {
            id: RunId::generate(),
            operator: drive::operator(),
            reason: global.reason.clone(),
            force: rollback.on_conflict == OnConflict::Force,
            hosts: Some(&wanted),
            ring,
        };
        match rollback_spec(&journal, &id, options) {
            Ok(found) => merge(&mut spec, found),
            Err(RollbackError::NothingToDo { .. }) => {}
            Err(error @ RollbackError::UnderWay { .. }) => {
                return Err(journal::held(&error, id.as_str()));
            }
            Err(error) => {
                return Err(Failure::caused(
                    format!("cannot take run {id} back"),
                    &error,
                ));
            }
        }
    }
    let Some(mut spec) = spec else {
        out::note(&format!(
            "run {id} left no change on the selected hosts: there is nothing to take back"
        ));
        return Ok(exit_code::DONE);
    };
    journal::override_settings(global, &mut spec.hosts)?;
    bound(&mut spec, rollback);
    if rollback.dry_run {
        return looked_at(global, spec);
    }
    drive::credentials_at_hand(&spec)?;
    confirm::rollback(global, &spec, id.as_str())?;
    drive::new_run(global, &journal, spec, Target::Real)
}

/// The limits of the rollback itself: those of the run it takes back are for going forward.
fn bound(spec: &mut RunSpec, rollback: &Rollback) {
    spec.limits = Limits {
        max_failed: rollback.max_failed,
        max_unreachable: rollback.max_unreachable,
        max_indeterminate: rollback.max_indeterminate,
    };
    if let Some(parallel) = rollback.max_parallel {
        spec.rings
            .iter_mut()
            .for_each(|ring| ring.max_parallel = parallel);
    }
}

/// `--dry-run`: the same screen as a plan, of what would be put back.
fn looked_at(global: &Global, spec: RunSpec) -> Outcome {
    let record = &spec.playbook;
    let playbook = document::Document::from_bytes(&record.file, record.text.as_bytes())
        .and_then(|document| Playbook::load(&document))?;
    let plan = Plan {
        out: None,
        detailed_exitcode: false,
        max_parallel: rollback_parallel(&spec),
    };
    super::plan::carry_out(global, spec, playbook, &plan)
}

fn rollback_parallel(spec: &RunSpec) -> u32 {
    let widest = spec.rings.iter().map(|ring| ring.max_parallel).max();
    widest.unwrap_or(playbooks::DEFAULT_MAX_PARALLEL)
}

/// What `-l` and `--ring` name is in the run: a slip of the pen is not "nothing to take back".
///
/// # Errors
/// An unknown ring (1), or no host of the run (10).
fn selection(
    journal: &Journal,
    id: &RunId,
    rollback: &Rollback,
    wanted: &dyn Fn(&HostSpec) -> bool,
) -> Result<(), Failure> {
    let spec = journal.spec(id).map_err(|error| journal::failure(&error))?;
    let names: Vec<&str> = spec.rings.iter().map(|ring| ring.name.as_str()).collect();
    known_rings(&rollback.ring, &names, &format!("run {id}"))?;
    let meant = |host: &HostSpec| {
        let ring = spec.rings.get(host.ring).map(|ring| &ring.name);
        rollback.ring.is_empty() || ring.is_some_and(|ring| rollback.ring.contains(ring))
    };
    if spec.hosts.iter().any(|host| wanted(host) && meant(host)) {
        Ok(())
    } else {
        Err(Failure::no_hosts(format!(
            "no host of run {id} is selected"
        )))
    }
}

fn known_rings(wanted: &[String], names: &[&str], of: &str) -> Result<(), Failure> {
    let Some(ring) = wanted.iter().find(|ring| !names.contains(&ring.as_str())) else {
        return Ok(());
    };
    let hint = match document::nearest(ring, names.iter().copied()) {
        Some(name) => format!("did you mean '{name}'?"),
        None => format!("it has {}", names.join(", ")),
    };
    Err(Failure::new(format!("{of} has no ring '{ring}'")).hint(hint))
}

fn merge(into: &mut Option<RunSpec>, more: RunSpec) {
    match into {
        None => *into = Some(more),
        Some(spec) => {
            for (mine, other) in spec.rings.iter_mut().zip(&more.rings) {
                mine.hosts += other.hosts;
            }
            spec.hosts.extend(more.hosts);
        }
    }
}

fn delete(global: &Global, rollback: &Rollback) -> Outcome {
    if rollback.run.is_some() {
        return Err(Failure::new("rollback --mode delete takes no RUN")
            .hint("it needs -i INVENTORY and -p PLAYBOOK, and deletes what that playbook sets"));
    }
    if rollback.on_conflict == OnConflict::Force {
        return Err(Failure::new(
            "rollback --mode delete takes no --on-conflict force: it deletes what is there, whoever wrote it",
        )
        .hint("leave it out; a conflict is between what a run left and what is there, and no run is named"));
    }
    let (inventory, playbook) = (files::inventory(global)?, files::playbook(global)?);
    let rings = playbook.strategy.rings.iter();
    let rings: Vec<&str> = rings.map(|ring| ring.name.as_str()).collect();
    known_rings(
        &rollback.ring,
        &rings,
        &format!("playbook '{}'", playbook.name),
    )?;
    let removal = playbook.removal();
    let (spec, unread) = super::push::spec(global, &inventory, &removal, Verb::RollbackDelete)?;
    unread.told(delete_on(global, rollback, &playbook, removal, spec))
}

fn delete_on(
    global: &Global,
    rollback: &Rollback,
    playbook: &Playbook,
    removal: Playbook,
    mut spec: RunSpec,
) -> Outcome {
    if !rollback.ring.is_empty() {
        let wanted: Vec<usize> = (0..spec.rings.len())
            .filter(|index| rollback.ring.contains(&spec.rings[*index].name))
            .collect();
        spec.hosts.retain(|host| wanted.contains(&host.ring));
        for (index, ring) in spec.rings.iter_mut().enumerate() {
            if !wanted.contains(&index) {
                ring.hosts = 0;
            }
        }
        if spec.hosts.is_empty() {
            return Err(Failure::no_hosts("no selected host is in such a ring"));
        }
    }
    // The playbook's limits hold where the command line has none.
    let limits = &mut spec.limits;
    limits.max_failed = rollback.max_failed.or(limits.max_failed);
    limits.max_unreachable = rollback.max_unreachable.or(limits.max_unreachable);
    limits.max_indeterminate = rollback.max_indeterminate.or(limits.max_indeterminate);
    if let Some(parallel) = rollback.max_parallel {
        let rings = spec.rings.iter_mut();
        rings.for_each(|ring| ring.max_parallel = parallel);
    }
    // The text is the playbook's own; what the run does with it is in its verb.
    spec.playbook.text.clone_from(&playbook.text);
    spec.playbook.digest = playbook.digest();
    if rollback.dry_run {
        let plan = Plan {
            out: None,
            detailed_exitcode: false,
            max_parallel: rollback_parallel(&spec),
        };
        return super::plan::carry_out(global, spec, removal, &plan);
    }
    drive::credentials_at_hand(&spec)?;
    drive::refuse_outside_window(global, &spec)?;
    confirm::push(global, &spec, &removal)?;
    let journal = journal::writable(global)?;
    drive::new_run(global, &journal, spec, Target::Real)
}
