//! A simulated fleet of Windows hosts that speak WinRM: thousands of them in one process, on loopback.
//!
//! What it is for: tests and rehearsals of anything that manages Windows over WS-Management. It is strict where Windows
//! is strict (and a little beyond), because a lenient double hides the mistakes of its client.
//!
//! What it must never know: any other crate of this workspace. It reads XML with another parser, has its own NTLM
//! acceptor, its own multipart reader and its own registry, so that a mistake in the client cannot cancel itself out.
//!
//! Start reading at [`SimFleet`] (the running fleet), [`FleetSpec`] (what it consists of), [`Dialect`] (how correct hosts
//! differ), [`Knobs`] (how they misbehave) and [`HostHandle`] (what a test sees of one host). Inside, one request travels
//! `server` -> `auth` -> `wsman` -> `registry` / `cim` / `shell` -> `cmd`.

mod auth;
mod cim;
mod cmd;
pub mod dialect;
mod fleet;
mod host;
mod internet;
mod knobs;
mod registry;
mod server;
mod shell;
mod spec;
mod wsman;

pub use dialect::{Dialect, LogonDialect, NtlmForm};
pub use fleet::{SimFleet, StartError};
pub use host::{Counters, HostHandle, Operation, Preferences};
pub use internet::{ProxyCounters, ProxyMode, SimProxy};
pub use knobs::{
    Drop, DropPhase, Endless, FaultRule, Faults, Garbage, GarbageKind, Hang, Hostile, HostileKind,
    HugeBody, Knobs, NetshKnob, OtherMachine, Point, PointKind, QuotaKind, QuotaKnob, Reboot,
    RebootSymptom, Rewrite, ShellVanishes, Slow, Span, StatusKnob, WmiBroken, WmiFault,
};
pub use registry::{KeyContent, RawValue, RegistrySnapshot, kind};
pub use spec::{
    Account, AdapterSpec, AntivirusSpec, ChannelBinding, ClientCertificates, DomainSpec, FleetSpec,
    Hardening, HostCertificate, HostOptions, HostSpec, KerberosSpec, Language, NetworkSpec, OsSpec,
    PROFILES, PolicySpec, Rights, Role, SeedData, SeedValue, SensorSpec, SpecError, TlsSpec,
    TlsVersion,
};
