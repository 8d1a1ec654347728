//! A test double of the file layer: SQLite's own, with an ear at the write-ahead file. What was written there counts
//! as durable only once it was synced. On request the disk is full: for journals that commit in the thread of the test.

#![expect(unsafe_code, reason = "SQLite takes a file layer only as C structures")]

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::sync::{Mutex, OnceLock};

use rusqlite::ffi;

/// The name to open a journal with.
pub(crate) const NAME: &str = "recording";

static PENDING: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static DURABLE: Mutex<Vec<u8>> = Mutex::new(Vec::new());

thread_local! {
    /// Writes to write-ahead files of this thread before and while the disk is full; tests run side by side.
    static ROOM: Cell<(u32, u32)> = const { Cell::new((u32::MAX, 0)) };
}

/// From now on this thread writes `before` more pieces to write-ahead files, then `refused` times finds the disk full,
/// and then has room again.
pub(crate) fn room(before: u32, refused: u32) {
    ROOM.set((before, refused));
}

fn is_full() -> bool {
    match ROOM.get() {
        (u32::MAX, _) | (0, 0) => false,
        (0, refused) => {
            ROOM.set((0, refused - 1));
            true
        }
        (before, refused) => {
            ROOM.set((before - 1, refused));
            false
        }
    }
}

struct Original {
    vfs: *mut ffi::sqlite3_vfs,
    wal: OnceLock<&'static ffi::sqlite3_io_methods>,
}
// SAFETY: the pointers are to SQLite's own static structures, which are never changed.
unsafe impl Send for Original {}
// SAFETY: as above.
unsafe impl Sync for Original {}

static ORIGINAL: OnceLock<Original> = OnceLock::new();

/// Whether these bytes have reached the disk through the write-ahead file.
pub(crate) fn durable(bytes: &[u8]) -> bool {
    DURABLE
        .lock()
        .unwrap()
        .windows(bytes.len())
        .any(|window| window == bytes)
}

/// Registers the layer; once per process is enough.
pub(crate) fn register() {
    ORIGINAL.get_or_init(|| {
        // SAFETY: the default layer exists for the life of the process; the copy is leaked and registered once.
        unsafe {
            let default = ffi::sqlite3_vfs_find(std::ptr::null());
            let mut copy = *default;
            copy.zName = c"recording".as_ptr();
            copy.pNext = std::ptr::null_mut();
            copy.xOpen = Some(open);
            let copy = Box::leak(Box::new(copy));
            assert_eq!(ffi::sqlite3_vfs_register(copy, 0), ffi::SQLITE_OK);
            Original {
                vfs: default,
                wal: OnceLock::new(),
            }
        }
    });
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let original = ORIGINAL.get().unwrap();
    // SAFETY: the arguments are SQLite's own and handed on unchanged; the table of methods is copied, and the copy
    // lives for ever.
    unsafe {
        let result =
            (*original.vfs).xOpen.unwrap()(original.vfs, name as *const c_char, file, flags, out);
        if result == ffi::SQLITE_OK && flags & ffi::SQLITE_OPEN_WAL != 0 {
            let own = original.wal.get_or_init(|| &*(*file).pMethods);
            let mut methods = **own;
            methods.xWrite = Some(write);
            methods.xSync = Some(sync);
            (*file).pMethods = Box::leak(Box::new(methods));
        }
        result
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    if is_full() {
        return ffi::SQLITE_FULL;
    }
    // SAFETY: SQLite gives `count` readable bytes.
    let written = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), count as usize) };
    PENDING.lock().unwrap().extend_from_slice(written);
    let own = ORIGINAL.get().unwrap().wal.get().unwrap();
    // SAFETY: handed on unchanged.
    unsafe { own.xWrite.unwrap()(file, bytes, count, offset) }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let pending = std::mem::take(&mut *PENDING.lock().unwrap());
    let own = ORIGINAL.get().unwrap().wal.get().unwrap();
    // SAFETY: handed on unchanged.
    let result = unsafe { own.xSync.unwrap()(file, flags) };
    if result == ffi::SQLITE_OK {
        DURABLE.lock().unwrap().extend(pending);
    }
    result
}
