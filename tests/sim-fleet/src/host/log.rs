//! What happened to a host: counters and the list of decoded operations.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::Host;

/// The list of operations stops growing here, so that a runaway client does not eat the machine.
const LOG_LIMIT: usize = 100_000;

/// Live counters.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: AtomicU64,
    pub(crate) open_connections: AtomicU64,
    pub(crate) most_connections: AtomicU64,
    pub(crate) most_shells: AtomicU64,
    pub(crate) most_operations: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) handshakes: AtomicU64,
    pub(crate) logon_attempts: AtomicU64,
    pub(crate) failed_logons: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) shells_created: AtomicU64,
    pub(crate) commands: AtomicU64,
    pub(crate) bytes_received: AtomicU64,
    pub(crate) bytes_sent: AtomicU64,
}

impl Tally {
    /// Adds one and says which one that was.
    pub(crate) fn up(counter: &AtomicU64) -> u64 {
        counter.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes a number that may be the highest so far.
    pub(crate) fn most(counter: &AtomicU64, now: u64) {
        counter.fetch_max(now, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Counters {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            connections: of(&self.connections),
            open_connections: of(&self.open_connections),
            most_connections: of(&self.most_connections),
            most_shells: of(&self.most_shells),
            most_operations: of(&self.most_operations),
            requests: of(&self.requests),
            handshakes: of(&self.handshakes),
            logon_attempts: of(&self.logon_attempts),
            failed_logons: of(&self.failed_logons),
            writes: of(&self.writes),
            shells_created: of(&self.shells_created),
            shells_open: 0,
            commands: of(&self.commands),
            bytes_received: of(&self.bytes_received),
            bytes_sent: of(&self.bytes_sent),
        }
    }
}

/// Counters of one host since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// TCP connections that brought at least one request for this host.
    pub connections: u64,
    /// Those of them that are open now.
    pub open_connections: u64,
    /// The most that were open at once.
    pub most_connections: u64,
    /// The most shells that were open at once.
    pub most_shells: u64,
    /// The most operations of one account that counted at once against its quota: open enumerations, and all commands
    /// of open shells.
    pub most_operations: u64,
    /// HTTP requests, logon legs included.
    pub requests: u64,
    /// Completed NTLM exchanges and right Basic headers on new connections.
    pub handshakes: u64,
    /// Messages that prove knowledge of a password (NTLM Type 3, Basic header), right or wrong.
    pub logon_attempts: u64,
    /// Those of them that were refused.
    pub failed_logons: u64,
    /// Operations that tried to change something, see [`Operation::write`].
    pub writes: u64,
    /// Shells ever created.
    pub shells_created: u64,
    /// Shells open now.
    pub shells_open: u64,
    /// Commands ever started.
    pub commands: u64,
    /// Bytes of request bodies.
    pub bytes_received: u64,
    /// Bytes of replies.
    pub bytes_sent: u64,
}

/// One decoded operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Place in the order of all operations of the whole fleet.
    pub ordinal: u64,
    /// When.
    pub at: Timestamp,
    /// `DOMAIN\user`.
    pub user: String,
    /// What: `StdRegProv.SetDWORDValue`, `Command`, `Enumerate`, `reg add`...
    pub action: String,
    /// On what: `HKLM\key: value`, a command line, a query.
    pub target: String,
    /// How it ended: `0`, a ReturnValue, `fault 5`, `exit 1`. Empty where it is not known when the line is written.
    pub outcome: String,
    /// True for what changes, or tries to change, the registry.
    pub write: bool,
}

impl Host {
    /// Takes an operation into the list.
    pub(crate) fn record(
        &self,
        user: &str,
        action: &str,
        target: &str,
        outcome: &str,
        write: bool,
    ) {
        if write {
            Tally::up(&self.tally.writes);
        }
        let ordinal = self.sequence.fetch_add(1, Ordering::Relaxed);
        let operation = Operation {
            ordinal,
            at: Timestamp::now(),
            user: user.into(),
            action: action.into(),
            target: target.into(),
            outcome: outcome.into(),
            write,
        };
        let mut state = self.state();
        if state.log.len() < LOG_LIMIT {
            state.log.push(operation);
        }
    }
}
