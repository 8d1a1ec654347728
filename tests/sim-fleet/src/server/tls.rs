//! Certificates: one authority per fleet, one certificate per host by the server name of TLS; and asking for the client's.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ALL_VERSIONS, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
};

use crate::host::Host;
use crate::spec::{ClientCertificates, HostCertificate, TlsSpec, TlsVersion};

/// The authority that vouches for the hosts.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: String,
    /// One key for all hosts: only the certificates differ, which keeps thousands of hosts cheap.
    host_key: KeyPair,
    signing: Arc<dyn SigningKey>,
    provider: Arc<CryptoProvider>,
}

/// What a host needs for TLS.
pub(crate) struct HostTls {
    pub(crate) config: Arc<ServerConfig>,
    /// MD5 of the channel bindings of its certificate.
    pub(crate) binding: [u8; 16],
}

impl Authority {
    /// A fresh authority.
    pub(crate) fn new() -> Result<Self, String> {
        let text = |error: rcgen::Error| error.to_string();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "Simulated fleet CA");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(text)?)
            .map_err(text)?;
        let host_key = KeyPair::generate().map_err(text)?;
        let der = PrivateKeyDer::try_from(host_key.serialize_der()).map_err(String::from)?;
        let signing = ring::sign::any_ecdsa_type(&der).map_err(|error| error.to_string())?;
        Ok(Self {
            pem: issuer.pem(),
            issuer,
            host_key,
            signing,
            provider: Arc::new(ring::default_provider()),
        })
    }

    /// The authority's certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The TLS side of a host, made at first use.
    pub(crate) fn of<'a>(&self, host: &'a Host) -> Option<&'a HostTls> {
        if host.tls.get().is_none() {
            let made = self.issue(&host.name, host.options.tls)?;
            // Two connections at once may both have made one: the first stays.
            let _ = host.tls.set(made);
        }
        host.tls.get()
    }

    fn issue(&self, name: &str, spec: TlsSpec) -> Option<HostTls> {
        let signed = self.certificate(name, spec.certificate).ok()?;
        let der = CertificateDer::from(signed.der().to_vec());
        let binding = crate::auth::binding_of(&Sha256::digest(&der));
        let key = CertifiedKey::new(vec![der], Arc::clone(&self.signing));
        let versions: &[&SupportedProtocolVersion] = match spec.version {
            None => ALL_VERSIONS,
            Some(TlsVersion::V12) => &[&TLS12],
            Some(TlsVersion::V13) => &[&TLS13],
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)
            .ok()?;
        let builder = match spec.client_certificate {
            ClientCertificates::Handshake => {
                builder.with_client_cert_verifier(Arc::new(Asking(Arc::clone(&self.provider))))
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        // A host is met once or twice: caches for resumption would only cost memory.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Some(HostTls {
            config: Arc::new(config),
            binding,
        })
    }

    fn certificate(&self, name: &str, kind: HostCertificate) -> Result<Certificate, rcgen::Error> {
        // The loopback names are in each certificate, so that a test can come by address.
        let names = match kind {
            HostCertificate::OtherName => vec!["other.corp.example".into()],
            _ => vec![name.into(), "localhost".into(), "127.0.0.1".into()],
        };
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, name);
        match kind {
            HostCertificate::Good | HostCertificate::OtherName | HostCertificate::SelfSigned => {}
            HostCertificate::Expired => {
                params.not_before = date_time_ymd(2019, 1, 1);
                params.not_after = date_time_ymd(2020, 1, 1);
            }
            HostCertificate::NotYetValid => {
                params.not_before = date_time_ymd(2098, 1, 1);
                params.not_after = date_time_ymd(2099, 1, 1);
            }
            HostCertificate::SelfSignedAuthority => {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }
            HostCertificate::WrongPurpose => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }
        }
        match kind {
            HostCertificate::SelfSigned | HostCertificate::SelfSignedAuthority => {
                params.self_signed(&self.host_key)
            }
            _ => params.signed_by(&self.host_key, &self.issuer),
        }
    }
}

/// Asks for a certificate and takes any whose key is there, as HTTP.sys leaves it to the service to judge it.
#[derive(Debug)]
struct Asking(Arc<CryptoProvider>);

impl ClientCertVerifier for Asking {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            leaf,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            leaf,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
