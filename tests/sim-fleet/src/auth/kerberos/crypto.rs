//! Keys and what is encrypted with them: AES with SHA-1 (RFC 3962), in two lengths. Windows seals WinRM with nothing
//! older; what comes under another number has no key here.

use picky_krb::crypto::aes::{Aes128CtsHmacSha196, Aes256CtsHmacSha196};
use picky_krb::crypto::{Cipher as _, CipherSuite};
use sha2::{Digest, Sha256};

/// What a key encrypts (RFC 4120 7.5.1, RFC 4121 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Ticket = 2,
    Authenticator = 11,
    ApReply = 12,
    AcceptorSeal = 22,
    AcceptorSign = 23,
    InitiatorSeal = 24,
    InitiatorSign = 25,
}

/// A key of a type that is known here.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    suite: CipherSuite,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({:?})", self.suite)
    }
}

impl Key {
    /// A key by the number of its type; `None` for other types and wrong lengths.
    pub(super) fn new(kind: i64, bytes: &[u8]) -> Option<Self> {
        let (suite, length) = match kind {
            17 => (CipherSuite::Aes128CtsHmacSha196, 16),
            18 => (CipherSuite::Aes256CtsHmacSha196, 32),
            _ => return None,
        };
        (bytes.len() == length).then(|| Self {
            suite,
            bytes: bytes.to_vec(),
        })
    }

    /// A fresh key of the same type.
    pub(super) fn another(&self) -> Self {
        let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(uuid::Uuid::into_bytes);
        // Two random UUIDs hold 244 random bits; the digest spreads them over the key.
        let digest = Sha256::digest(random.concat());
        Self {
            suite: self.suite.clone(),
            bytes: digest[..self.bytes.len()].to_vec(),
        }
    }

    pub(super) fn kind(&self) -> i64 {
        match self.suite {
            CipherSuite::Aes128CtsHmacSha196 => 17,
            _ => 18,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Decrypts and checks; `None` where the key is another or a bit was changed.
    pub(super) fn open(&self, usage: Usage, sealed: &[u8]) -> Option<Vec<u8>> {
        let usage = usage as i32;
        match self.suite {
            CipherSuite::Aes128CtsHmacSha196 => {
                Aes128CtsHmacSha196.decrypt(&self.bytes, usage, sealed)
            }
            _ => Aes256CtsHmacSha196.decrypt(&self.bytes, usage, sealed),
        }
        .ok()
    }

    /// Encrypts, with a random confounder in front and the checksum behind.
    pub(super) fn seal(&self, usage: Usage, plain: &[u8]) -> Vec<u8> {
        let usage = usage as i32;
        match self.suite {
            CipherSuite::Aes128CtsHmacSha196 => {
                Aes128CtsHmacSha196.encrypt(&self.bytes, usage, plain)
            }
            _ => Aes256CtsHmacSha196.encrypt(&self.bytes, usage, plain),
        }
        .expect("the key has the length of its type, and the system has random bytes")
    }

    /// The checksum of a message that is not encrypted.
    pub(super) fn sign(&self, usage: Usage, message: &[u8]) -> Vec<u8> {
        use picky_krb::crypto::aes::{AesSize, checksum_sha_aes};
        let size = match self.suite {
            CipherSuite::Aes128CtsHmacSha196 => AesSize::Aes128,
            _ => AesSize::Aes256,
        };
        checksum_sha_aes(&self.bytes, usage as i32, message, &size)
            .expect("the key has the length of its type")
    }
}
