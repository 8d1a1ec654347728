//! The client against the simulated fleet, which shares no code with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sim_fleet::{
    Account, ChannelBinding, Dialect, FleetSpec, HostHandle, Knobs, OtherMachine, SimFleet,
};
use wsman::{
    AuthMethod, BoxFuture, Client, Credentials, Deleted, Endpoint, Error, ErrorKind,
    KerberosProblem, LogonDenied, LogonGuard, LogonPermit, Proof, RegistryData, Secret, Sent,
    TlsConfigs, TlsPolicy, Unguarded, cleanup_finished,
};

const NAME: &str = "pc-1.corp.example";

pub(crate) struct Fleet {
    fleet: SimFleet,
    ca: tempfile::NamedTempFile,
}

impl Fleet {
    pub(crate) async fn start(change: impl FnOnce(&mut FleetSpec)) -> Self {
        let mut spec = FleetSpec::named([NAME, "pc-2.corp.example"])
            .with_account(Account::domain("CORP", "svc", "pass word"))
            .with_account(Account::local("admin", "local"));
        spec.defaults.basic = true;
        spec.defaults.channel_binding = ChannelBinding::Strict;
        spec.defaults.chunk = 3;
        change(&mut spec);
        let spec = spec.with_dialects_of_environment();
        let fleet = SimFleet::start(spec).await.unwrap();
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), fleet.ca_pem()).unwrap();
        Self { fleet, ca }
    }

    pub(crate) fn host(&self) -> HostHandle {
        self.fleet.host(NAME)
    }

    pub(crate) fn http(&self) -> Endpoint {
        let mut endpoint = Endpoint::http(NAME, self.fleet.http_addr().port());
        endpoint.address = "127.0.0.1".to_owned();
        endpoint
    }

    pub(crate) fn https(&self, auth: AuthMethod) -> Endpoint {
        let ca_file = Some(self.ca.path().to_owned());
        let tls = Some(TlsPolicy {
            ca_file,
            ..TlsPolicy::default()
        });
        Endpoint {
            port: self.fleet.https_addr().port(),
            tls,
            auth,
            ..self.http()
        }
    }
}

pub(crate) async fn connect_as(
    endpoint: Endpoint,
    username: &str,
    password: &str,
) -> Result<Client, Error> {
    let credentials = Credentials::password(username, Secret::new(password));
    Client::connect(
        endpoint,
        credentials,
        Arc::new(Unguarded),
        Arc::new(TlsConfigs::new()),
    )
    .await
}

pub(crate) async fn connect(endpoint: Endpoint) -> Result<Client, Error> {
    connect_as(endpoint, "corp\\svc", "pass word").await
}

/// Everything once, over whatever connection.
pub(crate) async fn everything(client: &mut Client) {
    let key = "SOFTWARE\\Winfleet Test\\Sub";
    assert_eq!(client.enum_values(key).await.unwrap(), None);
    client.create_key(key).await.unwrap();
    assert_eq!(client.enum_values(key).await.unwrap(), Some(Vec::new()));
    let values = [
        RegistryData::Sz("a & b \u{20ac}".to_owned()),
        RegistryData::ExpandSz("no variable".to_owned()),
        RegistryData::Binary(vec![0, 1, 255]),
        RegistryData::Dword(u32::MAX),
        RegistryData::MultiSz(vec!["a".to_owned(), "b c".to_owned()]),
        RegistryData::Qword(u64::MAX),
    ];
    for data in &values {
        client.write_value(key, "v", data).await.unwrap();
        assert_eq!(
            client
                .read_value(key, "V", data.kind())
                .await
                .unwrap()
                .as_ref(),
            Some(data)
        );
        assert_eq!(
            client.enum_values(key).await.unwrap(),
            Some(vec![("v".to_owned(), data.kind())])
        );
    }
    let error = client.read_value(key, "v", 1).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::TypeMismatch), "{error:?}");
    let error = client
        .delete_key("SOFTWARE\\Winfleet Test")
        .await
        .unwrap_err();
    let refused = matches!(
        error.kind,
        ErrorKind::Registry {
            method: "DeleteKey",
            ..
        }
    );
    // How a host refuses it is its dialect; that nothing is deleted is not.
    assert!(refused && error.sent == Sent::NotProcessed, "{error:?}");
    assert_eq!(
        client.enum_keys("SOFTWARE\\Winfleet Test").await.unwrap(),
        Some(vec!["Sub".to_owned()])
    );
    assert_eq!(client.delete_value(key, "v").await.unwrap(), Deleted::Done);
    assert_eq!(
        client.delete_value(key, "v").await.unwrap(),
        Deleted::Absent
    );
    assert_eq!(client.read_value(key, "v", 4).await.unwrap(), None);
    // A host refuses a value without a key, or makes the key.
    let nowhere = "SOFTWARE\\Nowhere";
    match client.write_value(nowhere, "v", &values[0]).await {
        Ok(()) => {
            let made = client.read_value(nowhere, "v", 1).await.unwrap();
            assert_eq!(made.as_ref(), Some(&values[0]));
        }
        Err(error) => assert!(
            matches!(error.kind, ErrorKind::Registry { code: 2, .. }),
            "{error:?}"
        ),
    }
    assert_eq!(client.delete_key(key).await.unwrap(), Deleted::Done);
    assert_eq!(client.delete_key(key).await.unwrap(), Deleted::Absent);
    let found = client
        .wql(
            "root/cimv2",
            "select BuildNumber,Version from Win32_OperatingSystem",
        )
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert!(
        found[0]
            .text("BuildNumber")
            .is_some_and(|build| build.parse::<u32>().is_ok())
    );
    let error = client
        .wql("root/cimv2", "select * from No_Such_Class")
        .await
        .unwrap_err();
    assert!(error.fault().is_some(), "{error:?}");
    let output = client
        .run("reg query HKLM\\SOFTWARE\\Neither", None)
        .await
        .unwrap();
    assert_eq!(
        (output.exit_code, output.stderr.is_empty()),
        (Some(1), false)
    );
    let output = client.run("echo gr\u{fc}n", None).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "gr\u{fc}n");
}

#[tokio::test]
async fn ntlm_sealed_over_http() {
    let fleet = Fleet::start(|_| {}).await;
    let mut client = connect(fleet.http()).await.unwrap();
    assert_eq!(client.peer().computer_name.as_deref(), Some("PC-1"));
    assert_eq!(fleet.host().counters().logon_attempts, 0);
    everything(&mut client).await;
    let peer = client.peer();
    // What follows depends on the machine: a library, a realm.
    assert!(
        peer.auth.starts_with("ntlm (sealed; no Kerberos: "),
        "{}",
        peer.auth
    );
    assert!(peer.sealed);
    let identity = client.identify().await.unwrap();
    assert!(
        identity.os().is_some_and(|os| os.starts_with("10.0.")),
        "{identity:?}"
    );
    client.close().await;
    let counters = fleet.host().counters();
    assert_eq!(
        (
            counters.connections,
            counters.logon_attempts,
            counters.failed_logons
        ),
        (1, 1, 0)
    );
    assert_eq!((counters.shells_created, counters.shells_open), (1, 0));
}

#[tokio::test]
async fn negotiate_says_why_it_is_not_kerberos() {
    let fleet = Fleet::start(|_| {}).await;
    let mut client = connect_as(fleet.http(), r".\admin", "local").await.unwrap();
    assert_eq!(
        client.peer().auth,
        "ntlm (sealed; no Kerberos: a local account has none)"
    );
    client.identify().await.unwrap();

    let mut endpoint = fleet.http();
    endpoint.name = "127.0.0.1".to_owned();
    let client = connect_as(endpoint, "svc@corp.example", "x").await.unwrap();
    assert_eq!(
        client.peer().auth,
        "ntlm (sealed; no Kerberos: the host's name is an address)"
    );
}

#[tokio::test]
async fn without_ntlm_kerberos_is_all_there_is() {
    let fleet = Fleet::start(|_| {}).await;
    for (auth, allow_ntlm) in [(AuthMethod::Negotiate, false), (AuthMethod::Kerberos, true)] {
        let mut endpoint = fleet.http();
        (endpoint.auth, endpoint.allow_ntlm) = (auth, allow_ntlm);
        let error = connect_as(endpoint, r".\admin", "local").await.unwrap_err();
        let ErrorKind::Kerberos(kerberos) = &error.kind else {
            panic!("{error}")
        };
        assert_eq!(kerberos.problem, KerberosProblem::NoName);
        assert_eq!(error.sent, Sent::Nothing);
    }
    assert_eq!(fleet.host().counters().connections, 0);
}

#[tokio::test]
async fn tickets_and_keytabs_are_no_passwords() {
    let fleet = Fleet::start(|_| {}).await;
    for auth in [AuthMethod::Ntlm, AuthMethod::Negotiate] {
        let mut endpoint = fleet.http();
        endpoint.auth = auth;
        let keytab = Proof::Keytab("/nowhere/rollout.keytab".into());
        let credentials = Credentials::new(r".\admin", keytab);
        let (guard, tls) = (Arc::new(Unguarded), Arc::new(TlsConfigs::new()));
        let error = Client::connect(endpoint, credentials, guard, tls)
            .await
            .unwrap_err();
        assert!(
            matches!(
                error.kind,
                ErrorKind::UnfitCredential(_) | ErrorKind::Kerberos(_)
            ),
            "{error}"
        );
    }
    assert_eq!(fleet.host().counters().logon_attempts, 0);
}

#[tokio::test]
async fn ntlm_with_channel_binding_and_basic_over_https() {
    let fleet = Fleet::start(|_| {}).await;
    for (auth, shown) in [
        (AuthMethod::Ntlm, "ntlm+cbt (tls)"),
        (AuthMethod::Basic, "basic (tls)"),
    ] {
        let (account, password) = match auth {
            AuthMethod::Basic => ("admin", "local"),
            _ => ("corp\\svc", "pass word"),
        };
        let mut client = connect_as(fleet.https(auth), account, password)
            .await
            .unwrap();
        everything(&mut client).await;
        assert_eq!(
            (client.peer().auth.as_str(), client.peer().tls_verified),
            (shown, true)
        );
        // The certificate just seen as a pin, without any authority: counts as verified.
        let mut pinned = fleet.https(auth);
        let pin = client.peer().certificate_sha256;
        pinned.tls = Some(TlsPolicy {
            ca_file: None,
            pin,
            verify: true,
        });
        connect_as(pinned.clone(), account, password)
            .await
            .unwrap()
            .enum_keys("SOFTWARE")
            .await
            .unwrap();
        // Another pin.
        pinned.tls = Some(TlsPolicy {
            ca_file: None,
            pin: Some(Sha256::digest(b"x").into()),
            verify: false,
        });
        let refused = match connect_as(pinned, account, password).await {
            Ok(mut client) => client.enum_keys("SOFTWARE").await.unwrap_err(),
            Err(error) => error,
        };
        assert!(
            matches!(
                (&refused.kind, refused.sent),
                (ErrorKind::Tls(_), Sent::Nothing)
            ),
            "{refused:?}"
        );
    }
    assert_eq!(fleet.host().counters().failed_logons, 0);
}

#[tokio::test]
async fn certificates_are_verified_unless_told_otherwise() {
    let fleet = Fleet::start(|_| {}).await;
    let mut endpoint = fleet.https(AuthMethod::Negotiate);
    endpoint.tls = Some(TlsPolicy::default());
    let error = connect(endpoint.clone()).await.unwrap_err();
    assert!(
        matches!(
            (&error.kind, error.sent),
            (ErrorKind::Tls(_), Sent::Nothing)
        ),
        "{error:?}"
    );
    endpoint.tls = Some(TlsPolicy {
        verify: false,
        ..TlsPolicy::default()
    });
    let mut client = connect(endpoint).await.unwrap();
    client.enum_keys("SOFTWARE").await.unwrap();
    assert!(!client.peer().tls_verified);
}

#[tokio::test]
async fn accounts_in_every_form_and_wrong_passwords() {
    let fleet = Fleet::start(|_| {}).await;
    for (account, password) in [
        ("CORP\\svc", "pass word"),
        ("svc@corp.example", "pass word"),
        (".\\admin", "local"),
        ("admin", "local"),
    ] {
        let mut client = connect_as(fleet.http(), account, password).await.unwrap();
        client
            .enum_keys("SOFTWARE")
            .await
            .unwrap_or_else(|error| panic!("{account}: {error:?}"));
    }
    for endpoint in [
        fleet.http(),
        fleet.https(AuthMethod::Ntlm),
        fleet.https(AuthMethod::Basic),
    ] {
        let before = fleet.host().counters().failed_logons;
        let mut client = connect_as(endpoint, "corp\\svc", "wrong").await.unwrap();
        let error = client.enum_keys("SOFTWARE").await.unwrap_err();
        assert!(
            matches!(
                (&error.kind, error.sent),
                (ErrorKind::LogonRefused, Sent::NotProcessed)
            ),
            "{error:?}"
        );
        assert_eq!(fleet.host().counters().failed_logons, before + 1);
    }
}

#[tokio::test]
async fn anonymous_identify_needs_no_account() {
    let fleet = Fleet::start(|_| {}).await;
    let tls = TlsConfigs::new();
    for endpoint in [fleet.http(), fleet.https(AuthMethod::Negotiate)] {
        let identity = Client::identify_anonymous(&endpoint, &tls).await.unwrap();
        assert_eq!(identity.product_vendor, "Microsoft Corporation");
    }
    assert_eq!(fleet.host().counters().logon_attempts, 0);
}

async fn with(knobs: Knobs) -> (Fleet, Client) {
    let fleet = Fleet::start(|_| {}).await;
    let mut endpoint = fleet.http();
    endpoint.deadlines.request = Duration::from_secs(3);
    let mut client = connect(endpoint).await.unwrap();
    client.enum_keys("SOFTWARE").await.unwrap();
    fleet.host().set_knobs(knobs);
    (fleet, client)
}

#[tokio::test]
async fn faults_and_broken_answers() {
    let knobs = Knobs {
        access_denied: true,
        ..Knobs::default()
    };
    let error = with(knobs).await.1.enum_keys("SOFTWARE").await.unwrap_err();
    assert!(
        error.fault().is_some_and(wsman::Fault::is_access_denied),
        "{error:?}"
    );
    let knobs = Knobs {
        wrong_relates_to: true,
        ..Knobs::default()
    };
    let error = with(knobs).await.1.enum_keys("SOFTWARE").await.unwrap_err();
    assert!(matches!(&error.kind, ErrorKind::Protocol(_)), "{error:?}");
    for kind in ["bytes", "html", "xml", "envelope", "signature"] {
        let knobs = faults(&format!("garbage: {{ kind: {kind} }}"));
        let error = with(knobs).await.1.enum_keys("SOFTWARE").await.unwrap_err();
        assert_eq!(error.sent, Sent::Unknown, "{kind}: {error:?}");
    }
    for text in ["huge_body: { bytes: 50000000 }", "endless: {}"] {
        let error = with(faults(text))
            .await
            .1
            .enum_keys("SOFTWARE")
            .await
            .unwrap_err();
        assert!(
            matches!(&error.kind, ErrorKind::TooLarge(_) | ErrorKind::Timeout),
            "{text}: {error:?}"
        );
    }
}

/// Knobs as people write them.
pub(crate) fn faults(yaml: &str) -> Knobs {
    let text = format!("hosts:\n- name: x\n  knobs: {{ {yaml} }}\n");
    FleetSpec::from_yaml(&text).unwrap().hosts.remove(0).knobs
}

#[tokio::test]
async fn a_lost_answer_to_a_write_is_unknown_and_a_401_is_repeated() {
    let data = RegistryData::Dword(7);
    let (fleet, mut client) = with(faults("drop: { at: write 1, phase: after }")).await;
    let error = client
        .write_value("SOFTWARE", "v", &data)
        .await
        .unwrap_err();
    assert_eq!(error.sent, Sent::Unknown, "{error:?}");
    assert!(
        fleet.host().value("SOFTWARE", "v").is_some(),
        "it was carried out all the same"
    );
    let (fleet, mut client) = with(faults("status: { code: 401, first: 1 }")).await;
    client.write_value("SOFTWARE", "v", &data).await.unwrap();
    assert_eq!(fleet.host().writes().len(), 1);
    let (fleet, mut client) = with(Knobs::default()).await;
    fleet.host().break_connections();
    let result = client.write_value("SOFTWARE", "v", &data).await;
    let known = result
        .as_ref()
        .err()
        .is_none_or(|error| error.sent == Sent::Unknown);
    assert!(known && fleet.host().writes().len() <= 1, "{result:?}");
}

#[tokio::test]
async fn shells_are_gone_after_every_exit() {
    let (fleet, mut client) = with(faults("drop: { at: receive 1 }")).await;
    let error = client.run("ver", None).await.unwrap_err();
    assert_eq!(error.sent, Sent::Unknown, "{error:?}");
    drop(client);
    assert!(cleanup_finished(Duration::from_secs(20)).await);
    assert_eq!(fleet.host().counters().shells_open, 0);
    let (fleet, mut client) = with(faults("quota: { kind: operations, first: 1 }")).await;
    assert_eq!(client.run("ver", None).await.unwrap().exit_code, Some(0));
    client.close().await;
    let counters = fleet.host().counters();
    assert_eq!((counters.shells_created, counters.shells_open), (2, 0));
}

/// The host has made the shell; the answer, and with it the shell's id, never came.
#[tokio::test]
async fn a_shell_whose_create_was_not_answered_is_found_and_deleted() {
    for faults_of_create in [
        "drop: { at: create 1, phase: after }",
        "drop: { at: create 1, after_bytes: 300 }",
    ] {
        let (fleet, mut client) = with(faults(faults_of_create)).await;
        let error = client.run("ver", None).await.unwrap_err();
        assert_eq!(error.sent, Sent::Unknown, "{error:?}");
        drop(client);
        assert!(cleanup_finished(Duration::from_secs(20)).await);
        let counters = fleet.host().counters();
        assert_eq!(
            (counters.shells_created, counters.shells_open),
            (1, 0),
            "{faults_of_create}"
        );
    }
}

/// Also where it has to be found among others, in whatever form the host lists them.
#[tokio::test]
async fn the_shell_is_found_in_every_form_of_enumeration() {
    let forms = Dialect::features();
    let forms = forms.into_iter().filter(|(name, _)| {
        ["cim.", "shell.ids", "shell.created", "xml."]
            .iter()
            .any(|subject| name.starts_with(subject))
    });
    for (name, dialect) in forms {
        let fleet = Fleet::start(|_| {}).await;
        fleet.host().set_dialect(dialect);
        let mut others = Vec::new();
        for _ in 0..3 {
            let mut other = connect(fleet.http()).await.unwrap();
            other.run("ver", None).await.unwrap();
            others.push(other);
        }
        let mut client = connect(fleet.http()).await.unwrap();
        client.enum_keys("SOFTWARE").await.unwrap();
        let lost = faults("drop: { at: create 1, phase: after }");
        fleet.host().set_knobs(lost);
        let error = client.run("ver", None).await.unwrap_err();
        assert_eq!(error.sent, Sent::Unknown, "{name}: {error:?}");
        drop(client);
        assert!(cleanup_finished(Duration::from_secs(20)).await);
        assert_eq!(fleet.host().counters().shells_open, 3, "{name}");
    }
}

/// Lets every logon out, and lets the address go to another machine meanwhile. Counts what was never sent.
struct Slow {
    host: HostHandle,
    unsent: Arc<AtomicU32>,
}

struct Counted(Arc<AtomicU32>);

impl LogonPermit for Counted {
    fn accepted(self: Box<Self>) {}
    fn refused(self: Box<Self>) {}
    fn unsent(self: Box<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl LogonGuard for Slow {
    fn admit<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn LogonPermit>, LogonDenied>> {
        Box::pin(async move {
            self.host.change_knobs(|knobs| {
                knobs.other_machine = Some(OtherMachine {
                    computer_name: "PC-9999".to_owned(),
                    machine_guid: None,
                });
            });
            Ok(Box::new(Counted(Arc::clone(&self.unsent))) as Box<dyn LogonPermit>)
        })
    }
}

/// The guard kept the logon waiting for so long that the connection is made anew, and the address has another machine by
/// then: it gets nothing that is derived from the password, and the account is not charged for it.
#[tokio::test]
async fn who_answers_after_a_long_wait_is_looked_at_again() {
    let fleet = Fleet::start(|_| {}).await;
    let mut endpoint = fleet.http();
    endpoint.deadlines.challenge = Duration::ZERO;
    let unsent = Arc::new(AtomicU32::new(0));
    let guard = Slow {
        host: fleet.host(),
        unsent: Arc::clone(&unsent),
    };
    let mut client = Client::connect(
        endpoint,
        Credentials::password("corp\\svc", Secret::new("pass word")),
        Arc::new(guard),
        Arc::new(TlsConfigs::new()),
    )
    .await
    .unwrap();
    let error = client.enum_values("SOFTWARE").await.unwrap_err();
    assert!(
        matches!(
            (&error.kind, error.sent),
            (ErrorKind::AnotherMachine { .. }, Sent::Nothing)
        ),
        "{error:?}"
    );
    assert_eq!(client.peer().computer_name.as_deref(), Some("PC-1"));
    assert_eq!(fleet.host().counters().logon_attempts, 0);
    assert_eq!(unsent.load(Ordering::SeqCst), 1);
    client.close().await;
}
