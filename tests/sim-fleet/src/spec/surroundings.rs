//! What stands around the proxies on a host: network, Antivirus, group policy, roles. Read through CIM only.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use super::SeedData;

/// A network adapter with IP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterSpec {
    /// Its addresses, IPv4 and IPv6.
    pub addresses: Vec<String>,
    /// Its default gateways.
    #[serde(default)]
    pub gateways: Vec<String>,
}

impl AdapterSpec {
    /// An adapter with these addresses and gateways.
    pub fn new(addresses: &[&str], gateways: &[&str]) -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            addresses: texts(addresses),
            gateways: texts(gateways),
        }
    }
}

/// What the programs of a host find on the network. Only loopback is ever connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkSpec {
    /// Where the proxies that playbooks name really listen, by `host:port`; `*` is every other one.
    pub proxies: BTreeMap<String, SocketAddr>,
    /// The company's authority, which opens TLS, is among the host's roots.
    pub trusts_company: bool,
    /// Lists of revoked certificates cannot be fetched.
    pub revocation_unreachable: bool,
    /// The lists of trusted and revoked certificates are reached without a proxy.
    pub lists_direct: bool,
    /// A Windows older than `curl.exe`.
    pub no_curl: bool,
    /// PowerShell runs in constrained language mode: its scripts may not use .NET.
    pub constrained_language: bool,
    /// Milliseconds after which a program gives up; 20 s when absent.
    pub gives_up_after_ms: Option<u64>,
}

impl NetworkSpec {
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(self.gives_up_after_ms.unwrap_or(20_000))
    }
}

/// Defender Antivirus.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AntivirusSpec {
    /// `AMRunningMode`.
    pub mode: String,
    /// `AMProductVersion`.
    pub platform: String,
    /// `IsTamperProtected`.
    pub tamper_protected: bool,
    /// What the test of its cloud connection ends with, e.g. `0x80072F8F`; absent: success.
    pub maps_error: Option<String>,
    /// Properties that the classes of this version do not have yet.
    pub lacks: Vec<String>,
    /// Its service does not run: its methods say so.
    pub stopped: bool,
    /// It says that a preference is set and sets nothing, as tamper protection may do.
    pub ignores_preferences: bool,
    /// `ProxyServer` of its own preferences; a policy wins over it.
    pub proxy_server: String,
    /// `ProxyPacUrl` of its own preferences.
    pub proxy_pac_url: String,
    /// `ProxyBypass` of its own preferences.
    pub proxy_bypass: Vec<String>,
}

impl Default for AntivirusSpec {
    fn default() -> Self {
        Self {
            mode: "Normal".into(),
            platform: "4.18.24090.11".into(),
            tamper_protected: false,
            maps_error: None,
            lacks: Vec::new(),
            stopped: false,
            ignores_preferences: false,
            proxy_server: String::new(),
            proxy_pac_url: String::new(),
            proxy_bypass: Vec::new(),
        }
    }
}

/// A registry setting of a group policy, as its last processing logged it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    /// Key below HKLM.
    pub key: String,
    /// Value.
    pub value: String,
    /// Data; absent: the policy deletes the value.
    #[serde(default)]
    pub data: Option<SeedData>,
    /// Name of the policy.
    pub gpo: String,
    /// 1 wins.
    #[serde(default = "one")]
    pub precedence: u32,
}

fn one() -> u32 {
    1
}

/// What a server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Domain controller.
    DomainController,
    /// Node of a failover cluster.
    Cluster,
    /// Exchange server.
    Exchange,
    /// The Microsoft Monitoring Agent is installed.
    Mma,
}

impl Role {
    /// Service that shows it, and its program.
    pub(crate) fn service(self) -> (&'static str, &'static str) {
        match self {
            Self::DomainController => ("NTDS", r"%SystemRoot%\System32\lsass.exe"),
            Self::Cluster => ("ClusSvc", r"%SystemRoot%\Cluster\clussvc.exe"),
            Self::Exchange => (
                "MSExchangeServiceHost",
                r"C:\Exchange\Bin\Microsoft.Exchange.ServiceHost.exe",
            ),
            Self::Mma => (
                "HealthService",
                r"C:\Program Files\Microsoft Monitoring Agent\Agent\HealthService.exe",
            ),
        }
    }
}
