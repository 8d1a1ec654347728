//! AP-REQ, ticket and authenticator (RFC 4120 5.3, 5.5.1), as far as an acceptor looks at them.

use super::crypto::{Key, Usage};
use super::der::{fields, integer, octets, only, tagged, text};

/// Somebody's name, and whether it is a person's or a service's says the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Principal {
    pub(super) realm: String,
    pub(super) parts: Vec<String>,
}

/// Something encrypted, with the number of the key's type and, for services, its version.
#[derive(Clone, Debug)]
pub(super) struct Encrypted {
    pub(super) kind: i64,
    pub(super) version: Option<u32>,
    cipher: Vec<u8>,
}

impl Encrypted {
    pub(super) fn open(&self, key: &Key, usage: Usage) -> Option<Vec<u8>> {
        if key.kind() == self.kind {
            key.open(usage, &self.cipher)
        } else {
            None
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = fields(bytes)?;
        Some(Self {
            kind: integer(tagged(&fields, 0)?)?,
            version: match tagged(&fields, 1) {
                // Some KDCs write it as a signed number.
                Some(version) => Some(integer(version)? as u32),
                None => None,
            },
            cipher: octets(tagged(&fields, 2)?)?,
        })
    }
}

/// What a client shows.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) mutual: bool,
    pub(super) service: Principal,
    pub(super) ticket: Encrypted,
    pub(super) authenticator: Encrypted,
}

impl Request {
    pub(super) fn parse(message: &[u8]) -> Option<Self> {
        let request = fields(only(0x6e, message)?)?;
        if integer(tagged(&request, 0)?)? != 5 || integer(tagged(&request, 1)?)? != 14 {
            return None;
        }
        let options = only(3, tagged(&request, 2)?)?;
        let ticket = fields(only(0x61, tagged(&request, 3)?)?)?;
        if integer(tagged(&ticket, 0)?)? != 5 {
            return None;
        }
        Some(Self {
            // The first byte counts unused bits; mutual-required is bit 2.
            mutual: options.get(1)? & 0x20 != 0,
            service: Principal {
                realm: text(tagged(&ticket, 1)?)?,
                parts: name(tagged(&ticket, 2)?)?,
            },
            ticket: Encrypted::parse(tagged(&ticket, 3)?)?,
            authenticator: Encrypted::parse(tagged(&request, 4)?)?,
        })
    }
}

/// The part of a ticket that only the service can read. Times in seconds since 1970.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) client: Principal,
    pub(super) key: Key,
    pub(super) starts: i64,
    pub(super) ends: i64,
}

impl Ticket {
    pub(super) fn parse(plain: &[u8]) -> Option<Self> {
        let ticket = fields(only(0x63, plain)?)?;
        let starts = match tagged(&ticket, 6) {
            Some(time) => seconds(time)?,
            None => seconds(tagged(&ticket, 5)?)?,
        };
        Some(Self {
            client: Principal {
                realm: text(tagged(&ticket, 2)?)?,
                parts: name(tagged(&ticket, 3)?)?,
            },
            key: key(tagged(&ticket, 1)?)?,
            starts,
            ends: seconds(tagged(&ticket, 7)?)?,
        })
    }
}

/// What the client says right now, encrypted with the key of its ticket.
#[derive(Clone, Debug)]
pub(super) struct Authenticator {
    pub(super) client: Principal,
    /// Type and bytes of the checksum: GSSAPI's own is 0x8003.
    pub(super) checksum: Option<(i64, Vec<u8>)>,
    pub(super) seconds: i64,
    pub(super) micros: i64,
    pub(super) subkey: Option<Key>,
    /// The first sequence number of the client's messages.
    pub(super) sequence: u32,
}

impl Authenticator {
    pub(super) fn parse(plain: &[u8]) -> Option<Self> {
        let parts = fields(only(0x62, plain)?)?;
        let checksum = match tagged(&parts, 3) {
            Some(checksum) => {
                let checksum = fields(checksum)?;
                let kind = integer(tagged(&checksum, 0)?)?;
                Some((kind, octets(tagged(&checksum, 1)?)?))
            }
            None => None,
        };
        Some(Self {
            client: Principal {
                realm: text(tagged(&parts, 1)?)?,
                parts: name(tagged(&parts, 2)?)?,
            },
            checksum,
            micros: integer(tagged(&parts, 4)?)?,
            seconds: seconds(tagged(&parts, 5)?)?,
            subkey: match tagged(&parts, 6) {
                Some(subkey) => Some(key(subkey)?),
                None => None,
            },
            sequence: match tagged(&parts, 7) {
                // Clients write it signed or unsigned.
                Some(sequence) => integer(sequence)? as u32,
                None => 0,
            },
        })
    }
}

fn key(bytes: &[u8]) -> Option<Key> {
    let fields = fields(bytes)?;
    Key::new(integer(tagged(&fields, 0)?)?, &octets(tagged(&fields, 1)?)?)
}

fn name(bytes: &[u8]) -> Option<Vec<String>> {
    let parts = fields(bytes)?;
    let list = fields(tagged(&parts, 1)?)?;
    list.into_iter()
        .map(|(tag, content)| match tag {
            0x1b => String::from_utf8(content.to_vec()).ok(),
            _ => None,
        })
        .collect()
}

/// A KerberosTime, `20261126201315Z`.
fn seconds(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(only(0x18, bytes)?).ok()?;
    let digits = text.strip_suffix('Z')?;
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (day, time) = digits.split_at(8);
    let [year, month, day] = [&day[..4], &day[4..6], &day[6..]];
    let [hour, minute, second] = [&time[..2], &time[2..4], &time[4..]];
    let time: jiff::Timestamp = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")
        .parse()
        .ok()?;
    Some(time.as_second())
}
