//! Certificates of the simulated cloud, and of a company that opens TLS.

use std::sync::{Arc, OnceLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Who issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum House {
    /// The service's own.
    Service,
    /// A company's proxy.
    Company,
}

impl House {
    /// Distinguished name of its authority, as .NET writes it.
    pub(crate) fn issuer(self) -> &'static str {
        match self {
            Self::Service => "CN=Simulated TLS Issuing CA, O=Microsoft Corporation, C=US",
            Self::Company => "CN=Microsoft Look-alike Inspection CA, O=Contoso Ltd, C=US",
        }
    }

    fn authority(self) -> Option<&'static CertifiedIssuer<'static, KeyPair>> {
        static SERVICE: OnceLock<Option<CertifiedIssuer<'static, KeyPair>>> = OnceLock::new();
        static COMPANY: OnceLock<Option<CertifiedIssuer<'static, KeyPair>>> = OnceLock::new();
        let cell = match self {
            Self::Service => &SERVICE,
            Self::Company => &COMPANY,
        };
        cell.get_or_init(|| self.found()).as_ref()
    }

    fn found(self) -> Option<CertifiedIssuer<'static, KeyPair>> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let name = &mut params.distinguished_name;
        for part in self.issuer().split(", ") {
            let (kind, text) = part.split_once('=')?;
            let kind = match kind {
                "CN" => DnType::CommonName,
                "O" => DnType::OrganizationName,
                _ => DnType::CountryName,
            };
            name.push(kind, text);
        }
        CertifiedIssuer::self_signed(params, KeyPair::generate().ok()?).ok()
    }

    /// The server side for one name.
    pub(crate) fn server(self, name: &str) -> Option<Arc<ServerConfig>> {
        let key = KeyPair::generate().ok()?;
        let mut params = CertificateParams::new(vec![name.to_owned()]).ok()?;
        params.distinguished_name.push(DnType::CommonName, name);
        let signed = params.signed_by(&key, self.authority()?).ok()?;
        let chain = vec![CertificateDer::from(signed.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).ok()?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .ok()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .ok()?;
        Some(Arc::new(config))
    }
}

/// The client side of a host that trusts these houses.
pub(crate) fn client(trusted: &[House]) -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for house in trusted {
        let der = house.authority()?.der().to_vec();
        roots.add(CertificateDer::from(der)).ok()?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Some(Arc::new(config))
}
