//! The client against a small server of its own that can misbehave at the level of TCP and HTTP.

mod losses;
mod refusals;
mod server;
mod shell;
mod steady;
