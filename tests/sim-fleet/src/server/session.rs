//! What is bound to a connection: who is logged on and the sealing context. Turns requests into replies.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::http::{Head, Reply};
use super::multipart::{self, Protocol};
use crate::auth::{self, Door, Exchange, Seal, Step, User};
use crate::dialect::{
    BareChallenge, BodyInClear, ContentType, HttpDialect, LastTokenBody, Mark, Schemes,
    SealedElsewhere,
};
use crate::fleet::Fleet;
use crate::host::Host;
use crate::spec::ClientCertificates;
use crate::wsman;

/// The profile of a client certificate, in place of a scheme (DSP0226, annex C).
const MUTUAL: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual";
const SOAP: &str = "application/soap+xml;charset=UTF-8";

/// Where a request came in.
pub(super) struct Place<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) host: &'a Arc<Host>,
    pub(super) peer: SocketAddr,
}

/// What becomes of a request.
pub(super) enum Outcome {
    Reply(Reply),
    Reset,
    /// No answer, and the connection stays.
    Silence,
}

/// The state of a connection.
pub(super) struct Session {
    secure: bool,
    /// Bindings of the TLS channel.
    channel: Option<[u8; 16]>,
    /// SHA-256 of the certificate that the client showed in the handshake.
    shown: Option<String>,
    exchange: Exchange,
    user: Option<User>,
    seal: Option<Seal>,
    scheme: Scheme,
    /// How the last request was sealed: the reply is sealed likewise.
    protocol: Protocol,
}

/// The scheme under which tokens travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Scheme {
    #[default]
    Negotiate,
    Kerberos,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Negotiate => "Negotiate",
            Self::Kerberos => "Kerberos",
        }
    }

    /// The scheme of an `Authorization` header, where the host offers it.
    fn of(name: &str, place: &Place<'_>) -> Option<Self> {
        let (negotiate, kerberos) = token_schemes(place);
        [(Self::Negotiate, negotiate), (Self::Kerberos, kerberos)]
            .into_iter()
            .find(|(scheme, offered)| *offered && scheme.name().eq_ignore_ascii_case(name))
            .map(|(scheme, _)| scheme)
    }

    /// Under Kerberos either name is understood: there are clients that send the other one (reference 6.1).
    fn takes(self, protocol: Protocol) -> bool {
        self == Self::Kerberos || protocol == Protocol::Spnego
    }
}

/// Whether the host offers `Negotiate`, and `Kerberos`.
fn token_schemes(place: &Place<'_>) -> (bool, bool) {
    let options = &place.host.options;
    (options.negotiate, place.fleet.desk_of(place.host).is_some())
}

impl Session {
    pub(super) fn plain() -> Self {
        Self {
            secure: false,
            channel: None,
            shown: None,
            exchange: Exchange::Fresh,
            user: None,
            seal: None,
            scheme: Scheme::default(),
            protocol: Protocol::default(),
        }
    }

    pub(super) fn secure(binding: [u8; 16], shown: Option<String>) -> Self {
        Self {
            secure: true,
            channel: Some(binding),
            shown,
            ..Self::plain()
        }
    }

    /// The connection is not authenticated any more.
    pub(super) fn forget(&mut self) {
        self.exchange = Exchange::Fresh;
        self.user = None;
        self.seal = None;
    }

    /// The `WWW-Authenticate` lines of a challenge.
    pub(super) fn schemes(&self, place: &Place<'_>) -> Vec<String> {
        let (negotiate, kerberos) = token_schemes(place);
        let mut lines: Vec<String> = [(Scheme::Negotiate, negotiate), (Scheme::Kerberos, kerberos)]
            .into_iter()
            .filter(|(_, offered)| *offered)
            .map(|(scheme, _)| scheme.name().to_owned())
            .collect();
        if self.offers_basic(place.host) {
            lines.push("Basic realm=\"WSMAN\"".into());
        }
        match place.host.dialect().logon.schemes {
            Schemes::Separate => lines,
            Schemes::Joined => vec![lines.join(", ")],
            Schemes::BasicFirst => lines.into_iter().rev().collect(),
            Schemes::LowerCase => lines
                .into_iter()
                .map(|line| {
                    line.replace("Negotiate", "negotiate")
                        .replace("Basic", "basic")
                })
                .collect(),
        }
    }

    fn offers_basic(&self, host: &Host) -> bool {
        host.options.basic && (self.secure || host.options.allow_unencrypted)
    }

    /// Seals a reply that is to be sealed. Once for each reply that is sent: the client checks the sequence.
    pub(super) fn finish(&mut self, reply: &mut Reply, dialect: HttpDialect) {
        if reply.content_type == Some(SOAP) && dialect.mark == Mark::ByteOrderMark {
            reply.body.splice(0..0, [0xef, 0xbb, 0xbf]);
        }
        if let Some(seal) = self.seal.as_mut().filter(|_| reply.seal) {
            let (signature, data) = seal.seal(&reply.body);
            reply.content_type = Some(self.protocol.content_type());
            reply.body = multipart::write(self.protocol, &signature, &data, dialect);
            reply.seal = false;
        } else if reply.content_type == Some(SOAP) {
            reply.content_type = Some(match dialect.content_type {
                ContentType::Tight => SOAP,
                ContentType::Spaced => "application/soap+xml; charset=utf-8",
                ContentType::Quoted => "application/soap+xml;charset=\"UTF-8\"",
            });
        }
    }

    /// Answers a request.
    pub(super) async fn answer(&mut self, place: &Place<'_>, head: &Head, body: &[u8]) -> Outcome {
        let path = head
            .path
            .split('?')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let path = path.trim_end_matches('/');
        if path != "/wsman" && path != "/wsman-anon/identify" {
            return Outcome::Reply(Reply::status(404));
        }
        if head.method != "POST" {
            return Outcome::Reply(Reply::status(405));
        }
        if path == "/wsman-anon/identify" {
            return Outcome::Reply(anonymous(place.host, head, body));
        }
        let mut token = None;
        // The last token of an exchange came with this request.
        let mut arrived = false;
        let user = match head
            .header("authorization")
            .map(|value| value.split_once(' ').unwrap_or((value, "")))
        {
            Some((scheme, encoded)) if let Some(scheme) = Scheme::of(scheme, place) => {
                match self.negotiate(place, scheme, encoded) {
                    Ok((user, last)) => {
                        token = last;
                        arrived = true;
                        user
                    }
                    Err(reply) => return Outcome::Reply(*reply),
                }
            }
            Some((scheme, encoded))
                if scheme.eq_ignore_ascii_case("basic") && self.offers_basic(place.host) =>
            {
                match auth::basic(&place.fleet.accounts, place.host, encoded) {
                    Some(user) => user,
                    None => return Outcome::Reply(self.challenge(place)),
                }
            }
            Some((profile, "")) if self.secure && profile.eq_ignore_ascii_case(MUTUAL) => {
                match self.certificate(place) {
                    Ok(user) => user,
                    Err(outcome) => return *outcome,
                }
            }
            Some(_) => return Outcome::Reply(self.challenge(place)),
            None => match self.user.clone() {
                Some(user) => user,
                // Another connection's session cannot open this body (reference 12, row 5).
                None if is_sealed(head)
                    && place.host.dialect().logon.sealed_elsewhere
                        == SealedElsewhere::BadRequest =>
                {
                    return Outcome::Reply(Reply::status(400));
                }
                None => return Outcome::Reply(self.challenge(place)),
            },
        };
        let mut outcome = match self.beside_token(place, head, body, arrived) {
            Some(reply) => Outcome::Reply(reply),
            None => self.operation(place, head, body, &user).await,
        };
        if let (Outcome::Reply(reply), Some(token)) = (&mut outcome, token) {
            reply.authenticate = vec![line(self.scheme, &token)];
        }
        outcome
    }

    /// The user of the certificate that was shown in the handshake.
    fn certificate(&self, place: &Place<'_>) -> Result<User, Box<Outcome>> {
        let refuse = |outcome| Err(Box::new(outcome));
        let status = |status| refuse(Outcome::Reply(Reply::status(status)));
        match place.host.options.tls.client_certificate {
            ClientCertificates::Handshake => match &self.shown {
                Some(shown) => match auth::certificate(&place.fleet.accounts, place.host, shown) {
                    Some(user) => Ok(user),
                    None => status(403),
                },
                None => refuse(Outcome::Reply(self.challenge(place))),
            },
            ClientCertificates::Never | ClientCertificates::Later401 => {
                refuse(Outcome::Reply(self.challenge(place)))
            }
            ClientCertificates::Later403 => status(403),
            ClientCertificates::LaterReset => refuse(Outcome::Reset),
            ClientCertificates::LaterSilence => refuse(Outcome::Silence),
        }
    }

    fn challenge(&self, place: &Place<'_>) -> Reply {
        Reply {
            authenticate: self.schemes(place),
            close: place.host.dialect().logon.bare_challenge == BareChallenge::Closed,
            ..Reply::status(401)
        }
    }

    /// What hosts that do not carry out the body beside the last token say to it.
    fn beside_token(
        &mut self,
        place: &Place<'_>,
        head: &Head,
        body: &[u8],
        arrived: bool,
    ) -> Option<Reply> {
        if !arrived || body.is_empty() {
            return None;
        }
        match place.host.dialect().logon.last_token_body {
            LastTokenBody::Ignored => Some(Reply::status(200)),
            LastTokenBody::Refused if is_sealed(head) => {
                self.forget();
                Some(Reply::status(400))
            }
            LastTokenBody::Refused | LastTokenBody::Served => None,
        }
    }

    /// Takes a token; gives the user once the exchange is complete.
    fn negotiate(
        &mut self,
        place: &Place<'_>,
        scheme: Scheme,
        encoded: &str,
    ) -> Result<(User, Option<Vec<u8>>), Box<Reply>> {
        self.user = None;
        self.seal = None;
        self.scheme = scheme;
        let token = STANDARD.decode(encoded.trim()).unwrap_or_default();
        let door = Door {
            accounts: &place.fleet.accounts,
            desk: place.fleet.desk_of(place.host),
            host: place.host,
            channel: self.channel,
        };
        let step = match scheme {
            Scheme::Negotiate => self.exchange.step(&token, &door),
            Scheme::Kerberos => auth::kerberos_step(&token, &door),
        };
        match step {
            Step::Continue(token) | Step::Refused(Some(token)) => Err(Box::new(Reply {
                authenticate: vec![line(scheme, &token)],
                ..Reply::status(401)
            })),
            Step::Accepted { user, seal, token } => {
                self.user = Some(user.clone());
                self.seal = seal;
                Ok((user, token))
            }
            Step::Refused(None) => Err(Box::new(self.challenge(place))),
        }
    }

    /// An authenticated request.
    async fn operation(
        &mut self,
        place: &Place<'_>,
        head: &Head,
        body: &[u8],
        user: &User,
    ) -> Outcome {
        if body.is_empty() {
            return Outcome::Reply(Reply::status(200));
        }
        let protocol = head.header("content-type").and_then(Protocol::of);
        let sealed = protocol.is_some();
        let text = if let Some(protocol) = protocol {
            match self.open(protocol, body) {
                Some(text) => text,
                None => {
                    self.forget();
                    return Outcome::Reply(Reply::status(400));
                }
            }
        } else {
            if !self.secure && !place.host.options.allow_unencrypted {
                return Outcome::Reply(match place.host.dialect().logon.body_in_clear {
                    BodyInClear::InternalError => Reply::status(500),
                    BodyInClear::Unauthorized => self.challenge(place),
                });
            }
            match plain_charset(head).and_then(|utf16| decode(body, utf16)) {
                Some(text) => text,
                None => return Outcome::Reply(Reply::status(415)),
            }
        };
        if text.len() > place.host.max_envelope() {
            return Outcome::Reply(Reply::status(413));
        }
        let call = wsman::Call {
            host: place.host,
            user,
            peer: place.peer,
            chunked: head.chunked(),
        };
        let answer = match wsman::handle(&call, &text).await {
            wsman::Outcome::Answer(answer) => answer,
            wsman::Outcome::Reset => return Outcome::Reset,
        };
        let reply = Reply {
            status: answer.status,
            chunked: answer.robust,
            content_type: Some(SOAP),
            body: answer.xml.into_bytes(),
            seal: sealed,
            ..Reply::default()
        };
        Outcome::Reply(reply)
    }

    fn open(&mut self, protocol: Protocol, body: &[u8]) -> Option<String> {
        if !self.scheme.takes(protocol) {
            return None;
        }
        self.protocol = protocol;
        let sealed = multipart::read(protocol, body)?;
        let clear = self.seal.as_mut()?.open(sealed.signature, sealed.data)?;
        if clear.len() == sealed.length {
            decode(&clear, sealed.utf16)
        } else {
            None
        }
    }
}

/// A `WWW-Authenticate` line with a token.
fn line(scheme: Scheme, token: &[u8]) -> String {
    format!("{} {}", scheme.name(), STANDARD.encode(token))
}

fn is_sealed(head: &Head) -> bool {
    head.header("content-type").and_then(Protocol::of).is_some()
}

/// Whether a plain body is UTF-16; `None` where it is not SOAP.
fn plain_charset(head: &Head) -> Option<bool> {
    let kind = head
        .header("content-type")?
        .to_ascii_lowercase()
        .replace([' ', '"'], "");
    let mut parts = kind.split(';');
    if parts.next() != Some("application/soap+xml") {
        return None;
    }
    match parts.find_map(|part| part.strip_prefix("charset=")) {
        None | Some("utf-8") => Some(false),
        Some("utf-16") => Some(true),
        Some(_) => None,
    }
}

fn decode(bytes: &[u8], utf16: bool) -> Option<String> {
    if !utf16 {
        return Some(
            std::str::from_utf8(bytes)
                .ok()?
                .trim_start_matches('\u{feff}')
                .to_string(),
        );
    }
    let big = bytes.starts_with(&[0xfe, 0xff]);
    let unit = |pair: &[u8]| {
        if big {
            u16::from_be_bytes([pair[0], pair[1]])
        } else {
            u16::from_le_bytes([pair[0], pair[1]])
        }
    };
    let units: Vec<u16> = bytes.chunks_exact(2).map(unit).collect();
    Some(
        String::from_utf16(&units)
            .ok()?
            .trim_start_matches('\u{feff}')
            .to_string(),
    )
}

/// Identify without logon; anything else there is refused.
fn anonymous(host: &Arc<Host>, head: &Head, body: &[u8]) -> Reply {
    if !head
        .header("wsmanidentify")
        .is_some_and(|value| value.eq_ignore_ascii_case("unauthenticated"))
    {
        return Reply::status(401);
    }
    match decode(body, false).and_then(|text| wsman::identify_anonymous(host, &text)) {
        Some(xml) => Reply {
            content_type: Some(SOAP),
            body: xml.into_bytes(),
            ..Reply::status(200)
        },
        None => Reply::status(400),
    }
}
