//! Promise 13: a controller that dies at any instant loses nothing. One run is recorded; then its journal is cut after
//! every commit, and at and inside every frame of the write-ahead file, and another controller takes over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use playbooks::{Fact, FactValue, KeyPath, Observed, Target};
use rollout::testing::{Registry, Script, Scripted, host_name, old_proxy, push};
use rollout::{
    Clock, Control, Event, HostId, Journal, JournalOptions, OpenMode, Outcome, Progress,
    ResumeOptions, RollbackError, RollbackOptions, RunId, RunRecord, RunSpec, rollback_spec,
};
use tokio::sync::mpsc;

/// Of SQLite's write-ahead file format: the head of the file, the head of a frame, a page.
const FILE_HEAD: u64 = 32;
const FRAME: u64 = 24 + 4096;

/// A run as it went, and the world at each of its commits.
pub(crate) struct Recording {
    folder: tempfile::TempDir,
    pub(crate) spec: RunSpec,
    pub(crate) before: Vec<Registry>,
    pub(crate) record: RunRecord,
    effects: u32,
    events: Vec<Event>,
    /// By the length of the write-ahead file: the fleet just before the commit that follows.
    worlds: BTreeMap<u64, Scripted>,
    /// Just after the commit of the run itself, before its first event.
    created: u64,
}

fn log_of(journal: &Path) -> PathBuf {
    journal.with_extension("sqlite-wal")
}

fn length(journal: &Path) -> u64 {
    std::fs::metadata(log_of(journal)).map_or(0, |file| file.len())
}

pub(crate) fn open(path: &Path, clock: Clock) -> Journal {
    let mut options = JournalOptions::new(OpenMode::ReadWrite);
    (options.inline, options.clock) = (true, clock);
    Journal::open_with(path, &options).unwrap()
}

fn effects(fleet: &Scripted) -> u32 {
    fleet.counters().iter().map(|host| host.effects).sum()
}

pub(crate) async fn carry(active: rollout::ActiveRun, fleet: &Scripted) -> Vec<Event> {
    let (events, mut told) = mpsc::unbounded_channel();
    rollout::run(active, Arc::new(fleet.clone()), events, Control::default())
        .await
        .unwrap();
    let mut all = Vec::new();
    while let Some(event) = told.recv().await {
        all.push(event);
    }
    all
}

pub(crate) async fn recording(spec: RunSpec, scripts: Vec<Script>) -> Recording {
    recording_with(spec, scripts, |_| false).await
}

/// `mend` changes the hosts after the run; where it says true, those that failed are done again.
async fn recording_with(
    spec: RunSpec,
    scripts: Vec<Script>,
    mend: impl Fn(&Scripted) -> bool,
) -> Recording {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let fleet = Scripted::of(scripts);
    let before = fleet.registries();
    let worlds = Arc::new(Mutex::new(BTreeMap::new()));
    // The clock is read just before each commit.
    let (seen, world, file) = (Arc::clone(&worlds), fleet.clone(), path.clone());
    let clock = Clock::from_fn(move || {
        seen.lock().unwrap().insert(length(&file), world.fork());
        jiff::Timestamp::UNIX_EPOCH
    });
    let journal = open(&path, clock);
    let active = journal.create_run(spec.clone()).unwrap();
    let created = length(&path);
    let mut events = carry(active, &fleet).await;
    if mend(&fleet) {
        let again = ResumeOptions {
            only: vec![Outcome::Failed],
            ..ResumeOptions::default()
        };
        let active = journal.resume_run(&spec.id, again).unwrap();
        events.extend(carry(active, &fleet).await);
    }
    let record = journal.run(&spec.id).unwrap();
    worlds.lock().unwrap().insert(length(&path), fleet.fork());
    // Before the last connection closes, which would empty the write-ahead file.
    std::fs::copy(&path, folder.path().join("whole.sqlite")).unwrap();
    std::fs::copy(log_of(&path), folder.path().join("whole.sqlite-wal")).unwrap();
    drop(journal);
    let worlds = worlds.lock().unwrap().clone();
    Recording {
        folder,
        spec,
        before,
        record,
        effects: effects(&fleet),
        events,
        worlds: worlds
            .into_iter()
            .filter(|(at, _)| *at >= created)
            .collect(),
        created,
    }
}

/// What has to be equal between a disturbed and an undisturbed run.
pub(crate) type Essence = Vec<(String, Outcome, bool, Vec<(Observed, Option<Observed>)>)>;

pub(crate) fn essence(record: &RunRecord) -> Essence {
    let host = |host: &rollout::HostRecord| {
        let changes = host.steps.iter().flat_map(|step| &step.changes);
        let values = changes.map(|change| (change.before.clone(), change.after.clone()));
        (
            host.name.to_string(),
            host.outcome,
            host.changed,
            values.collect(),
        )
    };
    record.hosts.iter().map(host).collect()
}

impl Recording {
    /// The journal as it was when its write-ahead file had this length.
    pub(crate) fn cut(&self, at: u64, folder: &Path) -> PathBuf {
        let path = folder.join("journal.sqlite");
        std::fs::copy(self.folder.path().join("whole.sqlite"), &path).unwrap();
        let log = std::fs::read(self.folder.path().join("whole.sqlite-wal")).unwrap();
        std::fs::write(log_of(&path), &log[..usize::try_from(at).unwrap()]).unwrap();
        path
    }

    /// Takes the run over from a cut journal and a world, and compares the end with the undisturbed one.
    async fn take_over(&self, at: u64, world: &Scripted, take_back: bool) {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(&self.cut(at, folder.path()), Clock::system());
        let fleet = world.fork();
        let id = &self.spec.id;
        if journal.run(id).unwrap().exit_code.is_none() {
            let active = journal.resume_run(id, ResumeOptions::default()).unwrap();
            carry(active, &fleet).await;
        }
        let record = journal.run(id).unwrap();
        assert_eq!(essence(&record), essence(&self.record), "cut at {at}");
        assert_eq!(record.exit_code, self.record.exit_code, "cut at {at}");
        let proves = self.spec.rings.iter().any(|ring| ring.gates.prove_undo);
        let marks = self.spec.playbook.text.contains("host_marker: true");
        if !proves && !marks {
            assert_eq!(effects(&fleet), self.effects, "cut at {at}: written twice");
        }
        if take_back {
            self.take_back(&journal, &fleet, at).await;
        }
    }

    /// Takes an interrupted run back as it stands.
    async fn give_up(&self, at: u64, world: &Scripted) {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(&self.cut(at, folder.path()), Clock::system());
        self.take_back(&journal, &world.fork(), at).await;
    }

    async fn take_back(&self, journal: &Journal, fleet: &Scripted, at: u64) {
        let options = RollbackOptions {
            id: RunId::from_text("back"),
            operator: "test".into(),
            reason: None,
            force: false,
            hosts: None,
            ring: None,
        };
        match rollback_spec(journal, &self.spec.id, options) {
            Ok(back) => drop(carry(journal.create_run(back).unwrap(), fleet).await),
            Err(RollbackError::NothingToDo { .. }) => {}
            Err(error) => panic!("cut at {at}: {error}"),
        }
        assert_eq!(fleet.registries(), self.before, "cut at {at}: taken back");
    }

    fn commits(&self) -> Vec<u64> {
        self.worlds.keys().copied().collect()
    }

    /// Every moment at which the controller may have died: how much of its journal there is, and the fleet then. After
    /// each commit, and as long after it as it takes until the next one.
    pub(crate) fn instants(&self) -> Vec<(u64, &Scripted)> {
        let latest = self.worlds.iter().map(|(at, world)| (*at, world));
        let pairs = self.worlds.keys().skip(1).zip(self.worlds.values());
        let earliest = pairs.map(|(at, world)| (*at, world));
        latest.chain(earliest).collect()
    }
}

async fn three_hosts() -> Recording {
    of_three(push(3, "rollout:\n  rings:\n    - { name: first, select: 'pc-0000*' }\n    - { name: rest, select: rest, max_parallel: 2 }\n")).await
}

/// The third says no to its last value.
async fn of_three(spec: RunSpec) -> Recording {
    let refused = Target {
        key: KeyPath::parse(r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender").unwrap(),
        value: "ProxyServer".into(),
    };
    let scripts = vec![
        Script::default().value(old_proxy()).guid("g"),
        Script::default().guid("h"),
        Script {
            denied: [refused].into(),
            ..Script::default().value(old_proxy())
        },
    ];
    recording(spec, scripts).await
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_itself_back_and_is_cut_off_ends_like_the_undisturbed_one() {
    let block = "rollout: { rings: [ { name: all, select: all, max_parallel: 1, max_failed: 0, on_breach: rollback_run } ] }\n";
    let run = of_three(push(3, block)).await;
    assert_eq!(run.record.totals.rolled_back, 3, "{:?}", run.record.hosts);
    assert_eq!(run.record.exit_code, Some(7));
    at_every_commit(&run).await;
}

#[tokio::test(start_paused = true)]
async fn cut_after_every_commit_and_resumed_equals_the_undisturbed_run() {
    let run = three_hosts().await;
    assert_eq!(run.record.totals.failed, 1, "one of the hosts says no");
    assert_eq!(run.commits().first(), Some(&run.created));
    at_every_commit(&run).await;
}

#[tokio::test(start_paused = true)]
async fn a_proof_of_the_undo_that_was_cut_off_begins_anew() {
    let name = host_name(0);
    let block = format!(
        "rollout:\n  prove_undo: true\n  rings:\n    - {{ name: first, select: '{name}' }}\n    - {{ name: rest, select: rest }}\n"
    );
    let scripts = vec![
        Script::default().value(old_proxy()).guid("g"),
        Script::default(),
    ];
    let run = recording(push(2, &block), scripts).await;
    assert_eq!((run.record.totals.ok, run.record.exit_code), (2, Some(0)));
    let proved: Vec<bool> = run
        .record
        .hosts
        .iter()
        .map(|host| host.undo_proved)
        .collect();
    assert_eq!(proved, [true, false]);
    at_every_commit(&run).await;
}

#[tokio::test(start_paused = true)]
async fn a_marker_is_gone_once_the_run_is_taken_over_or_back_wherever_it_was_cut() {
    const BLOCK: &str = "probes:\n  - { name: state, services: }\n  - { name: road, proxy_tcp: { via: 'p:1' } }\nrollout:\n  host_marker: true\n";
    let script = || {
        let mut script = Script::default().value(old_proxy()).guid("g");
        let now = FactValue::Text("2026-11-24T12:00:00Z".to_owned());
        script.facts.set(Fact::ClockLocal, now);
        script
    };
    let run = recording(push(1, BLOCK), vec![script()]).await;
    assert_eq!(run.record.totals.ok, 1, "{:?}", run.record.hosts[0].detail);
    let mut earlier: Option<&Scripted> = None;
    for at in &run.commits() {
        let latest = &run.worlds[at];
        // The registry is compared with the one before the run: no marker and no key of ours is in it.
        run.take_over(*at, latest, true).await;
        if let Some(earlier) = earlier {
            run.take_over(*at, earlier, true).await;
        }
        earlier = Some(latest);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_done_again_can_be_taken_back_at_any_instant() {
    // The second value of a pair is refused, so that the first is put back at once.
    let script = Script::default().value(old_proxy()).denied_at(2);
    let run = recording_with(push(1, ""), vec![script], |_| true).await;
    assert_eq!(run.record.totals.ok, 1, "the second time all goes well");
    let mut earlier: Option<&Scripted> = None;
    for at in &run.commits() {
        let latest = &run.worlds[at];
        run.give_up(*at, latest).await;
        if let Some(earlier) = earlier {
            run.give_up(*at, earlier).await;
        }
        earlier = Some(latest);
    }
}

async fn at_every_commit(run: &Recording) {
    let commits = run.commits();
    assert!(commits.len() > 15, "{commits:?}");
    let mut earlier: Option<&Scripted> = None;
    for at in &commits {
        // The controller died just before its next commit, or as soon as this one was done.
        let latest = &run.worlds[at];
        run.take_over(*at, latest, true).await;
        run.give_up(*at, latest).await;
        if let Some(earlier) = earlier {
            run.take_over(*at, earlier, false).await;
            run.give_up(*at, earlier).await;
        }
        earlier = Some(latest);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_ahead_file_torn_at_or_inside_a_frame_is_the_commit_before() {
    let run = three_hosts().await;
    let commits = run.commits();
    for pair in commits.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        assert_eq!((from - FILE_HEAD) % FRAME, 0, "a commit ends with a frame");
        // Inside the head of the next frame, inside its page, behind a frame that commits nothing, before the last byte.
        let mut torn = vec![from + 10, from + 2_000, to - 1];
        if from + FRAME < to {
            torn.push(from + FRAME);
        }
        for at in torn {
            run.take_over(at, &run.worlds[&from], false).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn replaying_the_first_events_gives_the_state_of_that_time() {
    let run = three_hosts().await;
    let seqs: Vec<u64> = run.events.iter().map(|event| event.seq).collect();
    let count = u64::try_from(seqs.len()).unwrap();
    assert_eq!(seqs, (1..=count).collect::<Vec<_>>(), "without gaps");
    let id_of = |event: &Event| {
        let hosts = &run.spec.hosts;
        let name = event.host.as_ref()?;
        let place = hosts.iter().position(|host| host.host.name == *name)?;
        Some(HostId(u32::try_from(place).unwrap()))
    };
    // Every prefix is legal.
    let mut states = vec![Progress::new(&run.spec)];
    for event in &run.events {
        let last = states.last().unwrap().clone();
        states.push(last.next(id_of(event), &event.kind).unwrap());
    }
    // What a cut journal says is the state after as many events as it holds.
    let mut lengths = Vec::new();
    for at in run.commits() {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(&run.cut(at, folder.path()), Clock::system());
        let kept = journal.events(&run.spec.id).unwrap();
        assert_eq!(kept, run.events[..kept.len()], "cut at {at}");
        assert!(
            journal.run(&run.spec.id).unwrap().hosts.len() == 3,
            "nobody is forgotten"
        );
        if kept.len() < run.events.len() {
            let options = ResumeOptions::default();
            let active = journal.resume_run(&run.spec.id, options).unwrap();
            assert_eq!(active.progress(), &states[kept.len()], "cut at {at}");
        }
        lengths.push(kept.len());
    }
    assert!(
        lengths.is_sorted_by(|a, b| a < b),
        "every commit adds events"
    );
    assert_eq!(lengths.last(), Some(&run.events.len()));
}
