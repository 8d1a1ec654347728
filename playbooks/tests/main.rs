//! What a user sees of this crate: playbooks that load, and mistakes that are named at their place.

mod compile;
mod mistakes;
mod properties;
mod shipped;
mod strategy;
mod support;
mod variables;
