//! The arithmetic of NTLM: MS-NLMP 3.3.2 and 6.

use hmac::{Hmac, Mac};
use md4::Md4;
use md5::{Digest, Md5};
use rc4::{KeyInit, Rc4, StreamCipher};

/// UTF-16LE.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// MD4 of the password.
pub(crate) fn nt_hash(password: &str) -> [u8; 16] {
    Md4::digest(utf16(password)).into()
}

/// NTOWFv2: the user in upper case, the domain as sent.
pub(crate) fn ntowf_v2(password: &str, user: &str, domain: &str) -> [u8; 16] {
    hmac_md5(
        &nt_hash(password),
        &[&utf16(&user.to_uppercase()), &utf16(domain)],
    )
}

/// HMAC-MD5 over the pieces.
pub(crate) fn hmac_md5(key: &[u8], pieces: &[&[u8]]) -> [u8; 16] {
    let mut mac =
        <Hmac<Md5> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for piece in pieces {
        mac.update(piece);
    }
    mac.finalize().into_bytes().into()
}

/// MD5 over the pieces.
pub(crate) fn md5(pieces: &[&[u8]]) -> [u8; 16] {
    let mut digest = Md5::new();
    for piece in pieces {
        digest.update(piece);
    }
    digest.finalize().into()
}

/// A fresh RC4 stream.
pub(crate) fn rc4(key: &[u8; 16]) -> Rc4 {
    Rc4::new_from_slice(key).expect("RC4 takes keys of 16 bytes")
}

/// RC4 over one block with a stream of its own.
pub(crate) fn rc4_once(key: &[u8; 16], data: &mut [u8]) {
    rc4(key).apply_keystream(data);
}
