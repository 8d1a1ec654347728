//! What is recommended, and what is not.

use rollout::Reason;
use wsman::{ErrorKind, NtlmProof};

use super::{of, refused_ntlm};
use crate::error::Situation;

const DOMAIN: Situation<'_> = Situation {
    wrote: false,
    local_account: false,
    tls: false,
    port: 5985,
    account: "CORP\\svc",
};

fn proof(no_kerberos: Option<&str>) -> NtlmProof {
    NtlmProof {
        service: "HTTP/pc-1".to_owned(),
        bound: false,
        no_kerberos: no_kerberos.map(str::to_owned),
    }
}

#[test]
fn kerberos_that_has_just_failed_is_not_recommended() {
    let recommended = "auth: kerberos with the full DNS name";
    let text = refused_ntlm(&proof(None), DOMAIN);
    assert!(text.contains(recommended), "{text}");
    let text = refused_ntlm(&proof(Some("no KDC")), DOMAIN);
    assert!(!text.contains(recommended), "{text}");
    assert!(text.contains("which was not possible"), "{text}");

    let refused = |why: Option<&str>| ErrorKind::NtlmRefused {
        offered: Vec::new(),
        no_kerberos: why.map(str::to_owned),
    };
    let text = of(&refused(None), Reason::AuthNotOffered, DOMAIN).unwrap();
    assert!(text.starts_with("use auth: kerberos"), "{text}");
    let text = of(&refused(Some("no KDC")), Reason::AuthNotOffered, DOMAIN).unwrap();
    assert!(!text.starts_with("use auth: kerberos"), "{text}");
    assert!(text.contains("a domain controller"), "{text}");
}
