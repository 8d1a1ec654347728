//! A status that the operation does not know: from the host's HTTP.sys, from a proxy in between, or from something else
//! that has the port.

use crate::carrier::Answer;
use crate::error::{ErrorKind, Sent};

/// What HTTP.sys calls itself (wsman.md 1.3).
const HTTP_SYS: &str = "Microsoft-HTTPAPI";
/// Of a name that the other side gives itself.
const MAX_NAME: usize = 200;

/// Who answered, as far as the answer tells.
pub(crate) fn kind(answer: &Answer) -> ErrorKind {
    let status = answer.status;
    if status == 407 || answer.via.is_some() {
        return proxy(status, answer.via.as_deref().unwrap_or(&answer.server));
    }
    if answer.is_html() && !answer.server.starts_with(HTTP_SYS) {
        return match status {
            // HTTP.sys has HTML for its own errors, and says so; 503 may come before it can. 425 and 429 say "later",
            // whoever says it.
            425 | 429 | 503 => ErrorKind::Http(status),
            // Only what stands before something else says that: a load balancer as it is delivered has a page for it.
            502 | 504 => proxy(status, &answer.server),
            _ => ErrorKind::Foreign {
                status,
                by: short(&answer.server),
            },
        };
    }
    ErrorKind::Http(status)
}

/// A proxy that calls itself so answered.
pub(crate) fn proxy(status: u16, by: &str) -> ErrorKind {
    ErrorKind::Proxy {
        status,
        by: short(by),
    }
}

/// A connection that is over before what was agreed on it can be used. No host does that; it is said of what stands in
/// between, where that has a name.
pub(crate) fn not_kept(answer: &Answer) -> ErrorKind {
    ErrorKind::NotKept(short(answer.via.as_deref().unwrap_or(&answer.server)))
}

fn short(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

/// Whether the operation may have been carried out all the same. HTTP.sys refuses without asking WinRM; a gateway that
/// lost the host has passed the request on, and any other 2xx says that it was taken.
pub(crate) fn sent(answer: &Answer) -> Sent {
    if (200..300).contains(&answer.status) || (answer.status >= 500 && answer.status != 503) {
        Sent::Unknown
    } else {
        Sent::NotProcessed
    }
}
