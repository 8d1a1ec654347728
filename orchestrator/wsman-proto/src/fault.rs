//! SOAP faults as a typed error: both shapes Windows sends (`f:WSManFault` and `MSFT_WmiError`).
//!
//! Only numbers and subcodes decide anything here; texts are localised and kept for people. The meaning of each
//! code is in `fault/table.rs` and the files below it, the reading of the XML in `fault/decode.rs`.

mod decode;
mod table;

use std::fmt;

pub use decode::decode;
pub(crate) use decode::local_part;
pub use table::{Alias, Meaning, cim_statuses, meaning, meanings, return_value_name, subcodes};

/// What may be done after a fault or an HTTP status. wsman.md 7.2, column "retry".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Nothing helps but a change on the host.
    No,
    /// Not an error: ask again (no output yet).
    Poll,
    /// The same request may succeed after a pause.
    Backoff,
    /// The shell (or enumeration) is gone: make a new one, then the request again.
    NewShell,
    /// Authenticate again, then the request again.
    Reauthenticate,
    /// The request itself is wrong for this host.
    FixRequest,
}

/// A SOAP fault (WS-Management, MS-WSMV 2.2.4.43).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Effective code: `WSManFault@Code`, else `error_Code`, else the HRESULT in `MessageID`, else 0.
    pub code: u32,
    /// Local name of the SOAP subcode (`TimedOut`), or of the code itself where it is none of `Sender` and `Receiver`
    /// (`MustUnderstand`); empty when there is neither.
    pub subcode: String,
    /// The reply's addressing action.
    pub action: String,
    /// Symbolic name of the code; `unknown` when the table does not have it.
    pub name: &'static str,
    /// The host's own words (localised, untrusted), the innermost that says something.
    pub cause: String,
    /// `Machine` attribute; may be empty. Never proves who answered.
    pub machine: String,
    /// `FaultDetail` local part, e.g. `MaxEnvelopeSize`, or the header that was not understood; empty when there is
    /// neither.
    pub detail: String,
    /// Provider that raised it, e.g. `WMI Provider`; empty when there is none.
    pub provider: String,
    /// What may be done.
    pub retry: Retry,
    /// What a person may do, if we know.
    pub remedy: Option<&'static str>,
    /// The WMI status inside (`__ExtendedStatus/StatusCode`, or an HRESULT of WMI), if there is one.
    pub wmi_status: Option<u32>,
    /// `CIMStatusCode` of the `MSFT_WmiError` shape.
    pub cim_status: Option<u32>,
}

/// "Operation timeout": the host had nothing to say within `OperationTimeout`.
pub const TIMED_OUT: u32 = 2_150_858_793;
/// Shell or command does not exist (any more).
pub const UNEXPECTED_SELECTORS: u32 = 2_150_858_843;
/// Quota of operations for this user: grows with each command of a shell.
pub const QUOTA_OPERATIONS: u32 = 2_150_859_174;

/// The number says that the host has forgotten, or closed, an enumeration.
pub fn is_enumeration_gone(code: u32) -> bool {
    matches!(code, 2_150_858_759 | 2_150_858_779)
}

impl Fault {
    /// Changes what the host has worded.
    pub fn map_words(&mut self, map: impl Fn(&str) -> String) {
        let Self {
            subcode,
            action,
            cause,
            machine,
            detail,
            provider,
            ..
        } = self;
        for words in [subcode, action, cause, machine, detail, provider] {
            *words = map(words);
        }
    }

    /// True for "nothing to say yet": poll again.
    pub fn is_timeout(&self) -> bool {
        self.code == TIMED_OUT || (self.code == 0 && self.subcode == "TimedOut")
    }

    /// True when Windows says access denied, in any of its forms.
    pub fn is_access_denied(&self) -> bool {
        matches!(self.code, 5 | 0x8007_0005 | 2_150_859_012..=2_150_859_014)
            || self.wmi_status == Some(0x8004_1003)
            || self.cim_status == Some(2)
            || self.subcode == "AccessDenied"
    }

    /// True where the host has forgotten, or closed, an enumeration: it may be begun again.
    pub fn is_enumeration_gone(&self) -> bool {
        is_enumeration_gone(self.code)
            || (self.code == 0 && self.subcode == "InvalidEnumerationContext")
    }

    /// True for quota faults of any kind.
    pub fn is_quota(&self) -> bool {
        matches!(self.code, 2_150_858_815 | 2_150_859_173..=2_150_859_176 | 2_150_859_179 | 2_150_859_236..=2_150_859_242)
            || self.subcode == "QuotaLimit"
            || self.cim_status == Some(27)
    }

    /// True when WMI, the class or the namespace is not there or does not work (not: access denied).
    pub fn is_wmi_broken(&self) -> bool {
        matches!(
            self.code,
            1722 | 1726 | 0x8007_06BA | 0x8007_06BE | 2_150_858_752 | 0x8007_045B | 0x8007_0422
        ) || self.wmi_status.is_some_and(|status| {
            matches!(
                status,
                0x8004_1001 | 0x8004_1002 | 0x8004_1006 | 0x8004_100A | 0x8004_100C
                    ..=0x8004_1014 | 0x8004_1033 | 0x8004_106C
            )
        })
    }

    /// True when the request may have been carried out although a fault came back (wsman.md 7.2, 7.3): the time was
    /// up, the operation was aborted, or the provider died.
    pub fn outcome_unknown(&self) -> bool {
        self.is_timeout()
            || matches!(
                self.code,
                995 | 1223
                    | 1726
                    | 0x8007_03E3
                    | 0x8007_04C7
                    | 0x8007_06BE
                    | 2_150_858_883
            )
            // WMI was cancelled, or ends.
            || matches!(self.wmi_status, Some(0x8004_1032 | 0x8004_1033))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.subcode.as_str()) {
            (0, "") => f.write_str("a fault without a number")?,
            (0, word) => write!(f, "{word}, a fault without a number")?,
            (code, _) => write!(f, "{} ({code})", self.name)?,
        }
        if !self.cause.is_empty() {
            write!(f, ": {}", self.cause.trim_end_matches('.'))?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
