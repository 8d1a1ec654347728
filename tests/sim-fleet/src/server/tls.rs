//! Certificates: one authority per fleet, one certificate per host by the server name of TLS.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};

use crate::host::Host;

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
            let made = self.issue(&host.name)?;
            // Two connections at once may both have made one: the first stays.
            let _ = host.tls.set(made);
        }
        host.tls.get()
    }

    fn issue(&self, name: &str) -> Option<HostTls> {
        // The loopback names are in each certificate, so that a test can come by address.
        let mut params =
            CertificateParams::new(vec![name.into(), "localhost".into(), "127.0.0.1".into()])
                .ok()?;
        params.distinguished_name.push(DnType::CommonName, name);
        let signed = params.signed_by(&self.host_key, &self.issuer).ok()?;
        let der = CertificateDer::from(signed.der().to_vec());
        let binding = crate::auth::binding_of(&Sha256::digest(&der));
        let key = CertifiedKey::new(vec![der], Arc::clone(&self.signing));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .ok()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        // A host is met once or twice: caches for resumption would only cost memory.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Some(HostTls {
            config: Arc::new(config),
            binding,
        })
    }
}
