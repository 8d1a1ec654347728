//! One host with its settings resolved, each with the place it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A host's name: SPN, TLS name and the name checked before the first write. Compared without regard to case.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct HostName(String);

impl HostName {
    /// Takes the text as it is; the loader has checked it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As the user wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first label: what Windows calls the computer name.
    pub fn short(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }

    fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl PartialEq for HostName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl Eq for HostName {}
impl PartialOrd for HostName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for HostName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded().cmp(&other.folded())
    }
}
impl std::hash::Hash for HostName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}
impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Built into the program.
    BuiltIn,
    /// The `defaults` block.
    Defaults {
        /// File.
        file: String,
        /// Line, from 1.
        line: u32,
    },
    /// A group.
    Group {
        /// Its name.
        name: String,
        /// File.
        file: String,
        /// Line, from 1.
        line: u32,
    },
    /// The host's own entry.
    Host {
        /// File.
        file: String,
        /// Line, from 1.
        line: u32,
    },
    /// The command line (`-e`), or an override at `resume`.
    CommandLine,
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced<T> {
    /// The value in force.
    pub value: T,
    /// Its origin.
    pub from: Origin,
}

/// How the bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Port 5985, bodies sealed.
    Http,
    /// Port 5986.
    Https,
}

/// How the operator logs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// The best of what host and build offer.
    Negotiate,
    /// Kerberos only.
    Kerberos,
    /// NTLM only.
    Ntlm,
    /// Basic, only on verified TLS.
    Basic,
    /// Client certificate.
    Certificate,
}

/// The class of the service principal name that Kerberos tickets are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SpnClass {
    /// Registered for every domain member through `HOST`, unless a web server has taken it.
    #[default]
    Http,
    /// Registered by the WinRM service itself.
    Wsman,
    /// The machine's own.
    Host,
}

impl SpnClass {
    /// As it stands in the directory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Wsman => "WSMAN",
            Self::Host => "HOST",
        }
    }
}

/// How registry operations reach the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// `StdRegProv`, and `reg.exe` in a shell where WMI does not work.
    Auto,
    /// `StdRegProv` only.
    Cim,
    /// `reg.exe` in a shell only.
    Shell,
}

/// Every setting of a host, resolved: built-in < defaults < groups in the order the host lists them < host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Where the TCP connection goes; the host's name unless set.
    pub address: Sourced<String>,
    /// 5985 or 5986 by transport unless set.
    pub port: Sourced<u16>,
    /// `http` unless set.
    pub transport: Sourced<Transport>,
    /// `negotiate` unless set.
    pub auth: Sourced<Auth>,
    /// Whether `negotiate` may take NTLM where Kerberos is not possible. Default true.
    pub allow_ntlm: Sourced<bool>,
    /// `HTTP` unless set.
    pub spn_class: Sourced<SpnClass>,
    /// The name in the service principal name; the host's name unless set.
    pub spn_name: Sourced<Option<String>>,
    /// Name of a credential; needed before a host is contacted.
    pub credential: Sourced<Option<String>>,
    /// Compare the host's own name with the inventory's before the first write. Default true.
    pub verify_name: Sourced<bool>,
    /// PEM file with the authorities to trust besides the system's; seen from the folder of the inventory, so it is
    /// relative where the inventory was named so.
    pub ca_file: Sourced<Option<PathBuf>>,
    /// SHA-256 of the leaf certificate (DER), lower-case hex; a match counts as verified.
    pub cert_sha256: Sourced<Option<String>>,
    /// Default true; false forbids Basic.
    pub tls_verify: Sourced<bool>,
    /// `auto` unless set.
    pub channel: Sourced<Channel>,
    /// Deadline of name resolution, TCP and TLS. Default 10 s.
    pub connect_timeout: Sourced<Duration>,
    /// Deadline of one request, answer included. Default 90 s.
    pub request_timeout: Sourced<Duration>,
    /// Deadline of all work on the host, reconnects included. Default 10 min.
    pub host_timeout: Sourced<Duration>,
}

/// One layer of variables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VarLayer {
    /// Where it stands.
    pub from: Origin,
    /// Name to value.
    pub vars: BTreeMap<String, serde_json::Value>,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Unique over all inventories of a run.
    pub name: HostName,
    /// The `ring` setting that `ring:NAME` selects.
    pub ring: Option<String>,
    /// Where the ring was set; built in where there is none.
    pub ring_from: Origin,
    /// In the order the host lists them.
    pub groups: Vec<String>,
    /// Resolved.
    pub settings: Settings,
    /// Variables, weakest layer first: defaults, groups in the host's order, host.
    pub vars: Vec<VarLayer>,
    /// Where the host's entry stands.
    pub origin: Origin,
}

impl Host {
    /// All variables, the strongest layer's value for each name.
    pub fn merged_vars(&self) -> BTreeMap<String, serde_json::Value> {
        self.vars
            .iter()
            .flat_map(|layer| layer.vars.clone())
            .collect()
    }
}
