//! What the codes mean: wsman.md 7.2, one line each.

use super::{Fault, Retry};
use Retry::{Backoff, FixRequest, NewShell, No, Poll, Reauthenticate};

struct Entry(u32, &'static str, Retry, Option<&'static str>);

const RIGHTS: Option<&str> = Some(
    "the account needs administrator rights on the host; a local account other than the built-in administrator is \
     filtered unless LocalAccountTokenFilterPolicy is 1",
);
const WAIT: Option<&str> = Some("the host is busy or starting: try again later");
const SHELLS: Option<&str> = Some(
    "other tools or lost shells use up the quota: wait for their idle timeout or raise MaxShellsPerUser",
);
const QUOTA: Option<&str> =
    Some("a WS-Management quota of the host is used up: wait, or raise it in winrm/config");
const COMMAND: Option<&str> = Some("the command line is too long for Windows");
const WMI: Option<&str> =
    Some("check the WMI repository (winmgmt /verifyrepository) and the service winmgmt");
const RESTART: Option<&str> =
    Some("the host's WinRM or WMI service is going down or starting: try again");

/// Sorted by code. Where Windows uses both the bare Win32 number and its HRESULT, both are here.
#[rustfmt::skip] // one line each, so that it can be compared with the reference
const TABLE: &[Entry] = &[
    Entry(2, "ERROR_FILE_NOT_FOUND", FixRequest, None),
    Entry(5, "ERROR_ACCESS_DENIED", No, RIGHTS),
    Entry(50, "ERROR_NOT_SUPPORTED", FixRequest, None),
    Entry(87, "ERROR_INVALID_PARAMETER", FixRequest, None),
    Entry(170, "ERROR_BUSY", Backoff, None),
    Entry(206, "ERROR_FILENAME_EXCED_RANGE", FixRequest, COMMAND),
    Entry(995, "ERROR_OPERATION_ABORTED", NewShell, RESTART),
    Entry(1018, "ERROR_KEY_DELETED", NewShell, None),
    Entry(1223, "ERROR_CANCELLED", NewShell, None),
    Entry(1326, "ERROR_LOGON_FAILURE", Reauthenticate, None),
    Entry(1722, "RPC_S_SERVER_UNAVAILABLE", Backoff, RESTART),
    Entry(1726, "RPC_S_CALL_FAILED", Backoff, RESTART),
    Entry(0x8004_1001, "WBEM_E_FAILED", Backoff, WMI),
    Entry(0x8004_1002, "WBEM_E_NOT_FOUND", No, WMI),
    Entry(0x8004_1003, "WBEM_E_ACCESS_DENIED", No, RIGHTS),
    Entry(0x8004_1004, "WBEM_E_PROVIDER_FAILURE", Backoff, WMI),
    Entry(0x8004_1005, "WBEM_E_TYPE_MISMATCH", FixRequest, None),
    Entry(0x8004_1006, "WBEM_E_OUT_OF_MEMORY", Backoff, WAIT),
    Entry(0x8004_1008, "WBEM_E_INVALID_PARAMETER", FixRequest, None),
    Entry(0x8004_100E, "WBEM_E_INVALID_NAMESPACE", No, WMI),
    Entry(0x8004_1010, "WBEM_E_INVALID_CLASS", No, WMI),
    Entry(0x8004_1017, "WBEM_E_INVALID_QUERY", FixRequest, None),
    Entry(0x8004_1032, "WBEM_E_CALL_CANCELLED", Backoff, RESTART),
    Entry(0x8004_1033, "WBEM_E_SHUTTING_DOWN", Backoff, RESTART),
    Entry(0x8004_106C, "WBEM_E_QUOTA_VIOLATION", Backoff, QUOTA),
    Entry(0x8007_0002, "ERROR_FILE_NOT_FOUND", FixRequest, None),
    Entry(0x8007_0005, "E_ACCESSDENIED", No, RIGHTS),
    Entry(0x8007_00CE, "ERROR_FILENAME_EXCED_RANGE", FixRequest, COMMAND),
    Entry(0x8007_03E3, "ERROR_OPERATION_ABORTED", NewShell, RESTART),
    Entry(0x8007_03FA, "ERROR_KEY_DELETED", NewShell, None),
    Entry(0x8007_0422, "ERROR_SERVICE_DISABLED", No, WMI),
    Entry(0x8007_045B, "ERROR_SHUTDOWN_IN_PROGRESS", Backoff, RESTART),
    Entry(0x8007_06BA, "RPC_S_SERVER_UNAVAILABLE", Backoff, RESTART),
    Entry(0x8007_06BE, "RPC_S_CALL_FAILED", Backoff, RESTART),
    Entry(2_150_858_752, "ERROR_WSMAN_RESOURCE_NOT_FOUND", No, WMI),
    Entry(2_150_858_753, "ERROR_WSMAN_INVALID_ACTIONURI", FixRequest, None),
    Entry(2_150_858_754, "ERROR_WSMAN_INVALID_URI", FixRequest, None),
    Entry(2_150_858_759, "ERROR_WSMAN_ENUMERATION_CLOSED", NewShell, None),
    Entry(2_150_858_767, "ERROR_WSMAN_INVALID_MESSAGE_INFORMATION_HEADER", FixRequest, None),
    Entry(2_150_858_768, "ERROR_WSMAN_SOAP_FAULT_MUST_UNDERSTAND", FixRequest, None),
    Entry(2_150_858_769, "ERROR_WSMAN_MESSAGE_INFORMATION_HEADER_REQUIRED", FixRequest, None),
    Entry(2_150_858_770, "ERROR_WSMAN_DESTINATION_UNREACHABLE", Backoff, WAIT),
    Entry(2_150_858_772, "ERROR_WSMAN_ENDPOINT_UNAVAILABLE", Backoff, WAIT),
    Entry(2_150_858_776, "ERROR_WSMAN_FILTERING_NOT_SUPPORTED", FixRequest, None),
    Entry(2_150_858_777, "ERROR_WSMAN_FILTERING_REQUESTED_UNAVAILABLE", FixRequest, None),
    Entry(2_150_858_778, "ERROR_WSMAN_CANNOT_PROCESS_FILTER", FixRequest, None),
    Entry(2_150_858_779, "ERROR_WSMAN_INVALID_ENUMERATION_CONTEXT", NewShell, None),
    Entry(2_150_858_780, "ERROR_WSMAN_ENUMERATION_TIMED_OUT", Backoff, WAIT),
    Entry(2_150_858_790, "ERROR_WSMAN_ENVELOPE_TOO_LARGE", FixRequest, None),
    Entry(2_150_858_791, "ERROR_WSMAN_INVALID_SOAP_BODY", FixRequest, None),
    Entry(2_150_858_793, "ERROR_WSMAN_OPERATION_TIMEDOUT", Poll, None),
    Entry(2_150_858_802, "ERROR_WSMAN_CONCURRENCY", Backoff, WAIT),
    Entry(2_150_858_805, "ERROR_WSMAN_ENCODING_LIMIT", FixRequest, None),
    Entry(2_150_858_809, "ERROR_WSMAN_INVALID_OPTIONS", FixRequest, None),
    Entry(2_150_858_810, "ERROR_WSMAN_INVALID_PARAMETER", FixRequest, None),
    Entry(2_150_858_811, "ERROR_WSMAN_INVALID_RESOURCE_URI", FixRequest, None),
    Entry(2_150_858_813, "ERROR_WSMAN_INVALID_SELECTORS", FixRequest, None),
    Entry(2_150_858_815, "ERROR_WSMAN_QUOTA_LIMIT", Backoff, QUOTA),
    Entry(2_150_858_817, "ERROR_WSMAN_SCHEMA_VALIDATION_ERROR", FixRequest, None),
    Entry(2_150_858_818, "ERROR_WSMAN_UNSUPPORTED_FEATURE", FixRequest, None),
    Entry(2_150_858_819, "ERROR_WSMAN_INVALID_XML", FixRequest, None),
    Entry(2_150_858_823, "ERROR_WSMAN_INVALID_MAX_ENVELOPE_SIZE", FixRequest, None),
    Entry(2_150_858_824, "ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED", FixRequest, None),
    Entry(2_150_858_825, "ERROR_WSMAN_SERVER_ENVELOPE_LIMIT", FixRequest, None),
    Entry(2_150_858_842, "ERROR_WSMAN_INSUFFICIENT_SELECTORS", FixRequest, None),
    Entry(2_150_858_843, "ERROR_WSMAN_UNEXPECTED_SELECTORS", NewShell, None),
    Entry(2_150_858_844, "ERROR_WSMAN_SELECTOR_TYPEMISMATCH", FixRequest, None),
    Entry(2_150_858_845, "ERROR_WSMAN_INVALID_SELECTOR_VALUE", FixRequest, None),
    Entry(2_150_858_847, "ERROR_WSMAN_DUPLICATE_SELECTORS", FixRequest, None),
    Entry(2_150_858_855, "ERROR_WSMAN_LOCALE_NOT_SUPPORTED", FixRequest, None),
    Entry(2_150_858_870, "ERROR_WSMAN_ADDRESSING_MODE", FixRequest, None),
    Entry(2_150_858_881, "ERROR_WSMAN_INVALID_TIMEOUT_HEADER", FixRequest, None),
    Entry(2_150_858_883, "ERROR_WSMAN_PLUGIN_FAILED", NewShell, RESTART),
    Entry(2_150_858_974, "ERROR_WSMAN_UNENCRYPTED_TRAFFIC_DISABLED", No, None),
    Entry(2_150_859_002, "ERROR_WSMAN_WMI_INVALID_SINGLETON", FixRequest, None),
    Entry(2_150_859_003, "ERROR_WSMAN_WMI_WQL_NEEDS_ALL_CLASSES", FixRequest, None),
    Entry(2_150_859_012, "ERROR_WSMAN_WMI_SVC_ACCESS_DENIED", No, RIGHTS),
    Entry(2_150_859_013, "ERROR_WSMAN_WMI_PROVIDER_ACCESS_DENIED", No, RIGHTS),
    Entry(2_150_859_014, "ERROR_WSMAN_WMI_CANNOT_CONNECT_ACCESS_DENIED", No, RIGHTS),
    Entry(2_150_859_026, "ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE", Backoff, WAIT),
    Entry(2_150_859_027, "ERROR_WSMAN_HTTP_NOT_FOUND", No, None),
    Entry(2_150_859_046, "ERROR_WSMAN_NETWORK_TIMEDOUT", Backoff, WAIT),
    Entry(2_150_859_082, "ERROR_WSMAN_SHELL_ALREADY_CLOSED", NewShell, None),
    Entry(2_150_859_087, "ERROR_WSMAN_COMMAND_ALREADY_CLOSED", NewShell, None),
    Entry(2_150_859_149, "ERROR_WSMAN_INVALID_DESIRED_STREAMS", FixRequest, None),
    Entry(2_150_859_173, "ERROR_WSMAN_QUOTA_MAX_SHELLS_PPQ", Backoff, SHELLS),
    Entry(2_150_859_174, "ERROR_WSMAN_QUOTA_MAX_OPERATIONS", NewShell, QUOTA),
    Entry(2_150_859_175, "ERROR_WSMAN_QUOTA_USER", Backoff, QUOTA),
    Entry(2_150_859_176, "ERROR_WSMAN_QUOTA_SYSTEM", Backoff, QUOTA),
    Entry(2_150_859_177, "ERROR_WSMAN_DIFFERENT_AUTHZ_TOKEN", No, None),
    Entry(2_150_859_179, "ERROR_WSMAN_QUOTA_MAX_SHELLUSERS", Backoff, SHELLS),
    Entry(2_150_859_180, "ERROR_WSMAN_REMOTE_SHELLS_NOT_ALLOWED", No, Some("AllowRemoteShellAccess is false on the host: only registry steps over WMI work there")),
    Entry(2_150_859_212, "ERROR_WSMAN_COMMAND_TERMINATED", NewShell, None),
    Entry(2_150_859_230, "ERROR_WSMAN_STREAM_DISCONNECTED", NewShell, None),
    Entry(2_150_859_236, "ERROR_WSMAN_QUOTA_PLUGIN", Backoff, QUOTA),
    Entry(2_150_859_237, "ERROR_WSMAN_QUOTA_PLUGIN", Backoff, QUOTA),
    Entry(2_150_859_238, "ERROR_WSMAN_QUOTA_PLUGIN", Backoff, QUOTA),
    Entry(2_150_859_239, "ERROR_WSMAN_QUOTA_PLUGIN", Backoff, QUOTA),
    Entry(2_150_859_240, "ERROR_WSMAN_QUOTA_PLUGIN", Backoff, QUOTA),
    Entry(2_150_859_241, "ERROR_WSMAN_QUOTA_MAX_COMMANDS_PER_SHELL_PPQ", NewShell, QUOTA),
    Entry(2_150_859_242, "ERROR_WSMAN_QUOTA_PLUGIN", Backoff, QUOTA),
];

/// Subcodes, for faults without any number.
#[rustfmt::skip]
const SUBCODES: &[(&str, u32)] = &[
    ("AccessDenied", 5),
    ("ActionNotSupported", 2_150_858_753),
    ("CannotProcessFilter", 2_150_858_778),
    ("Concurrency", 2_150_858_802),
    ("DestinationUnreachable", 2_150_858_811),
    ("EncodingLimit", 2_150_858_805),
    ("EndpointUnavailable", 2_150_858_772),
    ("InvalidEnumerationContext", 2_150_858_779),
    ("InvalidMessageInformationHeader", 2_150_858_767),
    ("InvalidOptions", 2_150_858_809),
    ("InvalidParameter", 2_150_858_810),
    ("InvalidResourceURI", 2_150_858_811),
    ("InvalidSelectors", 2_150_858_813),
    ("MessageInformationHeaderRequired", 2_150_858_769),
    ("QuotaLimit", 2_150_858_815),
    ("SchemaValidationError", 2_150_858_817),
    ("TimedOut", 2_150_858_793),
    ("UnsupportedFeature", 2_150_858_818),
];

fn find(code: u32) -> Option<&'static Entry> {
    TABLE
        .binary_search_by_key(&code, |entry| entry.0)
        .ok()
        .map(|index| &TABLE[index])
}

/// Fills in name, retry and remedy.
pub(super) fn explain(fault: &mut Fault) {
    let by_subcode = || {
        let (_, code) = SUBCODES.iter().find(|(name, _)| *name == fault.subcode)?;
        find(*code)
    };
    // A general code of the WMI plug-in says less than the status inside it.
    let inner = fault
        .wmi_status
        .filter(|_| matches!(fault.code, 0 | 2_150_858_752 | 2_150_858_778))
        .and_then(find);
    let entry = inner.or_else(|| {
        if fault.code == 0 {
            by_subcode()
        } else {
            find(fault.code)
        }
    });
    if let Some(Entry(_, name, retry, remedy)) = entry {
        fault.name = name;
        fault.retry = *retry;
        fault.remedy = *remedy;
    } else if fault.is_quota() {
        fault.name = "quota";
        fault.retry = Backoff;
        fault.remedy = QUOTA;
    } else if fault.is_access_denied() {
        fault.name = "access denied";
        fault.remedy = RIGHTS;
    }
}

/// Name of a Win32 or WMI number as a `ReturnValue` carries it; `unknown` when the table does not have it.
pub(crate) fn return_value_name(code: u32) -> &'static str {
    match code {
        0 => "ERROR_SUCCESS",
        1 => "ERROR_INVALID_FUNCTION",
        6 => "ERROR_INVALID_HANDLE",
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
        0x8007_0057 => "ERROR_INVALID_PARAMETER",
        other => find(other).map_or("unknown", |entry| entry.1),
    }
}

#[cfg(test)]
mod tests {
    use super::{SUBCODES, TABLE, find, return_value_name};

    #[test]
    fn the_table_is_sorted_and_each_subcode_has_an_entry() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(SUBCODES.iter().all(|(_, code)| find(*code).is_some()));
    }

    #[test]
    fn return_values_have_names() {
        assert_eq!(return_value_name(5), "ERROR_ACCESS_DENIED");
        assert_eq!(return_value_name(2_147_749_893), "WBEM_E_TYPE_MISMATCH");
        assert_eq!(return_value_name(4_000_000_000), "unknown");
    }
}
