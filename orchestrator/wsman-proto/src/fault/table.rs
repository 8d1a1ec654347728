//! What the numbers and words mean: cause, whether it may be tried again, and what a person can do.
//!
//! One line for each row of wsman.md 7.2, with Microsoft's own names (wsmerror.h, winerror.h, wbemcli.h, DSP0004).
//! The user's page "what to do when" is printed from here.

mod cim;
mod remedy;
mod subcode;
mod system;
mod wmi;
mod wsman;

use super::{Fault, Retry};

/// A number a host may refuse with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// Unsigned, as `WSManFault@Code` carries it.
    pub code: u32,
    /// Microsoft's symbol.
    pub name: &'static str,
    /// What happened on the host.
    pub cause: &'static str,
    /// What the client does or may do.
    pub retry: Retry,
    /// What a person can do.
    pub remedy: &'static str,
}

const fn row(
    code: u32,
    name: &'static str,
    cause: &'static str,
    retry: Retry,
    remedy: &'static str,
) -> Meaning {
    Meaning {
        code,
        name,
        cause,
        retry,
        remedy,
    }
}

/// A `CIMStatusCode` (DSP0004), or a SOAP subcode: where a fault carries no number that says more, it counts as that
/// number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias<T> {
    /// The status or the local name of the subcode.
    pub word: T,
    /// The number of [`meanings`] it counts as.
    pub code: u32,
}

/// Every number that is known, in ascending order.
pub fn meanings() -> impl Iterator<Item = &'static Meaning> {
    // Win32 numbers, then 0x8001 (RPC), 0x8004 (WMI), 0x8007 (HRESULTs of Win32 numbers), then 0x8033 (WS-Management).
    [
        system::WIN32,
        system::RPC,
        wmi::TABLE,
        system::HRESULT,
        wsman::TABLE,
    ]
    .into_iter()
    .flatten()
}

/// Every `CIMStatusCode` that is known.
pub fn cim_statuses() -> &'static [Alias<u32>] {
    cim::TABLE
}

/// Every subcode that is known.
pub fn subcodes() -> &'static [Alias<&'static str>] {
    subcode::TABLE
}

/// What a number means.
pub fn meaning(code: u32) -> Option<&'static Meaning> {
    meanings().find(|meaning| meaning.code == code)
}

/// A general code of the WMI plug-in, or one that many causes share, says less than what is inside.
fn is_general(code: u32) -> bool {
    matches!(code, 0 | 2_150_858_752 | 2_150_858_755 | 2_150_858_778)
}

/// Fills in name, retry and remedy.
pub(super) fn explain(fault: &mut Fault) {
    let inner = || fault.wmi_status.filter(|_| is_general(fault.code));
    let by_subcode = || {
        let alias = subcodes().iter().find(|alias| alias.word == fault.subcode);
        alias.map(|alias| alias.code)
    };
    let by_status = || {
        let status = fault.cim_status?;
        let alias = cim_statuses().iter().find(|alias| alias.word == status);
        alias.map(|alias| alias.code)
    };
    let code = (fault.code != 0).then_some(fault.code);
    let found = [inner(), code, by_status(), by_subcode()];
    let Some(found) = found.into_iter().flatten().find_map(meaning) else {
        return;
    };
    // A number that no table has keeps its place: only what the words say is taken from elsewhere.
    if fault.code == 0 || meaning(fault.code).is_some() {
        fault.name = found.name;
    }
    fault.retry = found.retry;
    fault.remedy = Some(found.remedy);
}

/// Name of a Win32 or WMI number as a `ReturnValue` carries it; `unknown` when no table has it.
pub fn return_value_name(code: u32) -> &'static str {
    meaning(code).map_or_else(|| system::other_name(code), |meaning| meaning.name)
}

#[cfg(test)]
mod tests {
    use super::{cim_statuses, meaning, meanings, return_value_name, subcodes};

    #[test]
    fn the_table_is_sorted_and_each_alias_has_its_number() {
        let codes: Vec<u32> = meanings().map(|meaning| meaning.code).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(subcodes().iter().all(|alias| meaning(alias.code).is_some()));
        assert!(
            cim_statuses()
                .iter()
                .all(|alias| meaning(alias.code).is_some())
        );
    }

    #[test]
    fn return_values_have_names() {
        assert_eq!(return_value_name(5), "ERROR_ACCESS_DENIED");
        assert_eq!(return_value_name(0), "ERROR_SUCCESS");
        assert_eq!(return_value_name(2_147_749_893), "WBEM_E_TYPE_MISMATCH");
        assert_eq!(return_value_name(4_000_000_000), "unknown");
    }
}
