//! Hosts, ports and URLs: the pieces that every proxy format is made of.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Invalid, Notes};

/// Longest address text taken; DNS names end at 253 characters.
const LONGEST: usize = 300;

/// Refuses what no address may hold: nothing, blanks, control and non-ASCII characters, credentials.
pub(super) fn plain(text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new("the address is empty"));
    }
    if let Some(at) = text.find(|c: char| c.is_whitespace() || c.is_control()) {
        let position = text[..at].chars().count() + 1;
        return Err(
            Invalid::new(format!("the address has a blank at character {position}"))
                .hint("remove the blank"),
        );
    }
    if text.contains('@') && !only_in_query(text) {
        let error = Invalid::new("the address carries credentials in front of an '@'");
        return Err(error.hint(
            "the services run as LocalSystem and cannot log on to a proxy: it must let them pass",
        ));
    }
    if let Some(odd) = text.chars().find(|c| !c.is_ascii()) {
        return Err(Invalid::new(format!(
            "'{text}' has the non-ASCII character '{odd}'"
        )));
    }
    if text.len() > LONGEST {
        return Err(Invalid::new(format!(
            "the address has {} characters, at most {LONGEST} are taken",
            text.len()
        )));
    }
    Ok(())
}

/// Every `@` stands behind the `?` of a URL whose host and port are complete. Anything else may be a password.
fn only_in_query(text: &str) -> bool {
    let end = text.find('?').unwrap_or(text.len());
    let url = split_url(&text[..end]);
    !text[..end].contains(['@', '#'])
        && url.is_ok_and(|url| match url.authority.rsplit_once(':') {
            Some((_, port)) => check_port(port).is_ok(),
            None => true,
        })
}

/// `host:port` or `[v6]:port`, after [`plain`] and with schemes, paths and lists already told apart.
pub(super) fn host_and_port(text: &str, notes: &mut Notes) -> Result<(), Invalid> {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once("]:") else {
            return Err(Invalid::new(format!("'{text}' is not [IPv6 address]:port")));
        };
        if address.parse::<Ipv6Addr>().is_err() {
            return Err(Invalid::new(format!("'{address}' is not an IPv6 address")));
        }
        notes.push(format!(
            "'{text}' is an IPv6 literal: Defender for Endpoint needs IPv4"
        ));
        return check_port(port);
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(Invalid::new(format!("'{text}' has no port"))
            .hint(format!("write '{text}:8080', with the proxy's own port")));
    };
    if host.contains(':') {
        let error = Invalid::new(format!("'{text}' has more than one ':'"));
        return Err(error.hint("an IPv6 literal needs brackets: [2001:db8::6]:8080"));
    }
    check_host(host, notes)?;
    check_port(port)
}

/// `[A-Za-z0-9._-]+`.
pub(super) fn check_host(host: &str, notes: &mut Notes) -> Result<(), Invalid> {
    if host.is_empty() {
        return Err(Invalid::new("the host in front of the port is missing"));
    }
    if let Some(odd) = host
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "._-".contains(*c)))
    {
        return Err(Invalid::new(format!("'{odd}' cannot stand in a host name"))
            .expected("letters, digits, '.', '_' and '-'"));
    }
    let numeric = host.chars().all(|c| c.is_ascii_digit() || c == '.');
    if numeric && host.parse::<Ipv4Addr>().is_err() {
        notes.push(format!("'{host}' looks like an IPv4 address but is none"));
    }
    Ok(())
}

/// 1 to 65535, at most five digits.
pub(super) fn check_port(port: &str) -> Result<(), Invalid> {
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(
            Invalid::new(format!("'{port}' is not a port")).expected("a port from 1 to 65535")
        );
    }
    match port.parse::<u16>() {
        Ok(number) if number > 0 && port.len() <= 5 => Ok(()),
        _ => {
            Err(Invalid::new(format!("port {port} does not exist"))
                .expected("a port from 1 to 65535"))
        }
    }
}

/// The pieces of an `http://` or `https://` URL.
pub(super) struct Url<'a> {
    pub(super) scheme: &'a str,
    pub(super) authority: &'a str,
    /// From the first `/`, `?` or `#` on; empty where there is none.
    pub(super) rest: &'a str,
}

/// Splits a URL; `Err` says what stands in the place of `http` or `https`.
pub(super) fn split_url(text: &str) -> Result<Url<'_>, Invalid> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(
            Invalid::new(format!("'{text}' has no scheme")).expected("http://... or https://...")
        );
    };
    if scheme != "http" && scheme != "https" {
        let lower = scheme.to_ascii_lowercase();
        let error = Invalid::new(format!("the scheme '{scheme}' is not taken"))
            .expected("http:// or https://");
        return Err(if lower == "http" || lower == "https" {
            error.hint("write it in lower case")
        } else {
            error
        });
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    Ok(Url {
        scheme,
        authority,
        rest,
    })
}

/// A whole `http(s)` URL: host, port if there is one, any path without blanks.
pub(crate) fn url(text: &str, notes: &mut Notes) -> Result<String, Invalid> {
    plain(text)?;
    let url = split_url(text)?;
    if let Some(odd) = text.chars().find(|c| "\"<>\\^`{}|".contains(*c)) {
        return Err(Invalid::new(format!("'{odd}' cannot stand in a URL")));
    }
    if let Some(address) = bare_v6(url.authority) {
        // The scheme has a port of its own.
        host_and_port(&format!("[{address}]:80"), &mut Notes::new())?;
        notes.push(format!(
            "'{text}' has an IPv6 literal: Defender for Endpoint needs IPv4"
        ));
    } else if url.authority.starts_with('[') || url.authority.contains(':') {
        host_and_port(url.authority, notes)?;
    } else {
        check_host(url.authority, notes)?;
    }
    Ok(text.to_owned())
}

/// The address of `[v6]` without a port.
fn bare_v6(authority: &str) -> Option<&str> {
    authority.strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_literal_in_a_url_needs_no_port() {
        for good in [
            "http://[2001:db8::6]/proxy.pac",
            "http://[2001:db8::6]:81/proxy.pac",
        ] {
            let mut notes = Notes::new();
            assert_eq!(url(good, &mut notes).as_deref(), Ok(good));
            assert_eq!(notes.len(), 1, "{notes:?}");
        }
        for bad in [
            "http://[2001:db8::g]/",
            "http://[]/",
            "http://[10.0.0.6]/",
            "http://[::1/",
        ] {
            assert!(url(bad, &mut Notes::new()).is_err(), "{bad}");
        }
    }
}
