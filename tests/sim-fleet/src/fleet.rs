//! The running fleet: the shared listeners, the hosts by name, the accounts.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::auth::{Accounts, Desk};
use crate::host::{Host, HostHandle};
use crate::internet::SimProxy;
use crate::server::{self, tls::Authority};
use crate::spec::{FleetSpec, SpecError};

/// Why a fleet did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The description is no fleet.
    #[error("the fleet description is not usable")]
    Spec(#[from] SpecError),
    /// No listener.
    #[error("cannot listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// No proxy.
    #[error("cannot start the proxy '{name}'")]
    Proxy {
        /// As the description names it.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No certificate.
    #[error("cannot make the certificate authority: {0}")]
    Certificate(String),
}

/// What all connections share.
pub(crate) struct Fleet {
    /// By lower-case name.
    hosts: HashMap<String, Arc<Host>>,
    /// In the order of the description.
    order: Vec<Arc<Host>>,
    default_host: Arc<Host>,
    pub(crate) accounts: Accounts,
    /// The keys of the hosts' services, where tickets are taken.
    desk: Option<Desk>,
    pub(crate) authority: Authority,
    pub(crate) runtime: Handle,
    /// True once the fleet ends.
    pub(crate) end: watch::Sender<bool>,
    pub(crate) connections: AtomicU64,
    pub(crate) peak_connections: AtomicU64,
}

impl Fleet {
    /// The keys, where this host takes tickets: the machines of a workgroup have no KDC.
    pub(crate) fn desk_of(&self, host: &Host) -> Option<&Desk> {
        self.desk
            .as_ref()
            .filter(|_| host.options.kerberos && !host.options.workgroup)
    }

    /// The host of this name; letter case and a port are ignored.
    pub(crate) fn by_name(&self, name: &str) -> Option<&Arc<Host>> {
        self.hosts.get(name.to_lowercase().as_str())
    }

    /// The host a request is for, by its `Host` header.
    pub(crate) fn by_header(&self, header: &str) -> Option<&Arc<Host>> {
        let name = match header.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => header,
        };
        let address = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<std::net::IpAddr>()
            .is_ok();
        match self.by_name(name) {
            Some(host) => Some(host),
            None if address || name.eq_ignore_ascii_case("localhost") => Some(&self.default_host),
            None => None,
        }
    }
}

/// A running fleet. Ends when it is dropped.
pub struct SimFleet {
    fleet: Arc<Fleet>,
    http: SocketAddr,
    https: SocketAddr,
    /// By the address under which hosts know them.
    proxies: BTreeMap<String, SimProxy>,
}

impl SimFleet {
    /// Starts listeners on free ports of 127.0.0.1 and serves from tasks of the current runtime.
    ///
    /// # Errors
    /// The description contradicts itself, or no port is free.
    pub async fn start(mut spec: FleetSpec) -> Result<Self, StartError> {
        spec.settle()?;
        spec.judge_proxies()?;
        let mut proxies = BTreeMap::new();
        for (name, mode) in &spec.proxies {
            let proxy = SimProxy::start(*mode).map_err(|source| StartError::Proxy {
                name: name.clone(),
                source,
            })?;
            proxies.insert(name.clone(), proxy);
        }
        let addresses = proxies.iter();
        let addresses = addresses.map(|(name, proxy)| (name.clone(), proxy.address()));
        spec.lay_out(&addresses.collect());
        let defaults = Arc::new(spec.defaults.clone());
        let sequence = Arc::new(AtomicU64::new(1));
        let mut hosts = HashMap::with_capacity(spec.hosts.len());
        let mut order = Vec::with_capacity(spec.hosts.len());
        for described in &spec.hosts {
            let options = described
                .options
                .clone()
                .map_or_else(|| Arc::clone(&defaults), Arc::new);
            let host = Arc::new(Host::new(
                described,
                options,
                &spec.domain,
                Arc::clone(&sequence),
            ));
            if hosts
                .insert(described.name.to_lowercase(), Arc::clone(&host))
                .is_some()
            {
                return Err(SpecError::Duplicate(described.name.clone()).into());
            }
            order.push(host);
        }
        let default_host = match &spec.default_host {
            Some(name) => hosts
                .get(&name.to_lowercase())
                .ok_or_else(|| SpecError::NoDefaultHost(name.clone()))?,
            None => order.first().ok_or(SpecError::Empty)?,
        };
        let desk = match &spec.kerberos {
            Some(kerberos) => {
                Some(
                    Desk::open(&kerberos.keytab).map_err(|error| SpecError::Keytab {
                        path: kerberos.keytab.display().to_string(),
                        detail: error.to_string(),
                    })?,
                )
            }
            None => None,
        };
        let fleet = Arc::new(Fleet {
            desk,
            default_host: Arc::clone(default_host),
            hosts,
            order,
            accounts: Accounts::new(&spec),
            authority: Authority::new().map_err(StartError::Certificate)?,
            runtime: Handle::current(),
            end: watch::Sender::new(false),
            connections: AtomicU64::new(0),
            peak_connections: AtomicU64::new(0),
        });
        let listen = || async { TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await };
        let (plain, secure) = (
            listen().await.map_err(StartError::Listen)?,
            listen().await.map_err(StartError::Listen)?,
        );
        let http = plain.local_addr().map_err(StartError::Listen)?;
        let https = secure.local_addr().map_err(StartError::Listen)?;
        tokio::spawn(server::accept(
            Arc::clone(&fleet),
            Arc::new(Mutex::new(Some(plain))),
            None,
            false,
        ));
        tokio::spawn(server::accept(
            Arc::clone(&fleet),
            Arc::new(Mutex::new(Some(secure))),
            None,
            true,
        ));
        Ok(Self {
            fleet,
            http,
            https,
            proxies,
        })
    }

    /// The proxies of the description, by the address under which hosts know them.
    pub fn proxies(&self) -> impl Iterator<Item = (&str, &SimProxy)> {
        let proxies = self.proxies.iter();
        proxies.map(|(name, proxy)| (name.as_str(), proxy))
    }

    /// The shared HTTP listener; hosts are told apart by the `Host` header.
    pub fn http_addr(&self) -> SocketAddr {
        self.http
    }

    /// The shared HTTPS listener; hosts are told apart by the server name of TLS.
    pub fn https_addr(&self) -> SocketAddr {
        self.https
    }

    /// The certificate authority of all HTTPS listeners, made at start.
    pub fn ca_pem(&self) -> &str {
        self.fleet.authority.pem()
    }

    /// A host by name.
    ///
    /// # Panics
    /// There is none of this name: a mistake in the test that asks.
    pub fn host(&self, name: &str) -> HostHandle {
        self.find(name)
            .unwrap_or_else(|| panic!("the simulated fleet has no host '{name}'"))
    }

    /// A host by name, where there is one.
    pub fn find(&self, name: &str) -> Option<HostHandle> {
        let host = Arc::clone(self.fleet.by_name(name)?);
        Some(HostHandle {
            host,
            fleet: Arc::clone(&self.fleet),
        })
    }

    /// All hosts in the order of the description.
    pub fn hosts(&self) -> Vec<HostHandle> {
        self.fleet
            .order
            .iter()
            .map(|host| HostHandle {
                host: Arc::clone(host),
                fleet: Arc::clone(&self.fleet),
            })
            .collect()
    }

    /// Messages that prove knowledge of a password, right or wrong, over the whole fleet. Account as `DOMAIN\user`, or
    /// `user` for a local one; letter case is ignored. Unknown accounts are counted under the name that was sent.
    pub fn logon_attempts(&self, account: &str) -> u64 {
        self.fleet.accounts.counts(account).0
    }

    /// Those of them that were refused.
    pub fn failed_logons(&self, account: &str) -> u64 {
        self.fleet.accounts.counts(account).1
    }

    /// Refused logons of all accounts together.
    pub fn failed_logons_total(&self) -> u64 {
        self.fleet.accounts.failed_total()
    }

    /// The largest number of connections that were open at one time.
    pub fn peak_connections(&self) -> u64 {
        self.fleet.peak_connections.load(Ordering::Relaxed)
    }

    /// Ends the fleet: listeners and connections are closed. Dropping does the same.
    pub async fn shutdown(self) {
        self.fleet.end.send_replace(true);
        tokio::task::yield_now().await;
    }
}

impl Drop for SimFleet {
    fn drop(&mut self) {
        self.fleet.end.send_replace(true);
    }
}
