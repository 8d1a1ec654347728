//! Certificates: one authority per fleet, one certificate per host by the server name of TLS.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use tokio_rustls::rustls::crypto::ring::sign::any_ecdsa_type;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::{CertifiedKey, SigningKey};

use crate::host::Host;

/// The authority that vouches for the hosts.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: String,
    /// One key for all hosts: only the certificates differ, which keeps thousands of hosts cheap.
    host_key: KeyPair,
    signing: Arc<dyn SigningKey>,
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
        let signing = any_ecdsa_type(&der).map_err(|error| error.to_string())?;
        Ok(Self {
            pem: issuer.pem(),
            issuer,
            host_key,
            signing,
        })
    }

    /// The authority's certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The certificate of a host, made at first use.
    pub(crate) fn certificate(&self, host: &Host) -> Option<Arc<CertifiedKey>> {
        if let Some(made) = host.certificate.get() {
            return Some(Arc::clone(made));
        }
        // The loopback names are in each certificate, so that a test can come by address.
        let names = vec![host.name.clone(), "localhost".into(), "127.0.0.1".into()];
        let mut params = CertificateParams::new(names).ok()?;
        params
            .distinguished_name
            .push(DnType::CommonName, host.name.as_str());
        let signed = params.signed_by(&self.host_key, &self.issuer).ok()?;
        let chain = vec![CertificateDer::from(signed.der().to_vec())];
        let key = CertifiedKey::new(chain, Arc::clone(&self.signing));
        Some(Arc::clone(host.certificate.get_or_init(|| Arc::new(key))))
    }
}
