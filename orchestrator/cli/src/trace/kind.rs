//! Failures on disk, as far as they can be judged again from there.

use serde::{Deserialize, Serialize};
use wsman::{ErrorKind, TlsError, TlsProblem};

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
    LogonRefused,
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
    /// What cannot be judged again without what is not kept; the words are those of then.
    Other(String),
}

/// [`TlsProblem`] on disk.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Problem {
    UnknownAuthority,
    OtherName,
    Expired,
    NotYetValid,
    WrongPurpose,
    IsAuthority,
    PinMismatch,
    Revoked,
    Broken,
    Handshake,
    File,
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
            ErrorKind::LogonRefused => Self::LogonRefused,
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
            Self::LogonRefused => ErrorKind::LogonRefused,
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

impl From<TlsProblem> for Problem {
    fn from(problem: TlsProblem) -> Self {
        match problem {
            TlsProblem::UnknownAuthority => Self::UnknownAuthority,
            TlsProblem::OtherName => Self::OtherName,
            TlsProblem::Expired => Self::Expired,
            TlsProblem::NotYetValid => Self::NotYetValid,
            TlsProblem::WrongPurpose => Self::WrongPurpose,
            TlsProblem::IsAuthority => Self::IsAuthority,
            TlsProblem::PinMismatch => Self::PinMismatch,
            TlsProblem::Revoked => Self::Revoked,
            TlsProblem::Broken => Self::Broken,
            TlsProblem::Handshake => Self::Handshake,
            TlsProblem::File => Self::File,
        }
    }
}

impl From<Problem> for TlsProblem {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::UnknownAuthority => Self::UnknownAuthority,
            Problem::OtherName => Self::OtherName,
            Problem::Expired => Self::Expired,
            Problem::NotYetValid => Self::NotYetValid,
            Problem::WrongPurpose => Self::WrongPurpose,
            Problem::IsAuthority => Self::IsAuthority,
            Problem::PinMismatch => Self::PinMismatch,
            Problem::Revoked => Self::Revoked,
            Problem::Broken => Self::Broken,
            Problem::Handshake => Self::Handshake,
            Problem::File => Self::File,
        }
    }
}
