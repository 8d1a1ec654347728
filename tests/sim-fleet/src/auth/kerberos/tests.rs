//! Against an exchange between two sides of MIT Kerberos (`mit.json`, recorded by `tests/interop/realms/record.py`).

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::accept::{Desk, Grounds, Refusal, Ticketed};
use super::crypto::{Key, Usage};
use super::der::{fields, integer, octets, only, tagged};
use super::keytab;
use super::request::{Authenticator, Request, Ticket};
use super::seal::Seal;
use super::{Kind, framed, is_request, unframed};
use crate::auth::ntlm::binding_of;
use crate::auth::spnego::{KERBEROS_OID, Token};
use crate::spec::ChannelBinding;

#[derive(Deserialize)]
struct Recorded {
    host: String,
    user: String,
    realm: String,
    now: i64,
    #[serde(with = "hex")]
    keytab: Vec<u8>,
    #[serde(with = "hex")]
    binding: Vec<u8>,
    #[serde(with = "hex")]
    request: Vec<u8>,
    #[serde(with = "hex")]
    reply: Vec<u8>,
    from_client: Vec<Message>,
    rotated: Vec<Message>,
    from_host: Vec<Message>,
    #[serde(with = "hex")]
    unbound: Vec<u8>,
    #[serde(with = "hex")]
    spnego: Vec<u8>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(with = "hex")]
    plain: Vec<u8>,
    #[serde(with = "hex")]
    header: Vec<u8>,
    #[serde(with = "hex")]
    data: Vec<u8>,
}

static MIT: LazyLock<Recorded> =
    LazyLock::new(|| serde_json::from_str(include_str!("mit.json")).unwrap());

fn desk() -> Desk {
    Desk::with(keytab::parse(&MIT.keytab).unwrap())
}

fn channel() -> [u8; 16] {
    binding_of(MIT.binding.strip_prefix(b"tls-server-end-point:").unwrap())
}

/// The host of the record, over TLS, at the time of the record.
fn grounds() -> Grounds<'static> {
    Grounds {
        names: [&MIT.host, "PC-0001"],
        now: Timestamp::from_second(MIT.now).unwrap(),
        channel: Some(channel()),
        hardening: ChannelBinding::Strict,
        zero_sequence: false,
    }
}

#[track_caller]
fn refused(token: &[u8], grounds: &Grounds<'_>, expected: Refusal, code: Option<i64>) {
    let answered = desk().accept(token, grounds).map(|_| ()).unwrap_err();
    assert_eq!(answered.refusal, expected);
    let said = answered.token.map(|token| {
        let error = unframed(&token, Kind::Error).expect("a KRB-ERROR");
        let parts = fields(only(0x7e, error).unwrap()).unwrap();
        integer(tagged(&parts, 6).unwrap()).unwrap()
    });
    assert_eq!(said, code);
}

/// The ticket and the authenticator in a token, opened as the host would.
fn opened(token: &[u8]) -> (Ticket, Authenticator) {
    let request = Request::parse(unframed(token, Kind::Request).unwrap()).unwrap();
    let entries = keytab::parse(&MIT.keytab).unwrap();
    let ticket = entries
        .iter()
        .find_map(|entry| request.ticket.open(&entry.key, Usage::Ticket))
        .unwrap();
    let ticket = Ticket::parse(&ticket).unwrap();
    let shown = request
        .authenticator
        .open(&ticket.key, Usage::Authenticator)
        .unwrap();
    (ticket, Authenticator::parse(&shown).unwrap())
}

/// Time, subkey and first number in an AP-REP, as a client reads them.
fn read_reply(token: &[u8], session: &Key) -> (Vec<u8>, i64, Key, u32) {
    let message = unframed(token, Kind::Reply).unwrap();
    let reply = fields(only(0x6f, message).unwrap()).unwrap();
    let encrypted = fields(tagged(&reply, 2).unwrap()).unwrap();
    let cipher = octets(tagged(&encrypted, 2).unwrap()).unwrap();
    let part = session.open(Usage::ApReply, &cipher).unwrap();
    let part = fields(only(0x7b, &part).unwrap()).unwrap();
    let key = fields(tagged(&part, 2).unwrap()).unwrap();
    let key = Key::new(
        integer(tagged(&key, 0).unwrap()).unwrap(),
        &octets(tagged(&key, 1).unwrap()).unwrap(),
    );
    (
        tagged(&part, 0).unwrap().to_vec(),
        integer(tagged(&part, 1).unwrap()).unwrap(),
        key.unwrap(),
        integer(tagged(&part, 3).unwrap()).unwrap() as u32,
    )
}

#[test]
fn a_ticket_of_mit_kerberos_is_accepted() {
    let Ticketed {
        realm, user, seal, ..
    } = desk().accept(&MIT.request, &grounds()).unwrap();
    assert_eq!((realm.as_str(), user.as_str()), (&*MIT.realm, &*MIT.user));
    assert!(seal.is_some());
}

#[test]
fn the_keytab_holds_both_lengths_of_keys_and_is_not_cut_off() {
    let kinds: Vec<i64> = keytab::parse(&MIT.keytab)
        .unwrap()
        .iter()
        .map(|entry| entry.key.kind())
        .collect();
    assert_eq!(kinds, [18, 17]);
    let whole = keytab::parse(&MIT.keytab).unwrap();
    for cut in 0..MIT.keytab.len() {
        let found = keytab::parse(&MIT.keytab[..cut]);
        assert!(found.is_none_or(|found| found.len() < whole.len()), "{cut}");
    }
}

#[test]
fn the_reply_of_mit_kerberos_has_the_form_of_ours() {
    let (ticket, shown) = opened(&MIT.request);
    let theirs = read_reply(&MIT.reply, &ticket.key);
    let ours = desk().accept(&MIT.request, &grounds()).unwrap();
    let ours = read_reply(&ours.reply.unwrap(), &ticket.key);
    // Both say the client's time back; key and number are each side's own.
    assert_eq!((&ours.0, ours.1), (&theirs.0, theirs.1));
    assert_eq!(ours.1, shown.micros);
    assert_eq!(ours.2.kind(), theirs.2.kind());
    assert_ne!(ours.2, theirs.2);
}

#[test]
fn messages_of_mit_kerberos_open_in_order_and_only_once() {
    let (ticket, shown) = opened(&MIT.request);
    let (_, _, subkey, outgoing) = read_reply(&MIT.reply, &ticket.key);
    let mut seal = Seal::new(subkey, shown.sequence, outgoing, false);
    // Of the two forms the second is what the client under test makes: a plain message, rotated once.
    for message in MIT.from_client.iter().chain(&MIT.rotated) {
        let Message { header, data, .. } = message;
        assert_eq!(seal.open(header, data).as_ref(), Some(&message.plain));
        assert_eq!(seal.open(header, data), None, "the same again");
    }
}

#[test]
fn a_message_that_was_changed_does_not_open() {
    let (ticket, shown) = opened(&MIT.request);
    let (_, _, subkey, _) = read_reply(&MIT.reply, &ticket.key);
    let Message { header, data, .. } = &MIT.from_client[0];
    let fresh = || Seal::new(subkey.clone(), shown.sequence, 0, false);
    for at in 0..header.len() {
        let mut header = header.clone();
        header[at] ^= 1;
        assert_eq!(fresh().open(&header, data), None, "byte {at}");
    }
    let mut changed = data.clone();
    changed[0] ^= 1;
    assert_eq!(fresh().open(header, &changed), None);
    // The layout without rotation is what a library makes that knows nothing of WinRM.
    let mut plain = [header.as_slice(), data].concat();
    plain[6..8].fill(0);
    plain[16..].rotate_left(28);
    let (front, rest) = plain.split_at(60);
    assert_eq!(fresh().open(front, rest), None, "not rotated");
}

#[test]
fn messages_of_the_host_have_the_layout_of_mit_kerberos() {
    let (ticket, _) = opened(&MIT.request);
    let (_, _, subkey, outgoing) = read_reply(&MIT.reply, &ticket.key);
    for zero in [false, true] {
        let mut seal = Seal::new(subkey.clone(), 0, if zero { 0 } else { outgoing }, zero);
        for theirs in &MIT.from_host {
            let (header, data) = seal.seal(&theirs.plain);
            let (front, wanted) = (&header[..8], &theirs.header[..8]);
            assert_eq!((front, data.len()), (wanted, theirs.data.len()));
            let number = if zero { &[0; 8] } else { &theirs.header[8..16] };
            assert_eq!(&header[8..16], number);
            for (header, data) in [(&header, &data), (&theirs.header, &theirs.data)] {
                let mut body = [&header[16..], data.as_slice()].concat();
                body.rotate_left(28);
                let opened = subkey.open(Usage::AcceptorSeal, &body).unwrap();
                assert!(opened.starts_with(&theirs.plain));
            }
        }
    }
}

#[test]
fn a_ticket_that_was_shown_before_is_refused() {
    let desk = desk();
    assert!(desk.accept(&MIT.request, &grounds()).is_ok());
    let again = desk.accept(&MIT.request, &grounds()).unwrap_err();
    assert_eq!(again.refusal, Refusal::Replayed);
}

#[test]
fn channel_bindings_are_judged_by_the_level_of_the_host() {
    let other = Some([7; 16]);
    let check = |token: &[u8], hardening, channel, expected: Option<Refusal>| {
        let grounds = Grounds {
            hardening,
            channel,
            ..grounds()
        };
        match expected {
            Some(refusal) => refused(token, &grounds, refusal, None),
            None => assert!(desk().accept(token, &grounds).is_ok(), "{hardening:?}"),
        }
    };
    let (bound, unbound) = (&MIT.request, &MIT.unbound);
    check(
        bound,
        ChannelBinding::Strict,
        other,
        Some(Refusal::WrongBinding),
    );
    check(
        bound,
        ChannelBinding::Relaxed,
        other,
        Some(Refusal::WrongBinding),
    );
    check(bound, ChannelBinding::None, other, None);
    check(bound, ChannelBinding::Strict, None, None);
    check(
        unbound,
        ChannelBinding::Strict,
        other,
        Some(Refusal::NoBinding),
    );
    check(unbound, ChannelBinding::Relaxed, other, None);
    check(unbound, ChannelBinding::None, other, None);
    check(unbound, ChannelBinding::Strict, None, None);
}

#[test]
fn only_the_host_of_the_ticket_reads_it() {
    let names = ["pc-0002.corp.example", "PC-0002"];
    let other = Grounds { names, ..grounds() };
    refused(&MIT.request, &other, Refusal::WrongKey, Some(41));
    // The right name with the keys of another time.
    let mut changed = MIT.keytab.clone();
    let key = keytab::parse(&MIT.keytab).unwrap()[0].key.bytes().to_vec();
    let at = changed
        .windows(key.len())
        .position(|window| window == key)
        .unwrap();
    changed[at] ^= 1;
    let desk = Desk::with(keytab::parse(&changed).unwrap());
    let answered = desk.accept(&MIT.request, &grounds()).unwrap_err();
    assert_eq!(answered.refusal, Refusal::WrongKey);
    let upper = MIT.host.to_uppercase();
    let names = [upper.as_str(), ""];
    assert!(
        self::desk()
            .accept(&MIT.request, &Grounds { names, ..grounds() })
            .is_ok()
    );
}

#[test]
fn time_is_judged() {
    let at = |seconds| Grounds {
        now: grounds().now + SignedDuration::from_secs(seconds),
        ..grounds()
    };
    for fine in [-290, 290] {
        assert!(desk().accept(&MIT.request, &at(fine)).is_ok(), "{fine}");
    }
    refused(&MIT.request, &at(310), Refusal::Skew, Some(37));
    refused(&MIT.request, &at(-400), Refusal::NotYetValid, Some(33));
    refused(&MIT.request, &at(200_000), Refusal::Expired, Some(32));
}

#[test]
fn what_is_no_ticket_is_refused_without_a_panic() {
    for cut in 0..MIT.request.len() {
        refused(&MIT.request[..cut], &grounds(), Refusal::Malformed, None);
    }
    let inner = unframed(&MIT.request, Kind::Request).unwrap();
    for at in 0..inner.len() {
        let mut changed = inner.to_vec();
        changed[at] ^= 0xff;
        // Bytes that nobody looks at (a name's type, the key's version) may change; nothing may break.
        let _ = desk().accept(&framed(Kind::Request, &changed), &grounds());
    }
    refused(
        &framed(Kind::Reply, inner),
        &grounds(),
        Refusal::Malformed,
        None,
    );
}

#[test]
fn the_first_token_of_spnego_holds_a_ticket_and_offers_nothing_else_first() {
    let token = Token::parse(&MIT.spnego).unwrap();
    assert_eq!(token.mechanisms.first().unwrap(), KERBEROS_OID);
    assert!(is_request(&token.token.unwrap()));
    assert!(!is_request(&MIT.spnego));
}
