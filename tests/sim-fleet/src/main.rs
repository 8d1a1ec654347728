//! The simulated fleet as a program.

fn main() {}
