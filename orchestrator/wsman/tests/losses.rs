//! The three kinds of loss: nothing sent, not processed, unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wsman::{AuthMethod, ErrorKind, RegistryData, Sent};

use crate::fleet::{self, Fleet};
use crate::server::{Act, Server, connect, output};

fn written() -> String {
    output("SetDWORDValue", "")
}

const ONE: RegistryData = RegistryData::Dword(1);

#[tokio::test]
async fn nothing_sent_an_idle_connection_that_was_closed_is_replaced() {
    let server = Server::start(|number, _| match number {
        0 => Act::BodyThenClose(written()),
        _ => Act::Body(written()),
    })
    .await;
    let mut client = server.client().await;
    client.write_value("K", "v", &ONE).await.unwrap();
    // Let the server's and the connection's tasks run until the client has seen the end.
    for _ in 0..5_000 {
        tokio::task::yield_now().await;
    }
    client.write_value("K", "v", &ONE).await.unwrap();
    let connections: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 1]);
    assert_eq!(client.cost().connections, 2);
}

#[tokio::test]
async fn not_processed_a_401_or_400_mid_session_is_sent_once_more_after_a_new_logon() {
    for status in [401, 400] {
        let server = Server::start(move |number, _| match number {
            1 => Act::Plain(status, String::new()),
            _ => Act::Body(written()),
        })
        .await;
        let mut client = server.client().await;
        client.write_value("K", "v", &ONE).await.unwrap();
        client.write_value("K", "v", &ONE).await.unwrap();
        let connections: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
        assert_eq!(connections, [0, 0, 1], "{status}");
        let ids: std::collections::BTreeSet<_> = server
            .seen()
            .iter()
            .map(|seen| seen.soap.split("MessageID").nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(ids.len(), 3, "each message has an id of its own");
    }
}

#[tokio::test]
async fn not_processed_twice_is_an_error() {
    let server = Server::start(|number, _| match number {
        0 => Act::Body(written()),
        _ => Act::Plain(400, String::new()),
    })
    .await;
    let mut client = server.client().await;
    client.write_value("K", "v", &ONE).await.unwrap();
    let error = client.write_value("K", "v", &ONE).await.unwrap_err();
    assert!(
        matches!(
            (&error.kind, error.sent),
            (ErrorKind::Http(400), Sent::NotProcessed)
        ),
        "{error:?}"
    );
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn unknown_a_request_that_was_read_is_never_repeated() {
    let server = Server::start(|number, _| match number {
        1 => Act::Close,
        _ => Act::Body(written()),
    })
    .await;
    let mut client = server.client().await;
    client.write_value("K", "v", &ONE).await.unwrap();
    let error = client.write_value("K", "v", &ONE).await.unwrap_err();
    assert!(
        matches!(
            (&error.kind, error.sent),
            (ErrorKind::ConnectionLost(_), Sent::Unknown)
        ),
        "{error:?}"
    );
    assert_eq!(server.seen().len(), 2);
    // The session goes on with a new connection.
    client.write_value("K", "v", &ONE).await.unwrap();
    assert_eq!(server.seen()[2].connection, 1);
}

#[tokio::test]
async fn unknown_an_answer_that_does_not_come_in_time() {
    let server = Server::start(|_, _| Act::Hang).await;
    let mut endpoint = server.endpoint();
    endpoint.deadlines.request = Duration::from_millis(300);
    let mut client = connect(endpoint).await.unwrap();
    let error = client.write_value("K", "v", &ONE).await.unwrap_err();
    assert!(
        matches!(
            (&error.kind, error.sent),
            (ErrorKind::Timeout, Sent::Unknown)
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_service_that_is_down_has_not_processed_it() {
    let server = Server::start(|number, _| match number {
        0 => Act::Body(written()),
        _ => Act::Plain(503, "<html/>".to_owned()),
    })
    .await;
    let mut client = server.client().await;
    client.write_value("K", "v", &ONE).await.unwrap();
    let error = client.write_value("K", "v", &ONE).await.unwrap_err();
    assert!(
        matches!(
            (&error.kind, error.sent),
            (ErrorKind::Http(503), Sent::NotProcessed)
        ),
        "{error:?}"
    );
}

/// HTTP.sys answers 503 itself; a gateway answers 502 and 504 after it has passed the request on.
#[tokio::test]
async fn unknown_a_gateway_that_lost_the_host_may_have_passed_it_on() {
    for status in [502, 504] {
        let server = Server::start(move |number, _| match number {
            0 => Act::Body(written()),
            _ => Act::Plain(status, String::new()),
        })
        .await;
        let mut client = server.client().await;
        client.write_value("K", "v", &ONE).await.unwrap();
        let error = client.write_value("K", "v", &ONE).await.unwrap_err();
        assert!(
            matches!(&error.kind, ErrorKind::Http(found) if *found == status),
            "{error:?}"
        );
        assert_eq!(error.sent, Sent::Unknown);
    }
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_are_told_apart() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut endpoint = wsman::Endpoint::http("pc-1.corp.example", closed.port());
    endpoint.address = "127.0.0.1".to_owned();
    let error = connect(endpoint.clone()).await.unwrap_err();
    assert!(
        matches!(
            (&error.kind, error.sent),
            (ErrorKind::ConnectRefused, Sent::Nothing)
        ),
        "{error:?}"
    );
    endpoint.address = "no such name.invalid".to_owned();
    let error = connect(endpoint).await.unwrap_err();
    assert!(
        matches!(
            (&error.kind, error.sent),
            (ErrorKind::Dns(_), Sent::Nothing)
        ),
        "{error:?}"
    );
}

/// Windows drops an enumeration that was idle for too long, or with its service.
#[tokio::test]
async fn an_enumeration_that_the_host_has_forgotten_is_begun_again_and_not_for_ever() {
    const BEGUN: &str = "<n:EnumerateResponse xmlns:n='http://schemas.xmlsoap.org/ws/2004/09/enumeration'>\
        <n:EnumerationContext>uuid:1</n:EnumerationContext></n:EnumerateResponse>";
    const ENDED: &str = "<n:PullResponse xmlns:n='http://schemas.xmlsoap.org/ws/2004/09/enumeration'>\
        <n:Items><p:C xmlns:p='x'><p:N>1</p:N></p:C></n:Items><n:EndOfSequence/></n:PullResponse>";
    for code in [2_150_858_759, 2_150_858_779] {
        let server = Server::start(move |number, seen| {
            match (number, seen.action.ends_with("/Enumerate")) {
                (_, true) => Act::Body(BEGUN.to_owned()),
                (1, false) => Act::Fault(code),
                _ => Act::Body(ENDED.to_owned()),
            }
        })
        .await;
        let mut client = server.client().await;
        let items = client.wql("root/cimv2", "SELECT * FROM C").await.unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!(server.actions(), ["Enumerate", "Pull", "Enumerate", "Pull"]);

        let server = Server::start(move |_, seen| match seen.action.ends_with("/Enumerate") {
            true => Act::Body(BEGUN.to_owned()),
            false => Act::Fault(code),
        })
        .await;
        let mut client = server.client().await;
        let error = client
            .wql("root/cimv2", "SELECT * FROM C")
            .await
            .unwrap_err();
        assert_eq!(error.fault().map(|fault| fault.code), Some(code));
        assert_eq!(server.seen().len(), 6);
    }
}

/// Passes everything on, until it is told to close in the middle of the next answer.
async fn cutting(upstream: u16, cut: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let host = TcpStream::connect(("127.0.0.1", upstream)).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_host, mut to_host) = host.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_host).await });
        let mut piece = vec![0; 65_536];
        while let Ok(count @ 1..) = from_host.read(&mut piece).await {
            let cut = cut.load(Ordering::SeqCst);
            let end = if cut { count / 2 } else { count };
            to_client.write_all(&piece[..end]).await.unwrap();
            if cut {
                break;
            }
        }
        to_client.shutdown().await.unwrap();
    });
    port
}

/// So it is over TLS where a host is suddenly gone. The TLS library's words for it are an address of its manual.
#[tokio::test]
async fn unknown_a_host_that_is_gone_in_the_middle_of_an_answer_is_told_in_plain_words() {
    let fleet = Fleet::start(|_| {}).await;
    let mut endpoint = fleet.https(AuthMethod::Ntlm);
    let cut = Arc::new(AtomicBool::new(false));
    endpoint.port = cutting(endpoint.port, Arc::clone(&cut)).await;
    let mut client = fleet::connect(endpoint).await.unwrap();
    client.enum_keys("SOFTWARE").await.unwrap();
    cut.store(true, Ordering::SeqCst);
    let error = client.enum_keys("SOFTWARE").await.unwrap_err();
    assert!(
        matches!(&error.kind, ErrorKind::ConnectionLost(said) if said.ends_with("in the middle of an answer")),
        "{error:?}"
    );
    assert_eq!(error.sent, Sent::Unknown);
    assert!(error.source.is_none(), "nothing to add: {error:?}");
}
