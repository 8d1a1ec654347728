//! `CIMStatusCode` of the second fault shape (DSP0004, wsman.md 7.1), for faults without a number that says more.

use super::Alias;

const fn row(word: u32, code: u32) -> Alias<u32> {
    Alias { word, code }
}

pub(super) const TABLE: &[Alias<u32>] = &[
    row(1, 0x8004_1001),
    // Access denied.
    row(2, 0x8004_1003),
    row(3, 0x8004_100E),
    row(4, 0x8004_1008),
    row(5, 0x8004_1010),
    // Not found.
    row(6, 0x8004_1002),
    row(7, 0x8004_100C),
    row(11, 0x8004_1019),
    // Method not available, method not found.
    row(16, 0x8004_102E),
    row(17, 0x8004_1055),
    // Server limits exceeded.
    row(27, 2_150_858_815),
];
