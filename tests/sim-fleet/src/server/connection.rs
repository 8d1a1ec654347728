//! The life of one connection: TLS, requests, authentication bound to it, replies, and its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::server::TlsStream;

use super::faults::{self, Before};
use super::http::{Head, NoRequest, Reply, Wire};
use super::send;
use super::session::{Outcome, Session};
use crate::dialect::HttpDialect;
use crate::fleet::Fleet;
use crate::host::{Host, Tally};
use crate::knobs::{Hang, RebootSymptom};

/// Room for the multipart frame around the largest envelope.
const FRAME: usize = 4096;

/// A stream whose TCP side can be reached, to reset it.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// How a connection ends.
pub(crate) enum End {
    /// In order.
    Close,
    /// With a reset.
    Reset,
    /// Never, as far as the client can tell.
    Hang,
}

/// Serves one connection until it ends.
pub(crate) async fn serve(
    fleet: Arc<Fleet>,
    stream: TcpStream,
    host: Option<Arc<Host>>,
    secure: bool,
) {
    // Replies are written whole: waiting for more would only add latency. A failure costs latency, nothing else.
    let _ = stream.set_nodelay(true);
    let Ok(peer) = stream.peer_addr() else { return };
    if let Some(host) = &host
        && let Some(end) = unwilling(host)
    {
        return finish(stream, end).await;
    }
    if !secure {
        return Connection {
            fleet,
            host,
            wire: Wire::new(stream),
            peer,
            session: Session::plain(),
            counted: false,
        }
        .run()
        .await;
    }
    let Ok(start) = LazyConfigAcceptor::new(Acceptor::default(), stream).await else {
        return;
    };
    let named = start
        .client_hello()
        .server_name()
        .and_then(|name| fleet.by_name(name).cloned());
    let Some(host) = host
        .or(named)
        .or_else(|| fleet.by_header("localhost").cloned())
    else {
        return;
    };
    if unwilling(&host).is_some() {
        // The handshake is left in the middle; what the knob wants beyond that follows from the first request.
        let Some(end) = unwilling(&host) else { return };
        return hold(&host, end).await;
    }
    let Some(tls) = fleet.authority.of(&host) else {
        return;
    };
    let Ok(stream) = start.into_stream(Arc::clone(&tls.config)).await else {
        return;
    };
    let shown = stream.get_ref().1.peer_certificates();
    let shown = shown.and_then(|chain| Some(Sha256::digest(chain.first()?)));
    let session = Session::secure(tls.binding, shown.map(hex::encode));
    Connection {
        fleet,
        host: Some(host),
        wire: Wire::new(stream),
        peer,
        session,
        counted: false,
    }
    .run()
    .await;
}

/// Hosts that do not even talk.
fn unwilling(host: &Host) -> Option<End> {
    let knobs = host.knobs();
    let down = matches!(
        host.down(),
        Some(RebootSymptom::Refused | RebootSymptom::Reset)
    );
    if knobs.refuse || down {
        Some(End::Reset)
    } else if matches!(knobs.hang, Some(Hang::Connect | Hang::Accept)) {
        Some(End::Hang)
    } else {
        None
    }
}

async fn hold(host: &Host, end: End) {
    if matches!(end, End::Hang) {
        let mut kick = host.kick.subscribe();
        let _ = kick.changed().await;
    }
}

async fn finish<S: Socket>(stream: S, end: End) {
    match end {
        End::Close => {
            let mut stream = stream;
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
        }
        End::Reset => {
            let _ = stream.tcp().set_zero_linger();
        }
        // The task is ended from outside: by the fleet's end or by a break of all connections.
        End::Hang => std::future::pending().await,
    }
}

struct Connection<S> {
    fleet: Arc<Fleet>,
    host: Option<Arc<Host>>,
    wire: Wire<S>,
    peer: SocketAddr,
    session: Session,
    /// Counted as a connection of its host.
    counted: bool,
}

impl<S: Socket> Connection<S> {
    async fn run(mut self) {
        let end = self.requests().await;
        let host = self.host.clone().filter(|_| self.counted);
        match &host {
            Some(host) => {
                host.state().calls.remove(&self.peer);
                let mut kick = host.kick.subscribe();
                tokio::select! {
                    () = finish(self.wire.stream, end) => {}
                    _ = kick.changed() => {}
                }
                host.tally.open_connections.fetch_sub(1, Ordering::Relaxed);
            }
            None => finish(self.wire.stream, end).await,
        }
    }

    async fn requests(&mut self) -> End {
        loop {
            let host = self.host.clone();
            let end = match &host {
                Some(host) => {
                    let mut kick = host.kick.subscribe();
                    let idle = host.options.idle_close.0;
                    tokio::select! {
                        end = self.request(idle) => end,
                        _ = kick.changed() => return End::Reset,
                    }
                }
                None => self.request(std::time::Duration::from_secs(120)).await,
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// One request and its reply; gives how the connection ends, where it does.
    async fn request(&mut self, idle: std::time::Duration) -> Option<End> {
        let head = match tokio::time::timeout(idle, self.wire.head()).await {
            Ok(Ok(head)) => head,
            Ok(Err(NoRequest::Status(status))) => return Some(self.bare(status).await),
            Ok(Err(NoRequest::Closed)) | Err(_) => return Some(End::Close),
        };
        let Some(host) = self.route(&head) else {
            return Some(self.bare(404).await);
        };
        Tally::up(&host.tally.requests);
        if host.tally.open_connections.load(Ordering::Relaxed) > host.max_connections() {
            return Some(self.bare(503).await);
        }
        let latency = match faults::before(&host) {
            Before::Pass(latency) => latency,
            Before::Reset => return Some(End::Reset),
            Before::Hang => return Some(End::Hang),
            Before::Status(status) => return self.http_sys(&head, &host, status).await,
        };
        let limit = host.max_envelope();
        let body = match self.wire.body(&head, limit + FRAME).await {
            Ok(body) => body,
            Err(NoRequest::Status(status)) => return Some(self.bare(status).await),
            Err(NoRequest::Closed) => return Some(End::Close),
        };
        host.tally
            .bytes_received
            .fetch_add(body.len() as u64, Ordering::Relaxed);
        if let Some(latency) = latency {
            tokio::time::sleep(latency).await;
        }
        let place = super::session::Place {
            fleet: &self.fleet,
            host: &host,
            peer: self.peer,
        };
        let reply = match self.session.answer(&place, &head, &body).await {
            Outcome::Reply(reply) => reply,
            Outcome::Reset => return Some(End::Reset),
            Outcome::Silence => return Some(End::Hang),
        };
        let after = faults::after(&self.fleet, &host);
        send::reply(&mut self.wire, &host, &mut self.session, reply, after).await
    }

    /// The host of a request. A connection belongs to the first host it names.
    fn route(&mut self, head: &Head) -> Option<Arc<Host>> {
        let host = match &self.host {
            Some(host) => Arc::clone(host),
            None => Arc::clone(self.fleet.by_header(head.header("host")?)?),
        };
        if !self.counted {
            self.counted = true;
            Tally::up(&host.tally.connections);
            let open = Tally::up(&host.tally.open_connections);
            Tally::most(&host.tally.most_connections, open);
            self.host = Some(Arc::clone(&host));
        }
        Some(host)
    }

    /// A status of HTTP.sys with the body left unread.
    async fn bare(&mut self, status: u16) -> End {
        let reply = Reply {
            close: true,
            ..Reply::status(status)
        };
        let _ = self.wire.send(&reply.encode(HttpDialect::default())).await;
        End::Close
    }

    /// A status instead of the service's answer; the connection stays usable, but is not authenticated any more.
    async fn http_sys(&mut self, head: &Head, host: &Arc<Host>, status: u16) -> Option<End> {
        if let Err(NoRequest::Closed) = self.wire.body(head, host.max_envelope() + FRAME).await {
            return Some(End::Close);
        }
        let mut reply = Reply::status(status);
        if status == 401 {
            self.session.forget();
            let place = super::session::Place {
                fleet: &self.fleet,
                host,
                peer: self.peer,
            };
            reply.authenticate = self.session.schemes(&place);
        }
        self.wire
            .send(&reply.encode(host.dialect().http))
            .await
            .err()
            .map(|_| End::Close)
    }
}
