//! How a host misbehaves: one field per fault, all off by default, settable from YAML and while the fleet runs.
//!
//! Only the description lives here; the faults are carried out where they belong (`server` for what concerns
//! connections and bytes, `wsman` for what concerns operations). `README.md` shows each knob once.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use globset::{Glob, GlobMatcher};
use serde::Deserialize;

use crate::spec::{SeedData, SpecError};

/// All faults of one host. The default is a healthy host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Knobs {
    /// Nobody listens: a true "connection refused" on the host's own address, a reset on the shared listeners.
    pub refuse: bool,
    /// The host stops answering and keeps the connection open.
    pub hang: Option<Hang>,
    /// Every answer comes this much later.
    pub latency: Option<Span>,
    /// HTTP.sys answers instead of the service: a bare status without body.
    pub status: Option<StatusKnob>,
    /// The connection breaks.
    pub drop: Option<Drop>,
    /// A quota is exhausted.
    pub quota: Option<QuotaKnob>,
    /// The answer is not what it should be.
    pub garbage: Option<Garbage>,
    /// The answer has this many bytes.
    pub huge_body: Option<HugeBody>,
    /// The answer is chunked and never ends.
    pub endless: Option<Endless>,
    /// Logon works, every operation gives fault 5 (a filtered local administrator).
    pub access_denied: bool,
    /// The host restarts.
    pub reboot: Option<Reboot>,
    /// The shell is gone behind the client's back.
    pub shell_vanishes: Option<ShellVanishes>,
    /// WMI does not work (the shell still does).
    pub wmi_broken: Option<WmiBroken>,
    /// Another machine answers under this name.
    pub other_machine: Option<OtherMachine>,
    /// Replies relate to a message nobody sent.
    pub wrong_relates_to: bool,
    /// `netsh winhttp` commands that change something do not work.
    pub netsh: Option<NetshKnob>,
    /// Values that somebody else (a GPO) puts back at once after each write.
    pub rewrites: Vec<Rewrite>,
    /// Answers trickle.
    pub slow: Option<Slow>,
}

impl Knobs {
    /// Puts every fault that is on in `other` on here as well; the rest stays.
    pub fn merge(&mut self, other: &Self) {
        self.refuse |= other.refuse;
        self.access_denied |= other.access_denied;
        self.wrong_relates_to |= other.wrong_relates_to;
        self.rewrites.extend(other.rewrites.iter().cloned());
        over(&mut self.hang, &other.hang);
        over(&mut self.latency, &other.latency);
        over(&mut self.status, &other.status);
        over(&mut self.drop, &other.drop);
        over(&mut self.quota, &other.quota);
        over(&mut self.garbage, &other.garbage);
        over(&mut self.huge_body, &other.huge_body);
        over(&mut self.endless, &other.endless);
        over(&mut self.reboot, &other.reboot);
        over(&mut self.shell_vanishes, &other.shell_vanishes);
        over(&mut self.wmi_broken, &other.wmi_broken);
        over(&mut self.other_machine, &other.other_machine);
        over(&mut self.netsh, &other.netsh);
        over(&mut self.slow, &other.slow);
    }
}

fn over<T: Clone>(mine: &mut Option<T>, theirs: &Option<T>) {
    if theirs.is_some() {
        mine.clone_from(theirs);
    }
}

/// Where a host hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hang {
    /// The TCP handshake never completes (own address only; on the shared listeners the same as `accept`).
    Connect,
    /// Connections are accepted and nothing is ever read or answered.
    Accept,
    /// This point is reached, processed or not, and no answer ever comes.
    At(Point),
}

/// A bare HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusKnob {
    /// 401, 403, 404, 503 or any other.
    pub code: u16,
    /// Only the first so many requests, counted from when the knob was set. Absent: always.
    #[serde(default)]
    pub first: Option<u64>,
    /// Only for this long, counted from when the knob was set. Absent: always.
    #[serde(default, rename = "for")]
    pub lasting: Option<Span>,
    /// Let this many requests through before. 401 then means: the session is not authenticated any more.
    #[serde(default)]
    pub after: u64,
}

/// When and how a connection breaks (a TCP reset).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drop {
    /// At which point.
    pub at: Point,
    /// Before the request is processed, or after it was processed and instead of the answer.
    #[serde(default)]
    pub phase: DropPhase,
    /// Send this many bytes of the answer first (implies `phase: after`).
    #[serde(default)]
    pub after_bytes: Option<usize>,
    /// How many times, counted from that point on. Default 1.
    #[serde(default)]
    pub times: Option<u64>,
}

/// Whether the request of a broken connection was processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropPhase {
    /// Not processed.
    #[default]
    Before,
    /// Processed, the answer is lost.
    After,
}

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
}

/// An answer that is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Garbage {
    /// What comes.
    pub kind: GarbageKind,
    /// From which point on; the first request when absent.
    #[serde(default)]
    pub at: Option<Point>,
}

/// What a broken answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GarbageKind {
    /// Bytes that are not HTTP.
    Bytes,
    /// A page of a captive portal with status 200.
    Html,
    /// A reply sealed as it should be whose content is not well-formed XML.
    Xml,
    /// A well-formed envelope with an action that answers nothing.
    Envelope,
    /// A sealed body whose signature does not fit.
    Signature,
}

/// An oversized answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HugeBody {
    /// Length of the body.
    pub bytes: u64,
    /// From which point on; the first request when absent.
    #[serde(default)]
    pub at: Option<Point>,
}

/// An answer without an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endless {
    /// From which point on; the first request when absent.
    #[serde(default)]
    pub at: Option<Point>,
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

/// A trickling answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// Pause between two pieces.
    pub interval: Span,
    /// Bytes in a piece. Default 1.
    #[serde(default)]
    pub bytes: Option<usize>,
}

/// A point in the life of a host: `request 7`, `write 1`, `command 2`... Counted from 1, from when the knobs were set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Point {
    /// What is counted.
    pub kind: PointKind,
    /// Which one.
    pub number: u64,
}

/// What a [`Point`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointKind {
    /// HTTP requests of any kind, logon legs included.
    Request,
    /// WS-Management operations that got past authentication.
    Operation,
    /// Operations that change a value or key, netsh and reg commands included.
    Write,
    /// Shells created.
    Create,
    /// Commands started in a shell.
    Command,
    /// Receive requests.
    Receive,
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is not a point; write it as 'request 7', 'operation 3', 'write 1', 'create 1', 'command 1' or 'receive 1'"
            )
        };
        let (kind, number) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let kind = match kind {
            "request" => PointKind::Request,
            "operation" => PointKind::Operation,
            "write" => PointKind::Write,
            "create" => PointKind::Create,
            "command" => PointKind::Command,
            "receive" => PointKind::Receive,
            _ => return Err(wrong()),
        };
        let number = number.trim().parse().map_err(|_| wrong())?;
        if number == 0 {
            Err(wrong())
        } else {
            Ok(Self { kind, number })
        }
    }
}

impl TryFrom<String> for Point {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// A length of time, in files written as `250ms`, `10s` or `2m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits
            .parse()
            .map_err(|_| format!("'{text}' is not a length of time such as 250ms, 10s or 2m"))?;
        match &text[digits.len()..] {
            "ms" => Ok(Self(Duration::from_millis(number))),
            "s" => Ok(Self(Duration::from_secs(number))),
            "m" => Ok(Self(Duration::from_secs(number * 60))),
            _ => Err(format!("'{text}' needs a unit: 250ms, 10s or 2m")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// A list of rules that give faults to hosts by name; also a file of its own (`--faults`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// Applied in order; later rules add to earlier ones.
    pub faults: Vec<FaultRule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Glob over host names, letter case ignored.
    pub hosts: String,
    /// Only every so many-th of the matching hosts, starting with the first. Absent or 1: all of them.
    #[serde(default)]
    pub every: Option<usize>,
    /// The faults.
    pub set: Knobs,
}

impl Faults {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// The first problem, with line and column.
    pub fn from_yaml(text: &str) -> Result<Self, SpecError> {
        serde_saphyr::from_str(text).map_err(|error| SpecError::Yaml(error.to_string()))
    }
}

impl FaultRule {
    /// The compiled pattern.
    ///
    /// # Errors
    /// The pattern is not a glob.
    pub(crate) fn matcher(&self) -> Result<GlobMatcher, SpecError> {
        Ok(Glob::new(&self.hosts.to_lowercase())
            .map_err(|error| SpecError::Pattern {
                pattern: self.hosts.clone(),
                detail: error.to_string(),
            })?
            .compile_matcher())
    }
}
