//! Kerberos at the door of a host: raw, as the scheme `Kerberos` and some clients of `Negotiate` send it, and in SPNEGO.

use jiff::{SignedDuration, Timestamp};

use super::kerberos::{self, Grounds, Ticketed};
use super::spnego::{self, KERBEROS_OID, MS_KERBEROS_OID, State};
use super::{Door, Seal, Step, User, qualified};
use crate::dialect::KerberosAnswer;

/// A token with nothing around it.
pub(crate) fn raw(token: &[u8], door: &Door<'_>) -> Step {
    match judge(token, door) {
        Ok((user, ticketed)) => Step::Accepted {
            user,
            seal: ticketed.seal.map(|seal| Seal::Kerberos(Box::new(seal))),
            token: ticketed.reply,
        },
        Err(token) => Step::Refused(token),
    }
}

/// The first token of SPNEGO, where its first choice is Kerberos and the host takes tickets; otherwise `None`.
pub(super) fn wrapped(
    list: &[u8],
    mechanisms: &[Vec<u8>],
    token: Option<&[u8]>,
    list_mic: Option<&[u8]>,
    door: &Door<'_>,
) -> Option<Step> {
    let first = mechanisms
        .first()
        .filter(|oid| [KERBEROS_OID, MS_KERBEROS_OID].contains(&oid.as_slice()))?;
    let token = token.filter(|token| kerberos::is_request(token))?;
    door.desk?;
    let refused = |inner: Option<&[u8]>| {
        let reply = inner.map(|inner| spnego::reply(State::Rejected, None, Some(inner), None));
        Step::Refused(reply)
    };
    let (user, mut ticketed) = match judge(token, door) {
        Ok(judged) => judged,
        Err(inner) => return Some(refused(inner.as_deref())),
    };
    let mine = match (list_mic, &mut ticketed.seal) {
        (None, _) => None,
        (Some(sent), Some(seal)) => match seal.exchange_list_mic(list, sent) {
            Some(mine) => Some(mine),
            None => return Some(refused(None)),
        },
        (Some(_), None) => return Some(refused(None)),
    };
    let reply = spnego::reply(
        State::Completed,
        Some(first),
        ticketed.reply.as_deref(),
        mine.as_deref(),
    );
    Some(Step::Accepted {
        user,
        seal: ticketed.seal.map(|seal| Seal::Kerberos(Box::new(seal))),
        token: Some(reply),
    })
}

/// Judges a ticket and finds its account; the error is the token that says why not, where there is one.
fn judge(token: &[u8], door: &Door<'_>) -> Result<(User, Ticketed), Option<Vec<u8>>> {
    let desk = door.desk.ok_or(None)?;
    let identity = door.host.identity();
    let options = &door.host.options;
    let grounds = Grounds {
        names: [&identity.dns_name, &identity.computer_name],
        now: Timestamp::now()
            .saturating_add(SignedDuration::from_secs(options.clock_ahead))
            .unwrap_or_default(),
        channel: door.channel,
        hardening: options.channel_binding,
        zero_sequence: options.kerberos_zero_sequence
            || door.host.dialect().logon.kerberos_answer == KerberosAnswer::SequenceZero,
    };
    let judged = desk.accept(token, &grounds);
    let ticketed = judged.map_err(|refused| {
        door.accounts.ticket(door.host, false);
        refused.token
    })?;
    let account = door
        .accounts
        .find(door.host, &ticketed.realm, &ticketed.user)
        .filter(|account| account.domain.is_some());
    door.accounts.ticket(door.host, account.is_some());
    let account = account.ok_or(None)?;
    let user = User {
        name: qualified(door.host, &account),
        rights: account.rights,
    };
    Ok((user, ticketed))
}
