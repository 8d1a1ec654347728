//! What may be asked of a host, and what follows from the answers.
//!
//! Holds a table, data and pure decisions; how a fact is read from a host is the session's business. Start at
//! `table.rs`; `derive.rs` has what follows from other facts, `sensor.rs` the version gate of the EDR sensor.

mod adv_proxy;
mod derive;
mod observed;
mod onboarded;
mod raw;
mod sensor;
mod set;
mod table;
mod test;
mod value;

pub use adv_proxy::AdvProxy;
pub(crate) use derive::floor_of;
pub use onboarded::Onboarded;
pub use raw::{from_cim, from_registry, moment};
pub(crate) use sensor::below_gate;
pub use sensor::{SensorBranch, Version, honours_prefer_static, sensor_branch};
pub use set::{FactSet, OneCommand};
pub use table::{Class, FACTS, Fact, FactKind, FactRow, Source};
pub use test::{FactTest, FactTestError};
pub use value::{FactValue, Facts, GpoSetting};
