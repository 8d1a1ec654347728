//! The lines of an exported run: one record each, bounded in length and number.

use std::io::{BufRead, Read};

use serde::{Deserialize, Serialize};

use super::TransferError;

/// Names the form of the file.
pub(super) const FORM: &str = "winfleet.run";
/// The version this program writes, and the newest it reads.
pub(super) const VERSION: u32 = 1;
/// Longest line taken: an event of one host, or the description of a run with its playbook.
const LONGEST_LINE: u64 = 64 << 20;
/// Most lines taken: 20,000 hosts have some 300,000 events.
const MOST_LINES: usize = 50_000_000;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    Run {
        form: String,
        version: u32,
        id: String,
        spec: String,
        hash: Option<String>,
    },
    Shape {
        id: u32,
        text: String,
    },
    Host {
        name: String,
        address: Option<String>,
        ring: u32,
        shape: u32,
        undo: Option<String>,
        hash: Option<String>,
    },
    Event {
        seq: u64,
        time: i64,
        host: Option<u32>,
        kind: String,
        data: String,
        hash: Option<String>,
    },
    End {
        events: u64,
        head: Option<String>,
    },
}

/// Reads them in order.
pub(super) struct Lines<'a> {
    file: &'a mut dyn BufRead,
    number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(file: &'a mut dyn BufRead) -> Self {
        Self { file, number: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Option<Line>, TransferError> {
        self.number += 1;
        let mut line = Vec::new();
        Read::take(&mut *self.file, LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') || self.number > MOST_LINES {
            return Err(self.wrong("the line is cut off or too long"));
        }
        serde_json::from_slice(&line)
            .map(Some)
            .map_err(|error| self.wrong(&error.to_string()))
    }

    pub(super) fn link(&self, hash: Option<String>) -> Result<Option<Vec<u8>>, TransferError> {
        hash.map(|hash| hex::decode(&hash).map_err(|_| self.wrong("a link is not hexadecimal")))
            .transpose()
    }

    pub(super) fn wrong(&self, why: &str) -> TransferError {
        TransferError::NotARun {
            line: self.number,
            why: why.to_owned(),
        }
    }
}
