//! Reading the fleet for verbs that write nothing: the door they get, progress, interrupts, and the exit code.
//!
//! INVARIANT: what leaves this module is some [`Survey`], not the fleet behind it. A verb that is built on it has no
//! method to call that could write (promise 6).

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use inventory::{Credential, Host};
use report::text::{counted, thousands};
use rollout::{HostSpec, Question, Reading, RunSpec, Severity, Survey};
use session::LogonLimits;

use crate::args::Global;
use crate::drive::{self, Target};
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::{exit_code, out};

/// How long shells that are still being deleted may take.
pub(crate) const CLEANUP: Duration = Duration::from_secs(5);
/// From so many hosts on, plain progress tells of every quarter.
const MANY: usize = 100;

/// The reading half of the real fleet.
pub(crate) fn survey(
    global: &Global,
    hosts: &[(&Host, Option<&Credential>)],
) -> Result<impl Survey + use<>, Failure> {
    drive::fleet(global, hosts.iter().copied(), Target::Real)
}

/// The same for one host, to which a single logon may be sent.
pub(crate) fn one(
    global: &Global,
    host: &Host,
    credential: &Credential,
) -> Result<impl Survey + use<>, Failure> {
    let limits = LogonLimits {
        refused: 1,
        unanswered: 1,
    };
    let pair = std::iter::once((host, Some(credential)));
    drive::fleet_within(global, pair, Target::Real, limits)
}

/// Asks every host of `spec` once; `None` where the operator interrupted it.
pub(crate) fn read<Q: Question>(
    global: &Global,
    spec: &Arc<RunSpec>,
    question: Q,
    parallel: u32,
) -> Result<Option<Vec<Reading<Q::Answer>>>, Failure> {
    let hosts: Vec<_> = spec
        .hosts
        .iter()
        .map(|host| (&host.host, host.credential.as_ref()))
        .collect();
    let survey = Arc::new(survey(global, &hosts)?);
    let progress = Progress::new(global, spec.hosts.len());
    let runtime = drive::runtime()?;
    let mut interrupts = Interrupts::listen();
    let readings = runtime.block_on(async {
        let mut done = 0;
        let mut unread = 0;
        let tell = |_: &HostSpec, reading: &Reading<Q::Answer>| {
            done += 1;
            unread += usize::from(reading.error().is_some());
            progress.done(done, unread);
        };
        let readings = tokio::select! {
            readings = rollout::survey(survey, Arc::clone(spec), question, parallel, tell) => Some(readings),
            // Dropping the survey closes every connection.
            () = interrupts.stop() => None,
        };
        wsman::cleanup_finished(CLEANUP).await;
        readings
    });
    runtime.shutdown_timeout(CLEANUP);
    progress.finish();
    if readings.is_none() {
        out::note("interrupted: hosts were read, nothing was written to any of them");
    }
    Ok(readings)
}

/// The first that applies of 9, 3, 4, and what there is to say about hosts that were read.
pub(crate) fn code(any_unread: impl Fn(Severity) -> bool, otherwise: u8) -> u8 {
    if any_unread(Severity::Guarded) {
        exit_code::CREDENTIAL_GUARD
    } else if any_unread(Severity::Failed) || any_unread(Severity::Lost) {
        exit_code::HOSTS_FAILED
    } else if any_unread(Severity::Unreachable) {
        exit_code::HOSTS_UNREACHABLE
    } else {
        otherwise
    }
}

/// A bar on a terminal, a few lines otherwise, nothing with `-q`.
enum Progress {
    Bar(ProgressBar),
    Lines(usize),
    Quiet,
}

impl Progress {
    fn new(global: &Global, hosts: usize) -> Self {
        if global.quiet {
            return Self::Quiet;
        }
        if !io::stderr().is_terminal() {
            out::note(&format!(
                "reading {}; nothing is written",
                counted(hosts, "host")
            ));
            return Self::Lines(hosts);
        }
        let bar = ProgressBar::with_draw_target(Some(hosts as u64), ProgressDrawTarget::stderr());
        // The template stands here and is right.
        if let Ok(style) = ProgressStyle::with_template("reading {bar:40} {pos}/{len} {msg} {eta}")
        {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    fn done(&self, done: usize, unread: usize) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(done as u64);
                if unread > 0 {
                    bar.set_message(format!("{} not readable", thousands(unread as u64)));
                }
            }
            Self::Lines(hosts) if *hosts >= MANY && done.is_multiple_of(hosts.div_ceil(4)) => {
                let (done, unread) = (thousands(done as u64), thousands(unread as u64));
                let hosts = counted(*hosts, "host");
                out::note(&format!("read {done} of {hosts}, {unread} not readable"));
            }
            Self::Lines(_) | Self::Quiet => {}
        }
    }

    fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
