//! The name of the service in NTLM (`MsvAvTargetName`, MS-NLMP 2.2.2.1): hosts that check it refuse a logon without.
//!
//! The authentication library does not send it, but it does send back every pair of the host's challenge under the
//! proof of the password. So it is given a challenge that has the name already, and the integrity code of its answer is
//! made anew, over the challenge as the host sent it, with the session key that it agreed on. Proof, keys and sealing
//! stay the library's.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;

use super::{AuthError, der};

const CHALLENGE: &[u8] = b"NTLMSSP\0\x02\0\0\0";
const AUTHENTICATE: &[u8] = b"NTLMSSP\0\x03\0\0\0";
/// Place of length, room and offset of the pairs in a challenge.
const PAIRS: usize = 40;
/// Place of the integrity code in the answer (MS-NLMP 2.2.1.3).
const CODE: std::ops::Range<usize> = 72..88;
const END: u16 = 0;
const TARGET_NAME: u16 = 9;

/// The name of a service, and what the host said and was told so far.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// `HTTP/pc-0001.corp.example`.
    service: String,
    negotiate: Vec<u8>,
    challenge: Vec<u8>,
}

impl Target {
    pub(super) fn new(service: &str) -> Self {
        Self {
            service: service.to_owned(),
            negotiate: Vec::new(),
            challenge: Vec::new(),
        }
    }

    /// What the library is to see of a token of the host; the token itself where it is no challenge.
    pub(super) fn incoming(&mut self, token: &[u8]) -> Vec<u8> {
        let service = self.service.clone();
        let mut seen = Vec::new();
        let mut change = |challenge: &[u8]| {
            let changed = with_target(challenge, &service)?;
            seen = challenge.to_vec();
            Some(changed)
        };
        let changed = match token.starts_with(CHALLENGE) {
            true => change(token),
            false => der::replaced(token, der::RESPONSE, &mut change),
        };
        match changed {
            Some(changed) => {
                self.challenge = seen;
                changed
            }
            None => token.to_vec(),
        }
    }

    /// What the host is to see of a token of the library. `key` is asked for where an integrity code has to be made.
    pub(super) fn outgoing(
        &mut self,
        token: Vec<u8>,
        key: impl FnOnce() -> Result<Vec<u8>, AuthError>,
    ) -> Result<Vec<u8>, AuthError> {
        let raw = token.starts_with(b"NTLMSSP\0");
        if self.challenge.is_empty() {
            let first = if raw {
                Some(token.as_slice())
            } else {
                der::find(&token, der::INIT)
            };
            self.negotiate = first.unwrap_or_default().to_vec();
            return Ok(token);
        }
        let inner = if raw {
            Some(token.as_slice())
        } else {
            der::find(&token, der::RESPONSE)
        };
        if !inner.is_some_and(|inner| inner.starts_with(AUTHENTICATE)) {
            return Ok(token);
        }
        let key = key()?;
        let mut sign = |answer: &[u8]| self.signed(answer, &key);
        let signed = match raw {
            true => sign(&token),
            false => der::replaced(&token, der::RESPONSE, &mut sign),
        };
        signed.ok_or_else(|| AuthError("the NTLM answer has no integrity code".to_owned()))
    }

    /// The answer with its code over what really travelled.
    fn signed(&self, answer: &[u8], key: &[u8]) -> Option<Vec<u8>> {
        let mut answer = answer.to_vec();
        answer.get_mut(CODE)?.fill(0);
        let mut code = Hmac::<Md5>::new_from_slice(key).ok()?;
        code.update(&self.negotiate);
        code.update(&self.challenge);
        code.update(&answer);
        answer
            .get_mut(CODE)?
            .copy_from_slice(&code.finalize().into_bytes());
        Some(answer)
    }
}

/// A challenge with the name among its pairs, whatever the host said there. The pairs go to the end of the message.
fn with_target(challenge: &[u8], service: &str) -> Option<Vec<u8>> {
    let number = |at: usize| {
        Some(u32::from_le_bytes(
            challenge.get(at..at + 4)?.try_into().ok()?,
        ))
    };
    if !challenge.starts_with(CHALLENGE) || challenge.len() < PAIRS + 8 {
        return None;
    }
    let length = usize::from(u16::from_le_bytes([challenge[PAIRS], challenge[PAIRS + 1]]));
    let offset = usize::try_from(number(PAIRS + 4)?).ok()?;
    let mut rest = match length {
        0 => &[][..],
        _ => challenge.get(offset..offset.checked_add(length)?)?,
    };
    let mut pairs = Vec::new();
    while let [id_low, id_high, length_low, length_high, after @ ..] = rest {
        let id = u16::from_le_bytes([*id_low, *id_high]);
        let length = usize::from(u16::from_le_bytes([*length_low, *length_high]));
        if id == END {
            break;
        }
        let value = after.get(..length)?;
        if id != TARGET_NAME {
            pair(&mut pairs, id, value)?;
        }
        rest = &after[length..];
    }
    let name: Vec<u8> = service.encode_utf16().flat_map(u16::to_le_bytes).collect();
    pair(&mut pairs, TARGET_NAME, &name)?;
    pair(&mut pairs, END, &[])?;
    let mut changed = challenge.to_vec();
    let length = u16::try_from(pairs.len()).ok()?.to_le_bytes();
    let offset = u32::try_from(challenge.len()).ok()?.to_le_bytes();
    changed[PAIRS..PAIRS + 2].copy_from_slice(&length);
    changed[PAIRS + 2..PAIRS + 4].copy_from_slice(&length);
    changed[PAIRS + 4..PAIRS + 8].copy_from_slice(&offset);
    changed.extend(pairs);
    Some(changed)
}

fn pair(out: &mut Vec<u8>, id: u16, value: &[u8]) -> Option<()> {
    out.extend(id.to_le_bytes());
    out.extend(u16::try_from(value.len()).ok()?.to_le_bytes());
    out.extend(value);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::with_target;

    /// A challenge with these pairs behind its fixed part.
    fn challenge(pairs: &[u8]) -> Vec<u8> {
        let mut token = b"NTLMSSP\0\x02\0\0\0".to_vec();
        token.extend([0, 0, 0, 0, 48, 0, 0, 0]);
        token.extend([0; 20]);
        let length = u16::try_from(pairs.len()).unwrap().to_le_bytes();
        token.extend([length, length].concat());
        token.extend(48u32.to_le_bytes());
        token.extend(pairs);
        token
    }

    fn pairs_of(token: &[u8]) -> &[u8] {
        let length = usize::from(u16::from_le_bytes([token[40], token[41]]));
        let offset =
            usize::try_from(u32::from_le_bytes(token[44..48].try_into().unwrap())).unwrap();
        &token[offset..offset + length]
    }

    #[test]
    fn the_name_is_added_once_whatever_the_host_says() {
        let name = [9, 0, 6, 0, b'A', 0, b'/', 0, b'b', 0];
        let end = [0; 4];
        let computer = [1, 0, 2, 0, b'P', 0];
        let foreign = [9, 0, 2, 0, b'X', 0];
        let check = |before: &[&[u8]], after: &[&[u8]]| {
            let changed = with_target(&challenge(&before.concat()), "A/b").unwrap();
            assert_eq!(pairs_of(&changed), after.concat());
        };
        check(&[&computer, &end], &[&computer, &name, &end]);
        check(&[&computer, &foreign, &end], &[&computer, &name, &end]);
        check(&[&computer], &[&computer, &name, &end]);
        check(&[], &[&name, &end]);
    }

    #[test]
    fn what_is_no_challenge_or_is_cut_off_stays_as_it_is() {
        let token = challenge(&[1, 0, 2, 0, b'P', 0, 0, 0, 0, 0]);
        assert!(with_target(&token, "A/b").is_some());
        for cut in 0..token.len() {
            assert_eq!(with_target(&token[..cut], "A/b"), None, "cut at {cut}");
        }
        let long = challenge(&[1, 0, 200, 0, b'P', 0]);
        assert_eq!(with_target(&long, "A/b"), None);
        assert_eq!(with_target(b"NTLMSSP\0\x03\0\0\0", "A/b"), None);
    }
}
