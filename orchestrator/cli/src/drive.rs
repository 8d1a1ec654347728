//! Carries a run out: fleet, events, progress, interrupts, summary, exit code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use indicatif::MultiProgress;
use inventory::{Credential, PasswordSource};
use playbooks::{Window, WindowState};
use report::{Chatter, Detail, Progress};
use rollout::{ActiveRun, Control, EngineError, Event, Journal, RunRecord, RunSpec};
use session::{BrokenFile, CredentialSource, LogonBudget, LogonLimits, Needs, RealFleet};
use tokio::sync::mpsc;
use wsman_proto::Secret;

use crate::args::{Global, Output};
use crate::credential::{self, Prompter};
use crate::failure::{Failure, Outcome, Sent};
use crate::interrupt::Interrupts;
use crate::{event_file, journal, out, settings, trace};

/// How long shells that are still being deleted may take after the end of a run.
const CLEANUP: Duration = Duration::from_secs(5);
/// How often the journal is asked for orders from other terminals.
const ORDERS: Duration = Duration::from_millis(500);

/// Where the hosts are.
pub(crate) enum Target {
    /// In the inventory, with its passwords.
    Real,
    /// Simulated, all with this password.
    Simulated(Secret),
}

/// The passwords of a run: read before the first host is contacted, then only handed out.
struct Wallet(BTreeMap<String, Secret>);

impl CredentialSource for Wallet {
    fn secret(&self, credential: &Credential) -> Result<Secret, String> {
        self.0
            .get(&credential.name)
            .cloned()
            .ok_or_else(|| "it was not read at the start".to_owned())
    }
}

/// One password for all simulated accounts.
struct One(Secret);

impl CredentialSource for One {
    fn secret(&self, _: &Credential) -> Result<Secret, String> {
        Ok(self.0.clone())
    }
}

/// Who asks, for the journal: as the operating system knows them, not the environment, which cron jobs lack and anybody
/// can set.
pub(crate) fn operator() -> String {
    let known = |found: whoami::Result<String>| {
        found
            .ok()
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| "unknown".to_owned())
    };
    format!(
        "{}@{}",
        known(whoami::username()),
        known(whoami::hostname())
    )
}

/// Every host has a credential, and what can be judged of its source without a prompt is right.
///
/// # Errors
/// A host without credential (1).
pub(crate) fn credentials_at_hand(spec: &RunSpec) -> Result<(), Failure> {
    let without: Vec<&str> = spec
        .hosts
        .iter()
        .filter(|host| host.credential.is_none())
        .map(|host| host.host.name.as_str())
        .collect();
    if without.is_empty() {
        return Ok(());
    }
    let names = report::text::examples(without.iter().copied(), 3);
    Err(Failure::new(format!("no credential is set for {names}"))
        .hint("set 'credential' in the defaults of the inventory, a group or the host"))
}

/// Reads each password once. A prompt comes last, when nothing else can fail any more.
fn wallet<'a>(
    global: &Global,
    credentials: impl IntoIterator<Item = &'a Credential>,
) -> Result<(Wallet, BTreeMap<String, Credential>), Failure> {
    let mut needed: BTreeMap<String, Credential> = BTreeMap::new();
    for credential in credentials {
        needed
            .entry(credential.name.clone())
            .or_insert_with(|| credential.clone());
    }
    let prompter = Prompter::new(global.no_input);
    let mut secrets = BTreeMap::new();
    for asking in [false, true] {
        for credential in needed.values() {
            let asked = credential.password == PasswordSource::Prompt;
            if asked != asking || !credential.password.is_password() {
                continue;
            }
            let secret = credential::read(credential, &prompter).map_err(|error| {
                Failure::caused(
                    format!(
                        "the password of credential '{}' is not available",
                        credential.name
                    ),
                    &error,
                )
                .hint(error.remedy())
            })?;
            secrets.insert(credential.name.clone(), secret);
        }
    }
    Ok((Wallet(secrets), needed))
}

/// The fleet of a run: its hosts with their passwords.
pub(crate) fn fleet<'a>(
    global: &Global,
    hosts: impl IntoIterator<Item = (&'a inventory::Host, Option<&'a Credential>)>,
    target: Target,
) -> Result<RealFleet, Failure> {
    fleet_within(global, hosts, target, LogonLimits::default())
}

/// As [`fleet`], with a budget of logons of its own.
pub(crate) fn fleet_within<'a>(
    global: &Global,
    hosts: impl IntoIterator<Item = (&'a inventory::Host, Option<&'a Credential>)>,
    target: Target,
    limits: LogonLimits,
) -> Result<RealFleet, Failure> {
    let pairs: Vec<_> = hosts.into_iter().collect();
    let credentials = pairs.iter().filter_map(|(_, credential)| *credential);
    let budget = LogonBudget::new(limits);
    let hosts: Vec<inventory::Host> = pairs.iter().map(|(host, _)| (*host).clone()).collect();
    Ok(match target {
        Target::Real => {
            // Before the passwords: a prompt comes last.
            session::files_at_hand(pairs.iter().copied()).map_err(|broken| unusable(&broken))?;
            let (wallet, needed) = wallet(global, credentials)?;
            RealFleet::new(hosts, needed, wallet, budget).traced(trace::of(global)?)
        }
        Target::Simulated(password) => {
            let needed = credentials
                .map(|one| (one.name.clone(), one.clone()))
                .collect();
            RealFleet::new(hosts, needed, One(password), budget).traced(trace::of(global)?)
        }
    })
}

/// Files of TLS that cannot be used, all in one message, each with what names it.
fn unusable(broken: &[BrokenFile<'_>]) -> Failure {
    let (mut told, mut remedies) = (Vec::new(), BTreeSet::new());
    for file in broken {
        let (by, remedy) = match &file.needs {
            Needs::Host(host) if host.settings.ca_file.value.is_none() => (
                format!("needed by {}", host.name),
                "set 'ca_file' to the certificate of the issuing authority, or 'cert_sha256' to that of the host",
            ),
            Needs::Host(host) => (
                format!("named by {}", settings::origin(&host.settings.ca_file.from)),
                "'ca_file' is a PEM file with the certificate of the issuing authority; a relative path is seen from the folder of its inventory",
            ),
            Needs::Credential(credential) => (
                format!("named by credential '{}'", credential.name),
                "certificate and key are PEM files, the key unencrypted: openssl pkcs12 -in client.pfx -nokeys -out client.pem, \
                 openssl pkcs12 -in client.pfx -nocerts -noenc -out client.key",
            ),
        };
        told.push(format!("{}; {by}", file.why));
        remedies.insert(remedy);
    }
    let remedies: Vec<&str> = remedies.into_iter().collect();
    Failure::new(told.join("; ")).hint(remedies.join("; "))
}

/// Records a new run and carries it out.
pub(crate) fn new_run(
    global: &Global,
    journal: &Journal,
    spec: RunSpec,
    target: Target,
) -> Outcome {
    let (code, record) = unshown(global, journal, spec, target, event_file::new)?;
    show_result(&record, &rendered(global, &record))?;
    Ok(code)
}

/// As [`new_run`], its result for the caller to show. `events` opens the file of `--events`.
pub(crate) fn unshown(
    global: &Global,
    journal: &Journal,
    spec: RunSpec,
    target: Target,
    events: fn(&Global) -> Result<Option<File>, Failure>,
) -> Result<(u8, RunRecord), Failure> {
    // Passwords and files first: a run that cannot begin leaves no trace in the journal.
    let fleet = fleet_of(global, &spec, target)?;
    let events = events(global)?;
    let active = journal
        .create_run(spec)
        .map_err(|error| journal::failure(&error))?;
    with_fleet(global, journal, active, fleet, events)
}

/// Writes the result of a run that did its work: it is in the journal, whether it can be shown or not.
pub(crate) fn show_result(record: &RunRecord, text: &str) -> Result<(), Failure> {
    let id = record.id.to_string();
    out::result(text).map_err(|failure| failure.sent(Sent::Recorded(id)))
}

/// Carries a run out that was taken over.
pub(crate) fn carry_out(
    global: &Global,
    journal: &Journal,
    active: ActiveRun,
    target: Target,
) -> Outcome {
    let fleet = fleet_of(global, active.spec(), target)?;
    let events = event_file::of_run(global, journal, &active.spec().id)?;
    let (code, record) = with_fleet(global, journal, active, fleet, events)?;
    show_result(&record, &rendered(global, &record))?;
    Ok(code)
}

pub(crate) fn fleet_of(
    global: &Global,
    spec: &RunSpec,
    target: Target,
) -> Result<RealFleet, Failure> {
    fleet(
        global,
        spec.hosts
            .iter()
            .map(|host| (&host.host, host.credential.as_ref())),
        target,
    )
}

fn with_fleet(
    global: &Global,
    journal: &Journal,
    active: ActiveRun,
    fleet: RealFleet,
    events: Option<File>,
) -> Result<(u8, RunRecord), Failure> {
    let id = active.spec().id.clone();
    let runtime = runtime()?;
    let code = work(global, journal, active, Arc::new(fleet), &runtime, events);
    runtime.shutdown_timeout(CLEANUP);
    let code = code?;
    let record = journal
        .run(&id)
        .map_err(|error| journal::failure_within(&error, &id))?;
    Ok((code, record))
}

/// Carries a run out to its end and shows its progress, but not its result.
pub(crate) fn work(
    global: &Global,
    journal: &Journal,
    active: ActiveRun,
    fleet: Arc<RealFleet>,
    runtime: &tokio::runtime::Runtime,
    events: Option<File>,
) -> Outcome {
    let id = active.spec().id.clone();
    let before = journal.run(&id).map_err(|error| journal::failure(&error))?;
    let result = runtime.block_on(async {
        let control = Control {
            attended: attended(global),
            orders: Some(ORDERS),
            void_markers: global.void.void_markers.clone().into(),
            ..Control::default()
        };
        let progress = progress(global, &before);
        let interrupts = Interrupts::listen();
        let signals = tokio::spawn(heed(interrupts, control.clone(), progress.screen()));
        let (tell, told) = mpsc::unbounded_channel();
        let reporter = std::thread::spawn(move || show(told, progress, events));
        // A task, and not this thread's own future: hosts' tasks then hand over to it without waking a thread.
        let result = tokio::spawn(rollout::run(active, fleet, tell, control)).await;
        let result = result.unwrap_or_else(|defect| std::panic::resume_unwind(defect.into_panic()));
        wsman::cleanup_finished(CLEANUP).await;
        signals.abort();
        // A reporter that failed has said so on stderr; the run is in the journal.
        let _ = reporter.join();
        result
    });
    let result = result.map_err(|error| match error {
        EngineError::Journal(error) => journal::failure_within(&error, &id),
        error => Failure::caused(format!("run {id} could not go on"), &error)
            .sent(Sent::Run(id.to_string())),
    })?;
    Ok(result.exit_code)
}

/// Nobody is there to wait for the window of the first ring: refused before anything is sent or recorded.
///
/// # Errors
/// Outside the window (8).
pub(crate) fn refuse_outside_window(global: &Global, spec: &RunSpec) -> Result<(), Failure> {
    let Some(ring) = spec.rings.iter().find(|ring| ring.hosts > 0) else {
        return Ok(());
    };
    let opens = match Window::any(&ring.gates.windows, jiff::Timestamp::now()) {
        WindowState::Open(_) => return Ok(()),
        WindowState::Closed(opens) => format!("it opens at {opens}"),
        WindowState::Never => "it never opens".to_owned(),
    };
    let name = report::text::neutral(&ring.name);
    if attended(global) {
        out::note(&format!(
            "the window of ring '{name}' is closed ({opens}): the run will wait for it"
        ));
        return Ok(());
    }
    Err(
        Failure::refused(format!("the window of ring '{name}' is closed: {opens}"))
            .hint("start it then, or at a terminal, where the run waits"),
    )
}

/// A person sits there: a run that waits for a word waits with them.
pub(crate) fn attended(global: &Global) -> bool {
    !global.no_input && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The result of a run in the form asked for.
pub(crate) fn rendered(global: &Global, record: &RunRecord) -> String {
    match global.output {
        Output::Table => report::summary(
            record,
            Detail {
                verbose: global.verbose > 0,
            },
        ),
        Output::Json => report::json::pretty(&report::json::run(record)),
        Output::Jsonl => report::json::host_lines(record)
            .map(|line| report::json::line(&line))
            .collect(),
        Output::Csv => report::csv::run(record),
    }
}

/// The runtime of a verb that talks to hosts, with room for thousands of sockets.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    // Only a soft limit: where it cannot be raised, hosts beyond it fail with a clear error of their own.
    #[cfg(unix)]
    let _ = rlimit::increase_nofile_limit(65_536);
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::caused("cannot start the runtime", &error))
}

fn progress(global: &Global, record: &RunRecord) -> Progress {
    let chatter = if global.verbose > 0 {
        Chatter::Hosts
    } else {
        Chatter::Normal
    };
    if global.quiet {
        Progress::quiet(record)
    } else if io::stderr().is_terminal() {
        Progress::bars(record, chatter, indicatif::ProgressDrawTarget::stderr())
    } else {
        Progress::plain(record, chatter, Box::new(io::stderr()))
    }
}

/// Runs on a thread of its own: a slow terminal or disk must not hold the hosts up.
fn show(mut told: mpsc::UnboundedReceiver<Event>, mut progress: Progress, mut file: Option<File>) {
    while let Some(event) = told.blocking_recv() {
        if let Some(open) = &mut file
            && let Err(error) = open.write_all(event_file::line(&event).as_bytes())
        {
            out::note(&format!(
                "warning: the event file cannot be written any more: {error}"
            ));
            file = None;
        }
        progress.event(&event);
    }
    progress.finish();
}

/// Asked to stop: start no host, let those in flight end. Asked again: give them up, recorded as what is known.
async fn heed(mut interrupts: Interrupts, control: Control, screen: Option<MultiProgress>) {
    // Bars draw over whatever is written past them.
    let say = |words: &str| match &screen {
        Some(screen) => drop(screen.println(words)),
        None => out::note(words),
    };
    interrupts.stop().await;
    say(
        "stopping: no further host is started, those under way are finished (Ctrl-C again: give them up)",
    );
    control.stop.cancel();
    interrupts.leave().await;
    say("giving up the hosts under way: each is recorded as what is known of it");
    control.cancel.cancel();
    // Whatever else is said: what is left is to take the shells away, which is bounded.
    std::future::pending::<()>().await;
}
