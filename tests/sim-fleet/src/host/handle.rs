//! What a test sees of one host.

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Counters, Host, Operation, Points, Preferences};
use crate::dialect::Dialect;
use crate::fleet::Fleet;
use crate::knobs::Knobs;
use crate::registry::{Deleted, KeyPath, RawValue, RegistrySnapshot};

/// A host of a running fleet: look at it and change it behind the client's back. Cheap to clone.
#[derive(Clone)]
pub struct HostHandle {
    pub(crate) host: Arc<Host>,
    pub(crate) fleet: Arc<Fleet>,
}

impl HostHandle {
    /// Full DNS name.
    pub fn name(&self) -> &str {
        &self.host.name
    }

    /// NetBIOS name, as the NTLM challenge says it.
    pub fn computer_name(&self) -> String {
        self.host.identity().computer_name
    }

    /// `MachineGuid` as a client reads it.
    pub fn machine_guid(&self) -> String {
        self.host.identity().machine_guid
    }

    /// The whole registry as comparable data.
    pub fn registry(&self) -> RegistrySnapshot {
        self.host.state().registry.snapshot()
    }

    /// One value. Keys are below HKLM unless they start with a hive.
    pub fn value(&self, key: &str, name: &str) -> Option<RawValue> {
        self.host
            .state()
            .registry
            .value(&KeyPath::parse(key), name)
            .cloned()
    }

    /// True where the key is there.
    pub fn key_exists(&self, key: &str) -> bool {
        self.host
            .state()
            .registry
            .key(&KeyPath::parse(key))
            .is_some()
    }

    /// Sets a value of any type and bytes; creates the key. Counts as no operation.
    pub fn set_value(&self, key: &str, name: &str, value: RawValue) {
        self.host.state().registry.put(key, name, value);
    }

    /// What `netsh winhttp set advproxy` would have put into its store. Counts as no operation.
    pub fn set_advproxy(&self, json: &str) {
        let files = &mut self.host.state().files;
        files.insert(crate::cmd::ADVPROXY.into(), json.as_bytes().to_vec());
    }

    /// Deletes a value; true where it was there.
    pub fn delete_value(&self, key: &str, name: &str) -> bool {
        self.host
            .state()
            .registry
            .delete_value(&KeyPath::parse(key), name)
            == Deleted::Done
    }

    /// Creates a key with its parents.
    pub fn create_key(&self, key: &str) {
        self.host.state().registry.create(&KeyPath::parse(key));
    }

    /// Deletes a key with everything below it; true where it was there.
    pub fn delete_key(&self, key: &str) -> bool {
        self.host.state().registry.delete_tree(&KeyPath::parse(key)) == Deleted::Done
    }

    /// Names of the scheduled tasks of the root folder.
    pub fn tasks(&self) -> Vec<String> {
        self.host.state().tasks.keys().cloned().collect()
    }

    /// The proxies among Antivirus' own preferences.
    pub fn preferences(&self) -> Preferences {
        self.host.state().preferences.clone()
    }

    /// Sets them. Counts as no operation.
    pub fn set_preferences(&self, preferences: Preferences) {
        self.host.state().preferences = preferences;
    }

    /// Counters since the fleet started.
    pub fn counters(&self) -> Counters {
        let shells_open = self.host.state().shells.len() as u64;
        Counters {
            shells_open,
            ..self.host.tally.read()
        }
    }

    /// Every operation so far, oldest first.
    pub fn operations(&self) -> Vec<Operation> {
        self.host.state().log.clone()
    }

    /// The operations that tried to change something.
    pub fn writes(&self) -> Vec<Operation> {
        self.host
            .state()
            .log
            .iter()
            .filter(|operation| operation.write)
            .cloned()
            .collect()
    }

    /// The faults in force.
    pub fn knobs(&self) -> Knobs {
        (*self.host.knobs()).clone()
    }

    /// Replaces all faults; every point and every `first` counts from now. `Knobs::default()` heals the host.
    pub fn set_knobs(&self, knobs: Knobs) {
        {
            let mut state = self.host.state();
            state.knobs = Arc::new(knobs);
            state.points = Points::default();
            state.down = None;
        }
        crate::server::own::adjust(&self.fleet, &self.host);
    }

    /// Changes some faults and keeps the others; counts start anew.
    pub fn change_knobs(&self, change: impl FnOnce(&mut Knobs)) {
        let mut knobs = self.knobs();
        change(&mut knobs);
        self.set_knobs(knobs);
    }

    /// How the host speaks.
    pub fn dialect(&self) -> Dialect {
        self.host.dialect()
    }

    /// The host speaks another dialect from now on.
    pub fn set_dialect(&self, dialect: Dialect) {
        self.host.set_dialect(dialect);
    }

    /// Resets every open connection of this host.
    pub fn break_connections(&self) {
        self.host.break_connections();
    }

    /// An HTTP listener that is this host's alone, opened at the first call. With `refuse` nobody listens there.
    ///
    /// # Panics
    /// No port of 127.0.0.1 is free.
    pub fn own_address(&self) -> SocketAddr {
        crate::server::own::address(&self.fleet, &self.host, false)
    }

    /// The same with TLS.
    ///
    /// # Panics
    /// No port of 127.0.0.1 is free.
    pub fn own_https_address(&self) -> SocketAddr {
        crate::server::own::address(&self.fleet, &self.host, true)
    }
}

impl std::fmt::Debug for HostHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HostHandle").field(&self.host.name).finish()
    }
}
