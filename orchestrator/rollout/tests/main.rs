//! The engine with its journal against a scripted fleet: no network, no other process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod as_system;
mod breaches;
mod clock;
mod cuts;
mod durable;
mod engine;
mod files;
mod full;
mod gates;
mod illegal;
mod interrupted;
mod marker;
mod planned;
mod policy;
mod preflight;
mod probes;
mod proof;
mod schema;
mod simulation;
mod taken_back;
mod transfer;
