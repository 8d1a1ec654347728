//! Reads a keytab (MIT's format, version 0x0502): the keys of the hosts of a fleet.

use std::path::Path;

use super::crypto::Key;

/// Why a keytab is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeytabError {
    #[error("{0}")]
    Read(#[from] std::io::Error),
    #[error("it is no keytab of version 0x0502, or it is cut off")]
    Format,
    #[error("it holds no key of a service with AES (types 17 and 18)")]
    NoKey,
}

/// One key of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) realm: String,
    /// `HTTP`, `pc-0001.corp.example`.
    pub(super) service: Vec<String>,
    pub(super) version: u32,
    pub(super) key: Key,
}

/// The keys of a file. Those of unknown types are left out.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, KeytabError> {
    let entries = parse(&std::fs::read(path)?).ok_or(KeytabError::Format)?;
    if entries.is_empty() {
        return Err(KeytabError::NoKey);
    }
    Ok(entries)
}

pub(super) fn parse(bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut rest = bytes.strip_prefix(&[5, 2])?;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let size = i32::from_be_bytes(*take(&mut rest)?);
        let length = usize::try_from(size.unsigned_abs()).ok()?;
        let (record, after) = rest.split_at_checked(length)?;
        rest = after;
        // A negative size is the hole that a deleted key left; its content means nothing.
        if size > 0 {
            entries.extend(entry(record)?);
        }
    }
    Some(entries)
}

/// `None` where the record is cut off; the inner one where the type of the key is unknown.
fn entry(mut rest: &[u8]) -> Option<Option<Entry>> {
    let rest = &mut rest;
    let components = u16::from_be_bytes(*take(rest)?);
    let realm = text(rest)?;
    let service = (0..components).map(|_| text(rest)).collect::<Option<_>>()?;
    let [_name_type, _time] = [take::<4>(rest)?, take::<4>(rest)?];
    let [short] = *take(rest)?;
    let kind = i64::from(u16::from_be_bytes(*take(rest)?));
    let key = counted(rest)?;
    // The long version, where there is one, counts.
    let version = take(rest)
        .map(|bytes| u32::from_be_bytes(*bytes))
        .filter(|version| *version != 0)
        .unwrap_or(u32::from(short));
    Some(Key::new(kind, key).map(|key| Entry {
        realm,
        service,
        version,
        key,
    }))
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(bytes)
}

fn counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::from(u16::from_be_bytes(*take(rest)?));
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

fn text(rest: &mut &[u8]) -> Option<String> {
    String::from_utf8(counted(rest)?.to_vec()).ok()
}
