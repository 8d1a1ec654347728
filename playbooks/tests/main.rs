//! What a user sees of this crate: playbooks that load, and mistakes that are named at their place.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod candidates;
mod compile;
mod explain;
mod explain_conflicts;
mod export;
mod mistakes;
mod preflight;
mod preflight_rounds;
mod probes;
mod properties;
mod rows;
mod shipped;
mod strategy;
mod support;
mod variables;
