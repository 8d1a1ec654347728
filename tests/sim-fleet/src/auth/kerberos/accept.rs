//! Judges a ticket: whose it is, whether this host may read it, whether it is fresh, and whether it came through this
//! channel.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::crypto::{Key, Usage};
use super::keytab::{self, Entry, KeytabError};
use super::request::{Authenticator, Principal, Request, Ticket};
use super::seal::Seal;
use super::{Kind, framed, reply, unframed};
use crate::spec::ChannelBinding;

/// Clocks may differ by so many seconds.
const SKEW: i64 = 300;
/// More remembered authenticators than this are looked through for old ones.
const MANY: usize = 10_000;

/// GSSAPI's checksum type (RFC 4121 4.1.1), and its flags.
const GSS_CHECKSUM: i64 = 0x8003;
const INTEGRITY_AND_CONFIDENTIALITY: u32 = 16 | 32;

/// The keys of the fleet's hosts, and what was shown to them lately.
#[derive(Debug)]
pub(crate) struct Desk {
    entries: Vec<Entry>,
    /// Digests of authenticators with their times: the same one twice is a replay. One lock for the fleet, held for a
    /// few instructions per logon.
    seen: Mutex<HashMap<[u8; 32], i64>>,
}

/// Where and when a ticket is shown.
pub(crate) struct Grounds<'a> {
    /// The host's own names: DNS name, computer name.
    pub(crate) names: [&'a str; 2],
    /// The host's clock.
    pub(crate) now: Timestamp,
    /// MD5 of the channel's bindings; `None` without TLS.
    pub(crate) channel: Option<[u8; 16]>,
    pub(crate) hardening: ChannelBinding,
    /// All answers have sequence number 0.
    pub(crate) zero_sequence: bool,
}

/// Somebody with a good ticket.
#[derive(Debug)]
pub(crate) struct Ticketed {
    pub(crate) realm: String,
    pub(crate) user: String,
    /// The token that proves the host, where the client asked for that.
    pub(crate) reply: Option<Vec<u8>>,
    /// `None` where the client did not ask for sealing.
    pub(crate) seal: Option<Seal>,
}

/// Why a ticket is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Malformed,
    /// Another host's ticket, or one with another key than the keytab's.
    WrongKey,
    NotYetValid,
    Expired,
    Skew,
    Replayed,
    /// Ticket and authenticator name different clients.
    OtherClient,
    /// No checksum of GSSAPI's.
    NoChecksum,
    NoBinding,
    WrongBinding,
}

impl Refusal {
    /// The number in KRB-ERROR (RFC 4120 7.5.9), where the host says one.
    fn code(self) -> Option<u8> {
        Some(match self {
            Self::WrongKey => 41,
            Self::NotYetValid => 33,
            Self::Expired => 32,
            Self::Skew => 37,
            Self::Replayed => 34,
            Self::OtherClient => 36,
            Self::NoChecksum => 50,
            Self::Malformed | Self::NoBinding | Self::WrongBinding => return None,
        })
    }
}

/// A refusal and the token that tells the client, where there is one.
#[derive(Debug)]
pub(crate) struct Answered {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a host only ever says it in its token")
    )]
    pub(crate) refusal: Refusal,
    pub(crate) token: Option<Vec<u8>>,
}

impl Desk {
    /// Reads the keys of a file.
    pub(crate) fn open(keytab: &Path) -> Result<Self, KeytabError> {
        Ok(Self::with(keytab::read(keytab)?))
    }

    pub(super) fn with(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            seen: Mutex::default(),
        }
    }

    /// Takes a token with an AP-REQ.
    pub(crate) fn accept(&self, token: &[u8], grounds: &Grounds<'_>) -> Result<Ticketed, Answered> {
        let Some(request) = unframed(token, Kind::Request).and_then(Request::parse) else {
            return Err(Answered {
                refusal: Refusal::Malformed,
                token: None,
            });
        };
        self.judge(&request, grounds).map_err(|refusal| Answered {
            refusal,
            token: refusal.code().map(|code| {
                let error = reply::refused(code, &request.service, grounds.now);
                framed(Kind::Error, &error)
            }),
        })
    }

    fn judge(&self, request: &Request, grounds: &Grounds<'_>) -> Result<Ticketed, Refusal> {
        let ticket = self
            .keys(request, grounds)
            .find_map(|key| request.ticket.open(key, Usage::Ticket))
            .ok_or(Refusal::WrongKey)?;
        let ticket = Ticket::parse(&ticket).ok_or(Refusal::Malformed)?;
        let now = grounds.now.as_second();
        if ticket.starts > now + SKEW {
            return Err(Refusal::NotYetValid);
        }
        if ticket.ends < now - SKEW {
            return Err(Refusal::Expired);
        }
        let shown = request
            .authenticator
            .open(&ticket.key, Usage::Authenticator)
            .ok_or(Refusal::WrongKey)?;
        let digest: [u8; 32] = Sha256::digest(&shown).into();
        let shown = Authenticator::parse(&shown).ok_or(Refusal::Malformed)?;
        if shown.client != ticket.client {
            return Err(Refusal::OtherClient);
        }
        if (shown.seconds - now).abs() > SKEW {
            return Err(Refusal::Skew);
        }
        let flags = flags(&shown, grounds)?;
        if !self.is_new(digest, now) {
            return Err(Refusal::Replayed);
        }
        Ok(welcome(request, ticket, &shown, flags, grounds))
    }

    /// The keys with which the host may try the ticket.
    fn keys<'a>(
        &'a self,
        request: &'a Request,
        grounds: &'a Grounds<'_>,
    ) -> impl Iterator<Item = &'a Key> {
        let ours = is_ours(&request.service, grounds.names);
        self.entries
            .iter()
            .filter(move |entry| {
                ours && same(&entry.realm, &request.service.realm)
                    && entry.service.len() == request.service.parts.len()
                    && entry
                        .service
                        .iter()
                        .zip(&request.service.parts)
                        .all(|(key, ticket)| same(key, ticket))
                    && request
                        .ticket
                        .version
                        .is_none_or(|version| version == entry.version)
            })
            .map(|entry| &entry.key)
    }

    fn is_new(&self, digest: [u8; 32], now: i64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MANY {
            // Hosts of a fleet may have different clocks: twice the skew each way.
            seen.retain(|_, time| (now - *time).abs() <= 4 * SKEW);
        }
        seen.insert(digest, now).is_none()
    }
}

/// A service of this very host. Windows knows these three names for WinRM.
fn is_ours(service: &Principal, names: [&str; 2]) -> bool {
    match service.parts.as_slice() {
        [class, host] => {
            ["HTTP", "WSMAN", "HOST"]
                .iter()
                .any(|known| same(known, class))
                && names.iter().any(|name| same(name, host))
        }
        _ => false,
    }
}

/// Checks the channel's bindings and gives the flags of the context.
fn flags(shown: &Authenticator, grounds: &Grounds<'_>) -> Result<u32, Refusal> {
    let Some((GSS_CHECKSUM, checksum)) = &shown.checksum else {
        return Err(Refusal::NoChecksum);
    };
    // Length of the bindings (always 16), the bindings, the flags; a delegated ticket may follow.
    let (head, rest) = checksum
        .split_first_chunk::<4>()
        .ok_or(Refusal::Malformed)?;
    let (sent, rest) = rest.split_first_chunk::<16>().ok_or(Refusal::Malformed)?;
    let (flags, _) = rest.split_first_chunk::<4>().ok_or(Refusal::Malformed)?;
    if u32::from_le_bytes(*head) != 16 {
        return Err(Refusal::Malformed);
    }
    if let Some(channel) = grounds.channel {
        match (grounds.hardening, *sent == [0; 16]) {
            (ChannelBinding::None, _) | (ChannelBinding::Relaxed, true) => {}
            (ChannelBinding::Strict, true) => return Err(Refusal::NoBinding),
            (_, false) if *sent == channel => {}
            _ => return Err(Refusal::WrongBinding),
        }
    }
    Ok(u32::from_le_bytes(*flags))
}

fn welcome(
    request: &Request,
    ticket: Ticket,
    shown: &Authenticator,
    flags: u32,
    grounds: &Grounds<'_>,
) -> Ticketed {
    let Principal { realm, parts } = ticket.client;
    let mut welcome = Ticketed {
        realm,
        user: parts.join("/"),
        reply: None,
        seal: None,
    };
    // Without the host's answer both sides would have to go on under the client's key, which no client of WinRM asks.
    if request.mutual {
        let subkey = shown.subkey.as_ref().unwrap_or(&ticket.key).another();
        let outgoing = if grounds.zero_sequence {
            0
        } else {
            u32::from_be_bytes(
                *uuid::Uuid::new_v4()
                    .as_bytes()
                    .first_chunk()
                    .expect("16 bytes"),
            ) >> 2
        };
        let message = reply::accepted(&ticket.key, shown, &subkey, outgoing);
        welcome.reply = Some(framed(Kind::Reply, &message));
        if flags & INTEGRITY_AND_CONFIDENTIALITY == INTEGRITY_AND_CONFIDENTIALITY {
            let seal = Seal::new(subkey, shown.sequence, outgoing, grounds.zero_sequence);
            welcome.seal = Some(seal);
        }
    }
    welcome
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}
