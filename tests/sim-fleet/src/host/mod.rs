//! One simulated host: its registry, its faults, what happened to it. Shared by all its connections.
//!
//! No network here: `server` brings requests, `wsman` carries them out on this state.

mod access;
mod handle;
mod identity;
mod log;
mod points;
pub(crate) mod tasks;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::watch;

use crate::dialect::Dialect;
use crate::knobs::{Knobs, RebootSymptom};
use crate::registry::{BaseFacts, Registry};
use crate::server::OwnListeners;
use crate::server::tls::HostTls;
use crate::shell::Shell;
use crate::spec::{DomainSpec, HostOptions, HostSpec};

pub use handle::HostHandle;
pub(crate) use identity::Identity;
pub(crate) use log::Tally;
pub use log::{Counters, Operation};
pub(crate) use points::{Hit, Points};

/// A host. Cheap while idle: the registry is shared, the certificate is made when TLS is first used.
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) options: Arc<HostOptions>,
    identity: Identity,
    /// What tests count; never decides anything.
    pub(crate) tally: Tally,
    pub(crate) tls: OnceLock<HostTls>,
    /// Changed whenever every open connection has to break.
    pub(crate) kick: watch::Sender<u64>,
    pub(crate) own: Mutex<OwnListeners>,
    /// A lock of its own: asked for also while the state is held.
    dialect: RwLock<Dialect>,
    /// Number of the operation over the whole fleet, shared by all hosts.
    sequence: Arc<AtomicU64>,
    /// Held for the length of one operation on memory, never across an await.
    state: Mutex<State>,
}

/// What changes while the host runs.
pub(crate) struct State {
    pub(crate) registry: Registry,
    pub(crate) knobs: Arc<Knobs>,
    pub(crate) points: Points,
    /// Ids of the last requests: none comes twice (wsman.md 2.2).
    pub(crate) last_ids: VecDeque<String>,
    /// Down until then, and what a client sees of it.
    pub(crate) down: Option<(Instant, RebootSymptom)>,
    pub(crate) booted: jiff::Timestamp,
    pub(crate) log: Vec<Operation>,
    /// By upper-case id.
    pub(crate) shells: HashMap<String, Shell>,
    /// Enumerations in progress, by upper-case id.
    pub(crate) enumerations: HashMap<String, Enumeration>,
    /// Calls of methods that still count, by the connection they came on (`RegistryDialect::calls_count`).
    pub(crate) calls: HashMap<SocketAddr, Calls>,
    /// Files that commands wrote, by lower-case path.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Scheduled tasks of the root folder, by name.
    pub(crate) tasks: BTreeMap<String, tasks::Registered>,
    /// Antivirus' own.
    pub(crate) preferences: Preferences,
}

/// Calls of methods on one connection.
#[derive(Default)]
pub(crate) struct Calls {
    pub(crate) owner: String,
    pub(crate) count: u32,
}

/// The proxies among Antivirus' own preferences; empty: not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `ProxyServer`.
    pub server: String,
    /// `ProxyPacUrl`.
    pub pac_url: String,
    /// `ProxyBypass`.
    pub bypass: Vec<String>,
}

/// An enumeration that was not read to its end.
pub(crate) struct Enumeration {
    pub(crate) owner: String,
    pub(crate) resource: String,
    /// Ready-made items.
    pub(crate) items: VecDeque<String>,
    pub(crate) used: Instant,
    /// The next Pull ends with the operation's timeout.
    pub(crate) late: bool,
    /// The next Pull brings no item.
    pub(crate) nothing: bool,
}

impl State {
    /// Operations of an account that count against its quota: open enumerations, every command ever started in a shell
    /// that is still there, and in some dialects calls of methods.
    pub(crate) fn operations_of(&self, user: &str) -> u32 {
        let shells = self.shells.values().filter(|shell| shell.owner == user);
        let commands: u32 = shells.map(|shell| shell.started).sum();
        let open = self.enumerations.values();
        let open = open.filter(|rest| rest.owner == user).count();
        let calls = self.calls.values().filter(|calls| calls.owner == user);
        let calls: u32 = calls.map(|calls| calls.count).sum();
        commands + calls + u32::try_from(open).unwrap_or(u32::MAX)
    }

    /// What a restart forgets.
    pub(crate) fn forget_sessions(&mut self) {
        self.shells.clear();
        self.enumerations.clear();
        self.calls.clear();
    }
}

impl Host {
    pub(crate) fn new(
        spec: &HostSpec,
        options: Arc<HostOptions>,
        domain: &DomainSpec,
        sequence: Arc<AtomicU64>,
    ) -> Self {
        let identity = Identity::of(&spec.name, &options, domain);
        let mut registry = Registry::fresh(&BaseFacts {
            computer_name: &identity.computer_name,
            dns_name: &spec.name,
            machine_guid: &identity.machine_guid,
            options: &options,
        });
        for seed in &spec.registry {
            let path = crate::registry::KeyPath::parse(&seed.key);
            registry.create(&path);
            if let (Some(name), Some(data)) = (&seed.value, &seed.data) {
                registry.set(&path, name, data.raw());
            }
        }
        let antivirus = options.antivirus.clone().unwrap_or_default();
        Self {
            name: spec.name.clone(),
            options,
            identity,
            tally: Tally::default(),
            tls: OnceLock::new(),
            kick: watch::Sender::new(0),
            own: Mutex::new(OwnListeners::default()),
            dialect: RwLock::new(spec.dialect.unwrap_or_default()),
            sequence,
            state: Mutex::new(State {
                registry,
                knobs: Arc::new(spec.knobs.clone()),
                points: Points::default(),
                last_ids: VecDeque::new(),
                down: None,
                booted: jiff::Timestamp::now(),
                log: Vec::new(),
                shells: HashMap::new(),
                enumerations: HashMap::new(),
                calls: HashMap::new(),
                files: BTreeMap::new(),
                tasks: BTreeMap::new(),
                preferences: Preferences {
                    server: antivirus.proxy_server,
                    pac_url: antivirus.proxy_pac_url,
                    bypass: antivirus.proxy_bypass,
                },
            }),
        }
    }

    /// The state. A poisoned lock is taken over: the test that panicked has its own report.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the host speaks.
    pub(crate) fn dialect(&self) -> Dialect {
        *self.dialect.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_dialect(&self, dialect: Dialect) {
        *self.dialect.write().unwrap_or_else(PoisonError::into_inner) = dialect;
    }

    /// The faults in force.
    pub(crate) fn knobs(&self) -> Arc<Knobs> {
        Arc::clone(&self.state().knobs)
    }

    /// Who the host says it is, another machine's identity included.
    pub(crate) fn identity(&self) -> Identity {
        match &self.knobs().other_machine {
            Some(other) => self.identity.disguised(other),
            None => self.identity.clone(),
        }
    }

    /// The largest envelope the service takes.
    pub(crate) fn max_envelope(&self) -> usize {
        self.options
            .max_envelope_kb
            .unwrap_or(if self.options.legacy { 150 } else { 500 })
            * 1024
    }

    /// How many connections may be open at once.
    pub(crate) fn max_connections(&self) -> u64 {
        let usual = if self.options.legacy { 25 } else { 300 };
        self.options.max_connections.unwrap_or(usual)
    }

    /// How many operations of one account may count at once.
    pub(crate) fn max_operations(&self) -> u32 {
        let usual = if self.options.legacy { 15 } else { 1500 };
        self.options.max_operations.unwrap_or(usual)
    }

    /// Uses up one quota fault; false where there are none left.
    pub(crate) fn quota_left(&self) -> bool {
        let mut state = self.state();
        let first = state.knobs.quota.and_then(|quota| quota.first);
        state.points.quota_used += 1;
        first.is_none_or(|first| state.points.quota_used <= first)
    }

    /// Breaks every open connection.
    pub(crate) fn break_connections(&self) {
        self.kick.send_modify(|generation| *generation += 1);
    }

    /// The symptom, while the host is down.
    pub(crate) fn down(&self) -> Option<RebootSymptom> {
        let mut state = self.state();
        match state.down {
            Some((until, symptom)) if Instant::now() < until => Some(symptom),
            Some(_) => {
                state.down = None;
                state.booted = jiff::Timestamp::now();
                None
            }
            None => None,
        }
    }
}
