//! `rehearse`: the same files, engine and protocol against simulated hosts on this machine.
//!
//! Contacts no address of the inventory and reads no configured secret: addresses, transport and accounts are
//! replaced before the run is recorded.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use document::Document;
use inventory::{Auth, Credential, Inventory, Origin, PasswordSource, Sourced, Transport};
use playbooks::{Examples, Playbook};
use rollout::{Journal, OpenMode, RollbackOptions, RunId, RunRecord, RunSpec, Verb, rollback_spec};
use wsman_proto::Secret;

use super::simulate::{self, Ready, Request};
use crate::args::{Global, Output, Rehearse};
use crate::drive::{self, Target};
use crate::failure::{Failure, Outcome};
use crate::{event_file, exit_code, files, journal, out, prepare, state_dir};

const ACCOUNT: &str = r"CORP\rehearsal";
const DEFAULT_HOSTS: u32 = 50;
const PLAYBOOK: &str = include_str!("../../../../playbooks/full-proxy-set.yaml");

/// Starts the fleet, rolls out, shows the summary and what it cost.
pub(crate) fn run(global: &Global, rehearse: &Rehearse) -> Outcome {
    let playbook = match &global.playbook {
        Some(_) => files::playbook(global)?,
        None => Playbook::load(&Document::from_bytes(
            "full-proxy-set.yaml",
            PLAYBOOK.as_bytes(),
        )?)?,
    };
    let inventory = match global.inventory.is_empty() {
        false => files::inventory(global)?,
        true => made_up(rehearse.hosts.unwrap_or(DEFAULT_HOSTS))?,
    };
    let faults = rehearse.faults.as_deref().map(Document::read).transpose()?;
    if let Some(document) = &faults {
        simulate::faults(&document.name, &document.text)?;
    }
    let hosts = files::select(&inventory, global.limit.as_deref())?;
    let prepared = prepare::prepare(&playbook, &inventory, &hosts, global, Examples::Fill)?;
    let credentials = [(ACCOUNT.to_owned(), account())].into();
    let mut spec = super::push::assemble(global, &playbook, prepared, &credentials, Verb::Push);
    // Made-up hosts are in no group, whatever groups the playbook caps.
    if !global.inventory.is_empty() {
        spec.groups = prepare::group_caps(&playbook, &inventory)?;
    }
    let journal = Journal::open(&journal_path(global)?, OpenMode::ReadWrite)
        .map_err(|error| journal::failure(&error))?;
    let password = uuid_like();
    let request = Request {
        hosts: spec
            .hosts
            .iter()
            .map(|host| host.host.name.to_string())
            .collect(),
        seed: rehearse.seed,
        username: ACCOUNT.to_owned(),
        password: password.clone(),
        faults: faults.map(|document| document.text),
    };
    let (mut child, ready) = start(&request)?;
    redirect(&mut spec, &ready);
    let waits = open_gates(&mut spec);
    if !waits.is_empty() && !global.quiet {
        out::note(&format!(
            "not waited for in a rehearsal: {}",
            waits.join("; ")
        ));
    }
    let code = carried_out(global, &journal, spec, rehearse.then_rollback, &password);
    // The child ends with its stdin; killing it is only quicker.
    let _ = child.kill();
    let _ = child.wait();
    code
}

/// The push, and what takes it back where that is asked for. A table shows each as it ends; of the forms for programs
/// there is one document, or one table, of both.
fn carried_out(
    global: &Global,
    journal: &Journal,
    spec: RunSpec,
    then_rollback: bool,
    password: &str,
) -> Outcome {
    let at_once = !then_rollback || global.output == Output::Table;
    let target = || Target::Simulated(Secret::new(password));
    // Whoever started this program by taking its own place, as cargo does, left its processor time here.
    let before = usage().map_or(Duration::ZERO, |(cpu, _)| cpu);
    let started = Instant::now();
    let (code, push) = drive::unshown(global, journal, spec, target(), event_file::new)?;
    let spent = started.elapsed();
    if at_once {
        drive::show_result(&push, &drive::rendered(global, &push))?;
        measured(global, &push, spent, before);
    }
    if !then_rollback {
        return Ok(code);
    }
    let rollback = taken_back(global, journal, &push.id, target());
    match (&rollback, at_once) {
        (Ok(None), true) => {
            out::note("the rehearsed run left no change: there is nothing to take back")
        }
        (Ok(Some((_, rollback))), true) => {
            drive::show_result(rollback, &drive::rendered(global, rollback))?;
        }
        (Err(_), true) => {}
        (Ok(rollback), false) => {
            let rollback = rollback.as_ref().map(|(_, record)| record);
            drive::show_result(&push, &of_both(global, &push, rollback))?;
        }
        // What the push did is told all the same.
        (Err(_), false) => drive::show_result(&push, &drive::rendered(global, &push))?,
    }
    let back = rollback?.map_or(exit_code::DONE, |(code, _)| code);
    Ok(if code == exit_code::DONE { back } else { code })
}

/// Both runs for programs.
fn of_both(global: &Global, push: &RunRecord, rollback: Option<&RunRecord>) -> String {
    match global.output {
        Output::Table | Output::Json => {
            report::json::pretty(&report::json::run_and_rollback(push, rollback))
        }
        Output::Csv => report::csv::run_and_rollback(push, rollback),
        Output::Jsonl => {
            let runs = std::iter::once(push).chain(rollback);
            runs.map(|run| drive::rendered(global, run)).collect()
        }
    }
}

/// Takes the rehearsed run back; `None` where it left nothing to take back.
fn taken_back(
    global: &Global,
    journal: &Journal,
    id: &RunId,
    target: Target,
) -> Result<Option<(u8, RunRecord)>, Failure> {
    let options = RollbackOptions {
        id: RunId::generate(),
        operator: drive::operator(),
        reason: Some("rehearsed rollback".to_owned()),
        force: false,
        hosts: None,
        ring: None,
    };
    match rollback_spec(journal, id, options) {
        Ok(mut spec) => {
            spec.simulated = true;
            drive::unshown(global, journal, spec, target, event_file::more).map(Some)
        }
        Err(rollout::RollbackError::NothingToDo { .. }) => Ok(None),
        Err(error) => Err(Failure::caused(
            "the rehearsed run cannot be taken back",
            &error,
        )),
    }
}

/// `--journal` on the command line is obeyed; the variable of real runs is not.
fn journal_path(global: &Global) -> Result<std::path::PathBuf, Failure> {
    let given = std::env::args_os().any(|word| word.to_string_lossy().starts_with("--journal"));
    if let (true, Some(path)) = (given, &global.journal) {
        return Ok(path.clone());
    }
    let folder = state_dir::create()
        .map_err(|error| Failure::caused("cannot make the folder of the journal", &error))?;
    Ok(folder.join(state_dir::REHEARSALS))
}

fn account() -> Credential {
    // Never read: the password of a rehearsal is made up.
    Credential {
        name: ACCOUNT.to_owned(),
        username: ACCOUNT.to_owned(),
        password: PasswordSource::Prompt,
    }
}

fn uuid_like() -> String {
    format!("rehearsal-{}", RunId::generate())
}

/// An inventory of made-up hosts: a few canaries, some pilots, the rest.
fn made_up(count: u32) -> Result<Inventory, Failure> {
    let mut text = format!(
        "version: 1\ndefaults: {{ credential: made_up }}\ncredentials:\n  made_up: {{ username: '{ACCOUNT}', password: prompt }}\nhosts:\n"
    );
    for number in 1..=count {
        let ring = match number {
            number if number <= count.div_ceil(50) => "canary",
            number if number <= count.div_ceil(10) => "pilot",
            _ => "broad",
        };
        text.push_str(&format!(
            "  - {{ name: pc-{number:05}.corp.example, ring: {ring} }}\n"
        ));
    }
    Ok(Inventory::load(&[Document::from_bytes(
        "made-up.yaml",
        text.as_bytes(),
    )?])?)
}

fn start(request: &Request) -> Result<(Child, Ready), Failure> {
    let failed =
        |error: &dyn std::error::Error| Failure::caused("the simulated fleet did not start", error);
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let mut command = Command::new(program);
    apart(&mut command);
    let mut child = command
        .arg(simulate::VERB)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    let text = serde_json::to_string(request).map_err(|error| failed(&error))?;
    if let Some(stdin) = &mut child.stdin {
        writeln!(stdin, "{text}")
            .and_then(|()| stdin.flush())
            .map_err(|error| failed(&error))?;
    }
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|error| failed(&error))?;
    }
    let ready = serde_json::from_str(&line).map_err(|error| failed(&error))?;
    Ok((child, ready))
}

/// Ctrl-C goes to all programs of a terminal's group: the simulated hosts would be gone before those in flight end.
fn apart(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        /// `CREATE_NEW_PROCESS_GROUP` of `CreateProcess`.
        const NEW_GROUP: u32 = 0x200;
        std::os::windows::process::CommandExt::creation_flags(command, NEW_GROUP);
    }
    #[cfg(not(any(unix, windows)))]
    let _ = command;
}

/// A rehearsal shows tonight what takes days: its rings wait for no time, no window and no person. What they would
/// have waited for.
fn open_gates(spec: &mut RunSpec) -> Vec<String> {
    let mut waits = Vec::new();
    for ring in spec.rings.iter_mut() {
        let words = ring.gates.words();
        if !words.is_empty() {
            let name = report::text::neutral(&ring.name);
            waits.push(format!("ring {name}: {}", words.join(", ")));
        }
        ring.gates = playbooks::Gates::default();
    }
    waits
}

/// Nothing of the inventory's addresses, transports and accounts is left.
fn redirect(spec: &mut RunSpec, ready: &Ready) {
    fn set<T>(value: T) -> Sourced<T> {
        Sourced {
            value,
            from: Origin::CommandLine,
        }
    }
    spec.simulated = true;
    for (host, port) in spec.hosts.iter_mut().zip(&ready.ports) {
        let settings = &mut host.host.settings;
        settings.address = set(ready.address.clone());
        settings.port = set(*port);
        settings.transport = set(Transport::Http);
        settings.auth = set(Auth::Negotiate);
        settings.credential = set(Some(ACCOUNT.to_owned()));
        settings.ca_file = set(None);
        settings.cert_sha256 = set(None);
        settings.tls_verify = set(true);
        settings.connect_timeout = set(settings.connect_timeout.value.min(Duration::from_secs(5)));
        settings.request_timeout = set(settings.request_timeout.value.min(Duration::from_secs(15)));
        settings.host_timeout = set(settings.host_timeout.value.min(Duration::from_secs(60)));
        host.credential = Some(account());
    }
}

/// What the rehearsal cost this process, which had spent `before` when it began; the simulated hosts are in another.
fn measured(global: &Global, record: &RunRecord, spent: Duration, before: Duration) {
    if global.output != Output::Table || record.hosts.is_empty() {
        return;
    }
    let usage = usage();
    let hosts = record.hosts.len() as f64;
    let requests: u32 = record.hosts.iter().map(|host| host.cost.requests).sum();
    let mut text = format!(
        "rehearsal: {:.0} hosts per second, {:.1} requests per host",
        hosts / spent.as_secs_f64().max(0.001),
        f64::from(requests) / hosts
    );
    if let Some((cpu, peak)) = usage {
        let cpu = cpu.saturating_sub(before).as_secs_f64() * 1000.0 / hosts;
        text.push_str(&format!(
            ", {cpu:.2} ms of controller CPU per host, peak memory {} MB",
            peak / 1024
        ));
    }
    // A result like the summary above it.
    if let Err(failure) = out::result(&format!("{text}\n")) {
        out::message(&failure.render());
    }
}

/// CPU time and peak memory (KiB) of this process, where the system tells.
#[cfg(target_os = "linux")]
fn usage() -> Option<(Duration, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let peak: u64 = peak.split_whitespace().next()?.parse().ok()?;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    // utime and stime, in hundredths of a second on every Linux that Rust supports.
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some((Duration::from_millis(ticks * 10), peak))
}

/// Not measured here.
#[cfg(not(target_os = "linux"))]
fn usage() -> Option<(Duration, u64)> {
    None
}
