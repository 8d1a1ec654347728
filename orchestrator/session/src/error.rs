//! From what the wire says to what the engine decides by: severity, reason, and what a person can do.
//!
//! The severity rule (product section 5): before a write was sent, lost contact is `Unreachable`; an explicit
//! refusal is `Failed`; after a write was sent, lost contact is `Lost`, because the write may have been carried out.

use rollout::{HostError, Reason, Severity};
use wsman::{Error, ErrorKind, KerberosProblem, NtlmProof, Sent, TlsProblem};
use wsman_proto::{Fault, Retry, fault, status};

use crate::link::cost;
use crate::remedy;

/// A failure inside this crate, before it is known how far the work on the host had come.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The client failed.
    Wire(Error),
    /// A judgement of ours.
    Refused(Reason, String),
    /// WMI does not work, and the shell in its place neither.
    Neither {
        /// What both said.
        said: String,
        /// What a person can do about the shell.
        remedy: Option<&'static str>,
        /// One of them may work in a moment.
        passes: bool,
    },
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Wire(error)
    }
}

impl Trouble {
    /// The fault the host answered with, if it is one: the connection is then still good.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Wire(error) => error.fault(),
            Self::Refused(..) | Self::Neither { .. } => None,
        }
    }

    /// WMI itself does not work on the host, while the connection does.
    pub(crate) fn is_wmi_broken(&self) -> bool {
        match self {
            Self::Wire(error) => wmi_is_broken(&error.kind),
            Self::Refused(..) | Self::Neither { .. } => false,
        }
    }

    /// The host does not take the value in the form in which it was sent.
    pub(crate) fn is_refused_value(&self) -> bool {
        match self {
            Self::Wire(error) => matches!(
                &error.kind,
                ErrorKind::Registry {
                    code: 87 | 0x8004_1008,
                    ..
                } | ErrorKind::TypeMismatch
                    | ErrorKind::Fault(_)
            ),
            Self::Refused(..) | Self::Neither { .. } => false,
        }
    }

    /// It happened while the shell was made: no command has run yet.
    pub(crate) fn is_opening_the_shell(&self) -> bool {
        matches!(self, Self::Wire(error) if error.operation == "Create")
    }

    /// The operation may have been carried out although it failed.
    pub(crate) fn may_have_run(&self) -> bool {
        match self {
            Self::Wire(error) => match &error.kind {
                ErrorKind::Fault(fault) => fault.outcome_unknown(),
                ErrorKind::Registry { .. } => false,
                _ => error.sent == Sent::Unknown,
            },
            Self::Refused(..) | Self::Neither { .. } => false,
        }
    }
}

/// As [`Trouble::is_wmi_broken`].
pub(crate) fn wmi_is_broken(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::Fault(fault) => !fault.is_access_denied() && fault.is_wmi_broken(),
        ErrorKind::Registry { code, .. } => is_wmi_failure(*code),
        _ => false,
    }
}

/// WMI's own "failed", "provider failed to load", "shutting down" as a `ReturnValue`.
fn is_wmi_failure(code: u32) -> bool {
    matches!(
        code,
        0x8004_1001 | 0x8004_1004 | 0x8004_100C..=0x8004_1014 | 0x8004_1033 | 1722 | 1726
    )
}

/// What is known about the work on a host when something fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    /// A write left this machine, now or earlier on this session.
    pub(crate) wrote: bool,
    /// The account belongs to the host itself.
    pub(crate) local_account: bool,
    /// TLS is in use.
    pub(crate) tls: bool,
    /// TCP port, for the texts.
    pub(crate) port: u16,
    /// User name as configured, for the texts.
    pub(crate) account: &'a str,
}

/// How a kind of failure reads before the situation is looked at.
enum Nature {
    /// No contact.
    Contact,
    /// Somebody said no.
    Refusal,
    /// The answer cannot be used.
    Answer,
    /// The guard on this side.
    Guard,
}

/// Turns a failure into what the engine understands.
pub(crate) fn host_error(trouble: &Trouble, situation: Situation<'_>) -> HostError {
    let error = match trouble {
        Trouble::Refused(reason, detail) => return HostError::failed(*reason, detail.clone()),
        Trouble::Neither {
            said,
            remedy,
            passes,
        } => {
            return HostError {
                remedy: remedy.map(str::to_owned),
                ..HostError::failed(Reason::WmiBroken, said.clone()).that_passes(*passes)
            };
        }
        Trouble::Wire(error) => error,
    };
    let (nature, reason) = judge(&error.kind, situation);
    let severity = match nature {
        Nature::Contact if situation.wrote => Severity::Lost,
        Nature::Contact => Severity::Unreachable,
        Nature::Answer if situation.wrote && error.sent == Sent::Unknown => Severity::Lost,
        Nature::Guard if situation.wrote => Severity::Lost,
        Nature::Guard if !situation.local_account => Severity::Guarded,
        Nature::Answer | Nature::Refusal | Nature::Guard => Severity::Failed,
    };
    let refused_ntlm = error
        .source
        .as_deref()
        .and_then(|source| source.downcast_ref::<NtlmProof>());
    let remedy = match refused_ntlm {
        Some(proof) if reason == Reason::LogonRefused => {
            Some(remedy::refused_ntlm(proof, situation))
        }
        _ => remedy::of(&error.kind, reason, situation),
    };
    HostError {
        severity,
        reason,
        detail: detail(error),
        remedy,
        spent: cost(error.spent),
        passes: passes(&error.kind),
    }
}

/// Whether a run tries again after a failure with this meaning, as long as nothing was written to the host. Not what
/// refuses an account: nothing of that is repeated.
pub fn tried_again(retry: Retry) -> bool {
    matches!(retry, Retry::Backoff | Retry::NewShell)
}

fn passes(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::Http(code) | ErrorKind::Proxy { status: code, .. } => {
            let found = status::status(*code, status::Body::Other);
            found.and_then(|found| found.retry).is_some_and(tried_again)
        }
        ErrorKind::Fault(fault) => !fault.is_access_denied() && tried_again(fault.retry),
        ErrorKind::Registry { code, .. } => {
            fault::meaning(*code).is_some_and(|meaning| tried_again(meaning.retry))
        }
        _ => false,
    }
}

fn judge(kind: &ErrorKind, situation: Situation<'_>) -> (Nature, Reason) {
    use Nature::{Answer, Contact, Guard, Refusal};
    match kind {
        ErrorKind::Dns(_) => (Contact, Reason::Dns),
        ErrorKind::ConnectRefused => (Contact, Reason::ConnectRefused),
        ErrorKind::ConnectFailed(_) | ErrorKind::ConnectTimeout | ErrorKind::NoRoute(_) => {
            (Contact, Reason::ConnectFailed)
        }
        ErrorKind::Timeout => (Contact, Reason::Timeout),
        ErrorKind::ConnectionLost(_) => (Contact, Reason::ConnectionLost),
        // Not from Windows but the first: something in between is busy.
        ErrorKind::Http(503 | 425 | 429) => (Contact, Reason::ServiceUnavailable),
        // The same; the request may have reached the host.
        ErrorKind::Proxy {
            status: 425 | 429 | 502..=504,
            ..
        } => (Contact, Reason::ServiceUnavailable),
        ErrorKind::Http(502 | 504) => (Contact, Reason::ServiceUnavailable),
        ErrorKind::Proxy { .. } | ErrorKind::Foreign { .. } | ErrorKind::NotHttp(_) => {
            (Answer, Reason::NotWinrm)
        }
        ErrorKind::NotKept(_) => (Contact, Reason::NotWinrm),
        ErrorKind::Http(403) => (Refusal, Reason::Forbidden),
        ErrorKind::Http(401) | ErrorKind::LogonRefused => (Refusal, Reason::LogonRefused),
        ErrorKind::Http(400 | 413 | 500) => (Answer, Reason::Protocol),
        ErrorKind::Http(_) => (Answer, Reason::NotWinrm),
        ErrorKind::LogonDenied(_) if situation.local_account => (Guard, Reason::LogonRefused),
        ErrorKind::LogonDenied(_) => (Guard, Reason::CredentialGuard),
        ErrorKind::Kerberos(error) => judge_kerberos(error.problem),
        ErrorKind::AnotherMachine { .. } => (Refusal, Reason::WrongHost),
        ErrorKind::CertificateNotAsked => (Refusal, Reason::AuthNotOffered),
        ErrorKind::CertificateRefused(_) => (Refusal, Reason::LogonRefused),
        ErrorKind::UnfitCredential(_) => (Refusal, Reason::CredentialUnavailable),
        ErrorKind::AuthNotOffered(_) | ErrorKind::NtlmRefused { .. } => {
            (Refusal, Reason::AuthNotOffered)
        }
        // Nobody has said no: the host may be starting.
        ErrorKind::Tls(error) if error.problem == TlsProblem::NoAnswer => {
            (Contact, Reason::Certificate)
        }
        ErrorKind::Tls(_) => (Refusal, Reason::Certificate),
        ErrorKind::InsecureTransport(_) => (Refusal, Reason::InsecureTransport),
        // An answer that cannot be unsealed answers a request that may have been carried out.
        ErrorKind::SealingRefused(_) => (Answer, Reason::SealingRefused),
        ErrorKind::Fault(fault) => judge_fault(fault, situation),
        ErrorKind::Registry {
            code: 5 | 0x8004_1003 | 0x8007_0005,
            ..
        } => (Refusal, Reason::AccessDenied),
        ErrorKind::Registry { code, .. } if is_wmi_failure(*code) => (Refusal, Reason::WmiBroken),
        ErrorKind::Registry { .. } => (Refusal, Reason::Fault),
        ErrorKind::TypeMismatch | ErrorKind::Protocol(_) | ErrorKind::TooLarge(_) => {
            (Answer, Reason::Protocol)
        }
    }
}

fn judge_kerberos(problem: KerberosProblem) -> (Nature, Reason) {
    use KerberosProblem as P;
    use Nature::{Contact, Refusal};
    match problem {
        P::WrongPassword | P::AccountRefused | P::PasswordExpired | P::UnknownPrincipal => {
            (Refusal, Reason::LogonRefused)
        }
        P::KdcUnreachable => (Contact, Reason::Kerberos),
        P::WeakKey => (Refusal, Reason::SealingRefused),
        P::NoTicket | P::Keytab => (Refusal, Reason::CredentialUnavailable),
        P::Library
        | P::ClockSkew
        | P::SpnUnknown
        | P::NoName
        | P::TicketRefused
        | P::NotMutual
        | P::Other => (Refusal, Reason::Kerberos),
    }
}

fn judge_fault(fault: &Fault, situation: Situation<'_>) -> (Nature, Reason) {
    use Nature::{Contact, Refusal};
    if fault.is_access_denied() {
        (Refusal, Reason::AccessDenied)
    } else if fault.is_timeout() {
        (Contact, Reason::Timeout)
    } else if situation.wrote && fault.outcome_unknown() {
        (Contact, Reason::Fault)
    } else if fault.is_quota() {
        (Refusal, Reason::Quota)
    } else if fault.is_wmi_broken() {
        (Refusal, Reason::WmiBroken)
    } else {
        (Refusal, Reason::Fault)
    }
}

/// The error with its causes; none of them holds a secret.
fn detail(error: &Error) -> String {
    let mut text = match &error.kind {
        ErrorKind::LogonDenied(denied) => denied.to_string(),
        _ => error.to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let more = next.to_string();
        if !more.is_empty() && !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(kind: ErrorKind) -> HostError {
        let situation = Situation {
            wrote: false,
            local_account: false,
            tls: false,
            port: 5985,
            account: r"CORP\svc",
        };
        let error = Error {
            operation: "GetStringValue",
            kind,
            sent: Sent::NotProcessed,
            source: None,
            spent: wsman::Cost::default(),
        };
        host_error(&Trouble::Wire(error), situation)
    }

    fn fault_with(meaning: &fault::Meaning) -> Fault {
        let wmi = (0x8004_0000..0x8005_0000).contains(&meaning.code);
        Fault {
            code: meaning.code,
            subcode: String::new(),
            action: String::new(),
            name: meaning.name,
            cause: String::new(),
            machine: String::new(),
            detail: String::new(),
            provider: String::new(),
            retry: meaning.retry,
            remedy: Some(meaning.remedy),
            wmi_status: wmi.then_some(meaning.code),
            cim_status: None,
        }
    }

    /// The column "tried again" of the page for users is printed with the same function; here it meets the errors that
    /// the engine decides by.
    #[test]
    fn every_fault_and_status_passes_as_its_row_says() {
        for meaning in fault::meanings() {
            let error = judged(ErrorKind::Fault(Box::new(fault_with(meaning))));
            assert_eq!(error.passes, tried_again(meaning.retry), "{meaning:?}");
            assert!(!error.passes || error.reason != Reason::LogonRefused);
            let error = judged(ErrorKind::Registry {
                method: "GetStringValue",
                code: meaning.code,
                name: meaning.name,
            });
            assert_eq!(error.passes, tried_again(meaning.retry), "{meaning:?}");
        }
        for row in status::statuses() {
            let Some(retry) = row.retry else { continue };
            if row.body != status::Body::Other {
                continue;
            }
            let by = String::new();
            for kind in [
                ErrorKind::Http(row.code),
                ErrorKind::Proxy {
                    status: row.code,
                    by,
                },
            ] {
                assert_eq!(judged(kind).passes, tried_again(retry), "{row:?}");
            }
        }
    }
}
