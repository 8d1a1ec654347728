//! Each way a host can fail, with what the engine is told: how bad, why, and what a person can do.

use playbooks::{Change, Desired, Observed, Target, WinHttpProxy};
use rollout::{HostError, Observe, Reason, Session, Severity};
use sim_fleet::{Account, FleetSpec, Rights};

use crate::lab::{Lab, knobs, sz, target};

const KEY: &str = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";

fn change() -> Change {
    Change {
        target: target(KEY, "TelemetryProxyServer"),
        desired: Desired::Value(sz("10.0.0.6:8080")),
    }
}

fn netsh() -> Change {
    Change {
        target: Target::win_http_settings(),
        desired: Desired::WinHttp(WinHttpProxy {
            server: "10.0.0.6:8080".to_owned(),
            bypass: vec![],
        }),
    }
}

/// Opens, observes, and writes both kinds of change. What was read back has to be what was wanted.
async fn work(lab: &Lab) -> Result<(), HostError> {
    let mut session = lab.try_open().await?;
    let result = async {
        for change in [change(), netsh()] {
            session
                .observe(std::slice::from_ref(&change.target))
                .await?;
            let found = session.apply(&change).await?;
            if !change.desired.satisfied_by(&found) {
                // What the engine says of it.
                return Err(HostError::failed(Reason::ReadBackDiffers, "something else"));
            }
        }
        Ok(())
    }
    .await;
    session.close().await;
    result
}

#[track_caller]
fn judged(what: &str, result: Result<(), HostError>, severity: Severity, reason: Reason) -> String {
    let error = result.expect_err(what);
    assert_eq!(
        (error.severity, error.reason),
        (severity, reason),
        "{what}: {error:?}"
    );
    assert!(!error.detail.contains('\n'), "{what}: {error:?}");
    error.remedy.unwrap_or_default()
}

/// Faults from the first contact on; nothing may have been written.
#[tokio::test]
async fn before_the_first_write() {
    use Severity::{Failed, Unreachable};
    let cases = [
        (
            "{ status: { code: 503 } }",
            Unreachable,
            Reason::ServiceUnavailable,
            "try again",
        ),
        (
            "{ status: { code: 404 } }",
            Failed,
            Reason::NotWinrm,
            "port",
        ),
        (
            "{ status: { code: 403 } }",
            Failed,
            Reason::Forbidden,
            "IP filter",
        ),
        (
            "{ status: { code: 401, after: 1 } }",
            Failed,
            Reason::LogonRefused,
            "credential test",
        ),
        (
            "{ access_denied: true }",
            Failed,
            Reason::AccessDenied,
            "administrator",
        ),
        ("{ quota: { kind: user } }", Failed, Reason::Quota, ""),
        ("{ quota: { kind: system } }", Failed, Reason::Quota, ""),
        (
            "{ garbage: { kind: html } }",
            Failed,
            Reason::NotWinrm,
            "port",
        ),
        (
            "{ garbage: { kind: xml, at: operation 1 } }",
            Failed,
            Reason::Protocol,
            "",
        ),
        (
            "{ garbage: { kind: envelope, at: operation 1 } }",
            Failed,
            Reason::Protocol,
            "",
        ),
        (
            "{ garbage: { kind: signature, at: operation 1 } }",
            Failed,
            Reason::SealingRefused,
            "",
        ),
        (
            "{ huge_body: { bytes: 1000000000, at: operation 1 } }",
            Failed,
            Reason::Protocol,
            "",
        ),
        (
            "{ endless: { at: operation 1 } }",
            Failed,
            Reason::Protocol,
            "",
        ),
        ("{ wrong_relates_to: true }", Failed, Reason::Protocol, ""),
        (
            "{ drop: { at: operation 1, phase: after } }",
            Unreachable,
            Reason::ConnectionLost,
            "try again",
        ),
        (
            "{ other_machine: { computer_name: PC-9999 } }",
            Failed,
            Reason::WrongHost,
            "DNS",
        ),
    ];
    for (faults, severity, reason, remedy) in cases {
        let lab = Lab::one().await;
        lab.faults(faults);
        let said = judged(faults, work(&lab).await, severity, reason);
        assert!(said.contains(remedy), "{faults}: '{said}'");
        let counters = lab.host().counters();
        assert_eq!(counters.writes, 0, "{faults}");
        assert_eq!(counters.shells_open, 0, "{faults}");
    }
}

#[tokio::test]
async fn a_wrong_machine_gets_nothing_derived_from_the_password() {
    let lab = Lab::one().await;
    lab.faults("{ other_machine: { computer_name: PC-9999 } }");
    judged(
        "wrong host",
        work(&lab).await,
        Severity::Failed,
        Reason::WrongHost,
    );
    assert_eq!(lab.host().counters().logon_attempts, 0);

    let lab = lab.defaults("verify_name: false");
    work(&lab).await.unwrap();
}

/// The connection is not authenticated any more, and the address has another machine by then: what was to be sent next is
/// not for that one, even where nobody asks for names.
#[tokio::test]
async fn a_session_goes_on_with_no_other_machine() {
    for settings in ["verify_name: true", "verify_name: false"] {
        let lab = Lab::one().await.defaults(settings);
        let mut session = lab.open().await;
        session.observe(&[change().target]).await.unwrap();
        lab.faults(
            "{ status: { code: 401, first: 1 }, other_machine: { computer_name: PC-9999, machine_guid: 11111111-2222-3333-4444-555555555555 } }",
        );
        let attempts = lab.host().counters().logon_attempts;
        let error = session.apply(&change()).await.unwrap_err();
        assert_eq!(
            (error.severity, error.reason),
            (Severity::Failed, Reason::WrongHost),
            "{error}"
        );
        assert!(error.detail.to_lowercase().contains("pc-9999"), "{error}");
        session.close().await;
        let counters = lab.host().counters();
        assert_eq!(counters.writes, 0);
        assert_eq!(
            counters.logon_attempts, attempts,
            "no proof of the password"
        );
    }
}

#[tokio::test]
async fn the_machine_behind_the_name_is_told_by_its_guid() {
    let lab = Lab::one().await;
    let mut seen = Vec::new();
    for faults in [
        "{}",
        "{ other_machine: { computer_name: PC-1, machine_guid: 11111111-2222-3333-4444-555555555555 } }",
    ] {
        lab.faults(faults);
        let session = lab.open().await;
        let identity = session.identity().clone();
        session.close().await;
        assert_eq!(identity.computer_name.as_deref(), Some("PC-1"));
        assert_eq!(identity.machine_guid, Some(lab.host().machine_guid()));
        seen.push(identity.machine_guid);
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn nobody_listens_or_nobody_answers() {
    let lab = Lab::one().await.own_listeners();
    lab.faults("{ refuse: true }");
    let said = judged(
        "refuse",
        work(&lab).await,
        Severity::Unreachable,
        Reason::ConnectRefused,
    );
    assert!(said.contains("winrm quickconfig"), "{said}");
    for faults in ["{ hang: accept }", "{ hang: { at: operation 1 } }"] {
        let lab = Lab::one().await.defaults("request_timeout: 300ms");
        lab.faults(faults);
        judged(
            faults,
            work(&lab).await,
            Severity::Unreachable,
            Reason::Timeout,
        );
    }
}

#[tokio::test]
async fn from_the_first_write_on_lost_contact_is_lost() {
    let cases = [
        (
            "{ drop: { at: write 1, phase: after } }",
            Reason::ConnectionLost,
        ),
        (
            "{ drop: { at: write 1, after_bytes: 40 } }",
            Reason::ConnectionLost,
        ),
        ("{ hang: { at: write 1 } }", Reason::Timeout),
        (
            "{ garbage: { kind: bytes, at: write 1 } }",
            Reason::Protocol,
        ),
        ("{ garbage: { kind: xml, at: write 1 } }", Reason::Protocol),
        (
            "{ garbage: { kind: signature, at: write 1 } }",
            Reason::SealingRefused,
        ),
        (
            "{ garbage: { kind: html, at: write 1 } }",
            Reason::SealingRefused,
        ),
        (
            "{ huge_body: { bytes: 1000000000, at: write 1 } }",
            Reason::Protocol,
        ),
        (
            "{ reboot: { at: write 1, for: 10s, symptom: unavailable } }",
            Reason::ConnectionLost,
        ),
    ];
    for (faults, reason) in cases {
        let lab = Lab::one().await.defaults("request_timeout: 500ms");
        lab.faults(faults);
        judged(faults, work(&lab).await, Severity::Lost, reason);
        assert_eq!(lab.host().counters().writes, 1, "{faults}: never repeated");
    }
}

#[tokio::test]
async fn a_session_that_is_not_authenticated_any_more_goes_on() {
    // The write was not processed, so it is sent once more on a new connection.
    let lab = Lab::one().await;
    lab.faults("{ status: { code: 401, after: 3, first: 1 } }");
    work(&lab).await.unwrap();
    assert_eq!(lab.host().counters().connections, 2);
    assert_eq!(
        lab.host().writes().len(),
        2,
        "one registry write, one netsh"
    );
}

#[tokio::test]
async fn broken_wmi_is_gone_round_or_reported() {
    for fault in ["class_not_found", "rpc"] {
        let faults = format!("{{ wmi_broken: {{ fault: {fault} }} }}");
        for channel in ["auto", "shell"] {
            let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
            lab.faults(&faults);
            work(&lab).await.unwrap();
            let value = lab.host().value(KEY, "TelemetryProxyServer");
            assert_eq!(value, Some(sim_fleet::RawValue::sz("10.0.0.6:8080")));
            assert_eq!(lab.host().counters().shells_created, 1, "{channel}");
        }
        let lab = Lab::one().await.defaults("channel: cim");
        lab.faults(&faults);
        let said = judged(
            &faults,
            work(&lab).await,
            Severity::Failed,
            Reason::WmiBroken,
        );
        assert!(said.contains("channel: auto"), "{said}");
        assert_eq!(lab.host().counters().shells_created, 0, "cim means cim");
    }
}

#[tokio::test]
async fn wmi_that_breaks_between_reading_and_writing_is_gone_round_too() {
    let lab = Lab::one().await;
    let mut session = lab.open().await;
    session.observe(&[change().target]).await.unwrap();
    lab.faults("{ wmi_broken: { fault: rpc } }");
    let found = session.apply(&change()).await.unwrap();
    assert_eq!(found, Observed::Present(sz("10.0.0.6:8080")));
    session.close().await;
}

#[tokio::test]
async fn without_wmi_and_without_a_shell_both_are_named() {
    let lab = Lab::one().await;
    lab.host().set_knobs(knobs(
        "{ wmi_broken: { fault: rpc }, quota: { kind: shells } }",
    ));
    let error = work(&lab).await.unwrap_err();
    assert_eq!(
        (error.severity, error.reason),
        (Severity::Failed, Reason::WmiBroken)
    );
    assert!(error.detail.contains("1722"), "{error}");
    assert!(error.detail.contains("2150859173"), "{error}");
}

#[tokio::test]
async fn a_shell_quota_is_a_refusal_with_a_remedy() {
    let lab = Lab::one().await.defaults("channel: shell");
    lab.faults("{ quota: { kind: shells } }");
    let said = judged("shells", work(&lab).await, Severity::Failed, Reason::Quota);
    assert!(!said.is_empty());
    assert_eq!(lab.host().counters().writes, 0);
}

#[tokio::test]
async fn netsh_that_lies_is_found_out_by_the_bytes() {
    const CONNECTIONS: &str =
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
    let elsewhere = format!(
        "{{ rewrites: [ {{ key: '{CONNECTIONS}', value: WinHttpSettings, data: {{ binary: \"{}\" }} }} ] }}",
        "1800000000000000010000000000000000000000"
    );
    let cases = [
        ("{ netsh: no_effect }", "prints success, writes nothing"),
        ("{ netsh: fails }", "says no"),
        (elsewhere.as_str(), "somebody puts another value there"),
    ];
    for (faults, what) in cases {
        for channel in ["auto", "shell"] {
            let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
            lab.faults(faults);
            judged(
                what,
                work(&lab).await,
                Severity::Failed,
                Reason::ReadBackDiffers,
            );
        }
    }
}

#[tokio::test]
async fn a_policy_that_puts_its_value_back_is_seen() {
    let lab = Lab::one().await;
    let key = KEY;
    lab.faults(&format!(
        "{{ rewrites: [ {{ key: '{key}', value: TelemetryProxyServer, data: {{ sz: \"gpo:1\" }} }} ] }}"
    ));
    let mut session = lab.open().await;
    let found = session.apply(&change()).await.unwrap();
    assert_eq!(
        found,
        Observed::Present(sz("gpo:1")),
        "what is there, not what was sent"
    );
    session.close().await;
}

#[tokio::test]
async fn a_filtered_local_account_gets_the_remedy_for_it() {
    let mut helper = Account::local("helpdesk", crate::lab::PASSWORD);
    helper.rights = Rights::Filtered;
    let spec = FleetSpec::named(["pc-1.corp.example"]).with_account(helper);
    let lab = Lab::of(spec)
        .await
        .account(r".\helpdesk", crate::lab::PASSWORD);
    let said = judged(
        "filtered",
        work(&lab).await,
        Severity::Failed,
        Reason::AccessDenied,
    );
    assert!(said.contains("LocalAccountTokenFilterPolicy"), "{said}");
}

#[tokio::test]
async fn a_value_that_no_channel_shows_exactly_is_not_written() {
    for (channel, text) in [
        ("cim", "why?"),
        ("cim", "two\nlines"),
        ("auto", "two\nlines"),
        ("auto", "\u{FFFD}"),
        ("shell", "a\tb"),
    ] {
        let lab = Lab::one().await.defaults(&format!("channel: {channel}"));
        let mut session = lab.open().await;
        let change = Change {
            desired: Desired::Value(sz(text)),
            ..change()
        };
        let error = session.apply(&change).await.unwrap_err();
        assert_eq!(
            (error.severity, error.reason),
            (Severity::Failed, Reason::ReadBackDiffers),
            "{channel} {text:?}: {error}"
        );
        session.close().await;
        assert_eq!(lab.host().counters().writes, 0, "{channel} {text:?}");
    }
}
