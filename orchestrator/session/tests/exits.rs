//! The shell is deleted whichever way a session ends: orphans count against the account's quota until they idle out.

use std::time::Duration;

use playbooks::{Change, Desired, Target, WinHttpProxy};
use rollout::{Observe, Session, Severity};

use crate::lab::{Lab, knobs};

fn netsh() -> Change {
    Change {
        target: Target::win_http_settings(),
        desired: Desired::WinHttp(WinHttpProxy {
            server: "10.0.0.6:8080".to_owned(),
            bypass: vec![],
        }),
    }
}

/// Waits for what a task in the background does, bounded.
async fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let reached = async {
        while !is() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), reached).await;
    assert!(waited.is_ok(), "{what}: not reached");
}

async fn no_shell_is_left(lab: &Lab, how: &str) {
    eventually(how, || lab.host().counters().shells_open == 0).await;
    assert!(
        lab.host().counters().shells_created > 0,
        "{how}: there was none"
    );
}

#[tokio::test]
async fn closed() {
    let lab = Lab::one().await;
    let mut session = lab.open().await;
    session.apply(&netsh()).await.unwrap();
    assert_eq!(lab.host().counters().shells_open, 1);
    session.close().await;
    assert_eq!(lab.host().counters().shells_open, 0, "before close returns");
}

#[tokio::test]
async fn dropped() {
    let lab = Lab::one().await;
    let mut session = lab.open().await;
    session.apply(&netsh()).await.unwrap();
    drop(session);
    no_shell_is_left(&lab, "dropped").await;
}

#[tokio::test]
async fn cancelled_in_the_middle_of_a_command() {
    let lab = Lab::one().await;
    let mut session = lab.open().await;
    lab.faults("{ hang: { at: receive 1 } }");
    let host = lab.host();
    let task = tokio::spawn(async move {
        let _ = session.apply(&netsh()).await;
    });
    eventually("the command runs", || host.counters().commands == 1).await;
    task.abort();
    no_shell_is_left(&lab, "cancelled").await;
}

#[tokio::test]
async fn an_error_then_a_close() {
    for faults in [
        "{ drop: { at: receive 1, phase: after } }",
        "{ drop: { at: command 1, phase: after } }",
        "{ garbage: { kind: xml, at: receive 1 } }",
        "{ garbage: { kind: signature, at: receive 1 } }",
        "{ status: { code: 503, after: 2, first: 1 } }",
    ] {
        let lab = Lab::one().await;
        let mut session = lab.open().await;
        lab.faults(faults);
        let error = session.apply(&netsh()).await.unwrap_err();
        assert_eq!(error.severity, Severity::Lost, "{faults}: {error}");
        lab.host().set_knobs(knobs("{}"));
        session.close().await;
        no_shell_is_left(&lab, faults).await;
    }
}

#[tokio::test]
async fn an_error_then_a_drop() {
    let lab = Lab::one().await;
    let mut session = lab.open().await;
    lab.faults("{ drop: { at: receive 1, phase: after } }");
    session.apply(&netsh()).await.unwrap_err();
    drop(session);
    no_shell_is_left(&lab, "error and drop").await;
}

#[tokio::test]
async fn a_host_that_is_refused_keeps_no_shell() {
    // Logging on with the shell: the first read is `reg query`, and its answer is lost.
    let lab = Lab::one().await.defaults("channel: shell");
    lab.faults("{ drop: { at: receive 1, phase: after } }");
    lab.try_open().await.unwrap_err();
    no_shell_is_left(&lab, "refused at the start").await;
}
