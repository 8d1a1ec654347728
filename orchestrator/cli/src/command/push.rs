//! `push`: roll a playbook out.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use inventory::{Credential, HostName, Inventory};
use playbooks::{DEFAULT_MAX_PARALLEL, Examples, Playbook};
use report::plan::Plan as View;
use rollout::{HostSpec, HostWork, PlaybookRecord, RunId, RunSpec, Verb, ring_plans};

use crate::args::{self, Global, Push};
use crate::confirm;
use crate::drive::{self, Target};
use crate::failure::{Failure, Outcome};
use crate::prepare::{self, Prepared};
use crate::selection::{Limit, Unread};
use crate::{exit_code, files, journal, out, plan_file};

/// Reads the files, confirms, records the run and carries it out.
pub(crate) fn run(global: &Global, push: &Push) -> Outcome {
    if let Some(path) = &push.plan {
        return planned(global, path, push.dry_run);
    }
    let (inventory, playbook) = (files::inventory(global)?, files::playbook(global)?);
    let (spec, unread) = spec(global, &inventory, &playbook, Verb::Push)?;
    unread.told(carry_out(global, push, spec, playbook))
}

fn carry_out(global: &Global, push: &Push, spec: RunSpec, playbook: Playbook) -> Outcome {
    if push.dry_run {
        let plan = args::Plan {
            out: None,
            detailed_exitcode: false,
            max_parallel: DEFAULT_MAX_PARALLEL,
        };
        return super::plan::carry_out(global, spec, playbook, &plan);
    }
    drive::credentials_at_hand(&spec)?;
    drive::refuse_outside_window(global, &spec)?;
    confirm::push(global, &spec, &playbook)?;
    let journal = journal::writable(global)?;
    drive::new_run(global, &journal, spec, Target::Real)
}

/// Carries a plan file out, exactly. With `show` it is only shown; nobody is contacted then.
fn planned(global: &Global, path: &Path, show: bool) -> Outcome {
    let plan = plan_file::read(path)?;
    let found = plan.found.iter().map(|found| match found {
        Ok(steps) => Ok(steps.as_slice()),
        Err(error) => Err(error),
    });
    let mut view = View::new(&plan.spec, found);
    view.hash = Some(plan.hash.clone());
    view.verbose = global.verbose > 0;
    if show {
        out::result(&super::plan::rendered(global, &view))?;
        return Ok(exit_code::DONE);
    }
    let spec = RunSpec {
        operator: drive::operator(),
        reason: global.reason.clone().or_else(|| plan.spec.reason.clone()),
        ..plan.spec.clone()
    };
    if spec.hosts.is_empty() {
        return Err(Failure::no_hosts("the plan has no hosts"));
    }
    drive::credentials_at_hand(&spec)?;
    drive::refuse_outside_window(global, &spec)?;
    confirm::plan(global, &plan, &view)?;
    let journal = journal::writable(global)?;
    drive::new_run(global, &journal, spec, Target::Real)
}

/// The run that these files ask for. Where facts decide who is in it, hosts are read for them, once everything is judged
/// that can be judged before.
pub(crate) fn spec(
    global: &Global,
    inventory: &Inventory,
    playbook: &Playbook,
    verb: Verb,
) -> Result<(RunSpec, Unread), Failure> {
    let limit = Limit::parse(global, inventory)?;
    let candidates = limit.candidates();
    let mut prepared = prepare::prepare(playbook, inventory, candidates, global, Examples::Refuse)?;
    let groups = prepare::group_caps(playbook, inventory)?;
    let selected = limit.settle(global)?;
    let names: HashSet<&HostName> = selected.hosts.iter().map(|host| &host.name).collect();
    prepared.retain(|prepared| names.contains(&prepared.host.name));
    let spec = assemble(global, playbook, prepared, &inventory.credentials, verb);
    Ok((RunSpec { groups, ..spec }, selected.unread))
}

/// Puts prepared hosts and their playbook together.
pub(crate) fn assemble(
    global: &Global,
    playbook: &Playbook,
    prepared: Vec<Prepared>,
    credentials: &BTreeMap<String, Credential>,
    verb: Verb,
) -> RunSpec {
    let rings: Vec<usize> = prepared.iter().map(|host| host.ring).collect();
    let strategy = &playbook.strategy;
    let hosts = prepared
        .into_iter()
        .map(|prepared| {
            let name = prepared.host.settings.credential.value.clone();
            HostSpec {
                credential: name.and_then(|name| credentials.get(&name)).cloned(),
                host: prepared.host,
                ring: prepared.ring,
                vars: prepared.vars.0,
                work: HostWork::Apply,
                planned: None,
            }
        })
        .collect();
    RunSpec {
        id: RunId::generate(),
        verb,
        simulated: false,
        operator: drive::operator(),
        reason: global.reason.clone(),
        playbook: PlaybookRecord {
            name: playbook.name.clone(),
            file: playbook.file.clone(),
            text: playbook.text.clone(),
            digest: playbook.digest(),
        },
        rings: ring_plans(strategy, &rings),
        limits: strategy.limits,
        on_breach: strategy.on_breach,
        deadline: strategy.deadline,
        groups: strategy.groups.clone(),
        retries: strategy.retries,
        hosts,
        source_run: None,
        plan_hash: None,
    }
}
