//! Every reply is bounded in size, depth, time and number, and has to be the answer to what was asked.

use std::time::{Duration, Instant};

use wsman::{Error, ErrorKind, Sent};

use crate::server::{Act, Server, connect, output};

async fn failed(act: impl Fn() -> Act + Send + Sync + 'static) -> Error {
    let server = Server::start(move |_, _| act()).await;
    let mut endpoint = server.endpoint();
    endpoint.deadlines.request = Duration::from_millis(400);
    let mut client = connect(endpoint).await.unwrap();
    client.enum_keys("K").await.unwrap_err()
}

#[tokio::test]
async fn an_answer_that_trickles_is_cut_off_at_the_deadline() {
    let start = Instant::now();
    let error = failed(|| Act::Trickle).await;
    assert!(matches!(error.kind, ErrorKind::Timeout), "{error:?}");
    assert_eq!(error.sent, Sent::Unknown);
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_success_that_relates_to_nothing_is_refused() {
    let without = format!(
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Header/><s:Body>{}</s:Body></s:Envelope>",
        output("EnumKey", "")
    );
    let error = failed(move || Act::Envelope(without.clone())).await;
    assert!(
        matches!(&error.kind, ErrorKind::Protocol(text) if text.contains("RelatesTo")),
        "{error:?}"
    );
}

#[tokio::test]
async fn header_blocks_are_bounded_in_number_and_size() {
    let many: String = (0..5000).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "y".repeat(1 << 20));
    for lines in [many, long] {
        let error = failed(move || Act::Headers(lines.clone())).await;
        assert_eq!(error.sent, Sent::Unknown, "{error:?}");
        let refused = matches!(
            error.kind,
            ErrorKind::TooLarge(_) | ErrorKind::Protocol(_) | ErrorKind::ConnectionLost(_)
        );
        assert!(refused, "{error:?}");
    }
}

#[tokio::test]
async fn an_enumeration_without_an_end_is_given_up_and_released() {
    const N: &str = "xmlns:n='http://schemas.xmlsoap.org/ws/2004/09/enumeration'";
    let page = |kind: &str, items: usize| {
        let items = "<a/>".repeat(items);
        Act::Body(format!(
            "<n:{kind}Response {N}><n:EnumerationContext>uuid:1</n:EnumerationContext><n:Items>{items}</n:Items></n:{kind}Response>"
        ))
    };
    // One that gives next to nothing each time, one that gives too many, one that gives too much.
    for (items, bound, bytes) in [
        (0, "pulls", 1 << 20),
        (50, "items", 1 << 20),
        (1, "bytes", 3000),
    ] {
        let server = Server::start(move |_, seen| {
            if seen.action.ends_with("/Enumerate") {
                page("Enumerate", items)
            } else if seen.action.ends_with("/Pull") {
                page("Pull", items)
            } else {
                Act::Body(String::new())
            }
        })
        .await;
        let mut endpoint = server.endpoint();
        (endpoint.limits.pulls, endpoint.limits.items) = (20, 200);
        endpoint.limits.enumeration = bytes;
        let mut client = connect(endpoint).await.unwrap();
        let query = "SELECT * FROM Win32_OperatingSystem";
        let error = client.wql("root/cimv2", query).await.unwrap_err();
        assert!(
            matches!(&error.kind, ErrorKind::TooLarge(text) if text.contains(bound)),
            "{error:?}"
        );
        let actions = server.actions();
        assert!(actions.len() <= 23, "{} requests", actions.len());
        assert_eq!(actions.last().map(String::as_str), Some("Release"));
    }
}

/// Thousands of questions would leave within the caller's deadline, and none of them would wait.
#[tokio::test]
async fn operation_timeouts_that_come_at_once_are_few() {
    const N: &str = "xmlns:n='http://schemas.xmlsoap.org/ws/2004/09/enumeration'";
    for early in [Some(2_150_858_793), None] {
        let server = Server::start(move |_, seen| {
            let nothing = |kind: &str| {
                Act::Body(format!(
                    "<n:{kind}Response {N}><n:EnumerationContext>uuid:1</n:EnumerationContext></n:{kind}Response>"
                ))
            };
            match (seen.action.rsplit('/').next().unwrap(), early) {
                ("Enumerate", _) => nothing("Enumerate"),
                ("Pull", Some(fault)) => Act::Fault(fault),
                ("Pull", None) => nothing("Pull"),
                _ => Act::Body(String::new()),
            }
        })
        .await;
        let mut client = server.client().await;
        let error = client
            .wql("root/cimv2", "SELECT * FROM X")
            .await
            .unwrap_err();
        assert!(error.to_string().contains("at once"), "{error:?}");
        let actions = server.actions();
        assert!(actions.len() < 110, "{} requests", actions.len());
        assert_eq!(actions.last().map(String::as_str), Some("Release"));
    }
}
