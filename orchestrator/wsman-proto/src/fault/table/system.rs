//! Win32 numbers and their HRESULTs, 0x8007xxxx (winerror.h). Windows uses both forms of the same number.

use super::remedy::{
    ACCOUNT, ANTIVIRUS, BUSY, COMMAND, KEY, PROFILE, PROGRAM, READ_BACK, RESTART, RIGHTS, START_WMI,
};
use super::{Meaning, row};
use crate::fault::Retry::{
    Backoff as R, FixRequest as F, NewShell as S, No as N, Reauthenticate as A,
};

const NO_FILE: &str = "a program, a file or a key is not there";
const DENIED: &str = "no rights: the listener's RootSDDL, the WMI namespace, or the filtered token of a local account";
const ABORTED: &str = "the operation was ended: service stopping, shell deleted, process killed, restart; it may have run";

#[rustfmt::skip] // one line each, so that it can be compared with the reference
pub(super) const WIN32: &[Meaning] = &[
    row(2, "ERROR_FILE_NOT_FOUND", NO_FILE, F, "check that the key or program of the step exists on this host"),
    row(5, "ERROR_ACCESS_DENIED", DENIED, N, RIGHTS),
    row(6, "ERROR_INVALID_HANDLE", "the hive is not known", F, PROGRAM),
    row(50, "ERROR_NOT_SUPPORTED", "the resource does not know this verb, or the body came in chunks", F, PROGRAM),
    row(87, "ERROR_INVALID_PARAMETER", "a parameter of the request is wrong", F, PROGRAM),
    row(170, "ERROR_BUSY", "another Send of this shell is under way", R, BUSY),
    row(206, "ERROR_FILENAME_EXCED_RANGE", "the command line is too long", F, COMMAND),
    row(995, "ERROR_OPERATION_ABORTED", ABORTED, S, READ_BACK),
    row(1018, "ERROR_KEY_DELETED", "the key is marked for deletion", S, KEY),
    row(1223, "ERROR_CANCELLED", "the operation was cancelled on the host", S, READ_BACK),
    row(1326, "ERROR_LOGON_FAILURE", "the account was refused", A, ACCOUNT),
    row(1722, "RPC_S_SERVER_UNAVAILABLE", "WMI does not run, or not yet after a start", R, RESTART),
    row(1726, "RPC_S_CALL_FAILED", "the process that hosts the provider died; it may have run", R, RESTART),
];

/// HRESULTs of RPC, 0x8001xxxx: what Antivirus' own class answers with.
#[rustfmt::skip] // one line each, so that it can be compared with the reference
pub(super) const RPC: &[Meaning] = &[
    row(0x8001_06BA, "RPC_S_SERVER_UNAVAILABLE", "the service behind the class does not run: that of Defender Antivirus", N, ANTIVIRUS),
];

#[rustfmt::skip] // one line each, so that it can be compared with the reference
pub(super) const HRESULT: &[Meaning] = &[
    row(0x8007_0002, "ERROR_FILE_NOT_FOUND", NO_FILE, F, "check that the key or program of the step exists on this host"),
    row(0x8007_0005, "E_ACCESSDENIED", DENIED, N, RIGHTS),
    row(0x8007_0032, "ERROR_NOT_SUPPORTED", "the resource does not know this verb, or the body came in chunks", F, PROGRAM),
    row(0x8007_0057, "E_INVALIDARG", "a parameter of the request is wrong", F, PROGRAM),
    row(0x8007_00AA, "ERROR_BUSY", "another Send of this shell is under way", R, BUSY),
    row(0x8007_00CE, "ERROR_FILENAME_EXCED_RANGE", "the command line is too long", F, COMMAND),
    row(0x8007_03E3, "ERROR_OPERATION_ABORTED", ABORTED, S, READ_BACK),
    row(0x8007_03FA, "ERROR_KEY_DELETED", "the profile was unloaded under the shell", S, PROFILE),
    row(0x8007_0422, "ERROR_SERVICE_DISABLED", "the service of the provider is disabled", N, START_WMI),
    row(0x8007_045B, "ERROR_SHUTDOWN_IN_PROGRESS", "the host is shutting down", R, RESTART),
    row(0x8007_04C7, "ERROR_CANCELLED", "the operation was cancelled on the host", S, READ_BACK),
    row(0x8007_052E, "ERROR_LOGON_FAILURE", "the account was refused", A, ACCOUNT),
    row(0x8007_06BA, "RPC_S_SERVER_UNAVAILABLE", "WMI does not run, or not yet after a start", R, RESTART),
    row(0x8007_06BE, "RPC_S_CALL_FAILED", "the process that hosts the provider died; it may have run", R, RESTART),
];

/// Numbers that only a `ReturnValue` carries: their names are enough.
pub(super) fn other_name(code: u32) -> &'static str {
    match code {
        0 => "ERROR_SUCCESS",
        1 => "ERROR_INVALID_FUNCTION",
        8 => "ERROR_NOT_ENOUGH_MEMORY",
        13 => "ERROR_INVALID_DATA",
        14 => "ERROR_OUTOFMEMORY",
        19 => "ERROR_WRITE_PROTECT",
        112 => "ERROR_DISK_FULL",
        122 => "ERROR_INSUFFICIENT_BUFFER",
        145 => "ERROR_DIR_NOT_EMPTY",
        161 => "ERROR_BAD_PATHNAME",
        203 => "ERROR_ENVVAR_NOT_FOUND",
        234 => "ERROR_MORE_DATA",
        259 => "ERROR_NO_MORE_ITEMS",
        1009 => "ERROR_BADDB",
        1010 => "ERROR_BADKEY",
        1011 => "ERROR_CANTOPEN",
        1012 => "ERROR_CANTREAD",
        1013 => "ERROR_CANTWRITE",
        1015 => "ERROR_REGISTRY_CORRUPT",
        1016 => "ERROR_REGISTRY_IO_FAILED",
        1019 => "ERROR_NO_LOG_SPACE",
        1020 => "ERROR_KEY_HAS_CHILDREN",
        1021 => "ERROR_CHILD_MUST_BE_VOLATILE",
        1314 => "ERROR_PRIVILEGE_NOT_HELD",
        1450 => "ERROR_NO_SYSTEM_RESOURCES",
        0x8007_0006 => "ERROR_INVALID_HANDLE",
        _ => "unknown",
    }
}
