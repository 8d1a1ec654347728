//! The right machine (product promise 9): what a peer proved about itself, held against the inventory.
//!
//! Pure: takes names, gives a verdict. Reading the names is `wsman`'s business, acting on them the fleet's.

use inventory::HostName;

/// The length at which Windows cuts a computer name for its NetBIOS form.
const NETBIOS_LENGTH: usize = 15;

/// What the connection says about who answers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Proof<'a> {
    /// NetBIOS computer name of the NTLM challenge.
    pub(crate) computer_name: Option<&'a str>,
    /// DNS computer name of the NTLM challenge.
    pub(crate) dns_name: Option<&'a str>,
    /// A certificate for the inventory's name was verified, or its hash was pinned.
    pub(crate) certificate: bool,
    /// A Kerberos ticket for the name of the inventory (or the one given as `spn_name`): only that machine reads it.
    pub(crate) service: bool,
}

/// Why the peer is not taken for the host of the inventory.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WrongHost {
    #[error("the machine that answers calls itself '{found}', the inventory says '{wanted}'")]
    Other { found: String, wanted: String },
    #[error(
        "nothing proves that '{wanted}' answers: the authentication carries no computer name and no certificate was verified"
    )]
    Unproved { wanted: String },
}

/// Compares. A name in the challenge decides even where a certificate was verified: a wildcard certificate fits
/// many machines.
pub(crate) fn verify(name: &HostName, proof: Proof<'_>) -> Result<(), WrongHost> {
    let wanted = name.as_str().trim_end_matches('.').to_lowercase();
    let short = wanted.split('.').next().unwrap_or(&wanted);
    let computer = proof
        .computer_name
        .map(fold)
        .filter(|text| !text.is_empty());
    let dns = proof.dns_name.map(fold).filter(|text| !text.is_empty());
    let other = |found: &str| WrongHost::Other {
        found: found.to_owned(),
        wanted: wanted.clone(),
    };

    if let Some(dns) = &dns {
        // A machine outside any domain has a DNS name of one label; a short name in the inventory says nothing
        // about the domain. In both cases the first label is all there is to compare.
        let both_full = wanted.contains('.') && dns.contains('.');
        let first = dns.split('.').next().unwrap_or(dns);
        if both_full && *dns != wanted || !both_full && first != short {
            return Err(other(dns));
        }
    }
    if let Some(computer) = &computer
        && !netbios_fits(short, computer)
    {
        return Err(other(computer));
    }
    if computer.is_none() && dns.is_none() && !proof.certificate && !proof.service {
        return Err(WrongHost::Unproved { wanted });
    }
    Ok(())
}

fn fold(name: &str) -> String {
    name.trim().trim_end_matches('.').to_lowercase()
}

fn netbios_fits(short: &str, computer: &str) -> bool {
    if short.chars().count() > NETBIOS_LENGTH {
        short.chars().take(NETBIOS_LENGTH).eq(computer.chars())
    } else {
        short == computer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, computer: &str, dns: &str, right: bool) {
        let proof = Proof {
            computer_name: (!computer.is_empty()).then_some(computer),
            dns_name: (!dns.is_empty()).then_some(dns),
            ..Proof::default()
        };
        assert_eq!(
            verify(&HostName::new(name), proof).is_ok(),
            right,
            "{name} {computer} {dns}"
        );
    }

    #[test]
    fn names_compare_without_case() {
        check(
            "pc-0001.corp.example",
            "PC-0001",
            "PC-0001.Corp.Example",
            true,
        );
        check("PC-0001", "pc-0001", "pc-0001.corp.example", true);
        check("pc-0001.corp.example.", "PC-0001", "", true);
        check("pc-0001", "", "pc-0001.corp.example", true);
    }

    #[test]
    fn another_machine_is_refused() {
        check(
            "pc-0001.corp.example",
            "PC-0002",
            "pc-0002.corp.example",
            false,
        );
        check(
            "pc-0001.corp.example",
            "PC-0001",
            "pc-0001.other.example",
            false,
        );
        check("pc-0001.corp.example", "PC-0002", "", false);
        check("pc-0001", "", "pc-0002.corp.example", false);
        check("pc-0001", "PC-00011", "", false);
        check("10.1.2.3", "PC-0001", "pc-0001.corp.example", false);
    }

    #[test]
    fn a_machine_outside_a_domain_has_one_label() {
        check("pc-0001.lab", "PC-0001", "PC-0001", true);
        check("pc-0001.lab", "PC-0002", "PC-0002", false);
    }

    #[test]
    fn long_names_are_cut_at_fifteen() {
        check(
            "workstation-00017.corp.example",
            "WORKSTATION-000",
            "workstation-00017.corp.example",
            true,
        );
        check(
            "workstation-00017.corp.example",
            "WORKSTATION-000",
            "workstation-00018.corp.example",
            false,
        );
        check("workstation-00017", "WORKSTATION-000", "", true);
        check("workstation-00017", "WORKSTATION", "", false);
        check("workstation-001", "WORKSTATION-00", "", false);
    }

    #[test]
    fn without_a_name_only_a_verified_certificate_proves() {
        let name = HostName::new("pc-0001.corp.example");
        let nothing = Proof::default();
        assert!(matches!(
            verify(&name, nothing),
            Err(WrongHost::Unproved { .. })
        ));
        assert!(
            verify(
                &name,
                Proof {
                    certificate: true,
                    ..nothing
                }
            )
            .is_ok()
        );
        let ticket = Proof {
            service: true,
            ..nothing
        };
        assert!(verify(&name, ticket).is_ok());
        let wildcard = Proof {
            certificate: true,
            computer_name: Some("PC-2"),
            ..nothing
        };
        assert!(matches!(
            verify(&name, wildcard),
            Err(WrongHost::Other { .. })
        ));
    }
}
