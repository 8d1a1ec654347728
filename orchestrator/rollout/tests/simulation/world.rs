//! One journal, one fleet, and the controllers that come and go over them.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rollout::state::{Command, Order};
use rollout::testing::{Registry, Script, Scripted, host_name};
use rollout::{
    ActiveRun, Clock, Control, EngineError, Event, Journal, JournalOptions, OpenMode, Outcome,
    ResumeOptions, RunId, RunRecord, RunResult, RunSpec, RunState,
};
use rusqlite::Connection;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::coverage::Coverage;
use super::play;
use super::schedule::{Again, Life};
use super::witness::{Seen, watched};

/// More controllers than any schedule needs.
const MOST_LIVES: usize = 60;

/// Longer than all soaks and orders; whoever still waits then is killed.
const LONGEST_LIFE: Duration = Duration::from_secs(200);

/// What `resume` is told when a run is reopened.
const NOT_WELL: [Outcome; 3] = [
    Outcome::Failed,
    Outcome::Unreachable,
    Outcome::Indeterminate,
];

pub(crate) struct World {
    _folder: tempfile::TempDir,
    path: PathBuf,
    pub(crate) journal: Journal,
    pub(crate) fleet: Scripted,
    pub(crate) before: Vec<Registry>,
    pub(crate) seen: Seen,
    pub(crate) coverage: RefCell<Coverage>,
    /// All events of all runs, a line each, where somebody wants to know.
    pub(crate) told: Option<RefCell<String>>,
    trace: bool,
}

/// What is made of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    Nothing,
    /// Kept as text.
    Kept,
    /// Shown as well.
    Aloud,
}

type Ended = Result<RunResult, EngineError>;

/// What disturbs one run.
#[derive(Clone, Copy, Default)]
pub(crate) struct Disturbance<'a> {
    pub(crate) lives: &'a [Life],
    pub(crate) again: Option<Again>,
    /// After which controller which host is another machine.
    pub(crate) swap: Option<(usize, usize)>,
}

impl World {
    pub(crate) fn new(scripts: &[Script], spec: &RunSpec, telling: Telling) -> Self {
        let folder = folder();
        let path = folder.path().join("journal.sqlite");
        let mut options = JournalOptions::new(OpenMode::ReadWrite);
        options.inline = true;
        let noon: jiff::Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let began = Instant::now();
        options.clock = Clock::from_fn(move || noon + began.elapsed());
        let journal = Journal::open_with(&path, &options).unwrap();
        let seen = Seen::default();
        let fleet = watched(Scripted::of(scripts.iter().cloned()), &path, spec, &seen);
        let before = fleet.registries();
        Self {
            _folder: folder,
            path,
            journal,
            fleet,
            before,
            seen,
            coverage: RefCell::default(),
            told: (telling != Telling::Nothing).then(RefCell::default),
            trace: telling == Telling::Aloud,
        }
    }

    /// All controllers of a run, disturbed ones first, then as many quiet ones as it takes.
    pub(crate) async fn carry_out(&self, spec: &RunSpec, by: Disturbance<'_>) -> RunRecord {
        let (id, quiet) = (&spec.id, Life::default());
        let mut again = by.again;
        let mut only = Vec::new();
        for number in 0..MOST_LIVES {
            let life = by.lives.get(number).unwrap_or(&quiet);
            let active = if number == 0 {
                self.journal.create_run(spec.clone()).unwrap()
            } else {
                let resume = ResumeOptions {
                    only: only.clone(),
                    ..ResumeOptions::default()
                };
                self.journal.resume_run(id, resume).unwrap()
            };
            let ended = self.live(active, life).await;
            if let Some((_, host)) = by.swap.filter(|(after, _)| *after == number) {
                self.met("another machine under the name");
                self.tell(format!("{}: now another machine answers", host_name(host)));
                let other = Some("another".to_owned());
                self.fleet
                    .with(&host_name(host), |host| host.script.guid = other);
            }
            let record = self.journal.run(id).unwrap();
            let unheard = record.state.is_final() && !matches!(ended, Some(Ok(_)));
            self.judge_end(&record, ended, life);
            if unheard && !only.is_empty() {
                // Not even the resume itself was recorded: it is asked for again.
                continue;
            }
            only.clear();
            match (record.state, again.take()) {
                (RunState::Failed | RunState::Stuck, Some(again)) => {
                    self.met("reopened with --only");
                    only = NOT_WELL.to_vec();
                    if again.healed {
                        self.heal();
                    }
                }
                (state, _) if state.is_final() => return record,
                (_, kept) => {
                    again = kept;
                    self.approve(id);
                }
            }
        }
        panic!("{id} has not ended after {MOST_LIVES} controllers");
    }

    /// Nothing stands in the way any more.
    pub(crate) fn heal(&self) {
        for number in 0..self.before.len() {
            self.fleet.with(&host_name(number), |host| {
                host.script = Script {
                    guid: host.script.guid.clone(),
                    facts: host.script.facts.clone(),
                    ..Script::default()
                };
                host.lost = false;
            });
        }
    }

    pub(crate) fn met(&self, what: &'static str) {
        self.coverage.borrow_mut().met(what);
    }

    fn approve(&self, id: &RunId) {
        let order = Order {
            command: Command::Approve(None),
            operator: "bob@desk".to_owned(),
        };
        // Most often nothing waits for an approval, and it says so.
        if self.journal.order_idle(id, &order).unwrap().is_ok() {
            self.met("orders: approve");
        }
    }

    /// One controller from its first word to its end; `None`: it was killed.
    async fn live(&self, active: ActiveRun, life: &Life) -> Option<Ended> {
        let id = active.spec().id.clone();
        self.met("controllers");
        let control = Control {
            attended: life.attended,
            orders: (!life.orders.is_empty()).then_some(Duration::from_millis(500)),
            // The clock of a host stands still here: a marker of a rollback that died never expires.
            void_markers: [play::FIRST_ROLLBACK.to_owned()].into(),
            ..Control::default()
        };
        let sql = Connection::open(&self.path).unwrap();
        if let Some(more) = life.cut {
            cut(&sql, more);
        }
        self.tell(format!("{}: a controller: {}", id, life.text()));
        let (events, mut heard) = mpsc::unbounded_channel();
        let fleet = Arc::new(self.fleet.clone());
        let mut engine = tokio::spawn(rollout::run(active, fleet, events, control.clone()));
        let dies = life.dies.unwrap_or(LONGEST_LIFE);
        let ended = tokio::select! {
            biased;
            ended = &mut engine => Some(ended.unwrap()),
            () = self.speak(&id, life) => None,
            () = self.press(life, &control) => None,
            () = tokio::time::sleep(dies) => None,
        };
        if ended.is_none() {
            self.met("controllers killed");
            engine.abort();
            drop(engine.await);
        }
        while let Ok(event) = heard.try_recv() {
            self.tell_event(&event);
        }
        sql.execute_batch("DROP TRIGGER IF EXISTS cut").unwrap();
        // Tasks of a dead controller are gone once the runtime has looked at them.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.fleet.connected(), 0, "a dead controller is connected");
        ended
    }

    fn tell_event(&self, event: &Event) {
        if self.told.is_none() {
            return;
        }
        let host = event.host.as_ref().map_or("", |name| name.as_str());
        let host = host.split('.').next().unwrap_or_default();
        self.tell(format!(
            "{:>4} {} {host:7} {:?}",
            event.seq, event.time, event.kind
        ));
    }

    pub(crate) fn tell(&self, words: String) {
        if self.trace {
            super::say(&words);
        }
        if let Some(told) = &self.told {
            let mut told = told.borrow_mut();
            told.push_str(&words);
            told.push('\n');
        }
    }

    /// Other terminals. Never comes back.
    async fn speak(&self, id: &RunId, life: &Life) {
        let began = Instant::now();
        for (at, command) in &life.orders {
            tokio::time::sleep_until(began + *at).await;
            let order = Order {
                command: command.clone(),
                operator: "bob@desk".to_owned(),
            };
            self.journal.give_order(id, &order).unwrap();
            self.met(match command {
                Command::Pause => "orders: pause",
                Command::Resume => "orders: resume",
                Command::Approve(_) => "orders: approve",
                Command::Abort => "orders: abort",
            });
        }
        std::future::pending().await
    }

    /// The keyboard. Never comes back.
    async fn press(&self, life: &Life, control: &Control) {
        let began = Instant::now();
        if let Some(at) = life.stop {
            tokio::time::sleep_until(began + at).await;
            self.met("keyboard: stopped");
            control.stop.cancel();
        }
        if let Some(at) = life.cancel {
            tokio::time::sleep_until(began + at).await;
            self.met("keyboard: given up");
            control.cancel.cancel();
        }
        std::future::pending().await
    }

    /// What the engine says at its end is what the journal says.
    fn judge_end(&self, record: &RunRecord, ended: Option<Ended>, life: &Life) {
        match ended {
            Some(Ok(result)) => {
                let mut totals = result.totals;
                if record.hosts.iter().any(|host| !host.settled) {
                    // What a host has changed that was given up is known to its history only.
                    totals.changed = record.totals.changed;
                }
                let of_engine = (Some(result.exit_code), totals, result.state);
                let of_journal = (record.exit_code, record.totals, record.state);
                assert_eq!(of_engine, of_journal);
            }
            Some(Err(EngineError::Journal(_))) if life.cut.is_some() => {
                self.met("controllers with a journal that failed");
            }
            Some(Err(error)) => panic!("{error}: {:?}", std::error::Error::source(&error)),
            None => {}
        }
    }
}

/// From so many further events of the newest run on, nothing can be written.
fn cut(sql: &Connection, more: u64) {
    let newest = "(SELECT max(rowid) FROM runs)";
    let last = format!("SELECT coalesce(max(seq), 0) FROM events WHERE run = {newest}");
    let last: i64 = sql.query_row(&last, [], |row| row.get(0)).unwrap();
    let most = last + i64::try_from(more).unwrap();
    sql.execute_batch(&format!(
        "CREATE TRIGGER cut BEFORE INSERT ON events WHEN NEW.run = {newest} AND NEW.seq > {most}
         BEGIN SELECT RAISE(ABORT, 'cut'); END"
    ))
    .unwrap();
}

/// Memory where there is some: thousands of journals are written.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}
