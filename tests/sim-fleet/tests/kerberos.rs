//! Tickets through the sockets. The ticket is MIT Kerberos' (`src/auth/kerberos/mit.json`); the host's clock is set to the
//! day when it was given.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sim_fleet::{Account, FleetSpec, HostOptions, KerberosSpec, SimFleet, SpecError, StartError};

use crate::client::{Connection, Response};

fn recorded(name: &str) -> serde_json::Value {
    let record: serde_json::Value =
        serde_json::from_str(include_str!("../src/auth/kerberos/mit.json")).unwrap();
    record[name].clone()
}

fn bytes(name: &str) -> Vec<u8> {
    hex::decode(recorded(name).as_str().unwrap()).unwrap()
}

fn keytab(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes("keytab")).unwrap();
    path
}

/// The host of the record, on the day of the record.
fn spec(keytab: PathBuf) -> FleetSpec {
    let ahead = recorded("now").as_i64().unwrap() - Timestamp::now().as_second();
    FleetSpec {
        kerberos: Some(KerberosSpec { keytab }),
        accounts: vec![Account::domain("CORP", "svc-rollout", "of no use here")],
        defaults: HostOptions {
            clock_ahead: ahead,
            ..HostOptions::default()
        },
        ..FleetSpec::named(["pc-0001.corp.example", "pc-0002.corp.example"])
    }
}

async fn show(fleet: &SimFleet, host: &str, authorization: Option<(&str, &str)>) -> Response {
    let mut connection = Connection::open(fleet.host(host).own_address())
        .await
        .unwrap();
    let line = authorization.map_or_else(String::new, |(scheme, token)| {
        let token = STANDARD.encode(bytes(token));
        format!("Authorization: {scheme} {token}\r\n")
    });
    let request =
        format!("POST /wsman HTTP/1.1\r\nHost: {host}\r\n{line}Content-Length: 0\r\n\r\n");
    connection.raw(request.as_bytes()).await.unwrap()
}

/// The values of `WWW-Authenticate`, tokens decoded to their first byte.
fn offers(response: &Response) -> Vec<(String, Option<u8>)> {
    response
        .head
        .lines()
        .filter_map(|line| line.strip_prefix("WWW-Authenticate: "))
        .map(|value| match value.split_once(' ') {
            Some((scheme, token)) => (
                scheme.to_owned(),
                STANDARD.decode(token).unwrap().first().copied(),
            ),
            None => (value.to_owned(), None),
        })
        .collect()
}

fn offered(scheme: &str, token: Option<u8>) -> (String, Option<u8>) {
    (scheme.to_owned(), token)
}

#[tokio::test]
async fn a_ticket_is_taken_under_both_schemes_and_once() {
    for (scheme, token, answer) in [
        ("Kerberos", "request", 0x60),
        ("Negotiate", "request", 0x60),
        ("Negotiate", "spnego", 0xa1),
    ] {
        let file = format!("{scheme}-{token}.keytab");
        let fleet = SimFleet::start(spec(keytab(&file))).await.unwrap();
        let host = "pc-0001.corp.example";
        let reply = show(&fleet, host, Some((scheme, token))).await;
        assert_eq!(reply.status, 200, "{scheme} {token}");
        assert_eq!(offers(&reply), [offered(scheme, Some(answer))]);
        let again = show(&fleet, host, Some((scheme, token))).await;
        assert_eq!(again.status, 401, "a replay");
        let counters = fleet.host(host).counters();
        assert_eq!((counters.handshakes, counters.failed_logons), (1, 1));
        // A ticket is no attempt at a password.
        assert_eq!(fleet.logon_attempts(r"CORP\svc-rollout"), 0);
    }
}

#[tokio::test]
async fn what_is_offered_follows_keytab_and_options() {
    let host = "pc-0001.corp.example";
    let check = async |change: fn(&mut FleetSpec), expected: &[(String, Option<u8>)]| {
        let mut spec = spec(keytab("offers.keytab"));
        change(&mut spec);
        let fleet = SimFleet::start(spec).await.unwrap();
        assert_eq!(offers(&show(&fleet, host, None).await), expected);
    };
    let (negotiate, kerberos) = (offered("Negotiate", None), offered("Kerberos", None));
    check(|_| {}, &[negotiate.clone(), kerberos.clone()]).await;
    check(
        |spec| spec.kerberos = None,
        std::slice::from_ref(&negotiate),
    )
    .await;
    check(
        |spec| spec.defaults.kerberos = false,
        std::slice::from_ref(&negotiate),
    )
    .await;
    check(|spec| spec.defaults.workgroup = true, &[negotiate]).await;
    check(|spec| spec.defaults.negotiate = false, &[kerberos]).await;
}

#[tokio::test]
async fn another_host_another_time_and_another_account_refuse() {
    let fleet = SimFleet::start(spec(keytab("others.keytab")))
        .await
        .unwrap();
    let other = show(
        &fleet,
        "pc-0002.corp.example",
        Some(("Kerberos", "request")),
    )
    .await;
    assert_eq!(other.status, 401);
    assert_eq!(
        offers(&other),
        [offered("Kerberos", Some(0x60))],
        "KRB-ERROR"
    );

    let mut late = spec(keytab("late.keytab"));
    late.defaults.clock_ahead += 3600;
    let fleet = SimFleet::start(late).await.unwrap();
    let host = "pc-0001.corp.example";
    for (scheme, token, answer) in [("Kerberos", "request", 0x60), ("Negotiate", "spnego", 0xa1)] {
        let reply = show(&fleet, host, Some((scheme, token))).await;
        assert_eq!(
            (reply.status, offers(&reply)),
            (401, vec![offered(scheme, Some(answer))])
        );
    }

    let mut unknown = spec(keytab("unknown.keytab"));
    unknown.accounts = vec![Account::domain("CORP", "somebody-else", "x")];
    let fleet = SimFleet::start(unknown).await.unwrap();
    let reply = show(&fleet, host, Some(("Kerberos", "request"))).await;
    assert_eq!(reply.status, 401);
}

#[tokio::test]
async fn a_keytab_that_is_none_is_named() {
    for (name, content) in [
        ("text.keytab", Some(b"keys".as_slice())),
        ("missing.keytab", None),
    ] {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let error = SimFleet::start(spec(path.clone())).await.err().unwrap();
        let StartError::Spec(SpecError::Keytab { path: named, .. }) = error else {
            panic!("{error}");
        };
        assert_eq!(named, path.display().to_string());
    }
}
