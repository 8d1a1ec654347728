//! The files that TLS needs, read before the first host is contacted: a bad one is a mistake of the inventory, not a
//! failure of hosts.

use std::collections::BTreeSet;
use std::path::Path;

use inventory::{Host, Transport};
use wsman::{TlsConfigs, TlsPolicy};

/// A file that cannot be used.
#[derive(Debug)]
pub struct BrokenFile<'a> {
    /// The first host that needs it.
    pub host: &'a Host,
    /// Names the file, and says what is wrong with it.
    pub why: String,
}

/// Reads each `ca_file` that one of the hosts needs. Sends nothing.
///
/// # Errors
/// The files that cannot be read or hold no certificate.
pub fn files_at_hand<'a>(
    hosts: impl IntoIterator<Item = &'a Host>,
) -> Result<(), Vec<BrokenFile<'a>>> {
    let mut known: BTreeSet<&Path> = BTreeSet::new();
    let mut broken = Vec::new();
    let configs = TlsConfigs::new();
    for host in hosts {
        let settings = &host.settings;
        // A pin decides alone, and without verification no authority is asked.
        let needed = settings.transport.value == Transport::Https
            && settings.tls_verify.value
            && settings.cert_sha256.value.is_none();
        let path = settings.ca_file.value.as_deref().filter(|_| needed);
        let Some(path) = path.filter(|path| known.insert(path)) else {
            continue;
        };
        let policy = TlsPolicy {
            ca_file: Some(path.to_owned()),
            ..TlsPolicy::default()
        };
        if let Err(why) = configs.check(&policy) {
            broken.push(BrokenFile { host, why });
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken)
    }
}
