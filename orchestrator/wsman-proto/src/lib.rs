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
pub mod method;
pub mod ns;
pub mod registry;
pub mod reply;
pub mod seal;
mod secret;
pub mod shell;
pub mod shown;
pub mod status;
pub mod task;
pub mod xml;

pub use cim::{CimValue, Instance};
pub use envelope::{Addressing, Request};
pub use fault::{Fault, Retry};
pub use identify::Identity;
pub use registry::RegistryData;
pub use secret::Secret;

/// Bytes of a text of the host that goes into an error.
const MAX_QUOTED: usize = 2000;

/// Cuts a text of the host that is going to be kept and shown: a real one is a sentence or two, and a fleet of errors
/// of megabytes would fill memory and journal.
fn clip(mut text: String) -> String {
    if text.len() > MAX_QUOTED {
        let end = (0..=MAX_QUOTED).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push('\u{2026}');
        // The room of the rest is given back.
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::clip;

    #[test]
    fn long_texts_are_cut_at_a_character() {
        assert_eq!(clip("short".to_owned()), "short");
        let cut = clip("\u{20ac}".repeat(1000));
        assert!(cut.len() <= 2003 && cut.ends_with("\u{20ac}\u{2026}"));
    }
}
