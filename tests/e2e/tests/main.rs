//! The product from outside: the real program against the simulated fleet, and the graph of the crates.

mod audit;
mod bad_input;
mod cost;
mod crash;
mod exits;
mod faults;
mod guard;
mod job;
mod journal;
mod layering;
mod plan;
mod rehearse;
mod secrets;
mod secure;
