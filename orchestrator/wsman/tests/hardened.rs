//! Hosts that demand more of a logon than a right password: each demand is met, or the error says which it is.

use sim_fleet::{ChannelBinding, Dialect, HostOptions, LogonDialect, NtlmForm};
use wsman::{AuthMethod, Client, Endpoint, Error, ErrorKind, NtlmProof, Sent};

use crate::fleet::{Fleet, connect, connect_as};

/// NTLM as it is, and inside SPNEGO.
const FORMS: [NtlmForm; 2] = [NtlmForm::RawOnly, NtlmForm::SpnegoOnly];

async fn fleet(form: NtlmForm, demand: impl Fn(&mut HostOptions)) -> Fleet {
    Fleet::start(|spec| {
        spec.defaults.channel_binding = ChannelBinding::Relaxed;
        demand(&mut spec.defaults);
        let logon = LogonDialect {
            ntlm: form,
            ..LogonDialect::default()
        };
        for host in &mut spec.hosts {
            host.dialect = Some(Dialect {
                logon,
                ..Dialect::default()
            });
        }
    })
    .await
}

/// Reads, writes, and what the host counted as refused.
async fn used(fleet: &Fleet, endpoint: Endpoint) -> Result<Client, Error> {
    let mut client = connect(endpoint).await?;
    client.enum_keys("SOFTWARE").await?;
    client.create_key("SOFTWARE\\Hardened").await?;
    assert_eq!(fleet.host().counters().failed_logons, 0);
    Ok(client)
}

#[tokio::test]
async fn every_demand_that_ntlm_can_meet_is_met_in_both_forms_and_on_both_transports() {
    type Demand = fn(&mut HostOptions);
    let demands: [(&str, Demand); 4] = [
        ("strict channel binding", |options| {
            options.channel_binding = ChannelBinding::Strict;
        }),
        ("128-bit keys", |options| options.hardening.key_128 = true),
        ("target name", |options| {
            options.hardening.target_name = true
        }),
        ("all together", |options| {
            options.channel_binding = ChannelBinding::Strict;
            options.hardening.key_128 = true;
            options.hardening.target_name = true;
        }),
    ];
    for form in FORMS {
        for (what, demand) in demands {
            let fleet = fleet(form, demand).await;
            for endpoint in [fleet.http(), fleet.https(AuthMethod::Ntlm)] {
                let result = used(&fleet, endpoint).await;
                assert!(result.is_ok(), "{what}, {form:?}: {result:?}");
            }
        }
    }
}

/// Also by the name of another class, as it may be set for one host.
#[tokio::test]
async fn the_target_name_follows_the_settings() {
    let fleet = fleet(NtlmForm::Both, |options| {
        options.hardening.target_name = true
    })
    .await;
    let mut endpoint = fleet.http();
    endpoint.spn.class = "WSMAN".to_owned();
    endpoint.spn.name = Some("PC-1@CORP.EXAMPLE".to_owned());
    used(&fleet, endpoint).await.unwrap();
}

fn proof(error: &Error) -> Option<&NtlmProof> {
    error.source.as_deref()?.downcast_ref()
}

#[tokio::test]
async fn a_refused_logon_says_what_it_brought() {
    let fleet = fleet(NtlmForm::Both, |options| {
        options.hardening.target_name = true;
    })
    .await;
    let mut endpoint = fleet.https(AuthMethod::Ntlm);
    endpoint.spn.name = Some("alias.corp.example".to_owned());
    let mut client = connect(endpoint).await.unwrap();
    let error = client.enum_keys("SOFTWARE").await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::LogonRefused), "{error:?}");
    assert_eq!(error.sent, Sent::NotProcessed);
    let brought = proof(&error).unwrap();
    assert!(brought.bound);
    assert_eq!(brought.service, "HTTP/alias.corp.example");
    let text = brought.to_string();
    for part in [
        "NTLMv2",
        "128 bits",
        "channel binding",
        "HTTP/alias.corp.example",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let mut client = connect_as(fleet.http(), "corp\\svc", "wrong")
        .await
        .unwrap();
    let error = client.enum_keys("SOFTWARE").await.unwrap_err();
    assert!(!proof(&error).unwrap().bound);
}

/// Kerberos is to be mended there, not to be recommended.
#[tokio::test]
async fn a_refused_logon_says_why_it_was_not_kerberos() {
    let fleet = fleet(NtlmForm::Both, |_| {}).await;
    let endpoint = Endpoint {
        auth: AuthMethod::Negotiate,
        ..fleet.http()
    };
    let mut client = connect_as(endpoint, ".\\svc", "wrong").await.unwrap();
    let error = client.enum_keys("SOFTWARE").await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::LogonRefused), "{error:?}");
    let brought = proof(&error).unwrap();
    let why = brought.no_kerberos.as_deref().unwrap();
    assert!(brought.to_string().contains(why), "{brought}");
}

#[tokio::test]
async fn a_host_without_ntlm_demands_kerberos_by_name_and_gets_no_proof() {
    for form in [NtlmForm::Both, NtlmForm::RawOnly, NtlmForm::SpnegoOnly] {
        let fleet = fleet(form, |options| options.hardening.no_ntlm = true).await;
        for auth in [AuthMethod::Ntlm, AuthMethod::Negotiate] {
            let endpoint = Endpoint {
                auth,
                ..fleet.http()
            };
            let error = connect(endpoint).await.unwrap_err();
            let ErrorKind::NtlmRefused {
                offered,
                no_kerberos,
            } = &error.kind
            else {
                panic!("{error:?}");
            };
            assert_eq!(offered, &["Negotiate"]);
            assert_eq!(no_kerberos.is_some(), auth == AuthMethod::Negotiate);
            assert_eq!(error.sent, Sent::Nothing);
            assert!(error.to_string().contains("it demands Kerberos"), "{error}");
        }
        assert_eq!(fleet.host().counters().logon_attempts, 0, "{form:?}");
    }
}
