//! The only crate that opens sockets: one authenticated WinRM connection per host, one request in flight.
//!
//! It carries what `wsman-proto` encodes, over reqwest with one client per session behind a connect gate, so that no
//! pool ever decides which connection a request takes. It knows nothing of inventories, rings and playbooks, and it
//! reads no clock for anything but deadlines.
//!
//! Start reading at [`Client`]; a request's way is `client.rs` -> `link.rs` (one authenticated connection) ->
//! `carrier.rs` (HTTP). `logon.rs` has the authentication.
//!
//! The crate `sspi` underneath traces tokens at level trace: a subscriber has to filter `sspi=warn`.

mod carrier;
mod client;
mod credentials;
mod endpoint;
mod error;
mod gate;
mod guard;
mod link;
mod liveness;
mod logon;
mod loss;
mod resolve;
mod session;
mod setup;
mod spoken;
mod target;
mod tls;
mod trace;
mod unexpected;

pub use client::{Client, CommandOutput, Cost, Deleted, Peer, cleanup_finished};
pub use credentials::{ClientCertificate, Credentials, Proof};
pub use endpoint::{AuthMethod, Deadlines, Endpoint, Limits, Spn, TlsPolicy};
pub use error::{Error, ErrorKind, NtlmProof, Sent};
pub use guard::{BoxFuture, LogonDenied, LogonGuard, LogonPermit, Unguarded};
pub use liveness::answers;
pub use logon::{KerberosError, KerberosProblem};
pub use tls::{TlsConfigs, TlsError, TlsProblem};
pub use trace::{HttpExchange, Seen, Trace};
pub use wsman_proto::cim::{CimValue, Instance};
pub use wsman_proto::{Fault, Identity, RegistryData, Retry, Secret};
