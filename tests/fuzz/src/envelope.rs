//! Replies: XML, envelope, faults, and every body that an operation reads.

use wsman_proto::reply::{Reply, decode};
use wsman_proto::shown::Masker;
use wsman_proto::xml::{Bounds, Element};
use wsman_proto::{cim, enumerate, identify, registry, shell};

/// The message that the replies of the corpus relate to.
const ID: &str = "uuid:A";

/// Small, so that the fuzzer comes past them.
const BOUNDS: Bounds = Bounds {
    bytes: 64 << 10,
    depth: 16,
    nodes: 1000,
};

/// Reads the bytes as the reply to every operation.
pub fn envelope(bytes: &[u8]) {
    let _ = identify::decode(bytes, BOUNDS);
    let mut masker = Masker::default();
    let _ = (masker.request(bytes), masker.reply(bytes, BOUNDS));
    match decode(bytes, ID, BOUNDS) {
        Ok(Reply::Body(body)) => bodies(&body, bytes.len()),
        Ok(Reply::Fault(fault)) => {
            let _ = (fault.to_string(), fault.is_timeout());
        }
        Err(error) => drop(error.to_string()),
    }
}

fn bodies(body: &Element, size: usize) {
    if let Ok(names) = registry::value_names(body) {
        assert!(names.len() <= BOUNDS.nodes);
    }
    if let Ok(names) = registry::key_names(body) {
        assert!(names.len() <= BOUNDS.nodes);
    }
    let _ = registry::nothing("CreateKey", body);
    for kind in 0..=12 {
        if let Ok(value) = registry::value(kind, body) {
            assert_eq!(value.kind(), kind);
        }
    }
    if let Some(page) = enumerate::page(body, None) {
        // What is held is bounded by what was sent.
        assert!(page.items.len() <= size);
    }
    let _ = (cim::instance(body), shell::command_id(body));
    if let Some(shell) = shell::created(body) {
        assert!(!shell.id().is_empty());
    }
}
