//! What people get wrong in files, and what they are told.

#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

mod encodings;
mod nodes;
mod yaml;
