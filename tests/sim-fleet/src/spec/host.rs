//! One host: its name, system, sensor, limits and prior values.

use serde::Deserialize;

use super::{AdapterSpec, AntivirusSpec, NetworkSpec, PolicySpec, Role, SeedValue, TlsSpec};
use crate::dialect::Dialect;
use crate::knobs::{Knobs, Span};

/// One host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// Full DNS name. Names are compared without regard to letter case.
    pub name: String,
    /// Its options; absent: the fleet's defaults.
    #[serde(default)]
    pub options: Option<HostOptions>,
    /// How it speaks where correct hosts differ; absent: drawn from the fleet's seed, or as Windows is recorded to.
    #[serde(default)]
    pub dialect: Option<Dialect>,
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
    /// The log of the EDR sensor, newest first, as `number|property|property`.
    pub sensor_log: Vec<String>,
    /// That log is not shown to the account of a run.
    pub sensor_log_refused: bool,
    /// What its programs find on the network.
    pub network: NetworkSpec,
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
    /// The command processor runs chains (`a & b`). False: a wrapper in its place takes one command alone.
    pub chains: bool,
    /// First byte of `WinHttpSettings`: 0x28 (40) or 0x18 (24).
    pub winhttp_marker: u32,
    /// `EnumValues` lists a set default value; some hosts leave it out (reference 4.5).
    pub lists_default_value: bool,
    /// Basic is offered (on HTTPS; on HTTP only with `allow_unencrypted`).
    pub basic: bool,
    /// Negotiate is offered.
    pub negotiate: bool,
    /// Tickets are taken, under the scheme `Kerberos` and in `Negotiate`, where the fleet has a keytab.
    pub kerberos: bool,
    /// Every sealed answer under Kerberos has sequence number 0, as has been seen of Windows Server 2025.
    pub kerberos_zero_sequence: bool,
    /// Bodies on HTTP need not be sealed.
    pub allow_unencrypted: bool,
    /// `CbtHardeningLevel` of the HTTPS listener.
    pub channel_binding: ChannelBinding,
    /// TLS of the HTTPS listener.
    pub tls: TlsSpec,
    /// What else it demands of a logon.
    pub hardening: Hardening,
    /// Quotas, limits and fault shapes of Server 2008 R2.
    pub legacy: bool,
    /// `AllowRemoteShellAccess`.
    pub remote_shells: bool,
    /// `MaxShellsPerUser`; 30 (5 for legacy) when absent.
    pub max_shells: Option<u32>,
    /// `MaxConcurrentOperationsPerUser`; 1500 (15 for legacy) when absent.
    pub max_operations: Option<u32>,
    /// `MaxConnections`; absent: what the Windows version has. HTTP.sys answers 503 beyond.
    pub max_connections: Option<u64>,
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
    /// Network adapters with IP.
    pub adapters: Vec<AdapterSpec>,
    /// Defender Antivirus; `null`: not installed.
    pub antivirus: Option<AntivirusSpec>,
    /// What group policy logged as set. It says nothing of what stands in the registry.
    pub group_policy: Vec<PolicySpec>,
    /// What stands in `registry.pol` of the local group policy, in this order; the names of policies do not count. Empty:
    /// there is no such file.
    pub local_policy: Vec<PolicySpec>,
    /// Group policy keeps its log (RSoP). False: its classes are not there.
    pub rsop_logging: bool,
    /// The classes of that log are there and hold nothing, as where logging is switched off (reference 4.5).
    pub rsop_empty: bool,
    /// What the host is for.
    pub roles: Vec<Role>,
    /// The host's clock runs ahead by so many seconds.
    pub clock_ahead: i64,
    /// Scheduled tasks are registered and never started.
    pub scheduler_stopped: bool,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            sensor_log: Vec::new(),
            sensor_log_refused: false,
            network: NetworkSpec::default(),
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
            chains: true,
            winhttp_marker: 0x28,
            lists_default_value: true,
            basic: false,
            negotiate: true,
            kerberos: true,
            kerberos_zero_sequence: false,
            allow_unencrypted: false,
            channel_binding: ChannelBinding::Relaxed,
            tls: TlsSpec::default(),
            hardening: Hardening::default(),
            legacy: false,
            remote_shells: true,
            max_shells: None,
            max_operations: None,
            max_connections: None,
            max_envelope_kb: None,
            max_timeout: Span(std::time::Duration::from_secs(60)),
            idle_close: Span(std::time::Duration::from_secs(120)),
            chunk: 0,
            chunks_per_receive: 0,
            normalises_domain: true,
            adapters: vec![AdapterSpec::new(&["10.20.0.5", "fe80::1"], &["10.20.0.1"])],
            antivirus: Some(AntivirusSpec::default()),
            group_policy: Vec::new(),
            local_policy: Vec::new(),
            rsop_logging: true,
            rsop_empty: false,
            roles: Vec::new(),
            clock_ahead: 0,
            scheduler_stopped: false,
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

/// What a hardened host demands of a logon beyond a right password. NTLMv1 and a missing integrity code are refused by
/// every host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hardening {
    /// No NTLM, neither as it is nor inside SPNEGO: the policy "Restrict NTLM: Incoming NTLM traffic".
    pub no_ntlm: bool,
    /// Session keys of 128 bits, also where nothing is sealed: the policy "Minimum session security for NTLM SSP".
    pub key_128: bool,
    /// NTLM has to name the service it is for (AV pair 9), and that service has to be this host's.
    pub target_name: bool,
}
