//! What a fleet consists of: accounts, hosts, their software and their prior values. Read from YAML or made in code.
//!
//! Describes only; nothing here is running. `fleet` turns it into hosts. `made_up` invents plausible ones.

mod account;
mod host;
mod made_up;
mod profile;
mod surroundings;
mod tls;
mod value;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;

use crate::dialect::Dialect;
use crate::internet::ProxyMode;
use crate::knobs::{FaultRule, Faults};
pub use account::{Account, Rights};
pub use host::{ChannelBinding, Hardening, HostOptions, HostSpec, Language, OsSpec, SensorSpec};
pub use profile::PROFILES;
pub use surroundings::{AdapterSpec, AntivirusSpec, NetworkSpec, PolicySpec, Role};
pub use tls::{ClientCertificates, HostCertificate, TlsSpec, TlsVersion};
pub use value::{SeedData, SeedValue};

/// A whole fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FleetSpec {
    /// The Active Directory domain the hosts belong to.
    pub domain: DomainSpec,
    /// The keys of the hosts' services; absent: no host takes Kerberos tickets.
    pub kerberos: Option<KerberosSpec>,
    /// Who may log on. Without any: `CORP\operator`, password `Sim-Passw0rd!`.
    pub accounts: Vec<Account>,
    /// Failed logons in a row after which an account is locked for good. Absent: never.
    pub lockout_after: Option<u32>,
    /// Who answers requests whose `Host` is an IP address or `localhost`; the first host when absent.
    pub default_host: Option<String>,
    /// Proxies that are started on loopback with the fleet, by the `host:port` under which hosts know them; `*` is every
    /// address that a host does not know otherwise. What a host's own `network.proxies` names wins.
    pub proxies: BTreeMap<String, ProxyMode>,
    /// Options of every host that does not say otherwise.
    pub defaults: HostOptions,
    /// Each host without a dialect of its own speaks one drawn from this seed and its name.
    pub dialect_seed: Option<u64>,
    /// The hosts.
    pub hosts: Vec<HostSpec>,
    /// Further hosts, made up.
    pub made_up: Option<MadeUp>,
    /// Faults by pattern.
    pub faults: Vec<FaultRule>,
}

/// Asks for made-up hosts in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeUp {
    /// How many.
    pub count: usize,
    /// Decides their prior states.
    #[serde(default)]
    pub seed: u64,
}

/// Kerberos for a whole fleet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KerberosSpec {
    /// A keytab with the keys of `HTTP/NAME` (or `WSMAN/`, `HOST/`) of each host that is to take tickets. Read once, when
    /// the fleet starts.
    pub keytab: std::path::PathBuf,
}

/// The domain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DomainSpec {
    /// NetBIOS name, e.g. `CORP`.
    pub netbios: String,
    /// DNS name, e.g. `corp.example`.
    pub dns: String,
}

impl Default for DomainSpec {
    fn default() -> Self {
        Self {
            netbios: "CORP".into(),
            dns: "corp.example".into(),
        }
    }
}

/// Why a description is no fleet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// Not the YAML that is expected; the text has line and column.
    #[error("{0}")]
    Yaml(String),
    /// Two hosts of one name.
    #[error("host '{0}' is described twice")]
    Duplicate(String),
    /// No host at all.
    #[error("the fleet has no host")]
    Empty,
    /// The default host is not among the hosts.
    #[error("the default host '{0}' is not among the hosts")]
    NoDefaultHost(String),
    /// A rule matches nothing, which is a mistake in every case seen.
    #[error("the fault rule for '{0}' matches no host")]
    MatchesNothing(String),
    /// The keytab cannot be used.
    #[error("the keytab {path}: {detail}")]
    Keytab {
        /// Where it should be.
        path: String,
        /// Why.
        detail: String,
    },
    /// A proxy that cannot be.
    #[error("the proxy '{name}': {detail}")]
    Proxy {
        /// As written.
        name: String,
        /// Why.
        detail: &'static str,
    },
    /// A pattern is no glob.
    #[error("'{pattern}' is not a host pattern: {detail}")]
    Pattern {
        /// As written.
        pattern: String,
        /// Why.
        detail: String,
    },
}

impl FleetSpec {
    /// Reads a description; unknown keys and duplicate keys are refused.
    ///
    /// # Errors
    /// The first problem, with line and column.
    pub fn from_yaml(text: &str) -> Result<Self, SpecError> {
        let mut spec: Self =
            serde_saphyr::from_str(text).map_err(|error| SpecError::Yaml(error.to_string()))?;
        if let Some(made_up) = spec.made_up.take() {
            spec.hosts
                .extend(Self::made_up(made_up.count, made_up.seed).hosts);
        }
        Ok(spec)
    }

    /// A fleet of healthy hosts with these names and the default account.
    pub fn named<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        Self {
            hosts: names
                .into_iter()
                .map(|name| HostSpec::named(name.as_ref()))
                .collect(),
            ..Self::default()
        }
    }

    /// The same fleet with this account among those that may log on.
    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// The same fleet with these faults.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults.extend(faults.faults);
        self
    }

    /// The same fleet with this dialect for each host that has none of its own.
    #[must_use]
    pub fn with_dialect(mut self, dialect: Dialect) -> Self {
        for host in &mut self.hosts {
            host.dialect.get_or_insert(dialect);
        }
        self
    }

    /// Draws dialects where the environment asks for it (`SIM_FLEET_DIALECTS=SEED`) and the description does not.
    #[must_use]
    pub fn with_dialects_of_environment(mut self) -> Self {
        self.dialect_seed = self.dialect_seed.or_else(Dialect::seed_of_environment);
        self
    }

    /// What is no proxy is refused before one is started.
    pub(crate) fn judge_proxies(&self) -> Result<(), SpecError> {
        for (name, mode) in &self.proxies {
            let port = name.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
            let detail = match (port, mode) {
                _ if name == "*" => None,
                (None | Some(Err(_)), _) => Some("expected host:port, or *"),
                (Some(Ok(_)), _) => None,
            };
            let detail = detail.or(match mode {
                ProxyMode::Answers(status) if !(200..=599).contains(status) => {
                    Some("a final status is from 200 to 599")
                }
                _ => None,
            });
            if let Some(detail) = detail {
                let name = name.clone();
                return Err(SpecError::Proxy { name, detail });
            }
        }
        Ok(())
    }

    /// Tells every host where the proxies of the fleet listen.
    pub(crate) fn lay_out(&mut self, proxies: &BTreeMap<String, SocketAddr>) {
        let own = self
            .hosts
            .iter_mut()
            .filter_map(|host| host.options.as_mut());
        for options in own.chain([&mut self.defaults]) {
            for (name, address) in proxies {
                let known = &mut options.network.proxies;
                known.entry(name.clone()).or_insert(*address);
            }
        }
    }

    /// Gives each host its dialect, and the faults of the rules that match it.
    pub(crate) fn settle(&mut self) -> Result<(), SpecError> {
        if self.hosts.is_empty() {
            return Err(SpecError::Empty);
        }
        if self.accounts.is_empty() {
            self.accounts.push(Account::domain(
                &self.domain.netbios,
                "operator",
                "Sim-Passw0rd!",
            ));
        }
        if let Some(seed) = self.dialect_seed {
            for host in &mut self.hosts {
                host.dialect
                    .get_or_insert_with(|| Dialect::of_host(seed, &host.name));
            }
        }
        for rule in std::mem::take(&mut self.faults) {
            let matcher = rule.matcher()?;
            let mut seen = 0;
            for host in self
                .hosts
                .iter_mut()
                .filter(|host| matcher.is_match(host.name.to_lowercase()))
            {
                if seen % rule.every.unwrap_or(1).max(1) == 0 {
                    host.knobs.merge(&rule.set);
                }
                seen += 1;
            }
            if seen == 0 {
                return Err(SpecError::MatchesNothing(rule.hosts));
            }
        }
        Ok(())
    }
}
