//! The engine's door to the world: what it may ask of a host, and the ways in which a host can fail.
//!
//! The scripted fleet in `testing.rs` and the real one in the crate `session` both stand behind these traits.

use std::fmt;
use std::future::Future;

use inventory::HostName;
use jiff::Timestamp;
use playbooks::{Change, Desired, FactSet, Facts, HostProbe, KeyPath, Observed, Target, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::prior::{words, words_at};

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

/// One value to take back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undo {
    /// Where.
    pub target: Target,
    /// What was there before the run (RB0). Another word in events, where `prior` is what was found just now.
    #[serde(rename = "restore")]
    pub prior: Observed,
    /// What the run left there, as read back. For WinHTTP the recorded bytes.
    pub ours: Observed,
    /// Write `prior` even where somebody else changed the value since.
    pub force: bool,
    /// `Some` where the change may or may not have been written (indeterminate), with what was wanted: any state
    /// that satisfies it counts as ours besides `ours`.
    pub uncertain: Option<Desired>,
}

/// Whose work a present state is, as far as an [`Undo`] is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The prior content is there: nothing to do, except keys to remove (RB2).
    Prior,
    /// What the run left there: may be taken back.
    Ours,
    /// Somebody else changed it since: taken back only by force (RB6).
    Foreign,
}

impl Undo {
    /// The three-way judgement (prior, ours, current). Sessions use this and no comparison of their own.
    pub fn judge(&self, current: &Observed) -> Standing {
        if current.same_content(&self.prior) {
            Standing::Prior
        } else if current.same_content(&self.ours)
            || self
                .uncertain
                .as_ref()
                .is_some_and(|wanted| wanted.satisfied_by(current))
        {
            Standing::Ours
        } else {
            Standing::Foreign
        }
    }

    /// A foreign change with all three values, for people.
    pub fn conflict_text(&self, current: &Observed) -> String {
        let three = |words: &dyn Fn(&Observed) -> String| {
            let ours = match &self.uncertain {
                Some(wanted) => wanted.text(),
                None => words(&self.ours),
            };
            [words(&self.prior), ours, words(current)]
        };
        let mut said = three(&|state| words_at(&self.target, state));
        if said[2] == said[0] || said[2] == said[1] {
            // They read alike and are not: their bytes tell them apart.
            said = three(&words);
        }
        let [prior, ours, mut now] = said;
        // Nor do the bytes of a value that holds an account.
        if now == prior || now == ours {
            now.push_str(", with another user or password");
        }
        format!(
            "{} was changed by somebody else since: before the run {prior}, the run left {ours}, now {now}",
            self.target,
        )
    }

    /// The highest key that the run may have created and a restore may remove again where it is empty; it and the
    /// keys below it down to the target's (RB2). `None`: no key may be removed.
    pub fn created_from(&self) -> Option<&KeyPath> {
        match &self.prior {
            Observed::KeyAbsent { first_missing } => Some(first_missing),
            _ => None,
        }
    }
}

/// What became of an [`Undo`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "restored", rename_all = "snake_case")]
pub enum Restored {
    /// The prior state is back, read back.
    Done,
    /// It was there already.
    AlreadyPrior,
    /// The present state is neither prior nor ours; nothing was written (RB6).
    Conflict {
        /// What is there now.
        current: Observed,
    },
}

/// How bad a failure is: decides the outcome and what may be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing was started on the host.
    Unreachable,
    /// The host, or we, said no.
    Failed,
    /// Contact was lost after a write was sent: it may have been carried out.
    Lost,
    /// The credential guard let no attempt out; the host was not contacted further. Ends the run (exit 9).
    Guarded,
}

/// The cause of a failure as a closed list: clusters, reports and scripts rely on these words.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The name does not resolve.
    Dns,
    /// The port is closed.
    ConnectRefused,
    /// No answer to the connect, or another network error before anything was sent.
    ConnectFailed,
    /// A deadline passed (request or host).
    Timeout,
    /// The connection broke.
    ConnectionLost,
    /// HTTP 502, 503 or 504: the service is not up, or what stands in between has lost the host.
    ServiceUnavailable,
    /// The host refused the user name or password.
    LogonRefused,
    /// Kerberos did not work: no KDC, clocks, service name, ticket refused.
    Kerberos,
    /// The host offers no authentication scheme that is allowed here.
    AuthNotOffered,
    /// The credential could not be read on this side (keyring, file, command).
    CredentialUnavailable,
    /// The credential guard stopped further attempts.
    CredentialGuard,
    /// TLS failed: unknown CA, wrong name, expired, pin mismatch.
    Certificate,
    /// A setting would send a secret in clear; refused on this side.
    InsecureTransport,
    /// The host wants or answered plain text where sealing is needed.
    SealingRefused,
    /// HTTP 403.
    Forbidden,
    /// HTTP 404, or something else than WinRM answers.
    NotWinrm,
    /// Another machine answers under this name.
    WrongHost,
    /// Windows says access denied (often the remote UAC filter).
    AccessDenied,
    /// A WS-Management quota.
    Quota,
    /// WMI does not work on the host and the shell was not allowed or did not work either.
    WmiBroken,
    /// Another SOAP fault or non-zero return value.
    Fault,
    /// The reply breaks the protocol or a bound (size, depth, `RelatesTo`).
    Protocol,
    /// A prior value cannot be read and rewritten exactly.
    PriorNotRestorable,
    /// The value read back is not the value wanted.
    ReadBackDiffers,
    /// The value changed under us between the recorded prior state and a resume.
    ChangedSince,
    /// Taken back for `prove_undo`, the host was not as it had been.
    UndoNotProved,
    /// Another controller is at work on the host.
    HeldByAnother,
    /// What was looked at before the first write forbids it.
    PreflightBlocked,
    /// A probe is red.
    ProbeRed,
    /// A probe could not find out what it asks.
    ProbeInconclusive,
    /// What is there is not what the plan saw: nothing was written.
    MovedSincePlan,
    /// The plan could not read the host: it is left to a later catch-up.
    UnreadAtPlan,
    /// A template or condition of the playbook failed on this host.
    Playbook,
    /// A fact that a condition asks for cannot be read on this host.
    FactUnread,
    /// A rollback found values that somebody else changed since.
    Conflict,
    /// An internal error of the controller.
    Internal,
}

impl Reason {
    /// The word in reports, as serialised.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::ConnectRefused => "connect_refused",
            Self::ConnectFailed => "connect_failed",
            Self::Timeout => "timeout",
            Self::ConnectionLost => "connection_lost",
            Self::ServiceUnavailable => "service_unavailable",
            Self::LogonRefused => "logon_refused",
            Self::Kerberos => "kerberos",
            Self::AuthNotOffered => "auth_not_offered",
            Self::CredentialUnavailable => "credential_unavailable",
            Self::CredentialGuard => "credential_guard",
            Self::Certificate => "certificate",
            Self::InsecureTransport => "insecure_transport",
            Self::SealingRefused => "sealing_refused",
            Self::Forbidden => "forbidden",
            Self::NotWinrm => "not_winrm",
            Self::WrongHost => "wrong_host",
            Self::AccessDenied => "access_denied",
            Self::Quota => "quota",
            Self::WmiBroken => "wmi_broken",
            Self::Fault => "fault",
            Self::Protocol => "protocol",
            Self::PriorNotRestorable => "prior_not_restorable",
            Self::ReadBackDiffers => "read_back_differs",
            Self::ChangedSince => "changed_since",
            Self::UndoNotProved => "undo_not_proved",
            Self::HeldByAnother => "held_by_another",
            Self::PreflightBlocked => "preflight_blocked",
            Self::ProbeRed => "probe_red",
            Self::ProbeInconclusive => "probe_inconclusive",
            Self::MovedSincePlan => "moved_since_plan",
            Self::UnreadAtPlan => "unread_at_plan",
            Self::Playbook => "playbook",
            Self::FactUnread => "fact_unread",
            Self::Conflict => "conflict",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a host did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostError {
    /// Decides the outcome.
    pub severity: Severity,
    /// The machine-readable cause.
    pub reason: Reason,
    /// The human-readable cause: lower case, no full stop, no secret; remote text in it is untrusted and is
    /// neutralised where it is printed.
    pub detail: String,
    /// What to do about it, if we know.
    pub remedy: Option<String>,
    /// What a session cost that did not come about; a session that did knows its own cost.
    #[serde(skip)]
    pub spent: Cost,
    /// The cause is likely to pass by itself within seconds. Whoever judged the failure knows it; what the reason alone
    /// tells needs no such word.
    #[serde(skip)]
    pub passes: bool,
}

impl HostError {
    /// A failure in which the host, or we, said no.
    pub fn failed(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Failed,
            reason,
            detail: detail.into(),
            remedy: None,
            spent: Cost::default(),
            passes: false,
        }
    }

    /// A failure before anything was started on the host.
    pub fn unreachable(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Unreachable,
            reason,
            detail: detail.into(),
            remedy: None,
            spent: Cost::default(),
            passes: false,
        }
    }

    /// Contact lost after a write was sent.
    pub fn lost(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Lost,
            reason,
            detail: detail.into(),
            remedy: None,
            spent: Cost::default(),
            passes: false,
        }
    }

    /// The same, where a write had been sent whose effect could not be read.
    #[must_use]
    pub(crate) fn unsettled(&self) -> Self {
        Self {
            severity: Severity::Lost,
            ..self.clone()
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The cause is likely to pass by itself, or not.
    #[must_use]
    pub fn that_passes(mut self, passes: bool) -> Self {
        self.passes = passes;
        self
    }

    /// Adds what a session cost that did not come about.
    #[must_use]
    pub fn with_spent(mut self, spent: Cost) -> Self {
        self.spent += spent;
        self
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

impl std::error::Error for HostError {}

#[cfg(test)]
mod tests {
    use super::*;
    use playbooks::RawValue;

    /// The settings of WinHTTP as bytes: marker, counter, flags, server, bypass list.
    fn winhttp(counter: u8, server: &str) -> Observed {
        let mut bytes = vec![0x28, 0, 0, 0, counter, 0, 0, 0, 3, 0, 0, 0];
        bytes.extend_from_slice(&u32::try_from(server.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(server.as_bytes());
        bytes.extend_from_slice(&[0; 4]);
        Observed::Present(RawValue { kind: 3, bytes })
    }

    #[test]
    fn a_conflict_is_told_in_words_and_in_bytes_where_words_do_not_tell_it() {
        let undo = Undo {
            target: Target::win_http_settings(),
            prior: Observed::ValueAbsent,
            ours: winhttp(0, "ours:1"),
            force: false,
            uncertain: None,
        };
        let text = undo.conflict_text(&winhttp(0, "theirs:2"));
        let said = "before the run absent, the run left 'ours:1', now 'theirs:2'";
        assert!(text.ends_with(said), "{text}");
        let text = undo.conflict_text(&winhttp(7, "ours:1"));
        assert!(text.contains("'2800000007000000"), "{text}");
    }

    #[test]
    fn a_conflict_over_an_account_is_one_in_words_too() {
        let with = |account: &str| winhttp(0, &format!("{account}@proxy:1"));
        let undo = Undo {
            target: Target::win_http_settings(),
            prior: with("svc:one"),
            ours: winhttp(0, "ours:1"),
            force: false,
            uncertain: None,
        };
        let text = undo.conflict_text(&with("svc:two"));
        assert!(text.ends_with("with another user or password"), "{text}");
        assert!(!text.contains("svc"), "{text}");
        let text = undo.conflict_text(&winhttp(0, "theirs:2"));
        assert!(!text.contains("password"), "{text}");
    }
}
