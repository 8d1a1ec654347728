//! What a hostile host can send, byte by byte: one function for each place where the client reads foreign bytes.
//!
//! A function returns where the bytes were refused or read, and panics where a promise is broken. The fuzzer calls
//! them (`libfuzzer/`, its own workspace, nightly; `run` starts it), and an ordinary test calls them with every file
//! of `corpus/` (`tests/corpora.rs`), so that what was once found stays mended. Nothing here opens a socket.

mod envelope;
mod framing;
mod streams;
mod tokens;
mod winhttp;

pub use envelope::envelope;
pub use framing::framing;
pub use streams::streams;
pub use tokens::tokens;
pub use winhttp::winhttp;

/// A target: reads any bytes.
pub type Target = fn(&[u8]);

/// All targets by the name of their corpus.
pub const TARGETS: [(&str, Target); 5] = [
    ("envelope", envelope),
    ("framing", framing),
    ("streams", streams),
    ("tokens", tokens),
    ("winhttp", winhttp),
];
