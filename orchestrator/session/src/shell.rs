//! `reg.exe` and `netsh` in the one shell of a host.

mod quote;
mod reg_output;
