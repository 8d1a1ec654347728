//! What a fleet consists of: accounts, hosts, their software and their prior values. Read from YAML or made in code.
//!
//! Describes only; nothing here is running. `fleet` turns it into hosts. `made_up` invents plausible ones.

mod made_up;
mod value;

use serde::Deserialize;

use crate::knobs::{FaultRule, Faults, Knobs, Span};
pub use value::{SeedData, SeedValue};

/// A whole fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FleetSpec {
    /// The Active Directory domain the hosts belong to.
    pub domain: DomainSpec,
    /// Who may log on. Without any: `CORP\operator`, password `Sim-Passw0rd!`.
    pub accounts: Vec<Account>,
    /// Failed logons in a row after which an account is locked for good. Absent: never.
    pub lockout_after: Option<u32>,
    /// Who answers requests whose `Host` is an IP address or `localhost`; the first host when absent.
    pub default_host: Option<String>,
    /// Options of every host that does not say otherwise.
    pub defaults: HostOptions,
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

/// Who may log on.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Name without domain.
    pub username: String,
    /// NetBIOS name of the domain; absent: a local account that exists on every host.
    #[serde(default)]
    pub domain: Option<String>,
    /// The password, in clear: these are simulated accounts.
    pub password: String,
    /// What it may do after logon.
    #[serde(default)]
    pub rights: Rights,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("username", &self.username)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// An administrator of the domain.
    pub fn domain(domain: &str, username: &str, password: &str) -> Self {
        Self {
            username: username.into(),
            domain: Some(domain.into()),
            password: password.into(),
            rights: Rights::Administrator,
        }
    }

    /// A local administrator (RID 500) on every host.
    pub fn local(username: &str, password: &str) -> Self {
        Self {
            username: username.into(),
            domain: None,
            password: password.into(),
            rights: Rights::Administrator,
        }
    }
}

/// What an account may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rights {
    /// Everything.
    #[default]
    Administrator,
    /// A local administrator with filtered token: logon works, everything else is fault 5.
    Filtered,
    /// No administrator: the same faults.
    User,
}

/// One host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// Full DNS name. Names are compared without regard to letter case.
    pub name: String,
    /// Its options; absent: the fleet's defaults.
    #[serde(default)]
    pub options: Option<HostOptions>,
    /// Values on top of what every Windows has.
    #[serde(default)]
    pub registry: Vec<SeedValue>,
    /// Its faults, under the ones given by pattern.
    #[serde(default)]
    pub knobs: Knobs,
}

impl HostSpec {
    /// A healthy host of this name with the fleet's defaults.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

/// Software and configuration of a host.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostOptions {
    /// The operating system.
    pub os: OsSpec,
    /// Language of every text a person would read.
    pub language: Language,
    /// `Win32_SystemEnclosure.ChassisTypes`: 3 desktop, 9 laptop, 10 notebook, 1 other (virtual machines).
    pub chassis: Vec<u16>,
    /// The EDR sensor; `null`: not installed.
    pub sensor: Option<SensorSpec>,
    /// `MachineGuid`; made from the name when absent.
    pub machine_guid: Option<String>,
    /// NetBIOS name; the first 15 characters of the first label, in upper case, when absent.
    pub computer_name: Option<String>,
    /// Not a member of the domain: domain accounts cannot log on.
    pub workgroup: bool,
    /// The policy keys below `SOFTWARE\Policies\Microsoft` exist (empty).
    pub policy_keys: bool,
    /// `WinHttpSettings` exists and says "direct".
    pub winhttp_settings: bool,
    /// The host knows `netsh winhttp set advproxy`.
    pub advproxy: bool,
    /// First byte of `WinHttpSettings`: 0x28 (40) or 0x18 (24).
    pub winhttp_marker: u32,
    /// Basic is offered (on HTTPS; on HTTP only with `allow_unencrypted`).
    pub basic: bool,
    /// Bodies on HTTP need not be sealed.
    pub allow_unencrypted: bool,
    /// `CbtHardeningLevel` of the HTTPS listener.
    pub channel_binding: ChannelBinding,
    /// Quotas, limits and fault shapes of Server 2008 R2.
    pub legacy: bool,
    /// `MaxShellsPerUser`; 30 (5 for legacy) when absent.
    pub max_shells: Option<u32>,
    /// `MaxConcurrentOperationsPerUser`; 1500 (15 for legacy) when absent.
    pub max_operations: Option<u32>,
    /// `MaxEnvelopeSizekb`; 500 (150 for legacy) when absent.
    pub max_envelope_kb: Option<usize>,
    /// `MaxTimeoutms` as a span.
    pub max_timeout: Span,
    /// Idle keep-alive connections are closed after this.
    pub idle_close: Span,
    /// Command output is cut into pieces of this many bytes, one per `Stream`; 0: whole.
    pub chunk: usize,
    /// Pieces of output given by one Receive; 0: all there are.
    pub chunks_per_receive: usize,
    /// The session key of a domain account is derived with the domain in upper case, whatever case the client sent.
    pub normalises_domain: bool,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            os: OsSpec::default(),
            language: Language::En,
            chassis: vec![3],
            sensor: Some(SensorSpec::default()),
            machine_guid: None,
            computer_name: None,
            workgroup: false,
            policy_keys: true,
            winhttp_settings: false,
            advproxy: true,
            winhttp_marker: 0x28,
            basic: false,
            allow_unencrypted: false,
            channel_binding: ChannelBinding::Relaxed,
            legacy: false,
            max_shells: None,
            max_operations: None,
            max_envelope_kb: None,
            max_timeout: Span(std::time::Duration::from_secs(60)),
            idle_close: Span(std::time::Duration::from_secs(120)),
            chunk: 0,
            chunks_per_receive: 0,
            normalises_domain: true,
        }
    }
}

/// The operating system.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OsSpec {
    /// `CurrentBuildNumber`.
    pub build: u32,
    /// `UBR`.
    pub ubr: u32,
    /// `EditionID`.
    pub edition: String,
    /// `InstallationType`: `Client`, `Server`, `Server Core`.
    pub installation_type: String,
    /// `ProductName`.
    pub product_name: String,
    /// `DisplayVersion`.
    pub display_version: String,
}

impl Default for OsSpec {
    fn default() -> Self {
        Self {
            build: 19045,
            ubr: 4529,
            edition: "Enterprise".into(),
            installation_type: "Client".into(),
            product_name: "Windows 10 Enterprise".into(),
            display_version: "22H2".into(),
        }
    }
}

/// The EDR sensor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SensorSpec {
    /// File version of `MsSense.exe`.
    pub version: String,
    /// `ImagePath` of the `Sense` service, as stored (with quotes or variables).
    pub image_path: String,
    /// The unified agent of Server 2012 R2 and 2016: an uninstall entry and `InstallLocation` exist.
    pub unified_agent: bool,
    /// The registry names the service, the file is not there.
    pub file_missing: bool,
}

impl Default for SensorSpec {
    fn default() -> Self {
        Self {
            version: "10.8760.19045.4529".into(),
            image_path:
                "\"%ProgramFiles%\\Windows Defender Advanced Threat Protection\\MsSense.exe\""
                    .into(),
            unified_agent: false,
            file_missing: false,
        }
    }
}

/// Language of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// Japanese.
    Ja,
}

/// How an HTTPS listener treats channel bindings (reference 5.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelBinding {
    /// Ignored.
    None,
    /// A wrong one is refused, none is accepted.
    #[default]
    Relaxed,
    /// Must be there and right.
    Strict,
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

    /// Gives the faults of the rules to the hosts they match.
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
