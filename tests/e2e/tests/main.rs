//! The product from outside: the real program against the simulated fleet, and the graph of the crates.

mod audit;
mod bad_input;
mod bad_journal;
mod bad_words;
mod catch_up;
mod cost;
mod crash;
mod docs;
mod elsewhere;
mod exit_codes;
mod faults;
mod guard;
mod held;
mod job;
mod journal;
mod keyring;
mod kill;
mod layering;
mod ping;
mod plan;
mod proof;
mod rehearse;
mod secrets;
mod secure;
mod steer;
mod story;
