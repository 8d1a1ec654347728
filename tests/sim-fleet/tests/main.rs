//! The fleet from outside, through its sockets, with a client written by hand in these tests.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected has failed"
)]

mod client;
mod faults;
mod kerberos;
mod program;
mod readme;
mod registry;
mod shell;
mod strict;
