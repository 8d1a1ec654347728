//! Hosts that mean harm: each costs bounded time and memory, ends in an error that says what it did, and leaves no
//! shell and no enumeration behind.

use std::time::{Duration, Instant};

use wsman::{Error, ErrorKind};

use crate::fleet::{Fleet, connect, faults};

/// What a read of a key ends in, long before the deadline of the request where there is no need to wait for it.
async fn read(knobs: &str, deadline: Duration) -> Result<usize, Error> {
    let fleet = Fleet::start(|_| ()).await;
    fleet.host().set_knobs(faults(knobs));
    let mut endpoint = fleet.http();
    endpoint.deadlines.request = deadline;
    let start = Instant::now();
    let result = async {
        let mut client = connect(endpoint).await?;
        let found = client
            .enum_values("SOFTWARE\\Microsoft\\Cryptography")
            .await?;
        Ok(found.map_or(0, |values| values.len()))
    };
    let result = result.await;
    let took = start.elapsed();
    assert!(took < Duration::from_secs(20), "{knobs}: {took:?}");
    result
}

async fn check(knobs: &str, text: &str) {
    let error = read(knobs, Duration::from_secs(90)).await.unwrap_err();
    let shown = error.to_string();
    assert!(shown.contains(text), "{knobs}: {shown}");
    // It is kept for each host of a run, and shown.
    assert!(shown.len() < 5000, "{knobs}: {} bytes", shown.len());
}

#[tokio::test]
async fn what_is_sealed_and_harmful() {
    check("hostile: { kind: entity_bomb }", "DOCTYPE").await;
    check("hostile: { kind: nesting }", "64 nested elements").await;
    check(
        "hostile: { kind: nesting, count: 200000 }",
        "64 nested elements",
    )
    .await;
    check("hostile: { kind: attributes }", "100 attributes").await;
    check("hostile: { kind: fault }", "xxx").await;
    check("hostile: { kind: timeouts }", "OPERATION_TIMEDOUT").await;
}

#[tokio::test]
async fn values_without_number() {
    check("hostile: { kind: values }", "2097152 bytes").await;
    // Just under the bound it is a long list, and read as one.
    let many = read(
        "hostile: { kind: values, count: 45000 }",
        Duration::from_secs(90),
    );
    assert!(many.await.unwrap() >= 45_000);
}

#[tokio::test]
async fn what_stands_around_a_body() {
    check("hostile: { kind: headers }", "head").await;
    check(
        "hostile: { kind: multipart, at: operation 1 }",
        "sealed body",
    )
    .await;
    check(
        "hostile: { kind: multipart, count: 1000000, at: operation 1 }",
        "2097152 bytes",
    )
    .await;
    for at in ["request 1", "operation 1"] {
        check(
            &format!("huge_body: {{ bytes: 1000000000, at: {at} }}"),
            "2097152 bytes",
        )
        .await;
        check(&format!("endless: {{ at: {at} }}"), "2097152 bytes").await;
    }
}

#[tokio::test]
async fn one_byte_a_second() {
    let slow = "slow: { interval: 1s, bytes: 1 }";
    let error = read(slow, Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Timeout), "{error:?}");
}

#[tokio::test]
async fn a_command_whose_receives_time_out_at_once() {
    let fleet = Fleet::start(|_| ()).await;
    let mut client = connect(fleet.http()).await.unwrap();
    fleet
        .host()
        .set_knobs(faults("hostile: { kind: timeouts, at: receive 1 }"));
    let error = client.run("ver", None).await.unwrap_err();
    assert!(error.to_string().contains("at once"), "{error:?}");
    fleet.host().set_knobs(sim_fleet::Knobs::default());
    client.close().await;
    let counters = fleet.host().counters();
    assert_eq!((counters.shells_created, counters.shells_open), (1, 0));
    assert!(counters.requests < 120, "{counters:?}");
}
