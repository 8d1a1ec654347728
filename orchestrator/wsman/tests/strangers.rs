//! What else may have the port, or stand in between: each is told apart from a host that is away, and from a wrong
//! password.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wsman::{
    BoxFuture, Endpoint, Error, ErrorKind, LogonDenied, LogonGuard, LogonPermit, Sent, TlsPolicy,
    TlsProblem,
};

use crate::server::{connect, connect_with, refusing};

/// What a stranger does with each connection.
#[derive(Clone)]
enum Manner {
    /// Says this before it is asked.
    First(&'static [u8]),
    /// Reads a piece, then says this, again and again where `true`.
    Answer(Vec<u8>, bool),
    /// Reads, and says nothing.
    Silent,
    /// Reads a piece, then closes.
    Close,
    /// Closes with data unread, which resets the connection.
    Reset,
}

async fn stranger(manner: Manner) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream, manner.clone()));
        }
    });
    let mut endpoint = Endpoint::http("pc-1.corp.example", port);
    endpoint.address = "127.0.0.1".to_owned();
    endpoint.auth = wsman::AuthMethod::Ntlm;
    endpoint.deadlines.connect = Duration::from_millis(500);
    endpoint.deadlines.request = Duration::from_secs(20);
    endpoint
}

async fn behave(mut stream: TcpStream, manner: Manner) {
    let mut piece = vec![0; 65_536];
    match manner {
        Manner::First(words) => {
            let _ = stream.write_all(words).await;
            while matches!(stream.read(&mut piece).await, Ok(1..)) {}
        }
        Manner::Answer(words, endless) => {
            let _ = stream.read(&mut piece).await;
            while stream.write_all(&words).await.is_ok() && endless {}
            while matches!(stream.read(&mut piece).await, Ok(1..)) {}
        }
        Manner::Silent => while matches!(stream.read(&mut piece).await, Ok(1..)) {},
        Manner::Close => drop(stream.read(&mut piece).await),
        Manner::Reset => {
            let _ = stream.readable().await;
            let _ = stream.read(&mut piece[..1]).await;
        }
    }
}

async fn failed(endpoint: Endpoint) -> Error {
    connect(endpoint).await.unwrap_err()
}

#[tokio::test]
async fn banners_of_other_services_are_no_lost_connection() {
    for words in [
        &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
        b"220 mail.corp.example ESMTP\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
    ] {
        for manner in [Manner::First(words), Manner::Answer(words.to_vec(), false)] {
            let error = failed(stranger(manner).await).await;
            assert!(matches!(error.kind, ErrorKind::NotHttp(_)), "{error:?}");
        }
    }
}

#[tokio::test]
async fn what_has_no_end_is_over_a_bound_and_no_lost_connection() {
    let chunked = |more: &str| {
        format!("HTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\n{more}").into_bytes()
    };
    for (start, more) in [
        (b"HTTP/1.1 401 X\r\n".to_vec(), "X-More: yes\r\n"),
        (b"HTTP/1.1 401 X\r\nX-Long: ".to_vec(), "xxxxxxxxxxxxxxxx"),
        (chunked("1;"), "extension=xxxxxxx"),
        (chunked("0\r\n"), "X-Trailer: yes\r\n"),
    ] {
        let words = [start, more.repeat(100_000).into_bytes()].concat();
        let error = failed(stranger(Manner::Answer(words, false)).await).await;
        assert!(
            matches!(error.kind, ErrorKind::TooLarge(_)),
            "{more}: {error:?}"
        );
    }
}

#[tokio::test]
async fn broken_chunks_break_the_protocol() {
    let words = b"HTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n";
    let error = failed(stranger(Manner::Answer(words.to_vec(), false)).await).await;
    assert!(matches!(error.kind, ErrorKind::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_is_cut_is_lost() {
    for manner in [Manner::Close, Manner::Reset] {
        let error = failed(stranger(manner).await).await;
        assert!(
            matches!(error.kind, ErrorKind::ConnectionLost(_)),
            "{error:?}"
        );
    }
}

/// HTTP.sys cuts connections to a TLS port that has no certificate; others say nothing.
#[tokio::test]
async fn a_port_that_is_open_without_tls_is_a_matter_of_tls() {
    for manner in [Manner::Silent, Manner::Close, Manner::Reset] {
        let mut endpoint = stranger(manner).await;
        endpoint.tls = Some(TlsPolicy {
            verify: false,
            ..TlsPolicy::default()
        });
        let error = failed(endpoint).await;
        assert!(
            matches!(&error.kind, ErrorKind::Tls(tls) if tls.problem == TlsProblem::NoAnswer),
            "{error:?}"
        );
        assert_eq!(error.sent, Sent::Nothing);
    }
}

/// Gateways as they are delivered have pages of HTML, and say nothing of `Via`.
#[tokio::test]
async fn a_gateway_that_is_busy_or_has_lost_the_host_is_no_web_server() {
    for status in [425, 429, 502, 503, 504, 404, 200] {
        let words = format!(
            "HTTP/1.1 {status} X\r\nServer: nginx/1.24\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"
        );
        let error = failed(stranger(Manner::Answer(words.into_bytes(), false)).await).await;
        let right = match (&error.kind, status) {
            (ErrorKind::Http(found), 425 | 429 | 503) => *found == status,
            (ErrorKind::Proxy { status: found, by }, 502 | 504) => {
                *found == status && by == "nginx/1.24"
            }
            (ErrorKind::Foreign { .. }, 404 | 200) => true,
            _ => false,
        };
        assert!(right, "{status}: {error:?}");
    }
}

/// Has a connection of its own to the host for each request, and says that it is there.
async fn unkept(upstream: u16, via: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut piece = vec![0; 65_536];
                // The requests of a logon have no body, and fit into one piece.
                while let Ok(count @ 1..) = stream.read(&mut piece).await {
                    let mut host = TcpStream::connect(("127.0.0.1", upstream)).await.unwrap();
                    host.write_all(&piece[..count]).await.unwrap();
                    let count = host.read(&mut piece).await.unwrap();
                    let answer = String::from_utf8_lossy(&piece[..count]);
                    let (status, rest) = answer.split_once("\r\n").unwrap();
                    let answer = format!("{status}\r\n{via}{rest}");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn what_keeps_no_connection_at_all_is_named_and_gets_no_proof() {
    let (mut endpoint, asked) = refusing().await;
    endpoint.auth = wsman::AuthMethod::Ntlm;
    endpoint.port = unkept(endpoint.port, "Via: 1.1 balancer\r\nConnection: close\r\n").await;
    let error = failed(endpoint).await;
    assert!(
        matches!(&error.kind, ErrorKind::NotKept(by) if by == "1.1 balancer"),
        "{error:?}"
    );
    assert_eq!(error.sent, Sent::Nothing);
    assert_eq!(asked.lock().unwrap().1, 0, "a logon left");
}

/// Counts what it is told.
#[derive(Default)]
struct Told {
    refused: AtomicU32,
    doubtful: AtomicU32,
}

struct Watch(Arc<Told>);

struct Permit(Arc<Told>);

impl LogonPermit for Permit {
    fn accepted(self: Box<Self>) {
        panic!("no logon of this test is accepted");
    }
    fn refused(self: Box<Self>) {
        self.0.refused.fetch_add(1, Ordering::SeqCst);
    }
    fn doubtful(self: Box<Self>) {
        self.0.doubtful.fetch_add(1, Ordering::SeqCst);
    }
    fn unsent(self: Box<Self>) {
        panic!("each logon of this test leaves");
    }
}

impl LogonGuard for Watch {
    fn admit<'a>(
        &'a self,
        _account: &'a str,
        _host: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn LogonPermit>, LogonDenied>> {
        Box::pin(async { Ok(Box::new(Permit(Arc::clone(&self.0))) as Box<dyn LogonPermit>) })
    }
}

#[tokio::test]
async fn a_401_by_way_of_a_proxy_is_no_wrong_password_and_is_sent_once() {
    for (via, expected) in [("Via: 1.1 gate (squid)\r\n", (0, 1)), ("", (1, 0))] {
        let (mut endpoint, asked) = refusing().await;
        endpoint.auth = wsman::AuthMethod::Ntlm;
        endpoint.port = unkept(endpoint.port, via).await;
        let told = Arc::new(Told::default());
        let guard = Arc::new(Watch(Arc::clone(&told)));
        let mut client = connect_with(endpoint, guard).await.unwrap();
        let error = client.enum_keys("K").await.unwrap_err();
        match &error.kind {
            ErrorKind::Proxy { status: 401, by } => assert!(by.contains("squid"), "{error:?}"),
            ErrorKind::LogonRefused => assert!(via.is_empty()),
            other => panic!("{other:?}"),
        }
        assert!(client.enum_keys("K").await.is_err());
        assert_eq!(asked.lock().unwrap().1, 1, "the same logon went twice");
        let counted = (
            told.refused.load(Ordering::SeqCst),
            told.doubtful.load(Ordering::SeqCst),
        );
        assert_eq!(counted, expected);
    }
}
