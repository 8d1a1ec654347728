//! Faults of the services on a host: WinRM's quotas, WMI, shells, programs; carried out in `wsman` and `cmd`.

use serde::Deserialize;

use super::{Point, Span};
use crate::spec::SeedData;

/// A quota fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaKnob {
    /// Which quota.
    pub kind: QuotaKind,
    /// Only the first so many times. Absent: always.
    #[serde(default)]
    pub first: Option<u64>,
}

/// Which quota is exhausted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaKind {
    /// 2150859173 on Create.
    Shells,
    /// 2150859174 on Command.
    Operations,
    /// 2150859175 on every operation.
    User,
    /// 2150859176 on every operation.
    System,
    /// The shell's memory: commands do nothing and end with 3221225495 (`STATUS_NO_MEMORY`).
    Memory,
}

/// A restart of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reboot {
    /// The request of this point is still processed; its answer is lost.
    pub at: Point,
    /// How long the host is down.
    #[serde(rename = "for")]
    pub lasting: Span,
    /// What a client sees meanwhile.
    #[serde(default)]
    pub symptom: RebootSymptom,
}

/// What a client sees of a host that is down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebootSymptom {
    /// The connection is reset, new ones are refused (own address) or reset (shared listener).
    #[default]
    Refused,
    /// New connections are accepted and reset.
    Reset,
    /// HTTP 503.
    Unavailable,
    /// Fault 995 for the request of the point itself, then 503.
    Aborted,
}

/// When a shell vanishes; later use of it gives 2150858843.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShellVanishes {
    /// Right after Create was answered.
    AfterCreate,
    /// After Command was processed, before the first Receive.
    BeforeReceive,
}

/// WMI is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WmiBroken {
    /// The fault that comes.
    pub fault: WmiFault,
    /// Only StdRegProv; the other classes work.
    #[serde(default)]
    pub registry_only: bool,
}

/// How broken WMI answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WmiFault {
    /// 2150858752: the class is not there.
    ClassNotFound,
    /// 1722: the RPC server is unavailable.
    Rpc,
}

/// The machine that answers instead.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherMachine {
    /// Its NetBIOS name, in the NTLM challenge and in WMI.
    pub computer_name: String,
    /// Its `MachineGuid`. Absent: derived from the name.
    #[serde(default)]
    pub machine_guid: Option<String>,
}

/// How netsh fails where it should change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetshKnob {
    /// Error text, exit code 1, nothing changed.
    Fails,
    /// Success text, exit code 0, nothing changed.
    NoEffect,
}

/// A value that is put back after each write to it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    /// Key below HKLM.
    pub key: String,
    /// Name of the value.
    pub value: String,
    /// What it becomes; absent: the value is deleted.
    #[serde(default)]
    pub data: Option<SeedData>,
}
