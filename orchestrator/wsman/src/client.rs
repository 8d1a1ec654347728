//! One host: operations in, results out. Owns the connection, re-authenticates, and keeps the one shell.
//!
//! Registry operations are in `client/registry.rs`, CIM reads in `client/cim.rs`, methods of other classes in
//! `client/method.rs`, the shell in `client/shell.rs`.

mod cim;
mod cleanup;
mod method;
mod orphan;
mod patience;
mod registry;
mod shell;

use std::sync::Arc;

use wsman_proto::registry::Provider;
use wsman_proto::xml::Element;
use wsman_proto::{Identity, Request, identify};

use crate::carrier::{Carrier, Counters, Headers};
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Sent};
use crate::guard::LogonGuard;
use crate::link::SOAP;
use crate::loss::Loss;
use crate::session::{Session, reply_error};
use crate::setup::Setup;
use crate::spoken::Spoken;
use crate::target::Target;
use crate::tls::TlsConfigs;
use crate::unexpected;
pub use cleanup::cleanup_finished;
pub use registry::Deleted;
use shell::Shell;

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
    /// With Kerberos the service the ticket is for, `HTTP/pc-0001.corp.example`. Nobody else can read the ticket, and
    /// nothing a host says is believed before it has proved that it can.
    pub service: Option<String>,
    /// SHA-256 of the leaf certificate (DER), with TLS.
    pub certificate_sha256: Option<[u8; 32]>,
    /// The authentication really used, e.g. `ntlm (sealed)`, `ntlm+cbt (tls)`, `kerberos (sealed)`,
    /// `basic (tls)`. Where negotiate ended in NTLM it says why.
    pub auth: String,
    /// Bodies are sealed.
    pub sealed: bool,
    /// The TLS handshake proved who answered (chain or pin).
    pub tls_verified: bool,
}

impl Peer {
    /// What this machine and another one call themselves in their NTLM challenges, where they are not the same. One that
    /// had a name and has none is another one. With Kerberos and verified TLS a machine proves who it is instead.
    pub(crate) fn other_than<'a>(&'a self, other: &'a Self) -> Option<(&'a str, Option<&'a str>)> {
        let named = |peer: &'a Self| peer.dns_name.as_deref().or(peer.computer_name.as_deref());
        let (own, other) = match (&self.dns_name, &other.dns_name) {
            (Some(own), Some(other)) => (own.as_str(), Some(other.as_str())),
            _ => match (&self.computer_name, &other.computer_name) {
                (Some(own), Some(other)) => (own.as_str(), Some(other.as_str())),
                // Names that cannot be compared are no proof.
                _ => (named(self)?, None),
            },
        };
        (!other.is_some_and(|other| other.eq_ignore_ascii_case(own))).then_some((own, other))
    }
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

/// A session with one host: one connection, one request in flight (`&mut self` everywhere).
///
/// Operations are not cancel safe as far as the host is concerned: a dropped future may have been carried out. The
/// client itself stays usable; it connects and logs on again. Dropping a client with an open shell deletes the shell
/// in the background ([`cleanup_finished`]).
pub struct Client {
    session: Session,
    shell: Option<Shell>,
    /// Where `StdRegProv` has answered.
    provider: Option<Provider>,
    peer: Peer,
    /// So many requests, counted from the connection on, may be sent.
    most_requests: Option<u32>,
}

impl Client {
    /// Connects: TCP, TLS, and for NTLM the first two messages, so that [`Client::peer`] knows the host's own name
    /// before any secret is used. For Kerberos it gets the tickets; over HTTP nothing is dialled yet. The logon itself rides on the first operation; a read saves a request there.
    /// Errors are [`Sent::Nothing`]. Cancel safe: dropping the future closes the connection.
    pub async fn connect(
        endpoint: Endpoint,
        credentials: Credentials,
        guard: Arc<dyn LogonGuard>,
        tls: Arc<TlsConfigs>,
    ) -> Result<Self, Error> {
        let setup = Setup::new(endpoint, credentials, guard, tls)
            .map_err(|loss| failed("connect", loss))?;
        let mut session = Session::closed(Arc::new(setup));
        if let Err(loss) = session.open().await {
            return Err(Error {
                spent: session.setup.counters.cost(),
                ..failed("connect", loss)
            });
        }
        let peer = session.setup.peer();
        Ok(Self {
            session,
            shell: None,
            provider: None,
            peer,
            most_requests: None,
        })
    }

    /// Who answered, as far as it is known by now (with Basic, nothing before the first operation).
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The endpoint given to [`Client::connect`].
    pub fn endpoint(&self) -> &Endpoint {
        &self.session.setup.endpoint
    }

    /// Identify with logon.
    pub async fn identify(&mut self) -> Result<Identity, Error> {
        let result = self
            .session
            .deliver("Identify", true, identify::request)
            .await;
        self.peer = self.session.setup.peer();
        identify::decode(&result?, self.session.bounds()).map_err(|error| {
            let mut error = reply_error("Identify", error);
            self.session.setup.spoken.out_of(&mut error.kind);
            error
        })
    }

    /// Identify without logon, on a connection of its own: the one constant body that goes in clear over HTTP.
    pub async fn identify_anonymous(
        endpoint: &Endpoint,
        tls: &TlsConfigs,
    ) -> Result<Identity, Error> {
        const WHAT: &str = "Identify";
        let target = Target::new(endpoint, "/wsman-anon/identify")
            .map_err(|detail| Error::new(WHAT, Sent::Nothing, ErrorKind::Protocol(detail)))?;
        let counters = Arc::new(Counters::default());
        // Without a logon nothing is said that could come back.
        let mut carrier = Carrier::new(endpoint, &target, tls, None, &counters, &Spoken::default())
            .map_err(|kind| Error::new(WHAT, Sent::Nothing, kind))?;
        let headers = Headers {
            authorization: None,
            content_type: Some(SOAP),
            identify: true,
        };
        let answer = carrier
            .post(headers, identify::request())
            .await
            .map_err(|loss| failed(WHAT, loss))?;
        if answer.status != 200 {
            return Err(Error::new(
                WHAT,
                Sent::NotProcessed,
                unexpected::kind(&answer),
            ));
        }
        let bounds = wsman_proto::xml::Bounds {
            bytes: endpoint.limits.reply,
            ..Default::default()
        };
        identify::decode(&answer.body, bounds).map_err(|error| reply_error(WHAT, error))
    }

    /// What the session has cost so far.
    pub fn cost(&self) -> Cost {
        self.session.setup.counters.cost()
    }

    /// Deletes the shell if there is one, and closes the connection. Best effort.
    pub async fn close(mut self) -> Cost {
        self.delete_shell().await;
        self.cost()
    }

    /// Lets so many more requests go out, or again any number. What would be one more fails before it is sent, with
    /// [`ErrorKind::TooLarge`]: a host chooses into how many pieces it cuts an answer. Shells are opened and deleted all the
    /// same.
    pub fn allow_requests(&mut self, more: Option<u32>) {
        let sent = self.cost().requests;
        self.most_requests = more.map(|more| sent.saturating_add(more));
    }

    async fn exchange(&mut self, request: &Request) -> Result<Element, Error> {
        if let Some(most) = self.most_requests
            && self.cost().requests >= most
        {
            let detail = "the requests that this question may cost are used up";
            let kind = ErrorKind::TooLarge(detail.to_owned());
            return Err(Error::new(request.operation, Sent::Nothing, kind));
        }
        let result = self.session.exchange(request).await;
        self.peer = self.session.setup.peer();
        result
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Without a runtime nothing can be sent; the shell's idle time ends it.
        if let Some(open) = self.shell.take()
            && tokio::runtime::Handle::try_current().is_ok()
        {
            drop(cleanup::spawn_delete(self.take_session(), open.shell));
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("host", &self.endpoint().name)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

fn failed(operation: &'static str, loss: Loss) -> Error {
    Error {
        operation,
        kind: loss.kind,
        sent: loss.sent,
        source: loss.source,
        spent: Cost::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::Peer;

    #[test]
    fn a_machine_is_known_by_the_names_that_both_times_have() {
        let peer = |dns: Option<&str>, computer: Option<&str>| Peer {
            dns_name: dns.map(str::to_owned),
            computer_name: computer.map(str::to_owned),
            ..Peer::default()
        };
        let whole = peer(Some("pc-1.x"), Some("PC-1"));
        for same in [
            peer(Some("PC-1.X"), None),
            peer(None, Some("pc-1")),
            whole.clone(),
        ] {
            assert_eq!(whole.other_than(&same), None, "{same:?}");
        }
        for (other, told) in [
            (peer(Some("pc-2.x"), Some("PC-1")), Some("pc-2.x")),
            (peer(None, Some("PC-2")), Some("PC-2")),
            (peer(None, None), None),
        ] {
            let (_, now) = whole.other_than(&other).expect("another one");
            assert_eq!(now, told, "{other:?}");
        }
        // Of the first one nothing was known: there is nothing to compare.
        assert_eq!(peer(None, None).other_than(&whole), None);
    }
}
