//! What comes before a session: `WWW-Authenticate`, NTLM challenges raw and in SPNEGO, the last token, the first
//! sealed message, and the certificate that a logon is bound to.

use wsman_proto::Secret;
use wsman_proto::auth::{
    Account, Challenge, Ntlm, SecurityContext, Wrapping, channel_bindings, end_point_hash, offers,
};

/// The first byte says what is read; what follows are up to three tokens, each behind its length (16 bit, little
/// endian).
pub fn tokens(bytes: &[u8]) {
    let Some((way, rest)) = bytes.split_first() else {
        return;
    };
    match way {
        0 => log_on(Wrapping::Raw, rest),
        1 => log_on(Wrapping::Spnego, rest),
        2 => {
            let text = String::from_utf8_lossy(rest);
            let found = offers(text.split('\n'));
            assert!(found.len() <= rest.len());
        }
        3 => {
            let _ = channel_bindings(&end_point_hash(rest));
        }
        _ => {
            let _ = (Challenge::parse(rest), Challenge::find(rest));
        }
    }
}

fn log_on(wrapping: Wrapping, bytes: &[u8]) {
    let (challenge, rest) = token(bytes);
    let (last, rest) = token(rest);
    let (header, data) = token(rest);
    let account = Account::parse(".\\u");
    let mut context = Ntlm::new(account, Secret::new("p"), wrapping).expect("a new context");
    context = context.for_service("HTTP/pc-0001.corp.example");
    let first = context.step(&[], None).expect("the first message");
    assert!(!first.token.is_empty());
    if context.step(challenge, None).is_err() {
        return;
    }
    if !last.is_empty() && context.step(last, None).is_err() {
        return;
    }
    // Whoever does not know the session key cannot send a sealed message.
    assert!(context.open(header, data).is_err() || data.is_empty());
}

/// A token behind its length, and the rest; a length past the end takes all.
fn token(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes {
        [low, high, rest @ ..] => {
            let length = usize::from(u16::from_le_bytes([*low, *high]));
            rest.split_at(length.min(rest.len()))
        }
        _ => (&[], &[]),
    }
}
