//! Failures on disk, as far as they can be judged again from there.

use serde::{Deserialize, Serialize};
use wsman::{ErrorKind, KerberosError, LogonDenied, TlsError};

use super::problem::{Problem, TicketProblem};

/// [`ErrorKind`] on disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "is", content = "said", rename_all = "snake_case")]
pub(crate) enum Kind {
    Dns(String),
    ConnectRefused,
    NoRoute(String),
    ConnectFailed(String),
    ConnectTimeout,
    Timeout,
    ConnectionLost(String),
    Http(u16),
    Proxy {
        status: u16,
        by: String,
    },
    Foreign {
        status: u16,
        by: String,
    },
    NotHttp(String),
    NotKept(String),
    LogonRefused,
    LogonDenied(String),
    Kerberos {
        problem: TicketProblem,
        detail: String,
    },
    AnotherMachine {
        before: String,
        now: String,
    },
    CertificateNotAsked,
    CertificateRefused(String),
    NtlmRefused {
        offered: Vec<String>,
        no_kerberos: Option<String>,
    },
    AuthNotOffered(Vec<String>),
    Tls {
        problem: Problem,
        detail: String,
    },
    InsecureTransport(String),
    UnfitCredential(String),
    SealingRefused(String),
    Protocol(String),
    TooLarge(String),
    /// What cannot be judged again without what is not kept; the words are those of then. Traces from before schema 2 hold
    /// failures of Kerberos so.
    Other(String),
}

impl Kind {
    pub(super) fn of(kind: &ErrorKind) -> Self {
        match kind {
            ErrorKind::Dns(text) => Self::Dns(text.clone()),
            ErrorKind::ConnectRefused => Self::ConnectRefused,
            ErrorKind::NoRoute(text) => Self::NoRoute(text.clone()),
            ErrorKind::ConnectFailed(text) => Self::ConnectFailed(text.clone()),
            ErrorKind::ConnectTimeout => Self::ConnectTimeout,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::ConnectionLost(text) => Self::ConnectionLost(text.clone()),
            ErrorKind::Http(status) => Self::Http(*status),
            ErrorKind::Proxy { status, by } => Self::Proxy {
                status: *status,
                by: by.clone(),
            },
            ErrorKind::Foreign { status, by } => Self::Foreign {
                status: *status,
                by: by.clone(),
            },
            ErrorKind::NotHttp(text) => Self::NotHttp(text.clone()),
            ErrorKind::NotKept(text) => Self::NotKept(text.clone()),
            ErrorKind::LogonRefused => Self::LogonRefused,
            ErrorKind::LogonDenied(denied) => Self::LogonDenied(denied.0.clone()),
            ErrorKind::Kerberos(error) => Self::Kerberos {
                problem: error.problem.into(),
                detail: error.detail.clone(),
            },
            ErrorKind::AnotherMachine { before, now } => Self::AnotherMachine {
                before: before.clone(),
                now: now.clone(),
            },
            ErrorKind::CertificateNotAsked => Self::CertificateNotAsked,
            ErrorKind::CertificateRefused(text) => Self::CertificateRefused(text.clone()),
            ErrorKind::NtlmRefused {
                offered,
                no_kerberos,
            } => Self::NtlmRefused {
                offered: offered.clone(),
                no_kerberos: no_kerberos.clone(),
            },
            ErrorKind::AuthNotOffered(offered) => Self::AuthNotOffered(offered.clone()),
            ErrorKind::Tls(error) => Self::Tls {
                problem: error.problem.into(),
                detail: error.detail.clone(),
            },
            ErrorKind::InsecureTransport(text) => Self::InsecureTransport(text.clone()),
            ErrorKind::UnfitCredential(text) => Self::UnfitCredential(text.clone()),
            ErrorKind::SealingRefused(text) => Self::SealingRefused(text.clone()),
            ErrorKind::Protocol(text) => Self::Protocol(text.clone()),
            ErrorKind::TooLarge(text) => Self::TooLarge(text.clone()),
            // Faults and return values are in the replies, which are kept.
            other => Self::Other(other.to_string()),
        }
    }

    /// The failure itself; the words of then where it cannot be had again.
    pub(crate) fn into_error(self) -> Result<ErrorKind, String> {
        Ok(match self {
            Self::Dns(text) => ErrorKind::Dns(text),
            Self::ConnectRefused => ErrorKind::ConnectRefused,
            Self::NoRoute(text) => ErrorKind::NoRoute(text),
            Self::ConnectFailed(text) => ErrorKind::ConnectFailed(text),
            Self::ConnectTimeout => ErrorKind::ConnectTimeout,
            Self::Timeout => ErrorKind::Timeout,
            Self::ConnectionLost(text) => ErrorKind::ConnectionLost(text),
            Self::Http(status) => ErrorKind::Http(status),
            Self::Proxy { status, by } => ErrorKind::Proxy { status, by },
            Self::Foreign { status, by } => ErrorKind::Foreign { status, by },
            Self::NotHttp(text) => ErrorKind::NotHttp(text),
            Self::NotKept(text) => ErrorKind::NotKept(text),
            Self::LogonRefused => ErrorKind::LogonRefused,
            Self::LogonDenied(text) => ErrorKind::LogonDenied(LogonDenied(text)),
            Self::Kerberos { problem, detail } => ErrorKind::Kerberos(KerberosError {
                problem: problem.into(),
                detail,
            }),
            Self::AnotherMachine { before, now } => ErrorKind::AnotherMachine { before, now },
            Self::CertificateNotAsked => ErrorKind::CertificateNotAsked,
            Self::CertificateRefused(text) => ErrorKind::CertificateRefused(text),
            Self::NtlmRefused {
                offered,
                no_kerberos,
            } => ErrorKind::NtlmRefused {
                offered,
                no_kerberos,
            },
            Self::AuthNotOffered(offered) => ErrorKind::AuthNotOffered(offered),
            Self::Tls { problem, detail } => ErrorKind::Tls(TlsError {
                problem: problem.into(),
                detail,
            }),
            Self::InsecureTransport(text) => ErrorKind::InsecureTransport(text),
            Self::UnfitCredential(text) => ErrorKind::UnfitCredential(text),
            Self::SealingRefused(text) => ErrorKind::SealingRefused(text),
            Self::Protocol(text) => ErrorKind::Protocol(text),
            Self::TooLarge(text) => ErrorKind::TooLarge(text),
            Self::Other(text) => return Err(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use wsman::{ErrorKind, KerberosError, KerberosProblem, LogonDenied};

    use super::Kind;

    #[test]
    fn a_failure_is_the_same_after_it_was_on_disk() {
        let kerberos = |problem| {
            ErrorKind::Kerberos(KerberosError {
                problem,
                detail: "the clocks differ".to_owned(),
            })
        };
        let kinds = [
            kerberos(KerberosProblem::ClockSkew),
            kerberos(KerberosProblem::SpnUnknown),
            ErrorKind::LogonDenied(LogonDenied("two refusals".to_owned())),
            ErrorKind::AnotherMachine {
                before: "PC-1".to_owned(),
                now: "PC-2".to_owned(),
            },
        ];
        for kind in kinds {
            let line = serde_json::to_string(&Kind::of(&kind)).expect("JSON");
            let read: Kind = serde_json::from_str(&line).expect("a kind");
            let again = read.into_error().expect("judged again");
            assert_eq!(format!("{again:?}"), format!("{kind:?}"), "{line}");
        }
        // As it was written before schema 2.
        let old = r#"{"is":"other","said":"Kerberos: the clocks differ"}"#;
        let old: Kind = serde_json::from_str(old).expect("a kind");
        assert_eq!(old.into_error().unwrap_err(), "Kerberos: the clocks differ");
    }
}
