//! One session keeps one connection, whatever hyper's pool would do.

use std::process::Command;

use wsman::RegistryData;

use crate::server::{Act, Server, output};

/// Answers of 9 and 20 KB are the sizes at which a pool without the gate loses the connection (auth-crates.md 4.1).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_large_answers_come_over_one_connection() {
    let text = "x".repeat(20_000);
    let value = format!("<r:sValue>{text}</r:sValue>");
    let server = Server::start(move |_, _| Act::Body(output("GetStringValue", &value))).await;
    let mut client = server.client().await;
    for _ in 0..100 {
        let read = client.read_value("SOFTWARE\\X", "v", 1).await.unwrap();
        assert_eq!(read, Some(RegistryData::Sz(text.clone())));
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 100);
    assert!(seen.iter().all(|operation| operation.connection == 0));
    let cost = client.close().await;
    // One request more than operations: the logon rides on the first one.
    assert_eq!((cost.connections, cost.requests), (1, 101));
}

#[test]
fn proxy_variables_of_the_controller_are_ignored() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "steady::a_hundred_large_answers_come_over_one_connection",
    ]);
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        child.env(name, "http://127.0.0.1:9");
    }
    let child = child
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[tokio::test]
async fn a_write_as_first_operation_does_not_ride_on_the_logon() {
    let server = Server::start(|_, _| Act::Body(output("SetDWORDValue", ""))).await;
    let mut client = server.client().await;
    client
        .write_value("SOFTWARE\\X", "v", &RegistryData::Dword(1))
        .await
        .unwrap();
    assert_eq!(client.cost().requests, 3);
    assert_eq!(server.actions(), ["SetDWORDValue"]);
}
