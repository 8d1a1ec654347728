//! Requests as snapshots, replies from fixtures written after recorded shapes, and any bytes without a panic.

#![expect(
    clippy::unwrap_used,
    reason = "functions that tests share are outside of what clippy.toml allows"
)]

mod any_bytes;
mod context;
mod faults;
mod meanings;
mod recorded;
mod replies;
mod requests;
mod shown;
