//! The NTLM client against the acceptor of its own library: sealing in both directions, the names of the challenge,
//! passwords that look like hashes. Foreign acceptors judge it elsewhere.

use sspi::{
    AuthIdentity, BufferType, DataRepresentation, EncryptionFlags, Ntlm as Acceptor,
    SecurityBuffer, SecurityBufferRef, ServerRequestFlags, Sspi, SspiEx, SspiImpl,
};
use wsman_proto::Secret;
use wsman_proto::auth::{Account, Challenge, Ntlm, SecurityContext, Wrapping};

fn accept(context: &mut Acceptor, token: &[u8]) -> Vec<u8> {
    let mut input = [SecurityBuffer::new(token.to_vec(), BufferType::Token)];
    let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
    let mut credentials = None;
    let builder = context
        .accept_security_context()
        .with_credentials_handle(&mut credentials)
        .with_context_requirements(ServerRequestFlags::CONFIDENTIALITY)
        .with_target_data_representation(DataRepresentation::Native)
        .with_input(&mut input)
        .with_output(&mut output);
    context
        .accept_security_context_impl(builder)
        .unwrap()
        .resolve_to_result()
        .unwrap();
    output[0].buffer.clone()
}

/// Client and acceptor after the third message; whether the acceptor took it.
fn established(account: &str, password: &str) -> (Ntlm, Acceptor, Vec<u8>, bool) {
    let mut client = Ntlm::new(
        Account::parse(account),
        Secret::new(password),
        Wrapping::Raw,
    )
    .unwrap()
    .for_service("HTTP/pc-0001.corp.example");
    let mut acceptor = Acceptor::new();
    let first = client.step(&[], None).unwrap();
    let challenge = accept(&mut acceptor, &first.token);
    assert!(Challenge::parse(&challenge).is_ok());
    let last = client.step(&challenge, None).unwrap();
    assert!(last.complete);
    accept(&mut acceptor, &last.token);
    let username = acceptor.query_context_names().unwrap().username;
    let identity = AuthIdentity {
        username,
        password: password.to_owned().into(),
    };
    acceptor.custom_set_auth_identity(identity).unwrap();
    let taken = acceptor.complete_auth_token(&mut []).is_ok();
    (client, acceptor, last.token, taken)
}

fn open(acceptor: &mut Acceptor, header: &[u8], data: &[u8]) -> Result<Vec<u8>, sspi::Error> {
    let (mut header, mut data) = (header.to_vec(), data.to_vec());
    let mut buffers = [
        SecurityBufferRef::token_buf(&mut header),
        SecurityBufferRef::data_buf(&mut data),
    ];
    acceptor.decrypt_message(&mut buffers)?;
    Ok(buffers[1].data().to_vec())
}

#[test]
fn sealed_both_ways_and_back_to_a_snapshot() {
    let (mut client, mut acceptor, _, taken) = established("CORP\\svc", "pw");
    assert!(taken);
    let mut before = client.clone();
    client.seal(b"never arrives").unwrap();
    assert_eq!(
        before.seal(b"one").unwrap().0[12..],
        [0; 4],
        "the snapshot starts at sequence 0"
    );
    let (header, data) = client.clone().seal(b"two").unwrap();
    assert_eq!(header.len(), 16);
    assert!(
        open(&mut acceptor, &header, &data).is_err(),
        "a skipped sequence number is refused"
    );
    let (mut header, mut data) = (vec![0; 16], b"answer".to_vec());
    let mut buffers = [
        SecurityBufferRef::token_buf(&mut header),
        SecurityBufferRef::data_buf(&mut data),
    ];
    acceptor
        .encrypt_message(EncryptionFlags::empty(), &mut buffers)
        .unwrap();
    let (header, mut data) = (buffers[0].data().to_vec(), buffers[1].data().to_vec());
    assert_eq!(client.clone().open(&header, &data).unwrap(), b"answer");
    data[0] ^= 1;
    assert!(
        client.open(&header, &data).is_err(),
        "a changed byte is refused"
    );
}

/// The text of a Type 3 field at `at`.
fn field(token: &[u8], at: usize) -> String {
    let length = usize::from(u16::from_le_bytes([token[at], token[at + 1]]));
    let offset = u32::from_le_bytes(token[at + 4..at + 8].try_into().unwrap()) as usize;
    let units: Vec<u16> = token[offset..offset + length]
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16(&units).unwrap()
}

#[test]
fn names_as_the_host_wants_them() {
    for (account, domain, user) in [
        ("corp\\svc", "CORP", "svc"),
        ("svc@corp.example", "", "svc@corp.example"),
        ("svc", "", "svc"),
    ] {
        let (_, _, token, _) = established(account, "pw");
        assert_eq!(
            (field(&token, 28).as_str(), field(&token, 36).as_str()),
            (domain, user)
        );
        assert_ne!(token[72..88], [0; 16], "the integrity code is there");
    }
}

#[test]
fn a_password_that_looks_like_a_hash_is_a_password() {
    // Where the library took the text for a hash it would refuse it, because it is none.
    let mut client = Ntlm::new(
        Account::parse("svc"),
        Secret::new("$NTLM$:secret"),
        Wrapping::Raw,
    )
    .unwrap();
    let first = client.step(&[], None).unwrap();
    let challenge = accept(&mut Acceptor::new(), &first.token);
    assert!(client.step(&challenge, None).unwrap().complete);
}

/// A Type 2 with these AV pairs.
fn challenge(pairs: &[(u16, &str)]) -> Vec<u8> {
    let mut info = Vec::new();
    for (id, text) in pairs {
        let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        info.extend(id.to_le_bytes());
        info.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        info.extend(text);
    }
    info.extend([0; 4]);
    let mut token = b"NTLMSSP\0\x02\0\0\0".to_vec();
    token.extend([0, 0, 0, 0, 56, 0, 0, 0]);
    token.extend(0xE28A_8235_u32.to_le_bytes());
    token.extend([1; 8]);
    token.extend([0; 8]);
    let length = u16::try_from(info.len()).unwrap().to_le_bytes();
    token.extend([length[0], length[1], length[0], length[1], 56, 0, 0, 0]);
    token.extend([10, 0, 0, 0, 0, 0, 0, 15]);
    token.extend(info);
    token
}

#[test]
fn the_challenge_says_who_answers() {
    let token = challenge(&[
        (2, "CORP"),
        (1, "PC-1"),
        (4, "corp.example"),
        (3, "pc-1.corp.example"),
        (7, "abcd"),
    ]);
    let found = Challenge::parse(&token).unwrap();
    assert_eq!(found.computer.as_deref(), Some("PC-1"));
    assert_eq!(found.dns_computer.as_deref(), Some("pc-1.corp.example"));
    assert_eq!(
        (found.domain.as_deref(), found.dns_domain.as_deref()),
        (Some("CORP"), Some("corp.example"))
    );
    let wrapped = [b"\xa1\x20".as_slice(), &token].concat();
    assert_eq!(Challenge::find(&wrapped).unwrap(), found);
    for cut in 0..token.len() {
        let _ = Challenge::parse(&token[..cut]);
    }
    assert!(Challenge::parse(&token[..60]).is_err());
}

#[test]
fn a_local_account_gets_the_computer_name_of_the_challenge() {
    let mut client =
        Ntlm::new(Account::parse(".\\admin"), Secret::new("pw"), Wrapping::Raw).unwrap();
    client.step(&[], None).unwrap();
    let last = client
        .step(&challenge(&[(2, "PC-1"), (1, "PC-1")]), None)
        .unwrap();
    assert_eq!(
        (
            field(&last.token, 28).as_str(),
            field(&last.token, 36).as_str()
        ),
        ("PC-1", "admin")
    );
}
