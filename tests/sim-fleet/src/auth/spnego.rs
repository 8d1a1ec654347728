//! SPNEGO as an acceptor (RFC 4178), just enough DER for the two tokens of a negotiation.

/// `1.3.6.1.4.1.311.2.2.10`.
pub(crate) const NTLM_OID: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10];
const SPNEGO_OID: &[u8] = &[0x2b, 6, 1, 5, 5, 2];

/// `negState`.
#[derive(Clone, Copy)]
pub(crate) enum State {
    Completed = 0,
    Incomplete = 1,
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
    name_mechanism: bool,
    token: Option<&[u8]>,
    list_mic: Option<&[u8]>,
) -> Vec<u8> {
    let mut body = wrap(0xa0, &[0x0a, 1, state as u8]);
    if name_mechanism {
        body.extend(wrap(0xa1, &wrap(6, NTLM_OID)));
    }
    if let Some(token) = token {
        body.extend(wrap(0xa2, &wrap(4, token)));
    }
    if let Some(mic) = list_mic {
        body.extend(wrap(0xa3, &wrap(4, mic)));
    }
    wrap(0xa1, &wrap(0x30, &body))
}

/// Tag, content, rest.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (
                digits
                    .iter()
                    .fold(0, |sum, digit| sum << 8 | usize::from(*digit)),
                rest,
            )
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn fields(bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let (0x30, mut rest, _) = element(bytes)? else {
        return None;
    };
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (tag, content, after) = element(rest)?;
        fields.push((tag, content));
        rest = after;
    }
    Some(fields)
}

fn octets(bytes: &[u8]) -> Option<Vec<u8>> {
    match element(bytes)? {
        (4, content, _) => Some(content.to_vec()),
        _ => None,
    }
}

fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=0x7f => out.push(short as u8),
        middle @ 0x80..=0xff => out.extend([0x81, middle as u8]),
        long => out.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    out.extend(content);
    out
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
                true,
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
