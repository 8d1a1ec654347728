//! The one table of facts: name, type, where it is read, and the row of the domain reference it comes from.
//!
//! Conditions, selectors, the preflight, `winfleet facts` and the session's reader all go by this table. How a source is
//! asked is the session's business; what follows from other facts is `derive.rs`.

use crate::registry::{KeyPath, REG_BINARY, REG_DWORD, REG_SZ, Target};

/// Type of a fact, as conditions and JSON see it. Every fact may also be null: the host has no such thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// True or false.
    Bool,
    /// A whole number.
    Number,
    /// A text.
    Text,
    /// A text of two to four numbers with points between.
    Version,
    /// A moment, RFC 3339 UTC.
    Time,
    /// A list of texts.
    Texts,
    /// A list of numbers.
    Numbers,
}

/// A class of WMI that facts are read from. All facts of one class cost one query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `Win32_OperatingSystem`.
    OperatingSystem,
    /// `Win32_ComputerSystem`.
    ComputerSystem,
    /// `Win32_SystemEnclosure`; a docked laptop has two.
    Enclosure,
    /// `Win32_Battery`.
    Battery,
    /// `Win32_NetworkAdapterConfiguration` of adapters with IP.
    Adapters,
    /// `MSFT_MpComputerStatus`.
    AvStatus,
    /// `MSFT_MpPreference`: what Defender Antivirus goes by, policy merged in.
    AvPreference,
}

impl Class {
    /// Namespace, class and condition.
    pub fn query(self) -> (&'static str, &'static str, Option<&'static str>) {
        const CIMV2: &str = "root/cimv2";
        const DEFENDER: &str = "root/Microsoft/Windows/Defender";
        match self {
            Self::OperatingSystem => (CIMV2, "Win32_OperatingSystem", None),
            Self::ComputerSystem => (CIMV2, "Win32_ComputerSystem", None),
            Self::Enclosure => (CIMV2, "Win32_SystemEnclosure", None),
            Self::Battery => (CIMV2, "Win32_Battery", None),
            Self::Adapters => (
                CIMV2,
                "Win32_NetworkAdapterConfiguration",
                Some("IPEnabled=TRUE"),
            ),
            Self::AvStatus => (DEFENDER, "MSFT_MpComputerStatus", None),
            Self::AvPreference => (DEFENDER, "MSFT_MpPreference", None),
        }
    }

    /// True where a host without the class simply lacks the component (Antivirus is a feature of a server).
    pub fn is_optional(self) -> bool {
        matches!(self, Self::AvStatus | Self::AvPreference)
    }
}

/// Where a fact is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Key below `HKLM`, value, registry type: one Get.
    Registry(&'static str, &'static str, u32),
    /// Key and value, of any type: the key is listed first, once for all its facts.
    Listed(&'static str, &'static str),
    /// Class and property; an empty property asks whether there is an instance.
    Cim(Class, &'static str),
    /// State of a service in lower case; null: no such service.
    Service(&'static str),
    /// Whether there is such a service.
    ServiceExists(&'static str),
    /// Version of the file that another fact names.
    FileVersion(Fact),
    /// F3: by `InstallLocation`, else the list of installed software.
    UnifiedAgent,
    /// F7: members of `OnboardedInfo` that may be shown; the rest of it never leaves the reader.
    Onboarded,
    /// F20: the host's clock minus the controller's, seconds.
    ClockSkew,
    /// The other store of WinHTTP, by `netsh winhttp show advproxy`.
    AdvProxy,
    /// F18: whether the host fetches the lists of certificates without a proxy, by `curl.exe`.
    CertificateLists,
    /// F11: a WinINet setting of LocalSystem, below `HKEY_USERS\S-1-5-18`; the key is listed first, once for all of them.
    SystemUser(&'static str),
    /// F16: the services that manage the device, one for each enrolment.
    Enrolments,
    /// F15: the file of the local group policy, read by a program.
    LocalPolicy,
    /// F15: what group policy has set, of the values asked for.
    GroupPolicy,
    /// Follows from others.
    Derived(&'static [Fact]),
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct FactRow {
    /// The fact.
    pub fact: Fact,
    /// Name below `facts.`, e.g. `os.build`.
    pub name: &'static str,
    /// Type.
    pub kind: FactKind,
    /// Row of the domain reference, e.g. `F1`.
    pub row: &'static str,
    /// Where it is read.
    pub source: Source,
    /// What it says.
    pub about: &'static str,
}

macro_rules! facts {
    ($($fact:ident $name:literal $kind:ident $row:ident $source:expr, $about:literal;)*) => {
        /// A fact; its row says what it is. Facts come after those they follow from.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fact { $(#[doc = $about] $fact,)* }

        /// Every fact, in the order of the enumeration.
        pub const FACTS: &[FactRow] = &[$(FactRow {
            fact: Fact::$fact, name: $name, kind: FactKind::$kind, row: stringify!($row), source: $source, about: $about,
        },)*];
    };
}

const SYSTEM: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const SENSE: &str = r"SYSTEM\CurrentControlSet\Services\Sense";
const SENSOR_STATUS: &str = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection\Status";
const COLLECTION: &str = r"SOFTWARE\Policies\Microsoft\Windows\DataCollection";
const SENSOR_POLICY: &str = r"SOFTWARE\Policies\Microsoft\Windows Advanced Threat Protection";
const AV_POLICY: &str = r"SOFTWARE\Policies\Microsoft\Windows Defender";
const SPYNET: &str = r"SOFTWARE\Policies\Microsoft\Windows Defender\Spynet";
const AV: &str = r"SOFTWARE\Microsoft\Windows Defender";
const AV_FEATURES: &str = r"SOFTWARE\Microsoft\Windows Defender\Features";
const CONNECTIONS: &str =
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
const CONNECTIONS_32: &str =
    r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
const INTERNET: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
const INTERNET_POLICY: &str =
    r"SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings";
const INTERNET_WINHTTP: &str =
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp";
const AUTO_PROXY: &str = r"SYSTEM\CurrentControlSet\Services\WinHttpAutoProxySvc";
const ENVIRONMENT: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
const MDM: &str = r"SOFTWARE\Microsoft\PolicyManager\current\device\System";
const SENSE_CM: &str = r"SOFTWARE\Microsoft\SenseCM";
const ROOTS_POLICY: &str = r"SOFTWARE\Policies\Microsoft\SystemCertificates\AuthRoot";
const ROOTS: &str = r"SOFTWARE\Microsoft\SystemCertificates\AuthRoot";

use Class::{
    Adapters, AvPreference, AvStatus, Battery, ComputerSystem, Enclosure, OperatingSystem,
};
use Source::{Cim, Derived, Listed, Registry, Service, ServiceExists};

facts! {
    OsBuild "os.build" Number F1 Registry(SYSTEM, "CurrentBuildNumber", REG_SZ), "build of Windows, e.g. 17763";
    OsUbr "os.ubr" Number F1 Registry(SYSTEM, "UBR", REG_DWORD), "update build revision";
    OsProductName "os.product_name" Text F1 Registry(SYSTEM, "ProductName", REG_SZ), "name in the registry; Windows 11 says Windows 10 there";
    OsEdition "os.edition" Text F1 Registry(SYSTEM, "EditionID", REG_SZ), "edition, e.g. Enterprise";
    OsInstallationType "os.installation_type" Text F1 Registry(SYSTEM, "InstallationType", REG_SZ), "Client, Server or Server Core";
    OsDisplayVersion "os.display_version" Text F1 Registry(SYSTEM, "DisplayVersion", REG_SZ), "e.g. 22H2; null on older Windows";
    OsIsServer "os.is_server" Bool F1 Derived(&[Fact::OsInstallationType]), "true for every server edition";
    OsCaption "os.caption" Text F1 Cim(OperatingSystem, "Caption"), "name of the system as Windows shows it";
    OsProductType "os.product_type" Number F1 Cim(OperatingSystem, "ProductType"), "1 client, 2 domain controller, 3 server";
    OsLanguage "os.language" Number F1 Cim(OperatingSystem, "OSLanguage"), "language number, e.g. 1033";
    OsLastBoot "os.last_boot" Time F1 Cim(OperatingSystem, "LastBootUpTime"), "when Windows was started";
    OsBelowFloor "os.below_floor" Bool F1 Derived(&[Fact::OsBuild, Fact::OsUbr]), "below the update level that proxies need (S14)";
    OsFloorUpdate "os.floor_update" Text F1 Derived(&[Fact::OsBuild]), "the update that lifts it to that level; null where none is needed";
    SensorPath "sensor.path" Text F4 Listed(SENSE, "ImagePath"), "command line of the service Sense; null: no EDR sensor";
    SensorPresent "sensor.present" Bool F4 Derived(&[Fact::SensorPath]), "the service Sense exists";
    SensorUnifiedAgent "sensor.unified_agent" Bool F3 Source::UnifiedAgent, "the unified agent of Server 2012 R2 and 2016 is installed";
    SensorBranch "sensor.branch" Text F3 Derived(&[Fact::OsBuild, Fact::OsIsServer, Fact::SensorUnifiedAgent]), "line of releases: in_box, unified_agent or other";
    SensorVersion "sensor.version" Version F5 Source::FileVersion(Fact::SensorPath), "version of MsSense.exe; null where there is no sensor";
    SensorPrefersStaticProxy "sensor.prefers_static_proxy" Bool F5 Derived(&[Fact::SensorPresent, Fact::SensorBranch, Fact::SensorVersion]), "the sensor honours PreferStaticProxyForHttpRequest (S24)";
    SensorOnboarded "sensor.onboarded" Bool F6 Listed(SENSOR_STATUS, "OnboardingState"), "onboarded to Defender for Endpoint";
    SensorLastConnected "sensor.last_connected" Time F6 Listed(SENSOR_STATUS, "LastConnected"), "last contact with command and control";
    SensorConnectivity "sensor.connectivity" Text F7 Source::Onboarded, "standard or streamlined";
    SensorRegion "sensor.region" Text F7 Source::Onboarded, "region of the tenant, e.g. EU";
    SensorHosts "sensor.hosts" Texts F7 Source::Onboarded, "the names of the service that this host connects to";
    OsSupport "os.support" Text F2 Derived(&[Fact::OsBuild, Fact::OsIsServer, Fact::SensorUnifiedAgent]), "modern, unified_agent, mma (static proxy by registry does not apply) or unsupported";
    ChassisTypes "chassis.types" Numbers F8 Cim(Enclosure, "ChassisTypes"), "chassis types, e.g. 3 desktop, 10 notebook";
    ChassisPortable "chassis.portable" Bool F8 Derived(&[Fact::ChassisTypes]), "one of the types is a portable form (S11)";
    ChassisBattery "chassis.battery" Bool F8 Cim(Battery, ""), "a battery is there";
    ChassisMobile "chassis.system_type" Number F8 Cim(ComputerSystem, "PCSystemType"), "2 is mobile";
    ComputerDomain "computer.domain" Text F1 Cim(ComputerSystem, "Domain"), "domain or work group";
    ComputerDomainRole "computer.domain_role" Number F1 Cim(ComputerSystem, "DomainRole"), "4 and 5 are domain controllers";
    NetworkAddresses "network.addresses" Texts F9 Cim(Adapters, "IPAddress"), "addresses of all adapters";
    NetworkGateways "network.gateways" Texts F9 Cim(Adapters, "DefaultIPGateway"), "default gateways of all adapters";
    NetworkIpv4 "network.ipv4" Bool F9 Derived(&[Fact::NetworkAddresses]), "a usable IPv4 address is there (S1)";
    NetworkIpv4Route "network.ipv4_route" Bool F9 Derived(&[Fact::NetworkGateways]), "an IPv4 default gateway is there";
    NetworkLists "network.lists_reachable" Bool F18 Source::CertificateLists, "the host fetches the lists of trusted and revoked certificates without a proxy (S21)";
    RolesDomainController "roles.domain_controller" Bool F19 ServiceExists("NTDS"), "a domain controller";
    RolesCluster "roles.cluster" Bool F19 ServiceExists("ClusSvc"), "a node of a failover cluster";
    RolesExchange "roles.exchange" Bool F19 ServiceExists("MSExchangeServiceHost"), "an Exchange server";
    RolesDhcp "roles.dhcp" Bool F19 ServiceExists("DHCPServer"), "a DHCP server";
    RolesMma "roles.mma" Bool F19 ServiceExists("HealthService"), "the Microsoft Monitoring Agent is there";
    ProxyEdr "proxy.edr" Text F10 Listed(COLLECTION, "TelemetryProxyServer"), "static proxy of the EDR sensor (S20)";
    ProxyEdrNoAuth "proxy.edr_no_auth" Number F10 Listed(COLLECTION, "DisableEnterpriseAuthProxy"), "1: no authenticated proxy (S19)";
    ProxyPreferStatic "proxy.prefer_static" Number F10 Listed(SENSOR_POLICY, "PreferStaticProxyForHttpRequest"), "1: the sensor prefers its static proxy (S22)";
    ProxyAvServer "proxy.av_server" Text F10 Listed(AV_POLICY, "ProxyServer"), "proxy of Antivirus by policy (S30)";
    ProxyAvPacUrl "proxy.av_pac_url" Text F10 Listed(AV_POLICY, "ProxyPacUrl"), "automatic configuration of Antivirus by policy (S37)";
    ProxyAvBypass "proxy.av_bypass" Text F10 Listed(AV_POLICY, "ProxyBypass"), "addresses Antivirus reaches without proxy, by policy (S38)";
    ProxySslOptions "proxy.ssl_options" Number F10 Listed(SPYNET, "SSLOptions"), "checks that Antivirus leaves out (S32)";
    WinHttpProxy "winhttp.proxy" Text F10 Registry(CONNECTIONS, "WinHttpSettings", REG_BINARY), "machine-wide proxy; null: direct or not set (S41)";
    WinHttpBypass "winhttp.bypass" Text F10 Registry(CONNECTIONS, "WinHttpSettings", REG_BINARY), "its bypass list";
    WinHttpWpadDisabled "winhttp.wpad_disabled" Bool F11 Registry(INTERNET_WINHTTP, "DisableWpad", REG_DWORD), "discovery (WPAD) is switched off (S8)";
    WinHttpProxy32 "winhttp.proxy_32bit" Text F10 Registry(CONNECTIONS_32, "WinHttpSettings", REG_BINARY), "machine-wide proxy of 32-bit programs; null: direct or not set";
    WinHttpBypass32 "winhttp.bypass_32bit" Text F10 Registry(CONNECTIONS_32, "WinHttpSettings", REG_BINARY), "its bypass list";
    AdvProxyKnown "advproxy.known" Bool F10 Source::AdvProxy, "this Windows knows netsh winhttp show advproxy";
    AdvProxyServer "advproxy.server" Text F10 Source::AdvProxy, "proxy in the other store of WinHTTP";
    AdvProxyBypass "advproxy.bypass" Text F10 Source::AdvProxy, "its bypass list";
    AdvProxyPacUrl "advproxy.pac_url" Text F10 Source::AdvProxy, "its automatic configuration";
    AdvProxyAutoDetect "advproxy.auto_detect" Bool F10 Source::AdvProxy, "it looks for a proxy by itself (WPAD)";
    WinInetEnabled "wininet.enabled" Bool F11 Listed(INTERNET, "ProxyEnable"), "machine-wide WinINet proxy switched on";
    WinInetServer "wininet.server" Text F11 Listed(INTERNET, "ProxyServer"), "machine-wide WinINet proxy";
    WinInetPacUrl "wininet.pac_url" Text F11 Listed(INTERNET, "AutoConfigURL"), "machine-wide WinINet automatic configuration";
    WinInetPerUser "wininet.per_user" Number F11 Registry(INTERNET_POLICY, "ProxySettingsPerUser", REG_DWORD), "0: the machine-wide setting counts for all, and WinHTTP sees it";
    WinInetSystemEnabled "wininet.system_enabled" Bool F11 Source::SystemUser("ProxyEnable"), "LocalSystem's own WinINet proxy switched on";
    WinInetSystemServer "wininet.system_server" Text F11 Source::SystemUser("ProxyServer"), "LocalSystem's own WinINet proxy";
    WinInetSystemPacUrl "wininet.system_pac_url" Text F11 Source::SystemUser("AutoConfigURL"), "LocalSystem's own WinINet automatic configuration";
    EnvHttpsProxy "environment.https_proxy" Text F12 Listed(ENVIRONMENT, "HTTPS_PROXY"), "machine variable";
    EnvHttpProxy "environment.http_proxy" Text F12 Listed(ENVIRONMENT, "HTTP_PROXY"), "machine variable";
    EnvAllProxy "environment.all_proxy" Text F12 Listed(ENVIRONMENT, "ALL_PROXY"), "machine variable";
    EnvNoProxy "environment.no_proxy" Text F12 Listed(ENVIRONMENT, "NO_PROXY"), "machine variable";
    PowerShellLockdown "powershell.lockdown" Text F22 Listed(ENVIRONMENT, "__PSLockdownPolicy"), "4: constrained language mode forced by the environment";
    AvPresent "av.present" Bool F13 Cim(AvStatus, ""), "Antivirus answers";
    AvMode "av.mode" Text F13 Cim(AvStatus, "AMRunningMode"), "Normal, Passive Mode, EDR Block Mode...";
    AvPlatform "av.platform" Version F13 Cim(AvStatus, "AMProductVersion"), "version of the platform";
    AvEngine "av.engine" Version F13 Cim(AvStatus, "AMEngineVersion"), "version of the engine";
    AvSignaturesUpdated "av.signatures_updated" Time F13 Cim(AvStatus, "AntivirusSignatureLastUpdated"), "age of the definitions";
    AvForcePassive "av.force_passive" Bool F13 Registry(AV, "ForcePassiveMode", REG_DWORD), "passive mode by registry";
    AvPassive "av.passive" Bool F13 Registry(AV, "PassiveMode", REG_DWORD), "Antivirus says that it is passive";
    AvTamperProtected "av.tamper_protected" Bool F14 Cim(AvStatus, "IsTamperProtected"), "tamper protection is on";
    AvTamperSource "av.tamper_source" Text F14 Cim(AvStatus, "TamperProtectionSource"), "who switched it on";
    AvTamperExclusions "av.tamper_exclusions" Number F14 Registry(AV_FEATURES, "TPExclusions", REG_DWORD), "1: exclusions are under tamper protection too";
    AvManagedType "av.managed_type" Number F14 Registry(AV, "ManagedDefenderProductType", REG_DWORD), "6 Intune only, 7 co-managed";
    AvEffectiveServer "av.effective_server" Text F13 Cim(AvPreference, "ProxyServer"), "proxy that Antivirus goes by";
    AvEffectivePacUrl "av.effective_pac_url" Text F13 Cim(AvPreference, "ProxyPacUrl"), "automatic configuration that it goes by";
    AvEffectiveBypass "av.effective_bypass" Texts F13 Cim(AvPreference, "ProxyBypass"), "bypass that it goes by";
    AvForceProxyOnly "av.force_proxy_only" Bool F13 Cim(AvPreference, "ForceUseProxyOnly"), "never direct";
    AvMaps "av.maps" Number F13 Cim(AvPreference, "MAPSReporting"), "0: cloud protection is off";
    AvUpdateOrder "av.update_order" Text F13 Cim(AvPreference, "SignatureFallbackOrder"), "where definitions come from (S36)";
    AvAsrIds "av.asr_ids" Texts F22 Cim(AvPreference, "AttackSurfaceReductionRules_Ids"), "attack surface reduction rules";
    AvAsrActions "av.asr_actions" Numbers F22 Cim(AvPreference, "AttackSurfaceReductionRules_Actions"), "what each of them does";
    GpoSettings "gpo.settings" Texts F15 Source::GroupPolicy, "proxy values that group policy has set, with the policy's name";
    GpoLocal "gpo.local" Texts F15 Source::LocalPolicy, "proxy values that the local group policy (registry.pol) has set";
    MdmTelemetryProxy "mdm.telemetry_proxy" Text F16 Registry(MDM, "TelemetryProxy", REG_SZ), "telemetry proxy by MDM, which the sensor does not read (S18)";
    MdmProviders "mdm.providers" Texts F16 Source::Enrolments, "services that manage the device by MDM, e.g. MS DM Server for Intune";
    MdmSenseEnrolment "mdm.sense_enrolment" Number F16 Registry(SENSE_CM, "EnrollmentStatus", REG_DWORD), "security settings management by Defender";
    RootsDisabledByPolicy "roots.disabled_by_policy" Bool F17 Registry(ROOTS_POLICY, "DisableRootAutoUpdate", REG_DWORD), "automatic root update switched off by policy";
    RootsDisabled "roots.disabled" Bool F17 Registry(ROOTS, "DisableRootAutoUpdate", REG_DWORD), "automatic root update switched off";
    RootsAutoUpdate "roots.auto_update" Bool F17 Derived(&[Fact::RootsDisabledByPolicy, Fact::RootsDisabled]), "Windows fetches root certificates and trust lists by itself";
    ServicesSense "services.sense" Text F19 Service("Sense"), "state of the EDR sensor";
    ServicesWinDefend "services.windefend" Text F19 Service("WinDefend"), "state of Antivirus";
    ServicesDiagTrack "services.diagtrack" Text F19 Service("DiagTrack"), "state of the telemetry service";
    ServicesAutoProxy "services.winhttp_auto_proxy" Text F19 Service("WinHttpAutoProxySvc"), "state of automatic proxy discovery";
    ServicesAutoProxyStart "services.winhttp_auto_proxy_start" Number F19 Registry(AUTO_PROXY, "Start", REG_DWORD), "how it is started: 3 on demand, 4 disabled";
    ClockLocal "clock.local" Time F20 Cim(OperatingSystem, "LocalDateTime"), "the host's clock";
    ClockSkew "clock.skew" Number F20 Source::ClockSkew, "the host's clock minus that of this workstation, seconds";
}

impl Fact {
    /// Facts that are read from the values of proxies below the keys of policies (reference section 1).
    pub const POLICY_VALUES: [Self; 7] = [
        Self::ProxyEdr,
        Self::ProxyEdrNoAuth,
        Self::ProxyPreferStatic,
        Self::ProxyAvServer,
        Self::ProxyAvPacUrl,
        Self::ProxyAvBypass,
        Self::ProxySslOptions,
    ];

    /// Its row.
    pub fn row(self) -> &'static FactRow {
        // INVARIANT: rows stand in the order of the enumeration, from which both are made.
        &FACTS[self as usize]
    }

    /// Name below `facts.`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The fact of that name.
    pub fn named(name: &str) -> Option<Self> {
        FACTS
            .iter()
            .find(|row| row.name == name)
            .map(|row| row.fact)
    }

    /// The registry value that it is read from.
    pub fn target(self) -> Option<Target> {
        let (Registry(key, value, _) | Listed(key, value)) = self.row().source else {
            return None;
        };
        Some(Target {
            key: KeyPath::constant(key),
            value: value.to_owned(),
        })
    }

    /// What has to be read so that it can be had.
    pub fn needs(self) -> &'static [Self] {
        match &self.row().source {
            Derived(facts) => facts,
            Source::FileVersion(_) => &[Self::SensorPath, Self::SensorUnifiedAgent],
            Source::UnifiedAgent => &[Self::OsBuild, Self::OsIsServer, Self::SensorPath],
            Source::ClockSkew => &[Self::ClockLocal],
            _ => &[],
        }
    }
}
