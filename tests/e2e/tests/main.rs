//! The product from outside: the real program against the simulated fleet.

mod layering;
