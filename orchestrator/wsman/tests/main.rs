//! The client against a small server of its own that can misbehave at the level of TCP and HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "functions that tests share are outside of what clippy.toml allows"
)]

mod losses;
mod refusals;
mod server;
mod shell;
mod steady;
