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
    let by = |name: &str| name.chars().take(MAX_NAME).collect::<String>();
    if status == 407 || answer.via.is_some() {
        let name = answer.via.as_deref().unwrap_or(&answer.server);
        return ErrorKind::Proxy {
            status,
            by: by(name),
        };
    }
    // HTTP.sys has HTML for its own errors, and says so; 503 may come before it can.
    if answer.is_html() && !answer.server.starts_with(HTTP_SYS) && status != 503 {
        return ErrorKind::Foreign {
            status,
            by: by(&answer.server),
        };
    }
    ErrorKind::Http(status)
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
