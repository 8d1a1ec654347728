//! Certificates of both sides, over TLS 1.2 and 1.3, against the simulated fleet.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use sha2::{Digest as _, Sha256};
use sim_fleet::{Account, ClientCertificates, HostCertificate, TlsSpec, TlsVersion};
use wsman::{
    AuthMethod, Client, ClientCertificate, Credentials, Endpoint, Error, ErrorKind, Proof, Sent,
    TlsConfigs, TlsProblem, Unguarded,
};

use crate::fleet::{Fleet, connect, everything};

const VERSIONS: [TlsVersion; 2] = [TlsVersion::V12, TlsVersion::V13];

async fn fleet(tls: TlsSpec, mapped: Option<[u8; 32]>) -> Fleet {
    Fleet::start(|spec| {
        spec.defaults.tls = tls;
        if let Some(sha256) = mapped {
            let robot = Account::domain("CORP", "robot", "never sent");
            spec.accounts.push(robot.with_certificate(sha256));
        }
    })
    .await
}

async fn shows(version: TlsVersion, certificate: HostCertificate) -> Fleet {
    let version = Some(version);
    let spec = TlsSpec {
        version,
        certificate,
        ..TlsSpec::default()
    };
    fleet(spec, None).await
}

#[track_caller]
fn is(error: &Error, wanted: TlsProblem, says: &str) {
    let ErrorKind::Tls(found) = &error.kind else {
        panic!("{error:?}");
    };
    assert_eq!((found.problem, error.sent), (wanted, Sent::Nothing));
    assert!(found.detail.contains(says), "{found}");
}

#[tokio::test]
async fn each_fault_of_a_hosts_certificate_has_its_name() {
    use HostCertificate as Shown;
    let cases = [
        (Shown::Expired, TlsProblem::Expired, "Jan  1 00:00:00 2020"),
        (
            Shown::NotYetValid,
            TlsProblem::NotYetValid,
            "Jan  1 00:00:00 2098",
        ),
        (
            Shown::OtherName,
            TlsProblem::OtherName,
            "it is for other.corp.example, not for pc-1.corp.example",
        ),
        (
            Shown::SelfSigned,
            TlsProblem::UnknownAuthority,
            "no trusted authority issued it",
        ),
        (
            Shown::SelfSignedAuthority,
            TlsProblem::IsAuthority,
            "marked as that of an authority",
        ),
        (
            Shown::WrongPurpose,
            TlsProblem::WrongPurpose,
            "it is not for servers",
        ),
    ];
    for version in VERSIONS {
        for (certificate, problem, says) in cases {
            let fleet = shows(version, certificate).await;
            let error = connect(fleet.https(AuthMethod::Ntlm)).await.unwrap_err();
            is(&error, problem, says);
            assert_eq!(fleet.host().counters().logon_attempts, 0, "{certificate:?}");
        }
    }
}

#[tokio::test]
async fn an_authority_that_nobody_gave_is_unknown() {
    for version in VERSIONS {
        let fleet = shows(version, HostCertificate::Good).await;
        let mut endpoint = fleet.https(AuthMethod::Ntlm);
        endpoint.tls.as_mut().unwrap().ca_file = None;
        let error = connect(endpoint).await.unwrap_err();
        is(&error, TlsProblem::UnknownAuthority, "");
        // The same host with the authority given.
        connect(fleet.https(AuthMethod::Ntlm))
            .await
            .unwrap()
            .enum_keys("SOFTWARE")
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_pin_proves_any_certificate_and_only_that_one() {
    for version in VERSIONS {
        for certificate in [
            HostCertificate::Good,
            HostCertificate::SelfSigned,
            HostCertificate::Expired,
        ] {
            let fleet = shows(version, certificate).await;
            let mut endpoint = fleet.https(AuthMethod::Ntlm);
            let policy = endpoint.tls.as_mut().unwrap();
            policy.ca_file = None;
            policy.pin = Some([7; 32]);
            let error = connect(endpoint.clone()).await.unwrap_err();
            is(&error, TlsProblem::PinMismatch, "its SHA-256 is ");
            // The message tells the one that is shown, for whoever can compare it.
            let text = error.kind.to_string();
            let shown = text.rsplit(' ').next().unwrap();
            let mut pin = [0; 32];
            hex::decode_to_slice(shown, &mut pin).unwrap();
            endpoint.tls.as_mut().unwrap().pin = Some(pin);
            let mut client = connect(endpoint).await.unwrap();
            client.enum_keys("SOFTWARE").await.unwrap();
            assert!(client.peer().tls_verified);
        }
    }
}

#[tokio::test]
async fn what_speaks_no_tls_is_named_as_that() {
    let fleet = Fleet::start(|_| {}).await;
    let mut endpoint = fleet.https(AuthMethod::Ntlm);
    endpoint.port = fleet.http().port;
    let error = connect(endpoint).await.unwrap_err();
    is(&error, TlsProblem::Handshake, "does not speak TLS");
    assert!(error.kind.to_string().starts_with("TLS: "), "{error}");
}

/// A client certificate issued by an authority of its own, in two files.
struct Identity {
    folder: tempfile::TempDir,
    files: ClientCertificate,
    sha256: [u8; 32],
}

impl Identity {
    fn new() -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["robot@corp.example".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = params.signed_by(&key, &authority).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let files = ClientCertificate {
            certificate: write("client.pem", &(leaf.pem() + &authority.pem())),
            key: write("client.key", &key.serialize_pem()),
        };
        Self {
            folder,
            files,
            sha256: Sha256::digest(leaf.der()).into(),
        }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn connect(&self, endpoint: Endpoint) -> Result<Client, Error> {
        let credentials = Credentials::new("", Proof::Certificate(self.files.clone()));
        let tls = Arc::new(TlsConfigs::new());
        Client::connect(endpoint, credentials, Arc::new(Unguarded), tls).await
    }
}

fn asks(version: TlsVersion, client_certificate: ClientCertificates) -> TlsSpec {
    TlsSpec {
        version: Some(version),
        client_certificate,
        ..TlsSpec::default()
    }
}

#[tokio::test]
async fn a_mapped_certificate_logs_on() {
    let identity = Identity::new();
    for version in VERSIONS {
        let fleet = fleet(
            asks(version, ClientCertificates::Handshake),
            Some(identity.sha256),
        )
        .await;
        let mut client = identity
            .connect(fleet.https(AuthMethod::Certificate))
            .await
            .unwrap();
        everything(&mut client).await;
        assert_eq!(client.peer().auth, "certificate (tls)");
        assert!(client.peer().tls_verified);
        let counters = fleet.host().counters();
        assert_eq!((counters.connections, counters.failed_logons), (1, 0));
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_mapped_is_refused_by_that_name() {
    let identity = Identity::new();
    for version in VERSIONS {
        let fleet = fleet(asks(version, ClientCertificates::Handshake), Some([1; 32])).await;
        let mut client = identity
            .connect(fleet.https(AuthMethod::Certificate))
            .await
            .unwrap();
        let error = client.enum_keys("SOFTWARE").await.unwrap_err();
        assert!(
            matches!(&error.kind, ErrorKind::CertificateRefused(text) if text.contains("no account")),
            "{error:?}"
        );
        assert_eq!(error.sent, Sent::NotProcessed);
    }
}

#[tokio::test]
async fn a_host_that_asks_later_or_never_is_named() {
    let identity = Identity::new();
    for version in VERSIONS {
        for later in [
            ClientCertificates::Never,
            ClientCertificates::LaterReset,
            ClientCertificates::LaterSilence,
            ClientCertificates::Later401,
            ClientCertificates::Later403,
        ] {
            let fleet = fleet(asks(version, later), Some(identity.sha256)).await;
            let mut endpoint = fleet.https(AuthMethod::Certificate);
            endpoint.deadlines.request = Duration::from_secs(2);
            let mut client = identity.connect(endpoint).await.unwrap();
            let error = client.enum_keys("SOFTWARE").await.unwrap_err();
            assert!(
                matches!(
                    (&error.kind, error.sent),
                    (ErrorKind::CertificateNotAsked, Sent::NotProcessed)
                ),
                "{later:?}: {error:?}"
            );
            assert_eq!(fleet.host().counters().handshakes, 0, "{later:?}");
        }
    }
}

#[tokio::test]
async fn a_host_whose_certificate_proves_nothing_sees_no_request() {
    let identity = Identity::new();
    for certificate in [HostCertificate::Expired, HostCertificate::OtherName] {
        let spec = TlsSpec {
            certificate,
            client_certificate: ClientCertificates::Handshake,
            ..TlsSpec::default()
        };
        let fleet = fleet(spec, Some(identity.sha256)).await;
        let mut client = identity
            .connect(fleet.https(AuthMethod::Certificate))
            .await
            .unwrap();
        let error = client.enum_keys("SOFTWARE").await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Tls(_)), "{error:?}");
        assert_eq!(error.sent, Sent::Nothing);
        assert_eq!(fleet.host().counters().requests, 0);
    }
}

#[test]
fn files_that_cannot_be_used_are_named_and_not_shown() {
    let identity = Identity::new();
    let check = |certificate: &Path, key: &Path| {
        let files = ClientCertificate {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        TlsConfigs::new().check_identity(&files)
    };
    let (certificate, key) = (&identity.files.certificate, &identity.files.key);
    assert_eq!(check(certificate, key), Ok(()));

    let pkcs8 =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nc2VjcmV0\n-----END RSA PRIVATE KEY-----\n";
    let other = KeyPair::generate().unwrap().serialize_pem();
    let damaged = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    let cases = [
        (
            certificate.clone(),
            identity.write("a.key", pkcs8),
            "a.key: it is encrypted",
        ),
        (
            certificate.clone(),
            identity.write("b.key", legacy),
            "b.key: it is encrypted",
        ),
        (
            certificate.clone(),
            identity.write("c.key", &other),
            "c.key is not the key of",
        ),
        (
            certificate.clone(),
            identity.write("d.key", "c2VjcmV0"),
            "d.key: no private key in PEM form",
        ),
        (
            certificate.clone(),
            identity.write("e.key", damaged),
            "e.key: ",
        ),
        (
            certificate.clone(),
            certificate.clone(),
            "client.pem: no private key in PEM form",
        ),
        (key.clone(), key.clone(), "client.key: no certificate in it"),
        (
            certificate.clone(),
            identity.folder.path().join("none.key"),
            "none.key: ",
        ),
        (
            identity.folder.path().join("none.pem"),
            key.clone(),
            "none.pem: ",
        ),
    ];
    for (certificate, key, says) in cases {
        let error = check(&certificate, &key).unwrap_err();
        assert!(error.contains(says), "{error}");
        assert!(
            !error.contains("c2VjcmV0") && !error.contains("secret"),
            "{error}"
        );
    }
}
