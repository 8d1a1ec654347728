//! WHAT is to be done: steps with their undo, variables, conditions, rings and limits.
//!
//! Loading is pure given the text; nothing here knows a host's address, a credential, a socket or a clock.
//! Start reading at `playbook.rs`, then `step.rs`; `registry.rs` holds the value types that every other crate
//! speaks in.

mod change;
mod facts;
pub mod registry;
mod strategy;
mod winhttp;

pub use change::{Change, Desired, HostStep};
pub use facts::{
    ChassisFacts, FactSet, Facts, OsFacts, SensorBranch, SensorFacts, Version, sensor_branch,
};
pub use registry::{KeyPath, Observed, RawValue, Target, Typed};
pub use strategy::{DEFAULT_MAX_PARALLEL, Limit, Limits, OnBreach, Ring, Strategy};
pub use winhttp::{WinHttpError, WinHttpProxy, WinHttpSettings};
