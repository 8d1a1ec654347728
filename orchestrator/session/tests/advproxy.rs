//! The other store of WinHTTP is shown by the command that writes the first: before the write, and for no request more.

use playbooks::{Change, Desired, Target, WinHttpProxy};
use rollout::{Observe, Session};
use sim_fleet::{Dialect, FleetSpec, HostOptions, HostSpec};

use crate::lab::{Lab, knobs};

const HELD: &str = "{\r\n  \"Proxy\": \"10.0.0.9:8080\",\r\n  \"ProxyBypass\": \"a & b\",\r\n  \"AutoconfigUrl\": \"\",\r\n  \
                    \"AutoDetect\": false\r\n}";

async fn lab(options: HostOptions) -> Lab {
    let mut spec = FleetSpec::named(Vec::<&str>::new());
    spec.hosts.push(HostSpec {
        name: "pc-1.corp.example".into(),
        options: Some(options),
        ..HostSpec::default()
    });
    // What netsh says at its end and what requests cost are looked at here, not how hosts speak.
    Lab::of(spec.with_dialect(Dialect::default())).await
}

fn set() -> Change {
    Change {
        target: Target::win_http_settings(),
        desired: Desired::WinHttp(WinHttpProxy {
            server: "10.0.0.6:8080".to_owned(),
            bypass: vec!["<local>".to_owned()],
        }),
    }
}

/// What was seen beside the write, how many requests it took, and what the store holds then.
async fn seen(lab: &Lab) -> (Option<String>, u32) {
    let mut session = lab.open().await;
    let before = session.cost().requests;
    let found = session.apply(&set()).await.unwrap();
    assert!(set().desired.satisfied_by(&found));
    let seen = session.advproxy();
    assert_eq!(session.advproxy(), None, "told once");
    let requests = session.cost().requests - before;
    session.close().await;
    (seen, requests)
}

#[tokio::test]
async fn it_is_told_as_it_was_and_costs_nothing() {
    let with = lab(HostOptions::default()).await;
    with.host().set_advproxy(HELD);
    let (held, requests) = seen(&with).await;
    let held = held.unwrap();
    assert!(!held.contains(['\r', '\n']), "{held}");
    for member in [
        r#""Proxy":"10.0.0.9:8080""#,
        r#""ProxyBypass":"a & b""#,
        r#""AutoconfigUrl":"""#,
        r#""AutoDetect":false"#,
    ] {
        assert!(held.contains(member), "{held}");
    }

    let empty = lab(HostOptions::default()).await;
    assert_eq!(seen(&empty).await, (Some("{}".to_owned()), requests));

    let old = HostOptions {
        advproxy: false,
        ..HostOptions::default()
    };
    assert_eq!(seen(&lab(old).await).await, (None, requests));
}

/// A wrapper in the place of cmd.exe that takes one command alone.
#[tokio::test]
async fn without_chains_the_write_goes_alone() {
    let plain = HostOptions {
        chains: false,
        ..HostOptions::default()
    };
    let lab = lab(plain).await;
    lab.host().set_advproxy(HELD);
    assert_eq!(seen(&lab).await.0, None);
}

#[tokio::test]
async fn a_failure_of_netsh_is_told_in_its_own_words_and_not_in_those_of_the_show() {
    for advproxy in [true, false] {
        let options = HostOptions {
            advproxy,
            ..HostOptions::default()
        };
        let lab = lab(options).await;
        lab.host()
            .change_knobs(|present| *present = knobs("{ netsh: fails }"));
        let mut session = lab.open().await;
        let error = session.apply(&set()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("netsh ended with exit code 1"), "{text}");
        assert!(!text.contains("not found"), "{text}");
        session.close().await;
    }
}
