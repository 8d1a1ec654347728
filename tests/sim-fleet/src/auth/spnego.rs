//! SPNEGO as an acceptor (RFC 4178): the two tokens of a negotiation.

use super::der::{element, fields, octets, wrap};

/// `1.3.6.1.4.1.311.2.2.10`.
pub(crate) const NTLM_OID: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10];
/// `1.2.840.113554.1.2.2`.
pub(crate) const KERBEROS_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
/// `1.2.840.48018.1.2.2`: the same under a number that Windows wrote wrong once and understands since.
pub(crate) const MS_KERBEROS_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2];
const SPNEGO_OID: &[u8] = &[0x2b, 6, 1, 5, 5, 2];

/// `negState`.
#[derive(Clone, Copy)]
pub(crate) enum State {
    Completed = 0,
    Incomplete = 1,
    Rejected = 2,
    RequestMic = 3,
}

/// What a client sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Token {
    /// The mechanism list as it stands in the message: the text of its MIC. Only in the first token.
    pub(crate) list: Option<Vec<u8>>,
    /// The mechanisms of that list.
    pub(crate) mechanisms: Vec<Vec<u8>>,
    pub(crate) token: Option<Vec<u8>>,
    pub(crate) list_mic: Option<Vec<u8>>,
}

impl Token {
    /// Reads a NegTokenInit or a NegTokenResp.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (tag, body, _) = element(bytes)?;
        match tag {
            0x60 => {
                let (6, oid, rest) = element(body)? else {
                    return None;
                };
                let (0xa0, init, _) = element(rest)? else {
                    return None;
                };
                if oid == SPNEGO_OID {
                    Self::init(init)
                } else {
                    None
                }
            }
            0xa1 => Self::response(body),
            _ => None,
        }
    }

    fn init(bytes: &[u8]) -> Option<Self> {
        let mut token = Self::default();
        for (tag, content) in fields(bytes)? {
            match tag {
                0xa0 => {
                    let (0x30, mut list, _) = element(content)? else {
                        return None;
                    };
                    token.list = Some(content.to_vec());
                    while !list.is_empty() {
                        let (6, oid, rest) = element(list)? else {
                            return None;
                        };
                        token.mechanisms.push(oid.to_vec());
                        list = rest;
                    }
                }
                0xa2 => token.token = Some(octets(content)?),
                0xa3 => token.list_mic = octets(content),
                _ => {}
            }
        }
        token.list.is_some().then_some(token)
    }

    fn response(bytes: &[u8]) -> Option<Self> {
        let mut token = Self::default();
        for (tag, content) in fields(bytes)? {
            match tag {
                0xa2 => token.token = Some(octets(content)?),
                0xa3 => token.list_mic = Some(octets(content)?),
                _ => {}
            }
        }
        Some(token)
    }
}

/// A NegTokenResp of the server.
pub(crate) fn reply(
    state: State,
    mechanism: Option<&[u8]>,
    token: Option<&[u8]>,
    list_mic: Option<&[u8]>,
) -> Vec<u8> {
    let mut body = wrap(0xa0, &[0x0a, 1, state as u8]);
    if let Some(oid) = mechanism {
        body.extend(wrap(0xa1, &wrap(6, oid)));
    }
    if let Some(token) = token {
        body.extend(wrap(0xa2, &wrap(4, token)));
    }
    if let Some(mic) = list_mic {
        body.extend(wrap(0xa3, &wrap(4, mic)));
    }
    wrap(0xa1, &wrap(0x30, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_can_be_read_back() {
        for length in [5, 127, 128, 300] {
            let inner = vec![7; length];
            let token = Token::parse(&reply(
                State::Incomplete,
                Some(NTLM_OID),
                Some(&inner),
                Some(&[1; 16]),
            ))
            .unwrap();
            assert_eq!(
                (token.token, token.list_mic),
                (Some(inner), Some(vec![1; 16]))
            );
        }
    }

    #[test]
    fn the_list_is_kept_as_sent() {
        let list = wrap(0x30, &[wrap(6, &[0x2a, 3]), wrap(6, NTLM_OID)].concat());
        let init = wrap(
            0x30,
            &[wrap(0xa0, &list), wrap(0xa2, &wrap(4, b"x"))].concat(),
        );
        let bytes = wrap(0x60, &[wrap(6, SPNEGO_OID), wrap(0xa0, &init)].concat());
        let token = Token::parse(&bytes).unwrap();
        assert_eq!(token.list, Some(list));
        assert_eq!(token.mechanisms, [vec![0x2a, 3], NTLM_OID.to_vec()]);
        for cut in 0..bytes.len() {
            assert_eq!(Token::parse(&bytes[..cut]), None, "cut at {cut}");
        }
    }
}
