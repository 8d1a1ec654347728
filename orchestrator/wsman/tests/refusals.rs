//! What the client refuses, whatever the host says: clear text, foreign replies, replies over the bounds, logons the
//! guard does not let out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use wsman::{
    AuthMethod, BoxFuture, Endpoint, Error, ErrorKind, LogonDenied, LogonGuard, LogonPermit, Sent,
    TlsPolicy,
};

use crate::server::{Act, Server, connect, connect_with, envelope, output, refusing};

async fn read(act: impl Fn() -> Act + Send + Sync + 'static) -> Error {
    let server = Server::start(move |_, _| act()).await;
    let mut endpoint = server.endpoint();
    endpoint.limits.reply = 50_000;
    connect(endpoint)
        .await
        .unwrap()
        .enum_keys("K")
        .await
        .unwrap_err()
}

#[tokio::test]
async fn a_reply_to_another_message_is_refused() {
    let error = read(|| Act::Envelope(envelope("uuid:OTHER", &output("EnumKey", "")))).await;
    assert!(
        matches!(&error.kind, ErrorKind::Protocol(text) if text.contains("RelatesTo")),
        "{error:?}"
    );
    assert_eq!(error.sent, Sent::Unknown);
}

#[tokio::test]
async fn a_reply_in_clear_after_sealing_began_is_refused() {
    for status in [200, 500] {
        let error =
            read(move || Act::Plain(status, envelope("uuid:X", &output("EnumKey", "")))).await;
        assert!(
            matches!(&error.kind, ErrorKind::SealingRefused(_)),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn replies_over_the_bounds_are_refused() {
    let long = read(|| Act::Body(output("EnumKey", &"x".repeat(60_000)))).await;
    assert!(matches!(&long.kind, ErrorKind::TooLarge(_)), "{long:?}");
    let deep = read(|| Act::Body("<a>".repeat(200) + &"</a>".repeat(200))).await;
    assert!(matches!(&deep.kind, ErrorKind::TooLarge(_)), "{deep:?}");
    let bomb = read(|| Act::Envelope("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>".to_owned())).await;
    assert!(matches!(&bomb.kind, ErrorKind::Protocol(_)), "{bomb:?}");
}

#[tokio::test]
async fn basic_is_refused_without_verified_tls() {
    let refused = async |tls: Option<TlsPolicy>| {
        let mut endpoint = Endpoint::http("pc-1.corp.example", 9);
        endpoint.auth = AuthMethod::Basic;
        endpoint.tls = tls;
        let error = connect(endpoint).await.unwrap_err();
        assert!(
            matches!(
                (&error.kind, error.sent),
                (ErrorKind::InsecureTransport(_), Sent::Nothing)
            ),
            "{error:?}"
        );
    };
    refused(None).await;
    refused(Some(TlsPolicy {
        verify: false,
        ..TlsPolicy::default()
    }))
    .await;
}

#[derive(Default)]
struct Counting {
    asked: AtomicU32,
    accepted: Arc<AtomicU32>,
    deny_from: u32,
}

struct Permit(Arc<AtomicU32>);

impl LogonPermit for Permit {
    fn unsent(self: Box<Self>) {}
    fn accepted(self: Box<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn refused(self: Box<Self>) {
        panic!("no logon of this test is refused");
    }
}

impl LogonGuard for Counting {
    fn admit<'a>(
        &'a self,
        account: &'a str,
        host: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn LogonPermit>, LogonDenied>> {
        Box::pin(async move {
            assert_eq!((account, host), ("CORP\\svc", "pc-1.corp.example"));
            if self.asked.fetch_add(1, Ordering::SeqCst) >= self.deny_from {
                return Err(LogonDenied("the budget is used up".to_owned()));
            }
            Ok(Box::new(Permit(Arc::clone(&self.accepted))) as Box<dyn LogonPermit>)
        })
    }
}

#[tokio::test]
async fn each_logon_passes_the_guard_and_none_leaves_without_it() {
    let server = Server::start(|number, _| match number {
        1 => Act::Plain(401, String::new()),
        _ => Act::Body(output("EnumKey", "")),
    })
    .await;
    let guard = Arc::new(Counting {
        deny_from: 1,
        ..Counting::default()
    });
    let mut client = connect_with(server.endpoint(), guard.clone())
        .await
        .unwrap();
    assert_eq!(
        guard.asked.load(Ordering::SeqCst),
        0,
        "connecting sends nothing derived from the password"
    );
    client.enum_keys("K").await.unwrap();
    assert_eq!(guard.accepted.load(Ordering::SeqCst), 1);
    // The second operation is answered 401: logging on again needs another permission.
    let error = client.enum_keys("K").await.unwrap_err();
    assert!(
        matches!(
            (&error.kind, error.sent),
            (ErrorKind::LogonDenied(_), Sent::Nothing)
        ),
        "{error:?}"
    );
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_host_without_the_class_in_one_namespace_is_asked_in_the_other() {
    let server = Server::start(|_, seen| {
        if seen.action.contains("root/cimv2") {
            Act::Fault(2_150_858_752)
        } else {
            Act::Body(output("EnumKey", ""))
        }
    })
    .await;
    let mut client = server.client().await;
    client.enum_keys("K").await.unwrap();
    client.enum_keys("K").await.unwrap();
    let default = |seen: &crate::server::Seen| seen.action.contains("root/default");
    assert_eq!(
        server.seen().iter().map(default).collect::<Vec<_>>(),
        [false, true, true]
    );
}

#[tokio::test]
async fn a_refused_account_is_sent_once_whatever_follows() {
    let (endpoint, counts) = refusing().await;
    let mut client = connect(endpoint).await.unwrap();
    for sent in [Sent::NotProcessed, Sent::Nothing, Sent::Nothing] {
        let error = client.enum_keys("K").await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::LogonRefused), "{error:?}");
        assert_eq!(error.sent, sent);
    }
    assert!(client.run("ver", None).await.is_err());
    assert_eq!(*counts.lock().unwrap(), (1, 1));
}
