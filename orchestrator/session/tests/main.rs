//! One host over the real protocol, against the simulated fleet in process.
//!
//! `lab.rs` starts hosts and opens sessions; each other module is one subject. Long runs: `WINFLEET_LONG=1`.

#![expect(
    clippy::unwrap_used,
    reason = "functions that tests share are outside of what clippy.toml allows"
)]

mod advproxy;
mod cleared;
mod cost;
mod dialects;
mod exits;
mod facts;
mod faults;
mod guard;
mod lab;
mod observe;
mod observe_limits;
mod preferences;
mod probes;
mod quotas;
mod states;
mod three_way;
mod undo;
