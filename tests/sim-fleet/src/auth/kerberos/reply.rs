//! AP-REP and KRB-ERROR (RFC 4120 5.5.2, 5.9.1).

use jiff::Timestamp;

use super::crypto::{Key, Usage};
use super::der::{whole, wrap};
use super::request::{Authenticator, Principal};

/// The proof that the ticket could be read, with the acceptor's subkey.
pub(super) fn accepted(
    session: &Key,
    seen: &Authenticator,
    subkey: &Key,
    sequence: u32,
) -> Vec<u8> {
    let key = wrap(
        0x30,
        &[
            wrap(0xa0, &whole(subkey.kind())),
            wrap(0xa1, &wrap(4, subkey.bytes())),
        ]
        .concat(),
    );
    let part = [
        wrap(0xa0, &time(seen.seconds)),
        wrap(0xa1, &whole(seen.micros)),
        wrap(0xa2, &key),
        wrap(0xa3, &whole(i64::from(sequence))),
    ]
    .concat();
    let part = wrap(0x7b, &wrap(0x30, &part));
    let encrypted = [
        wrap(0xa0, &whole(session.kind())),
        wrap(0xa2, &wrap(4, &session.seal(Usage::ApReply, &part))),
    ]
    .concat();
    let reply = [
        wrap(0xa0, &whole(5)),
        wrap(0xa1, &whole(15)),
        wrap(0xa2, &wrap(0x30, &encrypted)),
    ]
    .concat();
    wrap(0x6f, &wrap(0x30, &reply))
}

/// A refusal, with the host's time.
pub(super) fn refused(code: u8, service: &Principal, now: Timestamp) -> Vec<u8> {
    let parts: Vec<u8> = service
        .parts
        .iter()
        .flat_map(|part| wrap(0x1b, part.as_bytes()))
        .collect();
    // NT-SRV-INST.
    let name = [wrap(0xa0, &whole(2)), wrap(0xa1, &wrap(0x30, &parts))].concat();
    let error = [
        wrap(0xa0, &whole(5)),
        wrap(0xa1, &whole(30)),
        wrap(0xa4, &time(now.as_second())),
        wrap(0xa5, &whole(i64::from(now.subsec_microsecond()))),
        wrap(0xa6, &whole(i64::from(code))),
        wrap(0xa9, &wrap(0x1b, service.realm.as_bytes())),
        wrap(0xaa, &wrap(0x30, &name)),
    ]
    .concat();
    wrap(0x7e, &wrap(0x30, &error))
}

fn time(seconds: i64) -> Vec<u8> {
    let text = Timestamp::from_second(seconds)
        .unwrap_or_default()
        .strftime("%Y%m%d%H%M%SZ")
        .to_string();
    wrap(0x18, text.as_bytes())
}
