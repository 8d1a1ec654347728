//! Authentication without a socket: tokens in, tokens out, and sealing afterwards.
//!
//! [`SecurityContext`] is the seam all mechanisms fit behind; [`Ntlm`] is the one that needs no system. Kerberos asks
//! KDCs by itself and is therefore with the sockets. Which HTTP
//! request carries which token is decided by the crate that owns the connection.

mod account;
mod binding;
mod challenge;
pub mod der;
mod ntlm;
mod scheme;
mod target;

pub use account::{Account, Domain};
pub use binding::{application_data, channel_bindings, end_point_hash};
pub use challenge::Challenge;
pub use ntlm::{Ntlm, Wrapping};
pub use scheme::{Offer, authorization, basic, offers};

/// Why a token or a sealed message was refused. Its text never holds a token or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AuthError(pub String);

/// What a step gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// To be sent; empty when there is nothing to send.
    pub token: Vec<u8>,
    /// The context is complete on this side.
    pub complete: bool,
}

/// One side of a security context, bound to one connection.
pub trait SecurityContext: Send + Sync {
    /// The next token, from the peer's (empty at the start). `binding` is the channel bindings structure of
    /// [`channel_bindings`], over TLS.
    fn step(&mut self, token: &[u8], binding: Option<&[u8]>) -> Result<Step, AuthError>;

    /// Seals a message: security header and ciphertext. Advances the send sequence.
    fn seal(&mut self, plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>), AuthError>;

    /// Opens a sealed message. Advances the receive sequence.
    fn open(&mut self, header: &[u8], data: &[u8]) -> Result<Vec<u8>, AuthError>;
}
