//! NTLM as an acceptor (MS-NLMP), NTLMv2 only: the proof is compared, the MIC is demanded, channel bindings are judged.
//!
//! Messages in `message`, sealing in `seal`, the arithmetic in `crypto`. No accounts here: `negotiate` asks for them.

mod crypto;
mod message;
mod seal;

use crypto::{hmac_md5, ntowf_v2};
use message::flags;
pub(crate) use message::{Authenticate, Challenge, is_ntlm, message_type};
pub(crate) use seal::Seal;

use crate::spec::ChannelBinding;

/// A challenge that was sent and waits for its answer.
pub(crate) struct Pending {
    negotiate: Vec<u8>,
    challenge: Vec<u8>,
    server_challenge: [u8; 8],
    flags: u32,
}

/// What a Type 3 has to satisfy.
pub(crate) struct Demands<'a> {
    pub(crate) password: &'a str,
    /// MD5 of the channel's bindings; `None` without TLS.
    pub(crate) channel: Option<[u8; 16]>,
    pub(crate) hardening: ChannelBinding,
    /// Derive the session key with the domain in upper case.
    pub(crate) normalise_domain: bool,
    /// Demand 128 bits also of keys that seal nothing.
    pub(crate) key_128: bool,
    /// The names of which the target name has to be one, in small letters; `None`: it is not looked at.
    pub(crate) services: Option<&'a [String]>,
}

/// Why a logon is refused. The client only ever sees 401; tests and logs see this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Malformed,
    NotV2,
    WeakFlags,
    WrongPassword,
    NoMic,
    WrongMic,
    NoBinding,
    WrongBinding,
    NoTarget,
    WrongTarget,
}

impl Pending {
    /// Answers a Type 1.
    pub(crate) fn start(negotiate: &[u8], names: &Challenge<'_>) -> Option<Self> {
        let asked = message::negotiate_flags(negotiate)?;
        let random = uuid::Uuid::new_v4().into_bytes();
        let mut server_challenge = [0; 8];
        // The bytes of a random UUID that hold no version or variant bits.
        server_challenge[..4].copy_from_slice(&random[..4]);
        server_challenge[4..].copy_from_slice(&random[10..14]);
        Self::with_challenge(negotiate, asked, server_challenge, names)
    }

    fn with_challenge(
        negotiate: &[u8],
        asked: u32,
        server_challenge: [u8; 8],
        names: &Challenge<'_>,
    ) -> Option<Self> {
        if asked & flags::UNICODE == 0 {
            return None;
        }
        let flags = (asked & flags::SUPPORTED)
            | flags::TARGET_INFO
            | flags::REQUEST_TARGET
            | flags::NTLM
            | names.target_type();
        let challenge = names.encode(flags, &server_challenge);
        Some(Self {
            negotiate: negotiate.to_vec(),
            challenge,
            server_challenge,
            flags,
        })
    }

    /// The Type 2.
    pub(crate) fn challenge(&self) -> &[u8] {
        &self.challenge
    }

    /// Judges a Type 3 and, where it is right, gives the keys of the session (`None`: sealing was not negotiated).
    pub(crate) fn verify(
        &self,
        raw: &[u8],
        message: &Authenticate,
        demands: &Demands<'_>,
    ) -> Result<Option<Seal>, Refusal> {
        let response = &message.nt_response;
        if response.len() == 24 {
            return Err(Refusal::NotV2);
        }
        // Proof, fixed part of the client's blob, at least the end of the AV pairs.
        if response.len() < 16 + 28 + 4 || response[16..18] != [1, 1] {
            return Err(Refusal::Malformed);
        }
        let agreed = message.flags & self.flags;
        let needed = flags::UNICODE | flags::EXTENDED_SESSION_SECURITY;
        let long_key = demands.key_128 || agreed & flags::SEAL != 0;
        if agreed & needed != needed || (long_key && agreed & flags::KEY_128 == 0) {
            return Err(Refusal::WeakFlags);
        }
        let key = ntowf_v2(demands.password, &message.user, &message.domain);
        let proof = hmac_md5(&key, &[&self.server_challenge, &response[16..]]);
        if proof[..] != response[..16] {
            return Err(Refusal::WrongPassword);
        }
        let pairs = message::av_pairs(&response[16 + 28..]).ok_or(Refusal::Malformed)?;
        let exported = self.exported_key(&key, &proof, agreed, message)?;
        self.check_mic(raw, message, &pairs, &exported)?;
        check_binding(&pairs, demands)?;
        check_target(&pairs, demands)?;
        if agreed & flags::SEAL == 0 {
            return Ok(None);
        }
        let upper = message.domain.to_uppercase();
        let sealing = if demands.normalise_domain && upper != message.domain {
            let key = ntowf_v2(demands.password, &message.user, &upper);
            let proof = hmac_md5(&key, &[&self.server_challenge, &response[16..]]);
            self.exported_key(&key, &proof, agreed, message)?
        } else {
            exported
        };
        Ok(Some(Seal::server(&sealing, agreed & flags::KEY_EXCH != 0)))
    }

    fn exported_key(
        &self,
        key: &[u8; 16],
        proof: &[u8; 16],
        agreed: u32,
        message: &Authenticate,
    ) -> Result<[u8; 16], Refusal> {
        let base = hmac_md5(key, &[proof]);
        if agreed & flags::KEY_EXCH == 0 {
            return Ok(base);
        }
        let mut random: [u8; 16] = message
            .session_key
            .as_slice()
            .try_into()
            .map_err(|_| Refusal::Malformed)?;
        crypto::rc4_once(&base, &mut random);
        Ok(random)
    }

    fn check_mic(
        &self,
        raw: &[u8],
        message: &Authenticate,
        pairs: &[(u16, &[u8])],
        key: &[u8; 16],
    ) -> Result<(), Refusal> {
        let promised = pairs.iter().any(|(id, data)| {
            *id == message::av::FLAGS && data.first().is_some_and(|byte| byte & 2 != 0)
        });
        let mic = match message.mic {
            Some(mic) if promised && mic != [0; 16] => mic,
            _ => return Err(Refusal::NoMic),
        };
        let mut blank = raw.to_vec();
        blank.get_mut(72..88).ok_or(Refusal::Malformed)?.fill(0);
        if hmac_md5(key, &[&self.negotiate, &self.challenge, &blank]) == mic {
            Ok(())
        } else {
            Err(Refusal::WrongMic)
        }
    }
}

fn check_binding(pairs: &[(u16, &[u8])], demands: &Demands<'_>) -> Result<(), Refusal> {
    let Some(channel) = demands.channel else {
        return Ok(());
    };
    let sent = pairs.iter().find(|(id, data)| {
        *id == message::av::CHANNEL_BINDINGS && data.iter().any(|byte| *byte != 0)
    });
    match (demands.hardening, sent) {
        (ChannelBinding::None, _) | (ChannelBinding::Relaxed, None) => Ok(()),
        (ChannelBinding::Strict, None) => Err(Refusal::NoBinding),
        (_, Some((_, data))) if **data == channel => Ok(()),
        _ => Err(Refusal::WrongBinding),
    }
}

fn check_target(pairs: &[(u16, &[u8])], demands: &Demands<'_>) -> Result<(), Refusal> {
    let Some(services) = demands.services else {
        return Ok(());
    };
    let sent = pairs
        .iter()
        .find(|(id, data)| *id == message::av::TARGET_NAME && !data.is_empty());
    let Some((_, data)) = sent else {
        return Err(Refusal::NoTarget);
    };
    let name = message::text(data).to_lowercase();
    match services.contains(&name) {
        true => Ok(()),
        false => Err(Refusal::WrongTarget),
    }
}

/// MD5 over the `gss_channel_bindings` of a server certificate hash (reference 5.5).
pub(crate) fn binding_of(certificate_hash: &[u8]) -> [u8; 16] {
    let application = [b"tls-server-end-point:".as_slice(), certificate_hash].concat();
    let mut structure = vec![0; 16];
    structure.extend((application.len() as u32).to_le_bytes());
    structure.extend(application);
    crypto::md5(&[&structure])
}

#[cfg(test)]
mod tests;
