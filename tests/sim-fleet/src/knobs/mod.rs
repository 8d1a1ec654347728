//! How a host misbehaves: one field per fault, all off by default, settable from YAML and while the fleet runs.
//!
//! Only the description lives here; the faults are carried out where they belong (`server` for what concerns
//! connections and bytes, `wsman` for what concerns operations). `README.md` shows each knob once. What the fields
//! hold: `connection` (bytes and TCP), `hostile` (answers that mean harm), `service` (what the host says), `point` (when), `rules` (to whom).

mod connection;
mod hostile;
mod point;
mod rules;
mod service;

use serde::Deserialize;

pub use connection::{
    Drop, DropPhase, Endless, Garbage, GarbageKind, Hang, HugeBody, Slow, StatusKnob,
};
pub use hostile::{Hostile, HostileKind};
pub use point::{Point, PointKind, Span};
pub use rules::{FaultRule, Faults};
pub use service::{
    NetshKnob, OtherMachine, QuotaKind, QuotaKnob, Reboot, RebootSymptom, Rewrite, ShellVanishes,
    WmiBroken, WmiFault,
};

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
    /// The answer means harm.
    pub hostile: Option<Hostile>,
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
        over(&mut self.hostile, &other.hostile);
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
