//! One seed from its first controller to the last byte taken back.

use std::time::Duration;

use playbooks::RawValue;
use rollout::testing::{Point, host_name};
use rollout::{Outcome, RollbackError, RollbackOptions, RunId, RunRecord, RunSpec, rollback_spec};

use super::coverage::Coverage;
use super::schedule::{Life, Schedule};
use super::world::{Disturbance, Telling, World};
use super::{check, say};

/// The rollback that is disturbed; another one follows.
pub(crate) const FIRST_ROLLBACK: &str = "back";

/// What came of a seed.
pub(crate) struct Played {
    pub(crate) coverage: Coverage,
    /// All events of all runs.
    pub(crate) told: Option<String>,
}

/// Plays a seed, and asserts.
pub(crate) fn play(seed: u64, telling: Telling) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let schedule = Schedule::of(seed);
        if telling == Telling::Aloud {
            say(&schedule.to_string());
        }
        let world = World::new(&schedule.scripts, &schedule.spec, telling);
        let record = push(&world, &schedule).await;
        if schedule.timeless {
            as_undisturbed(&world, &schedule, &record).await;
        }
        take_back(&world, &schedule, &record).await;
        let told = world.told.as_ref().map(|told| told.take());
        Played {
            coverage: world.coverage.take(),
            told,
        }
    })
}

async fn push(world: &World, schedule: &Schedule) -> RunRecord {
    let disturbed = Disturbance {
        lives: &schedule.lives,
        again: schedule.again,
        swap: schedule.swap,
    };
    let record = world.carry_out(&schedule.spec, disturbed).await;
    check::everything(world, &schedule.spec, &record);
    if schedule.timeless {
        check::nothing_applied_twice(world, &schedule.scripts);
    }
    record
}

/// Promise 13: the run ended as it would have without any of this.
async fn as_undisturbed(world: &World, schedule: &Schedule, record: &RunRecord) {
    let quiet = World::new(&schedule.scripts, &schedule.spec, Telling::Nothing);
    let quietly = Disturbance {
        again: schedule.again,
        ..Disturbance::default()
    };
    let undisturbed = quiet.carry_out(&schedule.spec, quietly).await;
    let (one, other) = (check::comparable(record), check::comparable(&undisturbed));
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one, other, "a resumed run ends otherwise");
    }
    assert_eq!(world.fleet.registries(), quiet.fleet.registries());
    world.met("compared with an undisturbed run");
    if schedule
        .lives
        .iter()
        .any(|life| life.dies.is_some() || life.cut.is_some())
    {
        world.met("compared after a crash");
    }
}

/// Promise 2: a rollback under disturbances, and then a quiet one that leaves every byte as it was.
async fn take_back(world: &World, schedule: &Schedule, record: &RunRecord) {
    world.heal();
    let foreign = changed_by_somebody_else(world, schedule, record);
    for (number, fault) in schedule.back_faults.iter().enumerate() {
        world.fleet.with(&host_name(number), |host| {
            host.script.latency = Duration::from_millis(20);
            if let Some(fault) = fault {
                let next = Point::Undo(host.counters.undos + 1);
                host.script.faults.insert(next, fault.clone());
            }
        });
    }
    let done = roll_back(world, record, FIRST_ROLLBACK, &schedule.back, false).await;
    if done.is_none() {
        world.met("rollback without anything to do");
    }
    for (number, target, value) in &foreign {
        let name = host_name(*number);
        let now = world
            .fleet
            .with(&name, |host| host.registry.observe(target));
        assert_eq!(
            now.value(),
            Some(value),
            "{name}: the work of others was trampled on"
        );
        let done = done.as_ref().unwrap();
        let host = done.hosts.iter().find(|host| host.name == name).unwrap();
        assert_ne!(host.outcome, Outcome::RolledBack, "{name}");
    }
    world.heal();
    for number in 0..world.before.len() {
        let name = host_name(number);
        if let Some(machine) = world.seen.machine(&name) {
            world
                .fleet
                .with(&name, |host| host.script.guid = Some(machine));
        }
    }
    if !foreign.is_empty() {
        world.met("forced rollback");
    }
    roll_back(world, record, "back-again", &[], true).await;
    for (now, before) in world.fleet.registries().into_iter().zip(&world.before) {
        // Where nothing has to be taken back, the marker of a push that lost its host is left to expire.
        let (now, marks) = check::without_markers(now);
        assert_eq!(now, *before, "rolled back, a host differs");
        assert!(
            marks.iter().all(|run| *run == record.id.as_str()),
            "markers of {marks:?} are left"
        );
    }
}

type Foreign = (usize, playbooks::Target, RawValue);

/// On some hosts that the run changed, a value becomes one that nobody here knows.
fn changed_by_somebody_else(
    world: &World,
    schedule: &Schedule,
    record: &RunRecord,
) -> Vec<Foreign> {
    let mut all = Vec::new();
    let Some(remainder) = schedule.foreign else {
        return all;
    };
    for (number, host) in record.hosts.iter().enumerate() {
        let changes = host.steps.iter().flat_map(|step| &step.changes);
        let mut written = changes.filter(|change| {
            change
                .after
                .as_ref()
                .is_some_and(|after| *after != change.before)
        });
        let Some(change) = written
            .next_back()
            .filter(|_| number % 3 == remainder && host.outcome == Outcome::Ok)
        else {
            continue;
        };
        let value = playbooks::Typed::Sz("of somebody else".to_owned()).to_raw();
        world.fleet.with(&host.name, |host| {
            host.registry.set(&change.target, value.clone())
        });
        world.met("changed by somebody else");
        all.push((number, change.target.clone(), value));
    }
    all
}

async fn roll_back(
    world: &World,
    of: &RunRecord,
    id: &str,
    lives: &[Life],
    force: bool,
) -> Option<RunRecord> {
    let options = RollbackOptions {
        id: RunId::from_text(id),
        operator: "test".into(),
        reason: None,
        force,
        hosts: None,
        ring: None,
    };
    let spec: RunSpec = match rollback_spec(&world.journal, &of.id, options) {
        Err(RollbackError::NothingToDo { .. }) => return None,
        spec => spec.unwrap(),
    };
    if !lives.is_empty() {
        world.met("rollback disturbed");
    }
    let disturbed = Disturbance {
        lives,
        ..Disturbance::default()
    };
    let record = world.carry_out(&spec, disturbed).await;
    check::everything(world, &spec, &record);
    Some(record)
}
