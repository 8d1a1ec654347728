//! The ways in which a host can fail: how bad, why, and in which words.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Cost;

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
