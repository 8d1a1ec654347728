//! Messages of an established context (RFC 4121 4.2), in the one layout that WinRM sends (reference 6.1): 60 bytes of
//! header, which are the token's header, the checksum behind the ciphertext rotated to the front, and the confounder.

use super::crypto::{Key, Usage};

/// Token header of RFC 4121 4.2.6.2.
const HEADER: usize = 16;
/// The copy of the header at the end of the ciphertext, and the checksum: what the rotation brings to the front.
const ROTATED: u16 = 16 + 12;
const CONFOUNDER: usize = 16;

const FROM_ACCEPTOR: u8 = 1;
const SEALED: u8 = 2;
const ACCEPTOR_SUBKEY: u8 = 4;

/// Both directions of a context. Each message has the next number.
#[derive(Debug)]
pub(crate) struct Seal {
    key: Key,
    incoming: u64,
    outgoing: u64,
    /// Every answer has the number 0.
    always_zero: bool,
}

impl Seal {
    /// The acceptor's side, under the acceptor's own subkey.
    pub(super) fn new(key: Key, incoming: u32, outgoing: u32, always_zero: bool) -> Self {
        Self {
            key,
            incoming: u64::from(incoming),
            outgoing: u64::from(outgoing),
            always_zero,
        }
    }

    /// Opens a sealed message; `None` for another layout, another key, another number than the next.
    pub(crate) fn open(&mut self, header: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        if header.len() != HEADER + usize::from(ROTATED) + CONFOUNDER {
            return None;
        }
        let (token, body) = header.split_first_chunk::<HEADER>()?;
        let wanted = token_header(SEALED | ACCEPTOR_SUBKEY, ROTATED, self.incoming);
        if *token != wanted {
            return None;
        }
        let mut body = [body, data].concat();
        body.rotate_left(usize::from(ROTATED));
        let plain = self.key.open(Usage::InitiatorSeal, &body)?;
        let (message, copy) = plain.split_last_chunk::<HEADER>()?;
        if *copy != token_header(SEALED | ACCEPTOR_SUBKEY, 0, self.incoming) {
            return None;
        }
        self.incoming += 1;
        Some(message.to_vec())
    }

    /// Seals a message: header, then data.
    pub(crate) fn seal(&mut self, clear: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let number = self.next();
        let flags = FROM_ACCEPTOR | SEALED | ACCEPTOR_SUBKEY;
        let copy = token_header(flags, 0, number);
        let mut body = self.key.seal(Usage::AcceptorSeal, &[clear, &copy].concat());
        body.rotate_right(usize::from(ROTATED));
        let data = body.split_off(usize::from(ROTATED) + CONFOUNDER);
        let header = [&token_header(flags, ROTATED, number), body.as_slice()].concat();
        (header, data)
    }

    /// Checks the client's MIC over SPNEGO's mechanism list and gives the host's (RFC 4121 4.2.6.1).
    pub(crate) fn exchange_list_mic(&mut self, list: &[u8], sent: &[u8]) -> Option<Vec<u8>> {
        if sent != self.mic(Usage::InitiatorSign, ACCEPTOR_SUBKEY, self.incoming, list) {
            return None;
        }
        self.incoming += 1;
        let number = self.next();
        Some(self.mic(
            Usage::AcceptorSign,
            FROM_ACCEPTOR | ACCEPTOR_SUBKEY,
            number,
            list,
        ))
    }

    fn mic(&self, usage: Usage, flags: u8, number: u64, message: &[u8]) -> Vec<u8> {
        let mut token = vec![4, 4, flags, 0xff, 0xff, 0xff, 0xff, 0xff];
        token.extend(number.to_be_bytes());
        let checksum = self.key.sign(usage, &[message, &token].concat());
        token.extend(checksum);
        token
    }

    fn next(&mut self) -> u64 {
        let number = self.outgoing;
        if !self.always_zero {
            self.outgoing += 1;
        }
        number
    }
}

/// Id, flags, filler, no extra bytes, rotation, number.
fn token_header(flags: u8, rotation: u16, number: u64) -> [u8; HEADER] {
    let mut header = [5, 4, flags, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    header[6..8].copy_from_slice(&rotation.to_be_bytes());
    header[8..].copy_from_slice(&number.to_be_bytes());
    header
}
