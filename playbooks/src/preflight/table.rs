//! The checks: name, grade, what it says, what to do about it. Scripts, playbooks and reports rely on the names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a finding counts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PreflightGrade {
    /// Good to know.
    Note,
    /// Deserves a second look; the host is worked.
    Warn,
    /// Nothing is written to the host, unless the playbook allows it.
    Block,
}

impl PreflightGrade {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Block => "block",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct CheckRow {
    /// The check.
    pub check: Check,
    /// Name in playbooks and reports.
    pub name: &'static str,
    /// How it counts.
    pub grade: PreflightGrade,
    /// The step it is about is left out; the others are carried out.
    pub skips: bool,
    /// Row of the domain reference.
    pub row: &'static str,
    /// What it says, for people.
    pub about: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

macro_rules! checks {
    ($($check:ident $name:literal $grade:ident $skips:literal $row:literal $about:literal, $remedy:literal;)*) => {
        /// A check of the preflight; its row says what it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Check { $(#[doc = $about] #[serde(rename = $name)] $check,)* }

        /// Every check, in the order of the enumeration.
        pub const CHECKS: &[CheckRow] = &[$(CheckRow {
            check: Check::$check, name: $name, grade: PreflightGrade::$grade, skips: $skips, row: $row, about: $about, remedy: $remedy,
        },)*];
    };
}

checks! {
    NoIpv4 "no_ipv4" Block false "S1" "the host has no usable IPv4 address, which the EDR sensor needs; only a warning where an address is there and no IPv4 default gateway",
        "give the host IPv4, or allow it where DNS64 and NAT64 stand in for it; without a default gateway the proxy has to be reached by the host's own network or a static route";
    SensorMissing "sensor_missing" Warn true "4.2" "there is no EDR sensor: the sensor's steps are left out",
        "install the sensor first, or leave the host out of this playbook";
    MmaHost "mma_host" Warn true "F2" "the host reports through the Microsoft Monitoring Agent, which does not read the static proxy: the sensor's steps are left out",
        "set the proxy in the agent's own settings or by winhttp_proxy; or move to the unified agent";
    SensorBelowGate "sensor_below_gate" Warn true "S24" "the sensor does not honour PreferStaticProxyForHttpRequest: the step is left out",
        "where the detail names a version to reach, update the sensor (KB5005292 on Server 2012 R2 and 2016, Windows Update elsewhere); a host without sensor, or whose sensor never knew the value, needs no such step";
    PreferWithoutProxy "prefer_without_proxy" Block false "S22" "the static proxy would be preferred, and there is none",
        "set the proxy in the same playbook with edr_proxy";
    AvMissing "av_missing" Warn true "4.2" "there is no Defender Antivirus: its steps are left out",
        "leave the host out of this playbook, or install the feature";
    PortableWinHttp "portable_winhttp" Warn true "S11" "the host is portable: away from its network every program that uses WinHTTP would lose the internet; the step is left out",
        "allow it, in the playbook or in a step for one group, for hosts that never leave";
    RoleBypass "role_bypass" Block false "S42" "a domain controller, cluster node or Exchange server would talk to its own kind through the proxy",
        "name '<local>' and the internal suffix ('*.corp.example') in the bypass list";
    BuildBelowFloor "build_below_floor" Warn false "S14" "Windows is below the update level from which sensors work reliably behind a proxy",
        "install the update that the detail names, or any later one";
    HttpsAvProxy "https_av_proxy" Warn false "S29" "https to the proxy itself needs a recent Antivirus platform; which one is not published",
        "prefer http:// to the proxy: what passes inside is encrypted all the same";
    GpoOwned "gpo_owned" Block false "S17" "a group policy owns the value and wants something else: it would take the written value away",
        "change it in the group policy, or take the host out of it";
    GpoManaged "gpo_managed" Note false "4.2" "a group policy sets the same: it is managed already", "";
    OwnershipUnknown "ownership_unknown" Note false "4.5" "group policy keeps no log here: whether it owns a value cannot be told",
        "switch RSoP logging on, or compare with gpresult";
    TamperProtected "tamper_protected" Note false "4.6" "tamper protection is on: a write may look successful and have no effect",
        "prove the effective setting with the probe av_effective";
    AdvProxyDiffers "advproxy_differs" Warn false "2.7" "the other store of WinHTTP (advproxy) names something else, and is not changed",
        "netsh winhttp show advproxy; what uses the automatic proxy goes by it";
    AdvProxySeen "advproxy_seen" Note false "2.7" "the other store of WinHTTP (advproxy) as it stands; it is not changed", "";
    WinHttp32Differs "winhttp_32bit_differs" Warn false "S41" "32-bit programs have a machine-wide proxy of their own, and it is another",
        r"C:\Windows\SysWOW64\netsh.exe winhttp sets and resets it";
    AlreadyConnected "already_connected" Warn false "S9" "the sensor connects already without a static proxy: a push is needless and can harm",
        "leave out hosts that have a transparent proxy or automatic discovery";
    SecurityLowered "security_lowered" Warn false "S32" "Antivirus will leave out checks of certificates",
        "a better cure is a machine-wide proxy that lets Windows fetch revocation lists, or distributing them from inside";
    NotOffline "not_offline" Warn false "S21" "the host reaches the lists of certificates directly: security would be lowered without need",
        "leave the host out of this playbook: it is for devices without such access";
    NotLooked "not_looked" Warn false "4.1" "something could not be looked at",
        "winfleet facts shows what can be read of the host";
}

impl Check {
    /// Its row.
    pub fn row(self) -> &'static CheckRow {
        // INVARIANT: rows stand in the order of the enumeration, from which both are made.
        &CHECKS[self as usize]
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What to do about it.
    pub fn remedy(self) -> Option<&'static str> {
        Some(self.row().remedy).filter(|text| !text.is_empty())
    }

    /// The check of that name.
    pub fn named(name: &str) -> Option<Self> {
        let mut rows = CHECKS.iter();
        rows.find(|row| row.name == name).map(|row| row.check)
    }
}
