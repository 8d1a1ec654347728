//! A scripted fleet: hosts as maps of values, each with a script of misfortunes. For tests of the engine, here and in
//! other crates (feature `testing`); never part of the product.
//!
//! No network, no other thread, no random number and no clock but tokio's: under a paused clock two runs of the same
//! script are the same run, and a slow host costs nothing. `host.rs` has the scripts, `session.rs` the fleet's
//! sessions, `spec.rs` the input of a run over such hosts, `dice.rs` schedules from a seed.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; nothing of this is in the product"
)]

mod dice;
mod host;
mod session;
mod spec;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use inventory::HostName;
use playbooks::{RawValue, Target};

pub use dice::Dice;
pub use host::{Counters, Fault, Host, Point, Registry, Script};
pub use session::ScriptedSession;
pub use spec::{PLAYBOOK, host_name, old_proxy, push, push_of};

/// Looks at each write just before it is carried out.
pub type Watch = Arc<dyn Fn(&HostName, &Target) + Send + Sync>;

/// Told of each attempt to connect just before it is made.
pub type Doorman = Arc<dyn Fn(&HostName) + Send + Sync>;

/// A fleet of scripted hosts. Clones share the hosts, so that a second controller finds what the first one left.
#[derive(Clone)]
pub struct Scripted {
    // One lock for all: held for the length of a map access, never over an await.
    hosts: Arc<Mutex<BTreeMap<HostName, Host>>>,
    watch: Watch,
    doorman: Doorman,
}

impl Scripted {
    /// The hosts that [`push`] names, with these scripts in order.
    pub fn of(scripts: impl IntoIterator<Item = Script>) -> Self {
        let hosts = scripts.into_iter().enumerate();
        Self::new(hosts.map(|(number, script)| (host_name(number), script)))
    }

    /// Hosts by name.
    pub fn new(scripts: impl IntoIterator<Item = (HostName, Script)>) -> Self {
        let hosts = scripts.into_iter();
        let hosts = hosts.map(|(name, script)| (name, Host::new(script)));
        Self {
            hosts: Arc::new(Mutex::new(hosts.collect())),
            watch: Arc::new(|_, _| ()),
            doorman: Arc::new(|_| ()),
        }
    }

    /// Lets somebody look at each write just before it is carried out.
    #[must_use]
    pub fn watched(mut self, watch: impl Fn(&HostName, &Target) + Send + Sync + 'static) -> Self {
        self.watch = Arc::new(watch);
        self
    }

    /// Lets somebody know of each attempt to connect just before it is made.
    #[must_use]
    pub fn guarded(mut self, doorman: impl Fn(&HostName) + Send + Sync + 'static) -> Self {
        self.doorman = Arc::new(doorman);
        self
    }

    /// Looks at a host, or changes it, between two requests of a controller.
    pub fn with<T>(&self, name: &HostName, act: impl FnOnce(&mut Host) -> T) -> T {
        act(self.lock().get_mut(name).unwrap())
    }

    /// All registries, in the order of the names.
    pub fn registries(&self) -> Vec<Registry> {
        let hosts = self.lock();
        hosts.values().map(|host| host.registry.clone()).collect()
    }

    /// Somebody else sets a value on the nth host.
    pub fn plant(&self, host: usize, (target, value): (Target, RawValue)) {
        let mut hosts = self.lock();
        let host = hosts.values_mut().nth(host).unwrap();
        host.registry.set(&target, value);
    }

    /// What was asked of all hosts so far, in the order of the names.
    pub fn counters(&self) -> Vec<Counters> {
        self.lock().values().map(|host| host.counters).collect()
    }

    /// Hosts with an open connection at this moment.
    pub fn connected(&self) -> usize {
        let open = |host: &&Host| host.counters.connected > 0;
        self.lock().values().filter(open).count()
    }

    /// A fleet of its own in the same state, with nobody connected: what a controller that died leaves behind.
    pub fn fork(&self) -> Self {
        let mut hosts = self.lock().clone();
        for host in hosts.values_mut() {
            host.counters.connected = 0;
        }
        Self {
            hosts: Arc::new(Mutex::new(hosts)),
            watch: Arc::clone(&self.watch),
            doorman: Arc::clone(&self.doorman),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<HostName, Host>> {
        // A scripted panic happens outside the lock; a failed assertion of a watcher must not hide behind it.
        self.hosts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
