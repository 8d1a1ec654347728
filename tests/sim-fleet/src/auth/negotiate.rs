//! One exchange of tokens on one connection: `Authorization: Negotiate`, with NTLM or Kerberos, raw or in SPNEGO.
//! Kerberos takes one step and is in `tickets`; here is what NTLM has to remember.

use jiff::Timestamp;

use super::ntlm::{self, Authenticate, Challenge, Demands, Pending};
use super::spnego::{self, NTLM_OID, State, Token};
use super::{Accounts, Desk, Seal, User, kerberos, qualified, tickets};
use crate::dialect::NtlmForm;
use crate::host::Host;

/// The state of an exchange.
#[derive(Default)]
pub(crate) enum Exchange {
    /// No token yet.
    #[default]
    Fresh,
    /// The client's first choice was another mechanism; it was told to take NTLM and to protect the list.
    Redirected { list: Vec<u8> },
    /// The challenge is out. With SPNEGO: the mechanism list, and whether its MIC is demanded.
    Challenged {
        pending: Pending,
        wrapped: Option<(Vec<u8>, bool)>,
    },
}

/// What follows from a token.
pub(crate) enum Step {
    /// 401 with this token; the exchange goes on.
    Continue(Vec<u8>),
    /// Logged on; with SPNEGO a last token goes out.
    Accepted {
        user: User,
        seal: Option<Seal>,
        token: Option<Vec<u8>>,
    },
    /// 401, with a token where Kerberos says why; the exchange is over.
    Refused(Option<Vec<u8>>),
}

/// Where the token came in.
pub(crate) struct Door<'a> {
    pub(crate) accounts: &'a Accounts,
    /// The keys of the fleet, where the host takes tickets.
    pub(crate) desk: Option<&'a Desk>,
    pub(crate) host: &'a Host,
    /// The channel's bindings, with TLS.
    pub(crate) channel: Option<[u8; 16]>,
}

impl Exchange {
    /// Takes a token.
    pub(crate) fn step(&mut self, token: &[u8], door: &Door<'_>) -> Step {
        let form = door.host.dialect().logon.ntlm;
        let next = match (ntlm::is_ntlm(token), form) {
            (true, _) if door.host.options.hardening.no_ntlm => None,
            (true, NtlmForm::Both | NtlmForm::RawOnly) => self.raw(token, door),
            (true, NtlmForm::AnswersInSpnego) => self.raw_answered_in_spnego(token, door),
            (true, NtlmForm::SpnegoOnly) => None,
            (false, _) if kerberos::is_request(token) => {
                *self = Self::Fresh;
                Some(tickets::raw(token, door))
            }
            (false, _) => self.wrapped(token, door),
        };
        next.unwrap_or_else(|| {
            *self = Self::Fresh;
            Step::Refused(None)
        })
    }

    fn raw(&mut self, token: &[u8], door: &Door<'_>) -> Option<Step> {
        match ntlm::message_type(token)? {
            1 => {
                let pending = challenge(token, door.host)?;
                let reply = pending.challenge().to_vec();
                *self = Self::Challenged {
                    pending,
                    wrapped: None,
                };
                Some(Step::Continue(reply))
            }
            3 => match std::mem::take(self) {
                Self::Challenged {
                    pending,
                    wrapped: None,
                } => {
                    let (user, seal) = authenticate(&pending, token, door, |_| Some(()))?;
                    Some(Step::Accepted {
                        user,
                        seal: seal.map(|seal| Seal::Ntlm(Box::new(seal))),
                        token: None,
                    })
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The challenge as SPNEGO would bring it; no raw Type 3 is taken for it.
    fn raw_answered_in_spnego(&mut self, token: &[u8], door: &Door<'_>) -> Option<Step> {
        *self = Self::Fresh;
        let pending = challenge(token, door.host)?;
        let inner = Some(pending.challenge());
        Some(Step::Continue(spnego::reply(
            State::Incomplete,
            Some(NTLM_OID),
            inner,
            None,
        )))
    }

    fn wrapped(&mut self, bytes: &[u8], door: &Door<'_>) -> Option<Step> {
        let token = Token::parse(bytes)?;
        if let Some(list) = token.list {
            if let Some(step) = tickets::wrapped(
                &list,
                &token.mechanisms,
                token.token.as_deref(),
                token.list_mic.as_deref(),
                door,
            ) {
                *self = Self::Fresh;
                return Some(step);
            }
            let raw_only = door.host.dialect().logon.ntlm == NtlmForm::RawOnly;
            if raw_only || door.host.options.hardening.no_ntlm {
                return None;
            }
            let place = token.mechanisms.iter().position(|oid| oid == NTLM_OID)?;
            let inner = token
                .token
                .filter(|inner| place == 0 && ntlm::is_ntlm(inner));
            return match inner {
                Some(inner) => self.offer(&inner, list, false, door),
                None => {
                    // The optimistic token is for a mechanism nobody here speaks: one leg more, list protected.
                    *self = Self::Redirected { list };
                    Some(Step::Continue(spnego::reply(
                        State::RequestMic,
                        Some(NTLM_OID),
                        None,
                        None,
                    )))
                }
            };
        }
        let inner = token.token?;
        match std::mem::take(self) {
            Self::Redirected { list } => self.offer(&inner, list, true, door),
            Self::Challenged {
                pending,
                wrapped: Some((list, demanded)),
            } => finish(
                &pending,
                &inner,
                &list,
                demanded,
                token.list_mic.as_deref(),
                door,
            ),
            _ => None,
        }
    }

    fn offer(
        &mut self,
        negotiate: &[u8],
        list: Vec<u8>,
        demanded: bool,
        door: &Door<'_>,
    ) -> Option<Step> {
        let pending = challenge(negotiate, door.host)?;
        let reply = spnego::reply(
            State::Incomplete,
            (!demanded).then_some(NTLM_OID),
            Some(pending.challenge()),
            None,
        );
        *self = Self::Challenged {
            pending,
            wrapped: Some((list, demanded)),
        };
        Some(Step::Continue(reply))
    }
}

fn finish(
    pending: &Pending,
    inner: &[u8],
    list: &[u8],
    demanded: bool,
    sent: Option<&[u8]>,
    door: &Door<'_>,
) -> Option<Step> {
    let mut mine = None;
    let (user, seal) = authenticate(pending, inner, door, |seal| match (sent, seal) {
        (Some(sent), Some(seal)) => {
            mine = Some(seal.exchange_list_mic(list, sent)?);
            Some(())
        }
        (None, _) if !demanded => Some(()),
        _ => None,
    })?;
    let token = spnego::reply(
        State::Completed,
        None,
        None,
        mine.as_ref().map(<[u8; 16]>::as_slice),
    );
    Some(Step::Accepted {
        user,
        seal: seal.map(|seal| Seal::Ntlm(Box::new(seal))),
        token: Some(token),
    })
}

/// Answers a Type 1 with the names of the host.
fn challenge(negotiate: &[u8], host: &Host) -> Option<Pending> {
    let names = host.identity();
    // 100 ns units between 1601 and 1970, then up to now.
    let timestamp = 116_444_736_000_000_000
        + u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default() * 10;
    let challenge = Challenge {
        computer: &names.computer_name,
        dns_computer: &names.dns_name,
        domain: &names.netbios_domain,
        dns_domain: &names.dns_domain,
        build: host.options.os.build,
        timestamp,
    };
    Pending::start(negotiate, &challenge)
}

/// Judges a Type 3 against the accounts; `more` is a last demand that counts as part of the logon.
fn authenticate(
    pending: &Pending,
    token: &[u8],
    door: &Door<'_>,
    more: impl FnOnce(Option<&mut ntlm::Seal>) -> Option<()>,
) -> Option<(User, Option<ntlm::Seal>)> {
    let message = Authenticate::parse(token)?;
    let account = door
        .accounts
        .find(door.host, &message.domain, &message.user)
        .filter(|_| !message.user.is_empty());
    let services = services(door.host);
    let verified = account.as_ref().and_then(|account| {
        let demands = Demands {
            password: &account.password,
            channel: door.channel,
            hardening: door.host.options.channel_binding,
            normalise_domain: door.host.options.normalises_domain && account.domain.is_some(),
            key_128: door.host.options.hardening.key_128,
            services: door.host.options.hardening.target_name.then_some(&services),
        };
        let mut seal = pending.verify(token, &message, &demands).ok()?;
        more(seal.as_mut())?;
        Some(seal)
    });
    let sent = if message.domain.is_empty() {
        message.user.clone()
    } else {
        format!("{}\\{}", message.domain, message.user)
    };
    let accepted = door
        .accounts
        .settle(door.host, account.as_deref(), &sent, verified.is_some());
    let account = account.filter(|_| accepted)?;
    Some((
        User {
            name: qualified(door.host, &account),
            rights: account.rights,
        },
        verified?,
    ))
}

/// The service principal names of the host (reference 5.4), in small letters.
fn services(host: &Host) -> Vec<String> {
    let names = host.identity();
    let mut found = Vec::new();
    for class in ["http", "wsman", "host"] {
        for name in [&names.dns_name, &names.computer_name] {
            found.push(format!("{class}/{}", name.to_lowercase()));
        }
    }
    found
}
