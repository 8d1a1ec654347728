//! The corpora, replayed: every file of `corpus/` through its target, with the limits of an ordinary test.

mod corpora;
