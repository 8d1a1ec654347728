//! TLS configurations, shared by all sessions of a run: reading the system's roots for each host would cost more
//! than the handshake.

mod problem;
mod shown;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest as _, Sha256};

use crate::credentials::ClientCertificate;
use crate::endpoint::TlsPolicy;
pub(crate) use problem::judge;
pub use problem::{TlsError, TlsProblem};
pub(crate) use shown::Shown;

/// TLS configurations of a run, made once per policy. Cheap to share, never to make per host.
#[derive(Debug, Default)]
pub struct TlsConfigs {
    // A lock and not a channel: held for a map look-up, and once per policy while files are read.
    made: Mutex<HashMap<TlsPolicy, Arc<ClientConfig>>>,
    // The same, for client certificates.
    identities: Mutex<HashMap<ClientCertificate, Arc<CertifiedKey>>>,
}

impl TlsConfigs {
    /// Nothing is read until a policy is used for the first time.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads what a policy needs (CA file, system roots) without contacting anything, so that a bad file is an error
    /// before the first host. The text names the file.
    pub fn check(&self, policy: &TlsPolicy) -> Result<(), String> {
        self.config(policy).map(|_| ())
    }

    /// The same for a client certificate and its key: whether both can be read and belong together.
    pub fn check_identity(&self, files: &ClientCertificate) -> Result<(), String> {
        self.identity(files).map(|_| ())
    }

    /// The client certificate of two files, read once.
    pub(crate) fn identity(&self, files: &ClientCertificate) -> Result<Arc<CertifiedKey>, String> {
        let mut identities = self
            .identities
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(identity) = identities.get(files) {
            return Ok(Arc::clone(identity));
        }
        let identity = Arc::new(shown::read(files)?);
        identities.insert(files.clone(), Arc::clone(&identity));
        Ok(identity)
    }

    pub(crate) fn config(&self, policy: &TlsPolicy) -> Result<Arc<ClientConfig>, String> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = made.get(policy) {
            return Ok(Arc::clone(config));
        }
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = if policy.pin.is_some() || !policy.verify {
            Arc::new(WithoutChain {
                pin: policy.pin,
                provider: Arc::clone(&provider),
            })
        } else {
            let roots = Arc::new(roots(policy.ca_file.as_deref())?);
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()
                .map_err(|error| format!("no usable certificate authorities: {error}"))?
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        // NTLM is bound to a connection: HTTP/2 must not be offered.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // One connection per host: there is nothing to resume, and each connection is to be judged anew.
        config.resumption = Resumption::disabled();
        let config = Arc::new(config);
        made.insert(policy.clone(), Arc::clone(&config));
        Ok(config)
    }
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (added, ignored) = store.add_parsable_certificates(system.certs);
    tracing::debug!(
        added,
        ignored,
        errors = system.errors.len(),
        "system roots read"
    );
    if let Some(path) = ca_file {
        let shown = PathBuf::from(path);
        let broken = |detail: String| format!("CA file {}: {detail}", shown.display());
        let pem = std::fs::read(path).map_err(|error| broken(error.to_string()))?;
        let mut any = false;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| broken(error.to_string()))?;
            store
                .add(certificate)
                .map_err(|error| broken(error.to_string()))?;
            any = true;
        }
        if !any {
            return Err(broken("no certificate in it".to_owned()));
        }
    }
    Ok(store)
}

/// Judges the leaf by its hash, or not at all; handshake signatures are checked in both cases, so that whoever
/// answers owns the key of the certificate it shows.
#[derive(Debug)]
struct WithoutChain {
    pin: Option<[u8; 32]>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for WithoutChain {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.pin {
            Some(pin) if Sha256::digest(leaf).as_slice() != pin => {
                Err(problem::NotPinned(hex::encode(Sha256::digest(leaf))).into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
