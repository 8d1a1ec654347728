//! Kerberos as an acceptor (RFC 4120, RFC 4121, RFC 1964's framing): tickets are opened with keys of a keytab, nobody is
//! asked.
//!
//! `keytab` reads the file, `request` and `reply` are the messages, `accept` judges, `seal` is what follows. The
//! arithmetic of AES is a crate's; the client under test has the system's library for all of this.

mod accept;
mod crypto;
mod keytab;
mod reply;
mod request;
mod seal;

pub(crate) use accept::{Desk, Grounds, Ticketed};
pub(crate) use seal::Seal;

use super::der;
use super::spnego::KERBEROS_OID;

/// What stands in front of a message (RFC 4121 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Request,
    Reply,
    Error,
}

impl Kind {
    fn id(self) -> [u8; 2] {
        match self {
            Self::Request => [1, 0],
            Self::Reply => [2, 0],
            Self::Error => [3, 0],
        }
    }
}

/// The message in a token of this kind.
fn unframed(token: &[u8], kind: Kind) -> Option<&[u8]> {
    let body = der::only(0x60, token)?;
    let (6, KERBEROS_OID, rest) = der::element(body)? else {
        return None;
    };
    rest.strip_prefix(&kind.id())
}

fn framed(kind: Kind, message: &[u8]) -> Vec<u8> {
    let oid = der::wrap(6, KERBEROS_OID);
    der::wrap(0x60, &[oid.as_slice(), &kind.id(), message].concat())
}

/// Whether a token begins a Kerberos context.
pub(crate) fn is_request(token: &[u8]) -> bool {
    unframed(token, Kind::Request).is_some()
}

#[cfg(test)]
mod tests;
