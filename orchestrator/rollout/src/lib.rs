//! The rollout: plan, policy, engine and journal. Knows no network and no terminal.
//!
//! Nothing reaches a host but through [`Fleet`]; nothing reaches a person but through an event.

mod fleet;

pub use fleet::{
    Cost, Fleet, HostError, HostIdentity, Observe, Priors, Reason, Restored, Session, Severity, Survey, Undo,
};
