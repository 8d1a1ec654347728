//! Who a host says it is: the names in the NTLM challenge and in WMI, and its `MachineGuid`.

use sha2::{Digest, Sha256};

use crate::knobs::OtherMachine;
use crate::spec::{DomainSpec, HostOptions};

/// The names of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// NetBIOS name.
    pub(crate) computer_name: String,
    /// Full DNS name.
    pub(crate) dns_name: String,
    /// NetBIOS name of the domain; the computer's own in a workgroup.
    pub(crate) netbios_domain: String,
    /// DNS name of the domain; empty in a workgroup.
    pub(crate) dns_domain: String,
    /// `SOFTWARE\Microsoft\Cryptography`, `MachineGuid`.
    pub(crate) machine_guid: String,
}

impl Identity {
    pub(super) fn of(name: &str, options: &HostOptions, domain: &DomainSpec) -> Self {
        let label = name.split('.').next().unwrap_or(name);
        let computer_name = options
            .computer_name
            .clone()
            .unwrap_or_else(|| label.to_uppercase().chars().take(15).collect());
        let (netbios_domain, dns_domain) = if options.workgroup {
            (computer_name.clone(), String::new())
        } else {
            (domain.netbios.clone(), domain.dns.clone())
        };
        let machine_guid = options
            .machine_guid
            .clone()
            .unwrap_or_else(|| guid_of(&name.to_lowercase()));
        Self {
            computer_name,
            dns_name: name.to_string(),
            netbios_domain,
            dns_domain,
            machine_guid,
        }
    }

    /// The same listener with another machine behind it.
    pub(super) fn disguised(&self, other: &OtherMachine) -> Self {
        let computer_name = other.computer_name.clone();
        let dns_name = match self.dns_domain.as_str() {
            "" => computer_name.to_lowercase(),
            domain => format!("{}.{domain}", computer_name.to_lowercase()),
        };
        let machine_guid = other
            .machine_guid
            .clone()
            .unwrap_or_else(|| guid_of(&dns_name));
        let netbios_domain = if self.dns_domain.is_empty() {
            computer_name.clone()
        } else {
            self.netbios_domain.clone()
        };
        Self {
            computer_name,
            dns_name,
            netbios_domain,
            dns_domain: self.dns_domain.clone(),
            machine_guid,
        }
    }
}

fn guid_of(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}
