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

#[test]
fn what_is_not_offered_is_told_from_what_is() {
    let told = |offered: &[&str]| {
        let offered = offered.iter().map(|scheme| (*scheme).to_owned()).collect();
        let kind = ErrorKind::AuthNotOffered(offered);
        of(&kind, Reason::AuthNotOffered, DOMAIN).unwrap()
    };
    let text = told(&["Negotiate", "Kerberos"]);
    assert!(
        text.starts_with("allow Basic") && text.contains("auth: negotiate"),
        "{text}"
    );
    let text = told(&["Basic"]);
    assert!(
        text.starts_with("allow Negotiate") && text.contains("auth: basic"),
        "{text}"
    );
    assert!(told(&["Kerberos"]).starts_with("use auth: kerberos"));
    assert!(told(&[]).starts_with("allow Negotiate"));
}

#[test]
fn a_bare_name_may_be_an_account_of_the_host() {
    let denied = |account, local_account| {
        let situation = Situation {
            account,
            local_account,
            ..DOMAIN
        };
        let kind = ErrorKind::Registry {
            method: "EnumKey",
            code: 5,
            name: "",
        };
        of(&kind, Reason::AccessDenied, situation).unwrap()
    };
    let filter = "LocalAccountTokenFilterPolicy";
    assert!(denied("operator", false).contains(filter));
    assert!(denied("operator", false).contains("administrator of the host"));
    assert!(denied(".\\operator", true).contains(filter));
    assert!(!denied("CORP\\svc", false).contains(filter));
    assert!(!denied("svc@CORP.EXAMPLE", false).contains(filter));
}

#[test]
fn a_name_server_that_is_down_is_not_the_names_fault() {
    let told = |text: &str| of(&ErrorKind::Dns(text.to_owned()), Reason::Dns, DOMAIN).unwrap();
    let down = "pc-1: failed to lookup address information: Temporary failure in name resolution";
    assert!(
        told(down).contains("name server of this machine"),
        "{}",
        told(down)
    );
    let unknown = "pc-1: failed to lookup address information: Name or service not known";
    assert!(told(unknown).starts_with("check the name"));
}

#[test]
fn every_refused_number_has_a_remedy() {
    let told = |code: u32| {
        let kind = ErrorKind::Registry {
            method: "Set",
            code,
            name: "",
        };
        of(&kind, Reason::Fault, DOMAIN).unwrap()
    };
    assert!(
        told(0x8001_06BA).contains("WinDefend"),
        "{}",
        told(0x8001_06BA)
    );
    for meaning in wsman_proto::fault::meanings() {
        assert_eq!(told(meaning.code), meaning.remedy);
    }
    assert!(
        told(1016).contains("certutil -error 0x000003f8"),
        "{}",
        told(1016)
    );
}

/// Numbers that no table has, and faults without any, are no dead end.
#[test]
fn every_fault_has_a_remedy() {
    let told = |code: u32| {
        let fault = wsman::Fault {
            code,
            subcode: "InternalError".to_owned(),
            action: String::new(),
            name: "unknown",
            cause: String::new(),
            machine: String::new(),
            detail: String::new(),
            provider: String::new(),
            retry: wsman::Retry::No,
            remedy: None,
            wmi_status: None,
            cim_status: None,
        };
        of(&ErrorKind::Fault(Box::new(fault)), Reason::Fault, DOMAIN).unwrap()
    };
    let text = told(0x8033_FFFF);
    assert!(text.contains("certutil -error 0x8033ffff"), "{text}");
    let text = told(0);
    assert!(text.contains("the host's own words"), "{text}");
}

#[test]
fn what_broke_off_over_tls_is_not_to_be_mended_by_tls() {
    let told = |tls| {
        let situation = Situation { tls, ..DOMAIN };
        of(&ErrorKind::Http(500), Reason::Protocol, situation).unwrap()
    };
    assert!(told(false).contains("transport: https"), "{}", told(false));
    assert!(!told(true).contains("transport: https"), "{}", told(true));
    assert!(told(true).contains("event log"), "{}", told(true));
}

#[test]
fn a_ticket_with_an_old_key_needs_new_keys_or_tls() {
    let kind = ErrorKind::Kerberos(wsman::KerberosError {
        problem: wsman::KerberosProblem::WeakKey,
        detail: String::new(),
    });
    let text = of(&kind, Reason::SealingRefused, DOMAIN).unwrap();
    assert!(
        text.contains("AES keys") && text.contains("transport: https"),
        "{text}"
    );
    assert!(!text.contains("does not take sealed messages"), "{text}");
}
