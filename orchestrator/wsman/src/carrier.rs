//! HTTP: one reqwest client, one connection, one request in flight. Knows no SOAP and no authentication.
//!
//! Settings as measured in auth-crates.md 4.3. Every reply is bounded in size and time and read to its end, because
//! an unread rest would cost the connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper_util::client::legacy::connect::HttpInfo;
use reqwest::header::{
    AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, SERVER, VIA,
    WWW_AUTHENTICATE,
};
use reqwest::{Client, Response, redirect, retry};

use crate::client::Cost;
use crate::credentials::ClientCertificate;
use crate::endpoint::Endpoint;
use crate::error::{ErrorKind, Sent};
use crate::gate::Gate;
use crate::loss::{self, Loss};
use crate::resolve::Fixed;
use crate::spoken::Spoken;
use crate::target::Target;
use crate::tls::{Shown, TlsConfigs, TlsError};
use crate::trace::{HttpExchange, Seen, Tracer};

/// Header bytes of one reply.
const MAX_HEADER_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;

/// What a session has cost, over all its connections.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU32,
    sent: AtomicU64,
    received: AtomicU64,
    connections: AtomicU32,
}

impl Counters {
    pub(crate) fn cost(&self) -> Cost {
        Cost {
            requests: self.requests.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed),
        }
    }
}

/// A complete HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) authenticate: Vec<String>,
    pub(crate) content_type: String,
    /// What answers calls itself; empty where it does not.
    pub(crate) server: String,
    /// The proxies that the answer came through.
    pub(crate) via: Option<String>,
    pub(crate) body: Vec<u8>,
    /// Leaf certificate (DER).
    pub(crate) certificate: Option<Vec<u8>>,
    /// The host closes the connection behind it.
    pub(crate) closes: bool,
}

impl Answer {
    pub(crate) fn is_html(&self) -> bool {
        self.content_type.to_ascii_lowercase().contains("html")
    }

    /// The body is XML in clear, by its type or, where there is none, by its looks: a page is none.
    pub(crate) fn is_xml(&self) -> bool {
        if self.content_type.is_empty() {
            let body = self.body.strip_prefix(b"\xEF\xBB\xBF");
            let body = body.unwrap_or(&self.body).trim_ascii_start();
            let begins = |with: &[u8]| {
                body.get(..with.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(with))
            };
            return begins(b"<") && !begins(b"<!doctype") && !begins(b"<html");
        }
        !self.is_html() && self.content_type.to_ascii_lowercase().contains("xml")
    }

    /// The body is of the kind that operations are answered with.
    pub(crate) fn speaks(&self, sealed: bool) -> bool {
        !self.body.is_empty()
            && match sealed {
                true => wsman_proto::seal::is_sealed(&self.content_type),
                false => self.is_xml(),
            }
    }
}

/// What goes out besides the body.
#[derive(Default)]
pub(crate) struct Headers<'a> {
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) identify: bool,
}

pub(crate) struct Carrier {
    client: Client,
    gate: Gate,
    /// The host asked for a client certificate in the handshake.
    asked: Arc<AtomicBool>,
    target: Target,
    counters: Arc<Counters>,
    reply_limit: usize,
    deadline: Duration,
    tracer: Tracer,
    spoken: Spoken,
    local: Option<SocketAddr>,
    used: Instant,
    /// How to find out whether it was TCP or TLS that gave no answer; nothing without TLS.
    dial: Option<Dial>,
}

/// A connect without TLS. The client has one deadline for both, and does not tell how far it came.
#[derive(Debug)]
struct Dial {
    address: String,
    port: u16,
    deadline: Duration,
}

impl Dial {
    async fn is_open(&self) -> bool {
        let bare = self.address.trim_start_matches('[').trim_end_matches(']');
        let connect = tokio::net::TcpStream::connect((bare, self.port));
        matches!(
            tokio::time::timeout(self.deadline, connect).await,
            Ok(Ok(_))
        )
    }
}

/// A port that answers at all has done so by then.
const DIAL: Duration = Duration::from_secs(3);

impl Carrier {
    /// Prepares a connection; nothing is dialled before the first request.
    pub(crate) fn new(
        endpoint: &Endpoint,
        target: &Target,
        tls: &TlsConfigs,
        shown: Option<&ClientCertificate>,
        counters: &Arc<Counters>,
        spoken: &Spoken,
    ) -> Result<Self, ErrorKind> {
        let gate = Gate::default();
        let mut builder = Client::builder()
            .http1_only()
            // The controller's proxy variables must never divert WinRM traffic.
            .no_proxy()
            .redirect(redirect::Policy::none())
            // A resent request would be sealed with a sequence number already used.
            .retry(retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(endpoint.deadlines.connect)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(None)
            .http1_max_headers(MAX_HEADERS)
            .dns_resolver(Fixed(endpoint.address.clone()))
            .connector_layer(gate.clone());
        // With plain HTTP the configuration is never used, but reqwest wants one to be built without a provider.
        let policy = endpoint.tls.clone().unwrap_or(crate::endpoint::TlsPolicy {
            verify: false,
            ..Default::default()
        });
        let config = tls
            .config(&policy)
            .map_err(|detail| ErrorKind::Tls(TlsError::file(detail)))?;
        let mut config = rustls::ClientConfig::clone(&config);
        let asked = match shown {
            Some(files) => {
                let identity = tls.identity(files).map_err(ErrorKind::UnfitCredential)?;
                let shown = Shown::new(identity);
                let asked = shown.asked();
                config.client_auth_cert_resolver = Arc::new(shown);
                asked
            }
            None => Arc::default(),
        };
        builder = builder.tls_backend_preconfigured(config).tls_info(true);
        let client = builder
            .build()
            .map_err(|error| ErrorKind::Protocol(loss::text(&error)))?;
        Ok(Self {
            client,
            gate,
            asked,
            target: target.clone(),
            counters: Arc::clone(counters),
            reply_limit: endpoint.limits.reply,
            deadline: endpoint.deadlines.request,
            tracer: Tracer::new(endpoint, spoken),
            spoken: spoken.clone(),
            local: None,
            used: Instant::now(),
            dial: endpoint.tls.is_some().then(|| Dial {
                address: endpoint.address.clone(),
                port: endpoint.port,
                deadline: endpoint.deadlines.connect.min(DIAL),
            }),
        })
    }

    /// TCP, and TLS where there is some, are up or were.
    pub(crate) fn is_connected(&self) -> bool {
        self.gate.is_connected()
    }

    /// The host asked for a client certificate in the handshake.
    pub(crate) fn was_asked_for_certificate(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Time since the last answer.
    pub(crate) fn idle(&self) -> Duration {
        self.used.elapsed()
    }

    /// Sends one POST and reads the whole answer. After an error the connection must not be used again. Not cancel
    /// safe: a dropped future leaves a connection that must not be used again either.
    pub(crate) async fn post(
        &mut self,
        headers: Headers<'_>,
        body: Vec<u8>,
    ) -> Result<Answer, Loss> {
        let traced = self
            .tracer
            .is_on()
            .then(|| HttpExchange::sending(&headers, body.len()));
        let mut request = self.client.post(self.target.url.clone());
        if let Some(host) = &self.target.host {
            request = request.header(HOST, host.clone());
        }
        if let Some(authorization) = headers.authorization {
            self.spoken.sending(&authorization);
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(content_type) = headers.content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        if headers.identify {
            request = request.header(HeaderName::from_static("wsmanidentify"), "unauthenticated");
        }
        let size = u64::try_from(body.len()).unwrap_or(u64::MAX);
        if body.is_empty() {
            // Without a body nobody would write the length that HTTP.sys insists on.
            request = request.header(reqwest::header::CONTENT_LENGTH, "0");
        }
        let was_connected = self.gate.is_connected();
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        self.counters.sent.fetch_add(size, Ordering::Relaxed);
        let deadline = self.deadline;
        let answered = tokio::time::timeout(deadline, self.exchange(request.body(body))).await;
        if !was_connected && self.gate.is_connected() {
            self.counters.connections.fetch_add(1, Ordering::Relaxed);
        }
        self.used = Instant::now();
        let mut answered = answered.unwrap_or_else(|_| {
            Err(if self.gate.is_connected() {
                Loss::new(ErrorKind::Timeout, Sent::Unknown)
            } else {
                Loss::new(ErrorKind::ConnectTimeout, Sent::Nothing)
            })
        });
        if let Err(loss) = &mut answered
            && let ErrorKind::NotHttp(said) = &loss.kind
            && self.local.is_some()
        {
            // It did speak HTTP before.
            loss.kind = loss::broken_http(said);
        }
        if let (Err(loss), Some(dial)) = (&mut answered, &self.dial)
            && matches!(loss.kind, ErrorKind::ConnectTimeout)
            && dial.is_open().await
        {
            loss.kind = loss::no_tls("no answer to the handshake within the deadline");
        }
        if let (Some(traced), Ok(answer)) = (traced, &answered) {
            self.tracer
                .saw(&Seen::Http(&traced.answered(answer, &self.spoken)));
        }
        answered
    }

    async fn exchange(&mut self, request: reqwest::RequestBuilder) -> Result<Answer, Loss> {
        let mut response = request
            .send()
            .await
            .map_err(|error| loss::classify(error, &self.gate))?;
        self.check_connection(&response)?;
        let status = response.status().as_u16();
        let headers = response.headers();
        let size: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        if size > MAX_HEADER_BYTES {
            return Err(too_large("headers", MAX_HEADER_BYTES));
        }
        let authenticate = texts(headers, &WWW_AUTHENTICATE);
        let first = |name| texts(headers, name).into_iter().next();
        let content_type = first(&CONTENT_TYPE).unwrap_or_default();
        let server = first(&SERVER).unwrap_or_default();
        let via = first(&VIA);
        let closes = texts(headers, &CONNECTION)
            .iter()
            .flat_map(|text| text.split(','))
            .any(|option| option.trim().eq_ignore_ascii_case("close"));
        let certificate = response
            .extensions()
            .get::<reqwest::tls::TlsInfo>()
            .and_then(|info| info.peer_certificate())
            .map(<[u8]>::to_vec);
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| loss::classify(error, &self.gate))?
        {
            if body.len() + chunk.len() > self.reply_limit {
                return Err(too_large("body", self.reply_limit));
            }
            body.extend_from_slice(&chunk);
        }
        self.counters.received.fetch_add(
            u64::try_from(body.len()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        Ok(Answer {
            status,
            authenticate,
            content_type,
            server,
            via,
            body,
            certificate,
            closes,
        })
    }

    /// The gate already forbids a second connection; this proves it after each answer.
    fn check_connection(&mut self, response: &Response) -> Result<(), Loss> {
        let Some(info) = response.extensions().get::<HttpInfo>() else {
            return Ok(());
        };
        match self.local.replace(info.local_addr()) {
            Some(before) if before != info.local_addr() => Err(Loss::new(
                ErrorKind::ConnectionLost("it was replaced by another".to_owned()),
                Sent::Unknown,
            )),
            _ => Ok(()),
        }
    }
}

fn texts(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

fn too_large(what: &str, limit: usize) -> Loss {
    Loss::new(
        ErrorKind::TooLarge(format!(
            "the reply's {what} is over the bound of {limit} bytes"
        )),
        Sent::Unknown,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_type_is_known_by_its_looks() {
        let is_xml = |content_type: &str, body: &str| {
            let answer = Answer {
                status: 400,
                authenticate: Vec::new(),
                content_type: content_type.to_owned(),
                server: String::new(),
                via: None,
                body: body.as_bytes().to_vec(),
                certificate: None,
                closes: false,
            };
            answer.is_xml()
        };
        for (content_type, body, wanted) in [
            ("", "\u{feff}<s:Envelope/>", true),
            ("", "\r\n<?xml version='1.0'?><s:Envelope/>", true),
            ("", "<!DOCTYPE HTML PUBLIC ''><HTML/>", false),
            ("", "<html><body>Bad Request</body></html>", false),
            ("", "Bad Request", false),
            ("", "", false),
            ("application/soap+xml;charset=UTF-8", "<s:Envelope/>", true),
            ("text/html", "<s:Envelope/>", false),
        ] {
            assert_eq!(is_xml(content_type, body), wanted, "{content_type} {body}");
        }
    }
}
