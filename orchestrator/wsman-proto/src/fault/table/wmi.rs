//! WMI's own numbers, 0x8004xxxx (wbemcli.h).

use super::remedy::{BUSY, PROGRAM, QUOTA, RESTART, RIGHTS, VALUE, WMI};
use super::{Meaning, row};
use crate::fault::Retry::{Backoff as R, FixRequest as F, No as N};

#[rustfmt::skip] // one line each, so that it can be compared with the reference
pub(super) const TABLE: &[Meaning] = &[
    row(0x8004_1001, "WBEM_E_FAILED", "WMI failed", R, WMI),
    row(0x8004_1002, "WBEM_E_NOT_FOUND", "an object of WMI is not there", N, WMI),
    row(0x8004_1003, "WBEM_E_ACCESS_DENIED", "the WMI namespace refused the account", N, RIGHTS),
    row(0x8004_1004, "WBEM_E_PROVIDER_FAILURE", "the provider failed", R, WMI),
    row(0x8004_1005, "WBEM_E_TYPE_MISMATCH", "the value has another type than the one asked for", F, VALUE),
    row(0x8004_1006, "WBEM_E_OUT_OF_MEMORY", "WMI has no memory left", R, BUSY),
    row(0x8004_1008, "WBEM_E_INVALID_PARAMETER", "a parameter of the request is wrong", F, PROGRAM),
    row(0x8004_100C, "WBEM_E_NOT_SUPPORTED", "the provider cannot do this", N, WMI),
    row(0x8004_100E, "WBEM_E_INVALID_NAMESPACE", "the WMI namespace is not there", N, WMI),
    row(0x8004_1010, "WBEM_E_INVALID_CLASS", "the WMI class is not there", N, WMI),
    row(0x8004_1013, "WBEM_E_PROVIDER_LOAD_FAILURE", "the provider cannot be loaded", N, WMI),
    row(0x8004_1017, "WBEM_E_INVALID_QUERY", "the query is wrong", F, PROGRAM),
    row(0x8004_1019, "WBEM_E_ALREADY_EXISTS", "the object is there already", N, VALUE),
    row(0x8004_102D, "WBEM_E_METHOD_NOT_IMPLEMENTED", "the provider does not have this method", N, WMI),
    row(0x8004_102E, "WBEM_E_METHOD_DISABLED", "the method is not available on this object", N, WMI),
    row(0x8004_1032, "WBEM_E_CALL_CANCELLED", "the call was cancelled, mostly because WMI ends", R, RESTART),
    row(0x8004_1033, "WBEM_E_SHUTTING_DOWN", "WMI is ending", R, RESTART),
    row(0x8004_1055, "WBEM_E_INVALID_METHOD", "the class does not know this method", N, WMI),
    row(0x8004_106C, "WBEM_E_QUOTA_VIOLATION", "a quota of WMI is used up", R, QUOTA),
];
