//! See the library.

use std::process::ExitCode;

/// Why: see the workspace's Cargo.toml.
#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main_with(std::env::args_os())
}
