//! What people and scripts see of a run: bars, plain lines, summary, tables, JSON, CSV.
//!
//! Consumers of `rollout`'s events and run records. Holds no engine handle, opens no file, prints nothing by
//! itself: callers pass a writer or take the text. Remote text is neutralised here (`text.rs`), once for all.
//! Start reading at `summary.rs`.

pub mod table;
pub mod text;
