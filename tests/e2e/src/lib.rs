//! A laboratory for the product: simulated hosts in this process, the real program as a child process.
//!
//! Knows nothing of the product's insides: it writes files, types commands, and reads screens, exit codes, JSON and
//! the simulated registries. Start reading at [`Lab`]; the promises are in `tests/`.

mod lab;
mod program;

pub use lab::{Lab, LabBuilder, PASSWORD, USER};
pub use program::{Finished, Running};
