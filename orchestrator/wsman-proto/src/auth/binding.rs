//! Channel bindings of type `tls-server-end-point` (RFC 5929 section 4, wsman.md 5.5).

use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::signature_algorithm::SignatureAlgorithm;

/// Hash of the server's certificate (DER), by the hash of its signature algorithm. MD5 and SHA-1 become SHA-256;
/// so does everything without a hash of its own.
pub fn end_point_hash(certificate: &[u8]) -> Vec<u8> {
    let algorithm = X509Certificate::from_der(certificate)
        .ok()
        .map(|(_, parsed)| {
            let identifier = &parsed.signature_algorithm;
            match SignatureAlgorithm::try_from(identifier) {
                Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => {
                    parameters.hash_algorithm_oid().to_id_string()
                }
                _ => identifier.algorithm.to_id_string(),
            }
        });
    match algorithm.as_deref().unwrap_or_default() {
        // sha224WithRSA, ecdsa-with-SHA224, SHA-224 of PSS; and so on.
        "1.2.840.113549.1.1.14" | "1.2.840.10045.4.3.1" | "2.16.840.1.101.3.4.2.4" => {
            Sha224::digest(certificate).to_vec()
        }
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" | "2.16.840.1.101.3.4.2.2" => {
            Sha384::digest(certificate).to_vec()
        }
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" | "2.16.840.1.101.3.4.2.3" => {
            Sha512::digest(certificate).to_vec()
        }
        _ => Sha256::digest(certificate).to_vec(),
    }
}

/// Types, lengths and offsets in front of the data of a `SEC_CHANNEL_BINDINGS`.
const HEADER: u32 = 32;

/// `SEC_CHANNEL_BINDINGS` with that hash, as Windows and the NTLM library take it.
pub fn channel_bindings(hash: &[u8]) -> Vec<u8> {
    let data = [b"tls-server-end-point:".as_slice(), hash].concat();
    let length = u32::try_from(data.len()).expect("a hash is some bytes long");
    // Types, lengths and offsets of initiator and acceptor address: none.
    let mut bindings = vec![0; 24];
    bindings.extend(length.to_le_bytes());
    bindings.extend(HEADER.to_le_bytes());
    bindings.extend(data);
    bindings
}

/// The data in a structure of [`channel_bindings`]: all that GSSAPI wants of it.
pub fn application_data(bindings: &[u8]) -> &[u8] {
    bindings.get(HEADER as usize..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256, Sha384};

    use super::{application_data, channel_bindings, end_point_hash};

    #[test]
    fn the_hash_follows_the_signature_of_the_certificate() {
        let make = |algorithm| {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            rcgen::CertificateParams::new(vec!["h".to_owned()])
                .unwrap()
                .self_signed(&key)
                .unwrap()
                .der()
                .to_vec()
        };
        let small = make(&rcgen::PKCS_ECDSA_P256_SHA256);
        assert_eq!(end_point_hash(&small), Sha256::digest(&small).to_vec());
        let large = make(&rcgen::PKCS_ECDSA_P384_SHA384);
        assert_eq!(end_point_hash(&large), Sha384::digest(&large).to_vec());
        let without_hash = make(&rcgen::PKCS_ED25519);
        assert_eq!(
            end_point_hash(&without_hash),
            Sha256::digest(&without_hash).to_vec()
        );
        assert_eq!(
            end_point_hash(b"no certificate"),
            Sha256::digest(b"no certificate").to_vec()
        );
    }

    #[test]
    fn the_structure_has_its_header() {
        let bindings = channel_bindings(&[7; 32]);
        assert_eq!(bindings.len(), 32 + 21 + 32);
        assert_eq!(bindings[24..32], [53, 0, 0, 0, 32, 0, 0, 0]);
        let data = [b"tls-server-end-point:".as_slice(), &[7; 32]].concat();
        assert_eq!(application_data(&bindings), data);
        assert_eq!(application_data(&[]), b"");
    }
}
