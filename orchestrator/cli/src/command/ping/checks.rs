//! What a ping says about a host, check by check: how far it came, and what to do where it went no further.

use inventory::{Settings, Transport};
use rollout::Reason;
use serde::Serialize;

/// The checks in the order in which a connection passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Check {
    /// The settings and the password on this side.
    Settings,
    /// The name resolves.
    Dns,
    /// Something listens.
    Port,
    /// The certificate is right.
    Tls,
    /// WinRM answers there.
    Service,
    /// It is the machine that is meant.
    Name,
    /// The logon is accepted.
    Logon,
    /// Bodies are sealed.
    Sealing,
    /// The account may read the registry.
    Rights,
}

impl Check {
    pub(super) const ALL: [Self; 9] = [
        Self::Settings,
        Self::Dns,
        Self::Port,
        Self::Tls,
        Self::Service,
        Self::Name,
        Self::Logon,
        Self::Sealing,
        Self::Rights,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Dns => "dns",
            Self::Port => "port",
            Self::Tls => "tls",
            Self::Service => "service",
            Self::Name => "name",
            Self::Logon => "logon",
            Self::Sealing => "sealing",
            Self::Rights => "rights",
        }
    }

    /// It passes when.
    #[cfg(test)]
    fn meaning(self) -> &'static str {
        match self {
            Self::Settings => {
                "the settings are allowed and the password, ticket or certificate is at hand"
            }
            Self::Dns => "the name resolves; `-` where the address is a number",
            Self::Port => "something listens there, and no firewall or missing route is in the way",
            Self::Tls => "TLS comes up with a certificate that is right; `-` over HTTP",
            Self::Service => "WinRM answers, nothing else in its place",
            Self::Name => "it is the machine that is meant; `-` with `verify_name: false`",
            Self::Logon => "the host offers what is allowed here, and takes the account",
            Self::Sealing => "messages are sealed both ways; `-` over HTTPS",
            Self::Rights => {
                "the account may read the registry (an administrator) and run a command in a shell, and no quota is used up; `PARTLY` where WMI does not work \
                 and `reg.exe` takes its place; whatever goes wrong in the shell once the registry was read, a lost connection too, is told here; \
                 `channel: cim` needs no shell and tries none"
            }
        }
    }

    /// The check that a failure with this reason did not pass.
    fn failed_by(reason: Reason) -> Self {
        match reason {
            Reason::CredentialUnavailable | Reason::InsecureTransport | Reason::Internal => {
                Self::Settings
            }
            Reason::Dns => Self::Dns,
            Reason::ConnectRefused | Reason::ConnectFailed => Self::Port,
            Reason::Certificate => Self::Tls,
            Reason::WrongHost => Self::Name,
            Reason::LogonRefused
            | Reason::AuthNotOffered
            | Reason::CredentialGuard
            | Reason::Kerberos => Self::Logon,
            Reason::SealingRefused => Self::Sealing,
            Reason::AccessDenied | Reason::WmiBroken | Reason::Quota | Reason::Fault => {
                Self::Rights
            }
            _ => Self::Service,
        }
    }
}

/// Each check, when it passes, and the reasons that a ping can give for its failure.
#[cfg(test)]
pub(crate) fn described() -> impl Iterator<Item = (&'static str, &'static str, Vec<Reason>)> {
    // The others come from the work of a run: a ping does none.
    let of_ping = |reason: &Reason| {
        !matches!(
            reason,
            Reason::HeldByAnother
                | Reason::PreflightBlocked
                | Reason::PriorNotRestorable
                | Reason::MovedSincePlan
                | Reason::UnreadAtPlan
                | Reason::Playbook
                | Reason::FactUnread
                | Reason::ReadBackDiffers
                | Reason::ChangedSince
                | Reason::UndoNotProved
                | Reason::ProbeRed
                | Reason::ProbeInconclusive
                | Reason::Conflict
        )
    };
    Check::ALL.into_iter().map(move |check| {
        let reasons = Reason::ALL.into_iter().filter(of_ping);
        let reasons = reasons.filter(|reason| Check::failed_by(*reason) == check);
        (check.as_str(), check.meaning(), reasons.collect())
    })
}

/// How the connection to a host is meant to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Road {
    /// The address is a number: no name is resolved.
    pub(super) literal: bool,
    /// HTTPS.
    pub(super) tls: bool,
    /// The machine has to be the one that is meant.
    pub(super) verifies: bool,
}

impl Road {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            literal: settings.address.value.parse::<std::net::IpAddr>().is_ok(),
            tls: settings.transport.value == Transport::Https,
            verifies: settings.verify_name.value,
        }
    }
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Ok,
    Failed,
    /// Something does not work, and something else takes its place.
    Partly,
    /// An earlier check failed, or the trace ends before it.
    NotReached,
    /// Not part of this connection.
    NotUsed,
}

/// How far a host is known to have come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reached {
    /// It may be read.
    All,
    /// It failed, for this reason.
    Failed(Reason),
    /// The registry was read; the command in a shell failed, whatever the reason.
    ShellFailed,
    /// A trace ends: this check is the last one that it is known to have passed.
    Unknown(Option<Check>),
}

/// The checks of one host.
pub(super) fn of(road: Road, reached: Reached) -> impl Iterator<Item = (Check, State)> {
    let Road {
        literal,
        tls,
        verifies,
    } = road;
    let used = move |check: Check| match check {
        Check::Dns => !literal,
        Check::Tls => tls,
        Check::Sealing => !tls,
        _ => true,
    };
    let failing = |failed: Check| {
        let passed = Check::ALL.into_iter().rfind(|check| *check < failed);
        (Some(failed), passed)
    };
    let (failed, passed) = match reached {
        Reached::All => (None, Check::ALL.last().copied()),
        Reached::Failed(reason) => failing(Check::failed_by(reason)),
        Reached::ShellFailed => failing(Check::Rights),
        Reached::Unknown(passed) => (None, passed),
    };
    Check::ALL.into_iter().map(move |check| {
        let state = match failed {
            Some(failed) if check == failed => State::Failed,
            _ if !used(check) || (check == Check::Name && !verifies) => State::NotUsed,
            _ if Some(check) <= passed => State::Ok,
            _ => State::NotReached,
        };
        (check, state)
    })
}
