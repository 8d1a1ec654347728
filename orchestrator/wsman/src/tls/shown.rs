//! The certificate that the client shows, and whether a host asked for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::credentials::ClientCertificate;

/// Reads both files. The texts name the file and never show what is in it.
pub(super) fn read(files: &ClientCertificate) -> Result<CertifiedKey, String> {
    let bytes = |path: &Path| {
        std::fs::read(path)
            .map(zeroize::Zeroizing::new)
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    let shown = files.certificate.display();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes(&files.certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("client certificate {shown}: {error}"))?;
    if chain.is_empty() {
        return Err(format!("client certificate {shown}: no certificate in it"));
    }
    let shown = files.key.display();
    let pem = bytes(&files.key)?;
    if pem.windows(9).any(|part| part == b"ENCRYPTED") {
        return Err(format!(
            "private key {shown}: it is encrypted; keep it unencrypted in a file that only you can read"
        ));
    }
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| format!("private key {shown}: no private key in PEM form"))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => format!(
            "private key {shown} is not the key of {}",
            files.certificate.display()
        ),
        other => format!("private key {shown}: {other}"),
    })
}

/// Shows the certificate to whoever asks, and remembers that somebody did. One per connection.
#[derive(Debug)]
pub(crate) struct Shown {
    identity: Arc<CertifiedKey>,
    asked: Arc<AtomicBool>,
}

impl Shown {
    pub(crate) fn new(identity: Arc<CertifiedKey>) -> Self {
        Self {
            identity,
            asked: Arc::default(),
        }
    }

    /// True from the moment in which the host asked.
    pub(crate) fn asked(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.asked)
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(
        &self,
        _authorities: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Release);
        Some(Arc::clone(&self.identity))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
