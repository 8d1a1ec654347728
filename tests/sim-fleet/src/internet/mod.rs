//! A proxy and the service behind it, both on loopback: bytes really flow, certificates are really judged.
//!
//! `proxy` listens and forwards, or misbehaves as it is told; `service` ends TLS like the cloud does; `certificates`
//! has the two houses that issue certificates: the service's own, and the company's that opens TLS on the way.

mod certificates;
mod proxy;
mod service;

pub(crate) use certificates::{House, client};
pub use proxy::{ProxyCounters, ProxyMode, SimProxy};
