//! The client against the simulated fleet, and against a small server that can misbehave at the level of TCP and HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "functions that tests share are outside of what clippy.toml allows"
)]

mod bounds;
mod certificates;
mod echo;
mod fleet;
mod hardened;
mod hostile;
mod losses;
mod refusals;
mod server;
mod shell;
mod steady;
mod strangers;
