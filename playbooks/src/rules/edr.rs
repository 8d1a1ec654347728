//! The EDR sensor's proxy, `TelemetryProxyServer` (S20): `host:port`, no scheme, no blank.

use super::address::{host_and_port, plain};
use super::{Invalid, Notes};

const EXPECTED: &str = "host:port, for example 10.0.0.6:8080";

/// Judges an EDR proxy.
pub(crate) fn edr_server(text: &str, notes: &mut Notes) -> Result<String, Invalid> {
    bare(
        text,
        notes,
        "the EDR sensor takes host:port without scheme; the form with http:// belongs to av_proxy",
    )
}

/// Judges a variable of type `host_port`: the same form, used for several stores.
pub(crate) fn host_port(text: &str, notes: &mut Notes) -> Result<String, Invalid> {
    bare(
        text,
        notes,
        "leave the scheme out; where one is needed (av_proxy) the playbook writes 'http://{{ proxy }}'",
    )
}

fn bare(text: &str, notes: &mut Notes, about_schemes: &str) -> Result<String, Invalid> {
    judge(text, notes, about_schemes).map_err(|mut error| {
        error.expected.get_or_insert_with(|| EXPECTED.to_owned());
        error
    })?;
    Ok(text.to_owned())
}

fn judge(text: &str, notes: &mut Notes, about_schemes: &str) -> Result<(), Invalid> {
    plain(text)?;
    if let Some((scheme, rest)) = text.split_once("://") {
        let without = rest.trim_end_matches('/');
        return Err(
            Invalid::new(format!("'{text}' has the scheme '{scheme}://'"))
                .hint(format!("{about_schemes}: write '{without}'")),
        );
    }
    if text.contains([',', ';']) {
        return Err(Invalid::new(format!("'{text}' is a list"))
            .hint("one proxy only; a list is a matter of winhttp_proxy"));
    }
    if text.contains('=') {
        return Err(Invalid::new(format!("'{text}' names a protocol"))
            .hint("the form http=host:port belongs to winhttp_proxy"));
    }
    if text.contains(['/', '\\']) {
        return Err(
            Invalid::new(format!("'{text}' has a slash")).hint("no path and no trailing slash")
        );
    }
    host_and_port(text, notes)
}
