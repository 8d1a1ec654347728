//! `push`: roll a playbook out.

use std::collections::BTreeMap;

use inventory::{Credential, Inventory};
use playbooks::{Examples, Playbook};
use rollout::{HostSpec, HostWork, PlaybookRecord, RunId, RunSpec, Verb, ring_plans};

use crate::args::{Global, Push};
use crate::confirm;
use crate::drive::{self, Target};
use crate::failure::{Failure, Outcome};
use crate::prepare::{self, Prepared};
use crate::{files, journal};

/// Reads the files, confirms, records the run and carries it out.
pub(crate) fn run(global: &Global, push: &Push) -> Outcome {
    if push.dry_run || push.plan.is_some() {
        let flag = if push.dry_run { "--dry-run" } else { "--plan" };
        return Err(Failure::new(format!("push {flag} is not built yet"))
            .hint("winfleet rehearse runs the same playbook against simulated hosts"));
    }
    let (inventory, playbook) = (files::inventory(global)?, files::playbook(global)?);
    let spec = spec(global, &inventory, &playbook, Verb::Push)?;
    drive::credentials_at_hand(&spec)?;
    drive::refuse_outside_window(global, &spec)?;
    confirm::push(global, &spec, &playbook)?;
    let journal = journal::writable(global)?;
    drive::new_run(global, &journal, spec, Target::Real)
}

/// The run that these files ask for.
pub(crate) fn spec(
    global: &Global,
    inventory: &Inventory,
    playbook: &Playbook,
    verb: Verb,
) -> Result<RunSpec, Failure> {
    let hosts = files::select(inventory, global.limit.as_deref())?;
    let prepared = prepare::prepare(playbook, &hosts, global, Examples::Refuse)?;
    Ok(assemble(
        global,
        playbook,
        prepared,
        &inventory.credentials,
        verb,
    ))
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
