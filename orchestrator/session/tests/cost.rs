//! What common work costs, counted at the host: requests, connections, shells.

use playbooks::{Change, Desired, Observed, RawValue, Target, WinHttpProxy};
use rollout::{Observe, Session};

use crate::lab::{Lab, sz, target};

const KEY: &str = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";

fn dword(number: u32) -> RawValue {
    RawValue {
        kind: 4,
        bytes: number.to_le_bytes().to_vec(),
    }
}

/// The pair of the EDR proxy.
fn pair() -> [Change; 2] {
    [
        ("DisableEnterpriseAuthProxy", dword(1)),
        ("TelemetryProxyServer", sz("10.0.0.6:8080")),
    ]
    .map(|(name, value)| Change {
        target: target(KEY, name),
        desired: Desired::Value(value),
    })
}

fn netsh() -> Change {
    Change {
        target: Target::win_http_settings(),
        desired: Desired::WinHttp(WinHttpProxy {
            server: "10.0.0.6:8080".to_owned(),
            bypass: vec!["<local>".to_owned()],
        }),
    }
}

/// Observes and writes what differs, in one session; gives the requests that reached the host.
async fn push(lab: &Lab, changes: &[Change]) -> u64 {
    let before = lab.host().counters();
    let mut session = lab.open().await;
    let targets: Vec<Target> = changes.iter().map(|change| change.target.clone()).collect();
    let found = session.observe(&targets).await.unwrap();
    for (change, found) in changes.iter().zip(found) {
        if !change.desired.satisfied_by(&found) {
            let found = session.apply(change).await.unwrap();
            assert!(change.desired.satisfied_by(&found));
        }
    }
    let cost = session.close().await;
    let after = lab.host().counters();
    assert_eq!(after.connections - before.connections, 1, "one connection");
    assert_eq!(after.handshakes - before.handshakes, 1, "one logon");
    assert_eq!(cost.connections, 1);
    assert_eq!(u64::from(cost.requests), after.requests - before.requests);
    assert_eq!(after.shells_open, 0);
    after.requests - before.requests
}

#[tokio::test]
async fn the_edr_pair() {
    let lab = Lab::usual().await;
    // Two legs of the logon, the second with the first read on it; one listing; two writes with their read-back.
    assert_eq!(push(&lab, &pair()).await, 7);
    // Already right: the listing and one read for each value.
    assert_eq!(push(&lab, &pair()).await, 5);
    assert_eq!(lab.host().counters().shells_created, 0, "no shell for it");
}

#[tokio::test]
async fn a_missing_key_costs_its_ancestors_and_its_making() {
    let lab = Lab::usual().await;
    lab.host().delete_key(KEY);
    // The parent is looked at once, and the key is made once for both values.
    assert_eq!(push(&lab, &pair()).await, 9);
}

#[tokio::test]
async fn all_three_stores() {
    let av = Change {
        target: target(
            r"SOFTWARE\Policies\Microsoft\Windows Defender",
            "ProxyServer",
        ),
        desired: Desired::Value(sz("http://10.0.0.6:8080")),
    };
    let changes: Vec<Change> = pair().into_iter().chain([av, netsh()]).collect();
    let lab = Lab::usual().await;
    let first = push(&lab, &changes).await;
    let second = push(&lab, &changes).await;
    // The bounds that the product promises; a read-only second run needs no shell.
    assert!(first <= 20, "{first}");
    assert!(second <= 10, "{second}");
    assert_eq!(lab.host().counters().shells_created, 1);
}

#[tokio::test]
async fn through_the_shell_questions_travel_together() {
    let lab = Lab::usual().await.defaults("channel: shell");
    let place = |number: u32| target(KEY, &format!("Value {number}"));
    let targets: Vec<Target> = (0..12).map(place).collect();
    let mut session = lab.open().await;
    let before = lab.host().counters().commands;
    let found = session.observe(&targets).await.unwrap();
    assert_eq!(found, vec![Observed::ValueAbsent; 12]);
    let commands = lab.host().counters().commands - before;
    assert!(commands <= 2, "{commands} commands for twelve questions");
    session.close().await;
    assert_eq!(lab.host().counters().shells_created, 1, "one shell");
}

#[tokio::test]
async fn an_expandable_text_asks_the_shell_once_for_all() {
    let lab = Lab::usual().await;
    let raw = playbooks::Typed::ExpandSz("%SystemRoot%".to_owned()).to_raw();
    let targets: Vec<Target> = (0..5)
        .map(|number| target(KEY, &format!("Value {number}")))
        .collect();
    for target in &targets {
        let value = sim_fleet::RawValue::new(raw.kind, &raw.bytes);
        lab.host().set_value(KEY, &target.value, value);
    }
    let mut session = lab.open().await;
    let found = session.observe(&targets).await.unwrap();
    assert_eq!(found, vec![Observed::Present(raw); 5]);
    session.close().await;
    assert_eq!(lab.host().counters().commands, 1);
}
