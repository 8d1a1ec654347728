//! Cells of the file as they stand, whatever somebody put there: the check of the chain has to name a record that was
//! altered, not to fail over it. What cannot be read as what it should be reads as something that no record has, so
//! that its link does not fit.

use rusqlite::types::ValueRef;

pub(super) fn text(cell: ValueRef<'_>) -> String {
    match cell {
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("no text: {other:?}"),
    }
}

pub(super) fn optional_text(cell: ValueRef<'_>) -> Option<String> {
    (cell != ValueRef::Null).then(|| text(cell))
}

pub(super) fn integer(cell: ValueRef<'_>) -> i64 {
    match cell {
        ValueRef::Integer(number) => number,
        _ => i64::MIN,
    }
}

pub(super) fn number(cell: ValueRef<'_>) -> u32 {
    u32::try_from(integer(cell)).unwrap_or(u32::MAX)
}

pub(super) fn optional_number(cell: ValueRef<'_>) -> Option<u32> {
    (cell != ValueRef::Null).then(|| number(cell))
}

pub(super) fn bytes(cell: ValueRef<'_>) -> Option<Vec<u8>> {
    match cell {
        ValueRef::Blob(bytes) => Some(bytes.to_vec()),
        _ => None,
    }
}
