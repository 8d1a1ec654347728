//! A text file of the user: encodings, positions, typed YAML reading and diagnostics.
//!
//! Everything a person writes for winfleet (inventory, playbook, lists) comes in through [`Document`], and every
//! complaint about it leaves as a [`Diagnostic`]: file, line, column, the offending text, what was expected and the
//! nearest match. This crate knows neither hosts nor steps, and it contacts nothing. Start reading at `source.rs`.

mod diagnostic;
mod duration;
mod located;
mod nearest;
mod node;
mod source;
mod yaml;
mod yaml_error;

pub use diagnostic::{Diagnostic, Diagnostics, Excerpt};
pub use duration::{DURATION, parse_duration};
pub use located::Located;
pub use nearest::nearest;
pub use node::{Node, Value};
pub use source::{Document, MAX_BYTES};
pub use yaml::from_yaml;
