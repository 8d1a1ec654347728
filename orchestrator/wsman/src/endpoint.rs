//! Where a host is and how it may be spoken to. Plain data; nothing here contacts anything.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::trace::Trace;

/// One WinRM listener.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The host's name: `Host` header, TLS name. May be an IP address.
    pub name: String,
    /// Where the TCP connection goes: DNS name, IPv4 or IPv6 address.
    pub address: String,
    /// TCP port.
    pub port: u16,
    /// HTTPS with these rules, or plain HTTP with sealed bodies.
    pub tls: Option<TlsPolicy>,
    /// How to log on.
    pub auth: AuthMethod,
    /// Whether negotiate may end in NTLM where Kerberos is not possible.
    pub allow_ntlm: bool,
    /// The service that Kerberos tickets are for.
    pub spn: Spn,
    /// Whether the caller goes on only with a host that proves to be `name` ([`Client::peer`](crate::Client::peer)). Told to
    /// the trace: without it nobody could say later what was checked.
    pub verify_name: bool,
    /// Time limits.
    pub deadlines: Deadlines,
    /// Size limits.
    pub limits: Limits,
    /// Who is told what passes.
    pub trace: Option<Arc<dyn Trace>>,
}

impl Endpoint {
    /// HTTP on `port`, name and address the same, everything else default.
    pub fn http(name: impl Into<String>, port: u16) -> Self {
        let name = name.into();
        Self {
            address: name.clone(),
            name,
            port,
            tls: None,
            auth: AuthMethod::Negotiate,
            allow_ntlm: true,
            spn: Spn::default(),
            verify_name: true,
            deadlines: Deadlines::default(),
            limits: Limits::default(),
            trace: None,
        }
    }
}

impl Endpoint {
    /// The service that a logon is for, `HTTP/pc-0001.corp.example`, without a realm.
    pub fn service(&self) -> String {
        let name = self.spn.name.as_deref().unwrap_or(&self.name);
        let name = name.split('@').next().unwrap_or(name);
        [&self.spn.class, "/", name].concat()
    }
}

/// How the host's certificate is judged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlsPolicy {
    /// PEM file with authorities trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the leaf certificate (DER). When given it must match, and a match counts as verified.
    pub pin: Option<[u8; 32]>,
    /// False accepts any certificate (and forbids Basic).
    pub verify: bool,
}

impl Default for TlsPolicy {
    fn default() -> Self {
        Self {
            ca_file: None,
            pin: None,
            verify: true,
        }
    }
}

impl TlsPolicy {
    /// Whether a completed handshake proves who answered.
    pub fn is_verifying(&self) -> bool {
        self.verify || self.pin.is_some()
    }
}

/// How to log on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthMethod {
    /// Kerberos where it is possible, else NTLM where it is allowed.
    Negotiate,
    /// Kerberos only.
    Kerberos,
    /// NTLMv2 only.
    Ntlm,
    /// Basic, only on verified TLS.
    Basic,
    /// Client certificate, in the TLS handshake.
    Certificate,
}

/// Time limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Name resolution, TCP and TLS.
    pub connect: Duration,
    /// One request, answer included.
    pub request: Duration,
    /// `OperationTimeout` asked of the host; lowered where it would not end before `request`.
    pub operation: Duration,
    /// How old a host's challenge may be when it is answered: hosts close silent connections after two minutes, and the
    /// guard may have kept us waiting. Where it is older, the connection is made anew.
    pub challenge: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            request: Duration::from_secs(90),
            operation: Duration::from_secs(60),
            challenge: Duration::from_secs(45),
        }
    }
}

/// What a host may make us hold or wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one reply body.
    pub reply: usize,
    /// Bytes of all output of one command, stdout and stderr together.
    pub output: usize,
    /// Receives of one command.
    pub receives: u32,
    /// Pulls of one enumeration.
    pub pulls: u32,
    /// Instances of one enumeration.
    pub items: usize,
    /// Bytes of all replies of one enumeration.
    pub enumeration: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reply: 2 << 20,
            // Much more than `reg` and `netsh` ever say; hundreds of hosts may say it at once.
            output: 4 << 20,
            receives: 20_000,
            pulls: 2_000,
            items: 100_000,
            enumeration: 16 << 20,
        }
    }
}

/// The name of the service on the host, `CLASS/NAME`, as it is registered in the directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spn {
    /// `HTTP`, `WSMAN` or `HOST`.
    pub class: String,
    /// The host's name unless set; `NAME@REALM` where the realm has to be said.
    pub name: Option<String>,
}

impl Default for Spn {
    fn default() -> Self {
        Self {
            class: "HTTP".to_owned(),
            name: None,
        }
    }
}
