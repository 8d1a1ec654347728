//! The real program under another name: Cargo tells a test where a binary lies only for its own package.

fn main() -> std::process::ExitCode {
    cli::main_with(std::env::args_os())
}
