//! WHO: hosts, groups, variables, selectors and references to credentials.
//!
//! Loading is pure given the text. No secret is ever in these types, and nothing here knows playbooks, rings'
//! limits or the network. Start reading at `load.rs`; `host.rs` has the result.

mod check;
mod credential;
mod field;
mod host;
mod layer;
mod load;
mod place;
mod read;
mod resolve;
pub mod schema;
mod selector;
mod unite;

pub use credential::{Credential, PasswordSource};
pub use host::{
    Auth, Channel, Host, HostName, Origin, Settings, Sourced, SpnClass, Transport, VarLayer,
};
pub use load::Inventory;
pub use selector::{FactSelector, Selector, SelectorError};
