//! The files that TLS needs, read before the first host is contacted: a bad one is a mistake of the inventory, not a
//! failure of hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use inventory::{Credential, Host, PasswordSource, Transport};
use wsman::{ClientCertificate, TlsConfigs, TlsPolicy};

/// Who needs a file that cannot be used.
#[derive(Debug)]
pub enum Needs<'a> {
    /// Verification of this host, and of others perhaps: the `ca_file`, or the machine's own authorities.
    Host(&'a Host),
    /// This account: its client certificate, or the key.
    Credential(&'a Credential),
}

/// A file that cannot be used.
#[derive(Debug)]
pub struct BrokenFile<'a> {
    /// The first that needs it.
    pub needs: Needs<'a>,
    /// Names the file, and says what is wrong with it.
    pub why: String,
}

/// Reads each file of TLS that one of the hosts or their accounts needs: authorities, client certificates and keys.
/// Sends nothing and asks for no password.
///
/// # Errors
/// The files that cannot be read or do not hold what they should, each once.
pub fn files_at_hand<'a>(
    hosts: impl IntoIterator<Item = (&'a Host, Option<&'a Credential>)>,
) -> Result<(), Vec<BrokenFile<'a>>> {
    let mut authorities: BTreeSet<Option<&Path>> = BTreeSet::new();
    let mut accounts: BTreeMap<&str, &Credential> = BTreeMap::new();
    let mut broken = Vec::new();
    let configs = TlsConfigs::new();
    for (host, credential) in hosts {
        if let Some(credential) = credential {
            accounts.entry(&credential.name).or_insert(credential);
        }
        let settings = &host.settings;
        // A pin decides alone, and without verification no authority is asked.
        let verified = settings.transport.value == Transport::Https
            && settings.tls_verify.value
            && settings.cert_sha256.value.is_none();
        let ca_file = settings.ca_file.value.as_deref();
        if !verified || !authorities.insert(ca_file) {
            continue;
        }
        let policy = TlsPolicy {
            ca_file: ca_file.map(Path::to_owned),
            ..TlsPolicy::default()
        };
        if let Err(why) = configs.check(&policy) {
            let needs = Needs::Host(host);
            broken.push(BrokenFile { needs, why });
        }
    }
    for credential in accounts.into_values() {
        let PasswordSource::Certificate { certificate, key } = credential.password.clone() else {
            continue;
        };
        if let Err(why) = configs.check_identity(&ClientCertificate { certificate, key }) {
            let needs = Needs::Credential(credential);
            broken.push(BrokenFile { needs, why });
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken)
    }
}
