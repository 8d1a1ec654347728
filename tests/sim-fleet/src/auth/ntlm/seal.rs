//! Sealing of messages with extended session security (MS-NLMP 3.4), one sequence and one stream per direction.

use rc4::{Rc4, StreamCipher};

use super::crypto::{hmac_md5, md5, rc4};

const CLIENT_SIGN: &[u8] = b"session key to client-to-server signing key magic constant\0";
const SERVER_SIGN: &[u8] = b"session key to server-to-client signing key magic constant\0";
const CLIENT_SEAL: &[u8] = b"session key to client-to-server sealing key magic constant\0";
const SERVER_SEAL: &[u8] = b"session key to server-to-client sealing key magic constant\0";

/// Both directions of a session.
pub(crate) struct Seal {
    incoming: Direction,
    outgoing: Direction,
    /// The checksum goes through RC4 only where a key was exchanged.
    exchanged: bool,
}

struct Direction {
    signing: [u8; 16],
    sealing: [u8; 16],
    stream: Rc4,
    sequence: u32,
}

impl Direction {
    fn new(key: &[u8; 16], sign: &[u8], seal: &[u8]) -> Self {
        let sealing = md5(&[key, seal]);
        Self {
            signing: md5(&[key, sign]),
            sealing,
            stream: rc4(&sealing),
            sequence: 0,
        }
    }

    /// The signature over a clear text, with the running stream.
    fn signature(&mut self, clear: &[u8], exchanged: bool) -> [u8; 16] {
        let sequence = self.sequence.to_le_bytes();
        let digest = hmac_md5(&self.signing, &[&sequence, clear]);
        let mut signature = [0; 16];
        signature[0] = 1;
        signature[4..12].copy_from_slice(&digest[..8]);
        if exchanged {
            self.stream.apply_keystream(&mut signature[4..12]);
        }
        signature[12..].copy_from_slice(&sequence);
        self.sequence = self.sequence.wrapping_add(1);
        signature
    }

    /// MS-SPNG: the streams start again behind the MIC of the mechanism list, the sequence goes on.
    fn restart(&mut self) {
        self.stream = rc4(&self.sealing);
    }
}

impl Seal {
    /// The server's side of a session key.
    pub(crate) fn server(key: &[u8; 16], exchanged: bool) -> Self {
        Self {
            incoming: Direction::new(key, CLIENT_SIGN, CLIENT_SEAL),
            outgoing: Direction::new(key, SERVER_SIGN, SERVER_SEAL),
            exchanged,
        }
    }

    /// The client's side, for tests of the server's.
    #[cfg(test)]
    pub(crate) fn client(key: &[u8; 16], exchanged: bool) -> Self {
        let Self {
            incoming, outgoing, ..
        } = Self::server(key, exchanged);
        Self {
            incoming: outgoing,
            outgoing: incoming,
            exchanged,
        }
    }

    /// Opens a sealed message; `None` where signature or sequence are wrong.
    pub(crate) fn open(&mut self, signature: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let mut clear = data.to_vec();
        self.incoming.stream.apply_keystream(&mut clear);
        let expected = self.incoming.signature(&clear, self.exchanged);
        if signature == expected {
            Some(clear)
        } else {
            None
        }
    }

    /// Seals a message: signature, then data.
    pub(crate) fn seal(&mut self, clear: &[u8]) -> ([u8; 16], Vec<u8>) {
        let mut data = clear.to_vec();
        self.outgoing.stream.apply_keystream(&mut data);
        (self.outgoing.signature(clear, self.exchanged), data)
    }

    /// Checks the client's MIC over the mechanism list and gives the server's.
    pub(crate) fn exchange_list_mic(&mut self, list: &[u8], sent: &[u8]) -> Option<[u8; 16]> {
        if sent != self.incoming.signature(list, self.exchanged) {
            return None;
        }
        self.incoming.restart();
        let mine = self.outgoing.signature(list, self.exchanged);
        self.outgoing.restart();
        Some(mine)
    }
}
