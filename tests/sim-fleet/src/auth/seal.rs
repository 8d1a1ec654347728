//! Sealing as the connection sees it, whichever mechanism made the keys.

use super::{kerberos, ntlm};

/// The keys and counters of one context.
pub(crate) enum Seal {
    Ntlm(Box<ntlm::Seal>),
    Kerberos(Box<kerberos::Seal>),
}

impl Seal {
    /// Opens a sealed message; `None` where signature, layout or sequence are wrong.
    pub(crate) fn open(&mut self, header: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ntlm(seal) => seal.open(header, data),
            Self::Kerberos(seal) => seal.open(header, data),
        }
    }

    /// Seals a message: header, then data.
    pub(crate) fn seal(&mut self, clear: &[u8]) -> (Vec<u8>, Vec<u8>) {
        match self {
            Self::Ntlm(seal) => {
                let (signature, data) = seal.seal(clear);
                (signature.to_vec(), data)
            }
            Self::Kerberos(seal) => seal.seal(clear),
        }
    }
}
