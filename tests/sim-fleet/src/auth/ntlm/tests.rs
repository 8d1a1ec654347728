//! The arithmetic against the values MS-NLMP 4.2.4 prints, and the acceptor against a hand-made client.

use super::crypto::{nt_hash, rc4_once, utf16};
use super::*;

const CHALLENGE: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
const ALL: u32 = flags::SUPPORTED | flags::REQUEST_TARGET;

fn names() -> Challenge<'static> {
    Challenge {
        computer: "PC-0001",
        dns_computer: "pc-0001.corp.example",
        domain: "CORP",
        dns_domain: "corp.example",
        build: 19045,
        timestamp: 133_000_000_000_000_000,
    }
}

/// MS-NLMP 4.2.1: user `User`, domain `Domain`, password `Password`.
#[test]
fn the_keys_of_the_specification() {
    assert_eq!(
        hex::encode(nt_hash("Password")),
        "a4f49c406510bdcab6824ee7c30fd852"
    );
    let key = ntowf_v2("Password", "User", "Domain");
    assert_eq!(hex::encode(key), "0c868a403bfd7a93a3001ef22ef02e3f");
    // MS-NLMP 4.2.4.1.3: the client's blob with time zero and client challenge aa..aa, and the server's two names.
    let mut temp = vec![1, 1, 0, 0, 0, 0, 0, 0];
    temp.extend([0; 8]);
    temp.extend([0xaa; 8]);
    temp.extend([0; 4]);
    for (id, text) in [(2u16, "Domain"), (1, "Server")] {
        temp.extend(id.to_le_bytes());
        temp.extend((text.len() as u16 * 2).to_le_bytes());
        temp.extend(utf16(text));
    }
    temp.extend([0; 8]);
    let proof = hmac_md5(&key, &[&CHALLENGE, &temp]);
    assert_eq!(hex::encode(proof), "68cd0ab851e51c96aabc927bebef6a1c");
    let base = hmac_md5(&key, &[&proof]);
    assert_eq!(hex::encode(base), "8de40ccadbc14a82f15cb0ad0de95ca3");
    let mut encrypted = [0x55; 16];
    rc4_once(&base, &mut encrypted);
    assert_eq!(hex::encode(encrypted), "c5dad2544fc9799094ce1ce90bc9d03e");
}

/// MS-NLMP 4.2.4.4: "Plaintext" under the random session key 55..55.
#[test]
fn the_sealed_message_of_the_specification() {
    let (signature, data) = Seal::client(&[0x55; 16], true).seal(&utf16("Plaintext"));
    assert_eq!(hex::encode(data), "54e50165bf1936dc996020c1811b0f06fb5f");
    assert_eq!(hex::encode(signature), "010000007fb38ec5c55d497600000000");
    assert_eq!(
        Seal::server(&[0x55; 16], true).open(
            &signature,
            &hex::decode("54e50165bf1936dc996020c1811b0f06fb5f").unwrap()
        ),
        Some(utf16("Plaintext"))
    );
}

#[test]
fn the_sequence_counts_in_both_directions() {
    let (mut client, mut server) = (Seal::client(&[7; 16], true), Seal::server(&[7; 16], true));
    let one = client.seal(b"one");
    assert_eq!(server.open(&one.0, &one.1).unwrap(), b"one");
    assert_eq!(server.open(&one.0, &one.1), None, "a replay");
    let mut server = Seal::server(&[7; 16], true);
    let mut client = Seal::client(&[7; 16], true);
    let lost = client.seal(b"lost");
    let two = client.seal(b"two");
    assert_eq!(server.open(&two.0, &two.1), None, "a gap");
    drop(lost);
    let answer = server.seal(b"answer");
    assert_eq!(client.open(&answer.0, &answer.1).unwrap(), b"answer");
}

/// A client written by hand; each test breaks one thing.
struct Client<'a> {
    user: &'a str,
    domain: &'a str,
    password: &'a str,
    av_flags: Option<u32>,
    binding: Option<[u8; 16]>,
    target: Option<&'a str>,
    mic: Mic,
    flags: u32,
    /// What the host demands.
    demands_128: bool,
    services: Option<&'a [String]>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mic {
    Right,
    Wrong,
    Zero,
}

impl Default for Client<'_> {
    fn default() -> Self {
        Self {
            user: "operator",
            domain: "CORP",
            password: "secret",
            av_flags: Some(2),
            binding: None,
            target: None,
            mic: Mic::Right,
            flags: ALL,
            demands_128: false,
            services: None,
        }
    }
}

impl Client<'_> {
    fn negotiate(&self) -> Vec<u8> {
        let mut token = b"NTLMSSP\0\x01\0\0\0".to_vec();
        token.extend(self.flags.to_le_bytes());
        token.extend([0; 24]);
        token
    }

    /// The Type 3, and the session key.
    fn authenticate(&self, negotiate: &[u8], challenge: &[u8]) -> (Vec<u8>, [u8; 16]) {
        let server: [u8; 8] = challenge[24..32].try_into().unwrap();
        let info_at = u32::from_le_bytes(challenge[44..48].try_into().unwrap()) as usize;
        let info = &challenge[info_at..];
        let mut temp = vec![1, 1, 0, 0, 0, 0, 0, 0];
        temp.extend([9; 16]);
        temp.extend([0; 4]);
        temp.extend(&info[..info.len() - 4]);
        if let Some(flags) = self.av_flags {
            temp.extend([6, 0, 4, 0]);
            temp.extend(flags.to_le_bytes());
        }
        if let Some(binding) = self.binding {
            temp.extend([10, 0, 16, 0]);
            temp.extend(binding);
        }
        if let Some(target) = self.target {
            let name = utf16(target);
            temp.extend([9, 0]);
            temp.extend((name.len() as u16).to_le_bytes());
            temp.extend(name);
        }
        temp.extend([0; 8]);
        let key = ntowf_v2(self.password, self.user, self.domain);
        let proof = hmac_md5(&key, &[&server, &temp]);
        let session = [0x42; 16];
        let mut exchanged = session;
        rc4_once(&hmac_md5(&key, &[&proof]), &mut exchanged);
        let response = [proof.as_slice(), &temp].concat();
        let parts: [Vec<u8>; 6] = [
            vec![0; 24],
            response,
            utf16(self.domain),
            utf16(self.user),
            vec![],
            exchanged.to_vec(),
        ];
        let mut token = b"NTLMSSP\0\x03\0\0\0".to_vec();
        let mut offset = 88;
        for part in &parts {
            token.extend((part.len() as u16).to_le_bytes());
            token.extend((part.len() as u16).to_le_bytes());
            token.extend((offset as u32).to_le_bytes());
            offset += part.len();
        }
        token.extend(self.flags.to_le_bytes());
        token.extend([0; 8 + 16]);
        token.extend(parts.concat());
        let mic = match self.mic {
            Mic::Right => hmac_md5(&session, &[negotiate, challenge, &token]),
            Mic::Wrong => [1; 16],
            Mic::Zero => [0; 16],
        };
        token[72..88].copy_from_slice(&mic);
        (token, session)
    }

    fn log_on(
        &self,
        channel: Option<[u8; 16]>,
        hardening: ChannelBinding,
    ) -> Result<(Option<Seal>, [u8; 16]), Refusal> {
        let negotiate = self.negotiate();
        let pending = Pending::start(&negotiate, &names()).ok_or(Refusal::Malformed)?;
        let (token, session) = self.authenticate(&negotiate, pending.challenge());
        let demands = Demands {
            password: "secret",
            channel,
            hardening,
            normalise_domain: true,
            key_128: self.demands_128,
            services: self.services,
        };
        let message = Authenticate::parse(&token).unwrap();
        Ok((pending.verify(&token, &message, &demands)?, session))
    }

    fn refusal(&self) -> Option<Refusal> {
        self.log_on(None, ChannelBinding::Relaxed).err()
    }
}

#[test]
fn the_right_password_gives_working_keys() {
    let (server, session) = Client::default()
        .log_on(None, ChannelBinding::Relaxed)
        .unwrap();
    let sealed = Seal::client(&session, true).seal(b"hello");
    assert_eq!(
        server.unwrap().open(&sealed.0, &sealed.1).unwrap(),
        b"hello"
    );
}

#[test]
fn what_is_refused() {
    let refusal = |client: Client<'_>| client.refusal();
    assert_eq!(
        refusal(Client {
            password: "wrong",
            ..Client::default()
        }),
        Some(Refusal::WrongPassword)
    );
    assert_eq!(
        refusal(Client {
            password: "wrong",
            mic: Mic::Zero,
            av_flags: None,
            ..Client::default()
        }),
        Some(Refusal::WrongPassword)
    );
    assert_eq!(
        refusal(Client {
            av_flags: None,
            ..Client::default()
        }),
        Some(Refusal::NoMic)
    );
    assert_eq!(
        refusal(Client {
            mic: Mic::Zero,
            ..Client::default()
        }),
        Some(Refusal::NoMic)
    );
    assert_eq!(
        refusal(Client {
            mic: Mic::Wrong,
            ..Client::default()
        }),
        Some(Refusal::WrongMic)
    );
    assert_eq!(
        refusal(Client {
            flags: ALL & !flags::EXTENDED_SESSION_SECURITY,
            ..Client::default()
        }),
        Some(Refusal::WeakFlags)
    );
    assert_eq!(
        refusal(Client {
            flags: ALL & !flags::KEY_128,
            ..Client::default()
        }),
        Some(Refusal::WeakFlags)
    );
    assert_eq!(
        refusal(Client {
            flags: ALL & !flags::UNICODE,
            ..Client::default()
        }),
        Some(Refusal::Malformed)
    );
}

#[test]
fn channel_bindings_are_judged_by_level() {
    use ChannelBinding::{None as Ignored, Relaxed, Strict};
    let channel = binding_of(&[1; 32]);
    let with = |binding| Client {
        binding,
        ..Client::default()
    };
    let result = |binding, level| with(binding).log_on(Some(channel), level).err();
    assert_eq!(result(Some(channel), Strict), None);
    assert_eq!(result(Some(channel), Relaxed), None);
    assert_eq!(result(Some([3; 16]), Relaxed), Some(Refusal::WrongBinding));
    assert_eq!(result(Some([3; 16]), Strict), Some(Refusal::WrongBinding));
    assert_eq!(result(Some([3; 16]), Ignored), None);
    assert_eq!(result(None, Relaxed), None);
    assert_eq!(result(None, Strict), Some(Refusal::NoBinding));
    assert_eq!(
        result(Some([0; 16]), Strict),
        Some(Refusal::NoBinding),
        "all zero means none"
    );
    assert_eq!(
        with(Some([3; 16])).log_on(None, Strict).err(),
        None,
        "there is no channel without TLS"
    );
}

/// Reference 5.6: the letter case of the domain breaks sealing, not the logon.
#[test]
fn a_domain_in_small_letters_breaks_sealing_only() {
    let (server, session) = Client {
        domain: "corp",
        ..Client::default()
    }
    .log_on(None, ChannelBinding::Relaxed)
    .unwrap();
    let sealed = Seal::client(&session, true).seal(b"hello");
    assert_eq!(server.unwrap().open(&sealed.0, &sealed.1), None);
}

/// Hosts that demand 128 bits do so also where nothing is sealed.
#[test]
fn short_keys_are_refused_where_128_bits_are_demanded() {
    let unsealed = ALL & !(flags::SEAL | flags::KEY_128);
    let refusal = |flags, demands_128| {
        let client = Client {
            flags,
            demands_128,
            ..Client::default()
        };
        client.refusal()
    };
    assert_eq!(refusal(unsealed, false), None);
    assert_eq!(refusal(unsealed, true), Some(Refusal::WeakFlags));
    assert_eq!(refusal(ALL & !flags::SEAL, true), None);
    assert_eq!(
        refusal(ALL & !flags::KEY_128, false),
        Some(Refusal::WeakFlags)
    );
}

#[test]
fn the_target_name_is_compared_where_it_is_demanded() {
    let known = [
        "http/pc-0001.corp.example".to_owned(),
        "host/pc-0001".to_owned(),
    ];
    let refusal = |target, services| {
        let client = Client {
            target,
            services,
            ..Client::default()
        };
        client.refusal()
    };
    let demanded = Some(known.as_slice());
    for right in ["HTTP/PC-0001.corp.example", "host/pc-0001"] {
        assert_eq!(refusal(Some(right), demanded), None, "{right}");
    }
    for wrong in [
        "HTTP/pc-0002.corp.example",
        "cifs/pc-0001",
        "HTTP/pc-0001.corp.example/x",
    ] {
        assert_eq!(refusal(Some(wrong), demanded), Some(Refusal::WrongTarget));
        assert_eq!(refusal(Some(wrong), None), None);
    }
    for nothing in [None, Some("")] {
        assert_eq!(refusal(nothing, demanded), Some(Refusal::NoTarget));
    }
}

#[test]
fn cut_messages_are_malformed_not_a_panic() {
    let client = Client::default();
    let negotiate = client.negotiate();
    let pending = Pending::start(&negotiate, &names()).unwrap();
    let (token, _) = client.authenticate(&negotiate, pending.challenge());
    let demands = Demands {
        password: "secret",
        channel: None,
        hardening: ChannelBinding::Relaxed,
        normalise_domain: true,
        key_128: false,
        services: None,
    };
    for cut in 0..token.len() {
        if let Some(message) = Authenticate::parse(&token[..cut]) {
            assert!(
                pending.verify(&token[..cut], &message, &demands).is_err(),
                "cut at {cut}"
            );
        }
    }
}
