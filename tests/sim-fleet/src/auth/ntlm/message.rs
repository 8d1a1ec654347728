//! The three messages of NTLM, byte by byte (MS-NLMP 2.2.1).

use super::crypto::utf16;

/// `NegotiateFlags` (MS-NLMP 2.2.2.5).
pub(super) mod flags {
    pub(crate) const UNICODE: u32 = 0x0000_0001;
    pub(crate) const REQUEST_TARGET: u32 = 0x0000_0004;
    pub(crate) const SIGN: u32 = 0x0000_0010;
    pub(crate) const SEAL: u32 = 0x0000_0020;
    pub(crate) const NTLM: u32 = 0x0000_0200;
    pub(crate) const ALWAYS_SIGN: u32 = 0x0000_8000;
    pub(crate) const TYPE_DOMAIN: u32 = 0x0001_0000;
    pub(crate) const TYPE_SERVER: u32 = 0x0002_0000;
    pub(crate) const EXTENDED_SESSION_SECURITY: u32 = 0x0008_0000;
    pub(crate) const TARGET_INFO: u32 = 0x0080_0000;
    pub(crate) const VERSION: u32 = 0x0200_0000;
    pub(crate) const KEY_128: u32 = 0x2000_0000;
    pub(crate) const KEY_EXCH: u32 = 0x4000_0000;
    pub(crate) const KEY_56: u32 = 0x8000_0000;
    /// What this acceptor grants when asked.
    pub(crate) const SUPPORTED: u32 = UNICODE
        | SIGN
        | SEAL
        | NTLM
        | ALWAYS_SIGN
        | EXTENDED_SESSION_SECURITY
        | VERSION
        | KEY_128
        | KEY_EXCH
        | KEY_56;
}

/// `AvId` (MS-NLMP 2.2.2.1).
pub(super) mod av {
    pub(crate) const END: u16 = 0;
    pub(crate) const COMPUTER: u16 = 1;
    pub(crate) const DOMAIN: u16 = 2;
    pub(crate) const DNS_COMPUTER: u16 = 3;
    pub(crate) const DNS_DOMAIN: u16 = 4;
    pub(crate) const DNS_TREE: u16 = 5;
    pub(crate) const FLAGS: u16 = 6;
    pub(crate) const TIMESTAMP: u16 = 7;
    pub(crate) const TARGET_NAME: u16 = 9;
    pub(crate) const CHANNEL_BINDINGS: u16 = 10;
}

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// True for a raw NTLM message.
pub(crate) fn is_ntlm(token: &[u8]) -> bool {
    token.starts_with(SIGNATURE)
}

/// 1, 2 or 3.
pub(crate) fn message_type(token: &[u8]) -> Option<u32> {
    if is_ntlm(token) {
        number(token, 8)
    } else {
        None
    }
}

/// The flags of a Type 1.
pub(super) fn negotiate_flags(token: &[u8]) -> Option<u32> {
    if message_type(token)? == 1 {
        number(token, 12)
    } else {
        None
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The names a host puts into its challenge.
pub(crate) struct Challenge<'a> {
    pub(crate) computer: &'a str,
    pub(crate) dns_computer: &'a str,
    /// The computer's own name in a workgroup.
    pub(crate) domain: &'a str,
    /// Empty in a workgroup.
    pub(crate) dns_domain: &'a str,
    /// Version of the operating system.
    pub(crate) build: u32,
    /// 100 ns since 1601.
    pub(crate) timestamp: u64,
}

impl Challenge<'_> {
    pub(super) fn target_type(&self) -> u32 {
        if self.dns_domain.is_empty() {
            flags::TYPE_SERVER
        } else {
            flags::TYPE_DOMAIN
        }
    }

    /// The Type 2.
    pub(super) fn encode(&self, flags: u32, server_challenge: &[u8; 8]) -> Vec<u8> {
        let target = utf16(self.domain);
        let info = self.target_info();
        let mut out = Vec::with_capacity(56 + target.len() + info.len());
        out.extend(SIGNATURE);
        out.extend(2u32.to_le_bytes());
        field(&mut out, target.len(), 56);
        out.extend(flags.to_le_bytes());
        out.extend(server_challenge);
        out.extend([0; 8]);
        field(&mut out, info.len(), 56 + target.len());
        out.extend([10, 0]);
        out.extend((self.build as u16).to_le_bytes());
        out.extend([0, 0, 0, 15]);
        out.extend(target);
        out.extend(info);
        out
    }

    fn target_info(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let dns_domain = if self.dns_domain.is_empty() {
            self.dns_computer
        } else {
            self.dns_domain
        };
        for (id, text) in [
            (av::DOMAIN, self.domain),
            (av::COMPUTER, self.computer),
            (av::DNS_DOMAIN, dns_domain),
            (av::DNS_COMPUTER, self.dns_computer),
        ] {
            pair(&mut out, id, &utf16(text));
        }
        if !self.dns_domain.is_empty() {
            pair(&mut out, av::DNS_TREE, &utf16(self.dns_domain));
        }
        pair(&mut out, av::TIMESTAMP, &self.timestamp.to_le_bytes());
        pair(&mut out, av::END, &[]);
        out
    }
}

fn field(out: &mut Vec<u8>, length: usize, offset: usize) {
    out.extend((length as u16).to_le_bytes());
    out.extend((length as u16).to_le_bytes());
    out.extend((offset as u32).to_le_bytes());
}

fn pair(out: &mut Vec<u8>, id: u16, data: &[u8]) {
    out.extend(id.to_le_bytes());
    out.extend((data.len() as u16).to_le_bytes());
    out.extend(data);
}

/// A decoded Type 3.
pub(crate) struct Authenticate {
    pub(crate) domain: String,
    pub(crate) user: String,
    pub(crate) nt_response: Vec<u8>,
    pub(crate) session_key: Vec<u8>,
    pub(crate) flags: u32,
    /// `None` where a payload field starts inside the place of the MIC.
    pub(crate) mic: Option<[u8; 16]>,
}

impl Authenticate {
    /// Decodes; `None` where a field runs past the end.
    pub(crate) fn parse(token: &[u8]) -> Option<Self> {
        if message_type(token)? != 3 {
            return None;
        }
        let flags = number(token, 60)?;
        let first = (12..=52)
            .step_by(8)
            .filter_map(|at| Some((span(token, at)?, number(token, at + 4)?)));
        let payload = first
            .filter(|(data, _)| !data.is_empty())
            .map(|(_, offset)| offset as usize)
            .min()?;
        let mic = if payload >= 88 {
            token.get(72..88)?.try_into().ok()
        } else {
            None
        };
        Some(Self {
            domain: text(span(token, 28)?),
            user: text(span(token, 36)?),
            nt_response: span(token, 20)?.to_vec(),
            session_key: span(token, 52)?.to_vec(),
            flags,
            mic,
        })
    }
}

fn span(token: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(u16::from_le_bytes(token.get(at..at + 2)?.try_into().ok()?));
    let offset = number(token, at + 4)? as usize;
    if length == 0 {
        Some(&[])
    } else {
        token.get(offset..offset.checked_add(length)?)
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}

/// The AV pairs up to the end mark; `None` where the list is cut off.
pub(super) fn av_pairs(mut bytes: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut pairs = Vec::new();
    loop {
        let id = u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?);
        let length = usize::from(u16::from_le_bytes(bytes.get(2..4)?.try_into().ok()?));
        if id == av::END {
            return Some(pairs);
        }
        pairs.push((id, bytes.get(4..4 + length)?));
        bytes = &bytes[4 + length..];
    }
}
