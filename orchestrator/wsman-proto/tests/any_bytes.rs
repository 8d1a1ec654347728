//! Whatever a host sends: an error or a value, never a panic.

use proptest::prelude::*;
use wsman_proto::auth::{Account, Challenge, Ntlm, SecurityContext, Wrapping, offers};
use wsman_proto::reply::{Reply, decode};
use wsman_proto::xml::Bounds;
use wsman_proto::{Secret, cim, enumerate, identify, registry, seal, shell};

const BOUNDS: Bounds = Bounds {
    bytes: 20_000,
    depth: 16,
    nodes: 500,
};

fn read_everything(bytes: &[u8]) {
    let _ = identify::decode(bytes, BOUNDS);
    let Ok(Reply::Body(body)) = decode(bytes, "uuid:A", BOUNDS) else {
        return;
    };
    let _ = (
        registry::value_names(&body),
        registry::key_names(&body),
        registry::nothing("CreateKey", &body),
    );
    for kind in 0..12 {
        let _ = registry::value(kind, &body);
    }
    let _ = (
        enumerate::page(&body, None),
        cim::instance(&body),
        shell::created(&body),
        shell::command_id(&body),
    );
    let _ = shell::Output::default().add(&body, "C");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_everything(&bytes);
        let _ = (Challenge::parse(&bytes), Challenge::find(&bytes), seal::decode(seal::Protocol::Spnego.content_type(), &bytes));
    }

    #[test]
    fn any_markup(text in "(<[a-c/:!?]{1,4}( [a-c]=('x'|\"))?/?>|&#?[a-z0-9]{0,4};|[a-c]|<!\\[CDATA\\[|\\]\\]>|<!--|-->){0,40}") {
        read_everything(text.as_bytes());
        read_everything(crate::replies::envelope(&text).as_bytes());
    }

    #[test]
    fn a_damaged_challenge(at in 0usize..120, byte in any::<u8>(), tail in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut token = b"NTLMSSP\0\x02\0\0\0\x08\0\x08\0\x38\0\0\0\x35\x82\x8a\xe2".to_vec();
        token.extend([7; 16]);
        token.extend([20, 0, 20, 0, 64, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 15]);
        token.extend(tail);
        if let Some(target) = token.get_mut(at) {
            *target = byte;
        }
        let _ = Challenge::parse(&token);
        // The library sees it as well, behind our own check.
        let mut context = Ntlm::new(Account::parse("D\\u"), Secret::new("p"), Wrapping::Raw).unwrap().for_service("HTTP/h");
        context.step(&[], None).unwrap();
        let _ = context.step(&token, None);
        let mut context = Ntlm::new(Account::parse("D\\u"), Secret::new("p"), Wrapping::Spnego).unwrap().for_service("HTTP/h");
        context.step(&[], None).unwrap();
        let _ = context.step(&token, None);
    }

    #[test]
    fn any_sealed_message(header in proptest::collection::vec(any::<u8>(), 0..40), data in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut context = Ntlm::new(Account::parse("D\\u"), Secret::new("p"), Wrapping::Raw).unwrap();
        let first = context.step(&[], None).unwrap();
        prop_assert!(!first.token.is_empty());
        let mut challenge = b"NTLMSSP\0\x02\0\0\0\0\0\0\0\x38\0\0\0\x35\x82\x8a\xe2".to_vec();
        challenge.extend([7; 16]);
        challenge.extend([4, 0, 4, 0, 56, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 15, 0, 0, 0, 0]);
        context.step(&challenge, None).unwrap();
        prop_assert!(context.open(&header, &data).is_err());
    }

    #[test]
    fn framing_round_trip(header in proptest::collection::vec(any::<u8>(), 0..80), data in proptest::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = seal::encode(seal::Protocol::Spnego, &header, &data, data.len());
        let frame = seal::decode(seal::Protocol::Spnego.content_type(), &body).unwrap();
        prop_assert_eq!((&body[frame.header], &body[frame.data]), (header.as_slice(), data.as_slice()));
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(frame) = seal::decode(seal::Protocol::Spnego.content_type(), &body) {
            prop_assert!(frame.data.end <= body.len() && frame.data.len() == frame.length);
        }
    }

    #[test]
    fn any_header(line in "\\PC{0,60}") {
        let _ = offers([line.as_str()]);
        let _ = seal::decode(&line, b"--x\r\n");
    }
}
