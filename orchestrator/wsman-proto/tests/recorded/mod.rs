//! Replies as files: our own fixtures, written after the layouts that real hosts send, and, on demand, a folder of
//! recorded messages that is not part of the repository.
//!
//! `WINFLEET_RECORDED=FOLDER cargo test -p wsman-proto --test main recorded -- --nocapture` decodes every message
//! below FOLDER, compares each with what another XML reader finds in it, compares the ones listed in `known.rs` with
//! the values noted there, and prints a line for each. Without the variable the same code runs over the fixtures.

mod fixtures;
mod known;
mod message;
mod other_reader;
mod reading;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reading::Reading;

fn fixtures_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// Every file below the folder, by its path in it with forward slashes.
fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                found.insert(name.replace('\\', "/"), path.clone());
            }
        }
    }
    found
}

#[test]
fn every_message_of_a_folder_reads_as_another_reader_reads_it() {
    let folder = std::env::var_os("WINFLEET_RECORDED").map_or_else(fixtures_folder, PathBuf::from);
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, path) in files(&folder) {
        let text = std::fs::read_to_string(&path).unwrap();
        let messages = message::messages(&name, &text);
        for (number, message) in messages.iter().enumerate() {
            count += 1;
            let ours = Reading::of(message);
            println!("{name}: {ours}");
            let theirs = other_reader::read(message);
            if ours != theirs {
                wrong.push(format!("{name}: read {ours}, but it says {theirs}"));
            }
            let noted = known::line(&name).filter(|_| number == 0);
            if let Some(noted) = noted.filter(|noted| ours.to_string() != *noted) {
                wrong.push(format!("{name}: read {ours}, but known is {noted}"));
            }
        }
        if messages.is_empty() {
            println!("{name}: no message");
        }
    }
    println!("{count} messages in {}", folder.display());
    assert!(count > 0, "no messages in {}", folder.display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Names and texts of our own fixtures.
pub(crate) fn fixture_texts() -> impl Iterator<Item = (String, String)> {
    files(&fixtures_folder())
        .into_iter()
        .map(|(name, path)| (name, std::fs::read_to_string(path).unwrap()))
}

/// What a message says, in a line.
pub(crate) fn said(message: &str) -> String {
    Reading::of(message).to_string()
}
