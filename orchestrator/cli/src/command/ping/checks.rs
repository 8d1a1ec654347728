//! What a ping says about a host, check by check: how far it came, and what to do where it went no further.

use inventory::{Host, Transport};
use rollout::{HostError, HostIdentity, Reason};
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
            Reason::LogonRefused | Reason::AuthNotOffered | Reason::CredentialGuard => Self::Logon,
            Reason::SealingRefused => Self::Sealing,
            Reason::AccessDenied | Reason::Forbidden | Reason::WmiBroken => Self::Rights,
            _ => Self::Service,
        }
    }
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Ok,
    Failed,
    /// An earlier check failed.
    NotReached,
    /// Not part of this connection.
    NotUsed,
}

/// The checks of one host.
pub(super) fn of(
    host: &Host,
    result: Result<&HostIdentity, &HostError>,
) -> impl Iterator<Item = (Check, State)> {
    let settings = &host.settings;
    let tls = settings.transport.value == Transport::Https;
    let literal = settings.address.value.parse::<std::net::IpAddr>().is_ok();
    let used = move |check: Check| match check {
        Check::Dns => !literal,
        Check::Tls => tls,
        Check::Sealing => !tls,
        _ => true,
    };
    let verifies = settings.verify_name.value;
    let failed = result.err().map(|error| Check::failed_by(error.reason));
    Check::ALL.into_iter().map(move |check| {
        let state = match failed {
            Some(failed) if check == failed => State::Failed,
            _ if !used(check) || (check == Check::Name && !verifies) => State::NotUsed,
            Some(failed) if check > failed => State::NotReached,
            _ => State::Ok,
        };
        (check, state)
    })
}
