//! What counts as good data for each field (defender-proxy reference 1.3).
//!
//! The same functions judge literals while a playbook is loaded and rendered templates while it is compiled for a
//! host; they know nothing of files, steps or hosts. Swapped formats are caught by saying which store takes which.

mod address;
mod av;
mod data;
mod edr;
mod known;
mod winhttp;

pub(crate) use address::url;
pub(crate) use av::{av_bypass, av_pac_url, av_server};
pub(crate) use data::{data, kind_names, value_name};
pub(crate) use edr::{edr_server, host_port};
pub(crate) use known::{
    Acknowledge, KnownValue, known_value, lost_checks, lowers_security, same_address,
    same_proxy_value,
};
pub(crate) use winhttp::{winhttp_bypass, winhttp_server};

/// Why data is refused. Lower case, no full stop; never repeats text that may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) message: String,
    pub(crate) expected: Option<String>,
    pub(crate) hint: Option<String>,
}

impl Invalid {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            expected: None,
            hint: None,
        }
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn or_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }
}

/// Accepted data that a person should look at again.
pub(crate) type Notes = Vec<String>;
