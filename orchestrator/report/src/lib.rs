//! What people and scripts see of a run: bars, plain lines, summary, tables, JSON, CSV, JUnit XML, HTML.
//!
//! Consumers of `rollout`'s events and run records. Holds no engine handle, opens no file, prints nothing by
//! itself but progress: callers pass a writer or take the text. Remote text is neutralised here (`text.rs`), once
//! for all. Start reading at `summary.rs`; `progress.rs` is what moves while a run is under way.

pub mod audit;
pub mod cluster;
pub mod csv;
pub mod event_shown;
pub mod explain;
pub mod facts;
pub mod groups;
mod groups_text;
pub mod hosts_read;
pub mod html;
pub mod json;
pub mod junit;
mod lines;
pub mod not_done;
pub mod plan;
#[cfg(test)]
mod plan_tests;
mod plan_warnings;
mod preflight;
mod progress;
pub mod runs;
#[cfg(test)]
mod sample;
mod shape;
pub mod summary;
pub mod table;
mod tally;
pub mod text;
pub mod timeline;
pub mod trail;
pub mod untried;
pub mod value;

pub use lines::{Chatter, line};
pub use progress::Progress;
pub use summary::{Detail, summary};
pub use tally::{RingTally, Tally};
pub use timeline::Timeline;
