//! `catch-up`: the hosts of a run that were unreachable, once or again and again.
//!
//! A cheap probe comes first, so that a dead host costs one bounded connect and no worker. What answers is taken up
//! under the run's own rings, windows and limits; the rest stays as it is.

use std::cell::Cell;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use inventory::HostName;
use playbooks::{Window, WindowState};
use report::text::counted;
use rollout::{
    HoldCause, HostId, HostSpec, Journal, JournalError, Outcome as HostOutcome, ResumeOptions,
    RunId, RunRecord, RunSpec, RunState, StopCause,
};
use session::RealFleet;

use crate::args::{CatchUp, Global};
use crate::drive::{self, Target};
use crate::failure::{Failure, Outcome, Sent};
use crate::interrupt::Interrupts;
use crate::{confirm, event_file, exit_code, files, journal, out};

/// Probes at once, and how long one may take: 20,000 dead hosts are asked in under four minutes.
const PROBES: usize = 512;
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes up what answers.
pub(crate) fn run(global: &Global, catch_up: &CatchUp) -> Outcome {
    let journal = journal::writable(global)?;
    let id = journal::resolve(&journal, &catch_up.run)?;
    journal::refuse_simulated(&journal, &id, "caught up")?;
    let record = may_be_caught_up(&journal, &id)?;
    let overrides = journal::overrides(global)?;
    let adjust = |host: &mut HostSpec| journal::apply_override(&overrides, host);
    let mut spec = journal
        .spec(&id)
        .map_err(|error| journal::failure(&error))?;
    spec.hosts.iter_mut().for_each(adjust);
    let wanted = wanted(global, &spec)?;
    let sweep = Sweep {
        global,
        journal: &journal,
        id: &id,
        adjust: &adjust,
        wanted,
        spec: &spec,
        begun: Cell::new(false),
        events: event_file::of_run(global, &journal, &id)?,
    };
    if sweep.open(&record).is_empty() {
        out::result(&format!("run {id}: no selected host is unreachable\n"))?;
        return Ok(exit_code::DONE);
    }
    drive::credentials_at_hand(&spec)?;
    confirm::resume(global, &journal, &id)?;
    let fleet = Arc::new(drive::fleet_of(global, &spec, Target::Real)?);
    let runtime = drive::runtime()?;
    let code = sweeps(&sweep, catch_up, &fleet, &runtime);
    runtime.shutdown_timeout(Duration::from_secs(5));
    let code = code?;
    let record = sweep
        .record()
        .map_err(|failure| failure.sent(Sent::Perhaps))?;
    let told = out::result(&drive::rendered(global, &record));
    told.map_err(|failure| failure.sent(Sent::Recorded(id.to_string())))?;
    Ok(code)
}

fn sweeps(
    sweep: &Sweep<'_>,
    catch_up: &CatchUp,
    fleet: &Arc<RealFleet>,
    runtime: &tokio::runtime::Runtime,
) -> Outcome {
    let until = catch_up
        .lasting
        .and_then(|lasting| Instant::now().checked_add(lasting));
    loop {
        let code = sweep.once(fleet, runtime)?;
        let record = sweep
            .record()
            .map_err(|failure| failure.sent(Sent::Perhaps))?;
        let left = sweep.open(&record).len();
        let (Some(every), Some(until)) = (catch_up.every, until) else {
            return Ok(code);
        };
        let ended = (!matches!(record.state, RunState::Succeeded | RunState::Failed)
            && !window_closed(&record))
            || record.stopped.is_some();
        if left == 0 || ended || Instant::now() + every > until {
            return Ok(code);
        }
        out::note(&format!(
            "{} unreachable; looking again in {}",
            counted(left, "host"),
            playbooks::duration_text(every)
        ));
        let mut interrupts = Interrupts::listen();
        let interrupted = runtime.block_on(async {
            tokio::select! {
                () = interrupts.stop() => true,
                () = tokio::time::sleep(every) => false,
            }
        });
        if interrupted {
            return Ok(exit_code::INTERRUPTED);
        }
    }
}

/// What every sweep needs.
struct Sweep<'a> {
    global: &'a Global,
    journal: &'a Journal,
    id: &'a RunId,
    adjust: &'a dyn Fn(&mut HostSpec),
    /// Per host of the run: selected.
    wanted: Vec<bool>,
    spec: &'a RunSpec,
    /// A sweep has begun: what goes wrong from now on may come after a write.
    begun: Cell<bool>,
    events: Option<File>,
}

impl Sweep<'_> {
    fn record(&self) -> Result<RunRecord, Failure> {
        let record = self.journal.run(self.id);
        record.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &JournalError) -> Failure {
        match self.begun.get() {
            true => journal::failure_within(error, self.id),
            false => journal::failure(error),
        }
    }

    /// Selected hosts that are still unreachable.
    fn open(&self, record: &RunRecord) -> Vec<(HostId, HostName)> {
        let hosts = record.hosts.iter().zip(&self.wanted).enumerate();
        hosts
            .filter(|(_, (host, wanted))| **wanted && host.outcome == HostOutcome::Unreachable)
            .filter_map(|(index, (host, _))| {
                Some((HostId(u32::try_from(index).ok()?), host.name.clone()))
            })
            .collect()
    }

    fn once(&self, fleet: &Arc<RealFleet>, runtime: &tokio::runtime::Runtime) -> Outcome {
        // Somebody may have taken the run back, or up, since the last sweep.
        let record = may_be_caught_up(self.journal, self.id);
        let record = record.map_err(|failure| match self.begun.get() {
            true => failure.sent(Sent::Perhaps),
            false => failure,
        })?;
        let before = record.exit_code.unwrap_or(exit_code::DONE);
        let mut open = self.open(&record);
        let all = open.len();
        open.retain(|(id, _)| self.window_is_open(*id));
        if open.len() < all {
            let shut = counted(all - open.len(), "host");
            out::note(&format!(
                "{shut} left alone: the window of the ring is closed"
            ));
        }
        let names: Vec<HostName> = open.iter().map(|(_, name)| name.clone()).collect();
        let answers = runtime.block_on(fleet.answering(&names, PROBES, PATIENCE));
        let alive: Vec<HostId> = open
            .iter()
            .zip(answers)
            .filter(|(_, answer)| *answer)
            .map(|((id, _), _)| *id)
            .collect();
        out::note(&format!(
            "{} of {} answer",
            alive.len(),
            counted(names.len(), "unreachable host")
        ));
        if alive.is_empty() {
            return Ok(if names.is_empty() {
                exit_code::REFUSED
            } else {
                before
            });
        }
        let options = ResumeOptions {
            only: vec![HostOutcome::Unreachable],
            hosts: Some(alive),
            operator: Some(drive::operator()),
            adjust: Some(self.adjust),
        };
        let active = self
            .journal
            .resume_run(self.id, options)
            .map_err(|error| self.failed(&error))?;
        self.begun.set(true);
        // One file over all sweeps: they share its position.
        let events = self.events.as_ref().and_then(|file| file.try_clone().ok());
        drive::work(
            self.global,
            self.journal,
            active,
            Arc::clone(fleet),
            runtime,
            events,
        )
    }

    fn window_is_open(&self, id: HostId) -> bool {
        let host = self.spec.hosts.get(id.index());
        let ring = host.and_then(|host| self.spec.rings.get(host.ring));
        ring.is_none_or(|ring| {
            let now = jiff::Timestamp::now();
            matches!(Window::any(&ring.gates.windows, now), WindowState::Open(_))
        })
    }
}

/// Only a run that went its way: one that was taken back, aborted, stopped or is not at its end is refused (8).
fn may_be_caught_up(journal: &Journal, id: &RunId) -> Result<RunRecord, Failure> {
    let failed = |error| journal::failure(&error);
    let record = journal.run(id).map_err(failed)?;
    let refused = |why: &str, hint: String| {
        Err(Failure::refused(format!("run {id} is not caught up: {why}")).hint(hint))
    };
    if let Some(holder) = journal.holder(id) {
        let run = id.to_string();
        return Err(journal::failure(&JournalError::Held { run, holder }));
    }
    if record.state == RunState::Cancelled || record.stopped == Some(StopCause::Abort) {
        return refused("it was aborted", "push again".to_owned());
    }
    let taken_back = journal::taken_back_by(journal, id).map_err(failed)?;
    if record.rolled_back || taken_back.is_some() {
        return refused("it was taken back", "push again".to_owned());
    }
    if record.stopped == Some(StopCause::Limit) {
        return refused(
            "a limit stopped it",
            format!("winfleet resume {id} --only unreachable"),
        );
    }
    if !record.state.is_final() && !window_closed(&record) {
        return refused("it has not ended", format!("winfleet resume {id}"));
    }
    Ok(record)
}

/// A sweep was under way when the window closed: all that the run waits with are hosts that had been unreachable.
fn window_closed(record: &RunRecord) -> bool {
    let cause = record.hold.as_ref().map(|hold| hold.cause);
    record.state == RunState::Paused
        && record.exit_code.is_some()
        && cause == Some(HoldCause::Window)
        && record.totals.not_started == 0
}

fn wanted(global: &Global, spec: &RunSpec) -> Result<Vec<bool>, Failure> {
    let limit = global
        .limit
        .as_deref()
        .map(|text| files::parse_selector(text, "--limit"))
        .transpose()?;
    let wanted: Vec<bool> = spec
        .hosts
        .iter()
        .map(|host| {
            limit
                .as_ref()
                .is_none_or(|limit| limit.matches(&host.host, true))
        })
        .collect();
    if wanted.contains(&true) {
        Ok(wanted)
    } else {
        Err(Failure::no_hosts("no host of the run is selected"))
    }
}
