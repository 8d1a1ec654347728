//! A laboratory for the product: simulated hosts in this process, the real program as a child process.
//!
//! Knows nothing of the product's insides: it writes files, types commands, and reads screens, exit codes, JSON and
//! the simulated registries. Start reading at [`Lab`]; the promises are in `tests/`.

use sim_fleet::{HostHandle, Operation};

mod canned;
mod lab;
mod program;
mod terminal;

pub use canned::{canned, unkept};
pub use lab::{Lab, LabBuilder, PASSWORD, USER, knobs};
pub use program::{Finished, Program, Running, binary};
pub use terminal::Seated;

/// What was written to a host beside markers of controllers, which whoever takes it up leaves and takes away again.
pub fn written(host: &HostHandle) -> Vec<Operation> {
    let mut writes = host.writes();
    writes.retain(|write| !write.target.contains(r"SOFTWARE\winfleet-run"));
    writes
}

/// Longer than anything here takes on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// Waits until something is so.
///
/// # Panics
/// It is not so for too long.
#[track_caller]
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let since = std::time::Instant::now();
    while !so() {
        assert!(since.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::yield_now();
    }
}
