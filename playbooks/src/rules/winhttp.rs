//! The machine-wide WinHTTP proxy (S41, S44): `host:port` or a list per scheme, and its bypass list.
//!
//! The grammar is narrow on purpose: what passes needs no escaping inside a quoted netsh argument.

use std::net::Ipv6Addr;

use super::address::{check_host, check_port, host_and_port, plain, split_url};
use super::{Invalid, Notes};

const SERVER: &str = "host:port, or http=host:port;https=host:port";
/// Text of the whole bypass list; a command line ends at 8191 characters.
const LONGEST_BYPASS: usize = 4096;

/// Judges a WinHTTP proxy.
pub(crate) fn winhttp_server(text: &str, notes: &mut Notes) -> Result<String, Invalid> {
    judge_server(text, notes).map_err(|mut error| {
        error.expected.get_or_insert_with(|| SERVER.to_owned());
        error
    })?;
    Ok(text.to_owned())
}

fn judge_server(text: &str, notes: &mut Notes) -> Result<(), Invalid> {
    plain(text)?;
    if text.contains(',') {
        return Err(
            Invalid::new(format!("'{text}' has a comma")).hint("separate the schemes by ';'")
        );
    }
    if !text.contains(['=', ';']) {
        return one_proxy(text, notes);
    }
    let mut seen = Vec::new();
    for entry in text.split(';') {
        let Some((scheme, proxy)) = entry.split_once('=') else {
            return Err(Invalid::new(format!(
                "'{entry}' in the list names no scheme"
            )));
        };
        if scheme != "http" && scheme != "https" {
            return Err(
                Invalid::new(format!("'{scheme}' is not a scheme of WinHTTP"))
                    .expected("http= or https="),
            );
        }
        if seen.contains(&scheme) {
            return Err(Invalid::new(format!(
                "the scheme '{scheme}' stands in the list twice"
            )));
        }
        seen.push(scheme);
        one_proxy(proxy, notes)?;
    }
    Ok(())
}

fn one_proxy(text: &str, notes: &mut Notes) -> Result<(), Invalid> {
    let Some((scheme, rest)) = text.split_once("://") else {
        if text.contains('/') {
            return Err(
                Invalid::new(format!("'{text}' has a slash")).hint("no path and no trailing slash")
            );
        }
        return host_and_port(text, notes);
    };
    if scheme != "http" && scheme != "https" {
        return Err(Invalid::new(format!("the scheme '{scheme}' is not taken")));
    }
    if rest.contains('/') {
        return Err(Invalid::new(format!("'{text}' has a path")).hint(format!(
            "write '{}'",
            rest.split('/').next().unwrap_or(rest)
        )));
    }
    host_and_port(rest, notes)?;
    notes.push(format!(
        "'{text}': WinHTTP accepts a scheme here, but it is unusual; write '{rest}'"
    ));
    Ok(())
}

/// Judges a bypass list, given entry by entry or as netsh's text with `;`.
pub(crate) fn winhttp_bypass(
    entries: &[String],
    notes: &mut Notes,
) -> Result<Vec<String>, Invalid> {
    let entries: Vec<&str> = entries.iter().flat_map(|entry| entry.split(';')).collect();
    let mut seen: Vec<String> = Vec::new();
    for entry in &entries {
        bypass_entry(entry)?;
        let folded = entry.to_ascii_lowercase();
        if seen.contains(&folded) {
            notes.push(format!(
                "the bypass entry '{entry}' stands in the list twice"
            ));
        }
        seen.push(folded);
    }
    let length: usize = entries.iter().map(|entry| entry.len() + 1).sum();
    if length > LONGEST_BYPASS {
        return Err(Invalid::new(format!(
            "the bypass list has {length} characters, at most {LONGEST_BYPASS} are taken"
        )));
    }
    Ok(entries.into_iter().map(str::to_owned).collect())
}

fn bypass_entry(entry: &str) -> Result<(), Invalid> {
    const EXPECTED: &str = "'<local>', a host, or a pattern such as *.corp.example";
    let refuse = |message: String| Invalid::new(message).expected(EXPECTED);
    if entry.is_empty() {
        return Err(refuse("an entry of the bypass list is empty".to_owned()));
    }
    if entry.contains(',') {
        return Err(refuse(format!("'{entry}' has a comma"))
            .hint("separate the entries by ';', or write a list"));
    }
    if entry.chars().any(char::is_whitespace) {
        return Err(refuse(format!("'{entry}' has a blank")));
    }
    if entry.eq_ignore_ascii_case("<local>") {
        return Ok(());
    }
    if entry.eq_ignore_ascii_case("<-loopback>") {
        return Err(refuse(
            "'<-loopback>' belongs to WinINet and has no effect in WinHTTP".to_owned(),
        )
        .hint("leave it out"));
    }
    let authority = match entry.contains("://") {
        true => split_url(entry).and_then(|url| match url.rest {
            "" => Ok(url.authority),
            rest => Err(refuse(format!(
                "the path '{rest}' has no place in a bypass entry"
            ))),
        })?,
        false => entry,
    };
    let plain = authority.replace('*', "x");
    if let Some((address, port)) = plain
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        if address.parse::<Ipv6Addr>().is_err() {
            return Err(refuse(format!("'{address}' is not an IPv6 address")));
        }
        return match port.strip_prefix(':') {
            Some(port) => check_port(port),
            None if port.is_empty() => Ok(()),
            None => Err(refuse(format!("'{entry}' goes on behind the IPv6 address"))),
        };
    }
    let host = match plain.rsplit_once(':') {
        Some((host, port)) => {
            check_port(port)?;
            host
        }
        None => plain.as_str(),
    };
    check_host(host, &mut Notes::new()).map_err(|error| {
        let message = format!("'{entry}' is not a bypass entry: {}", error.message);
        refuse(message)
    })
}
