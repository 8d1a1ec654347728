//! One host over `wsman`: the one place that turns a change into remote operations.
//!
//! Implements the engine's traits `Survey`, `Fleet`, `Observe` and `Session`. Knows no rings, no journal and no
//! terminal, and never the place of a secret: it asks a `CredentialSource` for it. Start reading at `fleet.rs`,
//! then follow one host through `session.rs`.

mod apply;
mod cim;
mod credential;
mod diagnosis;
mod error;
mod facts;
mod files;
mod fleet;
mod guard;
mod identity;
mod link;
mod preference;
mod probe;
mod remedy;
mod restore;
mod session;
mod shell;

pub use credential::CredentialSource;
pub use diagnosis::{Scene, diagnose, in_part, prove};
pub use error::tried_again;
pub use files::{BrokenFile, Needs, files_at_hand};
pub use fleet::RealFleet;
pub use guard::{LogonBudget, LogonLimits};
pub use session::{HostReader, HostSession};
