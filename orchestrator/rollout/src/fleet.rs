//! The engine's door to the world: what it may ask of a host, and the ways in which a host can fail.
//!
//! The scripted fleet in `testing.rs` and the real one in the crate `session` both stand behind these traits.

mod error;
mod undo;

use std::future::Future;

use inventory::HostName;
use jiff::Timestamp;
use playbooks::{Change, FactSet, Facts, HostProbe, KeyPath, Observed, Target, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use error::{HostError, Reason, Severity};
pub use undo::{Restored, Standing, Undo};

/// The read-only door. A verb that receives only this cannot write (promise 6).
pub trait Survey: Send + Sync + 'static {
    /// The read-only half of a session.
    type Observer: Observe;

    /// Connects, authenticates and proves that the right machine answers. Reads only. Cancel safe: dropping the
    /// future closes the connection.
    fn observe(
        &self,
        host: &HostName,
    ) -> impl Future<Output = Result<Self::Observer, HostError>> + Send;
}

/// The door of verbs that write.
pub trait Fleet: Survey {
    /// A session that can write.
    type Session: Session;

    /// As [`Survey::observe`], for writing.
    fn open(
        &self,
        host: &HostName,
    ) -> impl Future<Output = Result<Self::Session, HostError>> + Send;
}

/// Read-only half of a session: all that `ping`, `plan` and `audit` can reach.
pub trait Observe: Send {
    /// Who answered, and how it proved it.
    fn identity(&self) -> &HostIdentity;

    /// Reads the facts asked for.
    fn facts(&mut self, wanted: &FactSet) -> impl Future<Output = Result<Facts, HostError>> + Send;

    /// Exact present state of each target, in the order asked for.
    fn observe(
        &mut self,
        targets: &[Target],
    ) -> impl Future<Output = Result<Vec<Observed>, HostError>> + Send;

    /// Asks one probe of the host. Reads, and runs programs that only read; nothing is left on the host. `since` is
    /// the host's clock at the push. A host that does not let itself be asked is a verdict, not an error.
    fn probe(
        &mut self,
        probe: &HostProbe,
        since: Option<Timestamp>,
    ) -> impl Future<Output = Result<Verdict, HostError>> + Send;

    /// Names of the keys right below a key, empty where it is not there.
    fn keys(
        &mut self,
        key: &KeyPath,
    ) -> impl Future<Output = Result<Vec<String>, HostError>> + Send;

    /// Names and data of all values of a key but the one called `except`, empty where the key is not there.
    fn values(
        &mut self,
        key: &KeyPath,
        except: Option<&str>,
    ) -> impl Future<Output = Result<Vec<(String, Observed)>, HostError>> + Send;

    /// What does not work on the host although the session goes on without it: WMI, where `reg.exe` takes its place.
    fn partly(&self) -> Option<HostError> {
        None
    }

    /// Runs a command in a shell that only reads, where the settings allow a shell and none has run yet: what the steps of
    /// netsh need, and quotas of shells and operations stand in the way of. The shell is deleted by [`Self::close`].
    fn try_shell(&mut self) -> impl Future<Output = Result<(), HostError>> + Send {
        async { Ok(()) }
    }

    /// What the session has cost so far.
    fn cost(&self) -> Cost;

    /// Deletes the shell if there is one and closes the connection. Best effort: failures are logged, never
    /// returned, because the work is done. Must also be called after an error.
    fn close(self) -> impl Future<Output = Cost> + Send;
}

/// A one-shot scheduled task that runs programs of a probe as LocalSystem, with the value its result stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SystemTask {
    /// Its name in the root folder of the library; nothing else on the host is called so.
    pub name: String,
    /// Where its result stands until it is read.
    pub result: Target,
}

/// The writing half.
pub trait Session: Observe {
    /// Writes one change and reads it back; returns what is there now. The engine calls it only after the prior
    /// states of all targets of the host are durable in the journal. Not cancel safe: a cancelled write is
    /// [`Severity::Lost`].
    fn apply(
        &mut self,
        change: &Change,
    ) -> impl Future<Output = Result<Observed, HostError>> + Send;

    /// The other store of WinHTTP (`netsh winhttp show advproxy`) as it was right before the last [`Self::apply`] that ran
    /// netsh: the host's JSON on one line, untrusted. `None` where this Windows has no such store, and when asked again.
    fn advproxy(&mut self) -> Option<String>;

    /// Three-way restore: puts `prior` back only where the present state is still `ours`, unless forced.
    /// Idempotent: a target that already has its prior content is [`Restored::AlreadyPrior`].
    fn restore(&mut self, undo: &Undo) -> impl Future<Output = Result<Restored, HostError>> + Send;

    /// Deletes a value of a key that is nobody's but ours, proves that it is gone, and deletes the key where nothing is
    /// left in it. Idempotent.
    fn clear(&mut self, target: &Target) -> impl Future<Output = Result<(), HostError>> + Send;

    /// As [`Observe::probe`], with the probe's programs run as LocalSystem by `task`, which stays on the host until
    /// [`Self::remove_task`]. The engine calls it only after the task's name is durable in the journal.
    fn probe_as_system(
        &mut self,
        probe: &HostProbe,
        since: Option<Timestamp>,
        task: &SystemTask,
    ) -> impl Future<Output = Result<Verdict, HostError>> + Send;

    /// Takes away the task and its result, and proves that they are gone. Idempotent.
    fn remove_task(
        &mut self,
        task: &SystemTask,
    ) -> impl Future<Output = Result<(), HostError>> + Send;
}

/// Who answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostIdentity {
    /// The name the host gave itself (NTLM challenge), if the mechanism carries one.
    pub computer_name: Option<String>,
    /// `HKLM\SOFTWARE\Microsoft\Cryptography: MachineGuid`, if readable.
    pub machine_guid: Option<String>,
    /// The authentication really used, e.g. `ntlm (sealed)`, `ntlm+cbt (tls)`, `basic (tls)`.
    pub auth: String,
}

/// What a session cost, for `-v` and the benchmark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// HTTP requests sent, authentication included.
    pub requests: u32,
    /// Bytes of HTTP bodies sent.
    pub sent: u64,
    /// Bytes of HTTP bodies received.
    pub received: u64,
    /// TCP connections opened.
    pub connections: u32,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, more: Self) {
        self.requests += more.requests;
        self.sent += more.sent;
        self.received += more.received;
        self.connections += more.connections;
    }
}
