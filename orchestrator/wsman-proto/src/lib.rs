//! WS-Management as Windows speaks it, without input or output: bytes in, bytes out.
//!
//! Envelopes, faults, `StdRegProv`, CIM reads, the cmd shell, NTLM with sealing and channel binding, and the
//! `multipart/encrypted` framing. This crate never opens a socket, never reads a clock and never makes an id: those
//! come in as arguments (the authentication library draws its own nonces). It knows nothing of hosts, retries or
//! playbooks.
//!
//! Start reading at [`envelope`] and [`reply`], then [`registry`] for one operation from end to end.

pub mod auth;
pub mod cim;
pub mod enumerate;
pub mod envelope;
pub mod fault;
pub mod identify;
pub mod ns;
pub mod registry;
pub mod reply;
pub mod seal;
mod secret;
pub mod shell;
pub mod xml;

pub use cim::{CimValue, Instance};
pub use envelope::{Addressing, Request};
pub use fault::{Fault, Retry};
pub use identify::Identity;
pub use registry::RegistryData;
pub use secret::Secret;
